//! Reads rows of lists: columns separated by a chosen character, commas or white space; lines starting with `#` or `%`
//! are skipped.
//!
//! Invariant: nothing in a row is dropped silently: a row with a different number of columns is refused.

use super::columns::{ContactColumn, PersonColumn};
use crate::refusal::Refusal;
use kith_client::Error;
use kith_core::reason::{self, Reason};
use kith_core::{
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem},
    timestamp::Timestamp,
};
use kith_json::read_time;
use std::{borrow::Cow, collections::HashMap};

/// How a list is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// What separates columns; `None` for commas, or white space in lines without commas.
    pub separator: Option<char>,
    /// Whether the first row is a heading.
    pub has_heading: bool,
}

/// How a list's times are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Time zero.
    pub epoch: Timestamp,
    /// Milliseconds in one unit.
    pub unit_ms: i64,
}

/// A contact, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number in the list, from 1.
    pub record: u64,
    /// When it happened.
    pub time: Timestamp,
    /// One person; the sender, if there is one.
    pub from: PersonId,
    /// The other person.
    pub to: PersonId,
}

/// The contents of a list of contacts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Contacts between two people, ordered by time, then by their place in the list.
    pub rows: Vec<Row>,
    /// Rows with the same person at both ends.
    pub skipped: u64,
    /// Rows that could not be read.
    pub refusals: Vec<Refusal>,
}

/// A person in a list of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number in the list, from 1.
    pub record: u64,
    /// The person.
    pub person: PersonId,
    /// Their organisation.
    pub organisation: Option<OrganisationId>,
    /// Their role; may be empty.
    pub role: String,
}

/// Reads a list of contacts.
pub fn parse_rows(text: &str, layout: Layout, columns: &[ContactColumn], clock: Clock) -> Listed {
    let mut found = Listed::default();
    let mut width = None;
    for Record { number, line, parts } in records(text, layout) {
        let width = *width.get_or_insert(parts.len());
        if parts.len() != width {
            found.refusals.push(uneven(number, line, parts.len(), width));
            continue;
        }
        match parse_row(number, &parts, columns, clock) {
            Ok(row) if row.from == row.to => found.skipped += 1,
            Ok(row) => found.rows.push(row),
            Err(invalid) => found.refusals.push(Refusal::local(number, &Error::from(invalid))),
        }
    }
    found.rows.sort_by_key(|row| (row.time, row.record));
    found
}

/// Reads a list of people: returns those that could be read, and why others could not.
///
/// Rows may end early: what they leave out is unknown. A person listed twice must be described alike.
pub fn parse_members(text: &str, layout: Layout, columns: &[PersonColumn]) -> (Vec<Member>, Vec<Refusal>) {
    let (mut members, mut refusals) = (Vec::<Member>::new(), Vec::new());
    let (mut width, mut seen) = (None, HashMap::<PersonId, usize>::new());
    for Record { number, line, parts } in records(text, layout) {
        let width = *width.get_or_insert(parts.len().max(columns.len()));
        if parts.len() > width {
            refusals.push(uneven(number, line, parts.len(), width));
            continue;
        }
        match parse_member(number, &parts, columns) {
            Ok(member) => match seen.get(&member.person).map(|at| &members[*at]) {
                None => {
                    seen.insert(member.person.clone(), members.len());
                    members.push(member);
                }
                Some(first) if Member { record: first.record, ..member.clone() } == *first => {}
                Some(first) => {
                    let message =
                        format!("line {line}: {} is described differently by row {}", member.person, first.record);
                    refusals.push(unreadable(number, "id", message));
                }
            },
            Err(invalid) => refusals.push(Refusal::local(number, &Error::from(invalid))),
        }
    }
    (members, refusals)
}

/// A row, split into columns.
struct Record<'t> {
    /// Its number among the rows, from 1.
    number: u64,
    /// Its line number, from 1.
    line: u64,
    parts: Vec<Cow<'t, str>>,
}

/// Lines that are not blank or comments.
fn records(text: &str, layout: Layout) -> impl Iterator<Item = Record<'_>> {
    let lines = (1..).zip(text.lines().map(move |line| trim(line, layout)));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', '%']));
    let rows = (1..).zip(lines.skip(usize::from(layout.has_heading)));
    rows.map(move |(number, (line, text))| Record { number, line, parts: split(text, layout) })
}

/// A line without surrounding white space, unless white space is the separator.
fn trim(line: &str, layout: Layout) -> &str {
    match layout.separator {
        Some(separator) if separator.is_whitespace() => {
            line.trim_matches(|letter: char| letter.is_whitespace() && letter != separator)
        }
        Some(_) | None => line.trim(),
    }
}

/// The columns of a line.
fn split(line: &str, layout: Layout) -> Vec<Cow<'_, str>> {
    match layout.separator {
        Some(separator) => split_quoted(line, separator),
        None if line.contains(',') => line.split(',').map(|part| part.trim().into()).collect(),
        None => line.split_whitespace().map(Into::into).collect(),
    }
}

