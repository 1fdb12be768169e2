//! Reports behind the calls of views: asked, listed and explained like them.

use super::{Call, Failure, convert, question, rows};
use crate::{
    bounds::slow::SlowCall,
    door::authenticator::Caller,
    node::Node,
    views::{ServedReport, tables::TableError},
};
use kith_core::{directory::Directory, limits::PERSON_ID_BYTES_MAX, may::Principal, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Cancel, Comparison, Report, ReportContext, ReportError, ReportPage, ReportQuery, ReportTable, wire};
use std::sync::Arc;

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
    cancel: &Cancel,
) -> Result<Comparison, Failure> {
    let (one, other) = (as_of(ours, None, None)?, as_of(theirs, None, None)?);
    let (position, day) = (one.0.min(other.0), one.1.min(other.1));
    let directory = &network.directory_at(position)?;
    let (our_views, their_views) = (ours.handles(), theirs.handles());
    let context = ReportContext { views: &our_views, directory, position, day };
    let of_other = ReportContext { views: &their_views, directory, position, day };
    Ok(ours.report.compare(&context, (&theirs.report, &of_other), moves_max, cancel)?)
}

/// The table of a position and day.
async fn table(
    node: &Node,
    call: &SlowCall,
    network: &Network,
    report: &ServedReport,
    as_of: (Position, i32),
) -> Result<(Arc<ReportTable>, Arc<Directory>), Failure> {
    let computing = node.tables().compute(call, network, report, as_of);
    Ok(rows::unless_retired(&report.retired, computing).await??)
}

/// Answers `QueryView`.
pub(super) async fn query(
    node: &Node,
    caller: &Caller,
    network: &Network,
    report: ServedReport,
    message: &v1::QueryViewRequest,
) -> Result<v1::QueryViewResponse, Failure> {
    let asked = question::query(node, network, &caller.principal, message).await?;
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
    report.report.check_order(&query)?;
    let call = node.slow_call(caller, network)?;
    let (position, day) = as_of(&report, page.as_of, page.day)?;
    let (table, directory) = table(node, &call, network, &report, (position, day)).await?;
    let answer = move |_: &Cancel| {
        let answer = report.report.answer(&table, &directory, &query)?;
        let page = ReportPage { as_of: Some(position), day: Some(day), ..page };
        Ok(wire::report::answer(&report.report, &page, answer))
    };
    call.run(answer).await
}

/// Answers `ExplainRow`.
pub(super) async fn explain(
    node: &Node,
    network: &Network,
    report: ServedReport,
    call: Call<v1::ExplainRowRequest>,
) -> Result<v1::ExplainRowResponse, Failure> {
    let Call { caller, message } = call;
    check_key(&message.key)?;
    let (wanted, day) = (rows::as_of(network, message.as_of)?, rows::day(message.at)?);
    catch_up(network, &report).await?;
    let call = node.slow_call(&caller, network)?;
    let (position, day) = as_of(&report, wanted, day)?;
    let (table, directory) = table(node, &call, network, &report, (position, day)).await?;
    let answer = move |_: &Cancel| {
        let handles = report.handles();
        let context = ReportContext { views: &handles, directory: &directory, position, day };
        let found = report.report.explain_from(&table, &context, &message.key)?;
        Ok(wire::report::explanation(&report.report, found, (position, day)))
    };
    call.run(answer).await
}

/// A report's key is one or two ids, of people or organisations.
fn check_key(key: &[String]) -> Result<(), Failure> {
    match key {
        [] => Err(Failure::request("key", "is missing")),
        [_] | [_, _] if key.iter().any(|id| id.len() > PERSON_ID_BYTES_MAX) => {
            let message = format_args!("an id has at most {PERSON_ID_BYTES_MAX} bytes");
            Err(Failure::because(ErrorReason::LimitExceeded, message).at("key"))
        }
        [_] | [_, _] => Ok(()),
        _ => Err(Failure::request("key", "must be one or two ids of people or organisations")),
    }
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

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Directory(error) => (&*error).into(),
            TableError::Report(error) => (&*error).into(),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        (&error).into()
    }
}

impl From<&ReportError> for Failure {
    fn from(error: &ReportError) -> Self {
        match error {
            ReportError::View { error, .. } => error.into(),
            ReportError::FieldMissing { .. } | ReportError::Failed(_) => Self::because(ErrorReason::ViewStopped, error),
            ReportError::FieldUnknown(_) => Self::request("sort", error),
            ReportError::Busy(_) => Self::because(ErrorReason::ViewBuilding, error),
            ReportError::TooLarge(_) => Self::because(ErrorReason::LimitExceeded, error),
            ReportError::RowUnknown => Self::new(ErrorReason::RowUnknown),
            ReportError::Cancelled => Self::new(ErrorReason::DeadlineExceeded),
        }
    }
}
