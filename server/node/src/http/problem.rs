//! Refusals in the words of HTTP: a status, and a problem in JSON (RFC 9457).
//!
//! Invariant: the status follows from the reason by one table, which has every reason. A fault of the server is told
//! without its text.

use crate::{grpc::Failure, limits::BROKEN_RETRY};
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use kith_core::reason::{self, meaning};
use kith_proto::v1::ErrorReason;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tonic::{Code, Status, body::Body};

/// The media type of problems.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
/// What is at fault where it is an append as a whole.
const EVENTS: &str = "events";
/// What is at fault where it is the body as it was sent.
pub(super) const BODY: &str = "body";

/// The status of HTTP that goes with a reason.
fn status_of(reason: ErrorReason) -> StatusCode {
    use ErrorReason as Reason;
    match reason {
        Reason::Unspecified => StatusCode::INTERNAL_SERVER_ERROR,
        Reason::EventInvalid
        | Reason::DetailsMismatch
        | Reason::SignatureInvalid
        | Reason::LimitExceeded
        | Reason::RequestInvalid
        | Reason::PluginRefused => StatusCode::BAD_REQUEST,
        Reason::TokenInvalid => StatusCode::UNAUTHORIZED,
        Reason::PermissionDenied | Reason::ScopeLost => StatusCode::FORBIDDEN,
        Reason::NetworkUnknown
        | Reason::PersonUnknown
        | Reason::OrganisationUnknown
        | Reason::EventUnknown
        | Reason::ViewUnknown
        | Reason::RowUnknown
        | Reason::TokenUnknown
        | Reason::MemberUnknown => StatusCode::NOT_FOUND,
        Reason::EventIdReused
        | Reason::AlreadyExists
        | Reason::ScopeMismatch
        | Reason::ResetRequired
        | Reason::PersonErased
        | Reason::PersonHeld
        | Reason::ViewIncomplete => StatusCode::CONFLICT,
        Reason::ConditionFailed => StatusCode::PRECONDITION_FAILED,
        Reason::LogBusy | Reason::RateLimited | Reason::SubscriberTooSlow => StatusCode::TOO_MANY_REQUESTS,
        Reason::Unsupported => StatusCode::NOT_IMPLEMENTED,
        Reason::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Reason::ViewBuilding
        | Reason::ViewStopped
        | Reason::LogPoisoned
        | Reason::LogRolledBack
        | Reason::DiskFull
        | Reason::PositionAhead
        | Reason::RightsChanged
        | Reason::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The answer to a request, with the refusal of a call put into the words of HTTP.
pub(super) fn in_words_of_http(response: Response<Body>) -> Response<Body> {
    let Some(why) = Status::from_header_map(response.headers()) else { return response };
    let failure = Failure::of_status(&why);
    let code = if response.status() == StatusCode::OK { code_of(&failure) } else { response.status() };
    let problem = Value::Object(problem(&failure, code));
    let mut refused = Response::new(Body::new(problem.to_string()));
    *refused.status_mut() = code;
    let (headers, given) = (refused.headers_mut(), response.headers());
    headers.insert(CONTENT_TYPE, MEDIA_TYPE);
    if let Some(allowed) = given.get(http::header::ALLOW) {
        headers.insert(http::header::ALLOW, allowed.clone());
    }
    if code == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(delay) = retry_delay(&failure, code) {
        headers.insert(RETRY_AFTER, whole_seconds(delay).into());
    }
    super::answer::secure(headers);
    refused
}

/// Whether a request is refused because nobody knows who makes it.
pub(super) fn is_unauthenticated(response: &Response<Body>) -> bool {
    Status::from_header_map(response.headers()).is_some_and(|why| why.code() == Code::Unauthenticated)
}

/// The status of a failure. What is too large as a whole is a request that is too large.
fn code_of(failure: &Failure) -> StatusCode {
    let is_whole = failure.field().is_some_and(|field| [EVENTS, BODY].contains(&field));
    match failure.reason() {
        ErrorReason::LimitExceeded if is_whole => StatusCode::PAYLOAD_TOO_LARGE,
        reason => status_of(reason),
    }
}

/// A failure as a problem: `{"type", "title", "status", "detail", "reason", "field", "event", "metadata"}`. `event` is the
/// index of the event at fault, from 0, and `field` is within it.
fn problem(failure: &Failure, code: StatusCode) -> Map<String, Value> {
    let mut metadata = failure.metadata();
    let event = metadata.remove("event").and_then(|event| event.parse::<u64>().ok());
    let mut problem = Map::from_iter([
        ("type".to_owned(), json!("about:blank")),
        ("title".to_owned(), json!(code.canonical_reason())),
        ("status".to_owned(), json!(code.as_u16())),
    ]);
    if failure.reason() == ErrorReason::Unspecified {
        return problem;
    }
    problem.insert("detail".to_owned(), json!(failure.message()));
    problem.insert("reason".to_owned(), json!(reason::name(failure.reason())));
    problem.insert("field".to_owned(), json!(failure.field().map(|field| within_event(field, event))));
    if event.is_some() {
        problem.insert("event".to_owned(), json!(event));
    }
    if !metadata.is_empty() {
        problem.insert("metadata".to_owned(), json!(metadata));
    }
    problem
}

/// A failure as a problem that stands in an answer which has begun.
pub(super) fn problem_within(status: &Status) -> Map<String, Value> {
    let failure = Failure::of_status(status);
    problem(&failure, code_of(&failure))
}

/// A field without the path of its event: `event.met.people` of `events[3].event.met.people`.
fn within_event(field: &str, event: Option<u64>) -> &str {
    let path = event.map(|event| format!("{EVENTS}[{event}]."));
    path.and_then(|path| field.strip_prefix(&path)).unwrap_or(field)
}

/// When to come again.
fn retry_delay(failure: &Failure, code: StatusCode) -> Option<Duration> {
    let is_wait = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&code);
    let otherwise = (is_wait && meaning(failure.reason()).is_retryable).then_some(BROKEN_RETRY);
    failure.retry_delay().or(otherwise)
}

fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn told(response: Response<Body>) -> (StatusCode, http::HeaderMap, Value) {
        let (parts, body) = in_words_of_http(response).into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_refusal_names_reason_field_and_event() {
        let failure = Failure::because(ErrorReason::EventInvalid, "has 1 items").at("events[3].event.met.people");
        let (code, headers, problem) = told(Status::from(failure.with("event", 3).with("x", "y")).into_http()).await;
        assert_eq!((code, &headers[CONTENT_TYPE]), (StatusCode::BAD_REQUEST, &MEDIA_TYPE));
        let expected = json!({
            "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "has 1 items",
            "reason": "EVENT_INVALID", "field": "event.met.people", "event": 3, "metadata": { "x": "y" },
        });
        assert_eq!(problem, expected);
    }

    #[tokio::test]
    async fn whoever_has_to_wait_is_told_how_long_in_whole_seconds() {
        let check = async |failure: Failure, code: u16, seconds: Option<&str>| {
            let (status, headers, _) = told(Status::from(failure).into_http()).await;
            let told = headers.get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!((status.as_u16(), told.as_deref()), (code, seconds));
        };
        check(Failure::new(ErrorReason::RateLimited).retry_after(Duration::from_millis(1)), 429, Some("1")).await;
        check(Failure::new(ErrorReason::LogBusy).retry_after(Duration::from_millis(1_500)), 429, Some("2")).await;
        check(Failure::new(ErrorReason::DiskFull), 503, Some("5")).await;
        check(Failure::new(ErrorReason::ViewStopped), 503, None).await;
        check(Failure::new(ErrorReason::PersonUnknown), 404, None).await;
    }

    #[tokio::test]
    async fn a_fault_of_the_server_keeps_its_text() {
        let failure = Failure::internal(&std::io::Error::other("secret path"));
        let (code, _, problem) = told(Status::from(failure).into_http()).await;
        assert_eq!(code, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem, json!({"type": "about:blank", "title": "Internal Server Error", "status": 500}));
    }

    #[tokio::test]
    async fn answers_pass_untouched() {
        let response = in_words_of_http(Response::new(Body::new("x".to_owned())));
        assert_eq!((response.status(), response.headers().len()), (StatusCode::OK, 0));
    }
}
