//! Authentication: turns `authorization: Bearer SECRET`, or the session of a browser, into a [`Caller`].
//!
//! Invariant: a session counts only for calls that the front door has marked as made by a page of this server.

use super::{
    own_page::OwnPage,
    sessions::{Session, Sessions},
};
use crate::clock::Clock;
use http::{Request, header::AUTHORIZATION};
use kith_core::{may::Principal, timestamp::Timestamp};
use kith_log::Log;
use std::{fmt, sync::Arc};

/// The call that reports to a reader what it may no longer see, even if it returns after its token was revoked.
const SUBSCRIBE: &str = "/kith.v1.LogService/Subscribe";

/// The maker of a call, stored in the extensions of its request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The token's principal.
    pub(crate) principal: Principal,
    shown: Shown,
}

/// What a caller showed.
#[derive(Debug, Clone)]
enum Shown {
    /// A token's secret.
    Secret(Secret),
    /// The session of a browser, which stands for a token.
    Session(Arc<Session>),
}

impl Caller {
    /// When the caller's session ends; `None` for a caller without one.
    pub(crate) fn session_end(&self) -> Option<Timestamp> {
        match &self.shown {
            Shown::Secret(_) => None,
            Shown::Session(session) => Some(session.end),
        }
    }
}

/// A token's secret; its `Debug` hides it.
#[derive(Clone)]
struct Secret(Arc<str>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Why a caller is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unauthenticated {
    /// The token is missing or invalid.
    #[error("no valid token")]
    TokenInvalid,
    /// The token was revoked, and the caller must delete what was read with it.
    #[error("the token may no longer see what was read with it")]
    ScopeLost,
}

/// Identifies callers.
#[derive(Clone)]
pub(crate) struct Authenticator {
    log: Log,
    clock: Clock,
    sessions: Sessions,
}

impl Authenticator {
    /// An authenticator that looks tokens up in a log.
    pub(crate) fn new(log: Log, clock: Clock, sessions: Sessions) -> Self {
        Self { log, clock, sessions }
    }

    /// The caller whose token is in the headers of this request, or whose session if a page of this server makes it
    /// without a token.
    pub(crate) fn authenticate<B>(&self, request: &Request<B>) -> Result<Caller, Unauthenticated> {
        let may_have_session = request.extensions().get::<OwnPage>().is_some();
        if !may_have_session || request.headers().contains_key(AUTHORIZATION) {
            return self.by_secret(request);
        }
        let (session, standing) = self.sessions.find(request.headers()).ok_or(Unauthenticated::TokenInvalid)?;
        Ok(Caller { principal: standing.principal, shown: Shown::Session(session.into()) })
    }

    /// The caller whose token is in the headers of this request.
    pub(super) fn by_secret<B>(&self, request: &Request<B>) -> Result<Caller, Unauthenticated> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header.and_then(bearer).ok_or(Unauthenticated::TokenInvalid)?;
        let shown = Shown::Secret(Secret(secret.into()));
        let principal = self.principal(&shown).ok_or_else(|| match request.uri().path() {
            SUBSCRIBE => self.why_not(&shown),
            _ => Unauthenticated::TokenInvalid,
        })?;
        Ok(Caller { principal, shown })
    }

    /// Checks that a caller's token, and session if it has one, are still valid: long streams outlive both.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Unauthenticated> {
        self.principal(&caller.shown).map(drop).ok_or_else(|| self.why_not(&caller.shown))
    }

    fn principal(&self, shown: &Shown) -> Option<Principal> {
        match shown {
            Shown::Secret(secret) => self.log.authenticate(&secret.0, (self.clock)()),
            Shown::Session(session) => Some(self.sessions.standing(session)?.principal),
        }
    }

    /// Why a token is invalid, for a reader of a log, who may have to delete some of it.
    fn why_not(&self, shown: &Shown) -> Unauthenticated {
        let lost = match shown {
            Shown::Secret(secret) => self.log.lost_scope(&secret.0),
            Shown::Session(session) => self.sessions.lost_scope(session),
        };
        if lost { Unauthenticated::ScopeLost } else { Unauthenticated::TokenInvalid }
    }
}

/// The secret in an `authorization` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, secret) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
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
