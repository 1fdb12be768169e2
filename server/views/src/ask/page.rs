//! The first rows of a scan in a bounded buffer, and the token that continues after the last of them.
//!
//! A token names its position and day: all pages of a question are cut from the same rows.

use crate::{
    contract::{
        GuestValue,
        key::{Key, first},
    },
    file::{
        row::{RowKey, StoredRow, compare_values, decode_value, put_value},
        zones::{Bounds, ordinal},
    },
    limits,
};
use kith_core::{day::Day, position::Position};
use std::cmp::Ordering;

/// Version of the token's bytes.
const TOKEN_VERSION: u8 = 1;

/// Which rows come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Small values first.
    Ascending,
    /// Large values first.
    Descending,
}

/// The order of rows: by a column, rows without a value last, then by key and item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowOrder {
    /// Index of the column; `None` orders by key alone.
    pub(crate) column: Option<usize>,
    /// Which values come first.
    pub(crate) direction: Direction,
}

impl RowOrder {
    fn value(self, row: &[u8]) -> GuestValue {
        self.column.map_or(GuestValue::None, |column| StoredRow::column(row, column))
    }

    /// What the rows of a zone with these bounds may begin with.
    pub(crate) fn best(self, bounds: Bounds) -> Best {
        match self.direction {
            _ if bounds.is_of_no_value() => Best(u64::MAX),
            Direction::Ascending => Best(bounds.min),
            Direction::Descending => Best(!bounds.max),
        }
    }

    /// The place of a value; `None` if there is no value.
    fn best_of(self, value: &GuestValue) -> Option<Best> {
        let ordinal = ordinal(value)?;
        Some(self.best(Bounds { min: ordinal, max: ordinal }))
    }

    fn compare(self, one: &Rank, other: &Rank) -> Ordering {
        let values = match (&one.value, &other.value) {
            (GuestValue::None, GuestValue::None) => Ordering::Equal,
            (GuestValue::None, _) => Ordering::Greater,
            (_, GuestValue::None) => Ordering::Less,
            (one, other) => match self.direction {
                Direction::Ascending => compare_values(one, other),
                Direction::Descending => compare_values(other, one),
            },
        };
        values.then(one.row_key.cmp(&other.row_key))
    }
}

/// A value in an order: smaller is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Best(u64);

/// The rank of a row in an order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rank {
    /// Its value in the column.
    pub(crate) value: GuestValue,
    /// The row.
    pub(crate) row_key: RowKey,
}

/// Keeps the first rows after a rank.
pub(crate) struct Page {
    order: RowOrder,
    size: usize,
    after: Option<Rank>,
    rows: Vec<(Rank, Vec<u8>)>,
    bytes: usize,
    /// The last row that was kept when the buffer was cut: rows after it are not needed.
    last_kept: Option<Rank>,
    /// Rows seen, kept or not.
    pub(crate) total: u64,
}

impl Page {
    pub(crate) fn new(order: RowOrder, size: usize, after: Option<Rank>) -> Self {
        Self { order, size, after, rows: Vec::new(), bytes: 0, last_kept: None, total: 0 }
    }

    /// Considers a row.
    pub(crate) fn see(&mut self, row_key: RowKey, row: &[u8]) {
        self.total += 1;
        let rank = Rank { value: self.order.value(row), row_key };
        let is_before = self.after.as_ref().is_some_and(|after| self.order.compare(&rank, after).is_le());
        let is_beyond = self.last_kept.as_ref().is_some_and(|last| self.order.compare(&rank, last).is_gt());
        if is_before || is_beyond {
            return;
        }
        self.bytes += StoredRow::sent_bytes_max(row);
        self.rows.push((rank, row.to_vec()));
        if self.rows.len() > 2 * self.size + 1 || self.bytes > 2 * limits::PAGE_BYTES_MAX {
            self.cut();
        }
    }

    /// Whether the page is complete: of rows that begin with this value and key, none belongs on it.
    pub(crate) fn is_complete_before(&mut self, best: Best, key: Key) -> bool {
        // Not after each few rows: cutting takes time in proportion to the page.
        if self.rows.len() > self.size + self.size / 8 + 1 || self.last_kept.is_none() && self.rows.len() > self.size {
            self.cut();
        }
        let last = self.last_kept.as_ref().and_then(|last| Some((self.order.best_of(&last.value)?, last.row_key.key)));
        last.is_some_and(|last| last < (best, key))
    }

