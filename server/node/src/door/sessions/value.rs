//! The value of a session's cookie: `1.t.NETWORK.TOKEN.BEGUN.END.NUMBER.CODE`.
//!
//! The kind of credential (`t`, a token), the network whose token it is (empty for a token of the server), the token's
//! id, milliseconds since 1970 at which the session began and ends, its random number, and HMAC-SHA256 over all of that
//! and the fingerprint of the token's secret. No secret is in it, and nothing is kept for it.

use hmac::{Hmac, KeyInit, Mac};
use kith_core::{id::TokenId, may::Reach, timestamp::Timestamp};
use sha2::Sha256;

/// Version of the value.
const VERSION: &str = "1";
/// The kind of credential: a token.
const TOKEN: &str = "t";

/// A browser's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The networks that its token opens.
    pub(crate) reach: Reach,
    /// Its token.
    pub(crate) token: TokenId,
    /// When it began.
    pub(crate) begun: Timestamp,
    /// When it ends at the latest.
    pub(crate) end: Timestamp,
    /// Distinguishes it from others of the same token.
    pub(crate) number: [u8; 16],
}

impl Session {
    fn text(&self) -> String {
        let network = match &self.reach {
            Reach::Server => "",
            Reach::Network(name) => name.as_str(),
        };
        let Self { token, begun, end, number, .. } = self;
        let number = hex::encode(number);
        format!("{VERSION}.{TOKEN}.{network}.{token}.{}.{}.{number}", begun.millis(), end.millis())
    }

    /// Reads a value without checking that this server made it.
    pub(super) fn unverified(value: &str) -> Option<Self> {
        let parts: Vec<&str> = value.split('.').collect();
        let [VERSION, TOKEN, network, token, begun, end, number, _] = *parts else { return None };
        let reach = match network {
            "" => Reach::Server,
            name => Reach::Network(name.parse().ok()?),
        };
        let time = |text: &str| text.parse().ok().map(Timestamp::from_millis);
        let number = hex::decode(number).ok()?.try_into().ok()?;
        Some(Self { reach, token: token.parse().ok()?, begun: time(begun)?, end: time(end)?, number })
    }
}

/// The key under which sessions are made and checked.
pub(super) struct SessionKey([u8; 32]);

impl SessionKey {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The value of a session's cookie.
    pub(super) fn seal(&self, session: &Session, fingerprint: &[u8; 32]) -> String {
        let text = session.text();
        let code = self.mac(&text, fingerprint).finalize().into_bytes();
        format!("{text}.{}", hex::encode(code))
    }

    /// Whether this server made a value, for a token of this fingerprint.
    pub(super) fn verifies(&self, value: &str, fingerprint: &[u8; 32]) -> bool {
        let Some((text, code)) = value.rsplit_once('.') else { return false };
        hex::decode(code).is_ok_and(|code| self.mac(text, fingerprint).verify_slice(&code).is_ok())
    }

    fn mac(&self, text: &str, fingerprint: &[u8; 32]) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("keys of any length are taken");
        mac.chain_update(fingerprint).chain_update(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> [Session; 2] {
        let of = |reach| Session {
            reach,
            token: "t-abcdefghij".parse().unwrap(),
            begun: Timestamp::from_millis(1_000),
            end: Timestamp::from_millis(2_000),
            number: [7; 16],
        };
        [of(Reach::Server), of(Reach::Network("north".parse().unwrap()))]
    }

    #[test]
    fn values_read_back() {
        let key = SessionKey::new([1; 32]);
        for session in sessions() {
            let value = key.seal(&session, &[2; 32]);
            assert_eq!(Session::unverified(&value), Some(session));
            assert!(key.verifies(&value, &[2; 32]), "{value}");
            assert!(!key.verifies(&value, &[3; 32]), "the token has another secret");
            assert!(!SessionKey::new([9; 32]).verifies(&value, &[2; 32]), "another server made it");
        }
    }

    #[test]
    fn a_value_that_was_changed_anywhere_is_worth_nothing() {
        let key = SessionKey::new([1; 32]);
        let value = key.seal(&sessions()[1], &[2; 32]);
        for at in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!key.verifies(&changed, &[2; 32]), "{changed}");
        }
        for wrong in ["", ".", "1.t.north.x.1.2", "1.t.north.t-a.1.2.00.", &value[1..], &format!("{value}.")] {
            assert!(Session::unverified(wrong).is_none() || !key.verifies(wrong, &[2; 32]), "{wrong}");
        }
    }
}
