//! The HTTP door: a network's log, views and directory as JSON, for programs that do not speak gRPC.
//!
//! It is a client that lives in the server: each route makes the calls that a client would make, as its caller, and writes
//! their answers as JSON (`kith-json`). Its requests pass the layers that calls pass. Invariant: no rule is here twice. Who
//! may do what, how much and how often is decided where calls are made, and a refusal is the status of a call in other
//! words (`problem`).

mod answer;
mod asked;
mod body;
mod calendar;
mod cloud_events;
mod directory;
mod entries;
mod events;
mod follow;
mod head;
mod ical;
mod lines;
mod made;
mod openapi;
mod problem;
mod query;
mod refused;
mod routes;
mod views;

use crate::{
    door::route::{FeedSecret, Route, is_of_http_door},
    grpc::Services,
    node::Node,
};
use asked::Asked;
use futures_util::future::{BoxFuture, Either};
use hmac::Hmac;
use http::{Method, Request, Response};
use refused::Refused;
use routes::Endpoint;
use sha2::Sha256;
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tonic::body::Body;
use tower::{Layer, Service, ServiceExt};

/// Puts the HTTP door beside a service: what answers requests for its routes, behind the layers of calls; `None` if the
/// door is closed.
#[derive(Clone)]
pub(crate) struct HttpLayer<H>(Option<Arc<H>>);

impl<H> HttpLayer<H> {
    pub(crate) fn new(http: Option<H>) -> Self {
        Self(http.map(Arc::new))
    }
}

impl<S, H> Layer<S> for HttpLayer<H> {
    type Service = WithHttp<S, H>;

    fn layer(&self, inner: S) -> WithHttp<S, H> {
        WithHttp { http: self.0.clone(), inner }
    }
}

/// A service with the HTTP door beside it. The door is shared, since a service is cloned with each call.
#[derive(Clone)]
pub(crate) struct WithHttp<S, H> {
    http: Option<Arc<H>>,
    inner: S,
}

impl<S, H> Service<Request<Body>> for WithHttp<S, H>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    H: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    H::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.http.as_deref().filter(|_| is_of_http_door(request.uri().path())).cloned() {
            Some(http) => Either::Right(Box::pin(async move { Ok(ask(http, request).await) })),
            None => Either::Left(self.inner.call(request)),
        }
    }
}

/// Has a request answered; whoever asks with HEAD gets no body.
async fn ask<H>(http: H, request: Request<Body>) -> Response<Body>
where
    H: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let with_body = request.method() != Method::HEAD;
    let response = routed(http, request).await;
    response.map(|body| if with_body { body } else { Body::empty() })
}

/// Finds the route of a request and has it answered, in the words of HTTP.
async fn routed<H>(http: H, mut request: Request<Body>) -> Response<Body>
where
    H: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    let found = match routes::find(request.method(), request.uri().path()) {
        Ok(found) => found,
        Err(refused) => return problem::in_words_of_http(refused.into()),
    };
    if found.endpoint == Endpoint::Describe {
        return openapi::description();
    }
    request.extensions_mut().insert(Route(found.name));
    let is_feed = found.endpoint == Endpoint::GetCalendar;
    if let Some(secret) = found.named.first().filter(|_| is_feed) {
        request.extensions_mut().insert(FeedSecret(secret.as_str().into()));
    }
    request.extensions_mut().insert(found);
    let Ok(response) = http.oneshot(request).await;
    if is_feed && problem::is_unauthenticated(&response) {
        return problem::in_words_of_http(Refused::no_route().into());
    }
    problem::in_words_of_http(response)
}

/// Answers requests for the routes of the HTTP door whose callers are known.
#[derive(Clone)]
pub(crate) struct Answering(Arc<Parts>);

struct Parts {
    services: Services,
    node: Node,
    /// What ids are made with for an `Idempotency-Key`.
    ids: Hmac<Sha256>,
}

impl Answering {
    /// The door of a node.
    pub(crate) fn new(node: &Node) -> Self {
        let (services, ids) = (Services::new(node.clone()), made::ids(node.log()));
        Self(Arc::new(Parts { services, node: node.clone(), ids }))
    }
}

impl Service<Request<Body>> for Answering {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let parts = Arc::clone(&self.0);
        Box::pin(async move { Ok(parts.answer(request).await.unwrap_or_else(Response::from)) })
    }
}

impl Parts {
    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Refused> {
        let (asked, endpoint, body) = Asked::new(request)?;
        match endpoint {
            Endpoint::RecordEvents => events::record(self, asked, body).await,
            Endpoint::RecordCloudEvents => cloud_events::record(self, asked, body).await,
            Endpoint::ListEntries if asked.accepts(follow::MEDIA_TYPE) => follow::follow(self, asked),
            Endpoint::ListEntries => entries::list(self, asked).await,
            Endpoint::GetEntry => entries::get(self, asked).await,
            Endpoint::GetHead => head::get(self, asked).await,
            Endpoint::ListPeople => directory::people(self, asked).await,
            Endpoint::ListOrganisations => directory::organisations(self, asked).await,
            Endpoint::ListViews => views::list(self, asked).await,
            Endpoint::QueryView => views::query(self, asked).await,
            Endpoint::ExplainRow => views::explain(self, asked).await,
            Endpoint::GetCalendar => calendar::get(self, asked).await,
            Endpoint::Describe => Ok(openapi::description()),
        }
    }
}
