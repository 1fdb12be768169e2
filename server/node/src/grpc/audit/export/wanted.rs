//! What an export asks for.

use super::lines::decode;
use crate::grpc::{Failure, people};
use bytes::Bytes;
use kith_core::{
    detail::DetailKind,
    directory::Directory,
    event::{Fact, Kind},
    evidence::{About, Disclosure},
    filter::Filter,
    header::Header,
    id::PersonId,
    limits::EVIDENCE_IDS_MAX,
    may::Principal,
    position::Position,
};
use kith_log::{Mode, Network};
use kith_proto::v1::{self, ErrorReason, export_request};
use std::collections::BTreeSet;

/// What an export asks for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// As it was asked for.
    pub(super) about: About,
    /// Every id that means each of the people; empty for a range.
    pub(super) people: Vec<Vec<PersonId>>,
    /// Which details are disclosed.
    pub(super) disclosure: Disclosure,
}

impl Wanted {
    /// Reads a request, as of a checkpoint of this size, with the directory of then.
    pub(super) fn read(directory: &Directory, request: &v1::ExportRequest, size: Position) -> Result<Self, Failure> {
        let disclosure = disclosure(request)?;
        let (about, people) = match &request.about {
            None => return Err(Failure::request("about", "must be between two people, a person or a range")),
            Some(export_request::About::Between(between)) => {
                let one = people::ids(directory, &between.person, "between.person")?;
                let other = people::ids(directory, &between.other, "between.other")?;
                if one.contains(&other[0]) {
                    return Err(Failure::request("between.other", "must be another person"));
                }
                (About::Between([one[0].clone(), other[0].clone()]), vec![one, other])
            }
            Some(export_request::About::Person(person)) => {
                let ids = people::ids(directory, person, "person")?;
                (About::Person(ids[0].clone()), vec![ids])
            }
            Some(export_request::About::Range(range)) => (span(*range, size)?, Vec::new()),
        };
        let ids: usize = people.iter().map(Vec::len).sum();
        if ids > EVIDENCE_IDS_MAX {
            let why = format_args!("{ids} ids mean these people; evidence can be about {EVIDENCE_IDS_MAX}");
            return Err(Failure::because(ErrorReason::LimitExceeded, why).with("limit", "evidence_ids_max"));
        }
        Ok(Self { about, people, disclosure })
    }

    /// What to read from a position on, and up to where: what was asked for, and entries of the directory.
    pub(super) fn next(&self, read: Position, size: Position) -> Reading {
        let reading = |mode, until| Reading { mode, filter: self.filter(), until };
        match self.about {
            About::Between(_) | About::Person(_) => reading(Mode::Passing, size),
            About::Range { first, .. } if read < first.previous() => reading(Mode::Common, first.previous()),
            About::Range { last, .. } if read < last => reading(Mode::Matching, last),
            About::Range { .. } => reading(Mode::Common, size),
        }
    }

    /// What was asked for, without the rest of the directory: the position before it, and what to read from there on.
    pub(super) fn asked_for(&self, size: Position) -> (Position, Reading) {
        let reading = |until| Reading { mode: Mode::Matching, filter: self.filter(), until };
        match self.about {
            About::Between(_) | About::Person(_) => (Position::ZERO, reading(size)),
            About::Range { first, last } => (first.previous(), reading(last)),
        }
    }

    fn filter(&self) -> Filter {
        Filter { people: self.people.concat(), ..Filter::default() }
    }

    /// Whether an entry is wanted: it was asked for, or is part of the directory and about somebody involved.
    pub(super) fn keeps(
        &self,
        network: &Network,
        principal: &Principal,
        position: Position,
        involved: &Involved,
    ) -> Result<bool, Failure> {
        if let About::Range { first, last } = self.about
            && (first..=last).contains(&position)
        {
            return Ok(true);
        }
        let Some((_, header)) = network.entry(principal, position)? else { return Ok(false) };
        if header.is_common() {
            let of_directory = header.kinds.iter().any(|kind| matches!(kind, Kind::Directory(_)));
            return Ok(of_directory && involved.has_any(&network.directory(), &header.people));
        }
        Ok(self.is_about_them(&header))
    }

    /// Notes who is involved in an entry that matches what was asked for.
    pub(super) fn involve(
        &self,
        network: &Network,
        principal: &Principal,
        (position, bytes): (Position, &Bytes),
        involved: &mut Involved,
    ) -> Result<(), Failure> {
        let (_, event) = decode(bytes)?;
        if !matches!(event.fact, Fact::Habit(_) | Fact::Custom(_)) {
            return Ok(());
        }
        if !self.people.is_empty() {
            let entry = network.entry(principal, position)?;
            if !entry.is_some_and(|(_, header)| self.is_about_them(&header)) {
                return Ok(());
            }
        }
        let directory = network.directory();
        event.people().into_iter().for_each(|person| involved.add(&directory, person));
        Ok(())
    }

    /// Whether all of the people take part in an entry.
    fn is_about_them(&self, header: &Header) -> bool {
        let takes_part = |ids: &Vec<PersonId>| ids.iter().any(|id| header.people.contains(id));
        !self.people.is_empty() && self.people.iter().all(takes_part)
    }
}

/// What to read next.
pub(super) struct Reading {
    pub(super) mode: Mode,
    pub(super) filter: Filter,
    pub(super) until: Position,
}

/// People of the directory: a bit for each handle.
#[derive(Debug, Clone, Default)]
pub(super) struct Involved(Vec<u64>);

impl Involved {
    /// Adds a person.
    pub(super) fn add(&mut self, directory: &Directory, person: &PersonId) {
        let Some((word, bit)) = place(directory, person) else { return };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    fn has_any(&self, directory: &Directory, people: &[PersonId]) -> bool {
        let has =
            |person| place(directory, person).is_some_and(|(word, bit)| self.0.get(word).is_some_and(|w| w & bit != 0));
        people.iter().any(has)
    }
}

/// The place of a person's bit.
fn place(directory: &Directory, person: &PersonId) -> Option<(usize, u64)> {
    let handle = directory.person(person)?.handle;
    Some((usize::try_from(handle / u64::BITS).ok()?, 1 << (handle % u64::BITS)))
}

fn span(v1::ExportRange { first, last }: v1::ExportRange, size: Position) -> Result<About, Failure> {
    if first == 0 {
        return Err(Failure::request("range.first", "must be from 1"));
    }
    if last < first {
        return Err(Failure::request("range.last", "must not be before the first"));
    }
    if last > size.get() {
        return Err(Failure::request("range.last", format_args!("must be up to the head, {size}")));
    }
    Ok(About::Range { first: Position::new(first), last: Position::new(last) })
}

fn disclosure(request: &v1::ExportRequest) -> Result<Disclosure, Failure> {
    let invalid = |why| Failure::request("disclose", why);
    if request.disclose_all {
        if !request.disclose.is_empty() {
            return Err(invalid("must be empty where all details are disclosed"));
        }
        return Ok(Disclosure::All);
    }
    let kinds = request.disclose.iter().map(|kind| DetailKind::from_proto(*kind));
    let kinds: Option<BTreeSet<_>> = kinds.collect();
    kinds.map(Disclosure::Kinds).ok_or_else(|| invalid("must be kinds of details"))
}
