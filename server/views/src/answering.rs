//! Questions and answers in messages of `kith.v1`: read, looked up, answered and refused in the same way wherever the
//! log is. A server, a replica and a plugin author's machine provide the log, and know who may see what.

pub(crate) mod question;
pub(crate) mod unanswered;

use self::{question::ReportQuestion, unanswered::Unanswered};
use crate::{
    ask::{
        explain::{Evidence, Explain, Explanation},
        query::Query,
        trace::{Trace, Traced},
    },
    limits,
    report::{Report, ReportContext, page::ReportPage, table::ReportTable},
    share::cancel::Cancel,
    view::handle::ViewHandle,
    wire,
};
use kith_core::{day::Day, directory::Directory, filter::Filter, position::Position};
use kith_proto::v1;
use std::sync::Arc;

/// Answers `QueryView` of a view. Stops when cancelled.
pub fn rows_of_view(view: &ViewHandle, query: &Query, cancel: &Cancel) -> Result<v1::QueryViewResponse, Unanswered> {
    let answer = view.query_until(query, cancel)?;
    Ok(v1::QueryViewResponse {
        fields: wire::fields(&answer.fields),
        rows: answer.rows.into_iter().map(wire::row).collect(),
        next_page_token: answer.next_page_token.unwrap_or_default(),
        position: answer.position.get(),
        day: answer.day.number(),
        total: answer.total,
        failing_keys: answer.failing_keys,
        remarks: Vec::new(),
    })
}

/// Answers `TraceRow` of a view. Stops when cancelled.
pub fn trace_of_view(view: &ViewHandle, trace: &Trace, cancel: &Cancel) -> Result<v1::TraceRowResponse, Unanswered> {
    let Traced { points, position } = view.trace_until(trace, cancel)?;
    let point = |(day, rows): (Day, Vec<_>)| v1::TracePoint {
        day: day.number(),
        rows: rows.into_iter().map(wire::row).collect(),
    };
    Ok(v1::TraceRowResponse {
        fields: wire::fields(view.fields()),
        points: points.into_iter().map(point).collect(),
        position: position.get(),
    })
}

/// Answers `ExplainRow` of a view: the entries that may be seen, newest first, as many as fit into one message, and the
/// number of the others.
pub fn explanation_of_view<E: From<Unanswered>>(
    view: &ViewHandle,
    explain: &Explain,
    cancel: &Cancel,
    may_see: impl Fn(Position) -> Result<bool, E>,
) -> Result<v1::ExplainRowResponse, E> {
    let Explanation { rows, evidence, share_of, position, day, .. } =
        view.explain_until(explain, cancel).map_err(Unanswered::from)?;
    let (mut shown, mut hidden, mut bytes) = (Vec::new(), 0, 0);
    for Evidence { position, entry, share, .. } in evidence {
        if cancel.is_cancelled() {
            return Err(Unanswered::cancelled().into());
        }
        if !may_see(position)? {
            hidden += 1;
            continue;
        }
        bytes += entry.len();
        if bytes <= limits::EVIDENCE_BYTES_MAX {
            shown.push(v1::Evidence { entry, share, details: Vec::new() });
        }
    }
    Ok(v1::ExplainRowResponse {
        fields: wire::fields(view.fields()),
        rows: rows.into_iter().map(wire::row).collect(),
        evidence: shown,
        hidden,
        share_of: share_of.unwrap_or_default(),
        position: position.get(),
        day: day.number(),
        inputs: Vec::new(),
    })
}

/// Answers `DigestView`: over all rows that are complete here, or over those that are complete for a holder of the
/// entries that pass a filter.
pub fn digest_of_view(
    view: &ViewHandle,
    held: &Filter,
    (day, as_of): (Option<Day>, Option<Position>),
    cancel: &Cancel,
) -> Result<v1::DigestViewResponse, Unanswered> {
    let held = if *held == Filter::default() { &view.shared.held } else { held };
    let digest = view.digest_until(held, day, as_of, cancel)?;
    Ok(wire::digest(digest, view.component(), view.settings()))
}

/// The position and day that a question to a report is about. By default those that every view has reached.
pub fn report_as_of(
    views: &[Arc<ViewHandle>],
    as_of: Option<Position>,
    day: Option<Day>,
) -> Result<(Position, Day), Unanswered> {
    let (reached, today) = Report::reached(views).ok_or_else(Unanswered::inputs_building)?;
    Ok((as_of.unwrap_or(reached), day.unwrap_or(today)))
}

/// Answers `QueryView` of a report from its table of a position and day.
pub fn rows_of_report(
    report: &Report,
    table: &ReportTable,
    directory: &Directory,
    question: &ReportQuestion,
    (position, day): (Position, Day),
) -> Result<v1::QueryViewResponse, Unanswered> {
    let answer = report.answer(table, directory, &question.query)?;
    let page = ReportPage { as_of: Some(position), day: Some(day), ..question.page };
    Ok(wire::report::answer(&page, answer))
}

/// Answers `ExplainRow` of a report from its table. Stops when cancelled.
pub fn explanation_of_report(
    report: &Report,
    table: &ReportTable,
    context: &ReportContext<'_>,
    key: &[String],
    cancel: &Cancel,
) -> Result<v1::ExplainRowResponse, Unanswered> {
    let found = report.explain_from(table, context, key, cancel)?;
    Ok(wire::report::explanation(report, found, (context.position, context.day)))
}
