//! The row of an entry's details: sealed ones, and what is left of erased ones.
//!
//! Invariant: of an erased detail nothing is left but its kind and the position of the entry that erased it.

use crate::seal::{Sealed, kind_number, kind_of};
use kith_core::{
    detail::DetailKind,
    packed::{Reader, Writer},
    position::Position,
};

/// The number that stands in the place of a kind where a detail is erased.
const ERASED: u8 = 0;

/// A detail in the row of its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is there, sealed.
    Sealed(Sealed),
    /// It is gone.
    Erased {
        /// The kind that it was of.
        kind: DetailKind,
        /// Position of the entry that erased it.
        by: Position,
    },
}

impl Stored {
    /// The detail, unless it is erased.
    pub fn sealed(&self) -> Option<&Sealed> {
        match self {
            Self::Sealed(sealed) => Some(sealed),
            Self::Erased { .. } => None,
        }
    }

    /// Bytes that it takes in an answer.
    pub fn open_bytes(&self) -> usize {
        /// Bytes of an index and a position.
        const ERASED_BYTES: usize = 16;
        self.sealed().map_or(ERASED_BYTES, Sealed::open_bytes)
    }

    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Sealed(sealed) => sealed.write(writer),
            Self::Erased { kind, by } => writer.u8(ERASED).u8(kind_number(*kind)).u64(by.get()),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        match reader.u8()? {
            ERASED => {
                let kind = kind_of(reader.u8()?)?;
                Some(Self::Erased { kind, by: Position::new(reader.u64()?) })
            }
            number => Sealed::read(kind_of(number)?, reader).map(Self::Sealed),
        }
    }
}

/// The row of all details of an entry.
pub fn encode_all(details: &[Stored]) -> Vec<u8> {
    let count = u8::try_from(details.len()).expect("at most 8 details");
    details.iter().fold(Writer::default().u8(count), |writer, detail| detail.write(writer)).finish()
}

/// Undoes [`encode_all`]; `None` if the bytes are malformed.
pub fn decode_all(bytes: &[u8]) -> Option<Vec<Stored>> {
    let mut reader = Reader::new(bytes);
    let count = reader.u8()?;
    let details = (0..count).map(|_| Stored::read(&mut reader)).collect::<Option<_>>()?;
    reader.finish(details)
}

/// Erases those details of a row for which `by` gives the position of the entry that does. Returns how many it erased.
pub fn erase(details: &mut [Stored], by: impl Fn(usize, &Sealed) -> Option<Position>) -> usize {
    let mut count = 0;
    for (index, detail) in details.iter_mut().enumerate() {
        let Some(sealed) = detail.sealed() else { continue };
        if let Some(by) = by(index, sealed) {
            *detail = Stored::Erased { kind: sealed.kind, by };
            count += 1;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binding, SharedKey, new_key};
    use kith_core::{detail::Detail, id::PersonId};
    use proptest::prelude::*;
    use std::{collections::HashMap, sync::Arc};

    fn sealed(kind: DetailKind, person: &str, text: &str) -> Stored {
        let person: PersonId = person.parse().unwrap();
        let keys: HashMap<_, SharedKey> = [(person.clone(), Arc::new(new_key()))].into();
        let detail = Detail { kind, subjects: vec![person], text: text.into(), salt: [1; 32] };
        let event = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        Stored::Sealed(Sealed::seal(&detail, Binding { incarnation: [9; 16], event, index: 0 }, &keys))
    }

    #[test]
    fn rows_read_back_with_what_is_erased_in_them() {
        let mut row = vec![sealed(DetailKind::Name, "amina", "Amina"), sealed(DetailKind::Note, "ben", "spoke")];
        assert_eq!(decode_all(&encode_all(&row)).as_ref(), Some(&row));
        let ben: PersonId = "ben".parse().unwrap();
        let by = Position::new(7);
        let of_ben = |_: usize, detail: &Sealed| detail.subjects.contains(&ben).then_some(by);
        assert_eq!(erase(&mut row, of_ben), 1);
        assert_eq!(row[1], Stored::Erased { kind: DetailKind::Note, by });
        assert_eq!(erase(&mut row, of_ben), 0, "it is gone already");
        let bytes = encode_all(&row);
        assert_eq!(decode_all(&bytes).as_ref(), Some(&row));
        assert!(!bytes.windows(3).any(|part| part == b"ben"), "nothing tells whom it was about");
        for end in 0..bytes.len() {
            assert_eq!(decode_all(&bytes[..end]), None, "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_all(&bytes);
        }
    }
}
