//! How processes share a replica: the storage engine allows one process at a time to open the file, so its holder
//! releases it between two transactions as soon as another process is waiting.
//!
//! Invariant: the file is released only while no transaction is running, and nothing read before is relied on after the
//! file is reopened: see [`super::part`].

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

/// How often the holder checks whether another process is waiting for the file.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How often a waiting process tries to open the file.
const TRY_EVERY: Duration = Duration::from_millis(5);

/// The file that the waiting process keeps locked; others queue for that lock.
pub(super) const TURN: &str = "replica.turn";
/// The file that changes with every commit of any process.
pub(super) const CHANGED: &str = "replica.changed";

/// One process's side of taking turns.
pub(super) struct Turns {
    turn: PathBuf,
    changed: PathBuf,
    wait: Duration,
    /// The content of `changed` when this process last looked.
    seen: Mutex<Vec<u8>>,
}

impl Turns {
    /// Takes turns with other processes at the replica in a folder, waiting for them for up to `wait`.
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

    /// Whether another process is waiting.
    pub(super) fn is_waited_for(&self) -> bool {
        match self.turn_file() {
            Ok(turn) => matches!(turn.try_lock_shared(), Err(fs::TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }

    /// Waits until the waiting process has the file.
    pub(super) fn let_pass(&self) {
        let deadline = Instant::now() + limits::PASS_WAIT_MAX;
        while self.is_waited_for() && Instant::now() < deadline {
            thread::sleep(TRY_EVERY);
        }
    }

    /// Notifies other processes of a change. A failing disk is ignored: they would see the change later.
    pub(super) fn note_change(&self) {
        let mark = getrandom::u64().unwrap_or_default().to_le_bytes().to_vec();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.overwrite(&mark));
        *seen = mark;
    }

    /// Whether another process changed something since this one last looked.
    fn is_changed(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // It is empty while it is being written.
        match fs::read(&self.changed) {
            Ok(found) if !found.is_empty() && found != *seen => {
                *seen = found;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Never truncates the file first: some file systems wait for the disk when a truncated file is closed.
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

/// Releases the file to others that are waiting, and picks up their changes, for as long as the replica exists.
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
    /// Has events that another process recorded sent, and publishes the head that it fetched.
    fn look_at_changes(&self) {
        if self.publish_head().is_ok() {
            self.outbox_moved.send_modify(|count| *count += 1);
        }
    }
}
