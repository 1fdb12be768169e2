//! Names of logs in checkpoints, which are also the names of their keys.
//!
//! Invariant: every name fits in a line of a signed note and in a verifier key.

use crate::{id::NetworkName, limits::ORIGIN_BYTES_MAX};
use std::{fmt, str::FromStr};

/// Which log a checkpoint is of: `kith/NETWORK/INCARNATION`, the incarnation in hexadecimal. A log that starts over, or
/// continues from an old backup, has another incarnation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogOrigin(Box<str>);

/// The error for a text that does not name a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a log's name has 1 to {ORIGIN_BYTES_MAX} bytes without spaces, control characters and plus signs")]
pub struct LogOriginInvalid;

impl LogOrigin {
    /// The log of a network.
    pub fn of(network: &NetworkName, incarnation: &[u8; 16]) -> Self {
        Self(format!("kith/{network}/{:032x}", u128::from_be_bytes(*incarnation)).into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The network in it; `None` if the log is not a log of Kith.
    pub fn network(&self) -> Option<NetworkName> {
        self.0.strip_prefix("kith/")?.split_once('/')?.0.parse().ok()
    }
}

/// Whether a text can name a key in a signed note.
pub(super) fn is_key_name(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

impl FromStr for LogOrigin {
    type Err = LogOriginInvalid;

    fn from_str(text: &str) -> Result<Self, LogOriginInvalid> {
        if text.len() > ORIGIN_BYTES_MAX || !is_key_name(text) {
            return Err(LogOriginInvalid);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for LogOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_found_in_their_names() {
        let network: NetworkName = "north-district".parse().unwrap();
        let origin = LogOrigin::of(&network, &[0xa0; 16]);
        assert_eq!(origin.as_str(), format!("kith/north-district/{}", "a0".repeat(16)));
        assert_eq!(origin.as_str().parse(), Ok(origin.clone()));
        assert_eq!(origin.network(), Some(network));
        let foreign: LogOrigin = "example.com/log42".parse().unwrap();
        assert_eq!(foreign.network(), None);
    }

    #[test]
    fn names_that_cannot_stand_in_a_line_are_refused() {
        for text in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{2003}b", "a\u{7f}b", &"a".repeat(257)] {
            assert_eq!(text.parse::<LogOrigin>(), Err(LogOriginInvalid), "{text:?}");
        }
    }
}
