//! The lines of a bundle after the first: an entry, or the hash of a subtree in its place.

use super::EvidenceInvalid;
use crate::{
    checkpoint::text,
    detail::{Detail, salt_and_rest},
    limits::DETAIL_SALT_BYTES,
    position::Position,
    tree::Subtree,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A line of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// An entry.
    Entry(EntryLine),
    /// Entries that are left out, as the root of their subtree.
    LeftOut(Subtree),
}

/// An entry with what is disclosed of its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine {
    /// Its position.
    pub position: Position,
    /// Its bytes, exactly as they are hashed.
    pub entry: Bytes,
    /// One for each commitment of its event, in their order.
    pub details: Vec<ShownDetail>,
}

/// What is disclosed of a detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownDetail {
    /// What opens its commitment: SHA-256("kith/detail/1" ‖ salt ‖ rest).
    Disclosed {
        /// Its salt.
        salt: [u8; DETAIL_SALT_BYTES],
        /// Its canonical bytes (`kith.v1.Detail`) without the salt.
        rest: Bytes,
    },
    /// Nothing: it was not disclosed, or hidden later.
    Withheld,
    /// Nothing, for it is no more: the position of the entry that erased it.
    Erased(Position),
}

impl ShownDetail {
    /// A detail, disclosed.
    pub fn of(detail: &Detail) -> Self {
        let (salt, rest) = salt_and_rest(detail);
        Self::Disclosed { salt, rest: rest.into() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    position: u64,
    entry: String,
    details: Vec<WrittenDetail>,
}

/// One of three forms; that it has one of them shows in what it is written as.
#[derive(Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct WrittenDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSubtree {
    left_out: u64,
    level: u8,
    hash: String,
}

impl Line {
    /// Reads a line, without its end. Only its form is checked.
    pub fn parse(line: &str) -> Result<Self, EvidenceInvalid> {
        let malformed = EvidenceInvalid::malformed;
        let read = if line.starts_with(r#"{"left_out":"#) {
            let written: WrittenSubtree =
                serde_json::from_str(line).map_err(|_| malformed("the line is not a hash in place of entries"))?;
            let hash = text::hash(&written.hash).ok_or_else(|| malformed("a hash is not 32 bytes in base64"))?;
            Self::LeftOut(Subtree { start: written.left_out, level: written.level, hash })
        } else {
            let written: WrittenEntry =
                serde_json::from_str(line).map_err(|_| malformed("the line is neither an entry nor a hash"))?;
            Self::Entry(EntryLine {
                position: Position::new(written.position),
                entry: text::decode(&written.entry).ok_or_else(|| malformed("an entry is not in base64"))?.into(),
                details: written.details.into_iter().map(WrittenDetail::read).collect::<Result<_, _>>()?,
            })
        };
        if read.to_string() != line {
            return Err(malformed("the line is not written as it must be, without spaces and in order"));
        }
        Ok(read)
    }
}

impl WrittenDetail {
    fn of(detail: &ShownDetail) -> Self {
        match detail {
            ShownDetail::Disclosed { salt, rest } => {
                Self { salt: Some(text::encode(salt)), rest: Some(text::encode(rest)), ..Self::default() }
            }
            ShownDetail::Withheld => Self { withheld: Some(true), ..Self::default() },
            ShownDetail::Erased(by) => Self { erased_at: Some(by.get()), ..Self::default() },
        }
    }

    fn read(self) -> Result<ShownDetail, EvidenceInvalid> {
        let malformed = EvidenceInvalid::malformed;
        match self {
            Self { salt: Some(salt), rest: Some(rest), withheld: None, erased_at: None } => {
                let salt = text::decode(&salt).and_then(|salt| salt.try_into().ok());
                let rest = text::decode(&rest);
                Ok(ShownDetail::Disclosed {
                    salt: salt.ok_or_else(|| malformed("a salt is not 32 bytes in base64"))?,
                    rest: rest.ok_or_else(|| malformed("words are not in base64"))?.into(),
                })
            }
            Self { salt: None, rest: None, withheld: Some(true), erased_at: None } => Ok(ShownDetail::Withheld),
            Self { salt: None, rest: None, withheld: None, erased_at: Some(by) } => {
                Ok(ShownDetail::Erased(Position::new(by)))
            }
            Self { .. } => Err(malformed("a detail is neither disclosed nor withheld nor erased")),
        }
    }
}

/// The line, without its end.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = match self {
            Self::Entry(EntryLine { position, entry, details }) => serde_json::to_string(&WrittenEntry {
                position: position.get(),
                entry: text::encode(entry),
                details: details.iter().map(WrittenDetail::of).collect(),
            }),
            Self::LeftOut(Subtree { start, level, hash }) => serde_json::to_string(&WrittenSubtree {
                left_out: *start,
                level: *level,
                hash: text::encode(hash.as_bytes()),
            }),
        };
        f.write_str(&written.expect("texts and numbers are JSON"))
    }
}
