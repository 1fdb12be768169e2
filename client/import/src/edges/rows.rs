//! Reads rows of lists of contacts.
//!
//! Invariant: nothing in a row is dropped silently: a row with another number of columns than named is refused.

use super::{
    cell::{has_digit, is_number, refusal},
    columns::{Columns, ContactColumn},
    matrix,
    not_list::{NotList, uneven},
    table::{Heading, Layout, Parts, Table},
};
use crate::{limits::UNIX_TIME_MIN, refusal::Refusal, spot::Spot};
use kith_core::{
    id::PersonId,
    invalid::{Invalid, Problem},
    timestamp::Timestamp,
};
use kith_json::read_time;

/// How a list's times are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Time zero; `None` if numbers count from 1970, as they do in most programs.
    pub epoch: Option<Timestamp>,
    /// Milliseconds in one unit.
    pub unit_ms: i64,
}

/// A contact, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it is listed.
    pub spot: Spot,
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
    /// The heading, if it was not said that there is one.
    pub heading: Option<Heading>,
}

/// Reads a list of contacts.
pub fn parse_rows(
    text: &str,
    layout: Layout,
    columns: &Columns<ContactColumn>,
    clock: Clock,
) -> Result<Listed, NotList> {
    let table = Table::new(text, layout, |parts| columns.fit(parts), |table| is_headed(table, columns));
    if let Some((rows, columns)) = matrix::size(table.records(), columns.count()) {
        return Err(NotList::Matrix { rows, columns });
    }
    let mut found = Listed::default();
    let (mut misfit, mut fitting) = (None, 0_usize);
    for row in table.records() {
        let spot = Spot::new(row.number, row.line);
        if !columns.fit(&row.parts) {
            let (width, named) = (columns.width_of(&row.parts), columns.count());
            misfit.get_or_insert(NotList::Misfit { line: row.line, found: width, named });
            found.refusals.push(Refusal::unreadable(spot, "columns", format!("the row has {}", uneven(width, named))));
            continue;
        }
        fitting += 1;
        match parse_row(spot, &row.parts, columns, clock) {
            Ok(Row { time, .. }) if clock.epoch.is_none() && is_undated(time, &row.parts, columns) => {
                return Err(NotList::Undated { line: row.line, time });
            }
            Ok(row) if row.from == row.to => found.skipped += 1,
            Ok(row) => found.rows.push(row),
            Err(refusal) => found.refusals.push(refusal),
        }
    }
    if let (Some(misfit), 0) = (misfit, fitting) {
        return Err(misfit);
    }
    found.rows.sort_by_key(|row| (row.time, row.spot));
    found.heading = table.found_heading;
    Ok(found)
}

/// Whether the first row is a heading: it has the columns of a contact, a word instead of a time, and no numbers.
fn is_headed(table: &Table<'_>, columns: &Columns<ContactColumn>) -> bool {
    table.records().next().is_some_and(|first| {
        let time = columns.get(ContactColumn::Time, &first.parts).unwrap_or_default();
        let has_numbers = first.parts.iter().any(|part| is_number(part));
        columns.fit(&first.parts) && !time.is_empty() && !has_digit(time) && !has_numbers
    })
}

fn parse_row(spot: Spot, parts: &Parts<'_>, columns: &Columns<ContactColumn>, clock: Clock) -> Result<Row, Refusal> {
    let part = |wanted: ContactColumn| columns.get(wanted, parts).unwrap_or_default();
    let person = |wanted: ContactColumn, field: &str| {
        PersonId::parse_field(part(wanted), field).map_err(|invalid| refusal(spot, part(wanted), invalid))
    };
    let time = part(ContactColumn::Time);
    Ok(Row {
        spot,
        time: parse_time(time, clock).map_err(|invalid| refusal(spot, time, invalid))?,
        from: person(ContactColumn::From, "from")?,
        to: person(ContactColumn::To, "to")?,
    })
}

/// Whether a time is a number that hardly counts from 1970.
fn is_undated(time: Timestamp, parts: &Parts<'_>, columns: &Columns<ContactColumn>) -> bool {
    time < UNIX_TIME_MIN && columns.get(ContactColumn::Time, parts).is_some_and(is_number)
}

/// The rule for times, in words.
const TIMES: &str = "a number of units, or RFC 3339, between the years 1900 and 9999";

