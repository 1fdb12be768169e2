//! Authentication: turns `authorization: Bearer SECRET`, or the session of a browser, into a [`Visitor`], and a visitor
//! that enters a network into a [`Caller`].
//!
//! Invariant: a session counts only for calls that the front door has marked as made by a page of this server.

use super::{
    own_page::OwnPage,
    sessions::{Session, Sessions},
};
use crate::{
    bounds::call_rate::{self, Key},
    clock::Clock,
    limits::CREDENTIAL_RECHECK,
};
use http::{Request, header::AUTHORIZATION};
use kith_core::{
    id::NetworkName,
    may::{Action, Principal, Reach, may},
    timestamp::Timestamp,
};
use kith_log::{Log, Standing};
use std::{fmt, sync::Arc};

/// The call that reports to a reader what it may no longer see, even if it returns after its token was revoked.
const SUBSCRIBE: &str = "/kith.v1.LogService/Subscribe";

/// The maker of a call, stored in the extensions of its request. Which principal that is may depend on the network.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    standing: Standing,
    shown: Shown,
}

/// The maker of a call, in a network or at the server as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who that is there.
    pub(crate) principal: Principal,
    shown: Shown,
}

/// What a visitor showed.
#[derive(Debug, Clone)]
enum Shown {
    /// A token's secret.
    Secret(Secret),
    /// The session of a browser, which stands for a token.
    Session(Arc<Session>),
}

impl Visitor {
    /// By what its calls, streams and requests are counted before it is known which network they are for.
    pub(crate) fn key(&self) -> Key {
        call_rate::key(&self.standing.principal)
    }

    /// Who this is in a network; `None` if it may not enter.
    pub(crate) fn in_network(&self, network: &NetworkName) -> Option<Caller> {
        may(&self.standing.principal, &Action::Enter(network)).then(|| self.caller())
    }

    /// Who this is at the server as a whole; `None` for visitors of networks.
    pub(crate) fn at_server(&self) -> Option<Caller> {
        (self.standing.principal.reach == Reach::Server).then(|| self.caller())
    }

    /// What the visitor's credential stands for.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// When the visitor's session ends; `None` for a visitor without one.
    pub(crate) fn session_end(&self) -> Option<Timestamp> {
        match &self.shown {
            Shown::Secret(_) => None,
            Shown::Session(session) => Some(session.end),
        }
    }

    fn caller(&self) -> Caller {
        Caller { principal: self.standing.principal.clone(), shown: self.shown.clone() }
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

    /// The visitor whose token is in the headers of this request, or whose session if a page of this server makes it
    /// without a token.
    pub(crate) fn authenticate<B>(&self, request: &Request<B>) -> Result<Visitor, Unauthenticated> {
        let may_have_session = request.extensions().get::<OwnPage>().is_some();
        if !may_have_session || request.headers().contains_key(AUTHORIZATION) {
            return self.by_secret(request);
        }
        let (session, standing) = self.sessions.find(request.headers()).ok_or(Unauthenticated::TokenInvalid)?;
        Ok(Visitor { standing, shown: Shown::Session(session.into()) })
    }

    /// The visitor whose token is in the headers of this request.
    pub(super) fn by_secret<B>(&self, request: &Request<B>) -> Result<Visitor, Unauthenticated> {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = header.and_then(bearer).ok_or(Unauthenticated::TokenInvalid)?;
        let shown = Shown::Secret(Secret(secret.into()));
        let standing = self.standing(&shown).ok_or_else(|| match request.uri().path() {
            SUBSCRIBE => self.why_not(&shown),
            _ => Unauthenticated::TokenInvalid,
        })?;
        Ok(Visitor { standing, shown })
    }

    /// Checks that a token, and the session if there is one, are still valid. Returns when they end, if they do.
    fn check(&self, shown: &Shown) -> Result<Option<Timestamp>, Unauthenticated> {
        let standing = self.standing(shown).ok_or_else(|| self.why_not(shown))?;
        Ok(match shown {
            Shown::Secret(_) => standing.expires_at,
            Shown::Session(session) => Some(standing.expires_at.map_or(session.end, |end| end.min(session.end))),
        })
    }

    /// Resolves once a caller is no longer who it was when its call began, as soon as that is so.
    pub(crate) async fn dismissed(&self, caller: &Caller) -> Unauthenticated {
        self.ended(&caller.shown).await
    }

    /// Like `dismissed`, for a visitor that has entered no network yet.
    pub(crate) async fn visitor_dismissed(&self, visitor: &Visitor) -> Unauthenticated {
        self.ended(&visitor.shown).await
    }

    async fn ended(&self, shown: &Shown) -> Unauthenticated {
        let (mut credentials, mut sessions) = (self.log.watch_credentials(), self.sessions.watch_ended());
        loop {
            credentials.mark_unchanged();
            sessions.mark_unchanged();
            let end = match self.check(shown) {
                Ok(end) => end,
                Err(why) => return why,
            };
            // The clock may be set, so the end is looked at again after a while.
            let left = end.map_or(CREDENTIAL_RECHECK, |end| (self.clock)().until(end).min(CREDENTIAL_RECHECK));
            // Neither sender is dropped before `self`.
            tokio::select! {
                _ = credentials.changed() => {}
                _ = sessions.changed() => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    fn standing(&self, shown: &Shown) -> Option<Standing> {
        match shown {
            Shown::Secret(secret) => self.log.authenticate(&secret.0, (self.clock)()),
            Shown::Session(session) => self.sessions.standing(session),
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
