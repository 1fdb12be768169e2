//! `kith import`: a whole file of events at full speed. Importing a file twice adds nothing.

use super::{
    import_edges::{self, EdgesArgs},
    record::{Flush, feed_lines},
};
use crate::{
    context::Context,
    derive::{FileDigest, Repeats, digest_of},
    failure::{Failure, Refusal},
    input::{Lines, Rereadable},
    output::{Output, remark},
    place::Place,
    record::Missing,
    settings::Format,
    upload::{Answer, Feed, Role, upload},
};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kith_client::{Outcome, Reason, reason_name};
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Refusals that are told to people one by one.
const REFUSALS_TOLD_MAX: usize = 20;

/// Import events from a file; importing it twice adds nothing
///
/// The file holds JSON lines as `kith record` takes them; it may be packed with gzip. Missing ids and salts follow from
/// what the lines say, so that they are the same every time.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  kith import events.jsonl\n  kith import edges contacts.dat --columns time,from,to --epoch \
                  2010-12-06T13:00:00Z --unit s --as met --join 40s"
)]
pub(crate) struct ImportArgs {
    /// The file of JSON lines; - is the standard input
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
    let mut missing = Missing::Derived { file, repeats: Repeats::default() };
    let prepare = move |feed: &mut Feed| feed_lines(lines, &path, &mut missing, feed, Flush::WhenFull);
    let mut tally = Tally::new(records, &context.place);
    let take = |answers| {
        tally.count(answers);
        Ok(())
    };
    upload(&context.place, prepare, take).await.map_err(|why| tally.interrupted(why))?;
    tally.tell(&mut context.output, Kind::Lines)?;
    if bytes > 0 && tally.records() == 0 {
        remark("the file holds no record: all of its lines are blank");
    }
    Ok(())
}

/// What a file is, before its records are read.
struct Survey {
    file: FileDigest,
    bytes: u64,
    /// About how many records it holds.
    lines: u64,
}

fn survey(source: &mut Rereadable, path: &Path) -> Result<Survey, Failure> {
    let mut counted = Counted { inner: source.again(path)?, bytes: 0, lines: 0 };
    let file = digest_of(&mut counted).map_err(|error| Failure::file("read", path, error))?;
    Ok(Survey { file, bytes: counted.bytes, lines: counted.lines })
}

/// Counts bytes and line ends on their way through.
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

/// What was imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lines, each an event.
    Lines,
    /// A list of contacts between people who may have to be added.
    Edges,
}

/// Whether somebody or something that had to be added first was added by somebody else meanwhile: records that name it
/// can be recorded, which is all that was wanted.
fn is_there_already(answer: &Answer) -> bool {
    let exists = reason_name(Reason::AlreadyExists);
    answer.role != Role::Record && matches!(&answer.result, Err(refusal) if refusal.reason == exists)
}

/// What became of the records so far.
#[derive(Debug)]
pub(crate) struct Tally {
    /// What is said of a record that was taken: `accepted`, or `queued` in a replica.
    taken: &'static str,
    accepted: u64,
    duplicates: u64,
    people: u64,
    changed: u64,
    organisations: u64,
    /// What the token may not do to people and organisations, and why.
    left_out: Vec<Refusal>,
    /// Rows that say nothing.
    pub(crate) skipped: u64,
    /// What was refused, here or by the server.
    pub(crate) refusals: Vec<Refusal>,
    progress: ProgressBar,
}

impl Tally {
    /// Nothing yet, of so many on their way to a place. The bar shows only on a terminal.
    pub(crate) fn new(records: u64, place: &Place) -> Self {
        let taken = match place {
            Place::Server(_) => "accepted",
            Place::Replica(_) => "queued",
        };
        Self::of(records, taken)
    }

