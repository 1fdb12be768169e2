//! The one file of a replica: transactions, and recovery after the disk failed.
//!
//! Invariant: when a transaction returns, either all of it is on disk or none of it. Nothing is cached outside the file
//! that the file could contradict.

use super::{
    error::StoreError,
    rows::{FORMAT, State},
    tables::{COMMON, DETAILS, ENTRIES, GAPS, IDS, META, NEWER, NUMBERS, OUTBOX, REFUSED, SETTLED},
    turns::Turns,
};
use prost::Message;
use redb::{Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use std::sync::{
    PoisonError, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, Ordering},
};

/// Opens the file, initially and after a failure.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The file.
pub(super) struct Store {
    database: RwLock<Option<Database>>,
    opener: Opener,
    failed: AtomicBool,
    /// How it is shared with other processes; `None` for storage that no other process can open.
    turns: Option<Turns>,
}

impl Store {
    /// Opens the file.
    pub(super) fn open(opener: Opener, turns: Option<Turns>) -> Result<Self, DatabaseError> {
        let database = RwLock::new(Some(take(&opener, turns.as_ref())?));
        Ok(Self { database, opener, failed: AtomicBool::new(false), turns })
    }

    /// How it is shared with other processes.
    pub(super) fn turns(&self) -> Option<&Turns> {
        self.turns.as_ref()
    }

    /// Releases the file to another process that is waiting. The next transaction here reopens it.
    pub(super) fn give_way(&self) {
        let Some(turns) = self.turns.as_ref().filter(|turns| turns.is_waited_for()) else { return };
        // Does not wait for a running transaction: it may start another one, and the next check comes soon.
        let Ok(mut database) = self.database.try_write() else { return };
        if database.take().is_some() {
            turns.let_pass();
        }
    }

    /// Creates every table, so that reads find them.
    pub(super) fn make_tables(&self) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.open_table(ENTRIES)?;
            transaction.open_table(IDS)?;
            transaction.open_table(COMMON)?;
            transaction.open_table(NEWER)?;
            transaction.open_table(DETAILS)?;
            transaction.open_table(GAPS)?;
            transaction.open_table(OUTBOX)?;
            transaction.open_table(REFUSED)?;
            transaction.open_table(SETTLED)?;
            transaction.open_table(NUMBERS)?;
            let mut meta = transaction.open_table(META)?;
            if meta.get("format")?.is_none() {
                meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
            }
            Ok(())
        })
    }

    /// The file's format version; `None` for a new file.
    pub(super) fn format(&self) -> Result<Option<u32>, StoreError> {
        self.read(|transaction| {
            let meta = match transaction.open_table(META) {
                Ok(meta) => meta,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let Some(value) = meta.get("format")? else { return Ok(None) };
            let bytes = value.value().try_into().map_err(|_| StoreError::Damaged("its version is no number"))?;
            Ok(Some(u32::from_le_bytes(bytes)))
        })
    }

    /// Reads one state of the file.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let guard = self.database()?;
        let database = guard.as_ref().ok_or_else(closed)?;
        self.note(database.begin_read().map_err(StoreError::from).and_then(|transaction| read(&transaction)))
    }

    /// Writes all or nothing.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let guard = self.database()?;
        let database = guard.as_ref().ok_or_else(closed)?;
        let done = self.note(write_once(database, write));
        if let Some(turns) = &self.turns {
            turns.note_change();
        }
        done
    }

    /// The file, reopened if the disk failed or another process had it: the storage engine gives up after a failure, a
    /// replica does not.
    fn database(&self) -> Result<RwLockReadGuard<'_, Option<Database>>, StoreError> {
        loop {
            let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
            if guard.is_some() && !self.failed.load(Ordering::Acquire) {
                return Ok(guard);
            }
            drop(guard);
            let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have done it in the meantime.
            if database.is_none() || self.failed.load(Ordering::Acquire) {
                drop(database.take());
                *database = Some(take(&self.opener, self.turns.as_ref())?);
                self.failed.store(false, Ordering::Release);
            }
        }
    }

    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match &result {
            Err(StoreError::Full | StoreError::Storage(_)) => self.failed.store(true, Ordering::Release),
            Ok(_) | Err(StoreError::Damaged(_) | StoreError::InUse | StoreError::Moved) => {}
        }
        result
    }
}

fn take(opener: &Opener, turns: Option<&Turns>) -> Result<Database, DatabaseError> {
    match turns {
        Some(turns) => turns.open(opener),
        None => opener(),
    }
}

fn closed() -> StoreError {
    StoreError::Storage("it could not be opened again after the disk failed".to_owned())
}

fn write_once<T>(
    database: &Database,
    write: impl FnOnce(&WriteTransaction) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    let done = write(&transaction)?;
    transaction.commit()?;
    Ok(done)
}

/// Reads the state stored in the file.
pub(super) fn read_state(transaction: &ReadTransaction) -> Result<State, StoreError> {
    decode_state(&transaction.open_table(META)?)
}

/// Changes the state stored in the file.
pub(super) fn change_state<T>(
    transaction: &WriteTransaction,
    change: impl FnOnce(&mut State) -> T,
) -> Result<T, StoreError> {
    let mut meta = transaction.open_table(META)?;
    let mut state = decode_state(&meta)?;
    let changed = change(&mut state);
    meta.insert("state", state.encode_to_vec().as_slice())?;
    Ok(changed)
}

fn decode_state(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<State, StoreError> {
    match meta.get("state")? {
        Some(value) => decode(value.value()),
        None => Ok(State::default()),
    }
}

/// Decodes a value as a message.
pub(super) fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, StoreError> {
    M::decode(bytes).map_err(|_| StoreError::Damaged("a row cannot be read"))
}
