//! Keys of networks and people, in a database of their own.
//!
//! Invariant: a key is on disk before anything is sealed with it. Keys of networks are wrapped by the root key, keys of
//! people by their network's; a missing key is an erased one.

use crate::{
    cipher,
    key::{self, KEY_BYTES, Key},
    limits,
};
use hkdf::Hkdf;
use kith_core::id::PersonId;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use sha2::Sha256;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Network's incarnation → its key, wrapped by the root key. Kept forever.
pub const NETWORK_KEYS: TableDefinition<u128, &[u8]> = TableDefinition::new("network_keys");

/// (network's incarnation, person) → their key, wrapped by the network's. Kept until erasure.
pub const PERSON_KEYS: TableDefinition<(u128, &str), &[u8]> = TableDefinition::new("person_keys");

const NO_KEY: KeysError = KeysError::Unusable("a key does not open");

/// Prefix of the context in which a person's key is wrapped; incarnation and person follow.
const PERSON_CONTEXT: &[u8] = b"kith/person-key/1";

/// Prefix of the context of keys for purposes outside the log; the purpose follows.
const DERIVED_CONTEXT: &[u8] = b"kith/derived-key/1/";

/// The random id of a log, 16 bytes.
pub type Incarnation = [u8; 16];

/// A shared key; wiped when the last holder drops it.
pub type SharedKey = Arc<Key>;

/// An open store of keys. Keys that were read or created are cached in memory.
pub struct Keys {
    root: Key,
    database: Database,
    networks: Mutex<HashMap<Incarnation, SharedKey>>,
    people: Mutex<HashMap<(Incarnation, PersonId), SharedKey>>,
}

/// The keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The storage engine failed.
    #[error("the key file failed: {0}")]
    Storage(Box<redb::Error>),
    /// A key does not open with the key that should have wrapped it, or is missing; the text says which.
    #[error("{0}")]
    Unusable(&'static str),
}

impl<E> From<E> for KeysError
where
    redb::Error: From<E>,
{
    fn from(error: E) -> Self {
        Self::Storage(Box::new(error.into()))
    }
}

/// Prints no key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(***)")
    }
}

impl Keys {
    /// The keys in an open database, wrapped by `root`; creates the tables of a new database.
    pub fn with_database(database: Database, root: Key) -> Result<Self, KeysError> {
        prepare(&database)?;
        Ok(Self { root, database, networks: Mutex::default(), people: Mutex::default() })
    }

    /// Seals one of the server's own keys under the root key.
    pub fn seal_own(&self, context: &[u8], key: &Key) -> Vec<u8> {
        wrap(&self.root, context, key)
    }

    /// Undoes [`Keys::seal_own`]; `None` if root key, context or bytes differ.
    pub fn open_own(&self, context: &[u8], sealed: &[u8]) -> Option<Key> {
        unwrap(&self.root, context, sealed)
    }

    /// Derives a key for a purpose outside the log; it reveals nothing about the root key. HKDF-SHA256 (RFC 5869).
    pub fn derive(&self, purpose: &str) -> Key {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let derived = Hkdf::<Sha256>::new(None, self.root.as_slice());
        let parts = [DERIVED_CONTEXT, purpose.as_bytes()];
        derived.expand_multi_info(&parts, key.as_mut_slice()).expect("32 bytes are a valid length");
        key
    }

    /// Loads the key of a network that has one.
    pub fn load_network(&self, incarnation: Incarnation) -> Result<(), KeysError> {
        let unusable = || KeysError::Unusable("the key of a network is missing or not wrapped by the root key");
        let transaction = self.database.begin_read()?;
        let wrapped = transaction.open_table(NETWORK_KEYS)?.get(u128::from_be_bytes(incarnation))?;
        let key = unwrap(&self.root, &network_context(incarnation), wrapped.ok_or_else(unusable)?.value());
        let key = Arc::new(key.ok_or_else(unusable)?);
        lock(&self.networks).insert(incarnation, key);
        Ok(())
    }

    /// Creates the key of a new network; on disk when this returns.
    pub fn make_network(&self, incarnation: Incarnation) -> Result<(), KeysError> {
        let key = key::new_key();
        let wrapped = wrap(&self.root, &network_context(incarnation), &key);
        let transaction = self.database.begin_write()?;
        transaction.open_table(NETWORK_KEYS)?.insert(u128::from_be_bytes(incarnation), wrapped.as_slice())?;
        transaction.commit()?;
        lock(&self.networks).insert(incarnation, Arc::new(key));
        Ok(())
    }

