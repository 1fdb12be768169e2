//! Turns rows into contacts: combines rows of one meeting or of one message.

use super::rows::Row;
use crate::spot::Spot;
use kith_core::{id::PersonId, limits::OTHERS_MAX, timestamp::Timestamp};
use std::collections::{HashMap, HashSet};

/// A contact, which becomes one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Where its first row is listed.
    pub spot: Spot,
    /// When it happened.
    pub time: Timestamp,
    /// The sender, if there is one.
    pub from: PersonId,
    /// The others, each once.
    pub to: Vec<PersonId>,
}

/// Makes each row a contact of its own.
pub fn single(rows: Vec<Row>) -> Vec<Contact> {
    let contact = |row: Row| Contact { spot: row.spot, time: row.time, from: row.from, to: vec![row.to] };
    rows.into_iter().map(contact).collect()
}

/// Joins rows of one pair, in either order, that start at most `gap_ms` after the previous row into one meeting at the
/// first row's time. Expects rows ordered by time; returns contacts ordered by time.
pub fn join(rows: Vec<Row>, gap_ms: i64) -> Vec<Contact> {
    let mut last: HashMap<(PersonId, PersonId), Timestamp> = HashMap::new();
    let mut contacts = Vec::new();
    for row in rows {
        let mut pair = (row.from.clone(), row.to.clone());
        if pair.0 > pair.1 {
            pair = (pair.1, pair.0);
        }
        let before = last.insert(pair, row.time);
        let goes_on = before.is_some_and(|before| row.time.millis() - before.millis() <= gap_ms);
        if !goes_on {
            contacts.push(row);
        }
    }
    single(contacts)
}

/// Messages, each to one or more people.
#[derive(Debug, PartialEq, Eq)]
pub struct Messages {
    /// The messages, ordered by time, in parts where they went to more people than an event may name.
    pub contacts: Vec<Contact>,
    /// How many messages are in parts.
    pub split: u64,
}

/// Groups rows with the same sender and time into one message. Recipients are ordered by id, so the order of the rows
/// does not matter. Expects rows ordered by time.
pub fn group(rows: Vec<Row>) -> Messages {
    let mut places: HashMap<(PersonId, Timestamp), usize> = HashMap::new();
    let mut messages: Vec<Contact> = Vec::new();
    for row in rows {
        let place = *places.entry((row.from.clone(), row.time)).or_insert(messages.len());
        if place == messages.len() {
            messages.push(Contact { spot: row.spot, time: row.time, from: row.from, to: Vec::new() });
        }
        messages[place].to.push(row.to);
    }
    let parts = messages.iter().map(split);
    let (mut contacts, mut split) = (Vec::with_capacity(messages.len()), 0);
    for parts in parts {
        split += u64::from(parts.len() > 1);
        contacts.extend(parts);
    }
    Messages { contacts, split }
}

/// A message without repeated recipients, in parts that fit an event.
fn split(message: &Contact) -> Vec<Contact> {
    let mut seen = HashSet::new();
    let mut to: Vec<PersonId> = message.to.iter().filter(|person| seen.insert(*person)).cloned().collect();
    to.sort_unstable();
    to.chunks(OTHERS_MAX).map(|part| Contact { to: part.to_vec(), ..message.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(record: u64, seconds: i64, from: &str, to: &str) -> Row {
        let time = Timestamp::from_millis(seconds * 1_000);
        Row { spot: Spot::new(record, record), time, from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    fn rows(list: &[(i64, &str, &str)]) -> Vec<Row> {
        let mut rows: Vec<Row> =
            (1..).zip(list).map(|(record, (seconds, from, to))| row(record, *seconds, from, to)).collect();
        rows.sort_by_key(|row| (row.time, row.spot));
        rows
    }

    #[test]
    fn rows_of_a_pair_are_one_meeting_up_to_the_gap() {
        let list = rows(&[(0, "a", "b"), (40, "b", "a"), (80, "a", "b"), (121, "a", "b"), (90, "a", "c")]);
        let meetings: Vec<_> =
            join(list, 40_000).iter().map(|meeting| (meeting.time.millis() / 1_000, meeting.spot.record)).collect();
        assert_eq!(meetings, [(0, 1), (90, 5), (121, 4)]);
    }

    #[test]
    fn rows_of_a_sender_and_second_are_one_message() {
        let list = rows(&[(5, "a", "b"), (5, "x", "b"), (5, "a", "c"), (5, "a", "b"), (6, "a", "b")]);
        let messages: Vec<_> = group(list)
            .contacts
            .iter()
            .map(|message| (message.spot.record, message.to.iter().map(ToString::to_string).collect::<String>()))
            .collect();
        assert_eq!(messages, [(1, "bc".to_owned()), (2, "b".to_owned()), (5, "b".to_owned())]);
    }

    #[test]
    fn a_message_to_many_becomes_several_and_is_counted() {
        let names: Vec<String> = (0..130).map(|number| format!("p{number}")).collect();
        let mut list: Vec<_> = names.iter().map(|name| (1, "a", name.as_str())).collect();
        list.push((2, "a", "b"));
        let Messages { contacts, split } = group(rows(&list));
        let parts: Vec<usize> = contacts.iter().map(|message| message.to.len()).collect();
        assert_eq!((parts, split), (vec![63, 63, 4, 1], 1));
    }

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        proptest::collection::vec((0_i64..200, "[a-d]", "[e-h]", any::<bool>()), 0..60).prop_map(|list| {
            let turned = |(time, from, to, turn): (i64, String, String, bool)| {
                if turn { (time, to, from) } else { (time, from, to) }
            };
            let list: Vec<_> = list.into_iter().map(turned).collect();
            rows(&list.iter().map(|(time, from, to)| (*time, from.as_str(), to.as_str())).collect::<Vec<_>>())
        })
    }

    proptest! {
        #[test]
        fn every_row_belongs_to_one_meeting(rows in any_rows(), gap in 0_i64..50) {
            let meetings = join(rows.clone(), gap * 1_000);
            // A row starts a meeting if and only if no row of its pair started within the gap before it.
            let pair = |row: &Row| { let mut pair = [row.from.clone(), row.to.clone()]; pair.sort(); pair };
            let begins = rows.iter().enumerate().filter(|(index, row)| {
                !rows[..*index].iter().any(|earlier| {
                    pair(earlier) == pair(row) && row.time.millis() - earlier.time.millis() <= gap * 1_000
                })
            });
            let expected: Vec<u64> = begins.map(|(_, row)| row.spot.record).collect();
            prop_assert_eq!(meetings.iter().map(|meeting| meeting.spot.record).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn messages_name_every_recipient_once(rows in any_rows()) {
            let named: Vec<_> = group(rows.clone())
                .contacts
                .into_iter()
                .flat_map(|message| message.to.into_iter().map(move |to| (message.time, message.from.clone(), to)))
                .collect();
            let distinct: HashSet<_> = rows.into_iter().map(|row| (row.time, row.from, row.to)).collect();
            prop_assert_eq!(named.len(), distinct.len());
            prop_assert_eq!(named.into_iter().collect::<HashSet<_>>(), distinct);
        }
    }
}
