//! The error of every call, read from a status or raised by the client. It says what the caller can do.

use crate::address::AddressInvalid;
use kith_core::invalid::Invalid;
use kith_core::reason::{self, Reason, meaning};
use kith_proto::ERROR_DOMAIN;
use std::{collections::HashMap, error::Error as StdError, fmt, time::Duration};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Failure>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    kind: Kind,
    message: String,
    field: Option<String>,
    event: Option<usize>,
    retry_after: Option<Duration>,
    metadata: HashMap<String, String>,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The call was refused by the server, or by a check before it was sent, with the same reason.
    Refused(Reason),
    /// There is no connection, or it broke before the answer arrived.
    Unreachable,
    /// The answer did not arrive in time.
    TimedOut,
    /// The server failed, or refused for a reason that this client does not know.
    ServerFailed,
    /// The answer is not a valid answer of a Kith server.
    AnswerInvalid,
    /// The answer does not prove what it should: the server or somebody in between changed the log or the answer.
    NotVerified,
    /// The options are invalid.
    OptionsInvalid,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            kind,
            message: message.into(),
            field: None,
            event: None,
            retry_after: None,
            metadata: HashMap::new(),
        }))
    }

    /// A query that the client itself refuses, for the reason that a server would give.
    #[cfg(feature = "views")]
    pub(crate) fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Kind::Refused(reason), message)
    }

    /// A malformed answer; `what` says how.
    pub(crate) fn answer(what: impl fmt::Display) -> Self {
        Self::new(Kind::AnswerInvalid, format!("the server's answer is malformed: {what}"))
    }

    /// An answer that does not prove what it should.
    pub(crate) fn unverified(why: impl fmt::Display) -> Self {
        Self::new(Kind::NotVerified, format!("the server's answer does not verify: {why}"))
    }

    pub(crate) fn timed_out(waited: Duration) -> Self {
        Self::new(Kind::TimedOut, format!("no answer within {} s", waited.as_secs_f32()))
    }

    /// A connection that could not be established.
    pub(crate) fn unreachable(server: &str, error: &(dyn StdError + 'static)) -> Self {
        let cause = innermost(error);
        Self::new(Kind::Unreachable, format!("no connection to {server}: {cause}"))
    }

    /// The same failure, with a field that the caller knows better.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The reason, if the call was refused for a known one.
    pub fn reason(&self) -> Option<Reason> {
        match self.0.kind {
            Kind::Refused(reason) => Some(reason),
            Kind::Unreachable
            | Kind::TimedOut
            | Kind::ServerFailed
            | Kind::AnswerInvalid
            | Kind::NotVerified
            | Kind::OptionsInvalid => None,
        }
    }

    /// The field at fault, such as `events[3].event.met.people`.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The index of the event at fault in an append, from 0.
    pub fn event(&self) -> Option<usize> {
        self.0.event
    }

    /// How long the server asks the client to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// A value that belongs to the reason, such as `head` of `CONDITION_FAILED`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.metadata.get(key).map(String::as_str)
    }

    /// Whether the same call can succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            Kind::Refused(reason) => meaning(reason).is_retryable,
            Kind::Unreachable | Kind::TimedOut => true,
            // A reason of a later version, with which the server says when to try again.
            Kind::ServerFailed => self.0.retry_after.is_some(),
            Kind::AnswerInvalid | Kind::NotVerified | Kind::OptionsInvalid => false,
        }
    }

    /// Whether it is certain that the call changed nothing on the server.
    pub fn had_no_effect(&self) -> bool {
        match self.0.kind {
            Kind::Refused(reason) => meaning(reason).had_no_effect,
            Kind::OptionsInvalid => true,
            Kind::Unreachable | Kind::TimedOut | Kind::ServerFailed | Kind::AnswerInvalid | Kind::NotVerified => false,
        }
    }

    fn explained(status: &Status, reason: Reason, metadata: HashMap<String, String>) -> Self {
        let details = status.get_error_details();
        let violated = details.bad_request().and_then(|request| request.field_violations.first());
        let broken = details.precondition_failure().and_then(|failure| failure.violations.first());
        let field = violated
            .map(|violation| violation.field.clone())
            .or_else(|| broken.map(|violation| violation.subject.clone()))
            .filter(|field| !field.is_empty());
        let event = metadata.get("event").map(String::as_str).or_else(|| field.as_deref().and_then(event_index));
        let event = event.and_then(|event| event.parse().ok());
        Self(Box::new(Failure {
            kind: Kind::Refused(reason),
            message: status.message().to_owned(),
            field,
            event,
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
            metadata,
        }))
    }

    /// A status without a known reason: the transport's own, or one from a newer server.
    fn unexplained(status: &Status) -> Self {
        let mut error = Self::of_code(status);
        error.0.retry_after = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
        error
    }

    fn of_code(status: &Status) -> Self {
        let local_cause = StdError::source(status);
        match (status.code(), local_cause) {
            (Code::DeadlineExceeded, _) => Self::new(Kind::TimedOut, "no answer in time"),
            (Code::Cancelled, _) if status.message() == "Timeout expired" => {
                Self::new(Kind::TimedOut, "no answer in time")
            }
            (_, Some(cause)) => {
                Self::new(Kind::Unreachable, format!("the connection to the server broke: {}", innermost(cause)))
            }
            // The transport has no other sign for an answer that cannot be read.
            (Code::Internal, None) if UNREADABLE.iter().any(|text| status.message().starts_with(text)) => {
                Self::answer(status.message())
            }
            (Code::Unavailable, None) => {
                Self::new(Kind::Unreachable, format!("the server is not available: {}", status.message()))
            }
            (Code::Unimplemented, None) => {
                Self::new(Kind::ServerFailed, "the server does not know this call: is it older than this client?")
            }
            (_, None) => Self::new(Kind::ServerFailed, format!("the server failed: {}", status.message())),
        }
    }
}