fn parse_time(text: &str, clock: Clock) -> Result<Timestamp, Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("time", Problem::Missing));
    }
    let time = read_time(text).or_else(|| units_after(text, clock));
    let time = time.filter(|time| (Timestamp::MIN..=Timestamp::MAX).contains(time));
    time.ok_or_else(|| Invalid::new("time", Problem::MustBe(TIMES)))
}

fn units_after(text: &str, clock: Clock) -> Option<Timestamp> {
    let passed_ms = match text.parse::<i64>() {
        Ok(units) => units.checked_mul(clock.unit_ms)?,
        Err(_) => parse_fraction(text, clock.unit_ms)?,
    };
    let epoch_ms = clock.epoch.map_or(0, Timestamp::millis);
    epoch_ms.checked_add(passed_ms).map(Timestamp::from_millis)
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

#[cfg(test)]
mod tests {
    use super::super::{columns::parse_contact_columns, table::Separator};
    use super::*;
    use proptest::prelude::*;

    const CLOCK: Clock = Clock { epoch: Some(Timestamp::from_millis(1_000_000)), unit_ms: 1_000 };

    fn read(text: &str, layout: Layout, columns: &str) -> Result<Listed, NotList> {
        parse_rows(text, layout, &parse_contact_columns(columns).unwrap(), CLOCK)
    }

    fn rows(text: &str, columns: &str) -> Listed {
        read(text, Layout::default(), columns).unwrap()
    }

    #[test]
    fn white_space_tabs_and_commas_separate() {
        let expected = rows("20 a b", "time,from,to");
        assert_eq!(expected.rows[0].time, Timestamp::from_millis(1_020_000));
        for (text, columns) in [
            ("20\ta\tb", "time,from,to"),
            ("a,b,20", "from,to,time"),
            ("  x   a  b\t20 y", "_,from,to,time,_"),
            ("  x   a  b\t20 y", "_,from,to,time,..."),
            ("20\ta\t\tb\t", "time,from,_,to"),
        ] {
            assert_eq!(rows(text, columns), expected, "{text}");
        }
        let found = rows("# from to time\r\n% more\n\na , b , 20\r\n", "from,to,time");
        assert_eq!(found.rows, [Row { spot: Spot::new(1, 4), ..expected.rows[0].clone() }]);
    }

    #[test]
    fn rows_come_by_time_and_then_as_listed() {
        let found = rows("30 a b\n20 c d\n30 e f\n20 g g\n", "time,from,to");
        assert_eq!(found.rows.iter().map(|row| row.spot.record).collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(found.skipped, 1);
    }

    #[test]
    fn bad_rows_are_refused_by_line_and_field_and_the_others_kept() {
        let found = rows("20 a b\n\n20 a\nx a b\n20 a/b c\n99999999999999 a b\n21 a b", "time,from,to");
        let refusals: Vec<_> =
            found.refusals.iter().map(|refusal| (refusal.spot.line, refusal.field.as_str())).collect();
        assert_eq!(refusals, [(3, "columns"), (4, "time"), (5, "from"), (6, "time")]);
        assert_eq!(found.refusals[0].message, "the row has 2 columns, but 3 are named");
        assert!(found.refusals[2].message.ends_with("; it is \"a/b\""), "{:?}", found.refusals[2]);
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
    fn without_a_time_zero_numbers_are_unix_times() {
        let columns = parse_contact_columns("time,from,to").unwrap();
        let read =
            |text: &str, unit_ms: i64| parse_rows(text, Layout::default(), &columns, Clock { epoch: None, unit_ms });
        let time = read_time("2026-03-04T10:00:00Z").unwrap();
        for (text, unit_ms) in [("1772618400 a b", 1_000), ("1772618400000 a b", 1), ("2026-03-04T10:00:00Z a b", 1)] {
            assert_eq!(read(text, unit_ms).unwrap().rows[0].time, time, "{text}");
        }
        let zero = Timestamp::from_millis(20_000);
        assert_eq!(read("1772618400 a b\n20 a b", 1_000), Err(NotList::Undated { line: 2, time: zero }));
        assert_eq!(read("1975-03-04T10:00:00Z a b", 1_000).unwrap().rows.len(), 1);
        let given = Clock { epoch: Some(Timestamp::from_millis(0)), unit_ms: 1_000 };
        assert_eq!(parse_rows("20 a b", Layout::default(), &columns, given).unwrap().rows[0].time, zero);
    }

    #[test]
    fn rows_with_other_columns_than_named_are_refused_unless_the_rest_is_ignored() {
        let list = "# t,a,b\n1000,shah,ben\n\n1000,Shah, Amina,ben\n1100 Ben Okoro amina\n1200,c,d\n";
        let found = rows(list, "time,from,to");
        let told: Vec<_> = found.refusals.iter().map(|refusal| (refusal.spot.line, refusal.message.as_str())).collect();
        let [(4, surplus), (5, "the row has 1 column, but 3 are named: --separator says what separates them")] =
            told[..]
        else {
            panic!("{told:?}")
        };
        assert!(surplus.starts_with("the row has 4 columns, but 3 are named: name unused columns _"), "{surplus}");
        assert_eq!(found.rows.len(), 2);
        let wide = "20 a b 1\n21 a b 1\n";
        assert_eq!(read(wide, Layout::default(), "time,from,to"), Err(NotList::Misfit { line: 1, found: 4, named: 3 }));
        assert_eq!(rows(wide, "time,from,to,_"), rows(wide, "time,from,to,..."));
    }

    #[test]
    fn matrices_are_no_lists() {
        let matrix = " 0 1 0 0 1\n 1 0 0 1 0\n 0 1 0 0 0\n 1 0 1 0 0\n 0 0 1 1 0\n";
        for columns in ["from,to,time", "from,to,time,_,_", "from,to,time,..."] {
            let why = read(matrix, Layout::default(), columns).unwrap_err();
            assert_eq!(why, NotList::Matrix { rows: 5, columns: 5 }, "{columns}");
        }
    }

    #[test]
    fn lists_of_the_world_have_separators_quotes_headings_and_dates() {
        let time = |text: &str| read_time(text).unwrap();
        let check = |text: &str, separator: Option<char>| {
            for has_heading in [Some(true), None] {
                let separator = separator.map(Separator::Letter);
                let found = read(text, Layout { separator, has_heading }, "time,from,to").unwrap();
                assert_eq!(found.refusals, [], "{text}");
                assert_eq!(found.heading.is_some(), has_heading.is_none());
                let shown =
                    found.rows.iter().map(|row| (row.spot.record, row.time, row.from.as_str(), row.to.as_str()));
                let expected =
                    [(1, time("2026-03-04T10:00:00Z"), "a", "b"), (2, time("2026-03-04T11:00:00.123Z"), "c", "d")];
                assert_eq!(shown.collect::<Vec<_>>(), expected, "{text}");
            }
        };
        check("when;who;whom\n\"2026-03-04T10:00:00Z\";a;\"b\"\n2026-03-04T12:00:00.123+01:00; c ;d\n", Some(';'));
        check("when\twho\twhom\r\n2026-03-04T10:00:00Z\ta\tb\r\n2026-03-04T11:00:00.123456Z\tc\td\r\n", None);
        check("when,who,whom\n2026-03-04T10:00:00Z,a,b\n2026-03-04 11:00:00.123Z,\"c\",d", None);
    }

    #[test]
    fn a_first_row_without_a_time_is_a_heading_unless_it_is_said_to_be_none() {
        let list = "\ntime from to\n20 a b\n";
        let found = rows(list, "time,from,to");
        assert_eq!(found.heading, Some(super::Heading { line: 2, text: "time from to".into() }));
        assert_eq!((found.rows[0].spot, found.refusals.len()), (Spot::new(1, 3), 0));
        let found = read(list, Layout { has_heading: Some(false), ..Layout::default() }, "time,from,to").unwrap();
        assert_eq!((found.heading, found.refusals[0].spot), (None, Spot::new(1, 2)));
        for row in ["20: a b", "x 1 2"] {
            let found = rows(&format!("{row}\n20 a b\n"), "time,from,to");
            assert_eq!((found.heading, found.refusals.len()), (None, 1), "{row}: a time that is written wrongly");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,100}") {
            let _ = read(&text, Layout::default(), "time,from,to");
            let layout = Layout { separator: Some(Separator::Letter(';')), has_heading: Some(true) };
            let _ = read(&text, layout, "time,from,to,...");
        }
    }
}
