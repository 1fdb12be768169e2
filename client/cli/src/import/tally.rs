//! Counts the outcomes of an import's records and reports them.

use super::{
    refusals::{listed, told},
    upload::{Answer, Feed, Item, Role, Unwanted, upload},
};
use crate::{
    failure::Failure,
    place::Place,
    show::output::{Format, Output, remark},
};
use indicatif::{ProgressBar, ProgressStyle};
use kith_client::Outcome;
use kith_core::counted::counted;
use kith_core::limits::OTHERS_MAX;
use kith_core::reason::{self, Reason};
use kith_core::{id::EventId, position::Position};
use kith_import::Refusal;
use std::collections::HashSet;

/// The kind of file imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Lines, each an event.
    Lines,
    /// A list of contacts between people who may have to be added.
    Edges,
}

/// Whether a person or organisation that had to be added first was added by somebody else in the meantime: records that
/// refer to it can be recorded, which is all that matters.
fn is_there_already(answer: &Answer) -> bool {
    let exists = reason::name(Reason::AlreadyExists);
    answer.role != Role::Record && matches!(&answer.result, Err(refusal) if refusal.reason == exists)
}

/// The outcomes of the records so far.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The word for a recorded event: `accepted`, or `queued` in a replica.
    taken: &'static str,
    /// Where the log ended when the import began.
    begun_at: Position,
    /// Records that were answered.
    seen: HashSet<EventId>,
    accepted: u64,
    /// Records that were in the log before the import.
    duplicates: u64,
    /// Records that are repeated in the file.
    repeated: u64,
    people: u64,
    changed: u64,
    organisations: u64,
    retracted: u64,
    /// Changes to people and organisations that the token may not make, and why.
    left_out: Vec<Refusal>,
    /// Rows with one person at both ends.
    pub(crate) skipped: u64,
    /// Messages to more people than an event may name, each recorded as several events.
    pub(crate) split: u64,
    /// Records refused, locally or by the server.
    pub(crate) refusals: Vec<Refusal>,
    progress: ProgressBar,
}

impl Tally {
    /// A new tally for an import of about so many records. The progress bar is shown only on a terminal.
    pub(crate) async fn begin(records: u64, place: &Place) -> Result<Self, Failure> {
        let taken = match place {
            Place::Server(_) => "accepted",
            Place::Replica(_) => "queued",
        };
        Ok(Self::of(records, taken, place.head().await?.position))
    }

