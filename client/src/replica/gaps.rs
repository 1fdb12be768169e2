//! Gaps: entries that are here only as hashes. Fills them, and turns entries back into gaps.
//!
//! Invariant: gaps are complete subtrees that overlap neither each other nor an entry; together with the entries they
//! cover the whole log up to the head.

use super::{
    Inner, SyncError,
    alarm::Finding,
    error::StoreError,
    part::{check_words, id_key, write_entries},
    reading::{Reader, open},
    rows::{OwnEvent, State},
    store::{Writing, change_state, decode},
    tables::{COMMON, DETAILS, ENTRIES, GAPS, IDS, NETWORK, NEWER, NUMBERS, SETTLED},
    words::Erasures,
};
use crate::{
    client::Client,
    entries::Recorded,
    read::{Gaps, Page, ReadOptions},
};
use bytes::Bytes;
use kith_blocks::BlockEdge;
use kith_core::{
    filter::Filter,
    id::EventId,
    limits::READ_ENTRIES_WITH_LEFT_OUT_MAX,
    position::Position,
    tree::{Frontier, Hash, Subtree, leaf_hash, node_hash},
};
use prost::Message;
use redb::{ReadableTable, WriteTransaction};
use std::collections::{BTreeMap, BTreeSet};

/// One leaf or subtree of a server's answer.
enum Piece {
    Entry(Box<Recorded>),
    LeftOut(Subtree),
}

impl Inner {
    /// All gaps, in order.
    pub(super) fn gaps(&self) -> Result<Vec<Subtree>, StoreError> {
        self.store.read(|transaction| {
            let table = transaction.open_table(GAPS)?;
            let rows = table.range(0..)?;
            rows.map(|row| {
                let (start, value) = row?;
                let (level, hash) = value.value();
                Ok(Subtree { start: start.value(), level, hash: Hash::new(hash) })
            })
            .collect()
        })
    }

    /// Fetches the entries in gaps that pass a filter; returns how many were fetched.
    pub(super) async fn fill_gaps(&self, client: &Client, filter: &Filter) -> Result<u64, SyncError> {
        let gaps = self.gaps()?;
        let mut filled = 0;
        let mut pieces = BTreeMap::new();
        let mut left = gaps.as_slice();
        let mut after = 0;
        while let Some(next) = left.first() {
            pieces = pieces.split_off(&next.start);
            if pieces.is_empty() {
                after = next.start.max(after);
            }
            let page = self.read_with_hashes(client, filter, after).await?;
            let until = page.next.get();
            collect(&page, &mut pieces)?;
            let whole = left.iter().take_while(|gap| end(gap) <= until).count();
            let (covered, rest) = left.split_at(whole);
            filled += self.fill(covered, &mut pieces)?;
            left = rest;
            if until <= after && whole == 0 {
                return Err(crate::error::Error::answer("it ends before what was asked for").into());
            }
            after = until;
        }
        Ok(filled)
    }

    async fn read_with_hashes(&self, client: &Client, filter: &Filter, after: u64) -> Result<Page, SyncError> {
        let options = ReadOptions {
            after: Position::new(after),
            filter: filter.clone(),
            limit: READ_ENTRIES_WITH_LEFT_OUT_MAX,
            gaps: Gaps::Hashed,
            ..ReadOptions::default()
        };
        Ok(client.read(&options).await?)
    }