    /// The keys of people; creates missing ones, which are on disk when this returns.
    pub fn find_or_make_people(
        &self,
        incarnation: Incarnation,
        people: &[&PersonId],
    ) -> Result<HashMap<PersonId, SharedKey>, KeysError> {
        let mut keys = self.find_people(incarnation, people)?;
        let missing: Vec<_> = people.iter().copied().filter(|person| !keys.contains_key(*person)).collect();
        if missing.is_empty() {
            return Ok(keys);
        }
        let network = self.network(incarnation)?;
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(PERSON_KEYS)?;
            for person in missing {
                let key = key::new_key();
                let wrapped = wrap(&network, &person_context(incarnation, person), &key);
                table.insert((u128::from_be_bytes(incarnation), person.as_str()), wrapped.as_slice())?;
                keys.insert(person.clone(), Arc::new(key));
            }
        }
        transaction.commit()?;
        self.remember(incarnation, &keys);
        Ok(keys)
    }

    /// The keys of people; people without a key are omitted.
    pub fn find_people(
        &self,
        incarnation: Incarnation,
        people: &[&PersonId],
    ) -> Result<HashMap<PersonId, SharedKey>, KeysError> {
        let mut keys = self.remembered(incarnation, people);
        if people.iter().all(|person| keys.contains_key(*person)) {
            return Ok(keys);
        }
        let network = self.network(incarnation)?;
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(PERSON_KEYS)?;
        for person in people {
            if keys.contains_key(*person) {
                continue;
            }
            if let Some(wrapped) = table.get((u128::from_be_bytes(incarnation), person.as_str()))? {
                let key = unwrap(&network, &person_context(incarnation, person), wrapped.value());
                keys.insert((*person).clone(), Arc::new(key.ok_or(NO_KEY)?));
            }
        }
        self.remember(incarnation, &keys);
        Ok(keys)
    }

    /// Opens every key with the key that wraps it.
    pub fn verify(&self) -> Result<(), KeysError> {
        let unusable = KeysError::Unusable;
        let transaction = self.database.begin_read()?;
        let mut networks = HashMap::new();
        for row in transaction.open_table(NETWORK_KEYS)?.iter()? {
            let (incarnation, wrapped) = row?;
            let context = network_context(incarnation.value().to_be_bytes());
            let key = unwrap(&self.root, &context, wrapped.value());
            let key = key.ok_or_else(|| unusable("the key of a network does not open with the root key"))?;
            networks.insert(incarnation.value(), key);
        }
        for row in transaction.open_table(PERSON_KEYS)?.iter()? {
            let (key, wrapped) = row?;
            let (incarnation, person) = key.value();
            let network = networks.get(&incarnation);
            let network = network.ok_or_else(|| unusable("the key of a person belongs to no network"))?;
            let context = [PERSON_CONTEXT, &incarnation.to_be_bytes(), person.as_bytes()].concat();
            let opened = unwrap(network, &context, wrapped.value());
            opened.ok_or_else(|| unusable("the key of a person does not open with that of the network"))?;
        }
        Ok(())
    }

    fn network(&self, incarnation: Incarnation) -> Result<SharedKey, KeysError> {
        lock(&self.networks).get(&incarnation).cloned().ok_or(NO_KEY)
    }

    fn remembered(&self, incarnation: Incarnation, people: &[&PersonId]) -> HashMap<PersonId, SharedKey> {
        let cache = lock(&self.people);
        let find = |person: &&PersonId| {
            let key = cache.get(&(incarnation, (*person).clone()))?;
            Some(((*person).clone(), key.clone()))
        };
        people.iter().filter_map(find).collect()
    }

    fn remember(&self, incarnation: Incarnation, keys: &HashMap<PersonId, SharedKey>) {
        let mut cache = lock(&self.people);
        if cache.len() + keys.len() > limits::CACHED_KEYS_MAX {
            cache.clear();
        }
        cache.extend(keys.iter().map(|(person, key)| ((incarnation, person.clone()), key.clone())));
    }
}

/// Creates the tables if the file is new.
fn prepare(database: &Database) -> Result<(), KeysError> {
    if database.begin_read()?.list_tables()?.next().is_none() {
        let transaction = database.begin_write()?;
        make_tables(&transaction)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Creates the tables of a new file.
pub fn make_tables(transaction: &WriteTransaction) -> Result<(), KeysError> {
    transaction.open_table(NETWORK_KEYS)?;
    transaction.open_table(PERSON_KEYS)?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn network_context(incarnation: Incarnation) -> Vec<u8> {
    [b"kith/network-key/1".as_slice(), &incarnation].concat()
}

fn person_context(incarnation: Incarnation, person: &PersonId) -> Vec<u8> {
    [PERSON_CONTEXT, &incarnation, person.as_str().as_bytes()].concat()
}

/// Nonce and encrypted key.
fn wrap(with: &Key, context: &[u8], key: &Key) -> Vec<u8> {
    cipher::seal(with, context, key.as_slice())
}

/// Opens a key that another key wrapped in a context; `None` if key, context or bytes differ.
pub fn unwrap(with: &Key, context: &[u8], wrapped: &[u8]) -> Option<Key> {
    let bytes = cipher::open(with, context, wrapped)?;
    let key: &[u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*key))
}
