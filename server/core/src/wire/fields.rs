//! Reads protobuf messages, accepting only the bytes that an encoder would write.
//!
//! Invariant: a message that is read to its [`end`](Fields::end) has its fields in order of number, each once unless
//! repeated, no unknown fields, no encoded defaults and no padded numbers: encoding what was read gives the same bytes.
//! The format is that of <https://protobuf.dev/programming-guides/encoding>.

use crate::invalid::{Invalid, Problem};

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;

/// Keys below this fit two bytes: those of fields up to 2,047.
const KEY_END: u32 = 0x4000;

/// The fields of a message that have not been read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'b> {
    rest: &'b [u8],
    version: Version,
}

/// Which version wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// This version's: every field is known.
    This,
    /// Perhaps a later one's: more fields may follow the known ones.
    Later,
}

type Read<T> = Result<T, Invalid>;

impl<'b> Fields<'b> {
    /// All fields of a message.
    pub(super) fn new(message: &'b [u8]) -> Self {
        Self { rest: message, version: Version::This }
    }

    /// All fields of a message that a later version may have written, and of the messages in it: fields after those
    /// that are read need only be well formed.
    pub(super) fn of_later_version(message: &'b [u8]) -> Self {
        Self { rest: message, version: Version::Later }
    }

    /// Whether a later version may have written it.
    pub(super) fn is_of_later_version(self) -> bool {
        self.version == Version::Later
    }

