//! A made-up network to try plugins on: every kind that a plugin asks for, late entries, groups, attributes,
//! retractions and a merge.
//!
//! Invariant: the same kinds produce the same log, byte for byte, so that costs can be compared.

use super::{
    chance::Chance,
    spool::{Spool, SpoolWriter},
};
use crate::failure::Failure;
use kith_client::EventBuilder;
use kith_core::{
    day::Day,
    entry::Entry,
    event::{
        Answer, Answered, Asked, AttributeValue, Custom, DirectoryFact, Fact, FollowedUp, Habit, HabitKind, Helped,
        Kind, Met, OrganisationAdded, PeopleMerged, PersonAdded, Referred, Retracted, RetractionReason,
    },
    id::{EventId, OrganisationId, PersonId},
    position::Position,
    timestamp::{DAY_MS, Timestamp},
};

/// People of the network.
const PEOPLE: u64 = 40;
/// The network's organisations, if it has any.
const ORGANISATIONS: [&str; 4] = ["sample-north", "sample-east", "sample-south", "sample-west"];
/// Days that the log covers.
const DAYS: i64 = 730;
/// The first of these days: 2024-01-01, in days since 1970-01-01.
const FIRST_DAY: i64 = 19_723;
/// One in this many entries withdraws an earlier one.
const RETRACTED_ONE_IN: u64 = 100;
/// Categories of asks and helps.
const CATEGORIES: [&str; 3] = ["beds", "discharge", "training"];

/// The day after the last day of the log.
pub(crate) const DAY: Day = Day::new(20_453);

/// Who the members of the network are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Members {
    /// Only people, which is all that views can see.
    People,
    /// People of four organisations; every fifth person belongs to none.
    Organisations,
}

/// A log with this many events of the given kinds.
pub(crate) fn log(kinds: &[Kind], entries: u64, members: Members) -> Result<Spool, Failure> {
    let mut writer = Writer::new()?;
    let organisations = match members {
        Members::People => Vec::new(),
        Members::Organisations => writer.push_organisations()?,
    };
    let people = (1..=PEOPLE).map(|number| format!("sample-{number:02}").parse());
    let people: Vec<PersonId> = people.collect::<Result<_, _>>()?;
    for (number, person) in people.iter().enumerate() {
        let organisation = organisations.get(number % (ORGANISATIONS.len() + 1)).cloned();
        let added = PersonAdded { person: person.clone(), organisation, role: String::new() };
        writer.push(Fact::Directory(DirectoryFact::PersonAdded(added)), FIRST_DAY * DAY_MS, Vec::new())?;
    }
    let mut story = Story { chance: Chance::new(1), people, happened: Vec::new(), referrals: Vec::new() };
    for number in 0..entries {
        let at = FIRST_DAY * DAY_MS + story.time(number, entries);
        let fact = if number + 1 == entries {
            story.merged()
        } else if story.chance.once_in(RETRACTED_ONE_IN) && !story.happened.is_empty() {
            story.retracted()
        } else {
            let kind = usize::try_from(story.chance.below(kinds.len() as u64)).expect("below a list's length");
            story.fact(&kinds[kind])
        };
        let attributes = story.attributes();
        let referral = if let Fact::Habit(Habit::Referred(referred)) = &fact { Some(referred.clone()) } else { None };
        let id = writer.push(fact, at, attributes)?;
        story.happened.push(id);
        story.referrals.extend(referral.map(|referred| (id, referred)));
    }
    writer.spool.finish()
}

/// What has happened, and what may happen next.
struct Story {
    chance: Chance,
    people: Vec<PersonId>,
    happened: Vec<EventId>,
    referrals: Vec<(EventId, Referred)>,
}

impl Story {
    /// Milliseconds from the beginning: mostly increasing, one in ten up to a month late.
    fn time(&mut self, number: u64, entries: u64) -> i64 {
        let all = (DAYS * DAY_MS).cast_unsigned();
        let on = all / entries.max(1) * number + self.chance.below(DAY_MS.cast_unsigned());
        let late = if self.chance.once_in(10) { self.chance.below(30 * DAY_MS.cast_unsigned()) } else { 0 };
        on.saturating_sub(late).min(all - 1).cast_signed()
    }

    fn fact(&mut self, kind: &Kind) -> Fact {
        let category = CATEGORIES[usize::try_from(self.chance.below(3)).expect("below three")];
        let category = || category.parse().expect("categories of the sample are well formed");
        let count = if self.chance.once_in(8) { 3 + self.chance.below(6) } else { 2 };
        let mut people = self.chance.some(&self.people, usize::try_from(count).expect("a few people"));
        match kind {
            Kind::Habit(HabitKind::FollowedUp) => {
                let by = people.remove(0);
                Fact::Habit(Habit::FollowedUp(FollowedUp { by, with: people, about: None }))
            }
            Kind::Habit(HabitKind::Asked) => {
                let by = people.remove(0);
                Fact::Habit(Habit::Asked(Asked { by, of: people, category: category() }))
            }
            Kind::Habit(HabitKind::Helped) => {
                let category = self.chance.once_in(2).then(category);
                Fact::Habit(Habit::Helped(Helped {
                    helper: people.remove(0),
                    helped: people.remove(0),
                    category,
                    about: None,
                }))
            }
            Kind::Habit(HabitKind::Referred) => self.referred(),
            Kind::Habit(HabitKind::Answered) => self.answered(),
            Kind::Custom(type_name) => Fact::Custom(Custom { type_name: type_name.clone(), people }),
            // Plugins can only ask for the kinds above and `met`.
            _ => Fact::Habit(Habit::Met(Met { people })),
        }
    }

