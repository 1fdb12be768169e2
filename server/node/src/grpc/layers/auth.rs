//! A layer that authenticates the caller of every call and of every request to the HTTP door, and counts it.
//!
//! Denies by default: only health checks, reflection and the ways to sign in pass without a token, and uncounted.

use crate::{
    bounds::{call_rate::CallRate, feed_rate::FeedRate},
    door::{
        authenticator::{Authenticator, Visitor},
        peers::Peer,
        route::{FeedSecret, Route},
    },
    grpc::{Failure, call::check_form, limited::too_many_failed_logins, status::with_reason},
};
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk, Ready, ready},
};
use http::{Request, Response};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument, instrument::Instrumented};

/// The call that health probers repeat.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// Services and calls that need no token.
const OPEN: [&str; 4] =
    ["/grpc.health.v1.", "/grpc.reflection.", "/kith.v1.SessionService/SignInOptions", "/kith.v1.MemberService/Join"];

/// Puts an [`Authenticator`] and the call rate of each principal in front of a service.
#[derive(Clone)]
pub(crate) struct AuthLayer(Arc<Entrance>);

/// Lets callers in. It is shared, since a service is cloned with each call.
pub(crate) struct Entrance {
    /// Identifies callers.
    pub(crate) authenticator: Authenticator,
    /// How often they may call.
    pub(crate) rate: CallRate,
    /// How often they may ask for a feed.
    pub(crate) feeds: FeedRate,
}

impl AuthLayer {
    pub(crate) fn new(entrance: Entrance) -> Self {
        Self(Arc::new(entrance))
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { entrance: Arc::clone(&self.0), inner }
    }
}

impl Entrance {
    /// The visitor, if it is authenticated and may call now.
    fn admit<B>(&self, request: &Request<B>) -> Result<Visitor, Failure> {
        let peer = request.extensions().get::<Peer>();
        let feed = request.extensions().get::<FeedSecret>();
        let found =
            feed.map_or_else(|| self.authenticator.authenticate(request), |feed| self.authenticator.by_feed(feed));
        let visitor = found.map_err(|why| match peer.and_then(Peer::fail) {
            Some(wait) => too_many_failed_logins(wait),
            None => why.into(),
        })?;
        if let Some(peer) = peer {
            peer.log_in();
        }
        self.rate.count(&visitor.key())?;
        if let (Some(_), Some(standing)) = (feed, visitor.standing()) {
            self.feeds.count(&standing.fingerprint)?;
        }
        Ok(visitor)
    }
}

/// A service that only authenticated calls reach, at the rate allowed to their principal.
#[derive(Clone)]
pub(crate) struct Auth<S> {
    entrance: Arc<Entrance>,
    inner: S,
}

type Answer<E> = Result<Response<Body>, E>;
/// A change to an outgoing answer.
type Tell = fn(Response<Body>) -> Response<Body>;

impl<S> Service<Request<Body>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Answer<S::Error>>, Instrumented<MapOk<S::Future, Tell>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let route = request.extensions().get::<Route>().map(|route| route.0);
        let form = if route.is_some() { Ok(()) } else { check_form(&request) };
        if let Err((code, failure)) = form {
            let mut refused = Status::from(failure).into_http();
            *refused.status_mut() = code;
            return Either::Left(ready(Ok(refused)));
        }
        let path = request.uri().path();
        let span = tracing::info_span!(
            "call",
            method = route.unwrap_or(path),
            principal = tracing::field::Empty,
            certificate = tracing::field::Empty
        );
        if let Some(peer) = request.extensions().get::<Peer>() {
            if path == HEALTH_CHECK {
                peer.check_health();
            }
            if let Some(certificate) = peer.certificate() {
                span.record("certificate", certificate.uri_names.join(" "));
            }
        }
        if route.is_some() || !OPEN.iter().any(|prefix| path.starts_with(prefix)) {
            match self.entrance.admit(&request) {
                Ok(visitor) => {
                    span.record("principal", visitor.key().1.as_str());
                    request.extensions_mut().insert(visitor);
                }
                Err(failure) => return Either::Left(ready(Ok(Status::from(failure).into_http()))),
            }
        }
        let told: Tell = with_reason;
        Either::Right(self.inner.call(request).map_ok(told).instrument(span))
    }
}
