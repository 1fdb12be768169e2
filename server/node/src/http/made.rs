//! What records leave out, filled in by the door: ids, random or following from an `Idempotency-Key`, and random salts.
//!
//! Invariant: an id that follows from a key tells nothing about it. Keys often hold names, and ids stay in the log for
//! ever, so they are made under a secret of the server: without it nobody can test a guess.

use super::{Parts, asked::Asked};
use crate::{bounds::call_rate::Key, grpc::Failure, limits::IDEMPOTENCY_KEY_BYTES_MAX, random::random};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderName;
use kith_core::{
    event::Event,
    id::{EventId, NetworkName},
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
    timestamp::Timestamp,
};
use kith_json::Missing;
use kith_log::Log;
use sha2::Sha256;
use uuid::{Builder, Uuid};

/// What the key of ids is derived for.
const KEY_PURPOSE: &str = "kith/http/id/1";
/// The header with which a repeat is a duplicate.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What ids are made with for an `Idempotency-Key`. It is the same until the root key is rotated.
pub(super) fn ids(log: &Log) -> Hmac<Sha256> {
    Hmac::new_from_slice(&log.derive_key(KEY_PURPOSE)).expect("keys of any length are taken")
}

/// Fills in what the records of one request leave out.
pub(super) struct Made {
    now: Timestamp,
    /// Has taken in everything but the place of the event.
    keyed: Option<Hmac<Sha256>>,
    place: u64,
}

impl Made {
    /// For a request to a network.
    pub(super) fn for_request(door: &Parts, asked: &Asked) -> Result<Self, Failure> {
        let key = asked.header(&IDEMPOTENCY_KEY)?;
        if key.is_some_and(|key| key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX) {
            let problem = format_args!("must have 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes");
            return Err(Failure::request(IDEMPOTENCY_KEY.as_str(), problem));
        }
        let keyed = key.map(|key| keyed(&door.ids, &asked.network, &asked.key(), key));
        Ok(Self { now: door.node.now(), keyed, place: 0 })
    }

    /// For the event at a place of the request, from 0.
    pub(super) fn at(&mut self, place: u64) -> &mut Self {
        self.place = place;
        self
    }
}

/// Takes in where, who and which key; no two lists of them have the same encoding.
fn keyed(ids: &Hmac<Sha256>, network: &str, (home, principal): &Key, key: &str) -> Hmac<Sha256> {
    let home = home.as_ref().map(NetworkName::as_str).unwrap_or_default();
    [network, home, principal.as_str(), key]
        .iter()
        .fold(ids.clone(), |mac, part| mac.chain_update((part.len() as u64).to_be_bytes()).chain_update(part))
}

impl Missing for Made {
    /// A UUID of version 8 for a key, otherwise one of version 7.
    fn id(&mut self, _: &mut Event) -> EventId {
        let uuid = if let Some(keyed) = &self.keyed {
            let code = keyed.clone().chain_update(self.place.to_be_bytes()).finalize().into_bytes();
            let (bytes, _) = code.split_first_chunk::<16>().expect("a code has 32 bytes");
            Uuid::new_v8(*bytes)
        } else {
            let millis = self.now.millis().max(0).cast_unsigned();
            Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
        };
        EventId::from_bytes(uuid.into_bytes()).expect("versions 7 and 8 are RFC 9562 UUIDs")
    }

    fn salt(&mut self, _: &EventId) -> [u8; EVENT_SALT_BYTES] {
        random()
    }

    fn detail_salt(&mut self, _: &EventId, _: usize) -> [u8; DETAIL_SALT_BYTES] {
        random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids_of(secret: u8, network: &str, principal: &str, key: &str) -> [[u8; 16]; 2] {
        let ids = Hmac::new_from_slice(&[secret; 32]).unwrap();
        let key = keyed(&ids, network, &(None, principal.parse().unwrap()), key);
        [0, 1].map(|place| {
            let code = key.clone().chain_update(u64::to_be_bytes(place)).finalize().into_bytes();
            code[..16].try_into().unwrap()
        })
    }

    #[test]
    fn ids_follow_from_secret_network_caller_key_and_place_alone() {
        let first = ids_of(1, "north", "person:amina", "met-ben");
        assert_eq!(first, ids_of(1, "north", "person:amina", "met-ben"));
        assert_ne!(first[0], first[1]);
        for other in [
            ids_of(2, "north", "person:amina", "met-ben"),
            ids_of(1, "south", "person:amina", "met-ben"),
            ids_of(1, "north", "person:ben", "met-ben"),
            ids_of(1, "north", "person:amina", "met-be"),
        ] {
            assert!(!first.contains(&other[0]) && !first.contains(&other[1]));
        }
    }
}
