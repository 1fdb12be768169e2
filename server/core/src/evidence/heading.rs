//! The first line of a bundle: what it is about, and the checkpoint that vouches for it.
//!
//! Everything in it but the checkpoint is a hint by whoever made the file: what entries show, a verifier says itself.

use super::{Disclosure, EvidenceInvalid};
use crate::{
    checkpoint::{SignedCheckpoint, VerifierKey},
    event::Role,
    id::{NetworkName, OrganisationId, PersonId},
    limits::EVIDENCE_IDS_MAX,
    position::Position,
    timestamp::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The name of the format and its version.
pub const FORMAT: &str = "kith-evidence/1";

/// The first line of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The network.
    pub network: NetworkName,
    /// What was asked for.
    pub about: About,
    /// Every id that meant the people it is about, a list for each person.
    pub people: Vec<Vec<PersonId>>,
    /// Which details were disclosed when it was made; some may have been hidden since.
    pub disclosed: Disclosure,
    /// The signed checkpoint, which vouches for everything that follows.
    pub checkpoint: SignedCheckpoint,
    /// The key that signed it, as the server named it.
    pub key: VerifierKey,
    /// When it was made.
    pub made_at: Timestamp,
    /// What it is complete for.
    pub complete: Completeness,
}

/// What a bundle was made about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// What happened between two people.
    Between([PersonId; 2]),
    /// What one person took part in.
    Person(PersonId),
    /// Every entry of a range of positions.
    Range {
        /// The first position, from 1.
        first: Position,
        /// The last position.
        last: Position,
    },
}

/// What a bundle is complete for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// Every position of its range is an entry in it.
    Range,
    /// It has what somebody could see who had this role; entries that others kept to themselves are only hashes.
    AsSeenBy {
        /// The role.
        role: Role,
        /// The organisation; `None` for somebody of the network.
        organisation: Option<OrganisationId>,
    },
}

/// The line as it is written: the fields, and their order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    network: String,
    about: WrittenAbout,
    filter: WrittenFilter,
    checkpoint: String,
    key: String,
    made_at: String,
    complete: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WrittenAbout {
    Between([String; 2]),
    Person(String),
    Range([u64; 2]),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFilter {
    people: Vec<Vec<String>>,
    disclose: String,
}

/// The part that says which format it is, whatever else a later version has.
#[derive(Deserialize)]
struct AnyFormat {
    format: String,
}

impl Heading {
    /// Reads a line, without its end. Only its form is checked.
    pub fn parse(line: &str) -> Result<Self, EvidenceInvalid> {
        let malformed = EvidenceInvalid::malformed;
        let format: AnyFormat =
            serde_json::from_str(line).map_err(|_| malformed("the first line is not that of an evidence bundle"))?;
        if format.format != FORMAT {
            return Err(EvidenceInvalid::OtherFormat);
        }
        let written: Written = serde_json::from_str(line)
            .map_err(|_| malformed("the first line has not the fields that it must have, each once"))?;
        let heading = written.read()?;
        if heading.to_string() != line {
            return Err(malformed("the first line is not written as it must be, without spaces and in order"));
        }
        Ok(heading)
    }

    /// The range whose positions must all be in the bundle, if it is complete for one.
    pub(super) fn complete_range(&self) -> Option<(Position, Position)> {
        match (&self.about, &self.complete) {
            (About::Range { first, last }, Completeness::Range) => Some((*first, *last)),
            (About::Range { .. } | About::Between(_) | About::Person(_), _) => None,
        }
    }
}

impl Written {
    fn of(heading: &Heading) -> Self {
        let texts = |ids: &Vec<PersonId>| ids.iter().map(ToString::to_string).collect();
        Self {
            format: FORMAT.to_owned(),
            network: heading.network.to_string(),
            about: match &heading.about {
                About::Between(people) => WrittenAbout::Between(people.each_ref().map(ToString::to_string)),
                About::Person(person) => WrittenAbout::Person(person.to_string()),
                About::Range { first, last } => WrittenAbout::Range([first.get(), last.get()]),
            },
            filter: WrittenFilter {
                people: heading.people.iter().map(texts).collect(),
                disclose: heading.disclosed.to_string(),
            },
            checkpoint: heading.checkpoint.to_string(),
            key: heading.key.to_string(),
            made_at: heading.made_at.to_proto().to_string(),
            complete: heading.complete.to_string(),
        }
    }

    fn read(self) -> Result<Heading, EvidenceInvalid> {
        let malformed = EvidenceInvalid::malformed;
        let id = |text: String| text.parse::<PersonId>().map_err(|_| malformed("the heading names somebody by no id"));
        let about = match self.about {
            WrittenAbout::Between([one, other]) => About::Between([id(one)?, id(other)?]),
            WrittenAbout::Person(person) => About::Person(id(person)?),
            WrittenAbout::Range([first, last]) if 1 <= first && first <= last => {
                About::Range { first: Position::new(first), last: Position::new(last) }
            }
            WrittenAbout::Range(_) => return Err(malformed("the heading has a range that ends before it begins")),
        };
        let ids: usize = self.filter.people.iter().map(Vec::len).sum();
        if ids > EVIDENCE_IDS_MAX || self.filter.people.len() > 2 {
            return Err(malformed("the heading names more ids than a bundle can be about"));
        }
        let people = self.filter.people.into_iter().map(|ids| ids.into_iter().map(id).collect());
        let complete =
            self.complete.parse().map_err(|()| malformed("the heading does not say what it is complete for"))?;
        if complete == Completeness::Range && !matches!(about, About::Range { .. }) {
            return Err(malformed("the heading says that a range is complete, and it is about no range"));
        }
        let made_at: Option<prost_types::Timestamp> = self.made_at.parse().ok();
        Ok(Heading {
            network: self.network.parse().map_err(|_| malformed("the heading names no network"))?,
            about,
            people: people.collect::<Result<_, _>>()?,
            disclosed: self
                .filter
                .disclose
                .parse()
                .map_err(|_| malformed("the heading does not say what is disclosed"))?,
            checkpoint: SignedCheckpoint::parse(&self.checkpoint)?,
            key: self.key.parse().map_err(|_| malformed("the heading has a key that is damaged"))?,
            made_at: made_at
                .and_then(|time| Timestamp::from_proto(&time))
                .ok_or_else(|| malformed("the heading does not say when it was made"))?,
            complete,
        })
    }
}

/// The line, without its end.
impl fmt::Display for Heading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&Written::of(self)).expect("texts and numbers are JSON"))
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range => f.write_str("range"),
            Self::AsSeenBy { role, organisation: Some(organisation) } => {
                write!(f, "as seen by {} of {organisation}", role.as_str())
            }
            Self::AsSeenBy { role, organisation: None } => write!(f, "as seen by {} of the network", role.as_str()),
        }
    }
}

impl FromStr for Completeness {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "range" {
            return Ok(Self::Range);
        }
        let (role, of) = text.strip_prefix("as seen by ").and_then(|rest| rest.split_once(" of ")).ok_or(())?;
        let role = Role::ALL.into_iter().find(|known| known.as_str() == role).ok_or(())?;
        let organisation = if of == "the network" { None } else { Some(of.parse().map_err(|_| ())?) };
        Ok(Self::AsSeenBy { role, organisation })
    }
}
