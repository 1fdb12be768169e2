//! Reports in the calls of the view service: queried, listed and explained like views.

use super::{Failure, rows};
use crate::{
    bounds::slow::SlowCall,
    door::authenticator::Caller,
    node::Node,
    views::{ServedReport, tables::TableError},
};
use kith_core::{day::Day, directory::Directory, may::Principal, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{
    Cancel, Comparison, Question, ReportContext, ReportTable, Unanswered, explanation_of_report, question,
    report_as_of, rows_of_report, wire,
};
use std::sync::Arc;

/// A report of a network with the views that it reads, if the name is that of a report.
pub(super) async fn find(
    node: &Node,
    network: &Network,
    name: &str,
    principal: &Principal,
) -> Result<Option<ServedReport>, Failure> {
    let Some(report) = node.views().of(network).await?.report(name, principal) else { return Ok(None) };
    check_views(&report).map_err(|failure| failure.at("view"))?;
    Ok(Some(report))
}

fn check_views(report: &ServedReport) -> Result<(), Failure> {
    let Some(missing) = &report.missing else { return Ok(()) };
    Err(Failure::because(ErrorReason::ViewUnknown, absent(missing)))
}

fn absent(view: &str) -> String {
    format!("the report reads the view {view}, which does not exist")
}

/// Waits a short while for every view that a report reads to catch up.
pub(super) async fn catch_up(network: &Network, report: &ServedReport) -> Result<(), Failure> {
    check_views(report)?;
    for view in &report.views {
        rows::catch_up(network, view).await?;
    }
    Ok(())
}

/// Compares two versions of a report at the position that the views of both have reached.
pub(super) fn compare(
    network: &Network,
    (ours, theirs): (&ServedReport, &ServedReport),
    moves_max: usize,
    cancel: &Cancel,
) -> Result<Comparison, Failure> {
    let (one, other) = (report_as_of(&ours.handles(), None, None)?, report_as_of(&theirs.handles(), None, None)?);
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
    as_of: (Position, Day),
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
    let question = Question::read(message, &rows::Of(network))?;
    let known_at = rows::known_at(node, network, &caller.principal, question.known_at()).await?;
    if !question.is_continued() {
        catch_up(network, &report).await?;
    }
    let question = question.of_report(&report.report, known_at)?;
    let call = node.slow_call(caller, network)?;
    let as_of = report_as_of(&report.handles(), question.page.as_of, question.page.day)?;
    let (table, directory) = table(node, &call, network, &report, as_of).await?;
    Ok(call.run(move |_: &Cancel| rows_of_report(&report.report, &table, &directory, &question, as_of)).await?)
}

/// Answers `ExplainRow`.
pub(super) async fn explain(
    node: &Node,
    caller: &Caller,
    network: &Network,
    report: ServedReport,
    message: v1::ExplainRowRequest,
) -> Result<v1::ExplainRowResponse, Failure> {
    let (wanted, known_at, day) = question::explain_report(&message, &rows::Of(network))?;
    let wanted = rows::known_at(node, network, &caller.principal, known_at).await?.or(wanted);
    catch_up(network, &report).await?;
    let call = node.slow_call(caller, network)?;
    let (position, day) = report_as_of(&report.handles(), wanted, day)?;
    let (table, directory) = table(node, &call, network, &report, (position, day)).await?;
    let answer = move |cancel: &Cancel| {
        let handles = report.handles();
        let context = ReportContext { views: &handles, directory: &directory, position, day };
        explanation_of_report(&report.report, &table, &context, &message.key, cancel)
    };
    Ok(call.run(answer).await?)
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

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Directory(error) => (&*error).into(),
            TableError::Report(error) => Unanswered::from(&*error).into(),
        }
    }
}
