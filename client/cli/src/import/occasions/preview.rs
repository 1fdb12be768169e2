//! Shows what an import of occasions would record and withdraw, and what it leaves alone.

use super::sending::Sent;
use crate::{
    failure::Failure,
    import::{
        preview::{Besides, Preview as Records},
        refusals::{listed, told},
    },
    limits::PREVIEWED_TOLD_MAX,
    place::Place,
    show::{
        amounts::{amount, grouped},
        output::Output,
    },
};
use kith_import::{
    Refusal,
    addresses::Strangers,
    occasions::{Open, Plan},
};
use serde_json::{Map, Value, json};

/// What the occasions of a file are called: one, and several.
pub(crate) type Noun = (&'static str, &'static str);

/// What an import of occasions would do.
pub(crate) struct Preview<'p> {
    pub(crate) plan: &'p Plan,
    pub(crate) noun: Noun,
    /// What is left out, each with its name.
    pub(crate) passed: Vec<(&'static str, u64)>,
    pub(crate) strangers: &'p Strangers,
    /// Records that are refused, those that cannot be recorded among them.
    pub(crate) refusals: Vec<Refusal>,
}

impl Preview<'_> {
    /// Prints it for people: the first events, and what there is besides.
    pub(crate) async fn tell(&self, place: &Place, output: &mut Output) -> Result<(), Failure> {
        let mut records = Records::new(Besides::default());
        for record in &self.plan.records {
            records.add(record.spot, record.event.clone());
        }
        records.tell_first(place, output).await?;
        self.lines().iter().try_for_each(|line| output.line(line))
    }

    fn lines(&self) -> Vec<String> {
        let Plan { records, withdrawals, open, known, repeated } = self.plan;
        let changed = records.len() - self.plan.new_count();
        let all = records.len() as u64 + known;
        let mut heading = format!(
            "{}: {} new, {} changed, {} known",
            amount(all, self.noun.0, self.noun.1),
            grouped(self.plan.new_count() as u64),
            grouped(changed as u64),
            grouped(*known)
        );
        let gone = withdrawals.len().saturating_sub(changed);
        if gone > 0 {
            heading = format!("{heading}, {} to withdraw", grouped(gone as u64));
        }
        let passed: Vec<String> = self
            .passed
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{} {name}", grouped(*count)))
            .collect();
        if !passed.is_empty() {
            heading = format!("{heading} · left out: {}", passed.join(", "));
        }
        let mut lines = vec![heading];
        if *repeated > 0 {
            lines.push(format!("{} repeated in the file, counted once", grouped(*repeated)));
        }
        if !self.strangers.is_empty() {
            let first = self.strangers.by_count().into_iter().take(PREVIEWED_TOLD_MAX);
            let mut first: Vec<String> = first.map(|(address, count)| format!("{address} ({count})")).collect();
            if self.strangers.len() > first.len() {
                first.push("...".to_owned());
            }
            let count = amount(self.strangers.len() as u64, "address is", "addresses are");
            lines.push(format!(
                "{count} nobody's here, and left out: {} (kith import contacts adds people)",
                first.join(", ")
            ));
        }
        if !open.is_empty() {
            lines.push(format!("{} as they are:", amount(open.len() as u64, "entry stays", "entries stay")));
            lines.extend(open.iter().take(PREVIEWED_TOLD_MAX).map(open_line));
            lines.extend((open.len() > PREVIEWED_TOLD_MAX).then(|| "...".to_owned()));
        }
        lines.extend(told(&self.refusals));
        lines
    }

    /// Everything as JSON: with what was recorded, if anything was, and all refusals.
    pub(crate) fn json(&self, sent: Option<&Sent>, is_dry_run: bool, refusals: &[Refusal]) -> Value {
        let Plan { records, withdrawals, open, known, repeated } = self.plan;
        let new = self.plan.new_count();
        let name = |name: &str| name.replace([' ', '-'], "_");
        let passed: Map<String, Value> =
            self.passed.iter().map(|(what, count)| (name(what), (*count).into())).collect();
        let strangers = self.strangers.by_count();
        let mut answer = Map::from_iter([
            ("dry_run".to_owned(), is_dry_run.into()),
            ("sent".to_owned(), sent.is_some().into()),
            ("new".to_owned(), new.into()),
            ("changed".to_owned(), (records.len() - new).into()),
            ("to_retract".to_owned(), withdrawals.len().into()),
            ("known".to_owned(), (*known).into()),
            ("repeated".to_owned(), (*repeated).into()),
            ("left_out".to_owned(), passed.into()),
            (
                "unknown_addresses".to_owned(),
                strangers.iter().map(|(address, count)| json!({ "address": address, "records": count })).collect(),
            ),
            ("open".to_owned(), open.iter().map(open_json).collect()),
        ]);
        if let Some(sent) = sent {
            answer.insert("recorded".to_owned(), sent.recorded.into());
            answer.insert("retracted".to_owned(), sent.withdrawn.into());
        }
        answer.insert("refused".to_owned(), refusals.len().into());
        answer.insert("refusals".to_owned(), listed(refusals));
        Value::Object(answer)
    }
}

fn open_line(open: &Open) -> String {
    let Open { spot, position, why } = open;
    let place = position.map_or("in the outbox".to_owned(), |position| format!("position {position}"));
    format!("{spot}, {place}: {why}")
}

fn open_json(open: &Open) -> Value {
    let mut answer = open.spot.fields();
    answer.insert("position".to_owned(), json!(open.position.map(kith_core::position::Position::get)));
    answer.insert("why".to_owned(), open.why.into());
    Value::Object(answer)
}

/// What was recorded, as a sentence.
pub(crate) fn sentence(sent: &Sent, place: &Place) -> String {
    let taken = match place {
        Place::Server(_) => "recorded",
        Place::Replica(_) => "queued",
    };
    let known = if sent.known > 0 { format!(", {} known", grouped(sent.known)) } else { String::new() };
    format!("{} {taken}, {} retracted{known}", grouped(sent.recorded), grouped(sent.withdrawn))
}
