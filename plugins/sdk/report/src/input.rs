//! The packed input of a report: the directory, and the rows of the views that the manifest names.
//!
//! Rows stay packed, so that a report of a million of them fits into little memory.
//! Invariant: reading never goes beyond the bytes, and malformed input is an error, not a panic.

use kith_plugin_words::Malformed;
use std::rc::Rc;

/// Version of the layout.
const LAYOUT: u16 = 2;
/// Bytes of a person.
const PERSON_BYTES: usize = 8;
/// Bytes of a row's key.
const KEY_BYTES: usize = 8;
/// Bytes of a row's item, in tables with items.
const ITEM_BYTES: usize = 8;
/// Bytes of a value.
const VALUE_BYTES: usize = 8;
/// The flag of a handle that means another person.
const MERGED: u32 = 1;

/// The input of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// People by handle, from 1: the first is handle 1.
    pub people: Vec<Member>,
    /// Number of organisations; their ordinals go from 1 to this.
    pub organisations: u32,
    /// The rows of each view, in the order of the manifest.
    pub tables: Vec<Table>,
    /// The texts that values refer to by index.
    pub texts: Vec<String>,
}

/// A person in the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Member {
    /// The ordinal of their organisation; 0 if they have none.
    pub organisation: u32,
    /// Whether the handle means another person, with whom this one was merged.
    pub merged: bool,
}

/// Rows of one view, by key and item.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Rows that the view has beside these, because a value of theirs is less than what the manifest asks for.
    pub left_out: u32,
    columns: usize,
    has_items: bool,
    /// The packed rows lie in these bytes, from `start`.
    bytes: Rc<Vec<u8>>,
    start: usize,
    rows: usize,
}

/// A row of a view.
#[derive(Clone, Copy, Debug)]
pub struct InputRow<'a> {
    /// The key's first person.
    pub a: u32,
    /// The key's second person; 0 if it has none.
    pub b: u32,
    /// The entry that the row is about; 0 for none.
    pub item: u64,
    values: &'a [u8],
}

impl InputRow<'_> {
    /// The values of the columns that the manifest names: a flag is 0 or 1; days, people and events are their numbers; a
    /// text is its index in the texts; an unknown value is NaN. Fails if their number is another.
    pub fn values<const N: usize>(&self) -> Result<[f64; N], String> {
        let columns = self.values.len() / VALUE_BYTES;
        if columns != N {
            return Err(format!("rows have {columns} columns, not the {N} that the report reads"));
        }
        Ok(std::array::from_fn(|column| number(&self.values[column * VALUE_BYTES..])))
    }

    /// All values, as [`InputRow::values`] describes them.
    pub fn all_values(&self) -> impl Iterator<Item = f64> {
        self.values.chunks_exact(VALUE_BYTES).map(number)
    }
}

impl PartialEq for InputRow<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.a, self.b, self.item, self.values) == (other.a, other.b, other.item, other.values)
    }
}

impl Table {
    /// A table of rows, which must have an equal number of values: `(a, b, item, values)`, by key and item.
    pub fn of<const N: usize>(rows: impl IntoIterator<Item = (u32, u32, u64, [f64; N])>) -> Self {
        let (mut bytes, mut count) = (Vec::new(), 0);
        for (a, b, item, values) in rows {
            bytes.extend_from_slice(&a.to_le_bytes());
            bytes.extend_from_slice(&b.to_le_bytes());
            bytes.extend_from_slice(&item.to_le_bytes());
            for value in values {
                bytes.extend_from_slice(&value.to_le_bytes());
            }
            count += 1;
        }
        Self { left_out: 0, columns: N, has_items: true, bytes: bytes.into(), start: 0, rows: count }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// A row by its number, from 0. Panics if there is none.
    pub fn row(&self, number: usize) -> InputRow<'_> {
        assert!(number < self.rows, "the table has {} rows", self.rows);
        let row_bytes = self.row_bytes();
        self.read(&self.bytes[self.start + number * row_bytes..][..row_bytes])
    }

    /// The rows, each with its number, by which evidence names it.
    pub fn rows(&self) -> impl Iterator<Item = (u32, InputRow<'_>)> + Clone {
        let row_bytes = self.row_bytes();
        let rows = &self.bytes[self.start..][..self.rows * row_bytes];
        (0..).zip(rows.chunks_exact(row_bytes).map(|row| self.read(row)))
    }

