//! `POST /session` begins a session of a browser with a token or a code; `DELETE /session` ends it.
//!
//! Invariant: neither a form nor a page of another origin can begin or end a session: both need a header that only
//! scripts send, and a browser that names another origin is refused.

use super::{
    authenticator::Authenticator,
    own_page::is_own,
    peers::Peer,
    sessions::{Session, Sessions, Transport},
};
use crate::{
    bounds::call_rate::{self, CallRate},
    console::{nothing, text},
    limits::{Limits, SESSION_REQUEST_BYTES_MAX, seconds},
};
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, SET_COOKIE},
};
use http_body_util::{BodyExt, Limited};
use kith_log::Standing;
use std::time::Duration;
use tonic::body::Body;

/// The header that makes a request more than a form can send.
const CONSOLE: &str = "x-kith-console";
/// What precedes a code in the body.
const CODE: &str = "code=";

/// Begins and ends sessions.
#[derive(Clone)]
pub(crate) struct SessionCalls {
    sessions: Sessions,
    authenticator: Authenticator,
    rate: CallRate,
    deadline: Duration,
}

/// Why a session does not begin or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// The request is not that of a page of this server.
    Foreign,
    /// Neither a valid token nor a code that is good.
    Unknown,
    /// It has no code where one is expected.
    Malformed,
    /// It is larger than a code.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// It comes too often; there is room after this long.
    TooOften(Duration),
    /// Too many sessions were ended.
    TooManyEnded,
}

impl SessionCalls {
    /// The sessions of a server.
    pub(crate) fn new(sessions: Sessions, authenticator: Authenticator, rate: CallRate, limits: &Limits) -> Self {
        Self { sessions, authenticator, rate, deadline: seconds(limits.unary_deadline_s) }
    }

    /// Answers a request to begin or to end a session.
    pub(super) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let transport = transport(&request);
        let cookie = match *request.method() {
            Method::DELETE => self.end(&request).map(|()| self.sessions.no_cookie(transport)),
            _ => self
                .begin(request)
                .await
                .map(|(session, standing)| self.sessions.cookie(&session, &standing, transport)),
        };
        let mut response = match cookie {
            Ok(cookie) => {
                let mut response = nothing();
                let cookie = HeaderValue::try_from(cookie).expect("ids, numbers and hex are a header");
                response.headers_mut().insert(SET_COOKIE, cookie);
                response
            }
            Err(refused) => refused.into_response(),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn end(&self, request: &Request<Body>) -> Result<(), Refused> {
        check_page(request)?;
        self.sessions.end(request.headers()).map_err(|_| Refused::TooManyEnded)
    }

    async fn begin(&self, request: Request<Body>) -> Result<(Session, Standing), Refused> {
        check_page(&request)?;
        let peer = request.extensions().get::<Peer>().cloned();
        let begun = if request.headers().contains_key(AUTHORIZATION) {
            let visitor = self.authenticator.by_secret(&request).ok();
            visitor.and_then(|visitor| self.sessions.begin(&visitor.standing()?.principal))
        } else {
            self.sessions.redeem(&self.code(request.into_body()).await?)
        };
        let Some((session, standing)) = begun else {
            return Err(peer.and_then(|peer| peer.fail()).map_or(Refused::Unknown, Refused::TooOften));
        };
        if let Some(peer) = peer {
            peer.log_in();
        }
        self.rate.count(&call_rate::key(&standing.principal)).map_err(|often| Refused::TooOften(often.wait))?;
        Ok((session, standing))
    }

    /// The code in the body.
    async fn code(&self, body: Body) -> Result<String, Refused> {
        let reading = Limited::new(body, SESSION_REQUEST_BYTES_MAX).collect();
        let read = tokio::time::timeout(self.deadline, reading).await.map_err(|_| Refused::TooSlow)?;
        let bytes = read.map_err(|_| Refused::TooLarge)?.to_bytes();
        let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().strip_prefix(CODE));
        text.map(str::to_owned).ok_or(Refused::Malformed)
    }
}

impl Refused {
    fn into_response(self) -> Response<Body> {
        let (status, words) = match self {
            Self::Foreign => (StatusCode::FORBIDDEN, "sessions are for the pages of this server\n"),
            Self::Unknown => (StatusCode::UNAUTHORIZED, "a valid token is needed, or a code that was not used\n"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "send a token as authorization, or code=CODE in the body\n"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than a code\n"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n"),
            Self::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, "this comes too often\n"),
            Self::TooManyEnded => {
                (StatusCode::TOO_MANY_REQUESTS, "too many sessions were ended: revoke the token instead\n")
            }
        };
        let mut response = text(status, words);
        if let Self::TooOften(wait) = self {
            response.headers_mut().insert(RETRY_AFTER, wait.as_secs().saturating_add(1).into());
        }
        response
    }
}

fn check_page(request: &Request<Body>) -> Result<(), Refused> {
    let is_script = request.headers().get(CONSOLE).is_some_and(|value| value == "1");
    if is_script && is_own(request) { Ok(()) } else { Err(Refused::Foreign) }
}

/// How the browser reaches this server, or the proxy in front of it.
fn transport(request: &Request<Body>) -> Transport {
    let is_secure = request.extensions().get::<Peer>().is_some_and(Peer::is_secure);
    let proto = request.headers().get("x-forwarded-proto");
    if is_secure || proto.is_some_and(|proto| proto == "https") { Transport::Tls } else { Transport::Plain }
}
