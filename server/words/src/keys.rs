//! Keys of networks and people, in a database of their own.
//!
//! Invariant: a key is on disk before anything is sealed with it. Keys of networks are wrapped by the root key, keys of
//! people by their network's. A destroyed key is nowhere in the file, and its person is in the table `erased`.

use crate::{
    cipher,
    folder::KeyFolder,
    key::{self, KEY_BYTES, Key},
    limits,
};
use hkdf::Hkdf;
use kith_core::{id::PersonId, position::Position};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use sha2::Sha256;
use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};
use zeroize::Zeroizing;

/// Network's incarnation → its key, wrapped by the root key. Kept forever.
pub const NETWORK_KEYS: TableDefinition<u128, &[u8]> = TableDefinition::new("network_keys");

/// (network's incarnation, person) → their key, wrapped by the network's. Kept until erasure.
pub const PERSON_KEYS: TableDefinition<(u128, &str), &[u8]> = TableDefinition::new("person_keys");

/// (network's incarnation, person) → position of the entry that erased them. Kept forever.
pub const ERASED: TableDefinition<(u128, &str), u64> = TableDefinition::new("erased");

const NO_KEY: KeysError = KeysError::Unusable("a key does not open");

/// Prefix of the context in which a person's key is wrapped; incarnation and person follow.
const PERSON_CONTEXT: &[u8] = b"kith/person-key/1";

/// Prefix of the context of keys for purposes outside the log; the purpose follows.
const DERIVED_CONTEXT: &[u8] = b"kith/derived-key/1/";

/// The context of the key for what a network keeps beside its log.
const BESIDE_CONTEXT: &[u8] = b"kith/beside-key/1";

/// The random id of a log, 16 bytes.
pub type Incarnation = [u8; 16];

/// A shared key; wiped when the last holder drops it.
pub type SharedKey = Arc<Key>;

/// An open store of keys. Keys that were read or created are cached in memory.
pub struct Keys {
    root: Key,
    database: RwLock<Database>,
    /// Where the file lies; `None` on the caller's storage.
    folder: Option<KeyFolder>,
    /// Held by whoever changes the file.
    changing: Mutex<()>,
    networks: Mutex<HashMap<Incarnation, SharedKey>>,
    people: Mutex<People>,
}

/// Keys of people in memory.
#[derive(Default)]
struct People {
    keys: HashMap<(Incarnation, PersonId), SharedKey>,
    /// How often keys were destroyed: what was read before that is not remembered after it.
    round: u64,
}

/// Somebody whose key has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doomed {
    /// The network's incarnation.
    pub incarnation: Incarnation,
    /// The person.
    pub person: PersonId,
    /// Position of the entry that erased them.
    pub position: Position,
}

