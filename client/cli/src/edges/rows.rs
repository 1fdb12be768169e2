//! Rows of lists: columns separated by white space or commas, lines with `#` or `%` in front passed over.

use super::columns::{ContactColumn, PersonColumn};
use crate::failure::Refusal;
use kith_client::Error;
use kith_core::{
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem},
    timestamp::Timestamp,
};

/// What a list's times mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Time zero.
    pub(crate) epoch: Timestamp,
    /// Milliseconds in one unit.
    pub(crate) unit_ms: i64,
}

/// A contact as the list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its number in the list, from 1.
    pub(crate) record: u64,
    /// When it happened.
    pub(crate) time: Timestamp,
    /// One person; the sender, where there is one.
    pub(crate) from: PersonId,
    /// The other person.
    pub(crate) to: PersonId,
}

/// What a list of contacts holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Contacts between two people, by time, then by their place in the list.
    pub(crate) rows: Vec<Row>,
    /// Rows with the same person at both ends.
    pub(crate) skipped: u64,
    /// Rows that could not be read.
    pub(crate) refusals: Vec<Refusal>,
}

/// A person of a list of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its number in the list, from 1.
    pub(crate) record: u64,
    /// The person.
    pub(crate) person: PersonId,
    /// Their organisation.
    pub(crate) organisation: Option<OrganisationId>,
    /// Their role; may be empty.
    pub(crate) role: String,
}

/// Reads a list of contacts.
pub(crate) fn parse_rows(text: &str, columns: &[ContactColumn], clock: Clock) -> Listed {
    let mut found = Listed::default();
    for (record, line) in records(text) {
        match parse_row(record, line, columns, clock) {
            Ok(row) if row.from == row.to => found.skipped += 1,
            Ok(row) => found.rows.push(row),
            Err(invalid) => found.refusals.push(Refusal::local(record, &Error::from(invalid))),
        }
    }
    found.rows.sort_by_key(|row| (row.time, row.record));
    found
}

/// Reads a list of people: those that could be read, and why others could not.
pub(crate) fn parse_members(text: &str, columns: &[PersonColumn]) -> (Vec<Member>, Vec<Refusal>) {
    let (mut members, mut refusals) = (Vec::new(), Vec::new());
    for (record, line) in records(text) {
        match parse_member(record, line, columns) {
            Ok(member) => members.push(member),
            Err(invalid) => refusals.push(Refusal::local(record, &Error::from(invalid))),
        }
    }
    (members, refusals)
}

/// Lines with something in them, numbered from 1.
fn records(text: &str) -> impl Iterator<Item = (u64, &str)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '%']));
    (1..).zip(lines)
}

/// The columns of a line: between commas if there are any, else between white space.
fn split(line: &str) -> Vec<&str> {
    if line.contains(',') {
        return line.split(',').map(str::trim).collect();
    }
    line.split_whitespace().collect()
}

fn parse_row(record: u64, line: &str, columns: &[ContactColumn], clock: Clock) -> Result<Row, Invalid> {
    let parts = split(line);
    let part = |wanted: ContactColumn, name: &str| {
        let index = columns.iter().position(|column| *column == wanted);
        let text = index.and_then(|index| parts.get(index)).copied();
        text.ok_or_else(|| Invalid::new(name, Problem::Missing))
    };
    Ok(Row {
        record,
        time: parse_time(part(ContactColumn::Time, "time")?, clock)?,
        from: PersonId::parse_field(part(ContactColumn::From, "from")?, "from")?,
        to: PersonId::parse_field(part(ContactColumn::To, "to")?, "to")?,
    })
}

fn parse_time(text: &str, clock: Clock) -> Result<Timestamp, Invalid> {
    let invalid = || Invalid::new("time", Problem::MustBe("a number of units between the years 1900 and 9999"));
    let passed_ms = match text.parse::<i64>() {
        Ok(units) => units.checked_mul(clock.unit_ms).ok_or_else(invalid)?,
        Err(_) => parse_fraction(text, clock.unit_ms).ok_or_else(invalid)?,
    };
    let millis = clock.epoch.millis().checked_add(passed_ms).ok_or_else(invalid)?;
    let time = Timestamp::from_millis(millis);
    if !(Timestamp::MIN..=Timestamp::MAX).contains(&time) {
        return Err(invalid());
    }
    Ok(time)
}

/// A number of units with a decimal point, rounded to milliseconds.
fn parse_fraction(text: &str, unit_ms: i64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let units: f64 = text.parse().ok()?;
    #[allow(clippy::cast_precision_loss, reason = "the longest unit has far fewer milliseconds than 2^53")]
    let millis = (units * unit_ms as f64).round();
    #[allow(clippy::cast_possible_truncation, reason = "checked to lie within 2^53")]
    (millis.abs() < EXACT_MAX).then_some(millis as i64)
}

fn parse_member(record: u64, line: &str, columns: &[PersonColumn]) -> Result<Member, Invalid> {
    let parts = split(line);
    let part = |wanted: PersonColumn| {
        let index = columns.iter().position(|column| *column == wanted)?;
        parts.get(index).copied().filter(|text| !text.is_empty())
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
        parse_rows(text, &parse_contact_columns(columns).unwrap(), CLOCK)
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
        assert_eq!(refusals, [(2, "to"), (3, "time"), (4, "from"), (5, "time")]);
        assert_eq!(found.rows.len(), 2);
    }

    #[test]
    fn times_may_have_fractions() {
        assert_eq!(parse_time("0.0015", CLOCK), Ok(Timestamp::from_millis(1_000_002)));
        assert_eq!(parse_time("-2.5", CLOCK), Ok(Timestamp::from_millis(997_500)));
        assert!(parse_time("NaN", CLOCK).is_err());
        assert!(parse_time("1e300", CLOCK).is_err());
    }

    #[test]
    fn people_have_organisation_and_role_or_not() {
        let columns = parse_people_columns("_,id,org,role").unwrap();
        let (members, refusals) = parse_members("0\t1098\tADM\n1,1100,,GP lead\n2 a/b", &columns);
        let shown: Vec<_> = members
            .iter()
            .map(|member| (member.person.as_str(), member.organisation.as_ref().map(OrganisationId::as_str)))
            .collect();
        assert_eq!(shown, [("1098", Some("ADM")), ("1100", None)]);
        assert_eq!(members[1].role, "GP lead");
        assert_eq!((refusals[0].record, refusals[0].field.as_str()), (3, "id"));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,100}") {
            let _ = rows(&text, "time,from,to");
        }
    }
}