/// Columns that may be in double quotes, doubled inside, and then contain the separator (RFC 4180).
fn split_quoted(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    let mut is_quoted = false;
    let parts = line.split(move |letter: char| {
        is_quoted ^= letter == '"';
        letter == separator && !is_quoted
    });
    let value = |part: &str| {
        part.strip_prefix('"').and_then(|part| part.strip_suffix('"')).map(|part| part.replace("\"\"", "\""))
    };
    parts.map(str::trim).map(|part| value(part).map_or(part.into(), Into::into)).collect()
}

/// A row with a different number of columns than the first.
fn uneven(record: u64, line: u64, found: usize, width: usize) -> Refusal {
    unreadable(record, "columns", format!("line {line} has {found} columns, but the first row has {width}"))
}

fn unreadable(record: u64, field: &str, message: String) -> Refusal {
    Refusal { record, reason: reason::name(Reason::EventInvalid), field: field.to_owned(), message }
}

type Parts<'t> = [Cow<'t, str>];

fn parse_row(record: u64, parts: &Parts<'_>, columns: &[ContactColumn], clock: Clock) -> Result<Row, Invalid> {
    let part = |wanted: ContactColumn, name: &str| {
        let index = columns.iter().position(|column| *column == wanted);
        let text = index.and_then(|index| parts.get(index)).map(AsRef::as_ref);
        text.ok_or_else(|| Invalid::new(name, Problem::Missing))
    };
    Ok(Row {
        record,
        time: parse_time(part(ContactColumn::Time, "time")?, clock)?,
        from: PersonId::parse_field(part(ContactColumn::From, "from")?, "from")?,
        to: PersonId::parse_field(part(ContactColumn::To, "to")?, "to")?,
    })
}

/// The rule for times, in words.
const TIMES: &str =
    "a number of units, or RFC 3339, between the years 1900 and 9999 (a heading is passed over with --header)";

fn parse_time(text: &str, clock: Clock) -> Result<Timestamp, Invalid> {
    let time = read_time(text).or_else(|| units_after(text, clock));
    let time = time.filter(|time| (Timestamp::MIN..=Timestamp::MAX).contains(time));
    time.ok_or_else(|| Invalid::new("time", Problem::MustBe(TIMES)))
}

fn units_after(text: &str, clock: Clock) -> Option<Timestamp> {
    let passed_ms = match text.parse::<i64>() {
        Ok(units) => units.checked_mul(clock.unit_ms)?,
        Err(_) => parse_fraction(text, clock.unit_ms)?,
    };
    clock.epoch.millis().checked_add(passed_ms).map(Timestamp::from_millis)
}

/// A number of units with a decimal point, rounded to milliseconds.
fn parse_fraction(text: &str, unit_ms: i64) -> Option<i64> {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    let units: f64 = text.parse().ok()?;
    #[allow(clippy::cast_precision_loss, reason = "the longest unit has far fewer milliseconds than 2^53")]
    let millis = (units * unit_ms as f64).round();
    #[allow(clippy::cast_possible_truncation, reason = "checked to lie within 2^53")]
    (millis.abs() < LARGEST_EXACT).then_some(millis as i64)
}

