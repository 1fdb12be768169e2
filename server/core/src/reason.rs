//! What a reason for a refusal means: one table for server, clients and command line. A new reason does not compile
//! without its line.

use crate::invalid::{Invalid, Problem};

/// Why a call was refused: a value of `errors.proto`.
pub use kith_proto::v1::ErrorReason as Reason;

/// The status code of a reason, by its number in gRPC (`google.rpc.Code`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the codes mean what gRPC says of them")]
pub enum Code {
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    Unimplemented = 12,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// What a reason means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Its status code.
    pub code: Code,
    /// Whether the same call can succeed later, unchanged.
    pub is_retryable: bool,
    /// Whether it is certain that the call changed nothing. After a failed commit it is unknown what reached the disk,
    /// and a server that shuts down may have accepted a call that it could not answer.
    pub had_no_effect: bool,
    /// The message if there is nothing more specific to say.
    pub message: &'static str,
}

impl Meaning {
    const fn of(code: Code, message: &'static str) -> Self {
        Self { code, is_retryable: false, had_no_effect: true, message }
    }

    const fn retryable(self) -> Self {
        Self { is_retryable: true, ..self }
    }

    const fn of_unknown_effect(self) -> Self {
        Self { had_no_effect: false, ..self }
    }
}

/// What a reason means for the caller.
pub const fn meaning(reason: Reason) -> Meaning {
    match reason {
        Reason::Unspecified => Meaning::of(Code::Unknown, "the call failed").of_unknown_effect(),
        Reason::ConditionFailed => Meaning::of(Code::Aborted, "the condition does not hold: read again, then decide again"),
        Reason::EventInvalid => Meaning::of(Code::InvalidArgument, "the event breaks a rule"),
        Reason::ViewUnknown => Meaning::of(Code::NotFound, "there is no such view"),
        Reason::PersonUnknown => Meaning::of(Code::NotFound, "there is no such person"),
        Reason::EventUnknown => Meaning::of(Code::NotFound, "there is no such event"),
        Reason::NetworkUnknown => Meaning::of(Code::NotFound, "there is no such network"),
        Reason::EventIdReused => Meaning::of(Code::AlreadyExists, "the event id is taken by another event"),
        Reason::ScopeMismatch => Meaning::of(Code::FailedPrecondition, "the event named has another scope"),
        Reason::ResetRequired => Meaning::of(Code::FailedPrecondition, "the cursor is of another history: start again from the first entry, keep the outbox"),
        Reason::PersonErased => Meaning::of(Code::FailedPrecondition, "the person's words were erased: nothing can be recorded with them"),
        Reason::ViewIncomplete => Meaning::of(Code::FailedPrecondition, "entries that the view needs are missing here"),
        Reason::TokenInvalid => Meaning::of(Code::Unauthenticated, "a valid token is needed: send `authorization: Bearer SECRET`"),
        Reason::DetailsMismatch => Meaning::of(Code::InvalidArgument, "a detail does not match its commitment"),
        Reason::PluginRefused => Meaning::of(Code::InvalidArgument, "the plugin breaks a rule of the contract"),
        Reason::LogBusy => Meaning::of(Code::ResourceExhausted, "too many appends wait: try again shortly").retryable(),
        Reason::ViewBuilding => Meaning::of(Code::Unavailable, "the view is not built yet: try again shortly").retryable(),
        Reason::LogPoisoned => Meaning::of(Code::Unavailable, "the log accepts no writes after a failed commit: an operator must restart the server").retryable().of_unknown_effect(),
        Reason::PositionAhead => Meaning::of(Code::Unavailable, "the position is ahead of this server: try again shortly").retryable(),
        Reason::LimitExceeded => Meaning::of(Code::InvalidArgument, "something is larger than its limit"),
        Reason::PermissionDenied => Meaning::of(Code::PermissionDenied, "this token may not do this: ask an owner"),
        Reason::ScopeLost => Meaning::of(Code::PermissionDenied, "this token may no longer see what the cursor was read with"),
        Reason::SubscriberTooSlow => Meaning::of(Code::ResourceExhausted, "the reader was too slow: resume from the last cursor").retryable(),
        Reason::OrganisationUnknown => Meaning::of(Code::NotFound, "there is no such organisation"),
        Reason::RequestInvalid => Meaning::of(Code::InvalidArgument, "a field of the request is missing or malformed"),
        Reason::AlreadyExists => Meaning::of(Code::AlreadyExists, "the name or id is taken"),
        Reason::RowUnknown => Meaning::of(Code::NotFound, "there is no such row"),
        Reason::TokenUnknown => Meaning::of(Code::NotFound, "there is no such token"),
        Reason::ViewStopped => Meaning::of(Code::Unavailable, "the view stopped after faults: its status says why"),
        Reason::ShuttingDown => Meaning::of(Code::Unavailable, "the server is shutting down: connect again and resume from the cursor").retryable().of_unknown_effect(),
        Reason::LogRolledBack => Meaning::of(Code::Unavailable, "the log is not the one that was signed before, as after the restore of an old backup, and accepts no writes: \
             an operator must put the right log back, or accept the loss with `kithd restore --accept-rollback`").retryable(),
        Reason::RateLimited => Meaning::of(Code::ResourceExhausted, "too many calls a second: wait, or send more events in each call").retryable(),
        Reason::SignatureInvalid => Meaning::of(Code::InvalidArgument, "the signature cannot be verified"),
        Reason::DeadlineExceeded => Meaning::of(Code::DeadlineExceeded, "the call took longer than allowed: ask for less, or try again later").retryable().of_unknown_effect(),
        Reason::DiskFull => Meaning::of(Code::Unavailable, "the server's disk is almost full, and nothing was recorded: the log accepts events again by itself once an \
             operator has made room (log.disk_reserve_bytes, log.disk_reserve_per_cent)").retryable(),
        Reason::PersonHeld => Meaning::of(Code::FailedPrecondition, "the person has a hold: whoever set it has to lift it first"),
        Reason::MemberUnknown => Meaning::of(Code::NotFound, "there is no such member"),
        Reason::RightsChanged => Meaning::of(Code::Unavailable, "what you may do here has changed meanwhile: try again").retryable().of_unknown_effect(),
        Reason::Unsupported => Meaning::of(Code::Unimplemented, "the server has no such call: is it older than this client?"),
    }
}

