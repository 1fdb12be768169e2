//! Reads a log from a file in the format of `kith import`, so that it can be folded locally.
//!
//! Invariant: events that make a plugin fail on a network can be turned into a test case, because both are read the
//! same way.

use crate::{
    failure::Failure,
    input::files::{self, Lines},
};
use kith_authoring::log::spool::{Spool, SpoolWriter};
use kith_client::NewEvent;
use kith_core::{
    entry::Entry,
    event::{DirectoryFact, Event, Fact},
    id::PersonId,
    position::Position,
};
use kith_import::read_record;
use kith_json::derived::Derived;
use sha2::{Digest, Sha256};
use std::{collections::HashSet, path::Path};

/// Reads a log of JSON lines, as `kith import` does; an event's position is its number, without blank lines.
pub(crate) fn read(path: &Path) -> Result<Spool, Failure> {
    let file = Sha256::digest(files::read_text(path)?).into();
    let mut missing = Derived::of(file);
    let mut lines = Lines::new(files::open(path)?);
    let mut spool = SpoolWriter::new()?;
    let mut people = HashSet::new();
    while let Some(line) = lines.next_line().map_err(|error| Failure::file("read", path, error))? {
        let refuse = |why: String| {
            Failure::Usage(format!("{}: event {} in {}: {why}", path.display(), line.spot.record, line.spot))
        };
        let text = line.text.as_deref().ok_or_else(|| refuse("it is too long".to_owned()))?;
        let new = read_record(text, &mut missing).map_err(|error| refuse(error.to_string()))?;
        know_people(new.event(), &mut people).map_err(refuse)?;
        let position = Position::new(line.spot.record);
        spool.push(position, new.id(), &entry(position, &new)?.encode())?;
    }
    Ok(spool.finish()?)
}

/// The people that an event refers to must have been added before, as on a server.
fn know_people(event: &Event, people: &mut HashSet<PersonId>) -> Result<(), String> {
    if let Fact::Directory(DirectoryFact::PersonAdded(added)) = &event.fact {
        people.insert(added.person.clone());
    }
    match event.people().into_iter().find(|person| !people.contains(*person)) {
        Some(person) => Err(format!("nobody was added as `{person}`: put a person_added before it")),
        None => Ok(()),
    }
}

fn entry(position: Position, new: &NewEvent) -> Result<Entry, Failure> {
    Ok(Entry {
        position,
        recorded_at: new.event().occurred_at,
        recorded_by: "token:case".parse()?,
        organisation: None,
        event_bytes: new.event().encode().into(),
        signature: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_log_names_the_event_at_fault() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("log.jsonl");
        let met = r#"{"event":{"occurred_at":"2026-01-05T10:00:00Z","scope":"network","met":{"people":["a","b"]}}}"#;
        fs::write(&path, format!("\n{met}\n")).expect("a file");
        let refused = read(&path).expect_err("nobody was added").to_string();
        assert!(refused.contains("event 1 in line 2: nobody was added as `a`"), "{refused}");
    }
}
