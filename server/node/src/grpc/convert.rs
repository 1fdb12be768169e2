//! Conversion between wire and domain types. Wire types end here, except for core's own codecs of events, filters and
//! conditions.

use super::Failure;
use crate::limits::RIGHTS_CHANGED_RETRY;
use kith_core::{
    decide::{Outcome, Refusal, Refused},
    detail::Detail,
    directory::{Directory, Organisation, Person},
    erasures::Erasures,
    event::{Grant, Role},
    filter::Filter,
    id::EventId,
    invalid::{Invalid, Problem},
    position::Position,
    reason::of_event,
    timestamp::Timestamp,
};
use kith_log::{AppendError, CheckpointError, CreateNetworkError, Details, ReadError, RevokeTokenError, Unavailable};
use kith_proto::v1::{self, ErrorReason};

/// A refused event: the reason, with the field within `event` or `details`.
pub(super) fn refusal(refusal: &Refusal) -> Failure {
    let because = |reason| Failure::because(reason, refusal);
    match refusal {
        Refusal::ConditionFailed { head } => because(ErrorReason::ConditionFailed).with("head", head),
        Refusal::Invalid(invalid) => event_invalid(invalid),
        Refusal::EventIdReused { id } => because(ErrorReason::EventIdReused).with("id", id).at("event.id"),
        Refusal::PersonUnknown { field, person } => {
            because(ErrorReason::PersonUnknown).with("person", person).at(*field)
        }
        Refusal::OrganisationUnknown { field, organisation } => {
            because(ErrorReason::OrganisationUnknown).with("organisation", organisation).at(*field)
        }
        Refusal::EventUnknown { field, id } => because(ErrorReason::EventUnknown).with("id", id).at(*field),
        Refusal::ScopeMismatch { field, id } => because(ErrorReason::ScopeMismatch).with("id", id).at(*field),
        Refusal::AlreadyExists { field, id } => because(ErrorReason::AlreadyExists).with("id", id).at(*field),
        Refusal::PersonErased { field, person } => because(ErrorReason::PersonErased).with("person", person).at(*field),
        Refusal::PersonHeld { field, person, references } => {
            let references: Vec<_> = references.iter().map(ToString::to_string).collect();
            because(ErrorReason::PersonHeld).with("person", person).with("references", references.join(",")).at(*field)
        }
        Refusal::MemberUnknown { field, member } => {
            because(ErrorReason::MemberUnknown).with("member", member).at(*field)
        }
        Refusal::TokenInvalid => Failure::new(ErrorReason::TokenInvalid),
        Refusal::RightsChanged => because(ErrorReason::RightsChanged).retry_after(RIGHTS_CHANGED_RETRY),
        Refusal::PermissionDenied { .. } => because(ErrorReason::PermissionDenied),
    }
}

/// An event that breaks a rule.
pub(crate) fn event_invalid(invalid: &Invalid) -> Failure {
    Failure::because(of_event(invalid), invalid).at(&invalid.field)
}

/// A request that breaks a rule outside its events.
pub(crate) fn request_invalid(invalid: &Invalid) -> Failure {
    let reason = if invalid.is_limit() { ErrorReason::LimitExceeded } else { ErrorReason::RequestInvalid };
    Failure::because(reason, invalid).at(&invalid.field)
}

/// A refused append, with the number of the event at fault.
fn refused(refused: &Refused) -> Failure {
    let failure = refusal(&refused.why);
    match refused.why {
        Refusal::ConditionFailed { .. } | Refusal::TokenInvalid => failure,
        _ => at_event(failure, refused.event),
    }
}

/// Adds which of a call's events, from 0, is at fault.
pub(crate) fn at_event(failure: Failure, event: usize) -> Failure {
    failure.below(&format!("events[{event}]")).with("event", event)
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        match error {
            Unavailable::Busy { retry_after } => Self::new(ErrorReason::LogBusy).retry_after(retry_after),
            Unavailable::DiskFull => Self::new(ErrorReason::DiskFull),
            Unavailable::RolledBack => Self::new(ErrorReason::LogRolledBack),
            Unavailable::Poisoned(poison) => Self::because(ErrorReason::LogPoisoned, poison),
            Unavailable::ShuttingDown => Self::new(ErrorReason::ShuttingDown),
        }
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Refused(why) => refused(&why),
            AppendError::Unavailable(why) => why.into(),
        }
    }
}

impl From<CreateNetworkError> for Failure {
    fn from(error: CreateNetworkError) -> Self {
        match error {
            CreateNetworkError::AlreadyExists { .. } => Self::because(ErrorReason::AlreadyExists, &error).at("name"),
            CreateNetworkError::TokenInvalid => Self::new(ErrorReason::TokenInvalid),
            CreateNetworkError::Unavailable(why) => why.into(),
        }
    }
}

impl From<RevokeTokenError> for Failure {
    fn from(error: RevokeTokenError) -> Self {
        match error {
            RevokeTokenError::Unknown => Self::new(ErrorReason::TokenUnknown),
            RevokeTokenError::Append(error) => administration(error),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        (&error).into()
    }
}

impl From<&ReadError> for Failure {
    fn from(error: &ReadError) -> Self {
        match error {
            ReadError::PositionAhead { head } => Self::because(ErrorReason::PositionAhead, error)
                .with("head", head)
                .retry_after(kith_views::limits::RETRY_LAGGING),
            ReadError::OutsideTree { .. } => Self::because(ErrorReason::RequestInvalid, error),
            ReadError::Storage(_) | ReadError::Damaged(_) => Self::internal(error),
        }
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::RolledBack => Self::new(ErrorReason::LogRolledBack),
            CheckpointError::Read(error) => error.into(),
            CheckpointError::File(_) => Self::internal(&error),
        }
    }
}

