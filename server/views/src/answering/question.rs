//! Reads questions from their messages and looks them up in the directory of a log.
//!
//! Invariant: every field is checked here, whoever answers, so that a server and a replica refuse the same question
//! with the same message and field.

use super::unanswered::Unanswered;
use crate::{
    ask::{
        columns::Only,
        explain::Explain,
        query::{OrderBy, Query},
        trace::Trace,
    },
    limits,
    report::{Report, answer::ReportQuery, page::ReportPage},
};
use kith_core::{
    day::Day,
    filter::Filter,
    id::{OrganisationId, PersonId},
    limits::PERSON_ID_BYTES_MAX,
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;

/// The position, time and day that a question to a report is as of; `None` for the current ones.
pub type ReportAsOf = (Option<Position>, Option<Timestamp>, Option<Day>);

/// The day and the position that rows are requested as of; `None` for the current ones.
pub type AsOf = (Option<Day>, Option<Position>);

/// A log with its directory, in which questions are looked up.
pub trait Asked {
    /// Why a lookup failed, or why a question has no answer.
    type Error: From<Unanswered>;

    /// The last position.
    fn head(&self) -> Position;

    /// Whether the directory has a person.
    fn has_person(&self, id: &PersonId) -> Result<bool, Self::Error>;

    /// Whether the directory has an organisation.
    fn has_organisation(&self, id: &OrganisationId) -> Result<bool, Self::Error>;
}

/// A question for rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    query: Query,
    known_at: Option<Timestamp>,
}

/// A question to a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportQuestion {
    /// The rows asked for.
    pub query: ReportQuery,
    /// Where the page begins, and its position and day.
    pub page: ReportPage,
}

impl Question {
    /// Reads a question to a view or report.
    pub fn read<A: Asked>(message: &v1::QueryViewRequest, asked: &A) -> Result<Self, A::Error> {
        let page_rows = page_rows(message.page_size)?;
        let person = match &*message.person {
            "" => None,
            id => Some(known_person(asked, id, "person")?),
        };
        let organisation = match &*message.organisation {
            "" => None,
            id => Some(known_organisation(asked, id)?),
        };
        let key = if message.key.is_empty() { None } else { Some(key(asked, &message.key)?) };
        let only = only(message.only.as_ref())?;
        let columns = columns(&message.columns)?;
        let day = day(message.at)?;
        let (as_of, known_at) = known(asked, message.as_of, message.as_of_time.as_ref())?;
        let order = OrderBy::parse(&message.sort);
        let page_token = (!message.page_token.is_empty()).then(|| message.page_token.clone());
        let query = Query { person, organisation, key, only, columns, day, as_of, order, page_rows, page_token };
        Ok(Self { query, known_at })
    }

    /// The time as of which rows are requested as known, if it is given as a time and not as a position.
    pub fn known_at(&self) -> Option<Timestamp> {
        self.known_at
    }

    /// Whether it continues from an earlier page, whose position and day then apply.
    pub fn is_continued(&self) -> bool {
        self.query.page_token.is_some()
    }

    /// Whether it is about the current rows.
    pub fn is_about_now(&self) -> bool {
        let Query { day, as_of, page_token, .. } = &self.query;
        day.is_none() && as_of.is_none() && page_token.is_none() && self.known_at.is_none()
    }

    /// Makes it a query of a view; `known_at` is the last position recorded by its time, if it has one.
    pub fn of_view(self, known_at: Option<Position>) -> Query {
        let as_of = known_at.or(self.query.as_of);
        Query { as_of, ..self.query }
    }

    /// Makes it a question to a report.
    pub fn of_report(self, report: &Report, known_at: Option<Position>) -> Result<ReportQuestion, Unanswered> {
        let Query { person, organisation, key, only, columns, day, as_of, order, page_rows, page_token } =
            self.of_view(known_at);
        let page = match page_token {
            Some(token) => ReportPage::parse(&token)?,
            None => ReportPage { as_of, day, skip: 0 },
        };
        let key = key.map(|key| key.iter().map(ToString::to_string).collect());
        let query = ReportQuery { person, organisation, key, only, columns, order, skip: page.skip, page_rows };
        report.check_columns(&query)?;
        Ok(ReportQuestion { query, page })
    }
}

