//! What follows from a reason, one exhaustive match for each question: a new reason does not compile unanswered.

/// Why the server refused: a value of `errors.proto`.
pub use kith_proto::v1::ErrorReason as Reason;

/// A reason as documents and JSON name it, such as `EVENT_INVALID`.
pub fn reason_name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// Reads a reason's name; `None` for one that this client does not know.
pub(crate) fn parse_reason(name: &str) -> Option<Reason> {
    Reason::from_str_name(&format!("ERROR_REASON_{name}"))
}

/// Whether the same call can succeed later, unchanged.
pub fn is_retryable(reason: Reason) -> bool {
    match reason {
        Reason::LogBusy
        | Reason::ViewBuilding
        | Reason::LogPoisoned
        | Reason::LogRolledBack
        | Reason::DiskFull
        | Reason::PositionAhead
        | Reason::SubscriberTooSlow
        | Reason::RateLimited
        | Reason::DeadlineExceeded
        | Reason::ShuttingDown => true,
        Reason::Unspecified
        | Reason::ConditionFailed
        | Reason::EventInvalid
        | Reason::ViewUnknown
        | Reason::PersonUnknown
        | Reason::EventUnknown
        | Reason::NetworkUnknown
        | Reason::EventIdReused
        | Reason::ScopeMismatch
        | Reason::ResetRequired
        | Reason::PersonErased
        | Reason::ViewIncomplete
        | Reason::TokenInvalid
        | Reason::DetailsMismatch
        | Reason::SignatureInvalid
        | Reason::PluginRefused
        | Reason::LimitExceeded
        | Reason::PermissionDenied
        | Reason::ScopeLost
        | Reason::OrganisationUnknown
        | Reason::RequestInvalid
        | Reason::Unsupported
        | Reason::AlreadyExists
        | Reason::RowUnknown
        | Reason::TokenUnknown
        | Reason::ViewStopped => false,
    }
}

/// Whether an event that was refused for it may be taken another time: by another token or role, at another time of day,
/// or once others are there that it names. `field` is the one at fault.
pub(crate) fn may_pass(reason: Reason, field: &str) -> bool {
    match reason {
        Reason::PermissionDenied | Reason::PersonUnknown | Reason::OrganisationUnknown | Reason::EventUnknown => true,
        Reason::EventInvalid => field == OCCURRED_AT,
        Reason::LogBusy
        | Reason::ViewBuilding
        | Reason::LogPoisoned
        | Reason::LogRolledBack
        | Reason::DiskFull
        | Reason::PositionAhead
        | Reason::SubscriberTooSlow
        | Reason::RateLimited
        | Reason::DeadlineExceeded
        | Reason::ShuttingDown
        | Reason::Unspecified
        | Reason::ConditionFailed
        | Reason::ViewUnknown
        | Reason::NetworkUnknown
        | Reason::EventIdReused
        | Reason::ScopeMismatch
        | Reason::ResetRequired
        | Reason::PersonErased
        | Reason::ViewIncomplete
        | Reason::TokenInvalid
        | Reason::DetailsMismatch
        | Reason::SignatureInvalid
        | Reason::PluginRefused
        | Reason::LimitExceeded
        | Reason::ScopeLost
        | Reason::RequestInvalid
        | Reason::Unsupported
        | Reason::AlreadyExists
        | Reason::RowUnknown
        | Reason::TokenUnknown
        | Reason::ViewStopped => false,
    }
}

/// The field of an event that is judged by a clock.
const OCCURRED_AT: &str = "event.occurred_at";

/// Whether it is certain that the call changed nothing. After a failed commit nobody knows what reached the disk, and
/// a server that goes down may have taken a call that it could not answer.
pub fn had_no_effect(reason: Reason) -> bool {
    match reason {
        Reason::Unspecified | Reason::LogPoisoned | Reason::DeadlineExceeded | Reason::ShuttingDown => false,
        Reason::ConditionFailed
        | Reason::EventInvalid
        | Reason::ViewUnknown
        | Reason::PersonUnknown
        | Reason::EventUnknown
        | Reason::NetworkUnknown
        | Reason::EventIdReused
        | Reason::ScopeMismatch
        | Reason::ResetRequired
        | Reason::PersonErased
        | Reason::ViewIncomplete
        | Reason::TokenInvalid
        | Reason::DetailsMismatch
        | Reason::SignatureInvalid
        | Reason::PluginRefused
        | Reason::LogBusy
        | Reason::RateLimited
        | Reason::ViewBuilding
        | Reason::LogRolledBack
        | Reason::DiskFull
        | Reason::PositionAhead
        | Reason::LimitExceeded
        | Reason::PermissionDenied
        | Reason::ScopeLost
        | Reason::SubscriberTooSlow
        | Reason::OrganisationUnknown
        | Reason::RequestInvalid
        | Reason::Unsupported
        | Reason::AlreadyExists
        | Reason::RowUnknown
        | Reason::TokenUnknown
        | Reason::ViewStopped => true,
    }
}
