//! The built-in view `follow_ups`: one row per meeting of two people, with what came after it.
//!
//! A meeting is followed up by the first `met`, `followed_up`, `helped` or `referred` between the two
//! that happened later. It is due a number of days after the meeting.
//!
//! | state | when |
//! |---|---|
//! | `open` | not followed up, and the due day is not over |
//! | `late` | not followed up, and the due day is over |
//! | `done` | followed up, in time or not |
//!
//! The newest 1,000 meetings of a pair are kept. Invariant: events of the same millisecond do not
//! follow up each other, so a row does not depend on the order of arrival.

mod state;

use kith_plugin_sdk::{Day, Event, Fault, Field, FieldType, Key, KeyBy, Manifest, Position, Route, Row, Value, View};
use serde::Deserialize;

use crate::state::Meeting;
pub use crate::state::Meetings;

/// The settings of the view.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Days after a meeting within which a follow-up is due: 1 to 365.
    pub due_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { due_days: 7 }
    }
}

/// The view, configured.
#[derive(Debug)]
pub struct FollowUps {
    due_days: i32,
}

kith_plugin_sdk::export!(FollowUps);

impl View for FollowUps {
    type Settings = Settings;
    type State = Meetings;

    const MANIFEST: Manifest = Manifest {
        name: "follow_ups",
        version: "1.0.0",
        state_version: 1,
        routes: &[by_pair("met"), by_pair("followed_up"), by_pair("helped"), by_pair("referred")],
        fields: &[
            column("due_on", FieldType::Day, "the last day on which a follow-up is in time"),
            column("days_late", FieldType::Integer, "days past due so far; none once it is followed up"),
            column("state", FieldType::Text, "open, late or done"),
            column("latency", FieldType::Integer, "days from the meeting to the follow-up"),
            column("met_on", FieldType::Day, "the day of the meeting"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        if !(1..=365).contains(&settings.due_days) {
            return Err("due_days is from 1 to 365".into());
        }
        Ok(Self { due_days: i32::from(settings.due_days) })
    }

    fn fold(&self, _: Key, state: Option<Meetings>, events: &[Event<'_>]) -> Result<Option<Meetings>, Fault> {
        let mut meetings = state.unwrap_or_default();
        for event in events {
            if event.kind > 3 {
                return Err(Fault::event(event.position, "the kind was not asked for"));
            }
            meetings.follow_up(event.position, event.at);
            if event.kind == 0 {
                meetings.meet(event.position, event.at);
            }
        }
        Ok((!meetings.is_empty()).then_some(meetings))
    }

    fn rows(&self, _: Key, meetings: &Meetings, as_of: Day) -> Result<Vec<Row>, Fault> {
        let known = meetings.iter().filter(|meeting| Day::of_ms(meeting.at) <= as_of);
        Ok(known.map(|meeting| self.row(meeting, as_of)).collect())
    }
}

impl FollowUps {
    fn row(&self, meeting: &Meeting, as_of: Day) -> Row {
        let met_on = Day::of_ms(meeting.at);
        let due_on = Day(met_on.0.saturating_add(self.due_days));
        let days_late = as_of.since(due_on).max(0);
        let follow_up = meeting.followed_up.map(|(position, at)| (position, Day::of_ms(at)));
        let (state, days_late, latency) = match follow_up {
            Some((_, day)) => ("done", Value::None, Value::Integer(day.since(met_on))),
            None if days_late > 0 => ("late", Value::Integer(days_late), Value::None),
            None => ("open", Value::Integer(0), Value::None),
        };
        let values = vec![Value::Day(due_on), days_late, Value::Text(state.into()), latency, Value::Day(met_on)];
        let evidence: Vec<Position> = [meeting.position].into_iter().chain(follow_up.map(|(at, _)| at)).collect();
        Row { item: Some(meeting.position), values, evidence }
    }
}

const fn by_pair(kind: &'static str) -> Route {
    Route { kind, key_by: KeyBy::Pair }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

#[cfg(test)]
mod tests;
