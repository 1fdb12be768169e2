//! Counts unanswered calls, from their headers until the last byte of the answer has been sent.

use super::{
    call_rate::Key,
    counted::{Counted, Held},
};
use crate::limits::{self, Limits};
use kith_core::id::NetworkName;
use std::sync::Arc;

/// The maximum number of calls are waiting for their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many calls wait for their answers, {max} ({limit}): wait for some of these first")]
pub(crate) struct TooManyCalls {
    /// The name of the limit.
    pub(crate) limit: &'static str,
    /// The maximum.
    pub(crate) max: usize,
}

/// The count of unanswered calls.
pub(crate) struct Calls {
    of_principal: Arc<Counted<Key>>,
    in_network: Arc<Counted<NetworkName>>,
    all: Arc<Counted<()>>,
}

/// An unanswered call, counted until it is dropped.
pub(crate) struct OpenCall {
    _of_principal: Held<Key>,
    _in_network: Option<Held<NetworkName>>,
    _in_all: Held<()>,
}

impl Calls {
    /// The counts that these limits set.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            of_principal: Counted::up_to(limits::CALLS_PER_PRINCIPAL_MAX),
            in_network: Counted::up_to(limits::CALLS_PER_NETWORK_MAX),
            all: Counted::up_to(limits.calls_max()),
        }
    }

    /// Counts a call, unless there are too many of the principal, of all tokens of the same network, or in total.
    pub(crate) fn begin(&self, key: &Key) -> Result<OpenCall, TooManyCalls> {
        let network = key.0.as_ref();
        Ok(OpenCall {
            _of_principal: hold(&self.of_principal, key, "calls_per_principal_max")?,
            _in_network: network.map(|name| hold(&self.in_network, name, "calls_per_network_max")).transpose()?,
            _in_all: hold(&self.all, &(), "calls_max")?,
        })
    }
}

fn hold<K: std::hash::Hash + Eq + Clone>(
    counted: &Arc<Counted<K>>,
    key: &K,
    limit: &'static str,
) -> Result<Held<K>, TooManyCalls> {
    counted.hold(key).ok_or_else(|| TooManyCalls { limit, max: counted.max() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(network: Option<&str>, id: &str) -> Key {
        (network.map(|name| name.parse().unwrap()), id.parse().unwrap())
    }

    fn refused(calls: &Calls, key: &Key) -> Option<&'static str> {
        calls.begin(key).err().map(|error| error.limit)
    }

    #[test]
    fn a_principal_has_so_many_calls_at_a_time_and_nobody_else_pays() {
        let calls = Calls::of(&Limits::default());
        let amina = key(None, "person:amina");
        let open: Vec<_> = (0..limits::CALLS_PER_PRINCIPAL_MAX).map(|_| calls.begin(&amina).unwrap()).collect();
        assert_eq!(refused(&calls, &amina), Some("calls_per_principal_max"));
        calls.begin(&key(None, "person:ben")).unwrap();
        drop(open);
        calls.begin(&amina).unwrap();
    }

    #[test]
    fn those_of_one_network_leave_room_for_others() {
        let calls = Calls::of(&Limits::default());
        let many = |network: &str| -> Vec<_> {
            (0..limits::CALLS_PER_NETWORK_MAX)
                .map(|number| calls.begin(&key(Some(network), &format!("person:p{}", number % 10))).unwrap())
                .collect()
        };
        let north = many("north");
        assert_eq!(refused(&calls, &key(Some("north"), "person:last")), Some("calls_per_network_max"));
        let south = many("south");
        assert_eq!(refused(&calls, &key(Some("west"), "person:last")), Some("calls_max"));
        drop((north, south));
        calls.begin(&key(Some("west"), "person:last")).unwrap();
    }
}