    /// Bytes; empty if the field is absent.
    pub(super) fn bytes(&mut self, number: u32) -> Read<&'b [u8]> {
        match self.next_bytes(number)? {
            Some([]) => Err(not_canonical()),
            bytes => Ok(bytes.unwrap_or_default()),
        }
    }

    /// Text; empty if the field is absent.
    pub(super) fn text(&mut self, number: u32) -> Read<&'b str> {
        utf8(self.bytes(number)?)
    }

    /// A number that fits 64 bits; 0 if the field is absent.
    pub(super) fn unsigned(&mut self, number: u32) -> Read<u64> {
        match self.next_varint(number)? {
            Some(0) => Err(not_canonical()),
            value => Ok(value.unwrap_or_default()),
        }
    }

    /// A number of type int64; 0 if the field is absent.
    pub(super) fn signed(&mut self, number: u32) -> Read<i64> {
        Ok(self.unsigned(number)?.cast_signed())
    }

    /// A number of type int32 or an enum's value; 0 if the field is absent.
    pub(super) fn small(&mut self, number: u32) -> Read<i32> {
        i32::try_from(self.signed(number)?).map_err(|_| not_canonical())
    }

    /// A flag; false if the field is absent.
    pub(super) fn flag(&mut self, number: u32) -> Read<bool> {
        match self.unsigned(number)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(not_canonical()),
        }
    }

    /// Every item of a repeated field of bytes.
    pub(super) fn repeated(&mut self, number: u32) -> Read<Vec<&'b [u8]>> {
        let mut items = Vec::new();
        while let Some(item) = self.next_bytes(number)? {
            items.push(item);
        }
        Ok(items)
    }

    /// Every item of a repeated field of text.
    pub(super) fn texts(&mut self, number: u32) -> Read<Vec<&'b str>> {
        let mut items = Vec::new();
        while let Some(item) = self.next_bytes(number)? {
            items.push(utf8(item)?);
        }
        Ok(items)
    }

    /// Every item of a repeated field of numbers, which proto3 packs into one.
    pub(super) fn packed(&mut self, number: u32) -> Read<Vec<u64>> {
        let mut items = Self { rest: self.bytes(number)?, version: self.version };
        let mut numbers = Vec::new();
        while !items.rest.is_empty() {
            numbers.push(items.take_varint()?);
        }
        Ok(numbers)
    }

    /// A message, if the field is present.
    pub(super) fn message(&mut self, number: u32) -> Read<Option<Self>> {
        let version = self.version;
        Ok(self.next_bytes(number)?.map(|rest| Self { rest, version }))
    }

    /// Every item of a repeated field of messages.
    pub(super) fn messages(&mut self, number: u32) -> Read<Vec<Self>> {
        let version = self.version;
        Ok(self.repeated(number)?.into_iter().map(|rest| Self { rest, version }).collect())
    }

    /// The bytes that have not been read yet.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// Bytes of a field with explicit presence, such as a member of a oneof.
    pub(super) fn next_bytes(&mut self, number: u32) -> Read<Option<&'b [u8]>> {
        if !self.take_key(number, LENGTH_DELIMITED) {
            return Ok(None);
        }
        let length = usize::try_from(self.take_varint()?).map_err(|_| not_canonical())?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(not_canonical)?;
        self.rest = rest;
        Ok(Some(bytes))
    }

    /// Text of a field with explicit presence.
    pub(super) fn next_text(&mut self, number: u32) -> Read<Option<&'b str>> {
        self.next_bytes(number)?.map(utf8).transpose()
    }

    /// A number of a field with explicit presence.
    pub(super) fn next_varint(&mut self, number: u32) -> Read<Option<u64>> {
        if !self.take_key(number, VARINT) {
            return Ok(None);
        }
        self.take_varint().map(Some)
    }

    /// A double of a field with explicit presence.
    pub(super) fn next_double(&mut self, number: u32) -> Read<Option<f64>> {
        if !self.take_key(number, FIXED64) {
            return Ok(None);
        }
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(not_canonical)?;
        self.rest = rest;
        Ok(Some(f64::from_le_bytes(*bytes)))
    }

    /// The number of the next field, if it holds bytes, text or a message.
    pub(super) fn peek(&self) -> Option<u32> {
        let mut ahead = *self;
        let key = u32::try_from(ahead.take_varint().ok()?).ok()?;
        (key & 7 == LENGTH_DELIMITED && key < KEY_END).then_some(key >> 3)
    }

    /// Ends the message: every field has been read or belongs to a later version.
    pub(super) fn end(mut self) -> Read<()> {
        while self.is_of_later_version() && !self.rest.is_empty() {
            self.pass_over()?;
        }
        if self.rest.is_empty() { Ok(()) } else { Err(not_canonical()) }
    }

    /// Skips one field of any type.
    fn pass_over(&mut self) -> Read<()> {
        let bytes = match self.take_varint()? & 7 {
            0 => return self.take_varint().map(drop),
            1 => 8,
            2 => usize::try_from(self.take_varint()?).map_err(|_| not_canonical())?,
            5 => 4,
            _ => return Err(not_canonical()),
        };
        self.rest = self.rest.get(bytes..).ok_or_else(not_canonical)?;
        Ok(())
    }

    /// Reads a field's key if it comes next; if so, its value follows.
    fn take_key(&mut self, number: u32, wire_type: u32) -> bool {
        let key = number << 3 | wire_type;
        let [low, high, ..] = key.to_le_bytes();
        let rest = match key {
            ..0x80 => self.rest.strip_prefix(&[low]),
            0x80..KEY_END => self.rest.strip_prefix(&[low | 0x80, high << 1 | low >> 7]),
            // No field of an event has such a number.
            KEY_END.. => None,
        };
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// A number in as few bytes as possible, seven bits in each, the lowest first.
    fn take_varint(&mut self) -> Read<u64> {
        if let [byte @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        let mut value = 0;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                let is_padded = *byte == 0;
                let is_too_large = index == 9 && *byte > 1;
                if is_padded || is_too_large {
                    return Err(not_canonical());
                }
                self.rest = &self.rest[index + 1..];
                return Ok(value);
            }
        }
        Err(not_canonical())
    }
}

fn utf8(bytes: &[u8]) -> Read<&str> {
    std::str::from_utf8(bytes).map_err(|_| not_canonical())
}

