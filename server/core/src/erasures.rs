//! Whose words are erased, whose are held, and which single details are gone, as the entries of a log say.
//!
//! Invariant: it follows from the entries alone, so that a replica or an auditor comes to the same result.

use crate::{
    entry::Entry,
    event::{Administration, Event, Fact},
    id::{CaseReference, EventId, OrganisationId, PersonId, RecordsReason},
    position::Position,
    timestamp::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Why a person's words, or single details, are erased: the grounds of Article 17(1) of the GDPR, a to f, and mistakes.
pub const ERASURE_REASONS: [&str; 7] =
    ["not-needed", "withdrawn", "objected", "unlawful", "legal-duty", "child", "error"];

/// Why the server itself erases a person again: a restored backup did not have the erasure.
pub const RESTORED: &str = "restored";

/// Why words are held.
pub const HOLD_REASONS: [&str; 5] = ["inquiry", "legal-claim", "statutory", "complaint", "other"];

/// Erasures and holds at some position.
#[derive(Debug, Clone, Default)]
pub struct Erasures {
    people: HashMap<PersonId, Erasure>,
    /// People whose erasure is not completed.
    pending: BTreeSet<PersonId>,
    holds: BTreeMap<PersonId, BTreeMap<CaseReference, Hold>>,
    details: HashMap<EventId, BTreeMap<u32, Position>>,
    /// People whose erasure is known from elsewhere, and not from an entry: the log was restored from before it.
    lost: BTreeSet<PersonId>,
}

/// The erasure of a person's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The `person_erased` event.
    pub event: EventId,
    /// Its position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Why, one of [`ERASURE_REASONS`] or [`RESTORED`].
    pub reason: RecordsReason,
    /// The case that it belongs to.
    pub reference: Option<CaseReference>,
    /// How it ended, once nothing of the words can be read on the server.
    pub completion: Option<Completion>,
}

/// The end of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// The `erasure_completed` event.
    pub event: EventId,
    /// Its position.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Details of scope network that were erased.
    pub details_erased: u64,
    /// Keys that were destroyed: 1.
    pub keys_destroyed: u32,
}

/// A hold that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why, one of [`HOLD_REASONS`].
    pub reason: RecordsReason,
    /// The organisation whose officer or owner set it; `None` if it was the network's.
    pub organisation: Option<OrganisationId>,
    /// Position of the entry that set it.
    pub position: Position,
    /// When it was set.
    pub recorded_at: Timestamp,
}

impl Erasures {
    /// Applies an accepted event. Events must be applied in order of position. The first erasure of a person, of a
    /// detail and the first hold of a reference count.
    pub fn apply(&mut self, event: &Event, entry: &Entry) {
        let Fact::Administration(fact) = &event.fact else { return };
        let (position, recorded_at) = (entry.position, entry.recorded_at);
        match fact {
            Administration::PersonErased { person, reason, reference } if !self.people.contains_key(person) => {
                let (reason, reference) = (reason.clone(), reference.clone());
                let erasure = Erasure { event: event.id, position, recorded_at, reason, reference, completion: None };
                self.people.insert(person.clone(), erasure);
                self.pending.insert(person.clone());
                self.lost.remove(person);
            }
            Administration::ErasureCompleted { person, details_erased, keys_destroyed, .. }
                if self.pending.remove(person) =>
            {
                let (details_erased, keys_destroyed) = (*details_erased, *keys_destroyed);
                let completion = Completion { event: event.id, position, recorded_at, details_erased, keys_destroyed };
                self.people.get_mut(person).expect("a pending erasure exists").completion = Some(completion);
            }
            Administration::HoldChanged { person, held: true, reason, reference } => {
                let (reason, organisation) = (reason.clone(), entry.organisation.clone());
                let hold = Hold { reason, organisation, position, recorded_at };
                self.holds.entry(person.clone()).or_default().entry(reference.clone()).or_insert(hold);
            }
            Administration::HoldChanged { person, held: false, reference, .. } => {
                if let Some(holds) = self.holds.get_mut(person) {
                    holds.remove(reference);
                    self.holds.retain(|_, holds| !holds.is_empty());
                }
            }
            Administration::DetailsErased { event, details, .. } => {
                let erased = self.details.entry(*event).or_default();
                for index in details {
                    erased.entry(*index).or_insert(position);
                }
            }
            Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PolicyChanged { .. }
            | Administration::LogRestored { .. } => {}
        }
    }

    /// The erasure of a person's words, if it was asked for.
    pub fn of(&self, person: &PersonId) -> Option<&Erasure> {
        self.people.get(person)
    }

    /// Counts a person as erased whose erasure no entry states, until one does.
    pub fn add_lost(&mut self, person: PersonId) {
        if !self.people.contains_key(&person) {
            self.lost.insert(person);
        }
    }

    /// Whether a person's words are erased: no detail about them is shown or accepted.
    pub fn is_erased(&self, person: &PersonId) -> bool {
        self.people.contains_key(person) || self.lost.contains(person)
    }

    /// Position of the entry that erased one of these people: the first, if there are several, and 0 if no entry states
    /// it. `None` if nobody of them is erased.
    pub fn first_of<'a>(&self, people: impl IntoIterator<Item = &'a PersonId>) -> Option<Position> {
        let erased = people.into_iter().filter(|person| self.is_erased(person));
        erased.map(|person| self.of(person).map_or(Position::ZERO, |erasure| erasure.position)).min()
    }

    /// Everybody whose words are erased, in no order.
    pub fn people(&self) -> impl Iterator<Item = (&PersonId, &Erasure)> {
        self.people.iter()
    }

    /// The erasures that are not completed, by person.
    pub fn pending(&self) -> impl Iterator<Item = (&PersonId, &Erasure)> {
        self.pending.iter().map(|person| (person, &self.people[person]))
    }

    /// Whether an erasure is not completed.
    pub fn is_any_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The holds of a person, by reference.
    pub fn holds_of(&self, person: &PersonId) -> impl Iterator<Item = (&CaseReference, &Hold)> {
        self.holds.get(person).into_iter().flatten()
    }

    /// The references of a person's holds.
    pub fn references_of(&self, person: &PersonId) -> Vec<CaseReference> {
        self.holds_of(person).map(|(reference, _)| reference.clone()).collect()
    }

    /// A person's hold of a reference.
    pub fn hold(&self, person: &PersonId, reference: &CaseReference) -> Option<&Hold> {
        self.holds.get(person)?.get(reference)
    }

    /// Every hold, by person and reference.
    pub fn holds(&self) -> impl Iterator<Item = (&PersonId, &CaseReference, &Hold)> {
        self.holds
            .iter()
            .flat_map(|(person, holds)| holds.iter().map(move |(reference, hold)| (person, reference, hold)))
    }

    /// Position of the entry that erased a single detail of an event.
    pub fn detail(&self, event: &EventId, index: usize) -> Option<Position> {
        self.details.get(event)?.get(&u32::try_from(index).ok()?).copied()
    }
}
