//! Changes of the directory: its people and organisations, and which ids mean one person.

use super::DirectoryKind;
use crate::id::{OrganisationId, PersonId};

/// A change of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant holds the struct of its name, documented there")]
pub enum DirectoryFact {
    OrganisationAdded(OrganisationAdded),
    PersonAdded(PersonAdded),
    PersonChanged(PersonChanged),
    PeopleMerged(PeopleMerged),
}

/// An organisation joins the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationAdded {
    /// Its id.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: String,
}

/// A person joins the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonAdded {
    /// The person.
    pub person: PersonId,
    /// Their organisation.
    pub organisation: Option<OrganisationId>,
    /// Their role; may be empty.
    pub role: String,
}

/// A person's organisation or role changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonChanged {
    /// The person.
    pub person: PersonId,
    /// Their new organisation.
    pub organisation: Option<OrganisationId>,
    /// Their new role; may be empty.
    pub role: String,
}

/// Two person ids turned out to be one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleMerged {
    /// The id that stays.
    pub kept: PersonId,
    /// The id that now means `kept`.
    pub merged: PersonId,
}

impl DirectoryFact {
    /// Which change it is.
    pub fn kind(&self) -> DirectoryKind {
        match self {
            Self::OrganisationAdded(_) => DirectoryKind::OrganisationAdded,
            Self::PersonAdded(_) => DirectoryKind::PersonAdded,
            Self::PersonChanged(_) => DirectoryKind::PersonChanged,
            Self::PeopleMerged(_) => DirectoryKind::PeopleMerged,
        }
    }

    /// The people in it, in the order of its fields.
    pub(super) fn people(&self) -> Vec<&PersonId> {
        match self {
            Self::OrganisationAdded(_) => Vec::new(),
            Self::PersonAdded(added) => vec![&added.person],
            Self::PersonChanged(changed) => vec![&changed.person],
            Self::PeopleMerged(merge) => vec![&merge.kept, &merge.merged],
        }
    }

    /// The person whom it adds or changes.
    pub(super) fn person_described(&self) -> Option<&PersonId> {
        match self {
            Self::PersonAdded(added) => Some(&added.person),
            Self::PersonChanged(changed) => Some(&changed.person),
            Self::OrganisationAdded(_) | Self::PeopleMerged(_) => None,
        }
    }
}