/// Reads a question to explain rows of a view, and the time as of which they are requested as known if it is given as a
/// time and not as a position.
pub fn explain<A: Asked>(message: &v1::ExplainRowRequest, asked: &A) -> Result<(Explain, Option<Timestamp>), A::Error> {
    let (as_of, known_at) = known(asked, message.as_of, message.as_of_time.as_ref())?;
    let explain =
        Explain { key: key_of_row(asked, &message.key)?, item: item(message.item), day: day(message.at)?, as_of };
    Ok((explain, known_at))
}

/// Reads a question to trace rows of a view, and the time as of which they are requested as known.
pub fn trace<A: Asked>(message: &v1::TraceRowRequest, asked: &A) -> Result<(Trace, Option<Timestamp>), A::Error> {
    let (as_of, known_at) = known(asked, message.as_of, message.as_of_time.as_ref())?;
    if message.step_days > limits::TRACE_STEP_DAYS_MAX {
        let message = format_args!("a step has at most {} days", limits::TRACE_STEP_DAYS_MAX);
        return Err(Unanswered::limit("step_days", message).into());
    }
    let trace = Trace {
        key: key_of_row(asked, &message.key)?,
        item: item(message.item),
        from: day_of("from", message.from)?,
        until: day_of("until", message.until)?,
        step: i32::try_from(message.step_days.max(1)).expect("it is small"),
        as_of,
    };
    Ok((trace, known_at))
}

/// Reads the day and position as of which to explain a row of a report, whose key is one or two ids of people or
/// organisations.
pub fn explain_report<A: Asked>(message: &v1::ExplainRowRequest, asked: &A) -> Result<ReportAsOf, A::Error> {
    match &*message.key {
        [] => return Err(Unanswered::request("key", "is missing").into()),
        [_] | [_, _] if message.key.iter().any(|id| id.len() > PERSON_ID_BYTES_MAX) => {
            let message = format!("an id has at most {PERSON_ID_BYTES_MAX} bytes");
            return Err(Unanswered::limit("key", message).into());
        }
        [_] | [_, _] => {}
        _ => return Err(Unanswered::request("key", "must be one or two ids of people or organisations").into()),
    }
    let (as_of, known_at) = known(asked, message.as_of, message.as_of_time.as_ref())?;
    Ok((as_of, known_at, day(message.at)?))
}

/// Reads the day and position of a digest, and the part whose rows it covers.
pub fn digest<A: Asked>(message: &v1::DigestViewRequest, asked: &A) -> Result<(Filter, AsOf), A::Error> {
    let as_of = (day(message.at)?, as_of(asked, message.as_of)?);
    let held = message.filter.as_ref().map(Filter::from_proto).transpose();
    Ok((held.map_err(|invalid| Unanswered::invalid(&invalid))?.unwrap_or_default(), as_of))
}

/// Reads the position that rows are requested as of: 0 for none.
pub fn as_of<A: Asked>(asked: &A, number: u64) -> Result<Option<Position>, A::Error> {
    let (position, head) = (Position::new(number), asked.head());
    if position > head {
        return Err(Unanswered::position_ahead(head).into());
    }
    Ok((position > Position::ZERO).then_some(position))
}

/// Reads the day that rows are requested as of.
pub fn day(number: Option<i32>) -> Result<Option<Day>, Unanswered> {
    day_of("at", number)
}

fn day_of(field: &'static str, number: Option<i32>) -> Result<Option<Day>, Unanswered> {
    let (first, last) = (Timestamp::MIN.day(), Timestamp::MAX.day());
    match number.map(Day::new) {
        Some(day) if !(first..=last).contains(&day) => {
            let (first, last) = (first.number(), last.number());
            Err(Unanswered::request(field, format_args!("must be a day between {first} and {last}")))
        }
        day => Ok(day),
    }
}

