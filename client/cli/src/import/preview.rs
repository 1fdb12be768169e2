//! Shows what an import would record, and records nothing.

use super::{
    refusals::{listed, told},
    tally::{Kind, newcomers, split_in_words},
};
use crate::{
    failure::Failure,
    limits,
    place::Place,
    show::{
        output::{Column, Format, Output},
        sentences::sentence,
    },
};
use kith_client::NewEvent;
use kith_core::counted::counted;
use kith_core::id::{EventId, OrganisationId};
use kith_import::{Refusal, Spot};
use kith_json::{details_json, event_json, time_text};
use serde_json::{Value, json};
use std::collections::HashSet;

/// What an import would record.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    /// The first events, as they would be recorded.
    first: Vec<(Spot, NewEvent)>,
    /// All events of records.
    seen: HashSet<EventId>,
    /// Records that are repeated in the file.
    repeated: u64,
    besides: Besides,
}

/// What is known about an import besides the events of its records.
#[derive(Debug, Default)]
pub(crate) struct Besides {
    /// Rows with one person at both ends.
    pub(crate) skipped: u64,
    /// Messages to more people than an event may name.
    pub(crate) split: u64,
    /// People who would be added.
    pub(crate) people: usize,
    /// People who would be changed, each with what they would become.
    pub(crate) changes: Vec<String>,
    /// Organisations that would be added.
    pub(crate) organisations: Vec<OrganisationId>,
    /// Records that would be refused, as far as can be known without asking the server.
    pub(crate) refusals: Vec<Refusal>,
}

impl Preview {
    /// Starts without any records.
    pub(crate) fn new(besides: Besides) -> Self {
        Self { besides, ..Self::default() }
    }

    /// Adds a record's event, or why there is none.
    pub(crate) fn add(&mut self, spot: Spot, event: Result<NewEvent, Refusal>) {
        match event {
            Ok(event) if !self.seen.insert(event.id()) => self.repeated += 1,
            Ok(event) if self.first.len() < limits::RECORDS_PREVIEWED_MAX => self.first.push((spot, event)),
            Ok(_) => {}
            Err(refusal) => self.besides.refusals.push(refusal),
        }
    }

    /// Prints everything; fails if anything would be refused.
    pub(crate) async fn tell(&mut self, place: &Place, output: &mut Output, kind: Kind) -> Result<(), Failure> {
        self.besides.refusals.sort_by_key(|refusal| refusal.spot);
        let positions = self.positions(place).await?;
        match output.format() {
            Format::Json => output.json(&self.json(kind, &positions))?,
            Format::Table => {
                self.table(place, output, &positions).await?;
                self.lines(kind).iter().try_for_each(|line| output.line(line))?;
            }
        }
        if self.besides.refusals.is_empty() { Ok(()) } else { Err(Failure::PartlyRefused) }
    }

    /// Prints the first events alone.
    pub(crate) async fn tell_first(&self, place: &Place, output: &mut Output) -> Result<(), Failure> {
        let positions = self.positions(place).await?;
        self.table(place, output, &positions).await
    }

    /// Where the first events are in the log already.
    async fn positions(&self, place: &Place) -> Result<Vec<Option<u64>>, Failure> {
        let mut positions = Vec::with_capacity(self.first.len());
        for (_, event) in &self.first {
            positions.push(place.find_recorded(&event.id()).await?.map(|recorded| recorded.entry.position.get()));
        }
        Ok(positions)
    }

    fn json(&self, kind: Kind, positions: &[Option<u64>]) -> Value {
        let records = self.first.iter().zip(positions).map(|((spot, event), position)| {
            let mut record = spot.fields();
            record.insert("position".to_owned(), json!(position));
            record.insert("event".to_owned(), event_json(event.event()));
            record.insert("details".to_owned(), details_json(event.details()));
            Value::Object(record)
        });
        let mut answer = serde_json::Map::from_iter([
            ("dry_run".to_owned(), true.into()),
            ("to_record".to_owned(), self.seen.len().into()),
            ("repeated".to_owned(), self.repeated.into()),
            ("refused".to_owned(), self.besides.refusals.len().into()),
            ("skipped".to_owned(), self.besides.skipped.into()),
        ]);
        if kind == Kind::Edges {
            answer.insert("people_to_add".to_owned(), self.besides.people.into());
            answer.insert("people_to_change".to_owned(), self.besides.changes.len().into());
            answer.insert("changes".to_owned(), json!(self.besides.changes));
            answer.insert(
                "organisations_to_add".to_owned(),
                json!(self.besides.organisations.iter().map(OrganisationId::as_str).collect::<Vec<_>>()),
            );
            answer.insert("split".to_owned(), self.besides.split.into());
        }
        answer.insert("records".to_owned(), records.collect());
        answer.insert("refusals".to_owned(), listed(&self.besides.refusals));
        Value::Object(answer)
    }