    /// Keeps one row more than fits on the page, which shows whether there is another page. Returns the size of the
    /// page.
    fn cut(&mut self) -> usize {
        let order = self.order;
        self.rows.sort_by(|(one, _), (other, _)| order.compare(one, other));
        let mut bytes = 0;
        let fits = self.rows.iter().take(self.size).take_while(|(_, row)| {
            bytes += StoredRow::sent_bytes_max(row);
            bytes <= limits::PAGE_BYTES_MAX
        });
        let size = fits.count().max(1);
        self.rows.truncate(size + 1);
        self.bytes = self.rows.iter().map(|(_, row)| StoredRow::sent_bytes_max(row)).sum();
        self.last_kept = self.rows.get(size).map(|(rank, _)| rank.clone());
        size
    }

    /// The rows of the page in order, and the rank after which to continue if there are more.
    pub(crate) fn finish(mut self) -> (Vec<(Rank, Vec<u8>)>, Option<Rank>) {
        let size = self.cut();
        let has_more = self.rows.len() > size;
        self.rows.truncate(size);
        let last = self.rows.last().filter(|_| has_more).map(|(rank, _)| rank.clone());
        (self.rows, last)
    }
}

/// Where the next page continues.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PageToken {
    /// The position that rows are as of.
    pub(crate) position: Position,
    /// The day that rows are as of.
    pub(crate) day: Day,
    /// A fingerprint of the question.
    pub(crate) question: [u8; 8],
    /// The last row of the previous page.
    pub(crate) after: Rank,
}

impl PageToken {
    pub(crate) fn encode(&self) -> String {
        let mut bytes = vec![TOKEN_VERSION];
        bytes.extend_from_slice(&self.position.get().to_le_bytes());
        bytes.extend_from_slice(&self.day.number().to_le_bytes());
        bytes.extend_from_slice(&self.question);
        bytes.extend_from_slice(&self.after.row_key.to_bytes());
        put_value(&mut bytes, &self.after.value);
        hex::encode(bytes)
    }

    /// Reads a token; `None` for any other text.
    pub(crate) fn decode(token: &str) -> Option<Self> {
        let bytes = hex::decode(token).ok()?;
        let (head, value) = bytes.split_first_chunk::<37>()?;
        let (value, rest) = decode_value(value)?;
        let is_token = head[0] == TOKEN_VERSION && rest.is_empty();
        is_token.then(|| Self {
            position: Position::new(u64::from_le_bytes(first(&head[1..]))),
            day: Day::new(i32::from_le_bytes(first(&head[9..]))),
            question: first(&head[13..]),
            after: Rank { value, row_key: RowKey::from_bytes(first(&head[21..])) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(value: GuestValue) -> Vec<u8> {
        StoredRow { changed: Position::new(1), values: vec![value], evidence_count: 0, evidence: Vec::new() }.encode()
    }

    fn row_key(item: usize) -> RowKey {
        RowKey { key: Key::pair(1, 2), item: Position::new(item as u64) }
    }

    fn values() -> impl Strategy<Value = Vec<GuestValue>> {
        let value = prop_oneof![Just(GuestValue::None), (0..5_i64).prop_map(GuestValue::Integer),];
        proptest::collection::vec(value, 0..40)
    }

    proptest! {
        #[test]
        fn pages_in_turn_give_every_row_once_in_order(values in values(), size in 1..7_usize, descending in any::<bool>()) {
            let direction = if descending { Direction::Descending } else { Direction::Ascending };
            let order = RowOrder { column: Some(0), direction };
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let mut page = Page::new(order, size, after);
                values.iter().enumerate().for_each(|(item, value)| page.see(row_key(item), &row(value.clone())));
                prop_assert_eq!(page.total, values.len() as u64);
                let (rows, last) = page.finish();
                found.extend(rows.into_iter().map(|(rank, _)| rank));
                after = last;
                if after.is_none() {
                    break;
                }
            }
            let mut expected: Vec<Rank> = values
                .into_iter()
                .enumerate()
                .map(|(item, value)| Rank { value, row_key: row_key(item) })
                .collect();
            expected.sort_by(|one, other| order.compare(one, other));
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn tokens_read_back(
            position in any::<u64>().prop_map(Position::new),
            day in any::<i32>().prop_map(Day::new),
            text in ".{0,10}",
        ) {
            let after = Rank { value: GuestValue::Text(text), row_key: row_key(7) };
            let token = PageToken { position, day, question: [3; 8], after };
            prop_assert_eq!(PageToken::decode(&token.encode()), Some(token));
        }

        #[test]
        fn other_texts_are_no_tokens(token in "[0-9a-f]{0,100}") {
            let _ = PageToken::decode(&token);
        }
    }

    #[test]
    fn rows_without_a_value_come_last_either_way() {
        for direction in [Direction::Ascending, Direction::Descending] {
            let mut page = Page::new(RowOrder { column: Some(0), direction }, 2, None);
            page.see(row_key(1), &row(GuestValue::None));
            page.see(row_key(2), &row(GuestValue::Integer(1)));
            assert_eq!(page.finish().0[1].0.value, GuestValue::None);
        }
    }
}
