//! How long a call may take until its answer begins: as long as the client says, but no longer than the server allows.
//! A call that runs out of time is dropped, and its work ends with it.

use crate::{grpc::Failure, limits};
use http::{HeaderMap, Request, Response};
use kith_proto::v1::ErrorReason;
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

/// The header in which a client states how long it waits.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Ends calls that take too long, with a reason.
#[derive(Clone)]
pub(crate) struct DeadlineLayer {
    /// The longest that a call may take.
    pub(crate) max: Duration,
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { max: self.max, inner }
    }
}

/// A service whose calls have a deadline.
#[derive(Clone)]
pub(crate) struct Deadline<S> {
    max: Duration,
    inner: S,
}

impl<S> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let allowed = match allowed(request.headers(), self.max) {
            Ok(allowed) => allowed,
            Err(failure) => return Box::pin(async move { Ok(Status::from(failure).into_http()) }),
        };
        let answering = self.inner.call(request);
        Box::pin(async move {
            match tokio::time::timeout(allowed, answering).await {
                Ok(answer) => answer,
                Err(_) => Ok(Status::from(Failure::new(ErrorReason::DeadlineExceeded)).into_http()),
            }
        })
    }
}

/// The time until a call is ended: shortly before the client gives up, so that it learns why.
fn allowed(headers: &HeaderMap, max: Duration) -> Result<Duration, Failure> {
    let Some(header) = headers.get(GRPC_TIMEOUT) else { return Ok(max) };
    let asked = header.to_str().ok().and_then(parse);
    let asked = asked
        .ok_or_else(|| Failure::request(GRPC_TIMEOUT, "must be up to eight digits and a unit: H, M, S, m, u, n"))?;
    if asked > max {
        return Ok(max);
    }
    Ok(asked.saturating_sub((asked / limits::DEADLINE_ANSWER_SHARE).min(limits::DEADLINE_ANSWER)))
}

/// Reads a timeout as gRPC writes it: up to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (unit_at, unit) = text.char_indices().last()?;
    let digits = &text[..unit_at];
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(count * 3_600)),
        'M' => Some(Duration::from_secs(count * 60)),
        'S' => Some(Duration::from_secs(count)),
        'm' => Some(Duration::from_millis(count)),
        'u' => Some(Duration::from_micros(count)),
        'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        assert_eq!(parse("10S"), Some(Duration::from_secs(10)));
        assert_eq!(parse("2M"), Some(Duration::from_mins(2)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        for malformed in ["", "S", "10", "-1S", "123456789S", "1é", "1s"] {
            assert_eq!(parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn a_call_is_given_up_before_its_client_gives_up_and_never_later_than_the_server_allows() {
        let (mut headers, max) = (HeaderMap::new(), Duration::from_secs(10));
        assert_eq!(allowed(&headers, max), Ok(max));
        headers.insert(GRPC_TIMEOUT, "1S".parse().unwrap());
        assert_eq!(allowed(&headers, max), Ok(Duration::from_millis(950)));
        headers.insert(GRPC_TIMEOUT, "100m".parse().unwrap());
        assert_eq!(allowed(&headers, max), Ok(Duration::from_millis(95)));
        headers.insert(GRPC_TIMEOUT, "20S".parse().unwrap());
        assert_eq!(allowed(&headers, max), Ok(max));
        headers.insert(GRPC_TIMEOUT, "soon".parse().unwrap());
        assert_eq!(allowed(&headers, max).unwrap_err().field(), Some(GRPC_TIMEOUT));
    }
}