    fn referred(&mut self) -> Fact {
        let mut people = self.chance.some(&self.people, 3);
        let mut next = || people.pop().expect("there are three");
        Fact::Habit(Habit::Referred(Referred { referrer: next(), person: next(), to: next() }))
    }

    /// An answer to an introduction, or an introduction if there is none yet.
    fn answered(&mut self) -> Fact {
        if self.referrals.is_empty() || self.chance.once_in(2) {
            return self.referred();
        }
        let (referral, referred) = self.chance.some(&self.referrals, 1).remove(0);
        let by = if self.chance.once_in(2) { referred.person } else { referred.to };
        let answer = self.chance.some(&[Answer::Accepted, Answer::Declined, Answer::Met], 1)[0];
        Fact::Habit(Habit::Answered(Answered { referral, by, answer }))
    }

    fn retracted(&mut self) -> Fact {
        let event = self.chance.some(&self.happened, 1)[0];
        Fact::Retracted(Retracted { event, reason: RetractionReason::Mistake })
    }

    fn merged(&mut self) -> Fact {
        Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged {
            kept: self.people[0].clone(),
            merged: self.people[1].clone(),
        }))
    }

    /// Attributes such as organisations might use, on one event in three.
    fn attributes(&mut self) -> Vec<(&'static str, AttributeValue)> {
        if !self.chance.once_in(3) {
            return Vec::new();
        }
        let minutes = u32::try_from(5 + self.chance.below(86)).expect("below 91");
        let mut attributes = vec![("minutes", AttributeValue::Integer(minutes.into()))];
        if self.chance.once_in(4) {
            attributes.push(("place", AttributeValue::Text("board room".to_owned())));
            attributes.push(("remote", AttributeValue::Flag(self.chance.once_in(2))));
            attributes.push(("weight", AttributeValue::Number(0.25 + f64::from(minutes) / 8.0)));
        }
        attributes
    }
}

/// Turns facts into entries.
struct Writer {
    spool: SpoolWriter,
    position: u64,
}

impl Writer {
    fn new() -> Result<Self, Failure> {
        Ok(Self { spool: SpoolWriter::new()?, position: 0 })
    }

    fn push_organisations(&mut self) -> Result<Vec<OrganisationId>, Failure> {
        let mut ids = Vec::with_capacity(ORGANISATIONS.len());
        for name in ORGANISATIONS {
            let organisation: OrganisationId = name.parse()?;
            let added = OrganisationAdded { organisation: organisation.clone(), name: name.to_owned() };
            self.push(Fact::Directory(DirectoryFact::OrganisationAdded(added)), FIRST_DAY * DAY_MS, Vec::new())?;
            ids.push(organisation);
        }
        Ok(ids)
    }

    fn push(&mut self, fact: Fact, at: i64, attributes: Vec<(&str, AttributeValue)>) -> Result<EventId, Failure> {
        self.position += 1;
        let at = Timestamp::from_millis(at);
        let mut builder = EventBuilder::new(fact, at).id(event_id(self.position)).salt([0; 16]);
        for (key, value) in attributes {
            builder = builder.attribute(key, value);
        }
        let new = builder.build()?;
        let position = Position::new(self.position);
        let entry = Entry {
            position,
            recorded_at: at,
            recorded_by: "token:sample".parse()?,
            organisation: None,
            event_bytes: new.event().encode().into(),
            signature: None,
        };
        self.spool.push(position, new.id(), &entry.encode())?;
        Ok(new.id())
    }
}

fn event_id(position: u64) -> EventId {
    let mut bytes = u128::from(position).to_be_bytes();
    bytes[6] = 0x80;
    bytes[8] |= 0x80;
    EventId::from_bytes(bytes).expect("it has the form of a UUID of version 8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::history::{Budget, History};
    use std::collections::BTreeSet;

    #[test]
    fn a_sample_has_every_kind_asked_for_and_is_the_same_every_time() {
        let names = ["met", "followed_up", "asked", "helped", "referred", "answered", "custom:org.example/visit.v1"];
        let kinds = names.map(|name| Kind::parse(name).expect(name));
        let read = || {
            let log = log(&kinds, 500, Members::People).expect("a log");
            let budget = Budget { entries: 1_000, bytes: usize::MAX };
            log.read(Position::ZERO, log.head(), budget).expect("it is read")
        };
        let entries = read();
        assert_eq!(entries, read());
        let events = entries.iter().map(|bytes| Entry::decode(bytes).expect("an entry").event().expect("an event"));
        let events: Vec<_> = events.collect();
        let found: BTreeSet<String> = events.iter().map(|event| event.kind().to_string()).collect();
        for name in names.iter().chain(&["person_added", "retracted", "people_merged"]) {
            assert!(found.contains(*name), "{name} is not in {found:?}");
        }
        assert!(events.iter().all(|event| event.occurred_at.day() < DAY));
        assert!(events.windows(2).any(|pair| pair[1].occurred_at < pair[0].occurred_at), "nothing is late");
    }
}
