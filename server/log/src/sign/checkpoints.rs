//! Signs checkpoints: after the commit, off the writer's thread, once a second or on request.
//!
//! Invariant: a checkpoint is published only once it is in the file of checkpoints, and it continues every earlier one
//! in that file. So every later start can compare the log with what was published.

use crate::{
    error::{KeptFileError, OpenError, ReadError},
    sign::{
        checkpoint_file::{CheckpointFile, SignedByOrigin},
        judge::{Judgement, Rollback, judge_all, judge_log},
    },
    state::{health::Health, live::Live, snapshot::Snapshot},
};
use kith_core::{
    checkpoint::{Checkpoint, LogOrigin, SignedCheckpoint, SigningKey, VerifierKey},
    timestamp::Timestamp,
};
use redb::Database;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::watch;

/// A log's newest checkpoint, for waiting for the next one.
pub(crate) type Newest = watch::Receiver<Option<Arc<SignedCheckpoint>>>;

/// Why a log could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The log is not the one that was signed before.
    #[error("the log is not the one that was signed before")]
    RolledBack,
    /// The file of checkpoints failed, and a checkpoint is published only once it is in that file.
    #[error(transparent)]
    File(#[from] KeptFileError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The server's key and the newest checkpoints.
pub(crate) struct Checkpoints {
    key: SigningKey,
    /// `None` for a log on the caller's storage.
    file: Option<CheckpointFile>,
    newest: Mutex<HashMap<LogOrigin, Published>>,
    /// Held while checkpoints are signed: one at a time.
    signing: Mutex<()>,
    rollback: OnceLock<Rollback>,
}

/// What was published of a log.
#[derive(Default)]
struct Published {
    newest: watch::Sender<Option<Arc<SignedCheckpoint>>>,
    /// When the newest was signed; `None` if an earlier start did.
    signed_at: Option<Timestamp>,
}

/// How far a log is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// The size of the newest checkpoint.
    pub size: u64,
    /// When it was signed; `None` if that was before the log was opened.
    pub at: Option<Timestamp>,
}

impl Checkpoints {
    pub(crate) fn new(key: SigningKey, file: Option<CheckpointFile>) -> Self {
        Self { key, file, newest: Mutex::default(), signing: Mutex::default(), rollback: OnceLock::new() }
    }

    /// Compares the logs of a database with their signed checkpoints.
    pub(crate) fn judge(&self, database: &Database) -> Result<Health, OpenError> {
        let Some(file) = &self.file else { return Ok(Health::Serving) };
        let signed = file.read()?;
        if let Some(rollback) = Rollback::of(judge_all(database, &self.key, &signed)?) {
            // Only this start and the signer set it, and the signer does not run yet.
            drop(self.rollback.set(rollback));
            return Ok(Health::RolledBack);
        }
        for (origin, checkpoint) in signed {
            self.publish(&origin, checkpoint, None);
        }
        Ok(Health::Serving)
    }

    /// The evidence against the logs, if there is any.
    pub(crate) fn rollback(&self) -> Option<&Rollback> {
        self.rollback.get()
    }

    /// The public key of a log.
    pub(crate) fn verifier(&self, origin: &LogOrigin) -> VerifierKey {
        self.key.verifier(origin)
    }

    /// The key that signs for all logs of the server.
    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// A log's newest checkpoint, and later ones.
    pub(crate) fn watch(&self, origin: &LogOrigin) -> Newest {
        lock(&self.newest).entry(origin.clone()).or_default().newest.subscribe()
    }

    /// How far a log is signed; `None` if it was never signed.
    pub(crate) fn signed(&self, origin: &LogOrigin) -> Option<Signed> {
        let newest = lock(&self.newest);
        let published = newest.get(origin)?;
        let size = published.newest.borrow().as_ref()?.unverified().size;
        Some(Signed { size, at: published.signed_at })
    }

    /// A checkpoint of all that readers see of a log; signs a new one if the newest is older.
    pub(crate) fn sign(
        &self,
        database: &Database,
        health: &watch::Sender<Health>,
        live: &Arc<Live>,
        now: Timestamp,
    ) -> Result<Arc<SignedCheckpoint>, CheckpointError> {
        self.sign_all(database, health, std::slice::from_ref(live), now)?;
        let newest = self.newest(&origin(live));
        Ok(newest.expect("it was just signed"))
    }