    fn of(records: u64, taken: &'static str) -> Self {
        let style = "{bar:40} {human_pos}/{human_len} events, {per_sec}, {eta} left";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            taken,
            accepted: 0,
            duplicates: 0,
            people: 0,
            changed: 0,
            organisations: 0,
            left_out: Vec::new(),
            skipped: 0,
            refusals: Vec::new(),
            progress: ProgressBar::new(records).with_style(style),
        }
    }

    /// Counts answers.
    pub(crate) fn count(&mut self, answers: Vec<Answer>) {
        self.progress.inc(answers.len() as u64);
        for answer in answers {
            if is_there_already(&answer) {
                continue;
            }
            let counter = match (answer.result, answer.role) {
                (Err(refusal), _) => {
                    self.refusals.push(refusal);
                    continue;
                }
                (Ok((_, Outcome::Duplicate(_))), Role::Record) => &mut self.duplicates,
                (Ok((_, Outcome::Accepted(_))), Role::Record) => &mut self.accepted,
                (Ok((_, Outcome::Accepted(_))), Role::Person) => &mut self.people,
                (Ok((_, Outcome::Accepted(_))), Role::Change) => &mut self.changed,
                (Ok((_, Outcome::Accepted(_))), Role::Organisation) => &mut self.organisations,
                (Ok((_, Outcome::Duplicate(_))), Role::Person | Role::Change | Role::Organisation) => continue,
            };
            *counter += 1;
        }
    }

    /// Counts what is left out of the directory: contacts do not need it.
    pub(crate) fn leave_out(&mut self, answer: Answer) {
        self.progress.inc(1);
        self.left_out.extend(answer.result.err());
    }

    /// Puts the counts so far beside why the import ended early.
    pub(crate) fn interrupted(&self, why: Failure) -> Failure {
        self.progress.abandon();
        let (accepted, duplicates) = (self.accepted, self.duplicates);
        crate::output::remark(&format!(
            "stopped after {accepted} {} and {duplicates} known records; import again to go on: nothing is \
             recorded twice",
            self.taken
        ));
        why
    }

    /// Says what became of everything; fails if anything was refused.
    pub(crate) fn tell(&mut self, output: &mut Output, kind: Kind) -> Result<(), Failure> {
        self.progress.finish_and_clear();
        self.refusals.sort_by_key(|refusal| refusal.record);
        match output.format() {
            Format::Json => output.json(&self.json(kind))?,
            Format::Table => self.lines(kind).iter().try_for_each(|line| output.line(line))?,
        }
        if self.refusals.is_empty() { Ok(()) } else { Err(Failure::PartlyRefused) }
    }

    /// Records that were read, whatever became of them.
    fn records(&self) -> u64 {
        self.accepted + self.duplicates + self.skipped + self.refusals.len() as u64
    }

    fn json(&self, kind: Kind) -> serde_json::Value {
        let mut answer = serde_json::Map::new();
        let mut put = |name: &str, count: u64| drop(answer.insert(name.to_owned(), count.into()));
        put(self.taken, self.accepted);
        put("duplicates", self.duplicates);
        put("refused", self.refusals.len() as u64);
        put("skipped", self.skipped);
        if kind == Kind::Edges {
            put("people_added", self.people);
            put("people_changed", self.changed);
            put("organisations_added", self.organisations);
            answer.insert("left_out".to_owned(), listed(&self.left_out));
        }
        answer.insert("refusals".to_owned(), listed(&self.refusals));
        serde_json::Value::Object(answer)
    }

    fn lines(&self, kind: Kind) -> Vec<String> {
        let refused = self.refusals.len();
        let mut lines = vec![format!(
            "{} {}, {} duplicates, {refused} refused, {} skipped",
            self.accepted, self.taken, self.duplicates, self.skipped
        )];
        if kind == Kind::Edges {
            lines.push(format!("{} people and {} organisations added first", self.people, self.organisations));
            if self.changed > 0 {
                lines.push(format!("{} people changed, as the list of people says", self.changed));
            }
        }
        lines.extend(told("record", &self.refusals));
        if !self.left_out.is_empty() {
            lines.push(format!("{} left out of what the list says of people:", self.left_out.len()));
            lines.extend(told("person", &self.left_out));
        }
        lines
    }
}

/// For programs.
fn listed(refusals: &[Refusal]) -> serde_json::Value {
    refusals.iter().map(Refusal::to_json).collect()
}

/// The first refusals, a line each.
fn told(what: &str, refusals: &[Refusal]) -> Vec<String> {
    let line = |refusal: &Refusal| format!("{what} {}: {} {}", refusal.record, refusal.reason, refusal.message);
    let mut lines: Vec<_> = refusals.iter().take(REFUSALS_TOLD_MAX).map(line).collect();
    if refusals.len() > REFUSALS_TOLD_MAX {
        lines.push(format!("and {} more: see -o json", refusals.len() - REFUSALS_TOLD_MAX));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{id::EventId, position::Position};
    use serde_json::json;

    fn refusal(record: u64) -> Refusal {
        Refusal { record, reason: "EVENT_INVALID", field: "event.met".into(), message: "is wrong".into() }
    }

    fn tally() -> Tally {
        let id: EventId = "019d0000-0000-7000-8000-000000000000".parse().unwrap();
        let (new, known) = (Outcome::Accepted(Position::new(1)), Outcome::Duplicate(Position::new(1)));
        let answer = |record, role, result: Result<Outcome, Refusal>| Answer {
            record,
            role,
            result: result.map(|outcome| (id, outcome)),
        };
        let mut tally = Tally::of(6, "accepted");
        tally.count(vec![
            answer(1, Role::Organisation, Ok(new)),
            answer(1, Role::Person, Ok(new)),
            answer(2, Role::Person, Ok(new)),
            answer(2, Role::Person, Err(Refusal { reason: "ALREADY_EXISTS", ..refusal(2) })),
            answer(17, Role::Record, Err(refusal(17))),
            answer(1, Role::Record, Ok(new)),
            answer(2, Role::Record, Ok(known)),
            answer(3, Role::Record, Err(refusal(3))),
        ]);
        tally
    }

    #[test]
    fn counts_as_documented() {
        let shown = tally().json(Kind::Lines).to_string();
        assert!(shown.starts_with(r#"{"accepted":1,"duplicates":1,"refused":2,"skipped":0,"refusals":[{"record":17,"#));
        let edges = tally().json(Kind::Edges);
        assert_eq!((&edges["people_added"], &edges["organisations_added"]), (&json!(2), &json!(1)));
    }

    #[test]
    fn people_are_told_the_first_refusals() {
        let mut tally = tally();
        tally.refusals = (1..=25).map(refusal).collect();
        let lines = tally.lines(Kind::Lines);
        assert_eq!(lines.len(), 1 + REFUSALS_TOLD_MAX + 1);
        assert_eq!(lines[1], "record 1: EVENT_INVALID is wrong");
    }

    #[test]
    fn lines_are_counted_on_the_way() {
        let mut counted = Counted { inner: b"a\nb\n\nc".as_slice(), bytes: 0, lines: 0 };
        assert_eq!(digest_of(&mut counted).unwrap(), digest_of(b"a\nb\n\nc".as_slice()).unwrap());
        assert_eq!((counted.lines, counted.bytes), (3, 6));
    }
}
