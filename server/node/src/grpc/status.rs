//! Failures of calls, and the one place that makes a [`tonic::Status`].
//!
//! Each status carries `google.rpc.ErrorInfo` with a reason of `errors.proto`. Faults of the server are logged in full
//! and answered as `INTERNAL` without their text. A caller's mistake is never `INTERNAL`, even if the transport detects
//! it.

use super::words::words;
use crate::limits::{PLUGIN_WORDS_BYTES_MAX, WORDS_BYTES_MAX};
use http::Response;
use kith_core::reason::{self, meaning};
use kith_proto::{ERROR_DOMAIN, v1::ErrorReason};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    time::Duration,
};
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};

/// Why a call failed, as reported to its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(Box<Kind>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Known(Known),
    Internal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    reason: ErrorReason,
    message: String,
    metadata: HashMap<String, String>,
    field: Option<String>,
    retry_after: Option<Duration>,
}

/// All that a caller learns of a fault of the server.
const INTERNAL_MESSAGE: &str = "the server failed; its log says why";

impl Failure {
    /// A failure with the reason's own message.
    pub(crate) fn new(reason: ErrorReason) -> Self {
        Self::known(reason, meaning(reason).message.to_owned())
    }

    /// A failure with a message, which is cut if it is long: it may quote what was sent.
    pub(crate) fn because(reason: ErrorReason, message: impl Display) -> Self {
        let of_plugin = matches!(reason, ErrorReason::PluginRefused | ErrorReason::ViewStopped);
        let bytes_max = if of_plugin { PLUGIN_WORDS_BYTES_MAX } else { WORDS_BYTES_MAX };
        Self::known(reason, words(message, bytes_max))
    }

    fn known(reason: ErrorReason, message: String) -> Self {
        Self(Box::new(Kind::Known(Known { reason, message, metadata: HashMap::new(), field: None, retry_after: None })))
    }

    /// A field of the request that is missing or malformed.
    pub(crate) fn request(field: &str, message: impl Display) -> Self {
        Self::because(ErrorReason::RequestInvalid, format_args!("{field}: {message}")).at(field)
    }

    /// A fault of the server: logged here, and not disclosed to the caller.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "call failed by a fault of the server");
        Self(Box::new(Kind::Internal))
    }

    /// Names the field at fault.
    #[must_use]
    pub(crate) fn at(self, field: impl Into<String>) -> Self {
        self.change(|known| known.field = Some(words(field.into(), WORDS_BYTES_MAX)))
    }

    /// Prefixes the field at fault, if one is named, with a path: `event.id` becomes `events[3].event.id`.
    #[must_use]
    pub(crate) fn below(self, path: &str) -> Self {
        self.change(|known| known.field = known.field.as_ref().map(|field| format!("{path}.{field}")))
    }

    /// Names the field at fault as the request has it: `event.token_issued.role` becomes `role`. For calls of which the
    /// server makes the event.
    #[must_use]
    pub(crate) fn in_request(self) -> Self {
        self.change(|known| {
            let field = known.field.as_deref().and_then(|field| field.strip_prefix("event."));
            if let Some((_, field)) = field.and_then(|field| field.split_once('.')) {
                known.field = Some(field.to_owned());
            }
        })
    }

    /// Adds a value that programs may want.
    #[must_use]
    pub(crate) fn with(self, key: &str, value: impl Display) -> Self {
        self.change(|known| drop(known.metadata.insert(key.to_owned(), words(value, WORDS_BYTES_MAX))))
    }

    /// Says when to try again.
    #[must_use]
    pub(crate) fn retry_after(self, delay: Duration) -> Self {
        self.change(|known| known.retry_after = Some(delay))
    }

    fn change(mut self, change: impl FnOnce(&mut Known)) -> Self {
        match &mut *self.0 {
            Kind::Known(known) => change(known),
            Kind::Internal => {}
        }
        self
    }

    /// The reason; unspecified for a fault of the server.
    pub(crate) fn reason(&self) -> ErrorReason {
        match &*self.0 {
            Kind::Known(known) => known.reason,
            Kind::Internal => ErrorReason::Unspecified,
        }
    }

    /// The field at fault, if one is named.
    pub(crate) fn field(&self) -> Option<&str> {
        match &*self.0 {
            Kind::Known(known) => known.field.as_deref(),
            Kind::Internal => None,
        }
    }

    /// What programs may want to know; nothing of a fault of the server.
    pub(crate) fn metadata(&self) -> BTreeMap<&str, &str> {
        match &*self.0 {
            Kind::Known(known) => known.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            Kind::Internal => BTreeMap::new(),
        }
    }

    /// When to try again, if that is known.
    pub(crate) fn retry_delay(&self) -> Option<Duration> {
        match &*self.0 {
            Kind::Known(known) => known.retry_after,
            Kind::Internal => None,
        }
    }

    /// The failure that a status tells of.
    pub(crate) fn of_status(status: &Status) -> Self {
        of_ours(status).or_else(|| of_transport(status)).unwrap_or_else(|| Self(Box::new(Kind::Internal)))
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        match &*self.0 {
            Kind::Known(known) => &known.message,
            Kind::Internal => INTERNAL_MESSAGE,
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        match *failure.0 {
            Kind::Known(known) => known.into_status(),
            Kind::Internal => Status::new(Code::Internal, INTERNAL_MESSAGE),
        }
    }
}