fn parse_member(record: u64, parts: &Parts<'_>, columns: &[PersonColumn]) -> Result<Member, Invalid> {
    let part = |wanted: PersonColumn| {
        let index = columns.iter().position(|column| *column == wanted)?;
        parts.get(index).map(AsRef::as_ref).filter(|text: &&str| !text.is_empty())
    };
    let id = part(PersonColumn::Id).ok_or_else(|| Invalid::new("id", Problem::Missing))?;
    let organisation = part(PersonColumn::Organisation);
    Ok(Member {
        record,
        person: PersonId::parse_field(id, "id")?,
        organisation: organisation.map(|id| OrganisationId::parse_field(id, "org")).transpose()?,
        role: part(PersonColumn::Role).unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::columns::{parse_contact_columns, parse_people_columns};
    use super::*;
    use proptest::prelude::*;

    const CLOCK: Clock = Clock { epoch: Timestamp::from_millis(1_000_000), unit_ms: 1_000 };

    fn rows(text: &str, columns: &str) -> Listed {
        parse_rows(text, Layout::default(), &parse_contact_columns(columns).unwrap(), CLOCK)
    }

    #[test]
    fn white_space_tabs_and_commas_separate() {
        let expected = rows("20 a b", "time,from,to");
        assert_eq!(expected.rows[0].time, Timestamp::from_millis(1_020_000));
        for (text, columns) in [
            ("20\ta\tb", "time,from,to"),
            ("a,b,20", "from,to,time"),
            ("  x   a  b\t20 y", "_,from,to,time"),
            ("# from to time\r\n% more\na , b , 20\r\n", "from,to,time"),
        ] {
            assert_eq!(rows(text, columns), expected, "{text}");
        }
    }

    #[test]
    fn rows_come_by_time_and_then_as_listed() {
        let found = rows("30 a b\n20 c d\n30 e f\n20 g g\n", "time,from,to");
        assert_eq!(found.rows.iter().map(|row| row.record).collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(found.skipped, 1);
    }

    #[test]
    fn bad_rows_are_refused_by_number_and_field_and_the_others_kept() {
        let found = rows("20 a b\n20 a\nx a b\n20 a/b c\n99999999999999 a b\n21 a b", "time,from,to");
        let refusals: Vec<_> = found.refusals.iter().map(|refusal| (refusal.record, refusal.field.as_str())).collect();
        assert_eq!(refusals, [(2, "columns"), (3, "time"), (4, "from"), (5, "time")]);
        assert_eq!(found.rows.len(), 2);
    }

    #[test]
    fn times_may_have_fractions() {
        assert_eq!(parse_time("0.0015", CLOCK), Ok(Timestamp::from_millis(1_000_002)));
        assert_eq!(parse_time("-2.5", CLOCK), Ok(Timestamp::from_millis(997_500)));
        assert!(parse_time("NaN", CLOCK).is_err());
        assert!(parse_time("1500-01-01T00:00:00Z", CLOCK).is_err());
        assert!(parse_time("1e300", CLOCK).is_err());
    }

    #[test]
    fn people_have_organisation_and_role_or_not() {
        let columns = parse_people_columns("_,id,org,role").unwrap();
        let (members, refusals) = parse_members("0\t1098\tADM\n1,1100,,GP lead\n2 a/b", Layout::default(), &columns);
        let shown: Vec<_> = members
            .iter()
            .map(|member| (member.person.as_str(), member.organisation.as_ref().map(OrganisationId::as_str)))
            .collect();
        assert_eq!(shown, [("1098", Some("ADM")), ("1100", None)]);
        assert_eq!(members[1].role, "GP lead");
        assert_eq!((refusals[0].record, refusals[0].field.as_str()), (3, "id"));
    }

    #[test]
    fn rows_with_another_number_of_columns_are_named_with_their_line() {
        let found =
            rows("# t,a,b\n1000,shah,ben\n\n1000,Shah, Amina,ben\n1100 Ben Okoro amina\n1200,c,d\n", "time,from,to");
        let told: Vec<_> = found.refusals.iter().map(|refusal| (refusal.record, refusal.message.as_str())).collect();
        let expected =
            ["line 4 has 4 columns, but the first row has 3", "line 5 has 4 columns, but the first row has 3"];
        assert_eq!(told, [(2, expected[0]), (3, expected[1])]);
        assert_eq!(found.rows.len(), 2);
        let columns = parse_people_columns("id,org").unwrap();
        let (members, refusals) = parse_members("amina,ward\nShah, Amina,ward\nben\n", Layout::default(), &columns);
        assert_eq!((members.len(), refusals[0].record, refusals[0].field.as_str()), (2, 2, "columns"));
    }

    #[test]
    fn lists_of_the_world_have_separators_quotes_headings_and_dates() {
        let columns = parse_contact_columns("time,from,to").unwrap();
        let time = |text: &str| read_time(text).unwrap();
        let check = |text: &str, separator| {
            let found = parse_rows(text, Layout { separator, has_heading: true }, &columns, CLOCK);
            assert_eq!(found.refusals, [], "{text}");
            let shown = found.rows.iter().map(|row| (row.record, row.time, row.from.as_str(), row.to.as_str()));
            let expected =
                [(1, time("2026-03-04T10:00:00Z"), "a", "b"), (2, time("2026-03-04T11:00:00.123Z"), "c", "d")];
            assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
        };
        check("when;who;whom\n\"2026-03-04T10:00:00Z\";a;\"b\"\n2026-03-04T12:00:00.123+01:00; c ;d\n", Some(';'));
        check("when\twho\twhom\r\n2026-03-04T10:00:00Z\ta\tb\r\n2026-03-04T11:00:00.123456Z\tc\td\r\n", Some('\t'));
        check("when,who,whom\n2026-03-04T10:00:00Z,a,b\n2026-03-04 11:00:00.123Z,c,d", None);
        let quoted = split_quoted("\"a;\"\"b\"\"\";;c\";x", ';');
        assert_eq!(quoted, ["a;\"b\"", "", "c\";x"]);
        assert_eq!(split_quoted("\ta\t", '\t'), ["", "a", ""]);
    }

    #[test]
    fn whoever_is_listed_twice_is_described_alike() {
        let columns = parse_people_columns("id,org").unwrap();
        let (members, refusals) = parse_members("a,ward\nb,ward\na,ward\na,desk\n", Layout::default(), &columns);
        assert_eq!(members.len(), 2);
        let told: Vec<_> = refusals.iter().map(|refusal| refusal.message.as_str()).collect();
        assert_eq!(told, ["line 4: a is described differently by row 1"]);
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,100}") {
            let _ = rows(&text, "time,from,to");
            let columns = parse_people_columns("id,org").unwrap();
            let _ = parse_members(&text, Layout { separator: Some(';'), has_heading: true }, &columns);
        }
    }
}
