//! Reports behind the calls of views: asked, listed and explained like them.

use super::{Call, Failure, blocking, convert, query_view, rows};
use crate::{node::Node, views::ServedReport};
use kith_core::{may::Principal, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Comparison, ReportContext, ReportError, ReportQuery, ReportRow, ViewState, wire};

/// A report of a network with the views that it reads, if the name is one.
pub(super) fn find(
    node: &Node,
    network: &Network,
    name: &str,
    principal: &Principal,
) -> Result<Option<ServedReport>, Failure> {
    let Some(report) = node.views().report(network.name(), name, principal) else { return Ok(None) };
    check_views(&report).map_err(|failure| failure.at("view"))?;
    Ok(Some(report))
}

fn check_views(report: &ServedReport) -> Result<(), Failure> {
    let Some(missing) = &report.missing else { return Ok(()) };
    Err(Failure::because(ErrorReason::ViewUnknown, absent(missing)))
}

fn absent(view: &str) -> String {
    format!("the report reads the view {view}, which is not there")
}

/// Waits a little for every view that a report reads.
pub(super) async fn catch_up(network: &Network, report: &ServedReport) -> Result<(), Failure> {
    check_views(report)?;
    for view in &report.views {
        rows::catch_up(network, view).await?;
    }
    Ok(())
}

/// Compares two versions of a report, as far as the views of both have come.
pub(super) fn compare(
    network: &Network,
    (ours, theirs): (&ServedReport, &ServedReport),
    moves_max: usize,
) -> Result<Comparison, Failure> {
    let (one, other) = (as_of(network, ours, None, None)?, as_of(network, theirs, None, None)?);
    let (position, day) = (one.0.min(other.0), one.1.min(other.1));
    let directory = &network.directory_at(position)?;
    let (our_views, their_views) = (ours.handles(), theirs.handles());
    let context = ReportContext { views: &our_views, directory, position, day };
    let of_other = ReportContext { views: &their_views, directory, position, day };
    Ok(ours.report.compare(&context, (&theirs.report, &of_other), moves_max)?)
}

/// Answers `QueryView`.
pub(super) async fn query(
    network: &Network,
    report: ServedReport,
    message: &v1::QueryViewRequest,
) -> Result<v1::QueryViewResponse, Failure> {
    let asked = query_view::query(network, message).await?;
    let start = if let Some(token) = &asked.page_token {
        Start::parse(token)?
    } else {
        catch_up(network, &report).await?;
        Start { as_of: asked.as_of, day: asked.day, skip: 0 }
    };
    let query = ReportQuery {
        person: asked.person,
        organisation: asked.organisation,
        key: asked.key.map(|key| key.iter().map(ToString::to_string).collect()),
        order: asked.order,
        skip: start.skip,
        page_rows: asked.page_rows,
    };
    let network = network.clone();
    blocking(move || {
        let (position, day) = as_of(&network, &report, start.as_of, start.day)?;
        let directory = network.directory_at(position)?;
        let handles = report.handles();
        let context = ReportContext { views: &handles, directory: &directory, position, day };
        let answer = report.report.query(&context, &query)?;
        let next = start.skip + answer.rows.len();
        let next = Start { as_of: Some(position), day: Some(day), skip: next };
        Ok(v1::QueryViewResponse {
            fields: wire::fields(&report.report.manifest().fields),
            next_page_token: if next.skip < answer.total { next.to_string() } else { String::new() },
            rows: answer.rows.into_iter().map(row).collect(),
            position: position.get(),
            day,
            total: answer.total as u64,
        })
    })
    .await
}

/// Answers `ExplainRow`.
pub(super) async fn explain(
    network: &Network,
    report: ServedReport,
    call: Call<v1::ExplainRowRequest>,
) -> Result<v1::ExplainRowResponse, Failure> {
    let message = call.message;
    if message.key.is_empty() {
        return Err(Failure::request("key", "is missing"));
    }
    let (wanted, day) = (rows::as_of(network, message.as_of)?, rows::day(message.at)?);
    catch_up(network, &report).await?;
    let network = network.clone();
    blocking(move || {
        let (position, day) = as_of(&network, &report, wanted, day)?;
        let directory = network.directory_at(position)?;
        let handles = report.handles();
        let context = ReportContext { views: &handles, directory: &directory, position, day };
        let found = report.report.explain(&context, &message.key)?;
        let inputs = found.inputs.into_iter().map(|input| v1::InputRows {
            view: input.view,
            fields: wire::fields(&input.fields),
            rows: rows::rows(input.rows),
        });
        Ok(v1::ExplainRowResponse {
            fields: wire::fields(&report.report.manifest().fields),
            rows: vec![row(found.row)],
            inputs: inputs.collect(),
            position: position.get(),
            day,
            ..v1::ExplainRowResponse::default()
        })
    })
    .await
}