impl Known {
    fn into_status(self) -> Status {
        let code = code(self.reason);
        let mut details = ErrorDetails::with_error_info(reason::name(self.reason), ERROR_DOMAIN, self.metadata);
        if let Some(field) = &self.field {
            details.set_bad_request(vec![FieldViolation::new(field, &self.message)]);
        }
        if code == Code::FailedPrecondition {
            let subject = self.field.as_deref().unwrap_or_default();
            let violation = PreconditionViolation::new(reason::name(self.reason), subject, &self.message);
            details.set_precondition_failure(vec![violation]);
        }
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        Status::with_error_details(code, self.message, details)
    }
}

/// Adds a reason to refusals that the transport makes before a call reaches us: it detects messages that are malformed
/// or too large, and calls that do not exist, and reports them in its own way.
pub(crate) fn with_reason(response: Response<Body>) -> Response<Body> {
    let headers = response.headers();
    if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return response;
    }
    let Some(failure) = Status::from_header_map(headers).and_then(|status| of_transport(&status)) else {
        return response;
    };
    let mut told = Status::from(failure).into_http::<Body>();
    if let Some(encodings) = response.headers().get(ACCEPT_ENCODING) {
        told.headers_mut().insert(ACCEPT_ENCODING, encodings.clone());
    }
    told
}

/// The header that says which encodings of messages a server reads.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";

/// Why no message could be read from a client's stream. Layers in front of the call have given their own reason.
pub(super) fn received(status: &Status) -> Failure {
    of_ours(status)
        .or_else(|| of_transport(status))
        .unwrap_or_else(|| Failure::because(ErrorReason::RequestInvalid, "the stream broke off or had no messages"))
}

/// The failure from which a status was made.
fn of_ours(status: &Status) -> Option<Failure> {
    let details = status.get_error_details();
    let info = details.error_info().filter(|info| info.domain == ERROR_DOMAIN)?;
    let reason = reason::parse(&info.reason)?;
    let retry_after = details.retry_info().and_then(|retry| retry.retry_delay);
    let field = details.bad_request().and_then(|request| request.field_violations.first());
    Some(Failure(Box::new(Kind::Known(Known {
        reason,
        message: status.message().to_owned(),
        metadata: info.metadata.clone(),
        field: field.map(|violation| violation.field.clone()),
        retry_after,
    }))))
}

/// The meaning of the transport's own status, if it is about something that was sent.
fn of_transport(status: &Status) -> Option<Failure> {
    match status.code() {
        Code::Internal if status.message() == INTERNAL_MESSAGE => None,
        Code::Internal | Code::Unknown | Code::Cancelled | Code::DataLoss => {
            let message = format_args!("what was sent is not a message that this call accepts: {}", status.message());
            Some(Failure::because(ErrorReason::RequestInvalid, message))
        }
        Code::OutOfRange | Code::ResourceExhausted => {
            Some(Failure::because(ErrorReason::LimitExceeded, "the message is larger than the server accepts"))
        }
        Code::Unimplemented if status.message().is_empty() => Some(Failure::new(ErrorReason::Unsupported)),
        Code::Unimplemented => Some(Failure::because(ErrorReason::Unsupported, status.message())),
        Code::Ok
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unavailable
        | Code::Unauthenticated => None,
    }
}

