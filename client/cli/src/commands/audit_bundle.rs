//! Evidence bundles for the commands that read them: opening, keys, and what a verified bundle shows.

use super::{
    audit::checkpoint_json,
    audit_verify::{KeySource, find_key},
};
use crate::{
    failure::Failure,
    limits::{EVIDENCE_KEPT_MAX, EVIDENCE_TOLD_MAX},
    place::settings::GlobalArgs,
    show::people::Names,
};
use kith_client::{BundleEntries, BundleError, BundleLine, BundleReader, Recorded};
use kith_core::counted::counted;
use kith_core::{
    checkpoint::{Checkpoint, VerifierKey},
    event::Fact,
    evidence::{About, Completeness, Heading, Line, Shown, ShownDetail},
    id::PersonId,
};
use kith_json::time_text;
use serde_json::{Value, json};
use std::{collections::BTreeSet, io::BufRead, path::Path};

/// Whether a file that begins with these bytes is meant to be a bundle.
pub(super) fn is_bundle(head: &[u8]) -> bool {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).starts_with(b"{")
}

/// Why a bundle was not read or not verified.
pub(super) fn failed(path: &Path, error: BundleError) -> Failure {
    match error {
        BundleError::Io(error) => Failure::file("read", path, error),
        BundleError::Invalid { .. } => Failure::NotVerified(format!("{}: {error}", path.display())),
    }
}

/// The key that a bundle is verified with: the one given, else one that is known or that the server shows.
pub(super) async fn key_of(
    heading: &Heading,
    given: Option<&VerifierKey>,
    global: &GlobalArgs,
) -> Result<(VerifierKey, KeySource), Failure> {
    match given {
        Some(key) => Ok((key.clone(), KeySource::Given)),
        None => find_key(&heading.checkpoint.unverified().origin, global).await,
    }
}

/// Reads a bundle to its end and hands each line on. What was handed on counts only if this succeeds.
pub(super) fn read_all<R: BufRead>(
    path: &Path,
    bundle: BundleReader<R>,
    key: &VerifierKey,
    mut take: impl FnMut(BundleLine) -> Result<(), Failure>,
) -> Result<Checkpoint, Failure> {
    let mut entries: BundleEntries<R> = bundle.verify_with(key).map_err(|error| failed(path, error))?;
    while let Some(line) = entries.next().map_err(|error| failed(path, error))? {
        take(line)?;
    }
    let verified = entries.verified().cloned();
    verified.ok_or_else(|| Failure::NotVerified(format!("{}: it does not end well", path.display())))
}

/// Things that a bundle shows, of which only some are kept.
#[derive(Debug)]
struct Kept<T> {
    all: BTreeSet<T>,
    more: bool,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { all: BTreeSet::new(), more: false }
    }
}

impl<T: Ord> Kept<T> {
    fn add(&mut self, one: T) {
        if self.all.len() < EVIDENCE_KEPT_MAX {
            self.all.insert(one);
        } else if !self.all.contains(&one) {
            self.more = true;
        }
    }

    /// The first of them, for people.
    fn told(&self, text: impl Fn(&T) -> String) -> String {
        let mut told: Vec<String> = self.all.iter().take(EVIDENCE_TOLD_MAX).map(text).collect();
        match self.all.len().saturating_sub(EVIDENCE_TOLD_MAX) {
            0 => {}
            left if self.more => told.push(format!("and more than {left} others")),
            left => told.push(format!("and {left} more")),
        }
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    }
}

/// What a verified bundle shows: said by its entries, whatever its first line says.
#[derive(Debug, Default)]
pub(super) struct Summary {
    entries: u64,
    /// First and last positions of runs of entries.
    runs: Vec<(u64, u64)>,
    more_runs: bool,
    people: Kept<PersonId>,
    pairs: Kept<[PersonId; 2]>,
    disclosed: u64,
    withheld: u64,
    erased: u64,
    names: Names,
    /// Entries that names were looked for in.
    names_seen: usize,
}

impl Summary {
    /// Takes a line.
    pub(super) fn take(&mut self, line: BundleLine) {
        let (Line::Entry(line), Shown::Entry(shown)) = (line.line, line.shown) else { return };
        for detail in &line.details {
            match detail {
                ShownDetail::Disclosed { .. } => self.disclosed += 1,
                ShownDetail::Withheld => self.withheld += 1,
                ShownDetail::Erased(_) => self.erased += 1,
            }
        }
        let recorded = Recorded::of_shown(*shown);
        self.entries += 1;
        self.note(recorded.entry.position.get());
        if matches!(recorded.event.fact, Fact::Habit(_) | Fact::Custom(_)) {
            let mut people: Vec<PersonId> = recorded.event.people().into_iter().cloned().collect();
            people.sort_unstable();
            for (place, person) in people.iter().enumerate() {
                self.people.add(person.clone());
                people[place + 1..].iter().for_each(|other| self.pairs.add([person.clone(), other.clone()]));
            }
        }
        if self.names_seen < EVIDENCE_KEPT_MAX && recorded.event.person_described().is_some() {
            self.names_seen += 1;
            self.names.learn(&recorded);
        }
    }