    fn of(records: u64, taken: &'static str, begun_at: Position) -> Self {
        let style = "{bar:40} {human_pos}/{human_len} events, {per_sec}, {eta} left";
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            taken,
            begun_at,
            seen: HashSet::new(),
            accepted: 0,
            duplicates: 0,
            repeated: 0,
            people: 0,
            changed: 0,
            organisations: 0,
            retracted: 0,
            left_out: Vec::new(),
            skipped: 0,
            split: 0,
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
            let (id, outcome) = match answer.result {
                Ok(recorded) => recorded,
                Err(refusal) => {
                    self.refusals.push(refusal);
                    continue;
                }
            };
            let is_new = self.is_new(outcome);
            let counter = match answer.role {
                Role::Record if !self.seen.insert(id) => &mut self.repeated,
                Role::Record if is_new => &mut self.accepted,
                Role::Record => &mut self.duplicates,
                Role::Person if is_new => &mut self.people,
                Role::Change if is_new => &mut self.changed,
                Role::Organisation if is_new => &mut self.organisations,
                Role::Retraction if is_new => &mut self.retracted,
                Role::Person | Role::Change | Role::Organisation | Role::Retraction => continue,
            };
            *counter += 1;
        }
    }

    /// Whether the import itself recorded an event: one whose answer was lost is sent again and then found in the log,
    /// after the position where the log ended.
    fn is_new(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Accepted(_) => true,
            Outcome::Duplicate(position) => position > self.begun_at,
        }
    }

    /// Where the log ended when the import began.
    pub(crate) fn begun_at(&self) -> Position {
        self.begun_at
    }

    /// Counts directory changes that are left out: contacts do not need them.
    pub(crate) fn leave_out(&mut self, answer: Answer) {
        self.progress.inc(1);
        self.left_out.extend(answer.result.err());
    }

    /// Adds the counts so far to the reason why the import ended early.
    pub(crate) fn interrupted(&self, why: Failure) -> Failure {
        self.progress.abandon();
        remark(&format!(
            "stopped after {} {}, {} known and {}; import again to continue: nothing is recorded twice",
            self.accepted,
            self.taken,
            self.duplicates + self.repeated,
            counted(self.refusals.len(), "refused record", "refused records")
        ));
        why
    }

    /// Prints all outcomes; fails if anything was refused.
    pub(crate) fn tell(&mut self, output: &mut Output, kind: Kind) -> Result<(), Failure> {
        self.progress.finish_and_clear();
        self.refusals.sort_by_key(|refusal| refusal.spot);
        match output.format() {
            Format::Json => output.json(&self.json(kind))?,
            Format::Table => self.lines(kind).iter().try_for_each(|line| output.line(line))?,
        }
        if self.refusals.is_empty() { Ok(()) } else { Err(Failure::PartlyRefused) }
    }

    /// Number of records read, whatever their outcome.
    pub(crate) fn records(&self) -> u64 {
        self.accepted + self.duplicates + self.repeated + self.skipped + self.refusals.len() as u64
    }

    /// How many occasions were recorded, withdrawn, and known.
    pub(crate) fn occasions(&mut self) -> (u64, u64, u64) {
        self.progress.finish_and_clear();
        (self.accepted, self.retracted, self.duplicates)
    }

    fn json(&self, kind: Kind) -> serde_json::Value {
        let mut answer = serde_json::Map::new();
        let mut put = |name: &str, count: u64| drop(answer.insert(name.to_owned(), count.into()));
        put(self.taken, self.accepted);
        put("duplicates", self.duplicates);
        put("repeated", self.repeated);
        put("refused", self.refusals.len() as u64);
        put("skipped", self.skipped);
        if kind == Kind::Edges {
            put("people_added", self.people);
            put("people_changed", self.changed);
            put("organisations_added", self.organisations);
            put("split", self.split);
            answer.insert("left_out".to_owned(), listed(&self.left_out));
        }
        answer.insert("refusals".to_owned(), listed(&self.refusals));
        serde_json::Value::Object(answer)
    }

    fn lines(&self, kind: Kind) -> Vec<String> {
        let refused = self.refusals.len();
        let mut lines = vec![format!(
            "{} {}, {}, {refused} refused, {} skipped",
            self.accepted,
            self.taken,
            counted(self.duplicates, "duplicate", "duplicates"),
            self.skipped
        )];
        if self.repeated > 0 {
            lines.push(format!("{} repeated in the file, counted once", self.repeated));
        }
        if kind == Kind::Edges {
            lines.push(format!("{} added first", newcomers(self.people, self.organisations)));
            if self.changed > 0 {
                let people = counted(self.changed, "person", "people");
                lines.push(format!("{people} changed, as the list of people says"));
            }
        }
        lines.extend((self.split > 0).then(|| split_in_words(self.split)));
        lines.extend(told(&self.refusals));
        if !self.left_out.is_empty() {
            lines.push(format!("{} left out of what the list says about people:", self.left_out.len()));
            lines.extend(told(&self.left_out));
        }
        lines
    }
}

