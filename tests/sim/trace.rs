//! What happened, in order: every message and every outcome, as one hash. The same seed gives the same trace.

use sha2::{Digest, Sha256};
use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The order of events of one simulation.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: Mutex<Sha256>,
    /// Simulated milliseconds since the start.
    now_ms: AtomicU64,
    shown: Shown,
}

/// What of a trace is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    /// Outcomes.
    Lines,
    /// Outcomes and the length of each message.
    Everything,
}

impl Trace {
    pub(crate) fn new(shown: Shown) -> Self {
        Self { hash: Mutex::default(), now_ms: AtomicU64::new(0), shown }
    }

    /// Simulated milliseconds since the start.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn set_now_ms(&self, now: u64) {
        self.now_ms.store(now, Ordering::Relaxed);
    }

    /// Something came out.
    pub(crate) fn line(&self, what: fmt::Arguments<'_>) {
        let line = format!("{:>6} {what}", self.now_ms());
        self.add(line.as_bytes());
        match self.shown {
            Shown::Nothing => {}
            Shown::Lines | Shown::Everything => eprintln!("{line}"),
        }
    }

    /// Bytes went over a connection.
    pub(crate) fn bytes(&self, connection: &str, direction: &str, bytes: &[u8]) {
        let heading = format!("{:>6} {connection} {direction} {}", self.now_ms(), bytes.len());
        self.add(heading.as_bytes());
        self.add(bytes);
        match self.shown {
            Shown::Nothing | Shown::Lines => {}
            Shown::Everything => eprintln!("{heading} {}", &hex::encode(Sha256::digest(bytes))[..8]),
        }
    }

    fn add(&self, bytes: &[u8]) {
        let mut hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }

    /// Stands for everything so far.
    pub(crate) fn digest(&self) -> String {
        let hash = self.hash.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hex::encode(&hash.finalize()[..16])
    }
}
