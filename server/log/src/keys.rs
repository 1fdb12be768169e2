//! Keys of networks and people, in a file of their own: `keys/keys.redb`.
//!
//! Invariant: a key is on disk before anything is sealed with it. Keys of networks are wrapped by the root key, keys
//! of people by their network's; a key that is not there any more is an erased one.

use crate::{
    cipher,
    error::{Damage, OpenError},
    place::make_whole,
    root_key::{self, KEY_BYTES, Key, folder_of, io_error},
    store::unless_damaged,
};
use hkdf::Hkdf;
use kith_core::id::{NetworkName, PersonId};
use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, WriteTransaction,
};
use sha2::Sha256;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// Network's incarnation → its key, wrapped by the root key. For good.
pub(crate) const NETWORK_KEYS: TableDefinition<u128, &[u8]> = TableDefinition::new("network_keys");

/// (network's incarnation, person) → their key, wrapped by the network's. Until erasure.
pub(crate) const PERSON_KEYS: TableDefinition<(u128, &str), &[u8]> = TableDefinition::new("person_keys");

/// Keys of people held in memory, of all networks together.
const CACHED_KEYS_MAX: usize = 65_536;

/// Bytes of pages that redb may cache of the key file.
pub const KEYS_PAGES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What a person's key is wrapped for, before incarnation and person.
const PERSON_CONTEXT: &[u8] = b"kith/person-key/1";

/// What keys for purposes outside the log are derived for, before the purpose.
const DERIVED_CONTEXT: &[u8] = b"kith/derived-key/1/";

/// The random id that tells one log from another.
pub(crate) type Incarnation = [u8; 16];

/// A key that several may hold; wiped when the last one lets it go.
pub(crate) type SharedKey = Arc<Key>;

/// The key file, open.
pub(crate) struct Keys {
    root: Key,
    database: Database,
    networks: Mutex<HashMap<Incarnation, SharedKey>>,
    people: Mutex<HashMap<(Incarnation, PersonId), SharedKey>>,
}

/// The key file failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The storage engine failed.
    #[error("the key file failed: {0}")]
    Storage(#[from] crate::error::StorageFailure),
    /// A key does not open with the one that should have wrapped it.
    #[error("a key does not open")]
    Unusable,
}

crate::error::from_redb!(KeysError);

impl Keys {
    /// Opens the folder of keys; makes it and the root key if `fresh`: nothing was ever sealed.
    pub(crate) fn open(folder: &Path, fresh: bool) -> Result<Self, OpenError> {
        let file = folder.join("keys.redb");
        if fresh {
            root_key::make_private_folder(folder)?;
        }
        let root = root_key::read_or_make(&folder.join(root_key::FILE), || fresh && !file.exists())?;
        if fresh && !file.exists() {
            make_whole(&file, |part| {
                prepare(&builder().create(part).map_err(|error| open_error(error, folder, part))?)
            })?;
        }
        let database =
            unless_damaged(&file, || builder().open(&file).map_err(|error| open_error(error, folder, &file)))?;
        Self::with_database(database, root)
    }

    /// The keys in an open database.
    pub(crate) fn with_database(database: Database, root: Key) -> Result<Self, OpenError> {
        prepare(&database)?;
        Ok(Self { root, database, networks: Mutex::default(), people: Mutex::default() })
    }

    /// Seals a key of the server's own under the root key.
    pub(crate) fn seal_own(&self, context: &[u8], key: &Key) -> Vec<u8> {
        wrap(&self.root, context, key)
    }

    /// Undoes [`Keys::seal_own`]; `None` if root key, context or bytes are not the same.
    pub(crate) fn open_own(&self, context: &[u8], sealed: &[u8]) -> Option<Key> {
        unwrap(&self.root, context, sealed)
    }

    /// A key for something outside the log, which tells nothing about the root key. HKDF-SHA256 (RFC 5869).
    pub(crate) fn derive(&self, purpose: &str) -> Key {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let derived = Hkdf::<Sha256>::new(None, self.root.as_slice());
        let parts = [DERIVED_CONTEXT, purpose.as_bytes()];
        derived.expand_multi_info(&parts, key.as_mut_slice()).expect("32 bytes are a valid length");
        key
    }

    /// Loads the key of a network that has one.
    pub(crate) fn load_network(&self, name: &NetworkName, incarnation: Incarnation) -> Result<(), OpenError> {
        let unusable = || OpenError::NetworkKeyUnusable { network: name.clone() };
        let transaction = self.database.begin_read()?;
        let wrapped = transaction.open_table(NETWORK_KEYS)?.get(u128::from_be_bytes(incarnation))?;
        let key = unwrap(&self.root, &network_context(incarnation), wrapped.ok_or_else(unusable)?.value());
        let key = Arc::new(key.ok_or_else(unusable)?);
        lock(&self.networks).insert(incarnation, key);
        Ok(())
    }

    /// Makes the key of a new network; on disk when this returns.
    pub(crate) fn make_network(&self, incarnation: Incarnation) -> Result<(), KeysError> {
        let key = root_key::new_key();
        let wrapped = wrap(&self.root, &network_context(incarnation), &key);
        let transaction = self.database.begin_write()?;
        transaction.open_table(NETWORK_KEYS)?.insert(u128::from_be_bytes(incarnation), wrapped.as_slice())?;
        transaction.commit()?;
        lock(&self.networks).insert(incarnation, Arc::new(key));
        Ok(())
    }

