//! Compares two views of one network: what changes for readers when one replaces the other.
//!
//! Invariant: both are compared as of the same position and day, so that differences come from the plugins alone.

use super::snapshot::{Snapshot, SnapshotError, Table};
use crate::{
    contract::{Field, GuestValue, key::Key},
    file::row::{RowKey, StoredRow},
    limits,
    share::cancel::Cancel,
    view::handle::ViewHandle,
};
use kith_core::{day::Day, position::Position};
use std::cmp::Ordering;

/// What differs between two views.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Position that both are compared as of.
    pub position: Position,
    /// Day that both are compared as of.
    pub day: Day,
    /// Rows that are equal in every column that both have.
    pub equal: u64,
    /// Rows that both have and that differ.
    pub changed: u64,
    /// Rows that only the other view has.
    pub added: u64,
    /// Rows that only this view has.
    pub removed: u64,
    /// Columns that only the other view has.
    pub columns_added: Vec<String>,
    /// Columns that only this view has.
    pub columns_removed: Vec<String>,
    /// The largest changes of numbers, largest first.
    pub moves: Vec<Move>,
}

/// A number that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// Ids of one or two people; in a report, also of organisations.
    pub key: Vec<String>,
    /// The entry that the row is about.
    pub item: Option<Position>,
    /// The column.
    pub column: String,
    /// The number in this view.
    pub from: f64,
    /// The number in the other view.
    pub to: f64,
}

impl ViewHandle {
    /// Compares with another view of the same network, at the position that both have reached, as of this view's day.
    pub fn compare(&self, other: &Self, moves_max: usize) -> Result<Comparison, SnapshotError> {
        self.compare_until(other, moves_max, &Cancel::default())
    }

    /// The same, until it is cancelled.
    pub fn compare_until(&self, other: &Self, moves_max: usize, cancel: &Cancel) -> Result<Comparison, SnapshotError> {
        let position = self.cursor().position.min(other.cursor().position);
        let work = self.shared.plugin.places().asking.memory().begin(cancel);
        let mut hold = work.hold();
        let ours = Snapshot::open(&self.shared, None, Some(position))?.until(cancel).within(&work);
        let theirs = Snapshot::open(&other.shared, Some(ours.day), Some(position))?.until(cancel).within(&work);
        let people = self.shared.source.people();
        let tables = Tables {
            ours: &ours.all_rows(&mut hold)?,
            theirs: &theirs.all_rows(&mut hold)?,
            our_fields: self.fields(),
            their_fields: other.fields(),
        };
        let ids = |key: Key| key.people().map(|handle| people.id_in_key(handle).to_string()).collect();
        Ok(tables.compare((position, ours.day), moves_max, ids))
    }
}

/// Rows of two views or reports, by key and item, with their columns.
pub(crate) struct Tables<'a> {
    pub(crate) ours: &'a Table,
    pub(crate) theirs: &'a Table,
    pub(crate) our_fields: &'a [Field],
    pub(crate) their_fields: &'a [Field],
}

impl Tables<'_> {
    /// Compares the rows, which are as of this position and day.
    pub(crate) fn compare(
        &self,
        (position, day): (Position, Day),
        moves_max: usize,
        ids: impl Fn(Key) -> Vec<String>,
    ) -> Comparison {
        let columns = Columns::of(self.our_fields, self.their_fields);
        let mut found = Found { moves_max, ..Found::default() };
        found.compare(self.ours, self.theirs, &columns);
        let moves = found.largest().into_iter().map(|moved| Move {
            key: ids(moved.row.key),
            item: (moved.row.item != Position::ZERO).then_some(moved.row.item),
            column: self.our_fields[moved.column].name.clone(),
            from: moved.from,
            to: moved.to,
        });
        let moves = moves.collect();
        let Found { equal, changed, added, removed, .. } = found;
        Comparison {
            position,
            day,
            equal,
            changed,
            added,
            removed,
            columns_added: columns.added,
            columns_removed: columns.removed,
            moves,
        }
    }
}

/// The columns that two views share, and those that only one has.
struct Columns {
    /// Indices in both views of the columns with the same name and type.
    common: Vec<(usize, usize)>,
    added: Vec<String>,
    removed: Vec<String>,
}

impl Columns {
    fn of(ours: &[Field], theirs: &[Field]) -> Self {
        let same = |one: &Field, other: &Field| one.name == other.name && one.of == other.of;
        let place = |field: &Field| theirs.iter().position(|other| same(field, other));
        let common = ours.iter().enumerate().filter_map(|(index, field)| Some((index, place(field)?))).collect();
        let lacking = |fields: &[Field], others: &[Field]| {
            let alone = fields.iter().filter(|field| !others.iter().any(|other| same(field, other)));
            alone.map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        Self { common, added: lacking(theirs, ours), removed: lacking(ours, theirs) }
    }
}

/// The differences found so far.
#[derive(Default)]
struct Found {
    moves_max: usize,
    equal: u64,
    changed: u64,
    added: u64,
    removed: u64,
    moves: Vec<Moved>,
}

struct Moved {
    row: RowKey,
    column: usize,
    from: f64,
    to: f64,
}

impl Found {
    fn compare(&mut self, ours: &Table, theirs: &Table, columns: &Columns) {
        let (mut one, mut other) = (ours.iter().peekable(), theirs.iter().peekable());
        loop {
            let order = match (one.peek(), other.peek()) {
                (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return,
            };
            match order {
                Ordering::Less => {
                    self.removed += 1;
                    one.next();
                }
                Ordering::Greater => {
                    self.added += 1;
                    other.next();
                }
                Ordering::Equal => {
                    if let (Some((key, ours)), Some((_, theirs))) = (one.next(), other.next()) {
                        self.compare_row(*key, ours, theirs, columns);
                    }
                }
            }
        }
    }

    fn compare_row(&mut self, row: RowKey, ours: &[u8], theirs: &[u8], columns: &Columns) {
        let (ours, theirs) = (values(ours), values(theirs));
        let mut equal = true;
        for &(here, there) in &columns.common {
            let (from, to) = (&ours[here], &theirs[there]);
            if from == to {
                continue;
            }
            equal = false;
            if let (Some(from), Some(to)) = (number(from), number(to)) {
                self.moves.push(Moved { row, column: here, from, to });
            }
        }
        if equal {
            self.equal += 1;
        } else {
            self.changed += 1;
        }
        if self.moves.len() > self.moves_max + limits::MOVES_KEPT {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        // Stable, so that equal moves stay in the order of their rows.
        self.moves.sort_by(|one, other| other.size().total_cmp(&one.size()));
        self.moves.truncate(self.moves_max);
    }

    fn largest(&mut self) -> Vec<Moved> {
        self.keep_largest();
        std::mem::take(&mut self.moves)
    }
}

impl Moved {
    fn size(&self) -> f64 {
        (self.to - self.from).abs()
    }
}

fn values(row: &[u8]) -> Vec<GuestValue> {
    StoredRow::decode(row).expect("rows that are gone are not scanned").values
}

#[allow(clippy::cast_precision_loss, reason = "moves are shown to people")]
fn number(value: &GuestValue) -> Option<f64> {
    match value {
        GuestValue::Number(number) => Some(*number),
        GuestValue::Integer(integer) => Some(*integer as f64),
        GuestValue::Day(day) => Some(f64::from(day.number())),
        GuestValue::None | GuestValue::Text(_) | GuestValue::Flag(_) | GuestValue::Person(_) | GuestValue::Event(_) => {
            None
        }
    }
}
