//! Details: the personal words of an event, erasable because the log holds only commitments to them.

use crate::{
    event::{Commitment, Event},
    id::PersonId,
    invalid::{Invalid, Problem, check_count, check_text, check_unique},
    limits,
};
use kith_proto::v1;
use prost::Message;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Separates commitments to details from all other hashes.
const COMMITMENT_DOMAIN: &[u8] = b"kith/detail/1";

/// The rule for details of events that do not describe a person.
const DESCRIBED_ELSEWHERE: &str =
    "a note, a place or words: names and contact details belong to the events that add or change a person";

/// Personal words of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is.
    pub kind: DetailKind,
    /// The people it is about, sorted.
    pub subjects: Vec<PersonId>,
    /// The words.
    pub text: String,
    /// Keeps the commitment from being guessed.
    pub salt: [u8; limits::DETAIL_SALT_BYTES],
}

/// What a detail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DetailKind {
    /// A person's name.
    Name,
    /// An address, telephone number or e-mail.
    Contact,
    /// A note on what happened.
    Note,
    /// Where it happened.
    Place,
    /// Any other words.
    Words,
    /// A kind of a later version, by its number.
    Newer(u8),
}

/// The names of all kinds but newer ones.
const KINDS: [(DetailKind, &str); 5] = [
    (DetailKind::Name, "name"),
    (DetailKind::Contact, "contact"),
    (DetailKind::Note, "note"),
    (DetailKind::Place, "place"),
    (DetailKind::Words, "words"),
];

/// Prefix of the names of kinds that later versions have.
const NEWER_PREFIX: &str = "newer:";

impl DetailKind {
    /// Its number on the wire.
    pub fn to_proto(self) -> i32 {
        match self {
            Self::Name => v1::DetailKind::Name.into(),
            Self::Contact => v1::DetailKind::Contact.into(),
            Self::Note => v1::DetailKind::Note.into(),
            Self::Place => v1::DetailKind::Place.into(),
            Self::Words => v1::DetailKind::Words.into(),
            Self::Newer(number) => number.into(),
        }
    }

    /// The kind with a number on the wire; `None` for 0 and for what is larger than any kind.
    pub fn from_proto(number: i32) -> Option<Self> {
        match v1::DetailKind::try_from(number) {
            Ok(v1::DetailKind::Name) => Some(Self::Name),
            Ok(v1::DetailKind::Contact) => Some(Self::Contact),
            Ok(v1::DetailKind::Note) => Some(Self::Note),
            Ok(v1::DetailKind::Place) => Some(Self::Place),
            Ok(v1::DetailKind::Words) => Some(Self::Words),
            Ok(v1::DetailKind::Unspecified) => None,
            Err(_) => u8::try_from(number).ok().map(Self::Newer),
        }
    }

    /// Its name, such as `note`; `newer:N` for a kind of a later version.
    pub fn name(self) -> Cow<'static, str> {
        if let Self::Newer(number) = self {
            return Cow::Owned(format!("{NEWER_PREFIX}{number}"));
        }
        let known = KINDS.iter().find(|(kind, _)| *kind == self);
        Cow::Borrowed(known.expect("every other kind has a name").1)
    }

    /// Reads a kind's name; `None` if no kind has this name.
    pub fn parse(name: &str) -> Option<Self> {
        let known = KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind);
        let newer = || name.strip_prefix(NEWER_PREFIX)?.parse().ok().map(Self::Newer);
        let is_its_name = |kind: &Self| Self::from_proto(kind.to_proto()) == Some(*kind) && kind.name() == name;
        known.or_else(newer).filter(is_its_name)
    }
}

impl Detail {
    /// Checks that an event may have this detail: names and contact details belong to the directory, which everybody
    /// reads, so only facts that add or change a person may have them, about that person alone.
    pub(crate) fn check_place(&self, event: &Event) -> Result<(), Invalid> {
        match self.kind {
            DetailKind::Note | DetailKind::Place | DetailKind::Words | DetailKind::Newer(_) => Ok(()),
            DetailKind::Name | DetailKind::Contact => match event.person_described() {
                None => Err(Invalid::new("details.kind", Problem::MustBe(DESCRIBED_ELSEWHERE))),
                Some(person) if self.subjects == [person.clone()] => Ok(()),
                Some(_) => {
                    let rule = "the person who is added or changed, alone, where it is a name or contact details";
                    Err(Invalid::new("details.subjects", Problem::MustBe(rule)))
                }
            },
        }
    }

    /// SHA-256 over domain, salt and the canonical bytes without the salt.
    pub fn commitment(&self) -> Commitment {
        let (salt, rest) = salt_and_rest(self);
        commitment_of(&salt, &rest)
    }

