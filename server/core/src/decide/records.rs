//! Erasures and holds: nothing is written with the erased, and nobody erases the held.
//!
//! Invariant: what is asked for a second time is answered with the first entry, and changes nothing.

use super::{Batch, Refusal, State, Stop, Target, checks::person_field};
use crate::{
    erasures::RESTORED,
    event::{Administration, Event, Fact},
    id::{CaseReference, EventId, PersonId},
    invalid::{Invalid, Problem, check_count},
    limits,
    may::{Action, Principal, may},
    position::Position,
    prepare::Prepared,
};

/// Refusal for erasing single details.
const ERASE_DETAILS: &str = "erase details that another organisation recorded: an officer or owner of that organisation \
                             may, and those of the network";
/// Refusal for lifting a hold.
const LIFT: &str = "lift a hold that others set: an officer or owner of that organisation may, and the network's owner";

impl<S: State> Batch<'_, S> {
    /// Refuses events with people whose words are erased, and details about them. What only names such an event is
    /// accepted: it adds no words.
    pub(super) fn check_erased(&self, prepared: &Prepared) -> Result<(), Refusal> {
        let erasures = self.pending.erasures();
        let refuse = |field, person: &PersonId| Err(Refusal::PersonErased { field, person: person.clone() });
        let event = &prepared.event;
        if !is_about_erased(event)
            && let Some(person) = event.people().into_iter().find(|person| erasures.is_erased(person))
        {
            return refuse(person_field(event, person), person);
        }
        let mut subjects = prepared.details.iter().flat_map(|detail| &detail.subjects);
        match subjects.find(|person| erasures.is_erased(person)) {
            Some(person) => refuse("details.subjects", person),
            None => Ok(()),
        }
    }

    /// Checks an event that erases or holds words.
    pub(super) fn check_records(
        &self,
        principal: &Principal,
        event: &Event,
        target: Option<&Target>,
    ) -> Result<(), Stop<S::Error>> {
        let Fact::Administration(fact) = &event.fact else { return Ok(()) };
        match fact {
            // What was erased before a restore is erased again, whatever hold came back with it.
            Administration::PersonErased { reason, .. } if reason.as_str() == RESTORED => Ok(()),
            Administration::PersonErased { person, .. } => Ok(self.check_free("event.person_erased.person", person)?),
            Administration::ErasureCompleted { person, erasure, .. } => Ok(self.check_completion(person, erasure)?),
            Administration::HoldChanged { person, held, reference, .. } => {
                Ok(self.check_hold(principal, person, *held, reference)?)
            }
            Administration::DetailsErased { details, .. } => {
                let target = target.expect("an event without its target was refused");
                self.check_details_erased(principal, target, details)
            }
            Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PolicyChanged { .. }
            | Administration::LogRestored { .. } => Ok(()),
        }
    }

    /// The entry that already says what an event asks for.
    pub(super) fn already(&self, principal: &Principal, event: &Event) -> Option<Position> {
        let erasures = self.pending.erasures();
        let Fact::Administration(fact) = &event.fact else { return None };
        match fact {
            Administration::PersonErased { person, .. } => Some(erasures.of(person)?.position),
            Administration::ErasureCompleted { person, .. } => Some(erasures.of(person)?.completion?.position),
            Administration::HoldChanged { person, held: true, reference, .. } => {
                let hold = erasures.hold(person, reference)?;
                (hold.organisation == principal.organisation).then_some(hold.position)
            }
            Administration::DetailsErased { event, details, .. } => {
                let erased = details.iter().map(|index| erasures.detail(event, *index as usize));
                erased.collect::<Option<Vec<_>>>()?.into_iter().max()
            }
            Administration::HoldChanged { held: false, .. }
            | Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PolicyChanged { .. }
            | Administration::LogRestored { .. } => None,
        }
    }

    /// Checks that a person has no hold.
    fn check_free(&self, field: &'static str, person: &PersonId) -> Result<(), Refusal> {
        let references = self.pending.erasures().references_of(person);
        if references.is_empty() {
            return Ok(());
        }
        Err(Refusal::PersonHeld { field, person: person.clone(), references })
    }

    fn check_completion(&self, person: &PersonId, erasure: &EventId) -> Result<(), Refusal> {
        match self.pending.erasures().of(person) {
            Some(of_person) if of_person.event == *erasure => Ok(()),
            Some(_) | None => {
                let rule = Problem::MustBe("the erasure of this person");
                Err(Invalid::new("event.erasure_completed.erasure", rule).into())
            }
        }
    }

    fn check_hold(
        &self,
        principal: &Principal,
        person: &PersonId,
        held: bool,
        reference: &CaseReference,
    ) -> Result<(), Refusal> {
        let field = "event.hold_changed.reference";
        match (held, self.pending.erasures().hold(person, reference)) {
            (true, Some(set)) if set.organisation != principal.organisation => {
                Err(Refusal::AlreadyExists { field, id: reference.to_string() })
            }
            (true, Some(_)) => Ok(()),
            (true, None) => {
                let count = self.pending.erasures().holds_of(person).count();
                Ok(check_count("event.hold_changed.person", count + 1, 1, limits::HOLDS_MAX)?)
            }
            (false, None) => Err(Invalid::new(field, Problem::MustBe("the reference of a hold that is set")).into()),
            (false, Some(set)) if may(principal, &Action::LiftHold(set.organisation.as_ref())) => Ok(()),
            (false, Some(_)) => Err(Refusal::PermissionDenied { what: LIFT }),
        }
    }

    fn check_details_erased(
        &self,
        principal: &Principal,
        target: &Target,
        details: &[u32],
    ) -> Result<(), Stop<S::Error>> {
        if !may(principal, &Action::EraseDetailsOf(&target.header)) {
            return Err(Refusal::PermissionDenied { what: ERASE_DETAILS }.into());
        }
        if details.iter().any(|index| *index as usize >= target.event.details.len()) {
            let rule = Problem::MustBe("the index of a detail that the event has");
            return Err(Invalid::new("event.details_erased.details", rule).into());
        }
        for person in self.subjects(target.entry.position, details)? {
            self.check_free("event.details_erased.event", &person)?;
        }
        Ok(())
    }

    fn subjects(&self, position: Position, details: &[u32]) -> Result<Vec<PersonId>, Stop<S::Error>> {
        match self.in_batch(position) {
            Some(accepted) => {
                let of = |index: &u32| accepted.details.get(*index as usize).map(|detail| detail.subjects.clone());
                Ok(details.iter().filter_map(of).flatten().collect())
            }
            None => self.state.subjects(position, details).map_err(Stop::Unreadable),
        }
    }
}

/// Whether an event is about the erasure of its person, or lifts a hold.
fn is_about_erased(event: &Event) -> bool {
    matches!(
        &event.fact,
        Fact::Administration(
            Administration::PersonErased { .. }
                | Administration::ErasureCompleted { .. }
                | Administration::HoldChanged { held: false, .. }
        )
    )
}