    /// The keys of people, in their order; those that have none get one, on disk when this returns.
    pub(crate) fn find_or_make_people(
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
                let key = root_key::new_key();
                let wrapped = wrap(&network, &person_context(incarnation, person), &key);
                table.insert((u128::from_be_bytes(incarnation), person.as_str()), wrapped.as_slice())?;
                keys.insert(person.clone(), Arc::new(key));
            }
        }
        transaction.commit()?;
        self.remember(incarnation, &keys);
        Ok(keys)
    }

    /// The keys of people; those that have none are left out.
    pub(crate) fn find_people(
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
                keys.insert((*person).clone(), Arc::new(key.ok_or(KeysError::Unusable)?));
            }
        }
        self.remember(incarnation, &keys);
        Ok(keys)
    }

    /// Opens every key with the one that wraps it.
    pub(crate) fn verify(&self) -> Result<(), OpenError> {
        let unusable = |what| Damage { table: "keys", what };
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
            let network = network.ok_or_else(|| unusable("the key of a person is of no network"))?;
            let context = [PERSON_CONTEXT, &incarnation.to_be_bytes(), person.as_bytes()].concat();
            let opened = unwrap(network, &context, wrapped.value());
            opened.ok_or_else(|| unusable("the key of a person does not open with that of the network"))?;
        }
        Ok(())
    }

    fn network(&self, incarnation: Incarnation) -> Result<SharedKey, KeysError> {
        lock(&self.networks).get(&incarnation).cloned().ok_or(KeysError::Unusable)
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
        if cache.len() + keys.len() > CACHED_KEYS_MAX {
            cache.clear();
        }
        cache.extend(keys.iter().map(|(person, key)| ((incarnation, person.clone()), key.clone())));
    }
}

/// How `keys.redb` is opened: one process writes, and a backup may read beside it.
pub(crate) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(KEYS_PAGES_BYTES_MAX).set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
}

/// Makes the tables of a new file, if it is one.
fn prepare(database: &Database) -> Result<(), OpenError> {
    if database.begin_read()?.list_tables()?.next().is_none() {
        let transaction = database.begin_write()?;
        make_tables(&transaction)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Makes the tables of a new file.
pub(crate) fn make_tables(transaction: &WriteTransaction) -> Result<(), OpenError> {
    transaction.open_table(NETWORK_KEYS)?;
    transaction.open_table(PERSON_KEYS)?;
    Ok(())
}

/// A look at the keys in a folder, which a server may have open.
pub(crate) fn begin_read_beside(folder: &Path) -> Result<ReadTransaction, OpenError> {
    let file = folder.join("keys.redb");
    let database = unless_damaged(&file, || {
        let database: Result<Box<dyn ReadableDatabase>, _> = match builder().open_read_only(&file) {
            // The server was killed; nobody has the file open, so that it can be repaired.
            Err(DatabaseError::RepairAborted) => builder().open(&file).map(|database| Box::new(database) as _),
            opened => opened.map(|database| Box::new(database) as _),
        };
        database.map_err(|error| open_error(error, folder, &file))
    })?;
    Ok(database.begin_read()?)
}

fn open_error(error: DatabaseError, folder: &Path, file: &Path) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::AlreadyOpen { data: folder_of(folder).to_owned() },
        DatabaseError::Storage(redb::StorageError::Io(source)) => io_error(file)(source),
        DatabaseError::Storage(redb::StorageError::Corrupted(_)) => OpenError::FileDamaged { path: file.to_owned() },
        other => other.into(),
    }
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

/// Undoes [`wrap`]; `None` if key, context or bytes are not the same.
pub(crate) fn unwrap(with: &Key, context: &[u8], wrapped: &[u8]) -> Option<Key> {
    let bytes = cipher::open(with, context, wrapped)?;
    let key: &[u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORTH: Incarnation = [1; 16];
    const SOUTH: Incarnation = [2; 16];

    fn person(id: &str) -> PersonId {
        id.parse().unwrap()
    }

    fn north() -> NetworkName {
        "north".parse().unwrap()
    }

    #[test]
    fn keys_stay_the_same_over_a_reopen() {
        let folder = tempfile::tempdir().unwrap();
        let (amina, ben) = (person("amina"), person("ben"));
        let made = {
            let keys = Keys::open(folder.path(), true).unwrap();
            keys.make_network(NORTH).unwrap();
            keys.find_or_make_people(NORTH, &[&amina]).unwrap()
        };
        let keys = Keys::open(folder.path(), false).unwrap();
        keys.load_network(&north(), NORTH).unwrap();
        let found = keys.find_people(NORTH, &[&amina, &ben]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(**found[&amina], **made[&amina]);
        let again = keys.find_or_make_people(NORTH, &[&amina, &ben]).unwrap();
        assert_eq!(**again[&amina], **made[&amina]);
        assert_ne!(**again[&ben], **made[&amina]);
    }

    #[test]
    fn every_network_has_its_own_keys() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path(), true).unwrap();
        let amina = person("amina");
        keys.make_network(NORTH).unwrap();
        keys.make_network(SOUTH).unwrap();
        let of = |network| keys.find_or_make_people(network, &[&amina]).unwrap()[&amina].clone();
        assert_ne!(**of(NORTH), **of(SOUTH));
        assert!(matches!(keys.find_people([3; 16], &[&amina]), Err(KeysError::Unusable)));
    }

    #[test]
    fn another_root_key_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        Keys::open(folder.path(), true).unwrap().make_network(NORTH).unwrap();
        let check = || Keys::open(folder.path(), false).and_then(|keys| keys.load_network(&north(), NORTH));
        assert!(check().is_ok());
        let root = folder.path().join("root.key");
        std::fs::write(&root, [7; 32]).unwrap();
        assert!(matches!(check(), Err(OpenError::NetworkKeyUnusable { .. })));
        std::fs::remove_file(&root).unwrap();
        assert!(matches!(check(), Err(OpenError::RootKeyMissing { .. })));
        assert!(matches!(Keys::open(folder.path(), true).err(), Some(OpenError::RootKeyMissing { .. })));
    }
}
