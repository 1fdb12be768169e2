//! The turn of a view's day: the rows of the next day are made beside those of the view's day, some keys at a time, and
//! take their place once all are there.
//!
//! Invariant: the rows of all keys up to the last one made are as of the view's position, as those of its day are.

use super::{
    evaluate::EvaluateError,
    materialise::{DayRows, Earlier, Materialisation},
};
use crate::{
    contract::key::Key,
    file::{
        store::{StoreError, clear_side},
        tables::{Meta, Quarantined, Record, Side},
    },
};
use kith_core::day::Day;
use redb::WriteTransaction;
use std::collections::HashMap;

/// The rows of the next day, as far as they are made. It is forgotten when the view is closed, and begun anew.
#[derive(Debug, Clone)]
pub(crate) struct DayTurn {
    day: Day,
    side: Side,
    /// The last key whose rows are made.
    after: Option<Key>,
    rows: u64,
    /// Keys that cannot be read as of the next day.
    unreadable: HashMap<Key, Quarantined>,
}

impl DayTurn {
    /// Begins with nothing, whatever an earlier turn left.
    pub(crate) fn begin(write: &WriteTransaction, meta: &Meta, day: Day) -> Result<Self, StoreError> {
        let side = meta.side.other();
        clear_side(write, side)?;
        Ok(Self { day, side, after: None, rows: 0, unreadable: HashMap::new() })
    }

    /// The next day.
    pub(crate) fn day(&self) -> Day {
        self.day
    }

    /// Makes the rows of this many more keys. Returns whether those of all keys are there.
    pub(crate) fn go_on(
        &mut self,
        materialisation: &mut Materialisation<'_>,
        mut keys: usize,
    ) -> Result<bool, EvaluateError> {
        while keys > 0 {
            let after = self.after;
            let (made, last) = materialisation.make_next(&mut self.rows(), after, keys)?;
            if last.is_none() {
                return Ok(true);
            }
            self.after = last;
            keys -= made;
        }
        Ok(false)
    }

    /// Makes the rows of changed keys again, if they were made already.
    pub(crate) fn remake(
        &mut self,
        materialisation: &mut Materialisation<'_>,
        mut changed: Vec<(Key, Record)>,
    ) -> Result<(), EvaluateError> {
        changed.retain(|(key, _)| Some(*key) <= self.after);
        materialisation.make(&mut self.rows(), Earlier::Replaced, &changed)
    }

    /// Puts the rows of the next day in the place of those of the view's day, once they are complete.
    pub(crate) fn finish(
        self,
        write: &WriteTransaction,
        meta: &mut Meta,
        quarantine: &mut HashMap<Key, Quarantined>,
    ) -> Result<(), StoreError> {
        clear_side(write, meta.side)?;
        *meta = Meta { day: Some(self.day), side: self.side, rows: self.rows, ..*meta };
        quarantine.retain(|_, quarantined| quarantined.at.is_some());
        for (key, quarantined) in self.unreadable {
            quarantine.entry(key).or_insert(quarantined);
        }
        Ok(())
    }

    fn rows(&mut self) -> DayRows<'_> {
        DayRows { day: self.day, side: self.side, rows: &mut self.rows, quarantine: &mut self.unreadable }
    }
}
