//! `kith import`: a whole file of events at full speed. Importing a file twice adds nothing.

use super::{
    import_calendar::{self, CalendarArgs},
    import_contacts::{self, ContactsArgs},
    import_edges::{self, EdgesArgs},
    import_mail::{self, MailArgs},
    record::{Flush, feed_lines, item},
};
use crate::{
    context::Context,
    failure::Failure,
    import::{
        preview::Preview,
        tally::{Kind, Tally},
        upload::{Feed, Item, upload},
    },
    input::files::{Lines, Rereadable},
    place::lookalikes,
    show::output::remark,
};
use clap::{Args, Subcommand};
use kith_json::derived::{Derived, FileDigest, digest_of};
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Import events from a file; importing it twice adds nothing
///
/// The file contains JSON lines as for `kith record`; it may be compressed with gzip. Missing ids and salts are derived
/// from the contents of the lines, so that they are the same every time. Refused lines are listed by line number, and
/// the others recorded.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  kith import events.jsonl --dry-run\n  kith import events.jsonl\n  \
                  kith import edges contacts.dat --columns time,from,to --epoch 2010-12-06T13:00:00Z --unit s \
                  --as met --join 40s\n  kith import contacts phone.vcf --dry-run\n  kith import calendar work.ics --me amina --dry-run"
)]
pub(crate) struct ImportArgs {
    /// The file of JSON lines; - for standard input
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Record nothing: show the first ten records as they would be recorded, how many there are, and which are refused
    #[arg(long)]
    dry_run: bool,
    #[command(subcommand)]
    list: Option<ListCommand>,
}

#[derive(Debug, Subcommand)]
enum ListCommand {
    Calendar(Box<CalendarArgs>),
    Contacts(Box<ContactsArgs>),
    Edges(EdgesArgs),
    Mail(Box<MailArgs>),
}

pub(crate) async fn run(context: &mut Context, args: ImportArgs) -> Result<(), Failure> {
    match (args.list, args.file) {
        (Some(ListCommand::Calendar(calendar)), _) => import_calendar::run(context, &calendar).await,
        (Some(ListCommand::Mail(mail)), _) => import_mail::run(context, &mail).await,
        (Some(ListCommand::Contacts(contacts)), _) => import_contacts::run(context, *contacts).await,
        (Some(ListCommand::Edges(edges)), _) => import_edges::run(context, edges).await,
        (None, Some(file)) => import_lines(context, file, args.dry_run).await,
        (None, None) => Err(Failure::Usage("a file is needed: kith import FILE".to_owned())),
    }
}

async fn import_lines(context: &mut Context, path: PathBuf, is_dry_run: bool) -> Result<(), Failure> {
    let mut source = Rereadable::open(&path)?;
    let Survey { file, bytes, lines: records } = survey(&mut source, &path)?;
    let lines = Lines::new(source.again(&path)?);
    let mut missing = Derived::of(file);
    if is_dry_run {
        return preview(context, lines, &path, &mut missing).await;
    }
    let prepare = move |feed: &mut Feed| feed_lines(lines, &path, &mut missing, feed, Flush::WhenFull);
    let mut tally = Tally::begin(records, &context.place).await?;
    let take = |answers| {
        tally.count(answers);
        Ok(())
    };
    upload(&context.place, prepare, take).await.map_err(|why| tally.interrupted(why))?;
    let told = tally.tell(&mut context.output, Kind::Lines);
    if bytes > 0 && tally.records() == 0 {
        remark("the file contains no records: all of its lines are blank");
    }
    lookalikes::tell(&context.place, tally.begun_at()).await;
    told
}

/// Shows what would be recorded.
async fn preview(context: &mut Context, mut lines: Lines, path: &Path, missing: &mut Derived) -> Result<(), Failure> {
    let mut preview = Preview::default();
    while let Some(line) = lines.next_line().map_err(|error| Failure::file("read", path, error))? {
        let Item { spot, event, .. } = item(line, missing);
        preview.add(spot, event);
    }
    preview.tell(&context.place, &mut context.output, Kind::Lines).await
}

/// What is known about a file before its records are read.
struct Survey {
    file: FileDigest,
    bytes: u64,
    /// About how many records it contains.
    lines: u64,
}

fn survey(source: &mut Rereadable, path: &Path) -> Result<Survey, Failure> {
    let mut counted = Counted { inner: source.again(path)?, bytes: 0, lines: 0 };
    let file = digest_of(&mut counted).map_err(|error| Failure::file("read", path, error))?;
    Ok(Survey { file, bytes: counted.bytes, lines: counted.lines })
}

/// Counts the bytes and line ends that pass through.
struct Counted<R> {
    inner: R,
    bytes: u64,
    lines: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bytes += count as u64;
        self.lines += buffer[..count].split(|byte| *byte == b'\n').count() as u64 - 1;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_on_the_way() {
        let mut counted = Counted { inner: b"a\nb\n\nc".as_slice(), bytes: 0, lines: 0 };
        assert_eq!(digest_of(&mut counted).unwrap(), digest_of(b"a\nb\n\nc".as_slice()).unwrap());
        assert_eq!((counted.lines, counted.bytes), (3, 6));
    }
}
