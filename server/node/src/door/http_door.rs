//! Access over plain HTTP: whether the HTTP door is open, and which pages of other origins may call this server.
//!
//! Invariant: the browser's own credentials are never allowed, so that a page can do no more than the token that it was
//! given; an origin that is not listed gets no header at all.

use futures_util::{
    TryFutureExt,
    future::{Either, MapOk, Ready, ready},
};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Layer, Service};

/// Methods of gRPC-web and of the HTTP door.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// The headers of a gRPC-web call, and of a request to the HTTP door.
const SENT_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, grpc-timeout, x-grpc-web, x-user-agent, idempotency-key, if-match, last-event-id, \
     ce-specversion, ce-id, ce-type, ce-source, ce-time, ce-subject",
);
/// The headers that a page must see to know how a call ended, and of the HTTP door, when to come again and which head
/// there is.
const SEEN_HEADERS: HeaderValue =
    HeaderValue::from_static("grpc-status, grpc-message, grpc-status-details-bin, retry-after, etag");
/// Seconds that a browser may remember the answer to a preflight.
const REMEMBERED_S: HeaderValue = HeaderValue::from_static("600");

/// Settings of plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether the HTTP door is open: the routes below `/v1/`, and `/openapi.json`.
    pub enabled: bool,
    /// The origin at which this server is reached from outside, for links in feeds; empty if it is not known.
    pub public_url: String,
    /// Origins whose pages may call this server with gRPC-web or over the HTTP door; matched exactly.
    pub allowed_origins: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true, public_url: String::new(), allowed_origins: Vec::new() }
    }
}

impl Config {
    /// One line for each entry that is not an origin.
    pub fn problems(&self) -> Vec<String> {
        let public_url = (!self.public_url.is_empty()).then_some(("public_url", &self.public_url));
        let all = public_url.into_iter().chain(self.allowed_origins.iter().map(|origin| ("allowed_origins", origin)));
        let wrong = all.filter(|(_, origin)| !is_origin(origin));
        wrong
            .map(|(setting, origin)| {
                format!(
                    "http.{setting}: {origin:?} is not an origin such as \"https://kith.example.org\": scheme, host and \
                     port in small letters, and nothing after them"
                )
            })
            .collect()
    }
}

/// Whether a text is an origin as browsers send it.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    ["http", "https"].contains(&scheme)
        && !authority.as_str().contains(['@', '*'])
        && text == format!("{scheme}://{authority}")
        && text == text.to_ascii_lowercase()
}

/// Allows pages of the listed origins to call a service.
#[derive(Debug, Clone)]
pub(crate) struct OriginsLayer(Arc<[HeaderValue]>);

impl OriginsLayer {
    /// The origins that these settings list.
    pub(crate) fn new(config: &Config) -> Self {
        let origins = config.allowed_origins.iter().map(|origin| origin.parse());
        Self(origins.map(|origin| origin.expect("origins were checked with the settings")).collect())
    }
}

impl<S> Layer<S> for OriginsLayer {
    type Service = Origins<S>;

    fn layer(&self, inner: S) -> Origins<S> {
        Origins { allowed: self.0.clone(), inner }
    }
}

/// A service that pages of the listed origins can call.
#[derive(Debug, Clone)]
pub(crate) struct Origins<S> {
    allowed: Arc<[HeaderValue]>,
    inner: S,
}

impl<S> Origins<S> {
    /// The page's origin, if it may call.
    fn allowed<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let origin = request.headers().get(ORIGIN)?;
        self.allowed.contains(origin).then(|| origin.clone())
    }
}

type Change<B> = Box<dyn FnOnce(Response<B>) -> Response<B> + Send>;

impl<S, B, R> Service<Request<B>> for Origins<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<R>, S::Error>>, Either<S::Future, MapOk<S::Future, Change<R>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Some(origin) = self.allowed(&request) else { return Either::Right(Either::Left(self.inner.call(request))) };
        if is_preflight(&request) {
            return Either::Left(ready(Ok(preflight(origin))));
        }
        let change: Change<R> = Box::new(|mut response| {
            let headers = response.headers_mut();
            name_origin(headers, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, SEEN_HEADERS);
            response
        });
        Either::Right(Either::Right(self.inner.call(request).map_ok(change)))
    }
}

fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight<B: Default>(origin: HeaderValue) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    name_origin(headers, origin);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, SENT_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBERED_S);
    response
}

fn name_origin(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tower::{ServiceExt, service_fn};

    const PAGE: &str = "https://kith.example.org";

    /// The answer to a request of an origin: its status and the headers that browsers look at.
    async fn ask(method: Method, origin: &str) -> (StatusCode, Vec<String>) {
        let layer = OriginsLayer::new(&Config { allowed_origins: vec![PAGE.into()], ..Config::default() });
        let service = layer.layer(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(()))));
        let request =
            Request::builder().method(method).header(ORIGIN, origin).header("access-control-request-method", "POST");
        let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
        let names = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
        (response.status(), names)
    }

    #[tokio::test]
    async fn a_named_origin_is_answered_and_never_with_credentials() {
        let (status, headers) = ask(Method::OPTIONS, PAGE).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "a preflight has no token");
        for name in ["origin", "methods", "headers"] {
            assert!(headers.contains(&format!("access-control-allow-{name}")), "{headers:?}");
        }
        let (status, answered) = ask(Method::POST, PAGE).await;
        assert_eq!((status, answered.len()), (StatusCode::OK, 3), "{answered:?}");
        assert!(answered.contains(&"access-control-expose-headers".to_owned()));
        for headers in [headers, answered] {
            assert!(!headers.contains(&"access-control-allow-credentials".to_owned()));
        }
    }

    #[tokio::test]
    async fn other_origins_get_no_header() {
        for origin in ["https://kith.example.org:8443", "http://kith.example.org", "https://evil.example", "null"] {
            for method in [Method::OPTIONS, Method::POST] {
                assert_eq!(ask(method, origin).await.1, Vec::<String>::new(), "{origin}");
            }
        }
    }

    #[test]
    fn only_exact_origins_are_settings() {
        let problems =
            |origin: &str| Config { allowed_origins: vec![origin.into()], ..Config::default() }.problems().len();
        let public_url = |url: &str| Config { public_url: url.into(), ..Config::default() }.problems();
        assert_eq!((public_url(PAGE).len(), public_url("https://kith.example.org/").len()), (0, 1));
        for right in [PAGE, "http://localhost:5173", "https://[::1]:8443"] {
            assert_eq!(problems(right), 0, "{right}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "kith.example.org",
            "https://kith.example.org/",
            "https://Kith.example.org",
            "https://u@kith.example.org",
            "ftp://kith.example.org",
            "https://*.example.org",
        ] {
            assert_eq!(problems(wrong), 1, "{wrong}");
        }
    }
}