fn not_canonical() -> Invalid {
    Invalid::new("event", Problem::NotCanonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_proto::v1;
    use proptest::prelude::*;
    use prost::Message;

    proptest! {
        #[test]
        fn numbers_are_read_in_their_shortest_form_only(value in any::<u64>(), shift in 0_u32..64, more in 1_usize..4) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            prost::encoding::encode_varint(value, &mut bytes);
            let mut fields = Fields::new(&bytes);
            prop_assert_eq!(fields.take_varint(), Ok(value));
            prop_assert_eq!(fields.end(), Ok(()));
            let last = bytes.len() - 1;
            bytes[last] |= 0x80;
            bytes.extend(std::iter::repeat_n(0x80, more - 1));
            bytes.push(0);
            prop_assert!(Fields::new(&bytes).take_varint().is_err());
        }

        #[test]
        fn a_message_is_read_exactly_if_encoding_it_gives_the_same_bytes(
            mut bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..24),
                (any::<u64>(), any::<bool>(), any::<i32>(), "\\PC{0,3}").prop_map(|(lost_head, held, role, text)| {
                    let mut bytes = v1::LogRestored { lost_head, ..Default::default() }.encode_to_vec();
                    bytes.extend(v1::HoldChanged { held, reason: text, ..Default::default() }.encode_to_vec());
                    bytes.extend(v1::MemberChanged { role, ..Default::default() }.encode_to_vec());
                    bytes
                }),
            ],
            cut in any::<prop::sample::Index>(),
        ) {
            bytes.truncate(cut.index(bytes.len() + 1));
            let same = |encoded: Vec<u8>| encoded == bytes;
            let hold = v1::HoldChanged::decode(&bytes[..]).is_ok_and(|hold| same(hold.encode_to_vec()));
            prop_assert_eq!(read_hold(Fields::new(&bytes)).is_ok(), hold);
            let restored = v1::LogRestored::decode(&bytes[..]).is_ok_and(|restored| same(restored.encode_to_vec()));
            prop_assert_eq!(read_restored(Fields::new(&bytes)).is_ok(), restored);
            let member = v1::MemberChanged::decode(&bytes[..]).is_ok_and(|member| same(member.encode_to_vec()));
            prop_assert_eq!(read_member(Fields::new(&bytes)).is_ok(), member);
        }
    }

    fn read_hold(mut fields: Fields<'_>) -> Read<()> {
        let _read = (fields.text(1)?, fields.flag(2)?, fields.text(3)?);
        fields.end()
    }

    fn read_restored(mut fields: Fields<'_>) -> Read<()> {
        let _read = (fields.bytes(1)?, fields.unsigned(2)?, fields.bytes(3)?);
        fields.end()
    }

    fn read_member(mut fields: Fields<'_>) -> Read<()> {
        let _read = (fields.text(1)?, fields.small(2)?, fields.text(3)?, fields.text(4)?);
        fields.end()
    }

    #[test]
    fn keys_have_one_byte_or_two() {
        for number in 1..2_048 {
            let mut bytes = Vec::new();
            prost::encoding::bool::encode(number, &true, &mut bytes);
            let mut fields = Fields::new(&bytes);
            assert_eq!((fields.flag(number - 1), fields.flag(number)), (Ok(false), Ok(true)), "{number}");
            assert_eq!(fields.end(), Ok(()));
        }
    }

    #[test]
    fn fields_out_of_order_or_of_another_type_are_not_there() {
        let mut fields = Fields::new(&[0x12, 0x01, b'b', 0x0a, 0x01, b'a']);
        assert_eq!(fields.peek(), Some(2));
        assert_eq!((fields.text(1), fields.text(2)), (Ok(""), Ok("b")));
        assert!(fields.end().is_err());
        let mut number = Fields::new(&[0x08, 0x05]);
        assert_eq!((number.peek(), number.text(1), number.unsigned(1)), (None, Ok(""), Ok(5)));
        assert_eq!(number.end(), Ok(()));
    }
}