    fn read<'a>(&self, row: &'a [u8]) -> InputRow<'a> {
        let item_bytes = if self.has_items { ITEM_BYTES } else { 0 };
        let (item, values) = row[KEY_BYTES..].split_at(item_bytes);
        let handle = |at: usize| u32::from_le_bytes(row[at..at + 4].try_into().expect("a handle has 4 bytes"));
        let item = item.try_into().map_or(0, u64::from_le_bytes);
        InputRow { a: handle(0), b: handle(4), item, values }
    }

    fn row_bytes(&self) -> usize {
        KEY_BYTES + if self.has_items { ITEM_BYTES } else { 0 } + self.columns * VALUE_BYTES
    }
}

/// Equal rows, however they are packed.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        (self.left_out, self.columns, self.rows) == (other.left_out, other.columns, other.rows)
            && self.rows().eq(other.rows())
    }
}

fn number(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes[..VALUE_BYTES].try_into().expect("a value has 8 bytes"))
}

impl Input {
    /// Reads packed bytes.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Malformed> {
        let bytes = Rc::new(bytes);
        let mut from = Reader { all: &bytes, at: 0 };
        let (layout, person_bytes) = (u16::from_le_bytes(from.take()?), usize::from(u16::from_le_bytes(from.take()?)));
        if layout != LAYOUT || person_bytes < PERSON_BYTES {
            return Err(Malformed);
        }
        let [people, organisations, tables, texts] = [from.u32()?, from.u32()?, from.u32()?, from.u32()?];
        let mut input = Self { organisations, ..Self::default() };
        let people = from.bytes((people as usize).checked_mul(person_bytes).ok_or(Malformed)?)?;
        input.people.extend(people.chunks_exact(person_bytes).map(|person| {
            let of = |at: usize| u32::from_le_bytes(person[at..at + 4].try_into().expect("a number has 4 bytes"));
            Member { organisation: of(0), merged: of(4) & MERGED != 0 }
        }));
        for _ in 0..tables {
            input.tables.push(from.table(&bytes)?);
        }
        for _ in 0..texts {
            let length = from.u32()? as usize;
            let text = std::str::from_utf8(from.bytes(length)?).map_err(|_| Malformed)?;
            input.texts.push(text.to_owned());
        }
        if from.at == bytes.len() { Ok(input) } else { Err(Malformed) }
    }

    /// A person by their handle; an unknown one belongs to no organisation.
    pub fn member(&self, handle: u32) -> Member {
        let place = (handle as usize).checked_sub(1);
        place.and_then(|place| self.people.get(place)).copied().unwrap_or_default()
    }

    /// Number of people of each organisation, by ordinal from 0 (those who belong to none).
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![0; self.organisations as usize + 1];
        for member in self.people.iter().filter(|member| !member.merged) {
            if let Some(size) = sizes.get_mut(member.organisation as usize) {
                *size += 1;
            }
        }
        sizes
    }

    /// The text that a value refers to.
    pub fn text(&self, value: f64) -> Option<&str> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "places are small whole numbers")]
        let place = value as usize;
        if value >= 0.0 { self.texts.get(place).map(String::as_str) } else { None }
    }
}

/// Packs an input, as the host does.
pub fn encode_input(input: &Input) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&LAYOUT.to_le_bytes());
    out.extend_from_slice(&8_u16.to_le_bytes());
    let counts = [input.people.len(), input.organisations as usize, input.tables.len(), input.texts.len()];
    for count in counts {
        put_len(&mut out, count);
    }
    for member in &input.people {
        out.extend_from_slice(&member.organisation.to_le_bytes());
        out.extend_from_slice(&(if member.merged { MERGED } else { 0 }).to_le_bytes());
    }
    for table in &input.tables {
        let has_items = table.rows().any(|(_, row)| row.item != 0);
        let counts = [table.rows, table.columns, if has_items { ITEM_BYTES } else { 0 }, table.left_out as usize];
        for count in counts {
            put_len(&mut out, count);
        }
        for (_, row) in table.rows() {
            out.extend_from_slice(&row.a.to_le_bytes());
            out.extend_from_slice(&row.b.to_le_bytes());
            if has_items {
                out.extend_from_slice(&row.item.to_le_bytes());
            }
            out.extend_from_slice(row.values);
        }
    }
    for text in &input.texts {
        put_len(&mut out, text.len());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

fn put_len(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32::try_from(length).expect("inputs are far below 4 GiB").to_le_bytes());
}

