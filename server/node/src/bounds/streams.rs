//! Open streams, counted: each costs memory and a place of its connection for as long as its reader likes.

use super::{
    call_rate::{self, Key},
    counted::{Counted, Held},
};
use crate::{grpc::Failure, limits};
use kith_core::{id::NetworkName, may::Principal};
use kith_proto::v1::ErrorReason;
use std::sync::Arc;

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
    pub(crate) fn open(&self, principal: &Principal) -> Result<Held<Key>, Failure> {
        let held = self.of_principal.hold(&call_rate::key(principal));
        held.ok_or_else(|| too_many("streams_per_principal_max", self.of_principal.max()))
    }

    /// One more in a network, until it is dropped.
    pub(crate) fn open_in(&self, network: &NetworkName) -> Result<Held<NetworkName>, Failure> {
        let held = self.in_network.hold(network);
        held.ok_or_else(|| too_many("streams_per_network_max", self.in_network.max()))
    }
}

fn too_many(limit: &str, max: usize) -> Failure {
    let message = format_args!("too many streams are open, {max} ({limit}): close some first");
    let failure = Failure::because(ErrorReason::RateLimited, message);
    failure.with("limit", limit).with(limit, max).retry_after(limits::STREAMS_RETRY)
}
