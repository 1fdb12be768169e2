//! Filters: which entries a reader, a replica or a condition looks at.

use crate::{
    event::Kind,
    header::Header,
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem, check_count, check_unique},
    limits,
    timestamp::Timestamp,
};
use kith_proto::v1;
use prost::Message;
use sha2::{Digest, Sha256};

/// Which entries to return. Empty lists and missing bounds let everything pass; all given parts must match.
///
/// Directory and administration entries of scope network, merges and their retractions always pass, so that handles and
/// keys are the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Any of these kinds.
    pub kinds: Vec<Kind>,
    /// Any of these people, or all of them if `people_match` says so.
    pub people: Vec<PersonId>,
    /// How many of `people` must take part.
    pub people_match: PeopleMatch,
    /// Recorded by any of these organisations.
    pub organisations: Vec<OrganisationId>,
    /// Happened at this time or later.
    pub occurred_from: Option<Timestamp>,
    /// Happened before this time.
    pub occurred_until: Option<Timestamp>,
}

/// How many of a filter's people must take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PeopleMatch {
    /// One of them.
    #[default]
    Any,
    /// Every one of them.
    All,
}

impl Filter {
    /// Whether everything passes.
    pub fn is_all(&self) -> bool {
        *self == Self { people_match: self.people_match, ..Self::default() }
    }

    /// Whether an entry passes as part of a stream: if it matches, or is directory or administration.
    pub fn passes(&self, header: &Header) -> bool {
        header.passes_every_filter() || self.matches(header)
    }

    /// Whether an entry matches the filter itself.
    pub fn matches(&self, header: &Header) -> bool {
        self.matches_kind(header)
            && self.matches_people(header)
            && self.matches_organisation(header)
            && self.occurred_from.is_none_or(|from| header.occurred_at >= from)
            && self.occurred_until.is_none_or(|until| header.occurred_at < until)
    }

    fn matches_kind(&self, header: &Header) -> bool {
        self.kinds.is_empty() || header.kinds.iter().any(|kind| self.kinds.contains(kind))
    }

    /// Whether the filter's people take part in an entry.
    pub fn matches_people(&self, header: &Header) -> bool {
        let takes_part = |person: &PersonId| header.people.contains(person);
        match self.people_match {
            PeopleMatch::Any => self.people.is_empty() || self.people.iter().any(takes_part),
            PeopleMatch::All => self.people.iter().all(takes_part),
        }
    }

    fn matches_organisation(&self, header: &Header) -> bool {
        self.organisations.is_empty()
            || header.organisation.as_ref().is_some_and(|organisation| self.organisations.contains(organisation))
    }

    /// Identity of the filter in cursors: SHA-256 of its wire form with sorted lists.
    pub fn digest(&self) -> [u8; 32] {
        let mut sorted = self.clone();
        sorted.kinds.sort_unstable();
        sorted.people.sort_unstable();
        sorted.organisations.sort_unstable();
        Sha256::digest(sorted.to_proto().encode_to_vec()).into()
    }

    /// The wire form.
    pub fn to_proto(&self) -> v1::Filter {
        v1::Filter {
            kinds: self.kinds.iter().map(ToString::to_string).collect(),
            people: self.people.iter().map(ToString::to_string).collect(),
            organisations: self.organisations.iter().map(ToString::to_string).collect(),
            occurred_from: self.occurred_from.map(Timestamp::to_proto),
            occurred_until: self.occurred_until.map(Timestamp::to_proto),
            all_people: self.people_match == PeopleMatch::All,
        }
    }

    /// Reads the wire form, with every limit.
    pub fn from_proto(proto: &v1::Filter) -> Result<Self, Invalid> {
        check_count("filter.kinds", proto.kinds.len(), 0, limits::FILTER_KINDS_MAX)?;
        check_count("filter.people", proto.people.len(), 0, limits::FILTER_PEOPLE_MAX)?;
        check_count("filter.organisations", proto.organisations.len(), 0, limits::FILTER_ORGANISATIONS_MAX)?;
        let filter = Self {
            kinds: read_all(&proto.kinds, |name| {
                Kind::parse(name).ok_or_else(|| Invalid::new("filter.kinds", Problem::MustBe("kinds of events")))
            })?,
            people: read_all(&proto.people, |id| PersonId::parse_field(id, "filter.people"))?,
            people_match: if proto.all_people { PeopleMatch::All } else { PeopleMatch::Any },
            organisations: read_all(&proto.organisations, |id| {
                OrganisationId::parse_field(id, "filter.organisations")
            })?,
            occurred_from: time("filter.occurred_from", proto.occurred_from.as_ref())?,
            occurred_until: time("filter.occurred_until", proto.occurred_until.as_ref())?,
        };
        check_unique("filter.kinds", &filter.kinds)?;
        check_unique("filter.people", &filter.people)?;
        check_unique("filter.organisations", &filter.organisations)?;
        Ok(filter)
    }
}

fn read_all<T>(texts: &[String], read: impl Fn(&str) -> Result<T, Invalid>) -> Result<Vec<T>, Invalid> {
    texts.iter().map(|text| read(text)).collect()
}

fn time(field: &str, proto: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, Invalid> {
    let Some(proto) = proto else { return Ok(None) };
    match Timestamp::from_proto(proto) {
        Some(time) => Ok(Some(time)),
        None => Err(Invalid::new(field, Problem::MustBe("a time in whole milliseconds"))),
    }
}
