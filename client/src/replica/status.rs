//! How a replica is: what a person must know to trust it, in one value.

use super::{
    Inner,
    error::StoreError,
    reading::decode_frontier,
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

/// How a replica is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The last position here.
    pub position: Position,
    /// Root of the tree up to there.
    pub root: Hash,
    /// The server's head when it was last seen.
    pub server_head: Position,
    /// Which entries are here.
    pub filter: Filter,
    /// Whether some entries are here by their hashes only.
    pub has_gaps: bool,
    /// Entries whose facts a later version of this program recorded: they are kept, and count in no view here.
    pub newer: u64,
    /// Events on their way.
    pub pending: u64,
    /// Events that the server refused.
    pub refused: u64,
    /// When the last sync ended well.
    pub synced_at: Option<Timestamp>,
    /// Why the last attempt failed since, and when.
    pub failure: Option<(Timestamp, String)>,
    /// What verification found wrong, and the file with the evidence (empty if there is none).
    pub alarm: Option<(String, String)>,
    /// The checkpoint that vouched for what is here.
    pub checkpoint: Option<SignedCheckpoint>,
    /// The log's key, as it was first seen or given.
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
            failure: time(state.failed_at).map(|at| (at, state.failure)),
            alarm: (!state.alarm.is_empty()).then_some((state.alarm, state.evidence)),
            checkpoint: SignedCheckpoint::parse(&state.checkpoint).ok(),
            key: state.key.parse().ok(),
        })
    }
}
