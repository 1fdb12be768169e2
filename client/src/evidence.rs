//! Evidence bundles: a part of a log in one file, read and verified line by line, hidden in part, and exported.
//!
//! The format is described in `proto/kith/v1/audit.proto`. A bundle is read from anything that gives lines, of which one
//! at a time is in memory. Invariant: the verifier's key decides, and nothing that was read counts before the end.
//!
//! ```no_run
//! use kith_client::{BundleLine, BundleReader};
//! use std::{fs::File, io::BufReader};
//!
//! # fn verify() -> Result<(), Box<dyn std::error::Error>> {
//! let key = "kith/north/6f...+1a2b3c4d+AQ...".parse()?;
//! let bundle = BundleReader::open(BufReader::new(File::open("pair.evidence")?))?;
//! println!("made about {:?}", bundle.heading().about);
//! let mut entries = bundle.verify_with(&key)?;
//! while let Some(BundleLine { shown, .. }) = entries.next()? {
//!     println!("{shown:?}");
//! }
//! println!("all of it is under the checkpoint of {} entries", entries.verified().expect("it ended well").size);
//! # Ok(())
//! # }
//! ```

use crate::{client::Client, error::Error};
use kith_core::{
    checkpoint::{Checkpoint, VerifierKey},
    detail::DetailKind,
    evidence::{About, Disclosure, EvidenceInvalid, Heading, Line, Shown, ShownDetail, Verifier},
    id::EventId,
    limits::EVIDENCE_LINE_BYTES_MAX,
};
use kith_proto::v1::{self, export_request};
use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    io::{self, BufRead, Read},
};
use tonic::Streaming;

/// A bundle of which the first line was read. Nothing is verified yet.
#[derive(Debug)]
pub struct BundleReader<R> {
    lines: Lines<R>,
    heading: Heading,
}

/// The entries and hashes of a bundle, as they are verified.
#[derive(Debug)]
pub struct BundleEntries<R> {
    lines: Lines<R>,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading(Box<Verifier>),
    Verified(Checkpoint),
    Refused,
}

/// A line after the first.
#[derive(Debug, Clone, PartialEq)]
pub struct BundleLine {
    /// The line as it is.
    pub line: Line,
    /// What it shows.
    pub shown: Shown,
}

/// Why a bundle cannot be read, or proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The source fails.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line, or what is there up to it, is wrong.
    #[error("line {line}: {why}")]
    Invalid {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong.
        why: EvidenceInvalid,
    },
}

impl<R: BufRead> BundleReader<R> {
    /// Reads the first line.
    pub fn open(source: R) -> Result<Self, BundleError> {
        let mut lines = Lines { source, number: 0 };
        let malformed = || EvidenceInvalid::Malformed { what: "there is nothing" };
        let line = lines.next()?.ok_or(BundleError::Invalid { line: 1, why: malformed() })?;
        let heading = Heading::parse(&line).map_err(|why| lines.invalid(why))?;
        Ok(Self { lines, heading })
    }

    /// What the first line says. All of it but the checkpoint is a hint by whoever made the file.
    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    /// Goes on to the entries, if the key signed the checkpoint. Bring the key: the one in the heading proves nothing.
    pub fn verify_with(self, key: &VerifierKey) -> Result<BundleEntries<R>, BundleError> {
        let verifier = Verifier::begin(&self.heading, key).map_err(|why| self.lines.invalid(why))?;
        Ok(BundleEntries { lines: self.lines, state: State::Reading(Box::new(verifier)) })
    }
}

impl<R: BufRead> BundleEntries<R> {
    /// The next line; `None` once the whole bundle is verified. After an error it gives none, and what was read before
    /// proves nothing.
    #[allow(clippy::should_implement_trait, reason = "an error ends it, which an iterator would not say")]
    pub fn next(&mut self) -> Result<Option<BundleLine>, BundleError> {
        let mut verifier = match std::mem::replace(&mut self.state, State::Refused) {
            State::Reading(verifier) => verifier,
            ended @ (State::Verified(_) | State::Refused) => {
                self.state = ended;
                return Ok(None);
            }
        };
        let Some(line) = self.lines.next()? else {
            self.state = State::Verified(verifier.finish().map_err(|why| self.lines.invalid(why))?);
            return Ok(None);
        };
        let line = Line::parse(&line).map_err(|why| self.lines.invalid(why))?;
        let shown = verifier.take(line.clone()).map_err(|why| self.lines.invalid(why))?;
        self.state = State::Reading(verifier);
        Ok(Some(BundleLine { line, shown }))
    }

    /// The checkpoint that vouches for all of it, once everything was read and verified.
    pub fn verified(&self) -> Option<&Checkpoint> {
        match &self.state {
            State::Verified(checkpoint) => Some(checkpoint),
            State::Reading(_) | State::Refused => None,
        }
    }
}

