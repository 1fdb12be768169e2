//! What comes through the front door: calls, requests to the HTTP door, sessions of browsers, and pages of the console,
//! by path and method.
//!
//! Calls come first, and everything that is neither a session nor a page goes to them untouched. Invariant: only calls
//! of gRPC-web that a page of this server makes are marked as such.

use super::{
    own_page::{OwnPage, is_own},
    route::is_of_http_door,
    session_call::SessionCalls,
};
use crate::console::{self, Console};
use futures_util::future::{BoxFuture, Either};
use http::{HeaderMap, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};
use tonic::body::Body;
use tower::{Layer, Service};

/// Where calls are made.
const CALLS: [&str; 2] = ["/kith.v1.", "/grpc."];
/// Where sessions begin and end.
const SESSION: &str = "/session";
/// The methods of a session.
const SESSION_METHODS: &str = "POST, DELETE";
/// The prefix of gRPC-web's media types.
const GRPC_WEB: &str = "application/grpc-web";

/// Puts sessions and the console beside a service.
#[derive(Clone)]
pub(crate) struct FrontLayer(Arc<Beside>);

/// What is beside calls. It is shared, since a service is cloned with each call.
pub(crate) struct Beside {
    /// The console's files; `None` where it is switched off.
    pub(crate) console: Option<Console>,
    /// Begins and ends sessions.
    pub(crate) sessions: SessionCalls,
    /// Whether the HTTP door is open.
    pub(crate) http: bool,
}

impl FrontLayer {
    pub(crate) fn new(beside: Beside) -> Self {
        Self(Arc::new(beside))
    }
}

impl<S> Layer<S> for FrontLayer {
    type Service = Front<S>;

    fn layer(&self, inner: S) -> Front<S> {
        Front { beside: Arc::clone(&self.0), inner }
    }
}

/// A service with sessions and a console beside it.
#[derive(Clone)]
pub(crate) struct Front<S> {
    beside: Arc<Beside>,
    inner: S,
}

type Answer<E> = Result<Response<Body>, E>;

impl<S> Service<Request<Body>> for Front<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Either<Ready<Answer<S::Error>>, BoxFuture<'static, Answer<S::Error>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let (path, method) = (request.uri().path(), request.method());
        let now = |response| Either::Right(Either::Left(ready(Ok(response))));
        if CALLS.iter().any(|prefix| path.starts_with(prefix)) {
            if is_grpc_web(request.headers()) && is_own(&request) {
                request.extensions_mut().insert(OwnPage);
            }
            return Either::Left(self.inner.call(request));
        }
        if is_of_http_door(path) {
            if self.beside.http {
                return Either::Left(self.inner.call(request));
            }
            return now(console::text(StatusCode::NOT_FOUND, "nothing is here; the HTTP door is switched off\n"));
        }
        let is_page = [Method::GET, Method::HEAD].contains(method);
        let Some(console) = self.beside.console.as_ref().filter(|_| is_page || path == SESSION) else {
            if is_page || path == SESSION {
                return now(console::text(StatusCode::NOT_FOUND, "nothing is here; the console is switched off\n"));
            }
            return Either::Left(self.inner.call(request));
        };
        if path != SESSION {
            return now(console.answer(method, path, request.headers()));
        }
        if ![Method::POST, Method::DELETE].contains(method) {
            return now(console::wrong_method(SESSION_METHODS));
        }
        let sessions = self.beside.sessions.clone();
        Either::Right(Either::Right(Box::pin(async move { Ok(sessions.answer(request).await) })))
    }
}

fn is_grpc_web(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.get(..GRPC_WEB.len()).is_some_and(|start| start.eq_ignore_ascii_case(GRPC_WEB))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_media_types_of_grpc_web_are_taken_for_it() {
        let check = |kind: &str, expected| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind.parse().unwrap())]);
            assert_eq!(is_grpc_web(&headers), expected, "{kind}");
        };
        for right in ["application/grpc-web", "application/grpc-web+proto", "Application/gRPC-Web-Text"] {
            check(right, true);
        }
        for wrong in ["application/grpc", "text/plain", "multipart/form-data", "", "text/plain;application/grpc-web"] {
            check(wrong, false);
        }
        assert!(!is_grpc_web(&HeaderMap::new()));
    }
}
