//! Messages with fields of the right type and values that nobody expects, beside some that are in the log.

use crate::{mutation::mutate, schema::Schema};
use kith_tests::{events::met, random::Random};
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::{
    FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};

/// Messages within each other.
const DEPTH_MAX: usize = 6;
/// An event, which is bytes in the message that brings it.
const NEW_EVENT: &str = ".kith.v1.NewEvent";
/// Numbers at the edges.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    3,
    40,
    1_000,
    10_000,
    10_001,
    20_500,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
    0xffff_ffff_8000_0000,
];
/// Fields without which most calls are refused.
const NEEDED: [&str; 9] = ["network", "view", "name", "events", "event", "key", "person", "version", "builtin"];
const PEOPLE: [&str; 4] = ["amina", "ben", "carol", "nobody"];
const VIEWS: [&str; 7] =
    ["strength", "introductions", "follow_ups", "help", "keep_in_touch", "bridges", "who_should_meet"];
const KINDS: [&str; 5] = ["met", "retracted", "custom:org.example/visit", "meat", "newer:60"];
const SETTINGS: [&str; 4] = [r#"{"half_life_days":9}"#, "{}", "[[[[[[", r#"{"half_life_days":1e309}"#];

/// Makes messages for one call.
pub(crate) struct Maker<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) random: &'a mut Random,
    /// Ids of events that are in the log.
    pub(crate) events: &'a [Vec<u8>],
    /// Whether values are such that a call may well be answered.
    pub(crate) tame: bool,
}

impl Maker<'_> {
    /// The bytes of a message.
    pub(crate) fn message(&mut self, name: &str, depth: usize) -> Vec<u8> {
        let (schema, mut bytes) = (self.schema, Vec::new());
        if name == ".google.protobuf.Timestamp" && self.random.below(2) == 0 {
            put_number(&mut bytes, 1, 1_772_366_400 + self.random.number() % 1_000_000);
            return bytes;
        }
        if depth > DEPTH_MAX {
            return bytes;
        }
        for field in &schema.message(name).field {
            let count = self.count(field);
            (0..count).for_each(|_| self.field(&mut bytes, (name, field), depth));
        }
        bytes
    }

    /// How often a field is there.
    fn count(&mut self, field: &FieldDescriptorProto) -> usize {
        let is_list = field.label() == Label::Repeated;
        if self.tame {
            let is_needed = NEEDED.contains(&field.name());
            let is_there = self.random.below(8) < if is_needed { 7 } else { 1 };
            return if is_list { usize::from(is_there) * (1 + self.random.below(2)) } else { usize::from(is_there) };
        }
        match self.random.below(5) {
            0 => 0,
            _ if is_list => *self.random.pick(&[0, 1, 1, 2, 3, 70]),
            _ => 1,
        }
    }

    fn field(&mut self, bytes: &mut Vec<u8>, (message, field): (&str, &FieldDescriptorProto), depth: usize) {
        let number = u32::try_from(field.number()).expect("numbers of fields are small");
        match field.r#type() {
            Type::Message | Type::Group => {
                let value = self.message(field.type_name(), depth + 1);
                put_bytes(bytes, number, &value);
            }
            Type::String => {
                let value = self.text(field.name());
                put_bytes(bytes, number, value.as_bytes());
            }
            Type::Bytes => {
                let value = if message == NEW_EVENT && field.name() == "event" { self.event() } else { self.bytes() };
                put_bytes(bytes, number, &value);
            }
            Type::Double | Type::Fixed64 | Type::Sfixed64 => {
                encode_key(number, WireType::SixtyFourBit, bytes);
                bytes.extend_from_slice(&self.random.number().to_le_bytes());
            }
            Type::Float | Type::Fixed32 | Type::Sfixed32 => {
                encode_key(number, WireType::ThirtyTwoBit, bytes);
                bytes.extend_from_slice(&self.random.number().to_le_bytes()[..4]);
            }
            Type::Enum | Type::Bool => {
                let value = if self.random.below(8) == 0 { self.number() } else { self.random.number() % 8 };
                put_number(bytes, number, value);
            }
            Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Sint32 | Type::Sint64 => {
                let value = self.number();
                put_number(bytes, number, value);
            }
        }
    }

    fn number(&mut self) -> u64 {
        if self.tame {
            return *self.random.pick(&NUMBERS[..5]);
        }
        if self.random.below(6) == 0 { self.random.number() } else { *self.random.pick(&NUMBERS) }
    }

    /// A text that stands for something, more often than not.
    fn text(&mut self, field: &str) -> String {
        if !self.tame && self.random.below(5) == 0 {
            return self.wild_text();
        }
        let known: &[&str] = match field {
            "network" => &["default", "default", "default", "default", "n1", "nowhere"],
            "view" | "builtin" => &VIEWS,
            "name" => &["own", "strength", "n1", "n2", "default", "../up"],
            "organisation" | "organisations" => &["riverside", "hillside", ""],
            "kinds" | "kind" => &KINDS,
            "column" | "columns" => &["state", "state", "score", "ties", "colour"],
            "texts" => &["late", "open", "tie", ""],
            "sort" => &["score", "-score", "colour", "name", ""],
            "settings" => &SETTINGS,
            "version" => &["1.0.0", "", "9"],
            "page_token" => &["", "1", "7.20000.1", "-1", "00", "99999999999999999999"],
            "token" => &["tok_nothing", ""],
            _ => &PEOPLE,
        };
        (*self.random.pick(known)).to_owned()
    }

    fn wild_text(&mut self) -> String {
        let letter = *self.random.pick(&['x', 'é', '\u{1f469}', '\u{202e}', '\n', '\0', '\u{1b}', '/', '"', '9', ' ']);
        let count = *self.random.pick(&[0, 1, 2, 16, 64, 65, 128, 300, 5_000, 60_000]);
        letter.to_string().repeat(count)
    }

    fn bytes(&mut self) -> Vec<u8> {
        match self.random.below(4) {
            _ if self.tame => self.random.pick(self.events).clone(),
            0 => self.random.pick(self.events).clone(),
            _ => {
                let count = *self.random.pick(&[0, 1, 15, 16, 16, 17, 32, 32, 64, 20_000]);
                self.noise(count)
            }
        }
    }

    /// Any bytes.
    pub(crate) fn noise(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.random.number().to_le_bytes()[0]).collect()
    }

    fn event(&mut self) -> Vec<u8> {
        let mut event = match self.random.below(3) {
            _ if self.tame => return met(&["amina", "ben"]).encode(),
            0 => return met(&["amina", "ben"]).encode(),
            1 => met(&["amina", PEOPLE[self.random.below(PEOPLE.len())]]).encode(),
            _ => return self.message(".kith.v1.Event", 1),
        };
        mutate(&mut event, &[], self.random);
        event
    }
}

fn put_number(bytes: &mut Vec<u8>, field: u32, value: u64) {
    encode_key(field, WireType::Varint, bytes);
    encode_varint(value, bytes);
}

fn put_bytes(bytes: &mut Vec<u8>, field: u32, value: &[u8]) {
    encode_key(field, WireType::LengthDelimited, bytes);
    encode_varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}