impl Doomed {
    fn key(&self) -> (u128, &str) {
        (u128::from_be_bytes(self.incarnation), self.person.as_str())
    }
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
    /// The keys in an open database, wrapped by `root`; creates the tables of a new database. `folder` is where its file
    /// lies: without it keys are destroyed in place, which leaves them in free pages.
    pub fn with_database(database: Database, root: Key, folder: Option<KeyFolder>) -> Result<Self, KeysError> {
        prepare(&database)?;
        let database = RwLock::new(database);
        let changing = Mutex::default();
        Ok(Self { root, database, folder, changing, networks: Mutex::default(), people: Mutex::default() })
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

    /// Seals bytes, which are no words about anybody, under a key derived from that of a network.
    pub fn seal_for(&self, network: Incarnation, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeysError> {
        Ok(cipher::seal(&self.beside(network)?, context, plain))
    }

    /// Undoes [`Keys::seal_for`]; `None` if the network's key is not loaded, or key, context or bytes differ.
    pub fn open_for(&self, network: Incarnation, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        Some(cipher::open(&self.beside(network).ok()?, context, sealed)?.to_vec())
    }

    /// The key for what a network keeps beside its log. HKDF-SHA256 (RFC 5869).
    fn beside(&self, network: Incarnation) -> Result<Key, KeysError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let derived = Hkdf::<Sha256>::new(Some(&network), self.network(network)?.as_slice());
        derived.expand(BESIDE_CONTEXT, key.as_mut_slice()).expect("32 bytes are a valid length");
        Ok(key)
    }

    /// Loads the key of a network that has one.
    pub fn load_network(&self, incarnation: Incarnation) -> Result<(), KeysError> {
        let unusable = || KeysError::Unusable("the key of a network is missing or not wrapped by the root key");
        let database = self.database();
        let transaction = database.begin_read()?;
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
        let _changing = lock(&self.changing);
        let transaction = self.database().begin_write()?;
        transaction.open_table(NETWORK_KEYS)?.insert(u128::from_be_bytes(incarnation), wrapped.as_slice())?;
        transaction.commit()?;
        lock(&self.networks).insert(incarnation, Arc::new(key));
        Ok(())
    }

    /// Loads the key of a network, or creates it.
    pub fn load_or_make_network(&self, incarnation: Incarnation) -> Result<(), KeysError> {
        let row = u128::from_be_bytes(incarnation);
        let is_there = self.database().begin_read()?.open_table(NETWORK_KEYS)?.get(row)?.is_some();
        if is_there { self.load_network(incarnation) } else { self.make_network(incarnation) }
    }

    /// Destroys all keys but those of one network and its people, as [`Keys::destroy`] does. Does nothing if there are no
    /// others.
    pub fn keep_network(&self, incarnation: Incarnation) -> Result<(), KeysError> {
        let kept = u128::from_be_bytes(incarnation);
        let changing = lock(&self.changing);
        let old = self.database().begin_read()?;
        let has_others =
            old.open_table(NETWORK_KEYS)?.iter()?.any(|row| !row.is_ok_and(|(key, _)| key.value() == kept));
        if !has_others {
            return self.folder.as_ref().map_or(Ok(()), KeyFolder::recover).map_err(io_error);
        }
        let Some(folder) = &self.folder else {
            let transaction = self.database().begin_write()?;
            transaction.open_table(NETWORK_KEYS)?.retain(|key, _| key == kept)?;
            transaction.open_table(PERSON_KEYS)?.retain(|(network, _), _| network == kept)?;
            transaction.open_table(ERASED)?.retain(|(network, _), _| network == kept)?;
            transaction.commit()?;
            self.forget();
            return Ok(());
        };
        let copying = Copying { network_key: unchanged, only: Some(kept), doomed: &[] };
        folder.replace(|new| copying.copy(&old, new), |new| self.take(new))?;
        drop(changing);
        folder.forget_old().map_err(io_error)
    }

    /// The position of the entry that erased somebody, if their key was destroyed.
    pub fn erased_at(&self, incarnation: Incarnation, person: &PersonId) -> Result<Option<Position>, KeysError> {
        let database = self.database();
        let table = database.begin_read()?.open_table(ERASED)?;
        let row = table.get((u128::from_be_bytes(incarnation), person.as_str()))?;
        Ok(row.map(|position| Position::new(position.value())))
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
        let _changing = lock(&self.changing);
        let round = lock(&self.people).round;
        let transaction = self.database().begin_write()?;
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
        self.remember(round, incarnation, &keys);
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
        let round = lock(&self.people).round;
        let database = self.database();
        let transaction = database.begin_read()?;
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
        self.remember(round, incarnation, &keys);
        Ok(keys)
    }

    /// Destroys the keys of people, so that nothing sealed with them can ever be opened. The file is written anew without
    /// them, because the engine would leave them in free pages. If this fails, it can be repeated.
    pub fn destroy(&self, doomed: &[Doomed]) -> Result<(), KeysError> {
        let changing = lock(&self.changing);
        let found = self.find(doomed)?;
        let has_keys = found.iter().any(|found| found.key);
        let folder = match &self.folder {
            Some(folder) if has_keys => folder,
            folder => {
                if !found.iter().all(Found::is_gone) {
                    self.remove(doomed)?;
                }
                // The old file may still be there if the process ended before it was overwritten.
                return folder.as_ref().map_or(Ok(()), KeyFolder::recover).map_err(io_error);
            }
        };
        let old = self.database().begin_read()?;
        let copying = Copying { network_key: unchanged, only: None, doomed };
        folder.replace(|new| copying.copy(&old, new), |new| self.take(new))?;
        // Keys can be made again while the old file is overwritten.
        drop(changing);
        folder.forget_old().map_err(io_error)
    }

    /// Removes keys in place, where that leaves nothing behind or cannot be helped.
    fn remove(&self, doomed: &[Doomed]) -> Result<(), KeysError> {
        let database = self.database();
        let transaction = database.begin_write()?;
        for doomed in doomed {
            transaction.open_table(PERSON_KEYS)?.remove(doomed.key())?;
            transaction.open_table(ERASED)?.insert(doomed.key(), doomed.position.get())?;
        }
        transaction.commit()?;
        self.forget();
        Ok(())
    }

    /// Those of the doomed who have a key.
    pub fn with_keys(&self, doomed: Vec<Doomed>) -> Result<Vec<Doomed>, KeysError> {
        let found = self.find(&doomed)?;
        Ok(doomed.into_iter().zip(found).filter(|(_, found)| found.key).map(|(doomed, _)| doomed).collect())
    }

    /// Writes the file anew with every network's key wrapped by another root key. Afterwards only that one opens it, and
    /// nothing here can be used any more.
    pub fn rewrap(&self, root: &Key) -> Result<(), KeysError> {
        let _changing = lock(&self.changing);
        let folder = self.folder.as_ref().ok_or(KeysError::Unusable("the keys lie in no folder"))?;
        let old = self.database().begin_read()?;
        let rewrap = |incarnation: u128, wrapped: &[u8]| {
            let context = network_context(incarnation.to_be_bytes());
            let key = unwrap(&self.root, &context, wrapped).ok_or(NO_KEY)?;
            Ok(wrap(root, &context, &key))
        };
        let copying = Copying { network_key: rewrap, only: None, doomed: &[] };
        folder.replace(|new| copying.copy(&old, new), |new| self.take(new))?;
        folder.forget_old().map_err(io_error)
    }

    /// Whether the root key opens the keys of networks; `None` if there are none.
    pub fn opens_networks(&self) -> Result<Option<bool>, KeysError> {
        let database = self.database();
        let transaction = database.begin_read()?;
        let table = transaction.open_table(NETWORK_KEYS)?;
        let Some((incarnation, wrapped)) = table.first()? else { return Ok(None) };
        let context = network_context(incarnation.value().to_be_bytes());
        Ok(Some(unwrap(&self.root, &context, wrapped.value()).is_some()))
    }

    /// Everybody whose key was destroyed.
    pub fn erased(&self) -> Result<Vec<Doomed>, KeysError> {
        let database = self.database();
        let transaction = database.begin_read()?;
        let mut all = Vec::new();
        for row in transaction.open_table(ERASED)?.iter()? {
            let (key, position) = row?;
            let (incarnation, person) = key.value();
            let person = person.parse().map_err(|_| KeysError::Unusable("somebody who was erased has no valid id"))?;
            let position = Position::new(position.value());
            all.push(Doomed { incarnation: incarnation.to_be_bytes(), person, position });
        }
        Ok(all)
    }

    fn find(&self, people: &[Doomed]) -> Result<Vec<Found>, KeysError> {
        let database = self.database();
        let transaction = database.begin_read()?;
        let (keys, erased) = (transaction.open_table(PERSON_KEYS)?, transaction.open_table(ERASED)?);
        let find = |doomed: &Doomed| {
            Ok(Found { key: keys.get(doomed.key())?.is_some(), erased: erased.get(doomed.key())?.is_some() })
        };
        people.iter().map(find).collect()
    }

    /// Goes on with a new file, and forgets what was read from the old one.
    fn take(&self, new: Database) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.forget();
    }

