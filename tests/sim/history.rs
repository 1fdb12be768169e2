//! What was recorded, answered and held, by whom and when: everything that the rules at the end speak of.

use bytes::Bytes;
use kith_core::{checkpoint::LogOrigin, id::EventId, position::Position, tree::Hash};
use std::collections::{BTreeMap, BTreeSet};

/// How long after a restore answers of the server before it may still arrive.
const LATE_MS: u64 = 20_000;

/// The history of a simulation.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The logs of the server, one after the other: a restored backup begins another one.
    pub(crate) logs: Vec<ServerLog>,
    pub(crate) told: BTreeMap<EventId, Told>,
    pub(crate) answers: Vec<Answer>,
    /// Events that an impostor said it has.
    pub(crate) misled: BTreeSet<EventId>,
    pub(crate) claims: Vec<Claim>,
    /// What was found wrong on the way.
    pub(crate) problems: Vec<String>,
}

/// A log of the server, as readers on the server saw it grow.
#[derive(Debug)]
pub(crate) struct ServerLog {
    pub(crate) origin: LogOrigin,
    /// Its public key, as text.
    pub(crate) key: String,
    pub(crate) entries: Vec<Bytes>,
    pub(crate) began_ms: u64,
}

/// An event that a device recorded, or tried to.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) device: usize,
    pub(crate) bytes: Bytes,
    /// Whether the device said that it is recorded.
    pub(crate) kept: bool,
    /// Which log it was then, and the last position that anybody had heard of.
    pub(crate) log: usize,
    pub(crate) after: u64,
}

/// That the server has an event.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) id: EventId,
    pub(crate) position: Position,
    pub(crate) log: usize,
    /// Whether it may be of the log before.
    pub(crate) late: bool,
}

/// What a replica held after a sync.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) device: usize,
    pub(crate) at_ms: u64,
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// Positions of the entries that are held, not by their hashes only.
    pub(crate) positions: Vec<u64>,
}

impl History {
    /// A device is about to record.
    pub(crate) fn tells(&mut self, device: usize, id: EventId, bytes: Bytes) {
        let log = self.logs.len().saturating_sub(1);
        let after = self.answers.iter().filter(|answer| answer.log == log && !answer.late);
        let after = after.map(|answer| answer.position.get()).max().unwrap_or(0);
        self.told.insert(id, Told { device, bytes, kept: false, log, after });
    }

    /// It is recorded.
    pub(crate) fn kept(&mut self, id: &EventId) {
        if let Some(told) = self.told.get_mut(id) {
            told.kept = true;
        }
    }

    /// A device heard that the server has an event.
    pub(crate) fn answered(&mut self, id: EventId, position: Position, now_ms: u64) {
        let log = self.logs.len().saturating_sub(1);
        let late = log > 0 && self.logs[log].began_ms + LATE_MS > now_ms;
        self.answers.push(Answer { id, position, log, late });
    }

    /// The server begins, or goes on with, a log.
    pub(crate) fn serves(&mut self, origin: &LogOrigin, key: &str, now_ms: u64) {
        if self.logs.last().is_none_or(|log| log.origin != *origin) {
            let (origin, key) = (origin.clone(), key.to_owned());
            self.logs.push(ServerLog { origin, key, entries: Vec::new(), began_ms: now_ms });
        }
    }

    /// Readers on the server see these entries after a position; gives what contradicts what they saw before.
    pub(crate) fn sees(&mut self, after: usize, entries: Vec<Bytes>) -> Option<String> {
        let log = self.logs.last_mut()?;
        for (place, entry) in (after..).zip(entries) {
            match log.entries.get(place) {
                None if place == log.entries.len() => log.entries.push(entry),
                None => return Some(format!("position {} came before {}", place + 1, log.entries.len() + 1)),
                Some(known) if *known == entry => {}
                Some(_) => return Some(format!("the entry at {} is another one than before", place + 1)),
            }
        }
        None
    }

    /// Entries that readers on the server have seen.
    pub(crate) fn seen_count(&self) -> usize {
        self.logs.last().map_or(0, |log| log.entries.len())
    }
}