/// The gRPC code that goes with a reason.
fn code(reason: ErrorReason) -> Code {
    Code::from_i32(meaning(reason).code as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_reason() -> impl Iterator<Item = ErrorReason> {
        let all: Vec<_> = (0..=i32::from(u8::MAX)).filter_map(|number| ErrorReason::try_from(number).ok()).collect();
        assert_eq!(all.len(), 39);
        all.into_iter()
    }

    #[test]
    fn every_reason_reads_back_from_its_status() {
        for reason in every_reason() {
            let status = Status::from(Failure::new(reason).with("event", 3).at("network"));
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            let read = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
            assert_eq!(read, Some(reason));
            assert_eq!((info.domain.as_str(), info.metadata["event"].as_str()), ("kith.v1", "3"));
            assert_eq!(status.code(), code(reason));
            assert_eq!(status.message(), meaning(reason).message);
        }
    }

    #[test]
    fn a_named_field_is_in_bad_request_and_a_broken_state_in_precondition_failure() {
        let status = Status::from(Failure::request("network", "is missing").below("events[3]"));
        let details = status.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "events[3].network");
        assert!(details.precondition_failure().is_none());

        let status = Status::from(Failure::new(ErrorReason::ScopeMismatch).at("event.answered.referral"));
        let details = status.get_error_details();
        let violation = &details.precondition_failure().unwrap().violations[0];
        assert_eq!(
            (violation.r#type.as_str(), violation.subject.as_str()),
            ("SCOPE_MISMATCH", "event.answered.referral")
        );
    }

    #[test]
    fn what_stands_before_a_stream_says_why_it_broke_off() {
        let late = Failure::new(ErrorReason::DeadlineExceeded);
        let busy = Failure::new(ErrorReason::RateLimited).with("limit", "x").retry_after(Duration::from_secs(1));
        for failure in [late, busy, Failure::request("data", "is missing")] {
            assert_eq!(received(&Status::from(failure.clone())), failure);
        }
        assert_eq!(received(&Status::internal("no message")).reason(), ErrorReason::RequestInvalid);
    }

    #[test]
    fn waiting_times_are_told() {
        let status = Status::from(Failure::new(ErrorReason::LogBusy).retry_after(Duration::from_millis(40)));
        let retry = status.get_error_details().retry_info().unwrap().retry_delay;
        assert_eq!(retry, Some(Duration::from_millis(40)));
    }

    /// What a caller receives when the transport refuses.
    fn told(refused: Status) -> Status {
        Status::from_header_map(with_reason(refused.into_http()).headers()).unwrap()
    }

    #[test]
    fn what_the_transport_refuses_is_told_as_the_callers() {
        let cases = [
            (Status::internal("failed to decode Protobuf message"), "REQUEST_INVALID", Code::InvalidArgument),
            (Status::unknown("a body that broke off"), "REQUEST_INVALID", Code::InvalidArgument),
            (Status::out_of_range("too large"), "LIMIT_EXCEEDED", Code::InvalidArgument),
            (Status::unimplemented(""), "UNSUPPORTED", Code::Unimplemented),
            (Status::unimplemented("Content is compressed with `gzip`"), "UNSUPPORTED", Code::Unimplemented),
        ];
        for (refused, reason, code) in cases {
            let told = told(refused);
            assert_eq!((told.get_error_details().error_info().unwrap().reason.as_str(), told.code()), (reason, code));
        }
        let ours = Status::from(Failure::new(ErrorReason::LogBusy));
        assert_eq!(told(ours.clone()).details(), ours.details());
        let fault = told(Failure::internal(&std::io::Error::other("secret path")).into());
        assert_eq!((fault.code(), fault.message()), (Code::Internal, INTERNAL_MESSAGE));
    }

    #[test]
    fn nothing_long_or_wild_that_was_sent_comes_back() {
        let sent = format!("a\u{1b}[31m\r\n{}", "é".repeat(100_000));
        let failure = Failure::because(ErrorReason::ViewUnknown, format_args!("there is no view {sent}"));
        let status = Status::from(failure.at(sent.clone()).with("view", &sent));
        let details = status.get_error_details();
        let violations = Status::from(Failure::request("view", &sent)).get_error_details();
        let violation = &violations.bad_request().unwrap().field_violations[0];
        let told = [status.message(), &details.error_info().unwrap().metadata["view"], &violation.description];
        for text in told {
            assert!(text.len() <= WORDS_BYTES_MAX && !text.contains(char::is_control), "{text}");
        }
        assert!(status.details().len() < 2_000, "{} bytes", status.details().len());
    }

    #[test]
    fn faults_of_the_server_keep_their_text() {
        let status = Status::from(Failure::internal(&std::io::Error::other("secret path")));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("secret"));
        assert!(status.details().is_empty());
    }
}
