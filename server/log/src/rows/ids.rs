//! Positions of events by id: rows of sorted ids, each about a page. Ids in order of time, like those of version 7,
//! fill row after row; others are merged into the rows where they belong.
//!
//! Invariant: a row holds ids from its key up to, but not including, the next row's key, ascending, each once.

use crate::{
    error::{ReadError, damaged},
    rows::tables::IDS,
};
use redb::{ReadableTable, WriteTransaction};

/// An id and a position.
pub(crate) type IdRow = (u128, u64);

/// Ids in a row: with its key they fill a page of redb.
const ROW_IDS: usize = 166;

const PAIR_BYTES: usize = 24;

/// The position of an id, if it is stored.
pub(crate) fn find(
    table: &impl ReadableTable<(u32, u128), &'static [u8]>,
    network: u32,
    id: u128,
) -> Result<Option<u64>, ReadError> {
    let Some(row) = table.range((network, 0)..=(network, id))?.next_back() else { return Ok(None) };
    let row = row?.1;
    let (pairs, rest) = row.value().as_chunks::<PAIR_BYTES>();
    if !rest.is_empty() {
        return Err(malformed());
    }
    let found = pairs.binary_search_by_key(&id, |pair| decode_pair(pair).0);
    Ok(found.ok().map(|index| decode_pair(&pairs[index]).1))
}

/// The greatest id of a network.
pub(crate) fn greatest(
    table: &impl ReadableTable<(u32, u128), &'static [u8]>,
    network: u32,
) -> Result<Option<u128>, ReadError> {
    let Some(row) = table.range((network, 0)..=(network, u128::MAX))?.next_back() else { return Ok(None) };
    Ok(decode(row?.1.value())?.last().map(|(id, _)| *id))
}

/// Adds ids, which must be ascending and not yet stored.
pub(crate) fn insert(transaction: &WriteTransaction, network: u32, ids: &[IdRow]) -> Result<(), ReadError> {
    let mut table = transaction.open_table(IDS)?;
    let mut rest = ids;
    while let Some((first, _)) = rest.first() {
        let row = match table.range((network, 0)..=(network, *first))?.next_back().transpose()? {
            Some((_, row)) => decode(row.value())?,
            None => Vec::new(),
        };
        let above = table.range((network, first.saturating_add(1))..=(network, u128::MAX))?.next().transpose()?;
        let end = above.map_or(rest.len(), |(key, _)| rest.partition_point(|(id, _)| *id < key.value().1));
        let (own, others) = rest.split_at(end);
        let in_order = row.last().is_none_or(|(last, _)| *last < *first);
        let mut merged = [row.as_slice(), own].concat();
        let size = if in_order { ROW_IDS } else { even_size(merged.len()) };
        merged.sort_unstable();
        for part in merged.chunks(size) {
            table.insert((network, part[0].0), encode(part).as_slice())?;
        }
        rest = others;
    }
    Ok(())
}

/// The ids of a row.
pub(crate) fn decode(row: &[u8]) -> Result<Vec<IdRow>, ReadError> {
    let (pairs, rest) = row.as_chunks::<PAIR_BYTES>();
    if rest.is_empty() { Ok(pairs.iter().map(decode_pair).collect()) } else { Err(malformed()) }
}

/// Ids per row when `ids` are spread evenly over the fewest rows, so that a split row leaves room in both halves. Ids
/// in order need no room: their rows are full.
fn even_size(ids: usize) -> usize {
    ids.div_ceil(ids.div_ceil(ROW_IDS))
}

fn encode(ids: &[IdRow]) -> Vec<u8> {
    let mut row = Vec::with_capacity(ids.len() * PAIR_BYTES);
    for (id, position) in ids {
        row.extend_from_slice(&id.to_be_bytes());
        row.extend_from_slice(&position.to_le_bytes());
    }
    row
}

fn decode_pair(pair: &[u8; PAIR_BYTES]) -> IdRow {
    let (id, position) = pair.split_first_chunk::<16>().expect("a pair is longer than an id");
    (u128::from_be_bytes(*id), u64::from_le_bytes(position.try_into().expect("eight bytes are left")))
}

fn malformed() -> ReadError {
    damaged("ids", "a row is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redb::{Database, ReadableDatabase, backends::InMemoryBackend};
    use std::collections::{BTreeMap, BTreeSet};

    fn stored(batches: &[BTreeMap<u128, u64>]) -> Database {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        for batch in batches {
            let transaction = database.begin_write().unwrap();
            let ids: Vec<_> = batch.iter().map(|(id, position)| (*id, *position)).collect();
            insert(&transaction, 7, &ids).unwrap();
            insert(&transaction, 9, &ids).unwrap();
            transaction.commit().unwrap();
        }
        database
    }

    /// Every row of a network, checked for the invariant.
    fn rows(database: &Database, network: u32) -> Vec<Vec<IdRow>> {
        let table = database.begin_read().unwrap().open_table(IDS).unwrap();
        let rows = table.range((network, 0)..=(network, u128::MAX)).unwrap().map(Result::unwrap);
        let rows: Vec<_> = rows.map(|(key, row)| (key.value().1, decode(row.value()).unwrap())).collect();
        for (key, row) in &rows {
            assert_eq!(row[0].0, *key);
            assert!(row.len() <= ROW_IDS && row.is_sorted_by(|one, next| one.0 < next.0));
        }
        assert!(rows.is_sorted_by(|(_, one), (next, _)| one.last().unwrap().0 < *next));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn ids_are_found_where_they_were_put(
            ids in proptest::collection::btree_set(prop_oneof![0_u128..3_000, any::<u128>()], 0..1_500),
            order in any::<u64>(), batches in 1_usize..6, absent in any::<u128>(),
        ) {
            let mut parts = vec![BTreeMap::new(); batches];
            for (position, id) in (1..).zip(&ids) {
                let part = (position ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                parts[part as usize % batches].insert(*id, position);
            }
            let database = stored(&parts);
            let all: Vec<_> = (1..).zip(&ids).map(|(position, id)| (*id, position)).collect();
            prop_assert_eq!(rows(&database, 7).concat(), all.clone());
            let table = database.begin_read().unwrap().open_table(IDS).unwrap();
            for (id, position) in all {
                prop_assert_eq!(find(&table, 7, id).unwrap(), Some(position));
            }
            prop_assert_eq!(find(&table, 7, absent).unwrap().is_some(), ids.contains(&absent));
            prop_assert_eq!(find(&table, 8, absent).unwrap(), None);
            prop_assert_eq!(greatest(&table, 7).unwrap(), ids.last().copied());
        }
    }

    #[test]
    fn ids_in_any_order_fill_rows_by_half_and_more() {
        let scattered = |number: u64| u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let batches: Vec<BTreeMap<_, _>> =
            (0..400_u64).map(|batch| (0..10).map(|one| (scattered(batch * 10 + one), one)).collect()).collect();
        let rows = rows(&stored(&batches), 7).len();
        assert!(rows <= 4_000_usize.div_ceil(ROW_IDS / 2), "{rows} rows");
    }

    #[test]
    fn ids_in_order_leave_full_rows_behind() {
        let batches: Vec<BTreeMap<_, _>> =
            (0..10_u64).map(|batch| (0..100).map(|one| (u128::from(batch * 100 + one), one)).collect()).collect();
        let lengths: BTreeSet<_> = rows(&stored(&batches), 7).iter().map(Vec::len).collect();
        assert_eq!(lengths, BTreeSet::from([1_000 % ROW_IDS, ROW_IDS]));
    }
}
