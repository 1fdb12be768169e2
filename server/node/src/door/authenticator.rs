//! Authentication: turns `authorization: Bearer SECRET` into a [`Caller`].

use crate::clock::Clock;
use http::{Request, header::AUTHORIZATION};
use kith_core::may::Principal;
use kith_log::Log;
use std::{fmt, sync::Arc};

/// The call that reports to a reader what it may no longer see, even if it returns after its token was revoked.
const SUBSCRIBE: &str = "/kith.v1.LogService/Subscribe";

/// The maker of a call, stored in the extensions of its request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The token's principal.
    pub(crate) principal: Principal,
    secret: Secret,
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
}

impl Authenticator {
    /// An authenticator that looks tokens up in a log.
    pub(crate) fn new(log: Log, clock: Clock) -> Self {
        Self { log, clock }
    }

    /// The caller whose token is in the headers of this request.
    pub(crate) fn authenticate<B>(&self, request: &Request<B>) -> Result<Caller, Unauthenticated> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header.and_then(bearer).ok_or(Unauthenticated::TokenInvalid)?;
        let secret = Secret(secret.into());
        let principal = self.principal(&secret).ok_or_else(|| match request.uri().path() {
            SUBSCRIBE => self.why_not(&secret),
            _ => Unauthenticated::TokenInvalid,
        })?;
        Ok(Caller { principal, secret })
    }

    /// Checks that a caller's token is still valid: long streams outlive tokens.
    pub(crate) fn check(&self, caller: &Caller) -> Result<(), Unauthenticated> {
        self.principal(&caller.secret).map(drop).ok_or_else(|| self.why_not(&caller.secret))
    }

    fn principal(&self, secret: &Secret) -> Option<Principal> {
        self.log.authenticate(&secret.0, (self.clock)())
    }

    /// Why a token is invalid, for a reader of a log, who may have to delete some of it.
    fn why_not(&self, secret: &Secret) -> Unauthenticated {
        let lost = self.log.lost_scope(&secret.0);
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