    /// Fills gaps that are fully covered by pieces, in one transaction.
    fn fill(&self, covered: &[Subtree], pieces: &mut BTreeMap<u64, Piece>) -> Result<u64, SyncError> {
        let mut found = Vec::new();
        for gap in covered {
            let rest = pieces.split_off(&end(gap));
            let own = pieces.split_off(&gap.start);
            *pieces = rest;
            let (entries, left_out) = apart(own);
            if entries.is_empty() {
                continue;
            }
            if let Some(why) = entries.iter().find_map(|recorded| check_words(recorded).err()) {
                let state = self.store.state()?;
                return Err(self.raise(Finding::Altered { verified: gap.start, why }, &state, None));
            }
            if root_of(gap, &entries, &left_out) != Some(gap.hash) {
                let why = format!("entries after position {} are not those that were signed", gap.start);
                let state = self.store.state()?;
                return Err(self.raise(Finding::Altered { verified: gap.start, why }, &state, None));
            }
            found.push((gap, entries, left_out));
        }
        if found.is_empty() {
            return Ok(0);
        }
        self.store
            .write(|transaction| {
                let mut count = 0;
                transaction.words()?.make_keys(found.iter().flat_map(|(_, entries, _)| entries))?;
                for (gap, entries, left_out) in &found {
                    let mut table = transaction.open_table(GAPS)?;
                    table.remove(gap.start)?;
                    for subtree in left_out {
                        table.insert(subtree.start, (subtree.level, *subtree.hash.as_bytes()))?;
                    }
                    drop(table);
                    // What erases words is in no gap.
                    write_entries(transaction, entries)?;
                    count += entries.len() as u64;
                }
                change_state(transaction, |state| state.generation += 1)?;
                Ok(count)
            })
            .map_err(SyncError::from)
    }

    /// Turns entries that must not be here into gaps and updates the state, in one transaction; returns how many
    /// entries were removed. Their words are gone for good.
    pub(super) fn let_go(
        &self,
        why: Why,
        keeps: impl Fn(&Reader<'_>, &Bytes) -> Result<bool, StoreError>,
        note: impl FnOnce(&mut State),
    ) -> Result<u64, StoreError> {
        let head = Position::new(self.frontier()?.size());
        let (kept, gone) = self.reading(|reader| {
            let (mut kept, mut gone) = (Vec::new(), Vec::new());
            for entry in reader.range(Position::ZERO, head)? {
                let (position, bytes) = entry?;
                if keeps(reader, &bytes)? {
                    kept.push((position, bytes));
                } else {
                    let (_, event) = open(&bytes)?;
                    gone.push((position, event.id, leaf_hash(&bytes)));
                }
            }
            Ok((kept, gone))
        })?;
        let gaps = if gone.is_empty() { Vec::new() } else { merged(self.gaps()?, &gone) };
        self.store.write(|transaction| {
            if !gone.is_empty() {
                write_without(transaction, &kept, &gone, &gaps)?;
                if why == Why::Scope {
                    drop_own_words(transaction, &gone)?;
                }
                transaction.seal_anew(self.environment.random_bytes(), Erasures::Kept)?;
                change_state(transaction, |state| state.generation += 1)?;
            }
            change_state(transaction, note)
        })?;
        if !gone.is_empty() {
            self.store.end_old_sealings()?;
        }
        self.publish_head()?;
        Ok(gone.len() as u64)
    }

    /// The positions after `after` that pass the filter and that the token may see.
    pub(super) async fn visible(
        &self,
        client: &Client,
        filter: &Filter,
        after: Position,
    ) -> Result<BTreeSet<Position>, SyncError> {
        let head = Position::new(self.frontier()?.size());
        let mut options = ReadOptions { after, filter: filter.clone(), ..ReadOptions::default() };
        let mut visible = BTreeSet::new();
        while options.after < head {
            let page = client.read(&options).await?;
            visible.extend(page.entries.decode()?.iter().map(|recorded| recorded.entry.position));
            if page.end {
                break;
            }
            options.after = page.next;
        }
        Ok(visible)
    }
}

/// Why entries are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// The filter leaves them out.
    Filter,
    /// The token may no longer see them.
    Scope,
}

type Gone = (Position, EventId, Hash);

/// Drops the words of events that this device recorded and may no longer see.
fn drop_own_words(transaction: &Writing<'_>, gone: &[Gone]) -> Result<(), StoreError> {
    let (numbers, mut settled) = (transaction.open_table(NUMBERS)?, transaction.open_table(SETTLED)?);
    for (_, id, _) in gone {
        let Some(number) = numbers.get(id_key(id))?.map(|number| number.value()) else { continue };
        let row = settled.get(number)?.map(|value| decode::<OwnEvent>(value.value())).transpose()?;
        let Some(mut own) = row else { continue };
        if own.drop_words()? {
            settled.insert(number, own.encode_to_vec().as_slice())?;
        }
    }
    Ok(())
}

