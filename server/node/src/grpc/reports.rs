//! Reports behind the calls of views: asked, listed and explained like them.

use super::{Call, Failure, blocking, convert, query_view, rows};
use crate::{node::Node, views::ServedReport};
use kith_core::{may::Principal, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Comparison, Report, ReportContext, ReportError, ReportPage, ReportQuery, wire};

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
    let (one, other) = (as_of(ours, None, None)?, as_of(theirs, None, None)?);
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
    principal: &Principal,
    message: &v1::QueryViewRequest,
) -> Result<v1::QueryViewResponse, Failure> {
    let asked = query_view::query(network, principal, message).await?;
    let page = if let Some(token) = &asked.page_token {
        ReportPage::parse(token).map_err(|invalid| Failure::request("page_token", invalid))?
    } else {
        catch_up(network, &report).await?;
        ReportPage { as_of: asked.as_of, day: asked.day, skip: 0 }
    };
    let query = ReportQuery {
        person: asked.person,
        organisation: asked.organisation,
        key: asked.key.map(|key| key.iter().map(ToString::to_string).collect()),
        order: asked.order,
        skip: page.skip,
        page_rows: asked.page_rows,
    };
    let network = network.clone();
    blocking(move || {
        let (position, day) = as_of(&report, page.as_of, page.day)?;
        let directory = network.directory_at(position)?;
        let handles = report.handles();
        let context = ReportContext { views: &handles, directory: &directory, position, day };
        let answer = report.report.query(&context, &query)?;
        let page = ReportPage { as_of: Some(position), day: Some(day), ..page };
        Ok(wire::report::answer(&report.report, &page, answer))
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
        let (position, day) = as_of(&report, wanted, day)?;
        let directory = network.directory_at(position)?;
        let handles = report.handles();
        let context = ReportContext { views: &handles, directory: &directory, position, day };
        let found = report.report.explain(&context, &message.key)?;
        Ok(wire::report::explanation(&report.report, found, (position, day)))
    })
    .await
}

/// A report as `ListViews` shows it.
pub(super) fn view(name: &str, served: &ServedReport) -> Result<v1::View, Failure> {
    let mut view = wire::report::view(name, &served.report, &served.handles())?;
    if let Some(missing) = &served.missing {
        view.set_state(v1::ViewState::Stopped);
        (view.cursor, view.last_error) = (0, absent(missing));
    }
    Ok(view)
}

/// The position and day that a question is about: unless it says otherwise, as far as every view has come.
fn as_of(report: &ServedReport, as_of: Option<Position>, day: Option<i32>) -> Result<(Position, i32), Failure> {
    let Some((reached, today)) = Report::reached(&report.handles()) else {
        let message = "a view that the report reads is still being built";
        return Err(Failure::because(ErrorReason::ViewBuilding, message).retry_after(convert::RETRY_LAGGING));
    };
    Ok((as_of.unwrap_or(reached), day.unwrap_or(today)))
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