    fn forget(&self) {
        let mut people = lock(&self.people);
        people.keys.clear();
        people.round += 1;
    }

    /// The file, which is not replaced while the guard is held: hold it for as long as something is read.
    fn database(&self) -> RwLockReadGuard<'_, Database> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens every key with the key that wraps it.
    pub fn verify(&self) -> Result<(), KeysError> {
        let unusable = KeysError::Unusable;
        let database = self.database();
        let transaction = database.begin_read()?;
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
            let key = cache.keys.get(&(incarnation, (*person).clone()))?;
            Some(((*person).clone(), key.clone()))
        };
        people.iter().filter_map(find).collect()
    }

    /// Remembers keys that were read or made in a round; none if some were destroyed since.
    fn remember(&self, round: u64, incarnation: Incarnation, keys: &HashMap<PersonId, SharedKey>) {
        let mut cache = lock(&self.people);
        if cache.round != round {
            return;
        }
        if cache.keys.len() + keys.len() > limits::CACHED_KEYS_MAX {
            cache.keys.clear();
        }
        cache.keys.extend(keys.iter().map(|(person, key)| ((incarnation, person.clone()), key.clone())));
    }
}

/// What the file says about somebody who is doomed.
struct Found {
    /// Whether they have a key.
    key: bool,
    /// Whether they are in the table of the erased.
    erased: bool,
}