fn write_without(
    transaction: &WriteTransaction,
    kept: &[(Position, Bytes)],
    gone: &[Gone],
    gaps: &[Subtree],
) -> Result<(), StoreError> {
    let mut ids = transaction.open_table(IDS)?;
    let mut details = transaction.open_table(DETAILS)?;
    let mut common = transaction.open_table(COMMON)?;
    let mut newer = transaction.open_table(NEWER)?;
    for (position, id, _) in gone {
        ids.remove(id_key(id))?;
        details.remove(position.get())?;
        common.remove(position.get())?;
        newer.remove(position.get())?;
    }
    let mut table = transaction.open_table(GAPS)?;
    table.retain(|_, _| false)?;
    for gap in gaps {
        table.insert(gap.start, (gap.level, *gap.hash.as_bytes()))?;
    }
    let mut entries = transaction.open_table(ENTRIES)?;
    entries.retain(|_, _| false)?;
    for run in kept.chunk_by(|(one, _), (next, _)| one.next() == *next) {
        let run = run.iter().map(|(position, bytes)| (*position, &**bytes));
        BlockEdge::default().append(NETWORK, run, &mut entries)?;
    }
    Ok(())
}

/// The gaps with new leaves added and sibling subtrees joined.
fn merged(gaps: Vec<Subtree>, gone: &[Gone]) -> Vec<Subtree> {
    let leaf = |(position, _, hash): &Gone| Subtree { start: position.get() - 1, level: 0, hash: *hash };
    let mut all: Vec<Subtree> = gaps.into_iter().chain(gone.iter().map(leaf)).collect();
    all.sort_unstable_by_key(|subtree| subtree.start);
    let mut joined: Vec<Subtree> = Vec::with_capacity(all.len());
    for subtree in all {
        joined.push(subtree);
        while let [.., left, right] = joined.as_slice()
            && left.level == right.level
            && end(left) == right.start
            && left.start.is_multiple_of(1 << (left.level + 1))
        {
            let whole = Subtree { start: left.start, level: left.level + 1, hash: node_hash(left.hash, right.hash) };
            joined.truncate(joined.len() - 2);
            joined.push(whole);
        }
    }
    joined
}

/// Index after the last leaf.
fn end(subtree: &Subtree) -> u64 {
    subtree.start + (1 << subtree.level)
}

fn collect(page: &Page, pieces: &mut BTreeMap<u64, Piece>) -> Result<(), SyncError> {
    for recorded in page.entries.decode()? {
        let start = recorded.entry.position.get() - 1;
        pieces.insert(start, Piece::Entry(Box::new(recorded)));
    }
    pieces.extend(page.left_out.iter().map(|subtree| (subtree.start, Piece::LeftOut(*subtree))));
    Ok(())
}

fn apart(pieces: BTreeMap<u64, Piece>) -> (Vec<Recorded>, Vec<Subtree>) {
    let (mut entries, mut left_out) = (Vec::new(), Vec::new());
    for piece in pieces.into_values() {
        match piece {
            Piece::Entry(recorded) => entries.push(*recorded),
            Piece::LeftOut(subtree) => left_out.push(subtree),
        }
    }
    (entries, left_out)
}

/// Root of the subtree made up of these parts; `None` if they do not form one.
fn root_of(gap: &Subtree, entries: &[Recorded], left_out: &[Subtree]) -> Option<Hash> {
    let leaf = |recorded: &Recorded| (recorded.entry.position.get() - 1, 0, leaf_hash(&recorded.bytes));
    let mut parts: Vec<(u64, u8, Hash)> = entries.iter().map(leaf).collect();
    parts.extend(left_out.iter().map(|subtree| (subtree.start, subtree.level, subtree.hash)));
    parts.sort_unstable_by_key(|(start, ..)| *start);
    let mut frontier = Frontier::new();
    for (start, level, hash) in parts {
        frontier.push_subtree(Subtree { start: start.checked_sub(gap.start)?, level, hash }).ok()?;
    }
    (frontier.size() == 1 << gap.level).then(|| frontier.root())
}
