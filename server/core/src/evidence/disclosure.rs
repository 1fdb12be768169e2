//! Which details of a bundle are disclosed.

use crate::detail::DetailKind;
use std::{collections::BTreeSet, fmt, str::FromStr};

/// Which details are disclosed: `all`, `none`, or kinds such as `name,note`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosure {
    /// All of them.
    All,
    /// Those of these kinds; none if there are no kinds.
    Kinds(BTreeSet<DetailKind>),
}

/// The error for a text that says nothing about details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("say all, none, or kinds of details with commas between them: name, contact, note, place, words")]
pub struct DisclosureInvalid;

impl Disclosure {
    /// Whether details of a kind are disclosed.
    pub fn includes(&self, kind: DetailKind) -> bool {
        match self {
            Self::All => true,
            Self::Kinds(kinds) => kinds.contains(&kind),
        }
    }
}

impl fmt::Display for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Kinds(kinds) if kinds.is_empty() => f.write_str("none"),
            Self::Kinds(kinds) => {
                let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

impl FromStr for Disclosure {
    type Err = DisclosureInvalid;

    fn from_str(text: &str) -> Result<Self, DisclosureInvalid> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::Kinds(BTreeSet::new())),
            kinds => {
                let kinds = kinds.split(',').map(|name| DetailKind::parse(name).ok_or(DisclosureInvalid));
                kinds.collect::<Result<_, _>>().map(Self::Kinds)
            }
        }
    }
}
