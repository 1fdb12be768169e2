//! Every table of `log.redb`: key, value, lifetime. Integers of keys sort as numbers.
//!
//! `n` is a network's ordinal: its place in the order of creation, from 1. Rows of one entry are written in the same
//! transaction as the entry. Rows are never rewritten unless stated. Values that are byte strings are packed by
//! [`crate::rows::row`].

use crate::rows::column::Column;
use redb::{Key, TableDefinition};

/// `"format_version"`, `"entry_version"` → the versions of [`crate::rows::version`]. Written once, when the file is
/// created.
pub(crate) const META: TableDefinition<&str, u32> = TableDefinition::new("meta");

/// Network's name → [`crate::rows::row::NetworkRow`]: ordinal, time of creation, incarnation. One row per network, kept
/// forever; rewritten when an operator accepts that a log was rolled back.
pub(crate) const NETWORKS: TableDefinition<&str, &[u8]> = TableDefinition::new("networks");

/// n → [`crate::rows::row::HeadRow`]: last position, when it was recorded, frontier of the hash tree. Rewritten by
/// every commit that adds entries; missing until the first such commit.
pub(crate) const HEADS: TableDefinition<u32, &[u8]> = TableDefinition::new("heads");

/// (n, position of its first entry) → [`kith_blocks`]: entries one after the other. The last row is rewritten until
/// it is full.
pub(crate) use kith_blocks::ENTRIES;

/// (n, first event id) → [`crate::rows::ids`]: ids and positions of entries of complete chunks. Further ids are added
/// to a row until it is full.
pub(crate) const IDS: TableDefinition<(u32, u128), &[u8]> = TableDefinition::new("ids");

/// (n, chunk, first handle) → [`crate::rows::chunk`]: for each person the places in a complete chunk of the entries in
/// which the person takes part, or that name such an entry. Kept forever.
pub(crate) const PEOPLE: TableDefinition<(u32, u32, u32), &[u8]> = TableDefinition::new("people");

/// Positions in one chunk of the index.
pub(crate) const CHUNK_POSITIONS: u64 = 1 << 12;

/// The chunk that a position lies in.
pub(crate) fn chunk_of(position: u64) -> u32 {
    u32::try_from(position / CHUNK_POSITIONS).expect("a log has fewer than 2^44 entries")
}

/// (n, position) → nothing: directory and administration entries, and retractions of merges. These pass every filter,
/// and the directory is built from them at the start. Kept forever.
pub(crate) const COMMON: TableDefinition<(u32, u64), ()> = TableDefinition::new("common");

/// (n, position) → organisation: entries of scope organisation, with the one that may see them. A read without a filter
/// opens no others, and no read opens those of other organisations. Kept forever.
pub(crate) const RESTRICTED: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("restricted");

/// (n, position of the entry withdrawn) → position of its first retraction. Kept forever.
pub(crate) const RETRACTIONS: TableDefinition<(u32, u64), u64> = TableDefinition::new("retractions");

/// (n, handle) → position of the newest entry that adds or changes this person and has a NAME detail. Rewritten by the
/// next such entry, removed when the person is erased.
pub(crate) const NAMES: TableDefinition<(u32, u32), u64> = TableDefinition::new("names");

/// (n, position) → [`kith_words::Stored`] details in the order of the event's commitments. Rewritten when one is erased:
/// its kind and the position of the entry that erased it stay.
pub(crate) const DETAILS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("details");

/// (n, token id) → [`crate::rows::row::TokenRow`]. Rewritten once, by its revocation.
pub(crate) const TOKENS: TableDefinition<(u32, &str), &[u8]> = TableDefinition::new("tokens");

/// Token id → [`crate::rows::row::TokenRow`]: tokens for the whole server, of no network. Rewritten when stored again.
pub(crate) const SERVER_TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("server_tokens");

/// (SHA-256 of a component, number of a piece) → the piece, see [`crate::rows::components`]. Kept until no plugin names
/// it.
pub(crate) const COMPONENTS: TableDefinition<([u8; 32], u32), &[u8]> = TableDefinition::new("components");

/// (n, row) → up to 120 hashes of leaves, 32 bytes each. The last row is rewritten until it is full.
pub(crate) use crate::rows::tree_rows::LEAVES;

/// (n, number) → root of the complete subtree of 256 leaves. Kept forever.
pub(crate) use crate::rows::tree_rows::SUBTREES;

/// An operation on every table.
pub(crate) trait Visitor {
    /// What can go wrong.
    type Error;

    /// Visits one table. Its number identifies it in backups and is never reused.
    fn visit<K, V>(&mut self, number: u8, table: TableDefinition<'static, K, V>) -> Result<(), Self::Error>
    where
        K: Key + Column + 'static,
        V: Column + 'static;
}

/// Visits every table of the log, the versions first.
pub(crate) fn visit_all<T: Visitor>(visitor: &mut T) -> Result<(), T::Error> {
    visitor.visit(1, META)?;
    visitor.visit(2, NETWORKS)?;
    visitor.visit(3, HEADS)?;
    visitor.visit(4, ENTRIES)?;
    visitor.visit(5, IDS)?;
    visitor.visit(6, PEOPLE)?;
    visitor.visit(7, COMMON)?;
    visitor.visit(8, RESTRICTED)?;
    visitor.visit(9, RETRACTIONS)?;
    visitor.visit(10, NAMES)?;
    visitor.visit(11, DETAILS)?;
    visitor.visit(12, TOKENS)?;
    visitor.visit(13, SERVER_TOKENS)?;
    visitor.visit(14, LEAVES)?;
    visitor.visit(15, SUBTREES)?;
    visitor.visit(16, COMPONENTS)
}
