//! The replicas that have asked for entries: whose they are, and how far each is.
//!
//! What is heard of them is on disk a second later. It is what replicas say of themselves, and a lost or unreadable file
//! only means that nothing is known of them until they ask again.
//!
//! Invariant: a principal changes the rows of its own replicas alone, and has a bounded number of them.

use super::{builder, place};
use crate::{
    error::{OpenError, ReadError},
    files::{io_error, make_private_file, unless_damaged},
    limits::{REPLICAS_OF_NETWORK_MAX, REPLICAS_OF_PRINCIPAL_MAX, REPLICAS_WAITING_MAX},
    worker::Worker,
};
use kith_core::{
    id::{OrganisationId, PrincipalId},
    position::Position,
    timestamp::Timestamp,
};
use kith_words::Incarnation;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError, backends::InMemoryBackend};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

/// Time between two commits.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// Days after which a replica that was not heard of is forgotten, at the next start.
const FORGOTTEN_AFTER_DAYS: i64 = 400;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

type Key<'a> = (&'a Incarnation, &'a str, &'a ReplicaId);
type Row<'a> = (&'a str, u64, u64, i64);

/// By network, principal and replica: the principal's organisation, how far it has confirmed, how far entries were sent to
/// it, and when it was last heard of in milliseconds since 1970.
const REPLICAS: TableDefinition<'_, Key<'static>, Row<'static>> = TableDefinition::new("replicas 1");

/// What a replica is told apart by: a random number of its own.
pub type ReplicaId = [u8; 16];

/// A replica of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Its number.
    pub id: ReplicaId,
    /// Whose token or certificate it uses.
    pub principal: PrincipalId,
    /// That principal's organisation when it was last heard of.
    pub organisation: Option<OrganisationId>,
    /// It has said that it holds what it may see up to here.
    pub confirmed: Position,
    /// Entries were sent to it up to here.
    pub sent: Position,
    /// When it was last heard of.
    pub heard_at: Timestamp,
}

type Waiting = BTreeMap<(Incarnation, PrincipalId, ReplicaId), Replica>;

/// The replicas that are known.
#[derive(Clone)]
pub struct Replicas(Arc<Shared>);

struct Shared {
    register: Arc<Register>,
    keeping: Option<Keeping>,
}

/// The thread that commits.
struct Keeping {
    stop: mpsc::Sender<()>,
    worker: Worker,
}

impl std::fmt::Debug for Replicas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicas").finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Some(keeping) = &self.keeping else { return };
        // An error says that it has ended already.
        let _ = keeping.stop.send(());
        keeping.worker.join();
    }
}

impl Replicas {
    /// Opens the register in a data folder, creating it if there is none. Blocks on the disk.
    pub fn open(data: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let path = place(data, "replicas.redb")?;
        let register = Arc::new(Register::on(open_file(&path)?, Some(path.clone())));
        register.forget(now);
        let (stop, stopped) = mpsc::channel();
        let kept = Arc::clone(&register);
        let worker = Worker::thread("kith-replicas", move || kept.keep_on(&stopped)).map_err(io_error(&path))?;
        Ok(Self(Arc::new(Shared { register, keeping: Some(Keeping { stop, worker }) })))
    }

    /// A register in memory, which no thread keeps.
    pub fn in_memory() -> Self {
        let database = builder().create_with_backend(InMemoryBackend::new()).expect("memory does not fail");
        Self(Arc::new(Shared { register: Arc::new(Register::on(database, None)), keeping: None }))
    }

    /// Notes what was heard of a replica of the network of this incarnation, in place of what was heard before.
    pub fn heard(&self, network: Incarnation, replica: Replica) {
        self.0.register.note(network, replica);
    }

    /// The replicas of a network, by principal and number. Blocks on the disk.
    pub fn list(&self, network: Incarnation) -> Result<Vec<Replica>, ReadError> {
        self.0.register.list(network)
    }
}

/// The file, and what waits to be in it.
struct Register {
    database: Database,
    /// None in memory.
    path: Option<PathBuf>,
    waiting: Mutex<Waiting>,
}

impl Register {
    fn on(database: Database, path: Option<PathBuf>) -> Self {
        Self { database, path, waiting: Mutex::default() }
    }

    fn note(&self, network: Incarnation, replica: Replica) {
        let mut waiting = self.lock();
        let key = (network, replica.principal.clone(), replica.id);
        if waiting.len() < REPLICAS_WAITING_MAX || waiting.contains_key(&key) {
            waiting.insert(key, replica);
        }
    }