    /// Signs the heads of the logs that have grown.
    pub(crate) fn sign_all(
        &self,
        database: &Database,
        health: &watch::Sender<Health>,
        logs: &[Arc<Live>],
        now: Timestamp,
    ) -> Result<(), CheckpointError> {
        let _one_at_a_time = lock(&self.signing);
        if self.rollback.get().is_some() {
            return Err(CheckpointError::RolledBack);
        }
        let moved: Vec<_> = logs.iter().filter(|live| self.has_moved(live)).collect();
        if moved.is_empty() {
            return Ok(());
        }
        let sign = |there: &mut SignedByOrigin| {
            self.put_back(there);
            let mut signed = Vec::with_capacity(moved.len());
            for live in moved {
                signed.push(self.sign_over(database, health, live, there)?);
            }
            Ok::<_, CheckpointError>(signed)
        };
        let signed = match &self.file {
            Some(file) => file.swap(sign),
            None => sign(&mut SignedByOrigin::new()),
        };
        for checkpoint in signed? {
            self.publish(&checkpoint.unverified().origin.clone(), checkpoint, Some(now));
        }
        Ok(())
    }

    /// Restores checkpoints that were removed from the file.
    fn put_back(&self, there: &mut SignedByOrigin) {
        for (origin, published) in &*lock(&self.newest) {
            if let Some(newest) = &*published.newest.borrow() {
                there.entry(origin.clone()).or_insert_with(|| SignedCheckpoint::clone(newest));
            }
        }
    }

    fn has_moved(&self, live: &Live) -> bool {
        let newest = self.newest(&origin(live));
        newest.is_none_or(|newest| newest.unverified().size != live.head().position.get())
    }

    /// Signs the head of a log, replacing its checkpoint in the file. If another process wrote that one, because two
    /// servers run on copies of one log, the log must contain what it covers.
    fn sign_over(
        &self,
        database: &Database,
        health: &watch::Sender<Health>,
        live: &Live,
        there: &mut SignedByOrigin,
    ) -> Result<SignedCheckpoint, CheckpointError> {
        let (origin, head) = (origin(live), live.head());
        if let Some(found) = there.get(&origin)
            && self.newest(&origin).is_none_or(|newest| *newest != *found)
        {
            let verdict = judge_log(&Snapshot::begin(database, live)?, &self.key, found)?;
            self.stop_unless_sound(health, Judgement { origin: origin.clone(), verdict })?;
        }
        let checkpoint = Checkpoint { origin: origin.clone(), size: head.position.get(), root: head.root };
        let signed = SignedCheckpoint::sign(checkpoint, &self.key);
        there.insert(origin, signed.clone());
        Ok(signed)
    }

    fn stop_unless_sound(&self, health: &watch::Sender<Health>, judgement: Judgement) -> Result<(), CheckpointError> {
        let Some(rollback) = Rollback::of(vec![judgement]) else { return Ok(()) };
        tracing::error!(reason = %rollback, "the log is not the one that was signed, it accepts no more events");
        // A rollback that is already set says the same.
        drop(self.rollback.set(rollback));
        health.send_if_modified(|health| {
            let served = *health == Health::Serving;
            if served {
                *health = Health::RolledBack;
            }
            served
        });
        Err(CheckpointError::RolledBack)
    }

    fn newest(&self, origin: &LogOrigin) -> Option<Arc<SignedCheckpoint>> {
        lock(&self.newest).get(origin).and_then(|published| published.newest.borrow().clone())
    }

    fn publish(&self, origin: &LogOrigin, checkpoint: SignedCheckpoint, signed_at: Option<Timestamp>) {
        let mut newest = lock(&self.newest);
        let published = newest.entry(origin.clone()).or_default();
        published.signed_at = signed_at;
        published.newest.send_replace(Some(Arc::new(checkpoint)));
    }
}

/// The name of a network's log in its checkpoints.
pub(crate) fn origin(live: &Live) -> LogOrigin {
    LogOrigin::of(&live.name, &live.incarnation)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
