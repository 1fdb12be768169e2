//! `kith import`: a whole file of events at full speed. Importing a file twice adds nothing.

use super::{
    import_edges::{self, EdgesArgs},
    record::{Flush, feed_lines},
};
use crate::{
    context::Context,
    failure::Failure,
    import::{
        tally::{Kind, Tally},
        upload::{Feed, upload},
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
/// from the contents of the lines, so that they are the same every time.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  kith import events.jsonl\n  kith import edges contacts.dat --columns time,from,to --epoch \
                  2010-12-06T13:00:00Z --unit s --as met --join 40s"
)]
pub(crate) struct ImportArgs {
    /// The file of JSON lines; - for standard input
    #[arg(required = true)]
    file: Option<PathBuf>,
    #[command(subcommand)]
    list: Option<ListCommand>,
}

#[derive(Debug, Subcommand)]
enum ListCommand {
    Edges(EdgesArgs),
}

pub(crate) async fn run(context: &mut Context, args: ImportArgs) -> Result<(), Failure> {
    match (args.list, args.file) {
        (Some(ListCommand::Edges(edges)), _) => import_edges::run(context, edges).await,
        (None, Some(file)) => import_lines(context, file).await,
        (None, None) => Err(Failure::Usage("a file is needed: kith import FILE".to_owned())),
    }
}

async fn import_lines(context: &mut Context, path: PathBuf) -> Result<(), Failure> {
    let mut source = Rereadable::open(&path)?;
    let Survey { file, bytes, lines: records } = survey(&mut source, &path)?;
    let lines = Lines::new(source.again(&path)?);
    let mut missing = Derived::of(file);
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
