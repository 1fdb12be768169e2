//! Every table of `replica.redb`: key, value, lifetime. A replica belongs to one network; in tables shared with the
//! server's log, its ordinal is [`NETWORK`].

use redb::TableDefinition;

/// The one network's ordinal.
pub(super) const NETWORK: u32 = 1;

/// `"format"` → the version of this file; `"state"` → [`super::rows::State`]. Rewritten by every commit.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Entries in blocks, as in the server's log; a gap starts a new block.
pub(super) use kith_blocks::ENTRIES;

/// Event id → position, for every entry held.
pub(super) const IDS: TableDefinition<u128, u64> = TableDefinition::new("ids");

/// Position → nothing: entries that pass every filter; the directory is built from them.
pub(super) const COMMON: TableDefinition<u64, ()> = TableDefinition::new("common");

/// Position → nothing: entries with facts that only a later version knows.
pub(super) const NEWER: TableDefinition<u64, ()> = TableDefinition::new("newer");

/// Position → the details of an entry, sealed, as in the server's log. Until erasure.
pub(super) const DETAILS: TableDefinition<u64, &[u8]> = TableDefinition::new("details");

/// Index of the first leaf → (level, hash): complete subtrees in place of entries that are not here.
pub(super) const GAPS: TableDefinition<u64, (u8, [u8; 32])> = TableDefinition::new("gaps");

/// Number, in the order of recording → [`super::rows::Pending`]: events that are not in the log yet.
pub(super) const OUTBOX: TableDefinition<u64, &[u8]> = TableDefinition::new("outbox");

/// Number → [`super::rows::Refused`]: events that the server refused. Until they are dropped.
pub(super) const REFUSED: TableDefinition<u64, &[u8]> = TableDefinition::new("refused");

/// Number → [`super::rows::OwnEvent`]: what this device recorded and the log holds, to be sent again if the log loses it.
pub(super) const SETTLED: TableDefinition<u64, &[u8]> = TableDefinition::new("settled");

/// Event id → number, for everything that this device recorded.
pub(super) const NUMBERS: TableDefinition<u128, u64> = TableDefinition::new("numbers");
