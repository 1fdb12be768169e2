//! Ids and salts of imported events, derived so that a file yields the same events every time.
//!
//! Ids follow from what happened, so importing twice adds nothing. Salts follow from the whole file as well: without
//! the file nobody can compute them, and so nobody can guess the content behind a hash.

use crate::missing::Missing;
use kith_core::{
    event::{Event, Fact, Habit},
    id::EventId,
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    io::{self, Read},
};
use uuid::Uuid;

/// Separates derived ids from all other hashes.
const ID_DOMAIN: &[u8] = b"kith/import/id/1";
/// Separates the content of records from all other hashes.
const CONTENT_DOMAIN: &[u8] = b"kith/import/record/2";
/// Separates derived salts from all other hashes.
const SALT_DOMAIN: &[u8] = b"kith/import/salt/1";
/// Separates derived salts of details from all other hashes.
const DETAIL_SALT_DOMAIN: &[u8] = b"kith/import/detail-salt/1";

/// SHA-256 of a file.
pub type FileDigest = [u8; 32];

/// SHA-256 over parts, each prefixed with its length, so that no two lists of parts have the same encoding.
pub fn digest_parts<'a>(domain: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(domain);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// SHA-256 of everything that a reader yields.
pub fn digest_of(mut reader: impl Read) -> io::Result<FileDigest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The id of the `repeat`-th event, from 0, with this content: a UUID of version 8 (RFC 9562, 5.8).
pub fn event_id(content: &[u8; 32], repeat: u32) -> EventId {
    let digest = digest_parts(ID_DOMAIN, [content.as_slice(), &repeat.to_be_bytes()]);
    let (bytes, _) = digest.split_first_chunk::<16>().expect("a digest has 32 bytes");
    let uuid = Uuid::new_v8(*bytes);
    EventId::from_bytes(uuid.into_bytes()).expect("version 8 is an RFC 9562 UUID")
}

/// The salt of an event of a file.
pub fn event_salt(file: &FileDigest, id: &EventId) -> [u8; EVENT_SALT_BYTES] {
    let digest = digest_parts(SALT_DOMAIN, [file.as_slice(), id.as_bytes()]);
    let (salt, _) = digest.split_first_chunk().expect("a digest is longer than a salt");
    *salt
}

/// The salt of an event's detail, counted from 0.
pub fn detail_salt(file: &FileDigest, id: &EventId, index: usize) -> [u8; DETAIL_SALT_BYTES] {
    let index = (index as u64).to_be_bytes();
    digest_parts(DETAIL_SALT_DOMAIN, [file.as_slice(), id.as_bytes(), &index])
}

/// Counts how often the same content has occurred.
#[derive(Debug, Default)]
pub struct Repeats(HashMap<[u8; 32], u32>);

impl Repeats {
    /// The id of the next event with this content.
    pub fn next_id(&mut self, content: [u8; 32]) -> EventId {
        let repeat = self.0.entry(content).or_default();
        let id = event_id(&content, *repeat);
        *repeat += 1;
        id
    }
}

/// Derives what records leave out from them and their file, so that each reading yields the same events.
#[derive(Debug)]
pub struct Derived {
    file: FileDigest,
    repeats: Repeats,
}

impl Derived {
    /// For the records of a file, which must be read in order.
    pub fn of(file: FileDigest) -> Self {
        Self { file, repeats: Repeats::default() }
    }
}

impl Missing for Derived {
    /// Sorts people whose order has no meaning first, so that an event has the same id however it was written.
    fn id(&mut self, event: &mut Event) -> EventId {
        sort_people(&mut event.fact);
        self.repeats.next_id(content(event))
    }

    fn salt(&mut self, id: &EventId) -> [u8; EVENT_SALT_BYTES] {
        event_salt(&self.file, id)
    }

    fn detail_salt(&mut self, id: &EventId, index: usize) -> [u8; DETAIL_SALT_BYTES] {
        detail_salt(&self.file, id, index)
    }
}

/// Identity of what happened, independent of the event's id and salt. It excludes details: the id stays in the log
/// forever, and guesses at their words could be tested against it after their erasure.
fn content(event: &Event) -> [u8; 32] {
    digest_parts(CONTENT_DOMAIN, [event.content_hash().as_slice()])
}

fn sort_people(fact: &mut Fact) {
    match fact {
        Fact::Habit(Habit::Met(met)) => met.people.sort_unstable(),
        Fact::Habit(Habit::FollowedUp(followed)) => followed.with.sort_unstable(),
        Fact::Habit(Habit::Asked(asked)) => asked.of.sort_unstable(),
        Fact::Habit(Habit::Helped(_) | Habit::Referred(_) | Habit::Answered(_))
        | Fact::Custom(_)
        | Fact::Retracted(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_fixed_for_ever() {
        let content = digest_parts(b"test", [b"met".as_slice()]);
        assert_eq!(event_id(&content, 0).to_string(), "966bb78b-377d-876b-a78e-037772765468");
    }

    #[test]
    fn repeats_of_the_same_content_differ_the_same_way_each_time() {
        let ids = || {
            let mut repeats = Repeats::default();
            [[1; 32], [1; 32], [2; 32]].map(|content| repeats.next_id(content))
        };
        let first = ids();
        assert_eq!(first, ids());
        assert_ne!(first[0], first[1]);
        assert_ne!(first[0], first[2]);
        assert_eq!(Uuid::from_bytes(*first[0].as_bytes()).get_version_num(), 8);
    }

    #[test]
    fn salts_follow_from_file_and_event() {
        let (one, other) = (event_id(&[1; 32], 0), event_id(&[1; 32], 1));
        assert_eq!(event_salt(&[0; 32], &one), event_salt(&[0; 32], &one));
        assert_ne!(event_salt(&[0; 32], &one), event_salt(&[1; 32], &one));
        assert_ne!(event_salt(&[0; 32], &one), event_salt(&[0; 32], &other));
        assert_ne!(detail_salt(&[0; 32], &one, 0), detail_salt(&[0; 32], &one, 1));
    }

    #[test]
    fn a_file_s_digest_is_plain_sha_256() {
        let text = vec![7; 600_000];
        assert_eq!(digest_of(text.as_slice()).unwrap(), <[u8; 32]>::from(Sha256::digest(&text)));
    }

    proptest! {
        #[test]
        fn parts_cannot_be_shifted(parts in proptest::collection::vec("[ab]{0,3}", 0..5), other in proptest::collection::vec("[ab]{0,3}", 0..5)) {
            let digest = |parts: &[String]| digest_parts(b"x", parts.iter().map(String::as_bytes));
            prop_assert_eq!(digest(&parts) == digest(&other), parts == other);
        }
    }
}