/// Lines of a source, of bounded length, each with its end.
#[derive(Debug)]
struct Lines<R> {
    source: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<String>, BundleError> {
        let mut bytes = Vec::new();
        let most = EVIDENCE_LINE_BYTES_MAX as u64 + 1;
        if (&mut self.source).take(most).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let malformed = |what| self.invalid(EvidenceInvalid::Malformed { what });
        if bytes.pop() != Some(b'\n') {
            let what = if bytes.len() >= EVIDENCE_LINE_BYTES_MAX {
                "it is longer than any line"
            } else {
                "it is cut short: its end is missing"
            };
            return Err(malformed(what));
        }
        if bytes.starts_with(b"\xef\xbb\xbf") {
            return Err(malformed("it begins with a byte order mark"));
        }
        if bytes.ends_with(b"\r") {
            return Err(malformed("it ends with a carriage return: some program changed the line ends"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| malformed("it is not text (UTF-8)"))
    }

    fn invalid(&self, why: EvidenceInvalid) -> BundleError {
        BundleError::Invalid { line: self.number.max(1), why }
    }
}

/// Which disclosed details of a bundle are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redaction {
    /// Those of these kinds, and these: event, and index among its details from 0.
    Hide {
        /// Kinds of details.
        kinds: BTreeSet<DetailKind>,
        /// Single details.
        details: BTreeSet<(EventId, usize)>,
    },
    /// All but these.
    AllBut(BTreeSet<(EventId, usize)>),
}

impl Redaction {
    /// Whether a disclosed detail is hidden.
    pub fn hides(&self, event: EventId, index: usize, kind: DetailKind) -> bool {
        match self {
            Self::Hide { kinds, details } => kinds.contains(&kind) || details.contains(&(event, index)),
            Self::AllBut(details) => !details.contains(&(event, index)),
        }
    }

    /// The line without what is hidden. Everything in it stays proved.
    pub fn apply(&self, line: BundleLine) -> Line {
        let BundleLine { mut line, shown } = line;
        if let (Line::Entry(line), Shown::Entry(shown)) = (&mut line, &shown) {
            for (index, detail) in &shown.details {
                if self.hides(shown.event.id, *index, detail.kind) {
                    line.details[*index] = ShownDetail::Withheld;
                }
            }
        }
        line
    }
}

/// An export in progress. Lines are verified as they arrive, with the key that the first of them names: compare it with
/// one that you know.
pub struct ExportStream {
    messages: Streaming<v1::ExportResponse>,
    waiting: VecDeque<String>,
    heading: Heading,
    /// `None` once all of it has been verified.
    verifier: Option<Verifier>,
}

impl fmt::Debug for ExportStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportStream").field("about", &self.heading.about).finish_non_exhaustive()
    }
}

impl Client {
    /// Starts an export of evidence. Needs the role of an auditor, a records officer or an owner. It is never retried
    /// automatically: after an error, start again.
    pub async fn export(&self, about: &About, disclosure: &Disclosure) -> Result<ExportStream, Error> {
        let (disclose, disclose_all) = match disclosure {
            Disclosure::All => (Vec::new(), true),
            Disclosure::Kinds(kinds) => (kinds.iter().map(|kind| kind.to_proto()).collect(), false),
        };
        let about = match about {
            About::Between([person, other]) => {
                let (person, other) = (person.to_string(), other.to_string());
                export_request::About::Between(v1::ExportBetween { person, other })
            }
            About::Person(person) => export_request::About::Person(person.to_string()),
            About::Range { first, last } => {
                export_request::About::Range(v1::ExportRange { first: first.get(), last: last.get() })
            }
        };
        let request = v1::ExportRequest { network: self.network_name(), about: Some(about), disclose, disclose_all };
        let mut audit = self.audit_streams();
        let mut messages = Self::within(self.timeouts.call, audit.export(request)).await?.into_inner();
        let first = messages.message().await?.unwrap_or_default();
        let mut waiting = VecDeque::from(first.lines);
        let heading = Heading::parse(waiting.front().map_or("", String::as_str)).map_err(Error::answer)?;
        let verifier = Verifier::begin(&heading, &heading.key).map_err(Error::unverified)?;
        let rest: Vec<String> = waiting.split_off(1).into();
        let mut export = ExportStream { messages, waiting, heading, verifier: Some(verifier) };
        export.take(rest)?;
        Ok(export)
    }
}

