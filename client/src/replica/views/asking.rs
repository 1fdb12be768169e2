//! Queries to a view of a replica: resolved with the directory here, and answered as a server answers them.

use super::{Inner, ViewError, host::blocking};
use crate::{
    error::{Error, Kind},
    replica::{error::StoreError, reading::open},
};
use kith_core::{
    day::Day,
    filter::Filter,
    id::{OrganisationId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;
use kith_views::{
    Asked, Cancel, Explain, Query, ReportError, SnapshotError, Trace, Unanswered, ViewHandle, digest_of_view,
    explanation_of_view, limits::EVIDENCE_BYTES_MAX, rows_of_view, trace_of_view, wire,
};
use std::sync::Arc;

/// The log that queries refer to, up to this head; it includes the outbox where that is folded in.
pub(super) struct Of<'a>(pub(super) &'a Inner, pub(super) Position);

impl Asked for Of<'_> {
    type Error = ViewError;

    fn head(&self) -> Position {
        self.1
    }

    fn has_person(&self, id: &PersonId) -> Result<bool, ViewError> {
        Ok(self.0.people()?.iter().any(|person| person.id == id.as_str()))
    }

    fn has_organisation(&self, id: &OrganisationId) -> Result<bool, ViewError> {
        Ok(self.0.organisations()?.iter().any(|organisation| organisation.id == id.as_str()))
    }
}

/// The position that a query's time refers to: that of the last entry here recorded by then. Recording times never
/// decrease along the log.
pub(super) fn known_at(replica: &Inner, time: Option<Timestamp>) -> Result<Option<Position>, StoreError> {
    time.map(|time| last_recorded_by(replica, time)).transpose()
}

/// Answers a query.
pub(super) async fn query(view: Arc<ViewHandle>, query: Query) -> Result<v1::QueryViewResponse, ViewError> {
    Ok(blocking(move || rows_of_view(&view, &query, &Cancel::default())).await?)
}

/// Explains a row. Everything that is here is visible.
pub(super) async fn explain(view: Arc<ViewHandle>, explain: Explain) -> Result<v1::ExplainRowResponse, ViewError> {
    blocking(move || explanation_of_view(&view, &explain, &Cancel::default(), |_| Ok(true))).await
}

/// Traces rows.
pub(super) async fn trace(view: Arc<ViewHandle>, trace: Trace) -> Result<v1::TraceRowResponse, ViewError> {
    Ok(blocking(move || trace_of_view(&view, &trace, &Cancel::default())).await?)
}

/// Adds the details that are here to evidence, as far as entries and details fit together, as a server does.
pub(super) fn add_details(replica: &Inner, evidence: &mut Vec<v1::Evidence>) -> Result<(), StoreError> {
    let mut bytes = 0;
    let fits = replica.reading(|reader| {
        for (count, one) in evidence.iter_mut().enumerate() {
            let found = reader.details_at(open(&one.entry)?.0.position, &one.entry)?;
            one.details = found.into_iter().flat_map(|found| found.details).collect();
            bytes += one.entry.len() + one.details.iter().map(prost::Message::encoded_len).sum::<usize>();
            if bytes > EVIDENCE_BYTES_MAX && count > 0 {
                return Ok(count);
            }
        }
        Ok(evidence.len())
    })?;
    evidence.truncate(fits);
    Ok(())
}

/// Computes the digest of a view, over what is here or a part of it.
pub(super) async fn digest(
    view: Arc<ViewHandle>,
    held: Filter,
    as_of: (Option<Day>, Option<Position>),
) -> Result<v1::DigestViewResponse, ViewError> {
    Ok(blocking(move || digest_of_view(&view, &held, as_of, &Cancel::default())).await?)
}

/// The status of a view.
pub(super) async fn status(name: String, view: Arc<ViewHandle>) -> Result<v1::View, ViewError> {
    let status = blocking(move || view.status()).await.map_err(|error| ViewError::Host(error.to_string()))?;
    Ok(wire::view(&name, status))
}

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

impl From<Unanswered> for ViewError {
    fn from(unanswered: Unanswered) -> Self {
        let Some(reason) = unanswered.reason else { return Self::Host(unanswered.message) };
        let refused = Error::new(Kind::Refused(reason), unanswered.message);
        match unanswered.field {
            Some(field) => refused.at(field).into(),
            None => refused.into(),
        }
    }
}

impl From<SnapshotError> for ViewError {
    fn from(error: SnapshotError) -> Self {
        Unanswered::from(error).into()
    }
}

impl From<ReportError> for ViewError {
    fn from(error: ReportError) -> Self {
        Unanswered::from(error).into()
    }
}
