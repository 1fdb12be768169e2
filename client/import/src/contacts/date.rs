//! Days as services write them: `12 Mar 2024`, `7-Feb-22`, `03/15/2024`, `2024-03-12`.

use jiff::{civil::Date, tz::TimeZone};
use kith_core::timestamp::Timestamp;

/// The beginnings of the English names of months.
pub(crate) const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Whether day or month comes first where both are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// The day: 04/03/2024 is in March.
    DayFirst,
    /// The month: 04/03/2024 is in April.
    MonthFirst,
}

/// Why a text is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotDate {
    /// It has another form, or there is no such day.
    Unreadable,
    /// Day and month cannot be told apart.
    Ambiguous,
}

/// Reads a day; the time is its first moment in UTC, so that it is the same wherever the file is read.
pub(super) fn parse_day(text: &str, order: Option<DateOrder>) -> Result<Timestamp, NotDate> {
    let parts: Vec<&str> =
        text.split(|letter: char| !letter.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let [one, two, three] = parts[..] else { return Err(NotDate::Unreadable) };
    let number = |part: &str| part.parse::<i16>().map_err(|_| NotDate::Unreadable);
    let date = match (month(one), month(two)) {
        (None, Some(month)) if one.len() == 4 => date(number(one)?, month, number(three)?),
        (None, Some(month)) => date(year(three)?, month, number(one)?),
        (Some(month), _) => date(year(three)?, month, number(two)?),
        (None, None) if one.len() == 4 => date(number(one)?, number(two)?, number(three)?),
        (None, None) => {
            let (one, two, year) = (number(one)?, number(two)?, year(three)?);
            let is_day_first = match order {
                _ if one > 12 || one == two => true,
                _ if two > 12 => false,
                Some(order) => order == DateOrder::DayFirst,
                None => return Err(NotDate::Ambiguous),
            };
            let (day, month) = if is_day_first { (one, two) } else { (two, one) };
            date(year, month, day)
        }
    };
    let midnight = date.and_then(|date| date.to_zoned(TimeZone::UTC).ok()).ok_or(NotDate::Unreadable)?;
    Ok(Timestamp::from_millis(midnight.timestamp().as_millisecond()))
}

fn month(text: &str) -> Option<i16> {
    let start = text.get(..3)?.to_lowercase();
    let index = MONTHS.iter().position(|month| *month == start)?;
    i16::try_from(index + 1).ok()
}

/// A year of four digits, or of two: of this century, for no service is older.
fn year(text: &str) -> Result<i16, NotDate> {
    let year = text.parse().map_err(|_| NotDate::Unreadable)?;
    match text.len() {
        4 => Ok(year),
        2 => Ok(2_000 + year),
        _ => Err(NotDate::Unreadable),
    }
}

fn date(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, order: Option<DateOrder>, expected: Result<&str, NotDate>) {
        let expected = expected.map(|day| parse_day(day, None).unwrap());
        assert_eq!(parse_day(text, order), expected, "{text}");
    }

    #[test]
    fn days_of_all_times_of_the_service() {
        for text in ["12 Mar 2024", "12-Mar-24", "March 12, 2024", "2024-03-12", "12.03.2024", "2024 Mar 12"] {
            check(text, Some(DateOrder::DayFirst), Ok("2024-03-12"));
        }
        check("7-Feb-22", None, Ok("2022-02-07"));
        check("03/15/2024", None, Ok("2024-03-15"));
        check("15/03/24", Some(DateOrder::MonthFirst), Ok("2024-03-15"));
        assert_eq!(parse_day("1970-01-02", None), Ok(Timestamp::from_millis(86_400_000)));
    }

    #[test]
    fn what_cannot_be_told_apart_needs_an_order() {
        check("03/04/2024", None, Err(NotDate::Ambiguous));
        check("03/04/2024", Some(DateOrder::DayFirst), Ok("2024-04-03"));
        check("03/04/2024", Some(DateOrder::MonthFirst), Ok("2024-03-04"));
        check("04/04/2024", None, Ok("2024-04-04"));
        for text in ["", "soon", "31 Feb 2024", "13/13/2024", "1 2 3", "12 Mar", "99999 Mar 2024"] {
            check(text, None, Err(NotDate::Unreadable));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_day_or_none(text in "[0-9a-zé/ .-]{0,20}") {
            let _ = parse_day(&text, None);
        }
    }
}
