//! Open streams, counted: each costs memory and a place of its connection for as long as its reader likes.

use super::{
    call_rate::{self, Key},
    counted::{Counted, Held},
};
use crate::limits;
use kith_core::{id::NetworkName, may::Principal};
use std::sync::Arc;

/// As many streams are open as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many streams are open, {max} ({limit}): close some first")]
pub(crate) struct TooManyStreams {
    /// The limit's name.
    pub(crate) limit: &'static str,
    /// How many it lets be.
    pub(crate) max: usize,
}

/// How many streams are open.
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
    /// One more of a principal, until it is dropped.
    pub(crate) fn open(&self, principal: &Principal) -> Result<Held<Key>, TooManyStreams> {
        let held = self.of_principal.hold(&call_rate::key(principal));
        held.ok_or_else(|| TooManyStreams { limit: "streams_per_principal_max", max: self.of_principal.max() })
    }

    /// One more in a network, until it is dropped.
    pub(crate) fn open_in(&self, network: &NetworkName) -> Result<Held<NetworkName>, TooManyStreams> {
        let held = self.in_network.hold(network);
        held.ok_or_else(|| TooManyStreams { limit: "streams_per_network_max", max: self.in_network.max() })
    }
}
