//! Every table of `replica.redb`: key, value, lifetime. A replica is of one network; where a table is shared with the
//! server's log its ordinal is [`NETWORK`].

use redb::TableDefinition;

/// The one network's ordinal.
pub(super) const NETWORK: u32 = 1;

/// `"format"` → the version of this file; `"state"` → [`super::rows::State`]. Rewritten by every commit.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// Entries in blocks, as the server's log holds them; a gap begins a new block.
pub(super) use kith_blocks::ENTRIES;

/// Event id → position, for every entry held.
pub(super) const IDS: TableDefinition<u128, u64> = TableDefinition::new("ids");

/// Position → nothing: entries that pass every filter; the directory is built from them when the replica is opened.
pub(super) const COMMON: TableDefinition<u64, ()> = TableDefinition::new("common");

/// Position → nothing: entries whose fact a later version recorded.
pub(super) const NEWER: TableDefinition<u64, ()> = TableDefinition::new("newer");

/// Position → `kith.v1.EntryDetails`: the words of an entry. Until erasure.
pub(super) const DETAILS: TableDefinition<u64, &[u8]> = TableDefinition::new("details");

/// Index of the first leaf → (level, hash): complete subtrees in place of entries that are not held.
pub(super) const GAPS: TableDefinition<u64, (u8, [u8; 32])> = TableDefinition::new("gaps");

/// Number, in the order of recording → [`super::rows::Pending`]: events on their way into the log.
pub(super) const OUTBOX: TableDefinition<u64, &[u8]> = TableDefinition::new("outbox");

/// Number → [`super::rows::Refused`]: events that the server refused. Until somebody drops them.
pub(super) const REFUSED: TableDefinition<u64, &[u8]> = TableDefinition::new("refused");

/// Number → `kith.v1.NewEvent`: what this device recorded and the log holds, to be sent again should the log lose it.
pub(super) const SETTLED: TableDefinition<u64, &[u8]> = TableDefinition::new("settled");

/// Event id → number, for everything that this device recorded.
pub(super) const NUMBERS: TableDefinition<u128, u64> = TableDefinition::new("numbers");