/// A report as `ListViews` shows it: it is as far as the last of its views.
pub(super) fn view(name: &str, served: &ServedReport) -> Result<v1::View, Failure> {
    let manifest = served.report.manifest();
    let mut view = v1::View {
        name: name.to_owned(),
        version: manifest.version.clone(),
        contract: served.report.contract().to_owned(),
        component: served.report.component().to_vec(),
        settings: served.report.settings().to_owned(),
        fields: wire::fields(&manifest.fields),
        cursor: u64::MAX,
        inputs: manifest.inputs.iter().map(|input| input.view.clone()).collect(),
        key: rows::report_key(manifest.key).to_owned(),
        ..v1::View::default()
    };
    view.set_state(v1::ViewState::Running);
    if let Some(missing) = &served.missing {
        view.set_state(v1::ViewState::Stopped);
        (view.cursor, view.last_error) = (0, absent(missing));
        return Ok(view);
    }
    for input in &served.views {
        let status = input.handle.status()?;
        view.cursor = view.cursor.min(status.cursor.position.get());
        view.lag = view.lag.max(status.lag);
        match status.state {
            ViewState::Running | ViewState::Paused { .. } => {}
            ViewState::Building => view.set_state(v1::ViewState::Building),
            ViewState::Stopped { reason } => {
                view.set_state(v1::ViewState::Stopped);
                view.last_error = reason;
            }
        }
    }
    Ok(view)
}

/// The position and day that a question is about: unless it says otherwise, as far as every view has come.
fn as_of(
    network: &Network,
    report: &ServedReport,
    as_of: Option<Position>,
    day: Option<i32>,
) -> Result<(Position, i32), Failure> {
    let cursors: Vec<_> = report.views.iter().map(|view| view.handle.cursor()).collect();
    let reached = cursors.iter().map(|cursor| cursor.position).min().unwrap_or(network.head());
    let Some(today) = cursors.iter().map(|cursor| cursor.day).min().flatten() else {
        let message = "a view that the report reads is still being built";
        return Err(Failure::because(ErrorReason::ViewBuilding, message).retry_after(convert::RETRY_LAGGING));
    };
    Ok((as_of.unwrap_or(reached), day.unwrap_or(today)))
}

fn row(row: ReportRow) -> v1::Row {
    v1::Row {
        key: row.key,
        values: row.values.into_iter().map(wire::value).collect(),
        evidence: row.evidence_count,
        ..v1::Row::default()
    }
}

/// Where a page begins: all pages of a question are of one position and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Start {
    as_of: Option<Position>,
    day: Option<i32>,
    skip: usize,
}

impl Start {
    fn parse(token: &str) -> Result<Self, Failure> {
        let malformed = || Failure::request("page_token", "is not one that this question gave");
        let mut parts = token.split('.');
        let mut part = || parts.next().ok_or_else(malformed);
        let position: u64 = part()?.parse().map_err(|_| malformed())?;
        let day: i32 = part()?.parse().map_err(|_| malformed())?;
        let skip: usize = part()?.parse().map_err(|_| malformed())?;
        Ok(Self { as_of: Some(Position::new(position)), day: Some(day), skip })
    }
}

impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (position, day) = (self.as_of.unwrap_or(Position::ZERO), self.day.unwrap_or_default());
        write!(f, "{position}.{day}.{}", self.skip)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::View { error, .. } => error.into(),
            ReportError::FieldMissing { .. } | ReportError::Failed(_) => Self::because(ErrorReason::ViewStopped, error),
            ReportError::FieldUnknown(_) => Self::request("sort", error),
            ReportError::RowUnknown => Self::new(ErrorReason::RowUnknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_go_on_where_they_were() {
        let start = Start { as_of: Some(Position::new(7)), day: Some(-3), skip: 100 };
        assert_eq!(Start::parse(&start.to_string()), Ok(start));
        for wrong in ["", "7", "7.1", "7.x.1", "-1.1.1"] {
            assert!(Start::parse(wrong).is_err(), "{wrong}");
        }
    }
}