/// Reads as of what rows are requested as known: a position, a time, or neither for now.
fn known<A: Asked>(
    asked: &A,
    number: u64,
    time: Option<&prost_types::Timestamp>,
) -> Result<(Option<Position>, Option<Timestamp>), A::Error> {
    let Some(proto) = time else { return Ok((as_of(asked, number)?, None)) };
    let Some(time) = Timestamp::from_proto(proto) else {
        return Err(Unanswered::request("as_of_time", "must be a time in whole milliseconds").into());
    };
    if number > 0 {
        return Err(Unanswered::request("as_of_time", "cannot be combined with as_of").into());
    }
    Ok((None, Some(time)))
}

fn item(number: u64) -> Option<Position> {
    (number > 0).then(|| Position::new(number))
}

/// Reads the texts that rows must have one of in a column.
fn only(message: Option<&v1::Only>) -> Result<Option<Only>, Unanswered> {
    let Some(v1::Only { column, texts }) = message else { return Ok(None) };
    if column.is_empty() {
        return Err(Unanswered::request("only.column", "is missing"));
    }
    if texts.is_empty() {
        return Err(Unanswered::request("only.texts", "is missing"));
    }
    if texts.len() > limits::ONLY_TEXTS_MAX {
        return Err(Unanswered::too_many("only.texts", limits::ONLY_TEXTS_MAX, texts.len()));
    }
    let max = limits::ONLY_TEXT_BYTES_MAX;
    if column.len() > max || texts.iter().any(|text| text.len() > max) {
        return Err(Unanswered::limit("only", format_args!("a text to look for has at most {max} bytes")));
    }
    Ok(Some(Only { column: column.clone(), texts: texts.iter().cloned().collect() }))
}

/// Reads the columns to return.
fn columns(names: &[String]) -> Result<Vec<String>, Unanswered> {
    if names.len() > limits::FIELDS_MAX {
        return Err(Unanswered::too_many("columns", limits::FIELDS_MAX, names.len()));
    }
    if (1..names.len()).any(|at| names[..at].contains(&names[at])) {
        return Err(Unanswered::request("columns", "must be named once each"));
    }
    Ok(names.to_vec())
}

fn page_rows(asked: u32) -> Result<usize, Unanswered> {
    let rows = if asked == 0 { limits::PAGE_ROWS_DEFAULT } else { asked as usize };
    if rows > limits::PAGE_ROWS_MAX {
        return Err(Unanswered::too_many("page_size", limits::PAGE_ROWS_MAX, rows));
    }
    Ok(rows)
}

fn key_of_row<A: Asked>(asked: &A, ids: &[String]) -> Result<Vec<PersonId>, A::Error> {
    if ids.is_empty() {
        return Err(Unanswered::request("key", "is missing").into());
    }
    key(asked, ids)
}

/// Reads a key: one or two people of the directory. A view may not have reached their entries yet.
fn key<A: Asked>(asked: &A, ids: &[String]) -> Result<Vec<PersonId>, A::Error> {
    if ids.len() > 2 {
        return Err(Unanswered::request("key", "must be one or two people").into());
    }
    let ids = ids.iter().map(|id| PersonId::parse_field(id, "key"));
    let ids = ids.collect::<Result<Vec<_>, _>>().map_err(|invalid| Unanswered::invalid(&invalid))?;
    for id in &ids {
        check_person(asked, id, "key")?;
    }
    Ok(ids)
}

fn known_person<A: Asked>(asked: &A, id: &str, field: &'static str) -> Result<PersonId, A::Error> {
    let id = PersonId::parse_field(id, field).map_err(|invalid| Unanswered::invalid(&invalid))?;
    check_person(asked, &id, field)?;
    Ok(id)
}

fn check_person<A: Asked>(asked: &A, id: &PersonId, field: &'static str) -> Result<(), A::Error> {
    if asked.has_person(id)? { Ok(()) } else { Err(Unanswered::person_unknown(field, id).into()) }
}

fn known_organisation<A: Asked>(asked: &A, id: &str) -> Result<OrganisationId, A::Error> {
    let field = "organisation";
    let id = OrganisationId::parse_field(id, field).map_err(|invalid| Unanswered::invalid(&invalid))?;
    if asked.has_organisation(&id)? { Ok(id) } else { Err(Unanswered::organisation_unknown(field, &id).into()) }
}
