//! Stores what was decided in one transaction, then makes it visible to readers.
//!
//! Invariant: entries, indexes, tree, details, tokens and head of a batch reach the disk together or not at all, and
//! rows are inserted in the order of their keys.

use crate::{
    error::ReadError,
    rows::{
        chunk::Growth,
        components,
        erased::{ErasedDetails, ErasedPeople, erase_details, erase_people},
        ids,
        row::{HeadRow, TokenRow},
        tables,
    },
    state::{
        live::{Committed, Head, Live, Recent},
        token::Owner,
    },
    store::{Edge, Edges, Store},
    write::{CommitFailure, entry_rows::Rows},
};
use kith_core::{decide::Accepted, may::Reach, position::Position};
use redb::{Key, TableDefinition, Value, WriteTransaction};
use std::{borrow::Borrow, sync::Arc};

/// What a batch changes.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) created: Vec<Arc<Live>>,
    pub(crate) server_tokens: Vec<TokenRow>,
    /// In the order they were asked for.
    pub(crate) components: Vec<components::Change>,
    /// Rows that lose the details about people.
    pub(crate) erased: Vec<ErasedPeople>,
    /// By ordinal.
    pub(crate) networks: Vec<StagedNetwork>,
}

/// What a batch changes in one network.
pub(crate) struct StagedNetwork {
    pub(crate) live: Arc<Live>,
    pub(crate) accepted: Vec<Accepted>,
    /// Position of each withdrawn entry, with that of its retraction.
    pub(crate) retractions: Vec<(Position, Position)>,
    /// Single details that its entries erase.
    pub(crate) erased: Vec<ErasedDetails>,
    /// Token rows, the newest of a token last.
    pub(crate) tokens: Vec<TokenRow>,
}

/// A batch that is on disk.
pub(crate) struct Written {
    staged: Staged,
    grown: Vec<Grown>,
}

/// A network's growing end after a batch.
struct Grown {
    edge: Edge,
    index: Growth,
}

impl Staged {
    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        let nothing_of_server = self.created.is_empty() && self.server_tokens.is_empty() && self.components.is_empty();
        nothing_of_server && self.erased.is_empty() && self.networks.is_empty()
    }

    /// New entries of all networks.
    pub(crate) fn entries_count(&self) -> usize {
        self.networks.iter().map(|network| network.accepted.len()).sum()
    }
}

/// Stores a batch; it is on disk when this returns. After an error it is unknown what is.
pub(crate) fn write(store: &Store, edges: &Edges, staged: Staged) -> Result<Written, CommitFailure> {
    let rows = staged.networks.iter().map(|network| Rows::of(store, network)).collect::<Result<Vec<_>, _>>()?;
    let transaction = store.begin_write()?;
    write_server(&transaction, &staged)?;
    let mut grown = Vec::with_capacity(rows.len());
    for (network, rows) in staged.networks.iter().zip(rows) {
        let mut edge = edges.get(&network.live.ordinal).cloned().unwrap_or_default();
        write_network(&transaction, network, &rows, &mut edge)?;
        grown.push(Grown { edge, index: rows.index });
    }
    transaction.commit().map_err(ReadError::from)?;
    Ok(Written { staged, grown })
}

fn write_server(transaction: &WriteTransaction, staged: &Staged) -> Result<(), ReadError> {
    let networks: Vec<_> = staged.created.iter().map(|live| (live.name.as_str(), live.row().encode())).collect();
    insert_all(transaction, tables::NETWORKS, networks.iter().map(|(name, row)| (*name, row.as_slice())))?;
    let tokens: Vec<_> = staged.server_tokens.iter().map(|row| (row.id.as_str(), row.encode())).collect();
    insert_all(transaction, tables::SERVER_TOKENS, tokens.iter().map(|(id, row)| (*id, row.as_slice())))?;
    staged.erased.iter().try_for_each(|erased| erase_people(transaction, erased))?;
    components::write(transaction, &staged.components)
}

fn write_network(
    transaction: &WriteTransaction,
    network: &StagedNetwork,
    rows: &Rows,
    edge: &mut Edge,
) -> Result<(), ReadError> {
    let n = network.live.ordinal;
    let entries = network.accepted.iter().map(|accepted| (accepted.entry.position, &accepted.bytes[..]));
    edge.blocks.append(n, entries, &mut transaction.open_table(tables::ENTRIES)?)?;
    write_index(transaction, n, &rows.index)?;
    insert_all(transaction, tables::COMMON, rows.common.iter().map(|at| ((n, *at), ())))?;
    let restricted = rows.restricted.iter().map(|(at, organisation)| ((n, *at), organisation.as_str().as_bytes()));
    insert_all(transaction, tables::RESTRICTED, restricted)?;
    insert_all(transaction, tables::NAMES, rows.names.iter().map(|(handle, at)| ((n, *handle), *at)))?;
    insert_all(transaction, tables::DETAILS, rows.details.iter().map(|(at, sealed)| ((n, *at), sealed.as_slice())))?;
    erase_details(transaction, n, &network.erased)?;
    let tokens: Vec<_> = network.tokens.iter().map(|row| (row.id.as_str(), row.encode())).collect();
    insert_all(transaction, tables::TOKENS, tokens.iter().map(|(id, row)| ((n, *id), row.as_slice())))?;
    write_retractions(transaction, n, &network.retractions)?;
    let (mut leaves, mut subtrees) =
        (transaction.open_table(tables::LEAVES)?, transaction.open_table(tables::SUBTREES)?);
    edge.tree.append(n, rows.leaves.iter().copied(), &mut leaves, &mut subtrees)?;
    let last = &network.accepted.last().expect("only networks with new entries are written").entry;
    let (position, recorded_at) = (last.position, last.recorded_at);
    assert_eq!(edge.tree.frontier().size(), position.get(), "the tree has one leaf per entry");
    let head = HeadRow { position, recorded_at, frontier: edge.tree.frontier().clone() };
    transaction.open_table(tables::HEADS)?.insert(n, head.encode().as_slice())?;
    Ok(())
}

