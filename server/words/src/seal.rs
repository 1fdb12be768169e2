//! Details at rest: salt and text, sealed under a key derived from the keys of all subjects.
//!
//! Invariant: neither salt nor text can be opened unless the keys of all subjects are known. The seal is bound to the
//! log, the event and the index of the detail in it, so that no row can replace another.

use crate::{
    cipher,
    key::{KEY_BYTES, Key},
    keys::{Incarnation, SharedKey},
};
use hkdf::Hkdf;
use kith_core::{
    detail::{Detail, DetailKind},
    id::{EventId, PersonId},
    limits,
    packed::{Reader, Writer},
};
use sha2::Sha256;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// Separates keys of details from all other keys.
const KEY_DOMAIN: &[u8] = b"kith/detail-key/1";

/// A detail as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The kind of detail.
    pub kind: DetailKind,
    /// The people it is about: sorted, as in the detail.
    pub subjects: Vec<PersonId>,
    /// Nonce, then salt and text, encrypted.
    cipher_text: Vec<u8>,
}

/// What the seal of a detail is bound to: the place where it belongs.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// The log.
    pub incarnation: Incarnation,
    /// The event.
    pub event: EventId,
    /// Index among the event's details.
    pub index: usize,
}

impl Sealed {
    /// Seals a detail. Needs the keys of all its subjects.
    pub fn seal(detail: &Detail, binding: Binding, keys: &HashMap<PersonId, SharedKey>) -> Self {
        let mut sealed = Self { kind: detail.kind, subjects: detail.subjects.clone(), cipher_text: Vec::new() };
        let key = sealed.key(binding, keys).expect("the caller brings the keys of all subjects");
        let plain = Zeroizing::new([detail.salt.as_slice(), detail.text.as_bytes()].concat());
        sealed.cipher_text = cipher::seal(&key, &sealed.context(binding), &plain);
        sealed
    }

    /// Bytes that it takes when opened: more than its encoded message, as each subject is a string of its own.
    pub fn open_bytes(&self) -> usize {
        /// Bytes of a string in addition to its characters.
        const TEXT_BYTES: usize = 48;
        self.cipher_text.len() + self.subjects.iter().map(|subject| subject.as_str().len() + TEXT_BYTES).sum::<usize>()
    }

    /// Opens it; `None` if the key of a subject is missing, or the seal belongs to another place or is broken.
    pub fn open(&self, binding: Binding, keys: &HashMap<PersonId, SharedKey>) -> Option<Detail> {
        let key = self.key(binding, keys)?;
        let plain = cipher::open(&key, &self.context(binding), &self.cipher_text)?;
        let (salt, text) = plain.split_first_chunk::<{ limits::DETAIL_SALT_BYTES }>()?;
        let text = std::str::from_utf8(text).ok()?.to_owned();
        Some(Detail { kind: self.kind, subjects: self.subjects.clone(), text, salt: *salt })
    }

    /// Whether `keys` has the keys of all subjects.
    pub fn has_keys(&self, keys: &HashMap<PersonId, SharedKey>) -> bool {
        self.subjects.iter().all(|subject| keys.contains_key(subject))
    }

    /// HKDF-SHA256 (RFC 5869) of the subjects' keys one after the other, salted with the incarnation.
    fn key(&self, binding: Binding, keys: &HashMap<PersonId, SharedKey>) -> Option<Key> {
        let mut material = Zeroizing::new(Vec::with_capacity(self.subjects.len() * KEY_BYTES));
        for subject in &self.subjects {
            material.extend_from_slice(keys.get(subject)?.as_slice());
        }
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let parts = [KEY_DOMAIN, binding.event.as_bytes(), &[binding.number()]];
        let derived = Hkdf::<Sha256>::new(Some(&binding.incarnation), &material);
        derived.expand_multi_info(&parts, key.as_mut_slice()).expect("32 bytes are a valid length");
        Some(key)
    }

    fn context(&self, binding: Binding) -> Vec<u8> {
        let writer = Writer::default().bytes(&binding.incarnation).bytes(binding.event.as_bytes()).u8(binding.number());
        self.write_outline(writer).finish()
    }

