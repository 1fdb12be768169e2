//! Counts open streams: each takes memory and a place on its connection for as long as its reader likes.

use super::{
    call_rate::Key,
    counted::{Counted, Held},
};
use crate::limits;
use kith_core::id::NetworkName;
use std::sync::Arc;

/// The maximum number of streams are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many streams are open, {max} ({limit}): close some first")]
pub(crate) struct TooManyStreams {
    /// The name of the limit.
    pub(crate) limit: &'static str,
    /// The maximum.
    pub(crate) max: usize,
}

/// The count of open streams.
pub(crate) struct Streams {
    of_principal: Arc<Counted<Key>>,
    in_network: Arc<Counted<NetworkName>>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            of_principal: Counted::up_to(limits::STREAMS_PER_PRINCIPAL_MAX),
            in_network: Counted::up_to(limits::STREAMS_PER_NETWORK_MAX),
        }
    }
}

impl Streams {
    /// Counts one more of a principal until the result is dropped.
    pub(crate) fn open(&self, key: &Key) -> Result<Held<Key>, TooManyStreams> {
        let held = self.of_principal.hold(key);
        held.ok_or_else(|| TooManyStreams { limit: "streams_per_principal_max", max: self.of_principal.max() })
    }

    /// Counts one more in a network until the result is dropped.
    pub(crate) fn open_in(&self, network: &NetworkName) -> Result<Held<NetworkName>, TooManyStreams> {
        let held = self.in_network.hold(network);
        held.ok_or_else(|| TooManyStreams { limit: "streams_per_network_max", max: self.in_network.max() })
    }
}
