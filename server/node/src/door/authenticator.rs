//! Authentication: turns `authorization: Bearer SECRET`, or the session of a browser, into a [`Visitor`], and a visitor
//! that enters a network into a [`Caller`].
//!
//! Invariant: a session counts only for calls that the front door has marked as made by a page of this server.

use super::{
    own_page::OwnPage,
    peers::Peer,
    route::FeedSecret,
    sessions::{Session, Sessions},
};
use crate::{
    bounds::call_rate::{self, Key},
    clock::Clock,
    limits::{CERTIFICATE_WAIT, CREDENTIAL_RECHECK},
};
use http::{Request, header::AUTHORIZATION};
use kith_core::{
    authority::Lost,
    id::{CertificateUri, MemberId, PrincipalId},
    may::{Action, Credential, Principal, Reach, may},
    timestamp::Timestamp,
};
use kith_log::{Log, Network, Standing};
use sha2::{Digest, Sha256};
use std::{fmt, future::pending, sync::Arc};
use tokio::sync::watch;

/// The call that reports to a reader what it may no longer see, even if it returns after its token was revoked.
const SUBSCRIBE: &str = "/kith.v1.LogService/Subscribe";

/// The maker of a call, stored in the extensions of its request. Which principal that is may depend on the network.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    who: Who,
    shown: Shown,
}

/// Whom a visitor may turn out to be.
#[derive(Debug, Clone)]
enum Who {
    /// The principal of a token.
    Holder(Standing),
    /// The member of each network that has one for one of these URIs.
    Service(Arc<[String]>),
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
    /// A client certificate, until when it expires.
    Certificate(Timestamp),
    /// A feed's secret, which opens that feed alone.
    Feed(FeedSecret),
}

impl Visitor {
    /// By what its calls, streams and requests are counted before it is known which network they are for.
    pub(crate) fn key(&self) -> Key {
        match &self.who {
            Who::Holder(standing) => call_rate::key(&standing.principal),
            Who::Service(names) => (None, key_of_certificate(names)),
        }
    }

    /// Who this is in a network; `None` if it may not enter.
    pub(crate) fn in_network(&self, network: &Network) -> Option<Caller> {
        let principal = match &self.who {
            Who::Holder(standing) => standing.principal.clone(),
            // Who could be two members is neither: one of them may have been made to take the place of the other.
            Who::Service(names) => {
                let mut services = names.iter().filter_map(|name| network.service(&uri(name)?));
                services.next().filter(|_| services.next().is_none())?
            }
        };
        let may_enter = may(&principal, &Action::Enter(network.name()));
        may_enter.then(|| Caller { principal, shown: self.shown.clone() })
    }

    /// Whether this was a service of a network whose membership has ended.
    pub(crate) fn was_in_network(&self, network: &Network) -> bool {
        let authority = network.authority();
        self.certificate().iter().filter_map(|name| uri(name)).any(|uri| authority.is_former(&uri))
    }

    /// Who this is at the server as a whole; `None` for visitors of networks.
    pub(crate) fn at_server(&self) -> Option<Caller> {
        let principal = self.standing()?.principal.clone();
        (principal.reach == Reach::Server).then(|| Caller { principal, shown: self.shown.clone() })
    }

    /// What the visitor's token stands for; `None` for a certificate.
    pub(crate) fn standing(&self) -> Option<&Standing> {
        match &self.who {
            Who::Holder(standing) => Some(standing),
            Who::Service(_) => None,
        }
    }

    /// The URIs of the visitor's certificate, if that is all it showed.
    pub(crate) fn certificate(&self) -> &[String] {
        match &self.who {
            Who::Holder(_) => &[],
            Who::Service(names) => names,
        }
    }