struct Reader<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(length).ok_or(Malformed)?;
        let taken = self.all.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_le_bytes)
    }

    fn table(&mut self, bytes: &Rc<Vec<u8>>) -> Result<Table, Malformed> {
        let [rows, columns, item_bytes, left_out] = [self.u32()?, self.u32()?, self.u32()?, self.u32()?];
        let has_items = match item_bytes as usize {
            0 => false,
            ITEM_BYTES => true,
            _ => return Err(Malformed),
        };
        let columns = columns as usize;
        if columns > self.all.len() {
            return Err(Malformed);
        }
        let (bytes, start) = (Rc::clone(bytes), self.at);
        let table = Table { left_out, columns, has_items, bytes, start, rows: rows as usize };
        self.bytes(table.rows.checked_mul(table.row_bytes()).ok_or(Malformed)?)?;
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table() -> impl Strategy<Value = Table> {
        let row = (any::<u32>(), any::<u32>(), any::<u64>(), prop::array::uniform2(-1e9..1e9_f64));
        (prop::collection::vec(row, 0..5), any::<bool>(), any::<u32>()).prop_map(|(mut rows, has_items, left_out)| {
            if !has_items {
                for row in &mut rows {
                    row.2 = 0;
                }
            }
            Table { left_out, ..Table::of(rows) }
        })
    }

    fn input() -> impl Strategy<Value = Input> {
        let member = (0..4_u32, any::<bool>()).prop_map(|(organisation, merged)| Member { organisation, merged });
        let people = prop::collection::vec(member, 0..6);
        let texts = prop::collection::vec("\\PC{0,8}", 0..3);
        (people, 0..5_u32, prop::collection::vec(table(), 0..3), texts)
            .prop_map(|(people, organisations, tables, texts)| Input { people, organisations, tables, texts })
    }

    proptest! {
        #[test]
        fn what_is_packed_reads_back(input in input()) {
            prop_assert_eq!(Input::parse(encode_input(&input)), Ok(input));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Input::parse(bytes);
        }

        #[test]
        fn any_counts_are_read_or_refused(counts in prop::collection::vec(any::<u32>(), 5), bytes in any::<[u8; 32]>()) {
            let head = [LAYOUT.to_le_bytes(), 8_u16.to_le_bytes()].concat();
            let counts = counts.into_iter().flat_map(u32::to_le_bytes);
            let _ = Input::parse(head.into_iter().chain([0; 8]).chain(counts).chain(bytes).collect());
        }

        #[test]
        fn cut_or_longer_input_is_refused(input in input(), cut in any::<prop::sample::Index>()) {
            let mut bytes = encode_input(&input);
            prop_assert_eq!(Input::parse(bytes[..cut.index(bytes.len())].to_vec()), Err(Malformed));
            bytes.push(0);
            prop_assert_eq!(Input::parse(bytes), Err(Malformed));
        }
    }

    #[test]
    fn rows_read_as_the_report_asks_for_them() {
        let table = Table::of([(1, 2, 0, [0.5, f64::NAN]), (1, 3, 7, [2.0, 3.0])]);
        let [(0, first), (1, second)] = table.rows().collect::<Vec<_>>()[..] else { panic!("two rows") };
        assert_eq!((first.a, first.b, first.item, second.item), (1, 2, 0, 7));
        assert_eq!(table.row(1).values(), Ok([2.0, 3.0]));
        assert!(first.values::<2>().unwrap()[1].is_nan());
        assert_eq!(first.values::<1>(), Err("rows have 2 columns, not the 1 that the report reads".to_owned()));
    }

    #[test]
    fn merged_people_count_nowhere() {
        let member = |organisation, merged| Member { organisation, merged };
        let people = vec![member(1, false), member(1, true), member(0, false), member(2, false)];
        let input = Input { people, organisations: 2, ..Input::default() };
        assert_eq!(input.sizes(), [1, 1, 1]);
        assert_eq!(
            (input.member(4).organisation, input.member(0), input.member(9)),
            (2, Member::default(), Member::default())
        );
    }
}