impl ExportStream {
    /// What the bundle is about, and the checkpoint that vouches for it.
    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    /// The next line of the file, from the first on, without its end; `None` once the bundle is complete and verified. If an error comes
    /// instead, what was given before is no bundle.
    pub async fn next(&mut self) -> Result<Option<String>, Error> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Ok(Some(line));
            }
            if self.verifier.is_none() {
                return Ok(None);
            }
            match self.messages.message().await? {
                Some(message) => self.take(message.lines)?,
                None => {
                    if let Some(verifier) = self.verifier.take() {
                        verifier.finish().map_err(Error::unverified)?;
                    }
                }
            }
        }
    }

    fn take(&mut self, lines: Vec<String>) -> Result<(), Error> {
        for text in lines {
            let line = Line::parse(&text).map_err(Error::answer)?;
            let verifier = self.verifier.as_mut().ok_or_else(|| Error::answer("the export goes on after its end"))?;
            verifier.take(line).map_err(Error::unverified)?;
            self.waiting.push_back(text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BUNDLE: &str = include_str!("../../tests/fixtures/pair.evidence");
    const KEY: &str = include_str!("../../tests/fixtures/pair.key");

    fn key() -> VerifierKey {
        KEY.trim().parse().unwrap()
    }

    /// All lines of a bundle, if they verify.
    fn read(bytes: &[u8]) -> Result<Vec<BundleLine>, BundleError> {
        let mut entries = BundleReader::open(bytes)?.verify_with(&key())?;
        let mut lines = Vec::new();
        while let Some(line) = entries.next()? {
            assert!(entries.verified().is_none(), "not before the end");
            lines.push(line);
        }
        assert!(entries.verified().is_some());
        Ok(lines)
    }

    fn refused(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    fn disclosed(lines: &[BundleLine]) -> usize {
        let entries = lines.iter().filter_map(|line| match &line.shown {
            Shown::Entry(shown) => Some(shown.details.len()),
            Shown::LeftOut(_) => None,
        });
        entries.sum()
    }

    #[test]
    fn what_is_hidden_leaves_a_bundle_that_verifies() {
        let lines = read(BUNDLE.as_bytes()).unwrap();
        let one = lines.iter().find_map(|line| match &line.shown {
            Shown::Entry(shown) => shown.details.first().map(|(index, _)| (shown.event.id, *index)),
            Shown::LeftOut(_) => None,
        });
        let one = BTreeSet::from([one.unwrap()]);
        let all = disclosed(&lines);
        let kinds = BTreeSet::from([DetailKind::Name, DetailKind::Note]);
        let check = |redaction: &Redaction, expected: usize| {
            let heading = BUNDLE.lines().next().unwrap().to_owned();
            let redacted = lines.iter().map(|line| redaction.apply(line.clone()).to_string());
            let text = std::iter::once(heading).chain(redacted).collect::<Vec<_>>().join("\n") + "\n";
            assert_eq!(disclosed(&read(text.as_bytes()).unwrap()), expected, "{redaction:?}");
        };
        check(&Redaction::Hide { kinds: BTreeSet::new(), details: BTreeSet::new() }, all);
        check(&Redaction::Hide { kinds, details: BTreeSet::new() }, 0);
        check(&Redaction::Hide { kinds: BTreeSet::new(), details: one.clone() }, all - 1);
        check(&Redaction::AllBut(one), 1);
        check(&Redaction::AllBut(BTreeSet::new()), 0);
    }

    #[test]
    fn what_is_no_line_is_refused_with_its_number() {
        let second = BUNDLE.lines().nth(1).unwrap();
        let changed = |from: &str, to: &str| refused(BUNDLE.replacen(from, to, 1).as_bytes());
        assert_eq!(refused(b""), "line 1: there is nothing");
        assert!(changed("{", "\u{feff}{").starts_with("line 1: it begins with a byte order mark"));
        assert!(changed("\n", "\r\n").starts_with("line 1: it ends with a carriage return"));
        assert!(changed(second, &format!(" {second}")).starts_with("line 2: "));
        assert!(changed(second, &format!("{second}\n\n{second}")).starts_with("line 3: "));
        assert!(refused(BUNDLE.trim_end().as_bytes()).ends_with("it is cut short: its end is missing"));
        let endless = std::io::repeat(b'x').take(1 << 40);
        let endless = BundleReader::open(std::io::BufReader::new(endless)).unwrap_err();
        assert_eq!(endless.to_string(), "line 1: it is longer than any line");
        let altered = BUNDLE.replacen(second, "{}", 1);
        let stopped = BundleReader::open(altered.as_bytes()).unwrap();
        assert_eq!(stopped.heading().network.as_str(), "default");
        let mut entries = stopped.verify_with(&key()).unwrap();
        assert!(entries.next().is_err());
        assert!(matches!(entries.next(), Ok(None)) && entries.verified().is_none(), "it goes no further");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn no_bytes_make_the_reader_panic(at: prop::sample::Index, with in prop::collection::vec(any::<u8>(), 0..4)) {
            let mut bytes = BUNDLE.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes.splice(at..=at, with);
            if bytes != BUNDLE.as_bytes() {
                // Hints in the first line may be others; all else is refused.
                let first = BUNDLE.find('\n').unwrap();
                prop_assert!(read(&bytes).is_err() || at < first);
            }
        }
    }
}
