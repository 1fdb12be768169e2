//! The file of everybody whose words were erased, beside the file of checkpoints.
//!
//! It is text: a first line, then a line for each: incarnation of the network's keys, person, `person_erased` event,
//! position, and when it was recorded in milliseconds. Invariant: no line is ever removed, so that neither an old backup
//! of the keys nor one of the log brings anybody back.

use crate::{error::KeptFileError, files::kept::KeptFile};
use kith_core::{
    id::{EventId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use kith_words::{Doomed, Incarnation};
use std::{collections::BTreeMap, fmt::Write, path::PathBuf};

/// First line of the file.
const HEADER: &str = "kith erasures, version 1";

/// What is known of everybody who was erased.
pub(crate) type Lines = BTreeMap<(Incarnation, PersonId), Line>;

/// The erasure of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The `person_erased` event.
    pub(crate) event: EventId,
    /// Its position.
    pub(crate) position: Position,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
}

/// The file at a path.
#[derive(Debug, Clone)]
pub(crate) struct ErasuresFile(KeptFile);

impl ErasuresFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(KeptFile::new(path))
    }

    /// Reads the file; empty if it does not exist.
    pub(crate) fn read(&self) -> Result<Lines, KeptFileError> {
        Ok(self.0.read(parse)?.unwrap_or_default())
    }

    /// Adds lines; on disk when this returns. Those that are there already stay as they are.
    pub(crate) fn add(&self, lines: Lines) -> Result<(), KeptFileError> {
        let locked = self.0.lock()?;
        let before = self.read()?;
        if lines.keys().all(|key| before.contains_key(key)) {
            return Ok(());
        }
        let mut after = lines;
        after.extend(before);
        self.0.replace(&locked, &render(&after))
    }
}

/// The people of lines, whose keys have to be gone.
pub(crate) fn doomed(lines: &Lines) -> impl Iterator<Item = Doomed> {
    lines.iter().map(|((incarnation, person), line)| Doomed {
        incarnation: *incarnation,
        person: person.clone(),
        position: line.position,
    })
}

fn render(lines: &Lines) -> String {
    let mut text = format!("{HEADER}\n");
    for ((incarnation, person), Line { event, position, recorded_at }) in lines {
        let incarnation = u128::from_be_bytes(*incarnation);
        let times = (position.get(), recorded_at.millis());
        let written = writeln!(text, "{incarnation:032x} {person} {event} {} {}", times.0, times.1);
        written.expect("a text takes what is written to it");
    }
    text
}

fn parse(text: &str) -> Result<Lines, &'static str> {
    let text = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n')).ok_or("its first line is wrong")?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("its end is missing");
    }
    text.lines().map(|line| parse_line(line).ok_or("a line is malformed")).collect()
}

fn parse_line(line: &str) -> Option<((Incarnation, PersonId), Line)> {
    let mut words = line.split(' ');
    let incarnation = words.next().filter(|word| word.len() == 32)?;
    let incarnation = u128::from_str_radix(incarnation, 16).ok()?.to_be_bytes();
    let (person, event) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let position = Position::new(words.next()?.parse().ok()?);
    let recorded_at = Timestamp::from_millis(words.next()?.parse().ok()?);
    words.next().is_none().then_some(((incarnation, person), Line { event, position, recorded_at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(people: &[(&str, u64)]) -> Lines {
        let event: EventId = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        let line = |(person, position): &(&str, u64)| {
            let line =
                Line { event, position: Position::new(*position), recorded_at: Timestamp::from_millis(1_700_000) };
            (([7; 16], person.parse().unwrap()), line)
        };
        people.iter().map(line).collect()
    }

    #[test]
    fn lines_are_added_and_never_change() {
        let folder = tempfile::tempdir().unwrap();
        let file = ErasuresFile::new(folder.path().join("erasures"));
        assert!(file.read().unwrap().is_empty());
        file.add(lines(&[("amina", 5)])).unwrap();
        file.add(lines(&[("ben", 7), ("amina", 9)])).unwrap();
        assert_eq!(file.read().unwrap(), lines(&[("amina", 5), ("ben", 7)]));
    }

    #[test]
    fn a_file_cut_short_is_damaged_and_one_that_ends_with_a_line_is_not() {
        let (one, both) = (render(&lines(&[("amina", 5)])), render(&lines(&[("amina", 5), ("ben", 7)])));
        for end in 0..both.len() {
            let cut = &both[..end];
            assert_eq!(parse(cut).is_ok(), cut == one || cut == format!("{HEADER}\n"), "cut at {end}");
        }
        assert_eq!(parse(&both).unwrap(), lines(&[("amina", 5), ("ben", 7)]));
        assert!(parse(&both.replace("version 1", "version 2")).is_err());
        assert!(parse(&format!("{both}{}", "7".repeat(32))).is_err());
    }
}