/// Writes the index of chunks that are complete.
fn write_index(transaction: &WriteTransaction, n: u32, index: &Growth) -> Result<(), ReadError> {
    for chunk in &index.complete {
        ids::insert(transaction, n, &chunk.sorted_ids())?;
        let people = chunk.people_rows();
        let rows = people.iter().map(|(first, row)| ((n, chunk.number(), *first), row.as_slice()));
        insert_all(transaction, tables::PEOPLE, rows)?;
    }
    Ok(())
}

/// Stores retractions; the first retraction of an entry is kept.
fn write_retractions(
    transaction: &WriteTransaction,
    n: u32,
    retractions: &[(Position, Position)],
) -> Result<(), ReadError> {
    if retractions.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(tables::RETRACTIONS)?;
    for (target, by) in retractions {
        let key = (n, target.get());
        if redb::ReadableTable::get(&table, key)?.is_none() {
            table.insert(key, by.get())?;
        }
    }
    Ok(())
}

/// Inserts rows; does not open the table if there are none.
fn insert_all<'a, K, V, RowKey, RowValue>(
    transaction: &WriteTransaction,
    definition: TableDefinition<'_, K, V>,
    rows: impl Iterator<Item = (RowKey, RowValue)>,
) -> Result<(), ReadError>
where
    K: Key + 'static,
    V: Value + 'static,
    RowKey: Borrow<K::SelfType<'a>>,
    RowValue: Borrow<V::SelfType<'a>>,
{
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut table = transaction.open_table(definition)?;
    for (key, value) in rows {
        table.insert(key, value)?;
    }
    Ok(())
}

impl Written {
    /// Makes the batch visible to readers. Returns what is left of it: dropping that takes a while, so callers are
    /// answered first.
    pub(crate) fn publish(mut self, store: &Store, edges: &mut Edges) -> Leftovers {
        for live in &self.staged.created {
            store.add_network(live.clone());
        }
        self.staged.put_tokens(store);
        let mut recent = Vec::new();
        for (network, Grown { edge, index }) in self.staged.networks.iter().zip(self.grown.drain(..)) {
            let live = &network.live;
            recent.append(&mut live.publish(committed(live, &edge, index, &network.accepted)));
            if network.accepted.iter().any(|accepted| accepted.header.kind.erases_a_person()) {
                store.erasing.notify_one();
            }
            edges.insert(live.ordinal, edge);
        }
        if !self.staged.server_tokens.is_empty() {
            store.credentials.send_replace(());
        }
        Leftovers { _staged: self.staged, _recent: recent }
    }
}

/// What is no longer needed after a batch.
#[derive(Default)]
pub(crate) struct Leftovers {
    _staged: Staged,
    _recent: Vec<Recent>,
}

impl Staged {
    /// Applies issued and revoked tokens before the new head is published.
    fn put_tokens(&self, store: &Store) {
        if self.server_tokens.is_empty() && self.networks.iter().all(|network| network.tokens.is_empty()) {
            return;
        }
        let mut known = store.tokens_mut();
        for row in &self.server_tokens {
            known.put(Owner::Server, Reach::Server, row.clone());
        }
        for StagedNetwork { live, tokens, .. } in &self.networks {
            for row in tokens {
                known.put(Owner::Network(live.ordinal), Reach::Network(live.name.clone()), row.clone());
            }
        }
    }
}

fn committed(live: &Live, edge: &Edge, index: Growth, accepted: &[Accepted]) -> Committed {
    let last = &accepted.last().expect("only networks with new entries are written").entry;
    let head = Head {
        position: last.position,
        root: edge.tree.frontier().root(),
        incarnation: live.incarnation,
        recorded_at: Some(last.recorded_at),
    };
    let changes = accepted.iter().filter(|accepted| accepted.header.is_common());
    let change = |accepted: &Accepted| (accepted.event.clone(), accepted.entry.clone());
    let recent = |accepted: &Accepted| Recent {
        bytes: accepted.bytes.clone(),
        header: accepted.header.clone(),
        has_details: !accepted.details.is_empty(),
    };
    Committed { head, entries: accepted.iter().map(recent).collect(), index, common: changes.map(change).collect() }
}