    fn list(&self, network: Incarnation) -> Result<Vec<Replica>, ReadError> {
        let waiting = self.lock();
        let mut found = BTreeMap::new();
        let transaction = self.database.begin_read()?;
        match transaction.open_table(REPLICAS) {
            Ok(table) => {
                for row in rows_of(&table, network)? {
                    found.insert((row.principal.clone(), row.id), row);
                }
            }
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
        for ((_, principal, id), replica) in waiting.iter().filter(|((of, ..), _)| *of == network) {
            found.insert((principal.clone(), *id), replica.clone());
        }
        Ok(found.into_values().collect())
    }

    /// Commits what waits once a second, until it is stopped.
    fn keep_on(&self, stopped: &mpsc::Receiver<()>) {
        let mut is_failing = false;
        loop {
            let is_last = stopped.recv_timeout(KEEP_EVERY) != Err(mpsc::RecvTimeoutError::Timeout);
            match self.keep() {
                Ok(()) => is_failing = false,
                Err(error) if !is_failing => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what is heard of replicas cannot be kept, trying again");
                    is_failing = true;
                }
                Err(_) => {}
            }
            if is_last {
                return;
            }
        }
    }

    /// Commits what waits. What is noted meanwhile waits for the next time.
    fn keep(&self) -> Result<(), ReadError> {
        let taken = self.lock().clone();
        if taken.is_empty() {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(REPLICAS)?;
            let taken: Vec<_> = taken.iter().collect();
            for of_network in taken.chunk_by(|((one, ..), _), ((next, ..), _)| one == next) {
                put_all(&mut table, of_network)?;
            }
        }
        transaction.commit()?;
        self.lock().retain(|key, replica| taken.get(key) != Some(replica));
        Ok(())
    }