    fn note(&mut self, position: u64) {
        let is_full = self.runs.len() >= EVIDENCE_KEPT_MAX;
        match self.runs.last_mut() {
            Some((_, last)) if *last + 1 == position => *last = position,
            Some(_) if is_full => self.more_runs = true,
            Some(_) | None => self.runs.push((position, position)),
        }
    }

    /// As JSON.
    pub(super) fn json(&self, heading: &Heading, key: &VerifierKey, source: KeySource) -> Value {
        let mut answer = checkpoint_json(&heading.checkpoint, key);
        let pair = |[one, other]: &[PersonId; 2]| json!([one.as_str(), other.as_str()]);
        answer["kind"] = "evidence".into();
        answer["key_from"] = source.as_str().into();
        answer["entries"] = self.entries.into();
        answer["positions"] = self.runs.iter().map(|(first, last)| json!([first, last])).collect();
        answer["people"] = self.people.all.iter().map(PersonId::as_str).collect();
        answer["pairs"] = self.pairs.all.iter().map(pair).collect();
        answer["more"] = (self.more_runs || self.people.more || self.pairs.more).into();
        answer["details"] = json!({ "disclosed": self.disclosed, "withheld": self.withheld, "erased": self.erased });
        answer["complete"] = heading.complete.to_string().into();
        answer["hints"] = json!({
            "network": heading.network.as_str(),
            "about": about(heading),
            "disclosed": heading.disclosed.to_string(),
            "made_at": time_text(heading.made_at),
        });
        answer
    }

    /// For people.
    pub(super) fn sentences(
        &self,
        heading: &Heading,
        checkpoint: &Checkpoint,
        key: &VerifierKey,
        source: KeySource,
    ) -> String {
        let Checkpoint { origin, size, root } = checkpoint;
        let person = |id: &PersonId| match self.names.of(id.as_str()) {
            name if name == id.as_str() => name.to_owned(),
            name => format!("{name} ({id})"),
        };
        let pair = |[one, other]: &[PersonId; 2]| format!("{} and {}", person(one), person(other));
        let complete = match &heading.complete {
            Completeness::Range => "complete: every position of the range that line 1 names is here".to_owned(),
            seen @ Completeness::AsSeenBy { .. } => {
                format!("complete only {seen}, line 1 says: it proves what is in it, not that there is no more")
            }
        };
        [
            format!(
                "verified: {} of the {} of {origin}, root {root}",
                self.entries,
                counted(*size, "entry", "entries")
            ),
            format!("positions: {}", self.positions()),
            format!("people: {}", self.people.told(person)),
            format!("pairs: {}", self.pairs.told(pair)),
            format!("details: {} disclosed, {} withheld, {} erased", self.disclosed, self.withheld, self.erased),
            complete,
            format!(
                "a hint, not proved: made {} about {}; words that were disclosed then: {}",
                time_text(heading.made_at),
                about_text(heading),
                heading.disclosed
            ),
            format!("signed by {key}, {}", source.sentence()),
        ]
        .join("\n")
    }

    fn positions(&self) -> String {
        let run = |(first, last): &(u64, u64)| {
            if first == last { first.to_string() } else { format!("{first}..{last}") }
        };
        let mut told: Vec<String> = self.runs.iter().take(EVIDENCE_TOLD_MAX).map(run).collect();
        if self.more_runs || self.runs.len() > EVIDENCE_TOLD_MAX {
            told.push("and more".to_owned());
        }
        if told.is_empty() { "none".to_owned() } else { told.join(", ") }
    }
}

fn about(heading: &Heading) -> Value {
    match &heading.about {
        About::Between([one, other]) => json!({ "between": [one.as_str(), other.as_str()] }),
        About::Person(person) => json!({ "person": person.as_str() }),
        About::Range { first, last } => json!({ "range": [first.get(), last.get()] }),
    }
}

fn about_text(heading: &Heading) -> String {
    match &heading.about {
        About::Between([one, other]) => format!("{one} and {other}"),
        About::Person(person) => person.to_string(),
        About::Range { first, last } => format!("positions {first}..{last}"),
    }
}
