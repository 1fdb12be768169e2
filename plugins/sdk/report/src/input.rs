//! The packed input of a report: the directory, and the rows of the views that the manifest names.
//!
//! Invariant: reading never goes beyond the bytes, and malformed input is an error, not a panic.

use kith_plugin_words::Malformed;

/// Version of the layout.
const LAYOUT: u16 = 1;
/// Bytes of a person.
const PERSON_BYTES: usize = 8;
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

/// Rows of one view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The rows, by key and item.
    pub rows: Vec<InputRow>,
}

/// A row of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct InputRow {
    /// The key's first person.
    pub a: u32,
    /// The key's second person; 0 if it has none.
    pub b: u32,
    /// The entry that the row is about; 0 for none.
    pub item: u64,
    /// A number for each column: a flag is 0 or 1; days, people and events are their numbers; a text is its index in
    /// the texts; an unknown value is NaN.
    pub values: Vec<f64>,
}

impl Input {
    /// Reads packed bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader(bytes);
        let (layout, person_bytes) = (u16::from_le_bytes(from.take()?), usize::from(u16::from_le_bytes(from.take()?)));
        if layout != LAYOUT || person_bytes < PERSON_BYTES {
            return Err(Malformed);
        }
        let [people, organisations, tables, texts] = [from.u32()?, from.u32()?, from.u32()?, from.u32()?];
        let mut input = Self { organisations, ..Self::default() };
        for _ in 0..people {
            let mut person = Reader(from.bytes(person_bytes)?);
            let (organisation, flags) = (person.u32()?, person.u32()?);
            input.people.push(Member { organisation, merged: flags & MERGED != 0 });
        }
        for _ in 0..tables {
            input.tables.push(from.table()?);
        }
        for _ in 0..texts {
            let length = from.u32()? as usize;
            let text = std::str::from_utf8(from.bytes(length)?).map_err(|_| Malformed)?;
            input.texts.push(text.to_owned());
        }
        if from.0.is_empty() { Ok(input) } else { Err(Malformed) }
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
        put_len(&mut out, table.rows.len());
        put_len(&mut out, table.rows.first().map_or(0, |row| row.values.len()));
        for row in &table.rows {
            out.extend_from_slice(&row.a.to_le_bytes());
            out.extend_from_slice(&row.b.to_le_bytes());
            out.extend_from_slice(&row.item.to_le_bytes());
            for value in &row.values {
                out.extend_from_slice(&value.to_le_bytes());
            }
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

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.take().map(u32::from_le_bytes)
    }

    fn table(&mut self) -> Result<Table, Malformed> {
        let (rows, columns) = (self.u32()?, self.u32()?);
        let mut table = Table::default();
        for _ in 0..rows {
            let (a, b, item) = (self.u32()?, self.u32()?, u64::from_le_bytes(self.take()?));
            let values = (0..columns).map(|_| self.take().map(f64::from_le_bytes)).collect::<Result<_, _>>()?;
            table.rows.push(InputRow { a, b, item, values });
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = InputRow> {
        let values = prop::collection::vec(-1e9..1e9_f64, 2);
        (any::<u32>(), any::<u32>(), any::<u64>(), values).prop_map(|(a, b, item, values)| InputRow {
            a,
            b,
            item,
            values,
        })
    }

    fn input() -> impl Strategy<Value = Input> {
        let member = (0..4_u32, any::<bool>()).prop_map(|(organisation, merged)| Member { organisation, merged });
        let table = prop::collection::vec(row(), 0..5).prop_map(|rows| Table { rows });
        let people = prop::collection::vec(member, 0..6);
        let texts = prop::collection::vec("\\PC{0,8}", 0..3);
        (people, 0..5_u32, prop::collection::vec(table, 0..3), texts)
            .prop_map(|(people, organisations, tables, texts)| Input { people, organisations, tables, texts })
    }

    proptest! {
        #[test]
        fn what_is_packed_reads_back(input in input()) {
            prop_assert_eq!(Input::parse(&encode_input(&input)), Ok(input));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Input::parse(&bytes);
        }

        #[test]
        fn cut_or_longer_input_is_refused(input in input(), cut in any::<prop::sample::Index>()) {
            let mut bytes = encode_input(&input);
            prop_assert_eq!(Input::parse(&bytes[..cut.index(bytes.len())]), Err(Malformed));
            bytes.push(0);
            prop_assert_eq!(Input::parse(&bytes), Err(Malformed));
        }
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