/// The reason for refusing an event that breaks a rule.
pub fn of_event(invalid: &Invalid) -> Reason {
    match invalid.problem {
        Problem::DetailsMismatch => Reason::DetailsMismatch,
        Problem::SignatureUnverified => Reason::SignatureInvalid,
        _ if invalid.is_limit() => Reason::LimitExceeded,
        _ => Reason::EventInvalid,
    }
}

/// The prefix of reasons in the enum, omitted in documents, JSON and `ErrorInfo`.
const PREFIX: &str = "ERROR_REASON_";

/// A reason as documents, JSON and `ErrorInfo` name it, such as `EVENT_INVALID`.
pub fn name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// Reads a reason's name; `None` for one that this version does not know.
pub fn parse(name: &str) -> Option<Reason> {
    Reason::from_str_name(&format!("{PREFIX}{name}"))
}

/// Whether a refused event may be accepted another time: with another token or role, at a later time, or once what it
/// names exists. `field` is the one at fault.
pub fn may_pass(reason: Reason, field: &str) -> bool {
    match reason {
        Reason::PermissionDenied | Reason::PersonUnknown | Reason::OrganisationUnknown | Reason::EventUnknown => true,
        Reason::EventInvalid => field == OCCURRED_AT,
        _ => false,
    }
}

/// The field of an event that is checked against a clock.
const OCCURRED_AT: &str = "event.occurred_at";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_that_reads_back() {
        let all: Vec<_> = (0..=i32::from(u8::MAX)).filter_map(|number| Reason::try_from(number).ok()).collect();
        assert_eq!(all.len(), 39);
        for reason in all {
            assert_eq!(parse(name(reason)), Some(reason));
            assert!(!meaning(reason).message.is_empty());
        }
        assert_eq!((name(Reason::EventInvalid), parse("NO_SUCH_REASON")), ("EVENT_INVALID", None));
    }

    #[test]
    fn what_can_pass_and_what_may_have_happened_is_as_written_here() {
        let all = || (0..=i32::from(u8::MAX)).filter_map(|number| Reason::try_from(number).ok());
        let names = |is: fn(Meaning) -> bool| -> Vec<_> { all().filter(|one| is(meaning(*one))).map(name).collect() };
        let retryable = [
            "LOG_BUSY",
            "VIEW_BUILDING",
            "LOG_POISONED",
            "POSITION_AHEAD",
            "SUBSCRIBER_TOO_SLOW",
            "SHUTTING_DOWN",
            "RIGHTS_CHANGED",
            "LOG_ROLLED_BACK",
            "RATE_LIMITED",
            "DEADLINE_EXCEEDED",
            "DISK_FULL",
        ];
        let unknown = ["UNSPECIFIED", "LOG_POISONED", "SHUTTING_DOWN", "DEADLINE_EXCEEDED", "RIGHTS_CHANGED"];
        let sorted = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        assert_eq!(sorted(names(|meaning| meaning.is_retryable)), sorted(retryable.to_vec()));
        assert_eq!(sorted(names(|meaning| !meaning.had_no_effect)), sorted(unknown.to_vec()));
    }
}
