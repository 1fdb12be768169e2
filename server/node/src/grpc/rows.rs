//! What the calls of a view share: finding it, waiting for it, and its rows on the wire.

use super::{Failure, convert};
use crate::{door::authenticator::Caller, limits::VIEW_WAIT, node::Node, views::ServedView};
use kith_core::{id::PersonId, position::Position, timestamp::Timestamp};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{
    ExplainError, QueryError, Row, SnapshotError, StoreError, ViewHandle,
    wire::{self, Problem},
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// When to ask a view again that is being built.
const RETRY_BUILDING: Duration = Duration::from_millis(500);

/// A network that the caller may enter, and one of its views that the caller may see.
pub(super) fn enter_view(
    node: &Node,
    caller: &Caller,
    network: &str,
    view: &str,
) -> Result<(Network, ServedView), Failure> {
    let network = super::enter(node, caller, network)?;
    if view.is_empty() {
        return Err(Failure::request("view", "is missing"));
    }
    let served = served(node, caller, &network, view)?;
    Ok((network, served))
}

/// The view that answers by a name, if the caller may see it.
pub(super) fn served(node: &Node, caller: &Caller, network: &Network, view: &str) -> Result<ServedView, Failure> {
    let served = node.views().find(network.name(), view, &caller.principal);
    if served.is_none() && node.views().report(network.name(), view, &caller.principal).is_some() {
        return Err(Failure::request("view", format_args!("{view} is a report: it is computed when it is asked")));
    }
    served.ok_or_else(|| Failure::because(ErrorReason::ViewUnknown, format_args!("there is no view {view}")).at("view"))
}

/// Waits a little for a view to take in what the log holds now, so that a client finds what it just recorded. One that
/// is paused answers as of where it is.
pub(super) async fn catch_up(network: &Network, view: &ServedView) -> Result<(), Failure> {
    if view.paused {
        return Ok(());
    }
    match tokio::time::timeout(VIEW_WAIT, view.handle.wait_for(network.head())).await {
        // A view that is still behind answers as of where it is.
        Ok(Ok(_)) | Err(_) => Ok(()),
        Ok(Err(_)) => Err(stopped(&view.handle)),
    }
}

/// That a view does not follow the log any more: which one it is, and what its plugin did.
pub(super) fn stopped(view: &ViewHandle) -> Failure {
    match view.stopped() {
        Some(message) => Failure::because(ErrorReason::ViewStopped, message),
        None => Failure::new(ErrorReason::ViewStopped),
    }
}

/// Waits for an answer about a plugin for as long as the plugin is there: removing one ends what is computed of it.
pub(super) async fn unless_retired<T>(
    retired: &CancellationToken,
    answering: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        answer = answering => Ok(answer),
        () = retired.cancelled() => {
            let message = "the plugin was removed, or another version took its place, while it was asked: ask again";
            Err(Failure::because(ErrorReason::ViewBuilding, message).retry_after(convert::RETRY_LAGGING))
        }
    }
}

/// Reads a position that rows are asked for as of: 0 is none.
pub(super) fn as_of(network: &Network, number: u64) -> Result<Option<Position>, Failure> {
    let (position, head) = (Position::new(number), network.head());
    if position > head {
        let failure = Failure::new(ErrorReason::PositionAhead).with("head", head);
        return Err(failure.retry_after(convert::RETRY_LAGGING));
    }
    Ok((position > Position::ZERO).then_some(position))
}

/// Reads a day that rows are asked for as of.
pub(super) fn day(number: Option<i32>) -> Result<Option<i32>, Failure> {
    let (first, last) = (Timestamp::MIN.day(), Timestamp::MAX.day());
    match number {
        Some(day) if !(first..=last).contains(&day) => {
            Err(Failure::request("at", format_args!("must be a day between {first} and {last}")))
        }
        day => Ok(day),
    }
}

/// Reads a key: one or two people of the directory. Those that a view does not know are not there yet for it.
pub(super) fn key(network: &Network, ids: &[String]) -> Result<Vec<PersonId>, Failure> {
    if ids.len() > 2 {
        return Err(Failure::request("key", "must be one or two people"));
    }
    let ids = ids.iter().map(|id| PersonId::parse_field(id, "key"));
    let ids: Vec<PersonId> = ids.collect::<Result<_, _>>().map_err(|invalid| convert::request_invalid(&invalid))?;
    ids.iter().try_for_each(|id| known(network, id, "key"))?;
    Ok(ids)
}

/// Makes sure that the directory has a person.
pub(super) fn known(network: &Network, id: &PersonId, field: &'static str) -> Result<(), Failure> {
    match network.directory().person(id) {
        Some(_) => Ok(()),
        None => Err(Failure::because(ErrorReason::PersonUnknown, format_args!("there is no person {id}")).at(field)),
    }
}

/// Rows on the wire.
pub(super) fn rows(rows: Vec<Row>) -> Vec<v1::Row> {
    rows.into_iter().map(wire::row).collect()
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        (&error).into()
    }
}

impl From<&SnapshotError> for Failure {
    fn from(error: &SnapshotError) -> Self {
        explained(&Problem::from(error), error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        explained(&Problem::from(&error), &error)
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        explained(&Problem::from(&error), &error)
    }
}

fn explained(problem: &Problem, error: &(dyn std::error::Error + 'static)) -> Failure {
    let Some(reason) = problem.reason else { return Failure::internal(error) };
    let mut failure = Failure::because(reason, error);
    if let Some(field) = problem.field {
        failure = failure.at(field);
    }
    let Some(cursor) = problem.cursor else { return failure };
    let delay = if reason == ErrorReason::ViewBuilding { RETRY_BUILDING } else { convert::RETRY_LAGGING };
    failure.with("cursor", cursor).retry_after(delay)
}