    /// The first events.
    async fn table(&self, place: &Place, output: &mut Output, positions: &[Option<u64>]) -> Result<(), Failure> {
        if self.first.is_empty() {
            return Ok(());
        }
        let names = place.names().await?;
        let columns = [
            Column::number("line"),
            Column::text("happened"),
            Column::text("kind"),
            Column::text("what"),
            Column::text("state"),
        ];
        let rows = self.first.iter().zip(positions).map(|((spot, event), position)| {
            let event = event.event();
            vec![
                spot.line.to_string(),
                time_text(event.occurred_at),
                event.kind().to_string(),
                sentence(event, &names),
                position.map_or("new".to_owned(), |position| format!("already at position {position}")),
            ]
        });
        output.table(&columns, rows.collect())
    }

    fn lines(&self, kind: Kind) -> Vec<String> {
        let mut lines = vec![format!(
            "nothing was recorded; {} to record, {} refused, {} skipped",
            self.seen.len(),
            self.besides.refusals.len(),
            self.besides.skipped
        )];
        if self.repeated > 0 {
            lines.push(format!("{} repeated in the file, counted once", self.repeated));
        }
        if kind == Kind::Edges {
            let organisations = self.besides.organisations.len();
            let named = first_of(self.besides.organisations.iter().map(OrganisationId::as_str));
            let people = self.besides.people;
            lines.push(format!("{} to add first{named}", newcomers(people as u64, organisations as u64)));
            let changes = &self.besides.changes;
            if !changes.is_empty() {
                let named = first_of(changes.iter().map(String::as_str));
                let people = counted(changes.len(), "person", "people");
                lines.push(format!("{people} to change, as the list of people says{named}"));
            }
            if organisations > 0 || !changes.is_empty() {
                lines.push("what the token may not add or change is left out then, and listed".to_owned());
            }
        }
        lines.extend((self.besides.split > 0).then(|| split_in_words(self.besides.split)));
        lines.extend(told(&self.besides.refusals));
        lines
    }
}

/// The first of several, after a colon; nothing if there are none.
fn first_of<'t>(all: impl Iterator<Item = &'t str>) -> String {
    let mut shown: Vec<&str> = all.take(limits::PREVIEWED_TOLD_MAX + 1).collect();
    if let Some(last) = shown.get_mut(limits::PREVIEWED_TOLD_MAX) {
        *last = "...";
    }
    if shown.is_empty() { String::new() } else { format!(": {}", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::EventBuilder;
    use kith_core::{
        event::{Fact, Habit, Met},
        timestamp::Timestamp,
    };

    fn met(second: i64) -> NewEvent {
        let people = vec!["a".parse().unwrap(), "b".parse().unwrap()];
        EventBuilder::new(Fact::Habit(Habit::Met(Met { people })), Timestamp::from_millis(second * 1_000))
            .build()
            .unwrap()
    }

    #[test]
    fn the_first_records_are_shown_and_all_are_counted() {
        let mut preview = Preview::new(Besides {
            organisations: vec!["ward".parse().unwrap()],
            people: 2,
            changes: (1..=12).map(|number| format!("p{number} to ward")).collect(),
            ..Besides::default()
        });
        let events: Vec<_> = (1..=12).map(met).collect();
        for (number, event) in (1..).zip(&events) {
            preview.add(Spot::new(number, number), Ok(event.clone()));
        }
        preview.add(Spot::new(13, 13), Ok(events[0].clone()));
        let refusal = Refusal {
            spot: Spot::new(14, 14),
            reason: "EVENT_INVALID",
            field: String::new(),
            message: "is wrong".into(),
        };
        preview.add(refusal.spot, Err(refusal));
        let shown = preview.json(Kind::Edges, &[Some(7), None]);
        assert_eq!((&shown["to_record"], &shown["repeated"], &shown["refused"]), (&json!(12), &json!(1), &json!(1)));
        assert_eq!((&shown["records"][0]["position"], &shown["records"][0]["line"]), (&json!(7), &json!(1)));
        assert_eq!(shown["records"][0]["event"]["met"]["people"], json!(["a", "b"]));
        assert_eq!(preview.first.len(), limits::RECORDS_PREVIEWED_MAX);
        let expected = [
            "nothing was recorded; 12 to record, 1 refused, 0 skipped",
            "1 repeated in the file, counted once",
            "2 people and 1 organisation to add first: ward",
            "12 people to change, as the list of people says: p1 to ward, p2 to ward, p3 to ward, p4 to ward, \
             p5 to ward, p6 to ward, p7 to ward, p8 to ward, p9 to ward, p10 to ward, ...",
            "what the token may not add or change is left out then, and listed",
            "line 14: EVENT_INVALID is wrong",
        ];
        assert_eq!(preview.lines(Kind::Edges), expected);
    }
}
