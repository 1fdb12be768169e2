//! A replica's status: what a person must know to trust it, in one value.

use super::{
    Inner,
    error::StoreError,
    reading::decode_frontier,
    stale::Standing,
    store::read_state,
    tables::{GAPS, NEWER},
};
use kith_core::{
    checkpoint::{SignedCheckpoint, VerifierKey},
    filter::Filter,
    position::Position,
    timestamp::Timestamp,
    tree::Hash,
};
use redb::ReadableTableMetadata;

/// The status of a replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The last position here.
    pub position: Position,
    /// Root of the tree up to that position.
    pub root: Hash,
    /// The server's head when it was last seen.
    pub server_head: Position,
    /// Which entries are here.
    pub filter: Filter,
    /// Whether some entries are here only as hashes.
    pub has_gaps: bool,
    /// Entries with facts that only a later version of this program knows: they are kept, but count in no view here.
    pub newer: u64,
    /// Events in the outbox.
    pub pending: u64,
    /// Events that the server refused.
    pub refused: u64,
    /// When the last successful sync ended.
    pub synced_at: Option<Timestamp>,
    /// Whether words are not shown because the last sync was longer ago than the network allows; the next one brings them
    /// back.
    pub hides_words: bool,
    /// When the last attempt since then failed, and why.
    pub failure: Option<(Timestamp, String)>,
    /// What verification found to be wrong, and the file with the evidence (empty if there is none).
    pub alarm: Option<(String, String)>,
    /// The checkpoint that vouched for what is here.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The log's key, as first seen or configured.
    pub key: Option<VerifierKey>,
}

impl Inner {
    pub(super) fn status(&self) -> Result<Status, StoreError> {
        let (pending, refused) = self.outbox_counts()?;
        let (state, gaps, newer) = self.store.read(|transaction| {
            let (gaps, newer) = (transaction.open_table(GAPS)?, transaction.open_table(NEWER)?);
            Ok((read_state(transaction)?, gaps.len()?, newer.len()?))
        })?;
        let frontier = decode_frontier(&state.frontier)?;
        let time = |millis: i64| (millis != 0).then(|| Timestamp::from_millis(millis));
        Ok(Status {
            position: Position::new(frontier.size()),
            root: frontier.root(),
            server_head: Position::new(state.server_head),
            filter: self.filter()?,
            has_gaps: gaps > 0,
            newer,
            pending,
            refused,
            synced_at: time(state.synced_at),
            hides_words: state.words_gone || state.standing(self.environment.now()) != Standing::Shown,
            failure: time(state.failed_at).map(|at| (at, state.failure)),
            alarm: (!state.alarm.is_empty()).then_some((state.alarm, state.evidence)),
            checkpoint: SignedCheckpoint::parse(&state.checkpoint).ok(),
            key: state.key.parse().ok(),
        })
    }
}
