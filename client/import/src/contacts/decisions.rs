//! The list in which somebody decides who is who, as a table for spreadsheets, and reading it back.

use super::{
    encoding::{NotEncoding, decode},
    keys::Key,
    matching::Candidate,
};
use crate::{
    cells::{as_text, as_written},
    names::folded,
    refusal::Refusal,
    spot::Spot,
};
use csv::{ReaderBuilder, Writer};
use std::{collections::HashMap, fmt};

/// The columns of the list.
const COLUMNS: [&str; 8] = ["decision", "record", "name", "organisation", "keys", "match", "match_name", "why"];

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Somebody new.
    New,
    /// Somebody who is there.
    Same,
    /// Nothing.
    Skip,
    /// It has to be decided.
    Ask,
}

impl Decision {
    /// Its name in the list.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Skip => "skip",
            Self::Ask => "ask",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let all = [Self::New, Self::Same, Self::Skip, Self::Ask];
        all.into_iter().find(|decision| name.trim().eq_ignore_ascii_case(decision.name()))
    }
}

/// A record in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Where it stands in its file.
    pub spot: Spot,
    /// What becomes of it.
    pub decision: Decision,
    /// Its name.
    pub name: String,
    /// Its organisation as it stands in the file.
    pub organisation: String,
    /// What it can be found by.
    pub keys: Vec<Key>,
    /// Who it is, or may be.
    pub candidates: Vec<Candidate>,
    /// Why, in words.
    pub why: String,
}

impl Decided {
    /// Why nothing is recorded of a record that has to be decided; `None` for others.
    pub fn undecided(&self) -> Option<Refusal> {
        if self.decision != Decision::Ask {
            return None;
        }
        let ids: Vec<&str> = self.candidates.iter().map(|one| one.person.as_str()).collect();
        let who = if ids.is_empty() { String::new() } else { format!(" ({})", ids.join(", ")) };
        Some(Refusal::unreadable(self.spot, "decision", format!("to decide: {}{who}", self.why)))
    }
}

/// The list as a table, for a file.
pub fn review(rows: &[Decided]) -> Vec<u8> {
    let mut writer = Writer::from_writer(Vec::new());
    let mut write = |cells: [&str; 8]| writer.write_record(cells.map(as_text)).expect("memory takes all rows");
    write(COLUMNS);
    for row in rows {
        let keys: Vec<String> = row.keys.iter().map(Key::to_string).collect();
        let ids: Vec<&str> = row.candidates.iter().map(|one| one.person.as_str()).collect();
        let names: Vec<&str> = row.candidates.iter().map(|one| one.name.as_str()).collect();
        let record = row.spot.record.to_string();
        let lists = [keys.join("; "), ids.join(" "), names.join("; ")];
        let Decided { decision, name, organisation, why, .. } = row;
        write([decision.name(), &record, name, organisation, &lists[0], &lists[1], &lists[2], why]);
    }
    writer.into_inner().expect("memory takes all rows")
}

/// What somebody decided, by the number of the record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decisions(HashMap<u64, Choice>);

/// What somebody decided about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) decision: Decision,
    /// The record's name, to notice a list of another file.
    name: String,
    /// The ids in the column `match`.
    pub(super) people: Vec<String>,
}

/// Why a file is no list of decisions, or not the one of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDecisions {
    /// It is not text.
    NotText(NotEncoding),
    /// It lacks a column.
    NoColumn(&'static str),
    /// A row cannot be read.
    Unreadable {
        /// Its line.
        line: u64,
        /// Why, in words.
        why: String,
    },
    /// A record has another name than in the list.
    OtherFile {
        /// Its number.
        record: u64,
        /// Its name in the list.
        listed: String,
        /// Its name in the file; empty if the file has no such record.
        found: String,
    },
}

impl fmt::Display for NotDecisions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText(why) => why.fmt(f),
            Self::NoColumn(name) => write!(f, "has no column {name}: it is a list that --review wrote"),
            Self::Unreadable { line, why } => write!(f, "line {line}: {why}"),
            Self::OtherFile { record, listed, found } if found.is_empty() => {
                write!(f, "is about another file: it has a record {record}, {listed:?}, and this file has not")
            }
            Self::OtherFile { record, listed, found } => {
                write!(f, "is about another file: record {record} is {listed:?} in it, and {found:?} here")
            }
        }
    }
}

