//! Between which values the rows of neighbouring keys lie, so that a query for the first rows of an order reads few of
//! them.
//!
//! Invariant: the bounds of a zone contain the values of all its rows. They may be wider: of a row that changes, the old
//! value goes on counting until the rows of another day are made.

use super::store::StoreError;
use crate::contract::{
    Field, FieldType, GuestValue,
    key::{Key, first},
};
use redb::{ReadableTable, Table};
use std::collections::{BTreeMap, btree_map::Entry};

/// Keys are in one zone if their first people differ in these low bits only.
const ZONE_BITS: u32 = 2;
/// Bytes of the bounds of one column.
const BOUNDS_BYTES: usize = 16;

/// A range of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Zone(u32);

impl Zone {
    pub(crate) fn of(key: Key) -> Self {
        Self(key.a >> ZONE_BITS)
    }

    /// Its first and last possible key.
    pub(crate) fn keys(self) -> (Key, Key) {
        let first = self.0 << ZONE_BITS;
        (Key { a: first, b: 0 }, Key { a: first | ((1 << ZONE_BITS) - 1), b: u32::MAX })
    }
}

/// The columns of a view whose values have bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounded(Vec<usize>);

impl Bounded {
    pub(crate) fn of(fields: &[Field]) -> Self {
        let is_bounded = |field: &Field| match field.of {
            FieldType::Number | FieldType::Integer | FieldType::Day => true,
            FieldType::Text | FieldType::Flag | FieldType::Person | FieldType::Event => false,
        };
        Self(fields.iter().enumerate().filter(|(_, field)| is_bounded(field)).map(|(index, _)| index).collect())
    }

    /// The place of a column among the bounded ones.
    pub(crate) fn place(&self, column: usize) -> Option<usize> {
        self.0.iter().position(|bounded| *bounded == column)
    }
}

/// The place of a value among those of its column; `None` if there is no value.
pub(crate) fn ordinal(value: &GuestValue) -> Option<u64> {
    const SIGN: u64 = 1 << 63;
    match value {
        // As `f64::total_cmp` orders them.
        GuestValue::Number(number) => {
            let bits = number.to_bits();
            Some(if bits & SIGN == 0 { bits | SIGN } else { !bits })
        }
        GuestValue::Integer(integer) => Some(integer.cast_unsigned() ^ SIGN),
        GuestValue::Day(day) => Some(i64::from(day.number()).cast_unsigned() ^ SIGN),
        GuestValue::None | GuestValue::Text(_) | GuestValue::Flag(_) | GuestValue::Person(_) | GuestValue::Event(_) => {
            None
        }
    }
}

/// The smallest and the largest value of a column in a zone, as ordinals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Bounds {
    /// Of no value.
    const NONE: Self = Self { min: u64::MAX, max: 0 };

    /// The bounds at a place in the record of a zone.
    pub(crate) fn read(record: &[u8], place: usize) -> Self {
        let bytes = &record[place * BOUNDS_BYTES..];
        Self { min: u64::from_le_bytes(first(bytes)), max: u64::from_le_bytes(first(&bytes[8..])) }
    }

    pub(crate) fn is_of_no_value(self) -> bool {
        self.min > self.max
    }

    fn widen(&mut self, value: u64) -> bool {
        let wider = Self { min: self.min.min(value), max: self.max.max(value) };
        std::mem::replace(self, wider) != wider
    }
}

/// Bounds that grow as rows are made.
pub(crate) struct Zones<'a> {
    bounded: &'a Bounded,
    touched: BTreeMap<Zone, Touched>,
}

struct Touched {
    bounds: Vec<Bounds>,
    is_changed: bool,
}

impl<'a> Zones<'a> {
    pub(crate) fn new(bounded: &'a Bounded) -> Self {
        Self { bounded, touched: BTreeMap::new() }
    }

    /// Takes in the values of a row.
    pub(crate) fn see(
        &mut self,
        table: &Table<'_, u32, &'static [u8]>,
        key: Key,
        values: &[GuestValue],
    ) -> Result<(), StoreError> {
        let (zone, columns) = (Zone::of(key), &self.bounded.0);
        let touched = match self.touched.entry(zone) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let known = table.get(zone.0)?;
                let bounds = match &known {
                    Some(record) => (0..columns.len()).map(|place| Bounds::read(record.value(), place)).collect(),
                    None => vec![Bounds::NONE; columns.len()],
                };
                place.insert(Touched { bounds, is_changed: known.is_none() })
            }
        };
        for (bounds, column) in touched.bounds.iter_mut().zip(columns) {
            if let Some(value) = values.get(*column).and_then(ordinal) {
                touched.is_changed |= bounds.widen(value);
            }
        }
        Ok(())
    }

    /// Writes the bounds that became wider.
    pub(crate) fn write(self, table: &mut Table<'_, u32, &'static [u8]>) -> Result<(), StoreError> {
        for (zone, touched) in self.touched {
            if touched.is_changed {
                let bounds = touched.bounds.iter().flat_map(|bounds| [bounds.min, bounds.max]);
                let record: Vec<u8> = bounds.flat_map(u64::to_le_bytes).collect();
                table.insert(zone.0, record.as_slice())?;
            }
        }
        Ok(())
    }
}

/// Every zone with the bounds at a place.
pub(crate) fn bounds_of(
    table: &impl ReadableTable<u32, &'static [u8]>,
    place: usize,
) -> Result<Vec<(Zone, Bounds)>, StoreError> {
    let zones = table.iter()?.map(|row| {
        let (zone, record) = row?;
        Ok((Zone(zone.value()), Bounds::read(record.value(), place)))
    });
    zones.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::row::compare_values;
    use kith_core::day::Day;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = (GuestValue, GuestValue)> {
        let number = any::<(f64, f64)>().prop_map(|(a, b)| (GuestValue::Number(a), GuestValue::Number(b)));
        let integer = any::<(i64, i64)>().prop_map(|(a, b)| (GuestValue::Integer(a), GuestValue::Integer(b)));
        let day = any::<(i32, i32)>().prop_map(|(a, b)| (GuestValue::Day(Day::new(a)), GuestValue::Day(Day::new(b))));
        prop_oneof![number, integer, day]
    }

    proptest! {
        #[test]
        fn ordinals_have_the_order_of_values((one, other) in value()) {
            prop_assert_eq!(ordinal(&one).cmp(&ordinal(&other)), compare_values(&one, &other));
        }

        #[test]
        fn a_key_is_among_those_of_its_zone(a in any::<u32>(), b in any::<u32>()) {
            let key = Key { a, b };
            let (first, last) = Zone::of(key).keys();
            prop_assert!(first <= key && key <= last);
            prop_assert_eq!((Zone::of(first), Zone::of(last)), (Zone::of(key), Zone::of(key)));
        }
    }
}