/// A failed call whose single event the server makes itself: fields are those of the request.
pub(super) fn administration(error: AppendError) -> Failure {
    match error {
        AppendError::Refused(refused) => refusal(&refused.why).in_request(),
        AppendError::Unavailable(why) => why.into(),
    }
}

/// The outcome of an appended event.
pub(super) fn outcome(outcome: Outcome) -> v1::AppendOutcome {
    match outcome {
        Outcome::Accepted(position) => v1::AppendOutcome { position: position.get(), duplicate: false },
        Outcome::Duplicate(position) => v1::AppendOutcome { position: position.get(), duplicate: true },
    }
}

/// Why an event of a stream was refused.
pub(super) fn append_refused(failure: &Failure) -> v1::AppendRefused {
    v1::AppendRefused {
        reason: failure.reason().into(),
        field: failure.field().unwrap_or_default().to_owned(),
        message: failure.message().to_owned(),
    }
}

/// A person of the directory.
pub(super) fn person(directory: &Directory, erasures: &Erasures, person: &Person, name: Option<&String>) -> v1::Person {
    v1::Person {
        id: person.id.to_string(),
        handle: person.handle,
        organisation: text_or_empty(person.organisation.as_ref()),
        role: person.role.clone(),
        name: name.cloned().unwrap_or_default(),
        position: person.position.get(),
        merged_into: text_or_empty(directory.merge(&person.id).map(|merge| &merge.kept)),
        erased: erasures.is_erased(&person.id),
    }
}

/// An organisation of the directory.
pub(super) fn organisation(organisation: &Organisation) -> v1::Organisation {
    v1::Organisation {
        id: organisation.id.to_string(),
        name: organisation.name.clone(),
        position: organisation.position.get(),
    }
}

/// A network.
pub(super) fn network(network: &kith_log::Network) -> v1::Network {
    v1::Network {
        name: network.name().to_string(),
        head: network.head().get(),
        created_at: Some(network.created_at().to_proto()),
    }
}

/// A token without its secret.
pub(super) fn token(token: &kith_log::Token) -> v1::Token {
    v1::Token {
        id: token.id.to_string(),
        role: token.grant.role().map_or(v1::Role::Unspecified, Role::to_proto).into(),
        person: text_or_empty(token.person.as_ref()),
        organisation: text_or_empty(token.organisation.as_ref()),
        issued_at: Some(token.issued_at.to_proto()),
        expires_at: token.expires_at.map(Timestamp::to_proto),
        revoked_at: token.revoked_at.map(Timestamp::to_proto),
        server: false,
        invitation: matches!(token.grant, Grant::Invitation(_)),
    }
}

/// Reads a role in a network.
pub(super) fn role(field: &str, number: i32) -> Result<Role, Failure> {
    match Role::from_proto(number) {
        Some(Role::Operator) => {
            Err(Failure::request(field, "must be a role in a network: operators are of the server"))
        }
        Some(role) => Ok(role),
        None => Err(Failure::request(field, "must be a role")),
    }
}

/// Reads a time that may be absent.
pub(super) fn time(field: &str, proto: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, Failure> {
    let Some(proto) = proto else { return Ok(None) };
    match Timestamp::from_proto(proto) {
        Some(time) => Ok(Some(time)),
        None => Err(Failure::request(field, "must be a time in whole milliseconds")),
    }
}

/// Reads an event's id.
pub(super) fn event_id(field: &str, bytes: &[u8]) -> Result<EventId, Failure> {
    EventId::parse_field(bytes, field).map_err(|invalid| request_invalid(&invalid))
}

/// Reads an id that may be empty.
pub(super) fn id_or_none<T>(
    text: &str,
    field: &str,
    parse: impl FnOnce(&str, &str) -> Result<T, Invalid>,
) -> Result<Option<T>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text, field).map(Some).map_err(|invalid| request_invalid(&invalid))
}

/// Reads a filter; a missing one lets everything pass.
pub(super) fn filter(proto: Option<&v1::Filter>) -> Result<Filter, Failure> {
    let filter = proto.map(Filter::from_proto).transpose();
    Ok(filter.map_err(|invalid| request_invalid(&invalid))?.unwrap_or_default())
}

/// Reads a page size: 0 means `default`.
pub(super) fn page_size(field: &str, asked: u32, default: u32, max: u32) -> Result<usize, Failure> {
    let size = if asked == 0 { default } else { asked };
    if size > max {
        let problem = Problem::TooMany { max: max as usize, found: size as usize };
        return Err(request_invalid(&Invalid::new(field, problem)));
    }
    Ok(size as usize)
}

/// Details on the wire.
pub(super) fn entry_details(position: Position, details: &Details) -> v1::EntryDetails {
    let erased = |(index, by): &(usize, Position)| v1::ErasedDetail {
        index: u32::try_from(*index).expect("at most 8 details"),
        position: by.get(),
    };
    v1::EntryDetails {
        position: position.get(),
        details: details.opened.iter().map(Detail::to_proto).collect(),
        erased: details.erased.iter().map(erased).collect(),
    }
}

/// An id as text, or nothing.
pub(super) fn text_or_empty<T: ToString>(id: Option<&T>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}