/// Sends items and passes their answers to `take`.
pub(crate) async fn send(
    place: &Place,
    items: impl Iterator<Item = Item> + Send + 'static,
    tally: &mut Tally,
    mut take: impl FnMut(&mut Tally, Vec<Answer>),
) -> Result<(), Failure> {
    let prepare = move |feed: &mut Feed| {
        let mut items = items;
        // If the upload failed, nothing receives records any more: the upload reports why.
        let _unwanted: Result<(), Unwanted> = items.try_for_each(|item| feed.push(item));
        Ok(())
    };
    let take = |answers| {
        take(tally, answers);
        Ok(())
    };
    let sent = upload(place, prepare, take).await;
    sent.map_err(|why| tally.interrupted(why))
}

/// What became of messages to more people than an event may name, in words.
pub(super) fn split_in_words(messages: u64) -> String {
    let messages = counted(messages, "message", "messages");
    format!("{messages} to more than {OTHERS_MAX} people: each is several events, as if it were several messages")
}

/// People and organisations that are added before the contacts between them, in words.
pub(super) fn newcomers(people: u64, organisations: u64) -> String {
    let people = counted(people, "person", "people");
    format!("{people} and {}", counted(organisations, "organisation", "organisations"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_import::Spot;
    use kith_json::derived::event_id;
    use serde_json::json;

    fn spot(number: u64) -> Spot {
        Spot::new(number, number)
    }

    fn refusal(record: u64) -> Refusal {
        Refusal { spot: spot(record), reason: "EVENT_INVALID", field: "event.met".into(), message: "is wrong".into() }
    }

    const BEGUN_AT: Position = Position::new(10);

    /// An answer about a record of its own.
    fn answer(record: u64, role: Role, result: Result<Outcome, Refusal>) -> Answer {
        Answer {
            spot: spot(record),
            role,
            result: result.map(|outcome| (event_id(&[0; 32], u32::try_from(record).unwrap()), outcome)),
        }
    }

    fn tally() -> Tally {
        let (new, known) = (Outcome::Accepted(Position::new(11)), Outcome::Duplicate(Position::new(1)));
        let mut tally = Tally::of(6, "accepted", BEGUN_AT);
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
        assert!(shown.starts_with(
            r#"{"accepted":1,"duplicates":1,"repeated":0,"refused":2,"skipped":0,"refusals":[{"record":17,"#
        ));
        let edges = tally().json(Kind::Edges);
        assert_eq!((&edges["people_added"], &edges["organisations_added"]), (&json!(2), &json!(1)));
        let lines = Tally { split: 2, ..tally() }.lines(Kind::Edges);
        assert!(lines[2].starts_with("2 messages to more than 63 people"), "{lines:?}");
        assert_eq!(lines[3], "line 17: EVENT_INVALID is wrong");
    }

    #[test]
    fn what_the_file_holds_again_is_counted_apart_from_what_was_there_before() {
        let mut tally = Tally::of(4, "accepted", BEGUN_AT);
        let (new, again) = (Outcome::Accepted(Position::new(11)), Outcome::Duplicate(Position::new(11)));
        let before = Outcome::Duplicate(Position::new(3));
        tally.count(vec![answer(1, Role::Record, Ok(new)), answer(2, Role::Record, Ok(before))]);
        tally.count(vec![answer(1, Role::Record, Ok(again)), answer(2, Role::Record, Ok(before))]);
        assert_eq!((tally.accepted, tally.duplicates, tally.repeated), (1, 1, 2));
        assert_eq!(tally.lines(Kind::Lines)[1], "2 repeated in the file, counted once");
    }

    #[test]
    fn what_was_sent_again_over_a_bad_connection_counts_as_recorded() {
        let mut tally = Tally::of(2, "accepted", BEGUN_AT);
        let lost = Outcome::Duplicate(BEGUN_AT.next());
        tally.count(vec![answer(1, Role::Record, Ok(lost)), answer(1, Role::Person, Ok(lost))]);
        tally.count(vec![answer(2, Role::Record, Ok(Outcome::Duplicate(BEGUN_AT)))]);
        assert_eq!((tally.accepted, tally.people, tally.duplicates), (1, 1, 1));
    }
}
