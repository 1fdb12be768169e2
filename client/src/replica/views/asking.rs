//! Questions to a view, from the words of the client to those of the plugin host and back.

use super::{Inner, ViewError, host::blocking};
use crate::{
    error::{Error, Kind},
    replica::{error::StoreError, reading::open},
    views::{DigestQuery, RowQuery, ViewQuery},
};
use kith_core::reason::Reason;
use kith_core::{
    filter::Filter,
    id::{OrganisationId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;
use kith_views::{
    Explain, ExplainError, OrderBy, Query, QueryError, SnapshotError, ViewHandle,
    wire::{self, Problem},
};
use std::{collections::HashSet, sync::Arc};

/// Rows in a page unless asked otherwise.
const PAGE_ROWS_DEFAULT: u32 = 100;

/// Makes sure that the directory has these people: those that a view does not know are not there yet for it.
pub(super) fn check_people(replica: &Inner, ids: &[PersonId], field: &'static str) -> Result<(), ViewError> {
    if ids.is_empty() {
        return Ok(());
    }
    let known: HashSet<String> = replica.people()?.into_iter().map(|person| person.id).collect();
    match ids.iter().find(|id| !known.contains(id.as_str())) {
        None => Ok(()),
        Some(id) => {
            let message = format!("there is no person {id}");
            Err(Error::refused(Reason::PersonUnknown, message).at(field).into())
        }
    }
}

/// A question in the plugin host's words.
pub(super) fn question(replica: &Inner, query: &ViewQuery) -> Result<Query, ViewError> {
    check_people(replica, query.person.as_slice(), "person")?;
    check_people(replica, &query.key, "key")?;
    if let Some(organisation) = &query.organisation {
        check_organisation(replica, organisation)?;
    }
    let page_rows = if query.page_size == 0 { PAGE_ROWS_DEFAULT } else { query.page_size };
    Ok(Query {
        person: query.person.clone(),
        organisation: query.organisation.clone(),
        key: (!query.key.is_empty()).then(|| query.key.clone()),
        day: day(query.at)?,
        as_of: match query.as_of_time {
            Some(time) => Some(last_recorded_by(replica, time)?),
            None => as_of(query.as_of),
        },
        order: OrderBy::parse(&query.sort),
        page_rows: page_rows as usize,
        page_token: (!query.page_token.is_empty()).then(|| query.page_token.clone()),
    })
}

/// Answers a question.
pub(super) async fn query(view: Arc<ViewHandle>, question: Query) -> Result<v1::QueryViewResponse, ViewError> {
    blocking(move || {
        let answer = view.query(&question)?;
        Ok(v1::QueryViewResponse {
            fields: wire::fields(view.fields()),
            rows: answer.rows.into_iter().map(wire::row).collect(),
            next_page_token: answer.next_page_token.unwrap_or_default(),
            position: answer.position.get(),
            day: answer.day,
            total: answer.total,
        })
    })
    .await
}

/// Explains a row. Everything that is here may be seen.
pub(super) async fn explain(view: Arc<ViewHandle>, query: RowQuery) -> Result<v1::ExplainRowResponse, ViewError> {
    let explain = Explain { key: query.key, item: as_of(query.item), day: day(query.at)?, as_of: as_of(query.as_of) };
    blocking(move || {
        let explanation = view.explain(&explain)?;
        let evidence = explanation.evidence.into_iter();
        Ok(v1::ExplainRowResponse {
            fields: wire::fields(view.fields()),
            rows: explanation.rows.into_iter().map(wire::row).collect(),
            evidence: evidence.map(|one| v1::Evidence { entry: one.entry, share: one.share }).collect(),
            hidden: 0,
            share_of: explanation.share_of.unwrap_or_default(),
            position: explanation.position.get(),
            day: explanation.day,
            ..v1::ExplainRowResponse::default()
        })
    })
    .await
}

/// Digests a view: of what is here, or of a part of it.
pub(super) async fn digest(view: Arc<ViewHandle>, query: DigestQuery) -> Result<v1::DigestViewResponse, ViewError> {
    let (day, as_of) = (day(query.at)?, as_of(query.as_of));
    blocking(move || {
        let digest = match query.held {
            held if held == Filter::default() => view.digest(day, as_of)?,
            held => view.digest_for(&held, day, as_of)?,
        };
        Ok(wire::digest(digest, view.component(), view.settings()))
    })
    .await
}

/// How a view is doing.
pub(super) async fn status(name: String, view: Arc<ViewHandle>) -> Result<v1::View, ViewError> {
    let status = blocking(move || view.status()).await.map_err(|error| ViewError::Host(error.to_string()))?;
    Ok(wire::view(&name, status))
}

/// A position that rows are asked for as of; zero is none.
pub(super) fn as_of(position: Position) -> Option<Position> {
    (position > Position::ZERO).then_some(position)
}

/// A day that rows are asked for as of.
pub(super) fn day(day: Option<i32>) -> Result<Option<i32>, Error> {
    let (first, last) = (Timestamp::MIN.day(), Timestamp::MAX.day());
    match day {
        Some(day) if !(first..=last).contains(&day) => {
            let message = format!("must be a day between {first} and {last}");
            Err(Error::refused(Reason::RequestInvalid, message).at("at"))
        }
        day => Ok(day),
    }
}

fn check_organisation(replica: &Inner, id: &OrganisationId) -> Result<(), ViewError> {
    if replica.organisations()?.iter().any(|organisation| organisation.id == id.as_str()) {
        return Ok(());
    }
    let error = Error::refused(Reason::OrganisationUnknown, format!("there is no organisation {id}"));
    Err(error.at("organisation").into())
}

/// The last entry here that was recorded up to a time. Times of recording never decrease along the log.
fn last_recorded_by(replica: &Inner, time: Timestamp) -> Result<Position, StoreError> {
    let head = *replica.head.borrow();
    replica.reading(|reader| {
        let (mut known, mut beyond) = (0, head.get() + 1);
        while beyond - known > 1 {
            let middle = known + (beyond - known) / 2;
            match reader.range(Position::new(middle - 1), Position::new(beyond - 1))?.next().transpose()? {
                Some((position, bytes)) if open(&bytes)?.0.recorded_at <= time => known = position.get(),
                Some(_) | None => beyond = middle,
            }
        }
        Ok(Position::new(known))
    })
}

impl From<SnapshotError> for ViewError {
    fn from(error: SnapshotError) -> Self {
        refused(&Problem::from(&error), &error)
    }
}

impl From<QueryError> for ViewError {
    fn from(error: QueryError) -> Self {
        refused(&Problem::from(&error), &error)
    }
}

impl From<ExplainError> for ViewError {
    fn from(error: ExplainError) -> Self {
        refused(&Problem::from(&error), &error)
    }
}

fn refused(problem: &Problem, error: &dyn std::error::Error) -> ViewError {
    let Some(reason) = problem.reason else { return ViewError::Host(error.to_string()) };
    let refused = Error::new(Kind::Refused(reason), error.to_string());
    match problem.field {
        Some(field) => refused.at(field).into(),
        None => refused.into(),
    }
}