impl Decisions {
    /// Reads a list that [`review`] wrote and somebody changed, in a spreadsheet for example.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, NotDecisions> {
        let text = decode(bytes, None).map_err(NotDecisions::NotText)?.text;
        let first = text.lines().next().unwrap_or_default();
        let count = |separator: char| first.matches(separator).count();
        let separator = if count(';') > count(',') { b';' } else { b',' };
        let mut reader = ReaderBuilder::new().flexible(true).delimiter(separator).from_reader(text.as_bytes());
        let unreadable = |line: u64, why: String| NotDecisions::Unreadable { line, why };
        let header = reader.headers().map_err(|error| unreadable(1, error.to_string()))?.clone();
        let column = |name: &'static str| {
            header.iter().position(|cell| folded(cell) == name).ok_or(NotDecisions::NoColumn(name))
        };
        let [decision, record, name, people] =
            [column("decision")?, column("record")?, column("name")?, column("match")?];
        let mut choices = HashMap::new();
        for row in reader.records() {
            let row = row.map_err(|error| unreadable(0, error.to_string()))?;
            let line = row.position().map_or(0, csv::Position::line);
            let cell = |index: usize| as_written(row.get(index).unwrap_or_default()).trim();
            if row.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let number =
                cell(record).parse().map_err(|_| unreadable(line, format!("{:?} is no record", cell(record))))?;
            let choice = Choice {
                decision: Decision::parse(cell(decision)).ok_or_else(|| {
                    unreadable(line, format!("{:?} is no decision: there are new, same, skip and ask", cell(decision)))
                })?,
                name: cell(name).to_owned(),
                people: cell(people).split_whitespace().map(str::to_owned).collect(),
            };
            if choices.insert(number, choice).is_some() {
                return Err(unreadable(line, format!("record {number} is decided twice")));
            }
        }
        Ok(Self(choices))
    }

    /// Checks that the list is about these records, by their numbers and names.
    pub fn check<'c>(&self, records: impl Iterator<Item = (u64, &'c str)>) -> Result<(), NotDecisions> {
        let names: HashMap<u64, &str> = records.collect();
        let mut numbers: Vec<&u64> = self.0.keys().collect();
        numbers.sort_unstable();
        for record in numbers {
            let (listed, found) = (&self.0[record].name, names.get(record).copied().unwrap_or_default());
            if folded(listed) != folded(found) || found.is_empty() {
                let (listed, found) = (listed.clone(), found.to_owned());
                return Err(NotDecisions::OtherFile { record: *record, listed, found });
            }
        }
        Ok(())
    }

    /// What was decided about a record.
    pub(super) fn of(&self, record: u64) -> Option<&Choice> {
        self.0.get(&record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(record: u64, decision: Decision, name: &str) -> Decided {
        Decided {
            spot: Spot::new(record, record),
            decision,
            name: name.into(),
            organisation: "@Riverside".into(),
            keys: vec![Key::Phone("+442079460958".into()), Key::Email("a@x.example".into())],
            candidates: vec![Candidate { person: "p-1".parse().unwrap(), name: "=1+1".into() }],
            why: "the same telephone number".into(),
        }
    }

    #[test]
    fn lists_read_back_and_have_no_formulas() {
        let written = review(&[row(1, Decision::Ask, "=HYPERLINK(1)"), row(3, Decision::Same, "Ada \"A\" Quill")]);
        let text = String::from_utf8(written.clone()).unwrap();
        let expected = "decision,record,name,organisation,keys,match,match_name,why\n\
                        ask,1,'=HYPERLINK(1),'@Riverside,'+442079460958; a@x.example,p-1,'=1+1,the same telephone number\n";
        assert!(text.starts_with(expected), "{text}");
        let decisions = Decisions::parse(written).unwrap();
        assert_eq!(decisions.check([(1, "=HYPERLINK(1)"), (3, "Ada \"A\" Quill"), (4, "x")].into_iter()), Ok(()));
        let choice = decisions.of(1).unwrap();
        assert_eq!((choice.decision, choice.people.as_slice()), (Decision::Ask, &["p-1".to_owned()][..]));
    }

    #[test]
    fn spreadsheets_may_save_it_in_their_way() {
        let saved = b"Decision;Record;Name;Match\r\n NEW ;2;Jos\xe9;\r\n;;;\r\n".to_vec();
        let decisions = Decisions::parse(saved).unwrap();
        assert_eq!(decisions.of(2).unwrap().decision, Decision::New);
        assert_eq!(decisions.check([(2, "José")].into_iter()), Ok(()));
    }

    #[test]
    fn what_is_no_list_or_another_one_is_named() {
        let parse = |text: &str| Decisions::parse(text.as_bytes().to_vec()).map(drop).unwrap_err().to_string();
        assert!(parse("a,b\n").contains("has no column decision"));
        assert!(parse("decision,record,name,match\nmaybe,1,Ada,\n").contains("line 2: \"maybe\" is no decision"));
        assert!(parse("decision,record,name,match\nnew,x,Ada,\n").contains("is no record"));
        assert!(parse("decision,record,name,match\nnew,1,Ada,\nnew,1,Ada,\n").contains("decided twice"));
        let decisions = Decisions::parse(b"decision,record,name,match\nnew,1,Ada,\n".to_vec()).unwrap();
        let told = |records: &[(u64, &str)]| decisions.check(records.iter().copied()).unwrap_err().to_string();
        assert!(told(&[(1, "Percy")]).contains("record 1 is \"Ada\" in it, and \"Percy\" here"));
        assert!(told(&[]).contains("this file has not"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_list_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Decisions::parse(bytes.clone());
            let _ = Decisions::parse([b"decision,record,name,match\n".to_vec(), bytes].concat());
        }
    }
}