    /// Reads a detail of a log from what opens its commitment.
    pub(crate) fn read_apart(salt: [u8; limits::DETAIL_SALT_BYTES], rest: &[u8]) -> Result<Self, Invalid> {
        let proto = v1::Detail::decode(rest).map_err(|_| Invalid::new("details", Problem::Undecodable))?;
        Self::read(&v1::Detail { salt: salt.to_vec(), ..proto })
    }

    /// The wire form.
    pub fn to_proto(&self) -> v1::Detail {
        v1::Detail {
            kind: self.kind.to_proto(),
            subjects: self.subjects.iter().map(ToString::to_string).collect(),
            text: self.text.clone(),
            salt: self.salt.to_vec(),
        }
    }

    /// Reads the wire form, with every rule and limit; kinds of later versions are refused.
    pub fn from_proto(proto: &v1::Detail) -> Result<Self, Invalid> {
        match Self::read(proto)? {
            Self { kind: DetailKind::Newer(_), .. } => {
                Err(Invalid::new("details.kind", Problem::MustBe("a kind of detail")))
            }
            detail => Ok(detail),
        }
    }

    /// Reads the wire form of a detail that a log already holds, perhaps one of a kind that a later version has.
    pub fn read(proto: &v1::Detail) -> Result<Self, Invalid> {
        if proto.kind == i32::from(v1::DetailKind::Unspecified) {
            return Err(Invalid::new("details.kind", Problem::Missing));
        }
        let rule = "a kind of detail, or the number of a later one up to 255";
        let kind =
            DetailKind::from_proto(proto.kind).ok_or_else(|| Invalid::new("details.kind", Problem::MustBe(rule)))?;
        check_text("details.text", &proto.text, limits::DETAIL_TEXT_BYTES_MAX)?;
        let salt = proto.salt.as_slice().try_into();
        Ok(Self {
            kind,
            subjects: subjects(&proto.subjects)?,
            text: proto.text.clone(),
            salt: salt.map_err(|_| Invalid::new("details.salt", Problem::MustBe("32 random bytes")))?,
        })
    }
}

/// What opens a detail's commitment: its salt, and its canonical bytes without the salt.
pub(crate) fn salt_and_rest(detail: &Detail) -> ([u8; limits::DETAIL_SALT_BYTES], Vec<u8>) {
    let unsalted = v1::Detail { salt: Vec::new(), ..detail.to_proto() };
    (detail.salt, unsalted.encode_to_vec())
}

/// The commitment that a salt and a detail's other bytes open.
pub(crate) fn commitment_of(salt: &[u8; limits::DETAIL_SALT_BYTES], rest: &[u8]) -> Commitment {
    Sha256::new().chain_update(COMMITMENT_DOMAIN).chain_update(salt).chain_update(rest).finalize().into()
}

fn subjects(ids: &[String]) -> Result<Vec<PersonId>, Invalid> {
    let field = "details.subjects";
    check_count(field, ids.len(), 1, limits::PEOPLE_MAX)?;
    let subjects = ids.iter().map(|id| PersonId::parse_field(id, field)).collect::<Result<Vec<_>, _>>()?;
    check_unique(field, &subjects)?;
    if !subjects.is_sorted() {
        return Err(Invalid::new(field, Problem::Unsorted));
    }
    Ok(subjects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail() -> Detail {
        Detail {
            kind: DetailKind::Note,
            subjects: vec!["amina".parse().unwrap(), "ben".parse().unwrap()],
            text: "spoke about discharge letters".into(),
            salt: [7; 32],
        }
    }

    #[test]
    fn reads_back() {
        assert_eq!(Detail::from_proto(&detail().to_proto()), Ok(detail()));
    }

    #[test]
    fn every_part_changes_the_commitment() {
        let original = detail().commitment();
        let edits: [fn(&mut Detail); 4] = [
            |detail| detail.kind = DetailKind::Words,
            |detail| drop(detail.subjects.pop()),
            |detail| detail.text.push('.'),
            |detail| detail.salt[0] = 0,
        ];
        for edit in edits {
            let mut changed = detail();
            edit(&mut changed);
            assert_ne!(changed.commitment(), original, "{changed:?}");
        }
    }

    #[test]
    fn bad_parts_are_named() {
        let check = |change: fn(&mut v1::Detail), field: &str| {
            let mut proto = detail().to_proto();
            change(&mut proto);
            assert_eq!(Detail::from_proto(&proto).unwrap_err().field, field);
        };
        check(|proto| proto.kind = 0, "details.kind");
        check(|proto| proto.kind = 99, "details.kind");
        check(|proto| proto.text.clear(), "details.text");
        check(|proto| proto.text = "x".repeat(4_097), "details.text");
        check(|proto| proto.subjects.clear(), "details.subjects");
        check(|proto| proto.subjects.reverse(), "details.subjects");
        check(|proto| proto.subjects[1] = "amina".into(), "details.subjects");
        check(|proto| proto.salt.truncate(31), "details.salt");
    }
}