/// How the transport says that an answer cannot be read, or has no message.
const UNREADABLE: [&str; 2] = ["failed to decode Protobuf message", "Missing response message"];

/// The index in a field such as `events[3].event.met.people`.
fn event_index(field: &str) -> Option<&str> {
    let (index, _) = field.strip_prefix("events[")?.split_once("].")?;
    Some(index)
}

impl From<AddressInvalid> for Error {
    fn from(invalid: AddressInvalid) -> Self {
        Self::new(Kind::OptionsInvalid, invalid.to_string())
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        let info = status.get_details_error_info().filter(|info| info.domain == ERROR_DOMAIN);
        match info.and_then(|info| Some((reason::parse(&info.reason)?, info.metadata))) {
            Some((reason, metadata)) => Self::explained(&status, reason, metadata),
            None => Self::unexplained(&status),
        }
    }
}

/// A rule violation found by the client reads like a refusal by the server.
impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(Kind::Refused(reason::of_event(&invalid)), invalid.to_string()).at(invalid.field)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {}

/// The cause reported by the operating system, without the layers around it.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::invalid::Problem;
    use tonic_types::{ErrorDetails, FieldViolation};

    fn every_reason() -> Vec<Reason> {
        let all: Vec<_> = (0..=255).filter_map(|number| Reason::try_from(number).ok()).collect();
        assert!(all.len() >= 30);
        all
    }

    fn status(reason: Reason) -> Status {
        let metadata = HashMap::from([("event".to_owned(), "3".to_owned())]);
        let mut details = ErrorDetails::with_error_info(reason::name(reason), ERROR_DOMAIN, metadata);
        details.set_bad_request(vec![FieldViolation::new("events[3].event.met.people", "names amina twice")]);
        details.set_retry_info(Some(Duration::from_millis(40)));
        Status::with_error_details(Code::Unknown, "in words", details)
    }

    #[test]
    fn every_reason_reads_back_from_its_status() {
        for reason in every_reason() {
            let error = Error::from(status(reason));
            assert_eq!((error.kind(), error.reason()), (Kind::Refused(reason), Some(reason)));
            assert_eq!((error.field(), error.event()), (Some("events[3].event.met.people"), Some(3)));
            assert_eq!(error.retry_after(), Some(Duration::from_millis(40)));
            assert_eq!((error.to_string().as_str(), error.value("event")), ("in words", Some("3")));
            assert_eq!(error.is_retryable(), meaning(reason).is_retryable);
            assert_eq!(error.had_no_effect(), meaning(reason).had_no_effect);
        }
    }

    #[test]
    fn the_event_at_fault_is_known_by_its_field_alone() {
        let mut details = ErrorDetails::with_error_info("EVENT_INVALID", ERROR_DOMAIN, HashMap::new());
        details.add_bad_request_violation("events[12].event.met.people", "why");
        let error = Error::from(Status::with_error_details(Code::InvalidArgument, "", details));
        assert_eq!((error.event(), error.field()), (Some(12), Some("events[12].event.met.people")));
    }

    #[test]
    fn a_broken_state_names_its_subject() {
        let mut details = ErrorDetails::with_error_info("SCOPE_MISMATCH", ERROR_DOMAIN, HashMap::new());
        let violation = tonic_types::PreconditionViolation::new("SCOPE_MISMATCH", "event.answered.referral", "");
        details.set_precondition_failure(vec![violation]);
        let error = Error::from(Status::with_error_details(Code::FailedPrecondition, "", details));
        assert_eq!(error.field(), Some("event.answered.referral"));
    }

    #[test]
    fn statuses_without_a_reason_are_told_apart_by_code_and_cause() {
        let check = |status: Status, kind: Kind, retryable: bool| {
            let error = Error::from(status);
            assert_eq!(
                (error.kind(), error.is_retryable(), error.had_no_effect()),
                (kind, retryable, false),
                "{error}"
            );
        };
        check(Status::internal("x"), Kind::ServerFailed, false);
        check(Status::unimplemented("x"), Kind::ServerFailed, false);
        check(Status::unavailable("x"), Kind::Unreachable, true);
        check(Status::deadline_exceeded("x"), Kind::TimedOut, true);
        check(Status::cancelled("Timeout expired"), Kind::TimedOut, true);
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        check(Status::from_error(Box::new(broken)), Kind::Unreachable, true);
        let foreign = ErrorDetails::with_error_info("EVENT_INVALID", "example.org", HashMap::new());
        check(Status::with_error_details(Code::Internal, "x", foreign), Kind::ServerFailed, false);
        let newer = ErrorDetails::with_error_info("NOT_YET_INVENTED", ERROR_DOMAIN, HashMap::new());
        check(Status::with_error_details(Code::Internal, "x", newer.clone()), Kind::ServerFailed, false);
        let mut later = newer;
        later.set_retry_info(Some(Duration::from_millis(750)));
        check(Status::with_error_details(Code::Internal, "x", later), Kind::ServerFailed, true);
    }

    #[test]
    fn rules_broken_on_this_side_read_like_refusals() {
        let check = |problem: Problem, reason: Reason| {
            let error = Error::from(Invalid::new("event.met.people", problem));
            assert_eq!((error.reason(), error.field()), (Some(reason), Some("event.met.people")));
            assert!(error.had_no_effect() && !error.is_retryable());
        };
        check(Problem::Missing, Reason::EventInvalid);
        check(Problem::TooMany { max: 64, found: 65 }, Reason::LimitExceeded);
        check(Problem::DetailsMismatch, Reason::DetailsMismatch);
        check(Problem::SignatureUnverified, Reason::SignatureInvalid);
    }
}
