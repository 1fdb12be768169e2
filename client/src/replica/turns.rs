//! How processes share a replica: the storage engine lets one at a time have the file, so whoever has it lets go of it
//! between two transactions as soon as another one waits.
//!
//! Invariant: the file is only let go of where no transaction runs, and nothing that was read before is believed after
//! it was taken back: see [`super::part`].

use super::{Inner, limits};
use redb::{Database, DatabaseError};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

/// How often whoever has the file looks whether another process waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How often whoever waits for the file tries to take it.
const TRY_EVERY: Duration = Duration::from_millis(5);

/// The file that whoever waits holds a lock on: the others queue for that lock.
pub(super) const TURN: &str = "replica.turn";
/// The file that changes with every commit of any process.
pub(super) const CHANGED: &str = "replica.changed";

/// One process's part in the turns.
pub(super) struct Turns {
    turn: PathBuf,
    changed: PathBuf,
    wait: Duration,
    /// What `changed` said when this process last looked.
    seen: Mutex<Vec<u8>>,
}

impl Turns {
    /// Turns at the replica in a folder; others are waited for so long.
    pub(super) fn new(folder: &Path, wait: Duration) -> Self {
        let changed = folder.join(CHANGED);
        let seen = Mutex::new(fs::read(&changed).unwrap_or_default());
        Self { turn: folder.join(TURN), changed, wait, seen }
    }

    /// Opens the file when its turn comes.
    pub(super) fn open(&self, opener: &super::store::Opener) -> Result<Database, DatabaseError> {
        let done = opener();
        if !matches!(done, Err(DatabaseError::DatabaseAlreadyOpen)) {
            return done;
        }
        let deadline = Instant::now() + self.wait;
        let turn = self.turn_file()?;
        let mut is_next = false;
        loop {
            is_next = is_next || turn.try_lock().is_ok();
            if is_next {
                match opener() {
                    Err(DatabaseError::DatabaseAlreadyOpen) => {}
                    done => return done,
                }
            }
            if Instant::now() >= deadline {
                return Err(DatabaseError::DatabaseAlreadyOpen);
            }
            thread::sleep(TRY_EVERY);
        }
    }

    /// Whether another process waits.
    pub(super) fn is_waited_for(&self) -> bool {
        match self.turn_file() {
            Ok(turn) => matches!(turn.try_lock_shared(), Err(fs::TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }

    /// Leaves the file alone until whoever waits has it.
    pub(super) fn let_pass(&self) {
        let deadline = Instant::now() + limits::PASS_WAIT_MAX;
        while self.is_waited_for() && Instant::now() < deadline {
            thread::sleep(TRY_EVERY);
        }
    }

    /// Tells other processes that something changed, as far as the disk lets it: they would see it later.
    pub(super) fn note_change(&self) {
        let mark = getrandom::u64().unwrap_or_default().to_le_bytes().to_vec();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.overwrite(&mark));
        *seen = mark;
    }

    /// Whether another process changed something since this one last looked.
    fn is_changed(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // While it is being written it says nothing.
        match fs::read(&self.changed) {
            Ok(found) if !found.is_empty() && found != *seen => {
                *seen = found;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Never cuts the file first: some file systems wait for the disk when a file that was cut is closed.
    fn overwrite(&self, mark: &[u8]) -> io::Result<()> {
        writable(&self.changed)?.write_all(mark)
    }

    fn turn_file(&self) -> io::Result<File> {
        writable(&self.turn)
    }
}

fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

/// Lets others have the file when they wait for it, and looks at what they changed, for as long as the replica is there.
pub(super) fn keep(inner: Weak<Inner>) -> io::Result<()> {
    let turns = move || {
        loop {
            thread::sleep(LOOK_EVERY);
            let Some(inner) = inner.upgrade() else { return };
            inner.store.give_way();
            if inner.store.turns().is_some_and(Turns::is_changed) {
                inner.look_at_changes();
            }
        }
    };
    thread::Builder::new().name("replica-turns".to_owned()).spawn(turns).map(drop)
}

impl Inner {
    /// What another process recorded is sent, and what it fetched is told to whoever follows.
    fn look_at_changes(&self) {
        if self.publish_head().is_ok() {
            self.outbox_moved.send_modify(|count| *count += 1);
        }
    }
}