    fn write_outline(&self, writer: Writer) -> Writer {
        let count = u8::try_from(self.subjects.len()).expect("at most 64 subjects");
        let writer = writer.u8(kind_number(self.kind)).u8(count);
        self.subjects.iter().fold(writer, |writer, subject| writer.short(subject.as_str().as_bytes()))
    }
}

impl Binding {
    fn number(&self) -> u8 {
        u8::try_from(self.index).expect("at most 8 details")
    }
}

impl Sealed {
    /// Writes it as part of a row.
    pub(crate) fn write(&self, writer: Writer) -> Writer {
        self.write_outline(writer).short(&self.cipher_text)
    }

    /// Reads what [`Sealed::write`] wrote after the number of its kind; `None` if the bytes are malformed.
    pub(crate) fn read(kind: DetailKind, reader: &mut Reader<'_>) -> Option<Self> {
        let count = reader.u8()?;
        let subjects = (0..count).map(|_| reader.text()).collect::<Option<_>>()?;
        Some(Self { kind, subjects, cipher_text: reader.short()?.to_vec() })
    }
}

const KINDS: [DetailKind; 5] =
    [DetailKind::Name, DetailKind::Contact, DetailKind::Note, DetailKind::Place, DetailKind::Words];

/// Numbers of kinds on disk; never changed.
pub(crate) fn kind_number(kind: DetailKind) -> u8 {
    match kind {
        DetailKind::Name => 1,
        DetailKind::Contact => 2,
        DetailKind::Note => 3,
        DetailKind::Place => 4,
        DetailKind::Words => 5,
        DetailKind::Newer(number) => number,
    }
}

/// The kind of a number on disk; an unknown number was written by a later version.
pub(crate) fn kind_of(number: u8) -> Option<DetailKind> {
    let known = KINDS.into_iter().find(|kind| kind_number(*kind) == number);
    (number != 0).then(|| known.unwrap_or(DetailKind::Newer(number)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::new_key;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn binding(index: usize) -> Binding {
        let event = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        Binding { incarnation: [9; 16], event, index }
    }

    fn detail() -> impl Strategy<Value = Detail> {
        let subjects = proptest::collection::btree_set("[a-z]{1,64}", 1..64);
        (0..KINDS.len(), subjects, ".{1,1000}", any::<[u8; 32]>()).prop_map(|(kind, subjects, text, salt)| Detail {
            kind: KINDS[kind],
            subjects: subjects.iter().map(|id| id.parse().unwrap()).collect(),
            text,
            salt,
        })
    }

    fn keys_of(detail: &Detail) -> HashMap<PersonId, SharedKey> {
        detail.subjects.iter().map(|person| (person.clone(), Arc::new(new_key()))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn opens_with_every_key_and_with_no_fewer(detail in detail(), other in 0_usize..64) {
            let mut keys = keys_of(&detail);
            let sealed = Sealed::seal(&detail, binding(0), &keys);
            prop_assert_eq!(sealed.open(binding(0), &keys), Some(detail.clone()));
            prop_assert_eq!(sealed.open(binding(1), &keys), None);
            let person = &detail.subjects[other % detail.subjects.len()];
            let key = keys.insert(person.clone(), Arc::new(new_key()));
            prop_assert!(key.is_some());
            prop_assert_eq!(sealed.open(binding(0), &keys), None);
            keys.remove(person);
            prop_assert!(!sealed.has_keys(&keys));
            prop_assert_eq!(sealed.open(binding(0), &keys), None);
        }
    }

    #[test]
    fn another_event_or_log_or_kind_does_not_open() {
        let detail = Detail {
            kind: DetailKind::Name,
            subjects: vec!["amina".parse().unwrap()],
            text: "Amina Diallo".into(),
            salt: [7; 32],
        };
        let keys = keys_of(&detail);
        let sealed = Sealed::seal(&detail, binding(0), &keys);
        let event = "018f0000-0000-7000-8000-000000000002".parse().unwrap();
        assert_eq!(sealed.open(Binding { event, ..binding(0) }, &keys), None);
        assert_eq!(sealed.open(Binding { incarnation: [8; 16], ..binding(0) }, &keys), None);
        let renamed = Sealed { kind: DetailKind::Note, ..sealed };
        assert_eq!(renamed.open(binding(0), &keys), None);
    }
}
