//! Who is calling: a tower layer that turns `authorization: Bearer SECRET` into a [`Caller`] for every call, and counts it.
//!
//! Default deny: only health checks and reflection pass without a token, and without being counted.

use crate::{
    call_rate::CallRate,
    clock::Clock,
    grpc::{Failure, check_form, with_reason},
    held_body::hold_until_sent,
    peers::Peer,
};
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk, Ready, ready},
};
use http::{Request, Response, header::AUTHORIZATION};
use kith_core::may::Principal;
use kith_log::Log;
use kith_proto::v1::ErrorReason;
use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument, instrument::Instrumented};

/// What probers of health call, again and again.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// Services that need no token.
const OPEN: [&str; 2] = ["/grpc.health.v1.", "/grpc.reflection."];

/// The call that tells a reader what it may no longer see, even one that comes back after its token was revoked.
const SUBSCRIBE: &str = "/kith.v1.LogService/Subscribe";

/// Whoever made a call, found in the extensions of its request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What the token says.
    pub(crate) principal: Principal,
    secret: Secret,
}

/// A token's secret; its `Debug` shows nothing of it.
#[derive(Clone)]
struct Secret(Arc<str>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Finds out who is calling.
#[derive(Clone)]
pub(crate) struct Authenticator {
    log: Log,
    clock: Clock,
}

impl Authenticator {
    /// Looks tokens up in a log.
    pub(crate) fn new(log: Log, clock: Clock) -> Self {
        Self { log, clock }
    }

    /// The caller with the token in these headers.
    fn authenticate<B>(&self, request: &Request<B>) -> Result<Caller, Failure> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header.and_then(bearer).ok_or_else(|| Failure::new(ErrorReason::TokenInvalid))?;
        let secret = Secret(secret.into());
        let principal = self.principal(&secret).ok_or_else(|| match request.uri().path() {
            SUBSCRIBE => self.why_not(&secret),
            _ => Failure::new(ErrorReason::TokenInvalid),
        })?;
        Ok(Caller { principal, secret })
    }

    /// Checks that a caller's token still holds: long streams outlive tokens.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Failure> {
        self.principal(&caller.secret).map(drop).ok_or_else(|| self.why_not(&caller.secret))
    }

    fn principal(&self, secret: &Secret) -> Option<Principal> {
        self.log.authenticate(&secret.0, (self.clock)())
    }

    /// Why a token does not hold, for whoever reads a log and may have to let go of some of it.
    fn why_not(&self, secret: &Secret) -> Failure {
        let lost = self.log.lost_scope(&secret.0);
        Failure::new(if lost { ErrorReason::ScopeLost } else { ErrorReason::TokenInvalid })
    }
}

/// The secret in an `authorization` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

/// Puts an [`Authenticator`], and the rate that each principal may call at, in front of a service.
#[derive(Clone)]
pub(crate) struct AuthLayer {
    /// Who is calling.
    pub(crate) authenticator: Authenticator,
    /// How often they may.
    pub(crate) rate: CallRate,
    /// How long an answer with details waits for its reader.
    pub(crate) stall: Duration,
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { door: self.clone(), inner }
    }
}

impl AuthLayer {
    /// The caller, if there is one and it may call now.
    fn admit<B>(&self, request: &Request<B>) -> Result<Caller, Failure> {
        let peer = request.extensions().get::<Peer>();
        let caller = self.authenticator.authenticate(request);
        let caller = caller.map_err(|failure| peer.map_or(failure.clone(), |peer| peer.fail(failure)))?;
        if let Some(peer) = peer {
            peer.log_in();
        }
        self.rate.count(&caller.principal)?;
        Ok(caller)
    }
}

/// A service that only authenticated calls reach, at the rate that their principal may make them.
#[derive(Clone)]
pub(crate) struct Auth<S> {
    door: AuthLayer,
    inner: S,
}

type Answer<E> = Result<Response<Body>, E>;
/// What becomes of an answer on its way out.
type Tell = Box<dyn FnOnce(Response<Body>) -> Response<Body> + Send>;

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
        if let Err((code, failure)) = check_form(&request) {
            let mut refused = Status::from(failure).into_http();
            *refused.status_mut() = code;
            return Either::Left(ready(Ok(refused)));
        }
        let path = request.uri().path();
        let span = tracing::info_span!("call", method = path, principal = tracing::field::Empty);
        if path == HEALTH_CHECK
            && let Some(peer) = request.extensions().get::<Peer>()
        {
            peer.check_health();
        }
        if !OPEN.iter().any(|prefix| path.starts_with(prefix)) {
            match self.door.admit(&request) {
                Ok(caller) => {
                    span.record("principal", caller.principal.id.as_str());
                    request.extensions_mut().insert(caller);
                }
                Err(failure) => return Either::Left(ready(Ok(Status::from(failure).into_http()))),
            }
        }
        let stall = self.door.stall;
        let told: Tell = Box::new(move |response| hold_until_sent(with_reason(response), stall));
        Either::Right(self.inner.call(request).map_ok(told).instrument(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer("Bearer kith_1"), Some("kith_1"));
        assert_eq!(bearer("bearer  kith_1 "), Some("kith_1"));
        assert_eq!(bearer("Basic kith_1"), None);
        assert_eq!(bearer("kith_1"), None);
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", Secret("kith_1".into())), "***");
    }
}
