//! Reports on the wire.

use super::{fields, number, row, value};
use crate::{
    contract::report_manifest::ReportKey,
    file::store::StoreError,
    limits,
    report::{
        Report,
        answer::{ReportAnswer, ReportExplanation, ReportRow},
        page::ReportPage,
    },
    view::{handle::ViewHandle, status::ViewState},
};
use kith_core::{day::Day, position::Position};
use kith_proto::v1;
use prost::Message;
use std::sync::Arc;

/// A page of a report's rows, as of a position and a day.
pub fn answer(page: &ReportPage, answer: ReportAnswer) -> v1::QueryViewResponse {
    let mut bytes = 0;
    let fits = |row: &v1::Row| {
        let first = bytes == 0;
        bytes += row.encoded_len();
        first || bytes <= limits::PAGE_BYTES_MAX
    };
    let rows: Vec<_> = answer.rows.into_iter().map(report_row).take_while(fits).collect();
    let next = page.after(rows.len());
    v1::QueryViewResponse {
        fields: fields(&answer.fields),
        next_page_token: if next.skip < answer.total { next.to_string() } else { String::new() },
        rows,
        position: number(page.as_of),
        day: page.day.map_or(0, Day::number),
        total: answer.total as u64,
        failing_keys: answer.failing_keys,
        remarks: answer.remarks,
    }
}

/// The evidence of a report's row, as of a position and a day.
pub fn explanation(
    report: &Report,
    found: ReportExplanation,
    (position, day): (Position, Day),
) -> v1::ExplainRowResponse {
    let inputs = found.inputs.into_iter().map(|input| v1::InputRows {
        view: input.view,
        fields: fields(&input.fields),
        rows: input.rows.into_iter().map(row).collect(),
    });
    v1::ExplainRowResponse {
        fields: fields(&report.manifest().fields),
        rows: vec![report_row(found.row)],
        inputs: inputs.collect(),
        position: position.get(),
        day: day.number(),
        ..v1::ExplainRowResponse::default()
    }
}

/// A report in a list of views. Its position is that of the view that has progressed least of those it reads.
pub fn view(name: &str, report: &Report, views: &[Arc<ViewHandle>]) -> Result<v1::View, StoreError> {
    let manifest = report.manifest();
    let mut view = v1::View {
        name: name.to_owned(),
        version: manifest.version.clone(),
        contract: report.contract().to_owned(),
        component: report.component().to_vec(),
        settings: report.settings().to_owned(),
        fields: fields(&manifest.fields),
        cursor: u64::MAX,
        inputs: manifest.inputs.iter().map(|input| input.view.clone()).collect(),
        key: key(manifest.key).to_owned(),
        ..v1::View::default()
    };
    view.set_state(v1::ViewState::Running);
    for input in views {
        let status = input.status()?;
        view.cursor = view.cursor.min(status.cursor.position.get());
        view.lag = view.lag.max(status.lag);
        match status.state {
            ViewState::Running | ViewState::Paused { .. } | ViewState::WaitingForRoom { .. } => {}
            ViewState::Building => view.set_state(v1::ViewState::Building),
            ViewState::Stopped { reason } => {
                view.set_state(v1::ViewState::Stopped);
                view.last_error = reason;
            }
        }
    }
    Ok(view)
}

/// The name of a kind of key.
fn key(key: ReportKey) -> &'static str {
    match key {
        ReportKey::OrganisationPair => "organisation_pair",
        ReportKey::Organisation => "organisation",
        ReportKey::Pair => "pair",
        ReportKey::Person => "person",
    }
}

fn report_row(row: ReportRow) -> v1::Row {
    v1::Row {
        key: row.key,
        values: row.values.into_iter().map(value).collect(),
        evidence: row.evidence_count,
        ..v1::Row::default()
    }
}
