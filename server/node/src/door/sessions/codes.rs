//! Codes that begin a session, each once and within a minute. They are in memory only.
//!
//! Invariant: there are never more than [`CODES_MAX`], and no principal holds more than a few of them.

use crate::limits::{CODES_MAX, CODES_PER_TOKEN_MAX};
use crate::random::random;
use kith_core::{id::TokenId, may::Reach, timestamp::Timestamp};
use sha2::{Digest, Sha256};

/// Too many codes wait to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many codes for the console wait to be used, {CODES_MAX}: try again in a minute")]
pub(crate) struct TooManyCodes;

/// What a code is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    /// The networks that its token opens.
    pub(super) reach: Reach,
    /// Its token.
    pub(super) id: TokenId,
    /// That of the token's secret.
    pub(super) fingerprint: [u8; 32],
    /// When it expires.
    pub(super) end: Timestamp,
}

/// The codes that were not used yet, oldest first, by the hash of their text.
#[derive(Debug, Default)]
pub(super) struct Codes(Vec<([u8; 32], Code)>);

impl Codes {
    /// Makes a code. The oldest of the same token makes room for it.
    pub(super) fn add(&mut self, code: Code, now: Timestamp) -> Result<String, TooManyCodes> {
        self.0.retain(|(_, other)| other.end > now);
        let is_of_token = |other: &Code| other.id == code.id && other.reach == code.reach;
        let is_full = self.0.len() >= CODES_MAX
            || self.0.iter().filter(|(_, other)| is_of_token(other)).count() >= CODES_PER_TOKEN_MAX;
        if is_full && let Some(oldest) = self.0.iter().position(|(_, other)| is_of_token(other)) {
            self.0.remove(oldest);
        }
        if self.0.len() >= CODES_MAX {
            return Err(TooManyCodes);
        }
        let text = hex::encode(random::<16>());
        self.0.push((hash(&text), code));
        Ok(text)
    }

    /// Takes a code out, if it is there and has not expired.
    pub(super) fn redeem(&mut self, text: &str, now: Timestamp) -> Option<Code> {
        let hash = hash(text);
        let found = self.0.iter().position(|(of, _)| *of == hash)?;
        let (_, code) = self.0.remove(found);
        (code.end > now).then_some(code)
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn code(id: &str, end: i64) -> Code {
        Code { reach: Reach::Server, id: id.parse().unwrap(), fingerprint: [1; 32], end: Timestamp::from_millis(end) }
    }

    #[test]
    fn a_code_is_good_once_and_until_its_end() {
        let mut codes = Codes::default();
        let text = codes.add(code("a", 60), NOW).unwrap();
        assert_eq!((text.len(), codes.redeem("", NOW)), (32, None));
        assert_eq!(codes.redeem(&text, Timestamp::from_millis(59)), Some(code("a", 60)));
        assert_eq!(codes.redeem(&text, NOW), None, "it was used");
        let text = codes.add(code("a", 60), NOW).unwrap();
        assert_eq!(codes.redeem(&text, Timestamp::from_millis(60)), None, "it has expired");
        assert!(codes.0.is_empty());
    }

    #[test]
    fn a_token_has_a_few_codes_and_there_are_not_many_in_all() {
        let mut codes = Codes::default();
        let texts: Vec<_> = (0..=CODES_PER_TOKEN_MAX).map(|_| codes.add(code("a", 60), NOW).unwrap()).collect();
        assert_eq!(codes.redeem(&texts[0], NOW), None, "the oldest made room");
        assert_eq!(codes.redeem(&texts[1], NOW), Some(code("a", 60)));
        for number in codes.0.len()..CODES_MAX {
            codes.add(code(&format!("t{number}"), 60), NOW).unwrap();
        }
        assert_eq!(codes.add(code("b", 60), NOW), Err(TooManyCodes));
        codes.add(code("a", 60), NOW).expect("its own make room");
        codes.add(code("b", 120), Timestamp::from_millis(60)).expect("what has expired is forgotten");
        assert_eq!(codes.0.len(), 1);
    }
}
