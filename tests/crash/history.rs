//! What must be in the log, and whether it is.
//!
//! Invariant: entries once seen are only added to; every check reads all of the log anew.

use crate::load::Sent;
use bytes::Bytes;
use kith_core::{
    event::{Fact, Habit},
    id::EventId,
    tree::{Frontier, leaf_hash},
};
use kith_tests::raw::{Raw, decode};
use std::collections::HashMap;

/// Everything appended so far, and every entry that was seen.
#[derive(Default)]
pub(crate) struct History {
    sent: Vec<Sent>,
    entries: Vec<Bytes>,
    positions: HashMap<Bytes, u64>,
    referrals: Vec<EventId>,
}

impl History {
    /// Adds what clients sent to a server that was killed.
    pub(crate) fn expect(&mut self, sent: Vec<Sent>) {
        self.sent.extend(sent);
    }

    /// Number of events appended.
    pub(crate) fn appended_count(&self) -> usize {
        self.sent.iter().map(|sent| sent.events.len()).sum()
    }

    /// Number of events acknowledged.
    pub(crate) fn acked_count(&self) -> usize {
        self.sent.iter().map(|sent| sent.answers.len()).sum()
    }

    /// The last position seen.
    pub(crate) fn head(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Referrals in the log.
    pub(crate) fn referrals(&self) -> &[EventId] {
        &self.referrals
    }

    /// Reads the whole log and checks it against all that was sent; sends again what nobody answered for.
    pub(crate) async fn check(&mut self, raw: &Raw) {
        self.read(raw).await;
        self.check_acknowledged();
        self.check_together();
        self.send_again(raw).await;
        self.read(raw).await;
        self.check_root(raw).await;
    }

    async fn read(&mut self, raw: &Raw) {
        let entries = raw.read_all().await.expect("the log can be read");
        assert!(entries.len() >= self.entries.len(), "entries that were read are gone");
        assert!(entries[..self.entries.len()] == self.entries, "entries that were read have changed");
        let known = self.entries.len();
        for (bytes, position) in entries[known..].iter().zip(self.head() + 1..) {
            let entry = decode(bytes);
            assert_eq!(entry.position.get(), position, "positions have no gap");
            let event = entry.event().expect("stored events are well formed");
            if matches!(event.fact, Fact::Habit(Habit::Referred(_))) {
                self.referrals.push(event.id);
            }
            let before = self.positions.insert(entry.event_bytes, position);
            assert_eq!(before, None, "{} is recorded twice", event.id);
        }
        self.entries = entries;
    }

    /// Whoever was told a position finds exactly those bytes there.
    fn check_acknowledged(&self) {
        for sent in &self.sent {
            for (event, answer) in sent.events.iter().zip(&sent.answers) {
                assert_eq!(self.positions.get(&event.event), Some(&answer.position), "an acknowledged event is lost");
            }
        }
    }

    /// An append without an answer is there as a whole, side by side, or not at all.
    fn check_together(&self) {
        for sent in self.sent.iter().filter(|sent| sent.together && sent.answers.is_empty()) {
            let found: Vec<_> = sent.events.iter().map(|event| self.positions.get(&event.event)).collect();
            let whole = found[0].map_or_else(
                || found.iter().all(Option::is_none),
                |first| found.iter().zip(*first..).all(|(found, expected)| *found == Some(&expected)),
            );
            assert!(whole, "half an append is in the log: {found:?}");
        }
    }

    /// Sends again what was not answered: what is in the log is a duplicate, what is not is accepted.
    async fn send_again(&mut self, raw: &Raw) {
        for sent in self.sent.iter_mut().filter(|sent| sent.answers.is_empty()) {
            let answers = raw.append(sent.events.clone()).await.expect("sending again is safe");
            for (event, answer) in sent.events.iter().zip(&answers) {
                let recorded = self.positions.get(&event.event);
                assert_eq!(answer.duplicate, recorded.is_some(), "a duplicate is what was there");
                assert!(recorded.is_none_or(|position| *position == answer.position), "a duplicate keeps its position");
            }
            sent.answers = answers;
        }
    }

    /// The root that the server tells is that of the entries it gives.
    async fn check_root(&self, raw: &Raw) {
        let mut tree = Frontier::new();
        for bytes in &self.entries {
            tree.push(leaf_hash(bytes));
        }
        let head = raw.head().await.expect("the head can be read");
        assert_eq!((head.position, &head.root[..]), (self.head(), &tree.root().as_bytes()[..]), "head and root");
    }
}