    /// When the visitor's token or certificate expires; `None` if never.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        match (&self.who, &self.shown) {
            (Who::Holder(standing), _) => standing.expires_at,
            (Who::Service(_), Shown::Certificate(end)) => Some(*end),
            (Who::Service(_), Shown::Secret(_) | Shown::Session(_) | Shown::Feed(_)) => None,
        }
    }

    /// When the visitor's session ends; `None` for a visitor without one.
    pub(crate) fn session_end(&self) -> Option<Timestamp> {
        match &self.shown {
            Shown::Secret(_) | Shown::Certificate(_) | Shown::Feed(_) => None,
            Shown::Session(session) => Some(session.end),
        }
    }
}

/// The URI that a certificate is for, if a member can have it.
fn uri(name: &str) -> Option<CertificateUri> {
    CertificateUri::parse_field(name, "identity").ok()
}

/// The holder of a certificate among those of all, for counting.
fn key_of_certificate(names: &[String]) -> PrincipalId {
    let digest = Sha256::digest(names.join(" ").as_bytes());
    format!("certificate:{}", hex::encode(&digest[..16])).parse().expect("letters and digits behind a prefix")
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
    /// The token or the membership has ended, and the caller must delete what was read with it.
    #[error("the caller may no longer see what it has read")]
    ScopeLost(Lost),
    /// The caller is let in, and may do something else now.
    #[error("what the caller may do has changed")]
    RightsChanged,
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

    /// The visitor whose token is in the headers of this request; or else whose session, if a page of this server makes
    /// it, or whose certificate, if the connection has one.
    pub(crate) fn authenticate<B>(&self, request: &Request<B>) -> Result<Visitor, Unauthenticated> {
        if request.headers().contains_key(AUTHORIZATION) {
            return self.by_secret(request);
        }
        if request.extensions().get::<OwnPage>().is_some() {
            let (session, standing) = self.sessions.find(request.headers()).ok_or(Unauthenticated::TokenInvalid)?;
            return Ok(Visitor { who: Who::Holder(standing), shown: Shown::Session(session.into()) });
        }
        let certificate = request.extensions().get::<Peer>().and_then(Peer::certificate);
        let valid = certificate.filter(|certificate| (self.clock)() < certificate.end);
        let certificate = valid.ok_or(Unauthenticated::TokenInvalid)?;
        Ok(Visitor { who: Who::Service(certificate.uri_names.clone()), shown: Shown::Certificate(certificate.end) })
    }

    /// The visitor for whom a feed is made. Calls that it makes are those of the feed's route, and no others.
    pub(crate) fn by_feed(&self, secret: &FeedSecret) -> Result<Visitor, Unauthenticated> {
        let shown = Shown::Feed(secret.clone());
        let standing = self.standing(&shown).ok_or(Unauthenticated::TokenInvalid)?;
        Ok(Visitor { who: Who::Holder(standing), shown })
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
        Ok(Visitor { who: Who::Holder(standing), shown })
    }

    /// Checks that a visitor is let in and, if it has entered a network or the server as a principal, that it is still
    /// that one. Returns when that ends, if it is known.
    fn check(&self, shown: &Shown, principal: Option<&Principal>) -> Result<Option<Timestamp>, Unauthenticated> {
        let (now, end) = match shown {
            Shown::Certificate(end) if (self.clock)() >= *end => return Err(Unauthenticated::TokenInvalid),
            Shown::Certificate(end) => (principal.and_then(|principal| self.service_now(principal)), Some(*end)),
            Shown::Secret(_) | Shown::Session(_) | Shown::Feed(_) => {
                let standing = self.standing(shown);
                let end = standing.as_ref().and_then(|standing| standing.expires_at);
                (standing.map(|standing| standing.principal), end)
            }
        };
        let Some(principal) = principal else {
            return now.map(|_| end).ok_or_else(|| self.why_not(shown));
        };
        match now {
            Some(now) if now == *principal => {}
            Some(now) if now.organisation != principal.organisation && principal.organisation.is_some() => {
                return Err(Unauthenticated::ScopeLost(Lost::Organisation));
            }
            Some(_) => return Err(Unauthenticated::RightsChanged),
            None if self.is_still_member(principal) => return Err(Unauthenticated::RightsChanged),
            None => return Err(self.why_not(shown)),
        }
        Ok(match shown {
            Shown::Secret(_) | Shown::Certificate(_) | Shown::Feed(_) => end,
            Shown::Session(session) => Some(end.map_or(session.end, |end| end.min(session.end))),
        })
    }

    /// Whether a service is a member that signs in with another certificate by now.
    fn is_still_member(&self, principal: &Principal) -> bool {
        let (Reach::Network(name), Credential::Certificate(_)) = (&principal.reach, &principal.credential) else {
            return false;
        };
        let id = principal.id.as_str().parse::<MemberId>().ok();
        let network = self.log.network(name);
        id.zip(network).is_some_and(|(id, network)| network.authority().member(&id).is_some())
    }

    /// Who a service is now in the network that it has entered.
    fn service_now(&self, principal: &Principal) -> Option<Principal> {
        match (&principal.reach, &principal.credential) {
            (Reach::Network(name), Credential::Certificate(uri)) => self.log.network(name)?.service(uri),
            (Reach::Network(_) | Reach::Server, _) => None,
        }
    }

    /// Resolves once a caller is no longer who it was when its call began, as soon as that is so.
    pub(crate) async fn dismissed(&self, caller: &Caller) -> Unauthenticated {
        self.ended(&caller.shown, &caller.principal.reach, Some(&caller.principal)).await
    }

    /// Like `dismissed`, for a visitor that has entered no network yet.
    pub(crate) async fn visitor_dismissed(&self, visitor: &Visitor) -> Unauthenticated {
        match &visitor.who {
            Who::Holder(standing) => self.ended(&visitor.shown, &standing.principal.reach, None).await,
            // What a certificate stands for is looked at when it enters a network, which it has to do soon.
            Who::Service(_) => {
                tokio::time::sleep(CERTIFICATE_WAIT).await;
                Unauthenticated::TokenInvalid
            }
        }
    }

    /// `reach` is what has let the visitor in: nothing else is listened to, since there may be many streams.
    async fn ended(&self, shown: &Shown, reach: &Reach, principal: Option<&Principal>) -> Unauthenticated {
        let mut credentials = self.log.watch_credentials(reach);
        let mut sessions = matches!(shown, Shown::Session(_)).then(|| self.sessions.watch_ended());
        loop {
            credentials.mark_unchanged();
            sessions.iter_mut().for_each(watch::Receiver::mark_unchanged);
            let end = match self.check(shown, principal) {
                Ok(end) => end,
                Err(why) => return why,
            };
            // The clock may be set, so the end is looked at again after a while.
            let left = end.map_or(CREDENTIAL_RECHECK, |end| (self.clock)().until(end).min(CREDENTIAL_RECHECK));
            // Neither sender is dropped before `self`.
            tokio::select! {
                _ = credentials.changed() => {}
                () = changed(sessions.as_mut()) => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    fn standing(&self, shown: &Shown) -> Option<Standing> {
        match shown {
            Shown::Secret(secret) => self.log.authenticate(&secret.0, (self.clock)()),
            Shown::Session(session) => self.sessions.standing(session),
            Shown::Certificate(_) => None,
            Shown::Feed(secret) => self.log.feed(&secret.0, (self.clock)()),
        }
    }

    /// Why a visitor is not let in, for a reader of a log, who may have to delete some of it.
    fn why_not(&self, shown: &Shown) -> Unauthenticated {
        let lost = match shown {
            Shown::Secret(secret) => self.log.lost(&secret.0),
            Shown::Session(session) => self.sessions.lost(session),
            Shown::Certificate(_) => Some(Lost::Network),
            Shown::Feed(_) => None,
        };
        lost.map_or(Unauthenticated::TokenInvalid, Unauthenticated::ScopeLost)
    }
}

/// Resolves with the next change, never without a receiver.
async fn changed(receiver: Option<&mut watch::Receiver<()>>) {
    match receiver {
        Some(receiver) => drop(receiver.changed().await),
        None => pending().await,
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