impl Found {
    fn is_gone(&self) -> bool {
        !self.key && self.erased
    }
}

pub(crate) fn io_error(error: io::Error) -> KeysError {
    KeysError::Storage(Box::new(redb::Error::Io(error)))
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
    transaction.open_table(ERASED)?;
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "a key that is wrapped anew may not open")]
fn unchanged(_: u128, wrapped: &[u8]) -> Result<Vec<u8>, KeysError> {
    Ok(wrapped.to_vec())
}

/// What becomes of the keys in a new file.
struct Copying<'a, F> {
    /// Wraps the key of a network anew.
    network_key: F,
    /// The only network whose keys are kept.
    only: Option<u128>,
    /// People whose keys are left out, and who join the table of the erased.
    doomed: &'a [Doomed],
}

impl<F: Fn(u128, &[u8]) -> Result<Vec<u8>, KeysError>> Copying<'_, F> {
    fn copy(&self, old: &ReadTransaction, new: &Database) -> Result<(), KeysError> {
        let gone: HashSet<_> = self.doomed.iter().map(Doomed::key).collect();
        let is_kept = |network: u128| self.only.is_none_or(|only| only == network);
        let transaction = new.begin_write()?;
        {
            let mut table = transaction.open_table(NETWORK_KEYS)?;
            for row in old.open_table(NETWORK_KEYS)?.iter()? {
                let (key, value) = row?;
                if is_kept(key.value()) {
                    table.insert(key.value(), (self.network_key)(key.value(), value.value())?.as_slice())?;
                }
            }
            let mut table = transaction.open_table(PERSON_KEYS)?;
            for row in old.open_table(PERSON_KEYS)?.iter()? {
                let (key, value) = row?;
                if is_kept(key.value().0) && !gone.contains(&key.value()) {
                    table.insert(key.value(), value.value())?;
                }
            }
            let mut table = transaction.open_table(ERASED)?;
            for row in old.open_table(ERASED)?.iter()? {
                let (key, value) = row?;
                if is_kept(key.value().0) {
                    table.insert(key.value(), value.value())?;
                }
            }
            for doomed in self.doomed {
                table.insert(doomed.key(), doomed.position.get())?;
            }
        }
        Ok(transaction.commit()?)
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

/// A key wrapped by another in a context: nonce and encrypted key.
pub fn wrap(with: &Key, context: &[u8], key: &Key) -> Vec<u8> {
    cipher::seal(with, context, key.as_slice())
}

/// Opens a key that another key wrapped in a context; `None` if key, context or bytes differ.
pub fn unwrap(with: &Key, context: &[u8], wrapped: &[u8]) -> Option<Key> {
    let bytes = cipher::open(with, context, wrapped)?;
    let key: &[u8; KEY_BYTES] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str) -> PersonId {
        id.parse().unwrap()
    }

    fn open(folder: &std::path::Path) -> Keys {
        let place = KeyFolder::new(folder);
        let database = KeyFolder::builder().create(place.file()).unwrap();
        Keys::with_database(database, Key::new([7; 32]), Some(place)).unwrap()
    }

    #[test]
    fn all_keys_but_those_of_one_network_end() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(folder.path());
        let amina = person("amina");
        for network in [[1; 16], [2; 16]] {
            keys.load_or_make_network(network).unwrap();
            keys.find_or_make_people(network, &[&amina, &person("ben")]).unwrap();
        }
        let doomed = Doomed { incarnation: [2; 16], person: person("ben"), position: Position::new(9) };
        keys.destroy(&[doomed]).unwrap();
        let kept = keys.find_people([2; 16], &[&amina]).unwrap()[&amina].clone();
        keys.keep_network([2; 16]).unwrap();
        keys.keep_network([2; 16]).unwrap();
        drop(keys);
        let keys = open(folder.path());
        keys.load_or_make_network([2; 16]).unwrap();
        assert_eq!(**keys.find_people([2; 16], &[&amina, &person("ben")]).unwrap()[&amina], **kept);
        assert_eq!(keys.erased_at([2; 16], &person("ben")).unwrap(), Some(Position::new(9)));
        assert_eq!(keys.erased_at([2; 16], &amina).unwrap(), None);
        assert!(keys.load_network([1; 16]).is_err());
        assert!(!folder.path().join("keys.old").exists());
    }

    #[test]
    fn what_is_kept_beside_a_log_opens_for_its_network_alone_and_after_the_root_key_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(folder.path());
        let ([one, other], unknown) = ([[1; 16], [2; 16]], [3; 16]);
        for network in [one, other] {
            keys.load_or_make_network(network).unwrap();
        }
        let sealed = keys.seal_for(one, b"place", b"address").unwrap();
        let another = Key::new([8; 32]);
        keys.rewrap(&another).unwrap();
        drop(keys);
        let place = KeyFolder::new(folder.path());
        let keys = Keys::with_database(KeyFolder::builder().open(place.file()).unwrap(), another, Some(place)).unwrap();
        for network in [one, other] {
            keys.load_network(network).unwrap();
        }
        assert_eq!(keys.open_for(one, b"place", &sealed).as_deref(), Some(b"address".as_slice()));
        assert_eq!(keys.open_for(one, b"elsewhere", &sealed), None);
        assert_eq!(keys.open_for(other, b"place", &sealed), None);
        assert_eq!(keys.open_for(unknown, b"place", &sealed), None);
        assert!(keys.seal_for(unknown, b"place", b"address").is_err());
    }

    #[test]
    fn somebody_without_a_key_is_noted_as_erased_without_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(folder.path());
        keys.load_or_make_network([1; 16]).unwrap();
        let inode = |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
        let before = inode(&folder.path().join("keys.redb"));
        let doomed = Doomed { incarnation: [1; 16], person: person("amina"), position: Position::new(5) };
        keys.destroy(std::slice::from_ref(&doomed)).unwrap();
        assert_eq!(keys.erased().unwrap(), [doomed]);
        assert_eq!(inode(&folder.path().join("keys.redb")), before);
    }
}
