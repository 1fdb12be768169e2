//! What a plugin sees of an event: ids, kinds, times, numbers and attributes. No names, no notes.

use crate::pack::{Packer, Unpacker};
use kith_plugin_words::{Day, Malformed, Person, Position};

/// The extra with the category of `asked` and `helped`.
pub(crate) const CATEGORY: &str = "@category";

/// The extra with the position of the `referred` that an `answered` names.
pub(crate) const REFERRAL: &str = "@referral";

/// What events are grouped by. For a pair `a` is the smaller handle; for one person `b` is nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The first person, or the one an event comes from.
    pub a: Person,
    /// The second person, or the one an event goes to.
    pub b: Person,
}

impl Key {
    /// The key of an unordered pair.
    pub fn pair(one: u32, other: u32) -> Self {
        Self { a: Person(one.min(other)), b: Person(one.max(other)) }
    }

    /// Whether the person is one of the two.
    pub fn has(self, person: Person) -> bool {
        person != Person::NOBODY && (person == self.a || person == self.b)
    }
}

/// How an introduction was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The introduction is welcome.
    Accepted,
    /// The introduction is not wanted.
    Declined,
    /// The two have met.
    Met,
}

/// An event as a key sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// Its position in the log.
    pub position: Position,
    /// When it happened: milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// Who acts: `by`, `helper`, `referrer`.
    pub actor: Person,
    /// Who is acted upon: `with`, `helped`, `person` or `to`.
    pub subject: Person,
    /// `referred` under an introduced pair: the referrer. `answered`: who answered.
    pub third: Person,
    /// Number of people in the event besides the one it is seen by.
    pub others: u32,
    /// Its index in the manifest's routes.
    pub kind: u16,
    /// Low 2 bits: the answer; the others are reserved.
    pub flags: u16,
    /// Attributes and the values that the host adds.
    pub extras: Extras<'a>,
}

impl<'a> Event<'a> {
    /// The UTC day it happened on.
    pub fn day(&self) -> Day {
        Day::of_ms(self.at)
    }

    /// The answer of an `answered`.
    pub fn answer(&self) -> Option<Answer> {
        match self.flags & 3 {
            1 => Some(Answer::Accepted),
            2 => Some(Answer::Declined),
            3 => Some(Answer::Met),
            _ => None,
        }
    }

    /// The position of the `referred` that an `answered` names.
    pub fn referral(&self) -> Option<Position> {
        match self.extras.find(REFERRAL)? {
            Extra::Integer(position) => u64::try_from(position).ok().map(Position),
            Extra::Number(_) | Extra::Flag(_) | Extra::Text(_) => None,
        }
    }

    /// The category of an `asked` or `helped`, if it has one.
    pub fn category(&self) -> Option<&'a str> {
        match self.extras.find(CATEGORY)? {
            Extra::Text(category) => Some(category),
            Extra::Integer(_) | Extra::Number(_) | Extra::Flag(_) => None,
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<Extra<'a>> {
        self.extras.find(key)
    }
}

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extra<'a> {
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Text.
    Text(&'a str),
}

/// The values an event carries in addition to its fields, sorted by key. Always well formed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras<'a>(&'a [u8]);

impl<'a> Extras<'a> {
    /// Reads a packed list, as [`encode_extras`](crate::batch::encode_extras) makes it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut from = Unpacker::new(bytes);
        let mut last = "";
        while !from.is_empty() {
            let (key, _) = take_extra(&mut from)?;
            if key <= last {
                return Err(Malformed);
            }
            last = key;
        }
        Ok(Self(bytes))
    }

    /// The value under a key.
    pub fn find(self, key: &str) -> Option<Extra<'a>> {
        self.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// All keys and values, in the order of the keys' bytes.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Extra<'a>)> {
        let mut from = Unpacker::new(self.0);
        std::iter::from_fn(move || take_extra(&mut from).ok())
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

fn take_extra<'a>(from: &mut Unpacker<'a>) -> Result<(&'a str, Extra<'a>), Malformed> {
    let key_bytes = from.take_u16()?;
    let key = from.take_text(usize::from(key_bytes))?;
    let value = match from.take_u8()? {
        1 => Extra::Integer(from.take_u64()?.cast_signed()),
        2 => Extra::Number(f64::from_bits(from.take_u64()?)),
        3 => match from.take_u64()? {
            0 => Extra::Flag(false),
            1 => Extra::Flag(true),
            _ => return Err(Malformed),
        },
        4 => {
            let text_bytes = from.take_u32()?;
            Extra::Text(from.take_text(text_bytes as usize)?)
        }
        _ => return Err(Malformed),
    };
    Ok((key, value))
}

pub(crate) fn put_extra(out: &mut Packer, key: &str, value: Extra<'_>) {
    out.put_u16(u16::try_from(key.len()).expect("a key is at most 64 bytes"));
    out.put_bytes(key.as_bytes());
    match value {
        Extra::Integer(integer) => {
            out.put_u8(1);
            out.put_u64(integer.cast_unsigned());
        }
        Extra::Number(number) => {
            out.put_u8(2);
            out.put_u64(number.to_bits());
        }
        Extra::Flag(flag) => {
            out.put_u8(3);
            out.put_u64(u64::from(flag));
        }
        Extra::Text(text) => {
            out.put_u8(4);
            out.put_u32(u32::try_from(text.len()).expect("a text is at most 256 bytes"));
            out.put_bytes(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_in_no_key() {
        let single = Key { a: Person(4), b: Person::NOBODY };
        assert!(single.has(Person(4)) && !single.has(Person::NOBODY));
        assert_eq!(Key::pair(9, 3), Key { a: Person(3), b: Person(9) });
    }

    #[test]
    fn the_low_two_flags_are_the_answer() {
        let answer = |flags| Event { flags, ..Event::default() }.answer();
        assert_eq!(answer(0), None);
        assert_eq!(answer(1), Some(Answer::Accepted));
        assert_eq!(answer(2), Some(Answer::Declined));
        assert_eq!(answer(0xfff3), Some(Answer::Met));
    }
}
