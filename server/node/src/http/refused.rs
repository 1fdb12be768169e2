//! Why a request is refused: the status of a call, and for what calls do not have, the status of HTTP.

use crate::grpc::Failure;
use http::{HeaderValue, Response, StatusCode, header::ALLOW};
use kith_proto::v1::ErrorReason;
use tonic::{Status, body::Body};

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refused {
    why: Status,
    /// The status, where it does not follow from the reason.
    code: Option<StatusCode>,
    allowed: Option<HeaderValue>,
}

impl Refused {
    fn with_code(code: StatusCode, failure: Failure) -> Self {
        Self { why: failure.into(), code: Some(code), allowed: None }
    }

    /// There is no such route.
    pub(super) fn no_route() -> Self {
        let failure = Failure::because(ErrorReason::Unsupported, "nothing is here: /openapi.json says what there is");
        Self::with_code(StatusCode::NOT_FOUND, failure)
    }

    /// The route has another method.
    pub(super) fn wrong_method(allowed: HeaderValue) -> Self {
        let failure = Failure::because(ErrorReason::Unsupported, "this address is not asked with this method");
        Self { allowed: Some(allowed), ..Self::with_code(StatusCode::METHOD_NOT_ALLOWED, failure) }
    }

    /// The body is of a kind that is not read here.
    pub(super) fn media_type(readable: &str) -> Self {
        let failure = Failure::request("content-type", format_args!("must be {readable}"));
        Self::with_code(StatusCode::UNSUPPORTED_MEDIA_TYPE, failure)
    }

    /// The body is compressed.
    pub(super) fn encoding() -> Self {
        let failure = Failure::request("content-encoding", "must be left out: compressed bodies are not read");
        Self::with_code(StatusCode::UNSUPPORTED_MEDIA_TYPE, failure)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Status::from(failure).into()
    }
}

impl From<Status> for Refused {
    fn from(why: Status) -> Self {
        Self { why, code: None, allowed: None }
    }
}

impl From<Refused> for Response<Body> {
    fn from(refused: Refused) -> Self {
        let mut response: Self = refused.why.into_http();
        if let Some(code) = refused.code {
            *response.status_mut() = code;
        }
        if let Some(allowed) = refused.allowed {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}
