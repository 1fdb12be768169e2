//! What the calls of a view share: finding it, waiting for it, and its rows on the wire.

use super::Failure;
use crate::{
    door::authenticator::{Caller, Visitor},
    limits::VIEW_WAIT,
    node::Node,
    views::{AllInUse, ServedView},
};
use kith_core::{
    id::{OrganisationId, PersonId},
    may::Principal,
    position::Position,
    timestamp::Timestamp,
};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{
    Asked, ReportError, Row, SnapshotError, StoreError, Unanswered, ViewHandle, limits::RETRY_LAGGING, wire,
};
use tokio_util::sync::CancellationToken;

/// A network that the visitor may enter, who that is there, and one of the network's views that it may see.
pub(super) async fn enter_view(
    node: &Node,
    visitor: &Visitor,
    network: &str,
    view: &str,
) -> Result<(Network, Caller, ServedView), Failure> {
    let (network, caller) = super::enter(node, visitor, network)?;
    let served = served(node, &caller, &network, view).await?;
    Ok((network, caller, served))
}

/// The active view of a name, if the caller may see it.
pub(super) async fn served(node: &Node, caller: &Caller, network: &Network, view: &str) -> Result<ServedView, Failure> {
    if view.is_empty() {
        return Err(Failure::request("view", "is missing"));
    }
    let views = node.views().of(network).await?;
    let served = views.find(view, &caller.principal);
    if served.is_none() && views.report(view, &caller.principal).is_some() {
        return Err(Failure::request("view", format_args!("{view} is a report: it is computed when it is queried")));
    }
    served.ok_or_else(|| Failure::because(ErrorReason::ViewUnknown, format_args!("there is no view {view}")).at("view"))
}

/// Waits a short while for a view to reach the current head, so that a client finds what it just recorded. A paused
/// view answers as of its position.
pub(super) async fn catch_up(network: &Network, view: &ServedView) -> Result<(), Failure> {
    if view.paused {
        return Ok(());
    }
    match tokio::time::timeout(VIEW_WAIT, view.handle.wait_for(network.head())).await {
        // A view that is still behind answers as of its position.
        Ok(Ok(_)) | Err(_) => Ok(()),
        Ok(Err(_)) => Err(stopped(&view.handle)),
    }
}

/// A view stopped following the log: which one, and what its plugin did.
pub(super) fn stopped(view: &ViewHandle) -> Failure {
    match view.stopped() {
        Some(message) => Failure::because(ErrorReason::ViewStopped, message),
        None => Failure::new(ErrorReason::ViewStopped),
    }
}

/// Waits for an answer about a plugin for as long as the plugin exists: removing it ends what is being computed.
pub(super) async fn unless_retired<T>(
    retired: &CancellationToken,
    answering: impl Future<Output = T>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        answer = answering => Ok(answer),
        () = retired.cancelled() => {
            let message = "the plugin was removed, or another version took its place, while it was queried: try again";
            Err(Failure::because(ErrorReason::ViewBuilding, message).retry_after(RETRY_LAGGING))
        }
    }
}

/// The log in which questions are looked up.
pub(super) struct Of<'a>(pub(super) &'a Network);

impl Asked for Of<'_> {
    type Error = Failure;

    fn head(&self) -> Position {
        self.0.head()
    }

    fn has_person(&self, id: &PersonId) -> Result<bool, Failure> {
        Ok(self.0.directory().person(id).is_some())
    }

    fn has_organisation(&self, id: &OrganisationId) -> Result<bool, Failure> {
        Ok(self.0.directory().organisation(id).is_some())
    }
}

/// The position that a question's time means: that of the last entry by then that the principal may see, so that
/// nothing is revealed about when others were recorded.
pub(super) async fn known_at(
    node: &Node,
    network: &Network,
    principal: &Principal,
    time: Option<Timestamp>,
) -> Result<Option<Position>, Failure> {
    let Some(time) = time else { return Ok(None) };
    let reads = node.reads(principal, network);
    let (network, principal) = (network.clone(), principal.clone());
    Ok(Some(reads.run(move || network.last_seen_by(&principal, time)).await?))
}

/// Rows on the wire.
pub(super) fn rows(rows: Vec<Row>) -> Vec<v1::Row> {
    rows.into_iter().map(wire::row).collect()
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Self {
        let Some(reason) = unanswered.reason else { return Self::internal(&unanswered) };
        let mut failure = Self::because(reason, &unanswered);
        if let Some(field) = unanswered.field {
            failure = failure.at(field);
        }
        if let Some((what, position)) = unanswered.reached {
            failure = failure.with(what, position);
        }
        match unanswered.retry_after {
            Some(delay) => failure.retry_after(delay),
            None => failure,
        }
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Unanswered::from(error).into()
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Unanswered::from(error).into()
    }
}

impl From<AllInUse> for Failure {
    fn from(error: AllInUse) -> Self {
        Self::because(ErrorReason::ViewBuilding, error).retry_after(RETRY_LAGGING)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}