    /// Forgets those that were not heard of for long. A failing disk is ignored: they are forgotten at a later start.
    fn forget(&self, now: Timestamp) {
        let before = now.millis() - FORGOTTEN_AFTER_DAYS * DAY_MILLIS;
        let forget = || {
            let transaction = self.database.begin_write()?;
            transaction.open_table(REPLICAS)?.retain(|_, (.., heard_at)| heard_at >= before)?;
            Ok::<_, ReadError>(transaction.commit()?)
        };
        if let (Err(error), Some(path)) = (forget(), &self.path) {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(path = %path.display(), error, "replicas that are gone cannot be forgotten");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the file. One that cannot be read is begun anew.
fn open_file(path: &Path) -> Result<Database, OpenError> {
    let open = || unless_damaged(path, || Ok(builder().create(path)?));
    if !path.exists() {
        make_private_file(path).map_err(io_error(path))?;
    }
    match open() {
        Ok(database) => Ok(database),
        Err(error) => {
            let reason = &error as &dyn std::error::Error;
            tracing::warn!(path = %path.display(), error = reason, "the list of replicas cannot be read, beginning anew");
            fs::remove_file(path).and_then(|()| make_private_file(path)).map_err(io_error(path))?;
            open()
        }
    }
}

/// Writes what was heard of replicas of one network. One that is new makes the one go that was not heard of for longest, of
/// its principal or of the network, if there are too many.
fn put_all(
    table: &mut Table<'_, Key<'static>, Row<'static>>,
    heard: &[(&(Incarnation, PrincipalId, ReplicaId), &Replica)],
) -> Result<(), ReadError> {
    let Some(((network, ..), _)) = heard.first() else { return Ok(()) };
    let rows = rows_of(table, *network)?.into_iter();
    let mut known: BTreeMap<_, _> = rows.map(|row| ((row.principal, row.id), row.heard_at)).collect();
    for ((_, principal, id), replica) in heard {
        let key = (principal.clone(), *id);
        if !known.contains_key(&key)
            && let Some((principal, id)) = in_the_way(&known, principal)
        {
            table.remove((network, principal.as_str(), &id))?;
            known.remove(&(principal, id));
        }
        let organisation = replica.organisation.as_ref().map_or("", OrganisationId::as_str);
        let row = (organisation, replica.confirmed.get(), replica.sent.get(), replica.heard_at.millis());
        table.insert((network, principal.as_str(), id), row)?;
        known.insert(key, replica.heard_at);
    }
    Ok(())
}

/// The replica that has to go before a principal has another one.
fn in_the_way(
    known: &BTreeMap<(PrincipalId, ReplicaId), Timestamp>,
    principal: &PrincipalId,
) -> Option<(PrincipalId, ReplicaId)> {
    let own = || known.range((principal.clone(), [0; 16])..=(principal.clone(), [u8::MAX; 16]));
    let doomed = match (own().count() >= REPLICAS_OF_PRINCIPAL_MAX, known.len() >= REPLICAS_OF_NETWORK_MAX) {
        (true, _) => own().min_by_key(|(_, heard_at)| **heard_at),
        (false, true) => known.iter().min_by_key(|(_, heard_at)| **heard_at),
        (false, false) => None,
    };
    doomed.map(|(key, _)| key.clone())
}

/// The rows of a network.
fn rows_of(
    table: &impl ReadableTable<Key<'static>, Row<'static>>,
    network: Incarnation,
) -> Result<Vec<Replica>, ReadError> {
    let mut found = Vec::new();
    for row in table.range((&network, "", &[0; 16])..)? {
        let (key, value) = row?;
        let (of, principal, id) = key.value();
        if *of != network {
            break;
        }
        let (organisation, confirmed, sent, heard_at) = value.value();
        // What cannot be read was written by nobody.
        let Ok(principal) = principal.parse() else { continue };
        found.push(Replica {
            id: *id,
            principal,
            organisation: organisation.parse().ok(),
            confirmed: Position::new(confirmed),
            sent: Position::new(sent),
            heard_at: Timestamp::from_millis(heard_at),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORTH: Incarnation = [1; 16];
    const SOUTH: Incarnation = [2; 16];

    fn replica(principal: &str, id: u8, confirmed: u64, heard_at: i64) -> Replica {
        Replica {
            id: [id; 16],
            principal: principal.parse().unwrap(),
            organisation: Some("riverside".parse().unwrap()),
            confirmed: Position::new(confirmed),
            sent: Position::new(confirmed + 1),
            heard_at: Timestamp::from_millis(heard_at),
        }
    }

    #[test]
    fn what_is_heard_is_listed_at_once_and_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(1_000);
        let heard =
            [replica("person:amina", 1, 5, 900), replica("person:amina", 2, 7, 900), replica("person:ben", 1, 5, 1)];
        let replicas = Replicas::open(folder.path(), now).unwrap();
        for one in &heard {
            replicas.heard(NORTH, Replica { confirmed: Position::ZERO, ..one.clone() });
            replicas.heard(NORTH, one.clone());
        }
        replicas.heard(SOUTH, replica("person:amina", 1, 9, 900));
        assert_eq!(replicas.list(NORTH).unwrap(), heard);
        drop(replicas);
        let replicas = Replicas::open(folder.path(), now).unwrap();
        assert_eq!(replicas.list(NORTH).unwrap(), heard);
        assert_eq!(replicas.list(SOUTH).unwrap().len(), 1);
    }

    #[test]
    fn a_principal_has_a_bounded_number_and_makes_nobody_elses_go() {
        let register = Register::on(builder().create_with_backend(InMemoryBackend::new()).unwrap(), None);
        register.note(NORTH, replica("person:amina", 200, 1, 0));
        for id in 0..100 {
            register.note(NORTH, replica("person:ben", id, 1, i64::from(id) + 1));
            register.keep().unwrap();
        }
        let left = register.list(NORTH).unwrap();
        assert_eq!(left.len(), REPLICAS_OF_PRINCIPAL_MAX + 1);
        assert_eq!(left[0], replica("person:amina", 200, 1, 0));
        assert_eq!(left[1].id, [36; 16], "those that were heard of last are left");
    }

    #[test]
    fn those_that_were_not_heard_of_for_long_are_forgotten_at_a_start() {
        let folder = tempfile::tempdir().unwrap();
        let days = |days: i64| Timestamp::from_millis(days * DAY_MILLIS);
        let replicas = Replicas::open(folder.path(), days(0)).unwrap();
        replicas.heard(NORTH, replica("person:amina", 1, 1, days(10).millis()));
        replicas.heard(NORTH, replica("person:amina", 2, 1, days(11).millis()));
        drop(replicas);
        let replicas = Replicas::open(folder.path(), days(411)).unwrap();
        assert_eq!(replicas.list(NORTH).unwrap().iter().map(|one| one.id[0]).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_millis(0);
        fs::create_dir(folder.path().join("access")).unwrap();
        fs::write(folder.path().join("access/replicas.redb"), [7; 5000]).unwrap();
        let replicas = Replicas::open(folder.path(), now).unwrap();
        replicas.heard(NORTH, replica("person:amina", 1, 1, 0));
        assert_eq!(replicas.list(NORTH).unwrap().len(), 1);
    }
}
