//! Why commands are refused: one variant for each way in which a caller can respond.

use crate::{
    id::{CaseReference, EventId, MemberId, OrganisationId, PersonId},
    invalid::Invalid,
    position::Position,
};

/// Why a command was refused, and for which of its events (from 0).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// Index of the event at fault; 0 when the command as a whole is at fault.
    pub event: usize,
    /// The reason.
    pub why: Refusal,
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The condition does not hold.
    #[error("the condition does not hold: the head is {head}")]
    ConditionFailed {
        /// The head when it was checked.
        head: Position,
    },
    /// The event breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The id is taken by another event.
    #[error("the event id {id} is taken by another event")]
    EventIdReused {
        /// The id.
        id: EventId,
    },
    /// A person is not in the directory.
    #[error("{field}: there is no person {person}")]
    PersonUnknown {
        /// The field that names the person.
        field: &'static str,
        /// The id.
        person: PersonId,
    },
    /// An organisation is not in the directory.
    #[error("{field}: there is no organisation {organisation}")]
    OrganisationUnknown {
        /// The field that names the organisation.
        field: &'static str,
        /// The id.
        organisation: OrganisationId,
    },
    /// The event named is not recorded, or not visible.
    #[error("{field}: there is no event {id}")]
    EventUnknown {
        /// The field that names the event.
        field: &'static str,
        /// The id.
        id: EventId,
    },
    /// The scope differs from that of the event named.
    #[error("{field}: the event {id} has another scope")]
    ScopeMismatch {
        /// The field that names the event.
        field: &'static str,
        /// The id.
        id: EventId,
    },
    /// The person or organisation already exists.
    #[error("{field}: {id} already exists")]
    AlreadyExists {
        /// The field that names it.
        field: &'static str,
        /// The id.
        id: String,
    },
    /// There is no such member.
    #[error("{field}: {member} is no member")]
    MemberUnknown {
        /// The field that names the member.
        field: &'static str,
        /// The id.
        member: MemberId,
    },
    /// The person's words are erased, so nothing can be recorded with them.
    #[error("{field}: the words of {person} were erased, so nothing can be recorded with this person any more")]
    PersonErased {
        /// The field that names the person.
        field: &'static str,
        /// The id.
        person: PersonId,
    },
    /// The person has a hold, so their words must stay.
    #[error("{field}: {person} has a hold, so their words must stay until it is lifted")]
    PersonHeld {
        /// The field that names the person.
        field: &'static str,
        /// The id.
        person: PersonId,
        /// The references of the holds.
        references: Vec<CaseReference>,
    },
    /// The principal's token was revoked, expired or replaced since it was authenticated.
    #[error("the token is no longer valid")]
    TokenInvalid,
    /// What the principal may do has changed since the call began.
    #[error("what the caller may do has changed since the call began")]
    RightsChanged,
    /// The principal may not do this.
    #[error("this token may not {what}")]
    PermissionDenied {
        /// What it may not do.
        what: &'static str,
    },
}
