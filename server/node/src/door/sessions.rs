//! Sessions of browsers: a cookie in the place of a token's secret, and codes that open a session once.
//!
//! Invariant: a session is worth no more than its token. It names the token, and a fingerprint of its secret, under a
//! message authentication code; it ends with the token, at the latest at its own end, and when the browser ends it.

mod codes;
mod ended;
mod value;

use crate::{clock::Clock, console, limits::CODE_LIFE, random::random};
use codes::{Codes, TooManyCodes};
use ended::{Ended, TooManyEnded};
use http::HeaderMap;
use kith_core::{
    authority::Lost,
    id::TokenId,
    may::{Credential, Principal, Reach},
    timestamp::Timestamp,
};
use kith_log::{Log, Standing};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;
pub(crate) use value::Session;
use value::SessionKey;

/// What the sessions' key is derived for.
const KEY_PURPOSE: &str = "kith/session/1";
/// What their cookie's name is derived for.
const NAME_PURPOSE: &str = "kith/session-name/1";
/// The prefix of a cookie that a browser takes from this host alone, and over TLS alone.
const HOST_PREFIX: &str = "__Host-";

/// Sessions and codes. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Shared>);

struct Shared {
    log: Log,
    clock: Clock,
    enabled: bool,
    life_ms: i64,
    key: SessionKey,
    /// The cookie's name: servers on one host have different ones, because cookies do not distinguish ports.
    name: String,
    codes: Mutex<Codes>,
    ended: Mutex<Ended>,
    /// Changes with `ended`.
    ending: watch::Sender<()>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Whether a cookie is sent back over TLS alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// The browser speaks TLS, to this server or to a proxy.
    Tls,
    /// It does not.
    Plain,
}

/// Why a principal gets no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCode {
    /// The console is switched off.
    #[error("the console is switched off")]
    Disabled,
    /// The token is no longer valid.
    #[error("the token is no longer valid")]
    TokenInvalid,
    /// Too many wait to be used.
    #[error(transparent)]
    TooMany(#[from] TooManyCodes),
}

impl Sessions {
    /// The sessions of a log's tokens.
    pub(crate) fn new(log: Log, clock: Clock, config: &console::Config) -> Self {
        let name = format!("kith-{}", hex::encode(&log.derive_key(NAME_PURPOSE)[..4]));
        Self(Arc::new(Shared {
            key: SessionKey::new(log.derive_key(KEY_PURPOSE)),
            log,
            clock,
            enabled: config.enabled,
            life_ms: i64::from(config.session_hours) * 3_600_000,
            name,
            codes: Mutex::default(),
            ended: Mutex::default(),
            ending: watch::Sender::new(()),
        }))
    }

    /// Whether browsers can have sessions.
    pub(crate) fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// A new session for the token of a principal, and what that token stands for; `None` if the token is not valid.
    pub(super) fn begin(&self, principal: &Principal) -> Option<(Session, Standing)> {
        let Credential::Token(id) = &principal.credential else { return None };
        self.begin_for(&principal.reach, id, None)
    }

    /// A new session for the token that a code was made for.
    pub(super) fn redeem(&self, code: &str) -> Option<(Session, Standing)> {
        let code = lock(&self.0.codes).redeem(code, self.now())?;
        self.begin_for(&code.reach, &code.id, Some(code.fingerprint))
    }

    fn begin_for(&self, reach: &Reach, id: &TokenId, fingerprint: Option<[u8; 32]>) -> Option<(Session, Standing)> {
        let now = self.now();
        let standing = self.0.log.standing(reach, id, now)?;
        if fingerprint.is_some_and(|known| known != standing.fingerprint) {
            return None;
        }
        let end = Timestamp::from_millis(now.millis().saturating_add(self.0.life_ms));
        let end = standing.expires_at.map_or(end, |expires| expires.min(end));
        let session = Session { reach: reach.clone(), token: id.clone(), begun: now, end, number: random() };
        Some((session, standing))
    }

    /// The session of a request's cookie, and what its token stands for; `None` if there is none that is valid.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<(Session, Standing)> {
        self.values(headers).find_map(|value| self.read(value))
    }

    fn read(&self, value: &str) -> Option<(Session, Standing)> {
        let session = Session::unverified(value)?;
        let standing = self.standing(&session)?;
        self.0.key.verifies(value, &standing.fingerprint).then_some((session, standing))
    }

    /// What the token of a session stands for now; `None` once the session is over.
    pub(super) fn standing(&self, session: &Session) -> Option<Standing> {
        let now = self.now();
        let is_over = !self.0.enabled || now >= session.end || lock(&self.0.ended).holds(session);
        if is_over { None } else { self.0.log.standing(&session.reach, &session.token, now) }
    }

    /// Ends the session of a request's cookie, if there is a valid one.
    pub(super) fn end(&self, headers: &HeaderMap) -> Result<(), TooManyEnded> {
        match self.find(headers) {
            Some((session, _)) => {
                lock(&self.0.ended).add(&session, self.now())?;
                self.0.ending.send_replace(());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Changes whenever a browser has ended a session.
    pub(super) fn watch_ended(&self) -> watch::Receiver<()> {
        self.0.ending.subscribe()
    }

    /// What the holder of a session has to let go of, now that its token has ended.
    pub(super) fn lost(&self, session: &Session) -> Option<Lost> {
        self.0.log.token_lost(&session.reach, &session.token)
    }

    /// A code that begins one session for a principal's token, and when it expires.
    pub(crate) fn make_code(&self, principal: &Principal) -> Result<(String, Timestamp), NoCode> {
        if !self.0.enabled {
            return Err(NoCode::Disabled);
        }
        let now = self.now();
        let Credential::Token(id) = &principal.credential else { return Err(NoCode::TokenInvalid) };
        let standing = self.0.log.standing(&principal.reach, id, now).ok_or(NoCode::TokenInvalid)?;
        let end = Timestamp::from_millis(now.millis() + i64::try_from(CODE_LIFE.as_millis()).expect("it is short"));
        let code =
            codes::Code { reach: principal.reach.clone(), id: id.clone(), fingerprint: standing.fingerprint, end };
        Ok((lock(&self.0.codes).add(code, now)?, end))
    }

    /// The header that gives a browser a session.
    pub(super) fn cookie(&self, session: &Session, standing: &Standing, transport: Transport) -> String {
        let seconds = (session.end.millis() - session.begun.millis()).max(0) / 1_000;
        let value = self.0.key.seal(session, &standing.fingerprint);
        self.set_cookie(&value, seconds, transport)
    }

    /// The header that takes a browser's session away.
    pub(super) fn no_cookie(&self, transport: Transport) -> String {
        self.set_cookie("", 0, transport)
    }

    fn set_cookie(&self, value: &str, seconds: i64, transport: Transport) -> String {
        let (prefix, secure) = match transport {
            Transport::Tls => (HOST_PREFIX, "; Secure"),
            Transport::Plain => ("", ""),
        };
        format!("{prefix}{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", self.0.name)
    }

    /// The values of this server's cookies in a request.
    fn values<'h>(&'h self, headers: &'h HeaderMap) -> impl Iterator<Item = &'h str> {
        let lines = headers.get_all(http::header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(';')).filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name.strip_prefix(HOST_PREFIX).unwrap_or(name) == self.0.name).then_some(value)
        })
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
