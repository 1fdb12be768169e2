//! Questions to a view of a replica: looked up in the directory that is here, and answered as a server answers them.

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
    Asked, Cancel, Explain, Query, Question, ReportError, SnapshotError, Unanswered, ViewHandle, digest_of_view,
    explanation_of_view, rows_of_view, wire,
};
use std::sync::Arc;

/// The log that questions are looked up in: with what waits, where that is folded, up to this head.
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

/// The position that a question's time means: that of the last entry here which was recorded by then. Times of
/// recording never decrease along the log.
pub(super) fn known_at(replica: &Inner, question: &Question) -> Result<Option<Position>, StoreError> {
    question.known_at().map(|time| last_recorded_by(replica, time)).transpose()
}

/// Answers a question.
pub(super) async fn query(view: Arc<ViewHandle>, query: Query) -> Result<v1::QueryViewResponse, ViewError> {
    Ok(blocking(move || rows_of_view(&view, &query, &Cancel::default())).await?)
}

/// Explains a row. Everything that is here may be seen.
pub(super) async fn explain(view: Arc<ViewHandle>, explain: Explain) -> Result<v1::ExplainRowResponse, ViewError> {
    blocking(move || explanation_of_view(&view, &explain, &Cancel::default(), |_| Ok(true))).await
}

/// Digests a view: of what is here, or of a part of it.
pub(super) async fn digest(
    view: Arc<ViewHandle>,
    held: Filter,
    as_of: (Option<Day>, Option<Position>),
) -> Result<v1::DigestViewResponse, ViewError> {
    Ok(blocking(move || digest_of_view(&view, &held, as_of, &Cancel::default())).await?)
}

/// How a view is doing.
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
