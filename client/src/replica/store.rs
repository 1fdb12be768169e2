//! The one file of a replica: transactions, and recovery after the disk failed.
//!
//! Invariant: when a transaction returns, either all of it is on disk or none of it. Nothing is cached outside the file
//! that the file could contradict.

use super::{
    error::StoreError,
    keyring::{Keyring, KeysOpener},
    rows::{FORMAT, State},
    tables::{COMMON, DETAILS, ENTRIES, GAPS, IDS, META, NEWER, NUMBERS, OUTBOX, REFUSED, SETTLED},
    turns::Turns,
    words::Words,
};
use kith_words::Incarnation;
use prost::Message;
use redb::{Database, DatabaseError, Durability, ReadTransaction, ReadableDatabase, ReadableTable, WriteTransaction};
use std::{
    ops::Deref,
    sync::{
        PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
};

/// Opens the file, initially and after a failure.
pub(super) type Opener = Box<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// The file, with the keys of the words in it.
pub(super) struct Store {
    opened: RwLock<Option<Opened>>,
    opener: Opener,
    keys_opener: KeysOpener,
    failed: AtomicBool,
    /// How it is shared with other processes; `None` for storage that no other process can open.
    turns: Option<Turns>,
}

/// What is open while this process has its turn.
struct Opened {
    /// Closed first: whoever has the database expects the keys to be free.
    ring: Keyring,
    database: Database,
}

/// One state of the file.
pub(super) struct Reading<'a> {
    transaction: ReadTransaction,
    ring: &'a Keyring,
}

/// A change of the file.
pub(super) struct Writing<'a> {
    transaction: WriteTransaction,
    ring: &'a Keyring,
}

impl<'a> Reading<'a> {
    /// The words in this state.
    pub(super) fn words(&self) -> Result<Words<'a>, StoreError> {
        Ok(Words { ring: self.ring, sealing: read_state(self)?.sealing()? })
    }
}

impl<'a> Writing<'a> {
    /// The words in this change.
    pub(super) fn words(&self) -> Result<Words<'a>, StoreError> {
        Ok(Words { ring: self.ring, sealing: decode_state(&self.open_table(META)?)?.sealing()? })
    }
}

impl Deref for Reading<'_> {
    type Target = ReadTransaction;

    fn deref(&self) -> &ReadTransaction {
        &self.transaction
    }
}

impl Deref for Writing<'_> {
    type Target = WriteTransaction;

    fn deref(&self) -> &WriteTransaction {
        &self.transaction
    }
}

impl State {
    fn sealing(&self) -> Result<Incarnation, StoreError> {
        self.sealing.as_slice().try_into().map_err(|_| StoreError::Damaged("its words are under no sealing"))
    }
}

impl Store {
    /// Opens the file; the keys are opened once they are needed.
    pub(super) fn open(opener: Opener, keys_opener: KeysOpener, turns: Option<Turns>) -> Result<Self, DatabaseError> {
        let now = Some(take(&opener, &keys_opener, turns.as_ref())?);
        Ok(Self { opened: RwLock::new(now), opener, keys_opener, failed: AtomicBool::new(false), turns })
    }

    /// Ends the keys of every sealing but the one that is committed.
    pub(super) fn end_old_sealings(&self) -> Result<(), StoreError> {
        // Nobody may be reading with them.
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // If another process has the file now, or the disk failed, they end when the keys are opened next.
        let Some(opened) = opened.as_mut() else { return Ok(()) };
        opened.ring.close();
        let begin = || -> Result<(), StoreError> {
            let sealing = read_state(&opened.database.begin_read()?)?.sealing()?;
            opened.ring.keys(sealing).map(drop)
        };
        self.note(begin())
    }

    /// How it is shared with other processes.
    pub(super) fn turns(&self) -> Option<&Turns> {
        self.turns.as_ref()
    }

    /// Releases the file to another process that is waiting. The next transaction here reopens it.
    pub(super) fn give_way(&self) {
        let Some(turns) = self.turns.as_ref().filter(|turns| turns.is_waited_for()) else { return };
        // Does not wait for a running transaction: it may start another one, and the next check comes soon.
        let Ok(mut opened) = self.opened.try_write() else { return };
        if opened.take().is_some() {
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
    pub(super) fn read<T>(&self, read: impl FnOnce(&Reading<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let guard = self.opened()?;
        let opened = guard.as_ref().ok_or_else(closed)?;
        let reading = |transaction| read(&Reading { transaction, ring: &opened.ring });
        self.note(opened.database.begin_read().map_err(StoreError::from).and_then(reading))
    }

    /// Reads the state stored in the file.
    pub(super) fn state(&self) -> Result<State, StoreError> {
        self.read(|transaction| read_state(transaction))
    }

    /// Writes all or nothing.
    pub(super) fn write<T>(&self, write: impl FnOnce(&Writing<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let guard = self.opened()?;
        let opened = guard.as_ref().ok_or_else(closed)?;
        let done = self.note(write_once(opened, write));
        if let Some(turns) = &self.turns {
            turns.note_change();
        }
        done
    }

    /// The file, reopened if the disk failed or another process had it: the storage engine gives up after a failure, a
    /// replica does not.
    fn opened(&self) -> Result<RwLockReadGuard<'_, Option<Opened>>, StoreError> {
        loop {
            let guard = self.opened.read().unwrap_or_else(PoisonError::into_inner);
            if guard.is_some() && !self.failed.load(Ordering::Acquire) {
                return Ok(guard);
            }
            drop(guard);
            let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have done it in the meantime.
            if opened.is_none() || self.failed.load(Ordering::Acquire) {
                drop(opened.take());
                *opened = Some(take(&self.opener, &self.keys_opener, self.turns.as_ref())?);
                self.failed.store(false, Ordering::Release);
            }
        }
    }

    fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match &result {
            Err(StoreError::Full | StoreError::Storage(_)) => self.failed.store(true, Ordering::Release),
            Ok(_) | Err(StoreError::Damaged(_) | StoreError::Keys(_) | StoreError::InUse | StoreError::Moved) => {}
        }
        result
    }
}

fn take(opener: &Opener, keys: &KeysOpener, turns: Option<&Turns>) -> Result<Opened, DatabaseError> {
    let database = match turns {
        Some(turns) => turns.open(opener)?,
        None => opener()?,
    };
    Ok(Opened { ring: Keyring::new(keys.clone()), database })
}

fn closed() -> StoreError {
    StoreError::Storage("it could not be opened again after the disk failed".to_owned())
}

fn write_once<T>(opened: &Opened, write: impl FnOnce(&Writing<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
    let mut transaction = opened.database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    let writing = Writing { transaction, ring: &opened.ring };
    let done = write(&writing)?;
    writing.transaction.commit()?;
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
