//! `kith plugin check` for reports: computes a report more than once from the views that it reads.

use super::check::micros;
use crate::{failure::Failure, show::output::Output};
use kith_authoring::host::check::CheckedReport;
use kith_core::counted::counted;
use kith_views::ReportTrial;
use serde_json::json;

pub(super) fn show(checked: &CheckedReport, mut output: Output) -> Result<(), Failure> {
    print(checked, &mut output)?;
    output.flush()?;
    if checked.found.differences.is_empty() {
        return Ok(());
    }
    Err(Failure::NotVerified("the report's rows depend on something other than the input".to_owned()))
}

fn print(checked: &CheckedReport, output: &mut Output) -> Result<(), Failure> {
    let CheckedReport { report, entries, found } = checked;
    let manifest = report.manifest();
    let fields: Vec<&str> = manifest.fields.iter().map(|field| field.name.as_str()).collect();
    let inputs: Vec<&str> = manifest.inputs.iter().map(|input| input.view.as_str()).collect();
    let component = hex::encode(report.component());
    let json = json!({
        "name": manifest.name,
        "version": manifest.version,
        "contract": report.contract(),
        "component": component,
        "imports": [],
        "inputs": inputs,
        "fields": fields,
        "entries": entries,
        "input_rows": found.input_rows,
        "input_bytes": found.input_bytes,
        "rows": found.rows,
        "evidence": found.evidence,
        "fuel": found.fuel,
        "fuel_limit": found.fuel_limit,
        "instantiate_us": micros(found.instantiate),
        "compute_us": micros(found.compute),
        "differences": found.differences.iter().map(|trial| trial_name(*trial)).collect::<Vec<_>>(),
        "difference_count": found.differences.len(),
    });
    output.tell(&json, || {
        let permille = found.fuel.saturating_mul(1_000) / found.fuel_limit.max(1);
        let share = format!("{}.{}", permille / 10, permille % 10);
        let mut lines = vec![
            format!("report     {} {}, contract {}", manifest.name, manifest.version, report.contract()),
            format!("component  SHA-256 {component}, imports nothing"),
            format!("reads      {}", inputs.join(", ")),
            format!("columns    {}", fields.join(", ")),
            format!(
                "log        {}: {} of views in {}, {} {} of them",
                counted(*entries, "entry", "entries"),
                counted(found.input_rows, "row", "rows"),
                counted(found.input_bytes, "byte", "bytes"),
                counted(found.rows, "row that names", "rows that name"),
                found.evidence
            ),
            format!(
                "cost       {} fuel, {share} % of what a report may take, {} µs",
                found.fuel,
                micros(found.compute)
            ),
            format!("instance   made in {} µs", micros(found.instantiate)),
        ];
        lines.extend(found.differences.iter().map(|trial| format!("differs    {}", trial_words(*trial))));
        if found.differences.is_empty() {
            lines.push("same       in fresh and used instances".to_owned());
        }
        lines.join("\n")
    })
}

fn trial_name(trial: ReportTrial) -> &'static str {
    match trial {
        ReportTrial::FreshInstance => "fresh_instance",
        ReportTrial::UsedInstance => "used_instance",
    }
}

fn trial_words(trial: ReportTrial) -> &'static str {
    match trial {
        ReportTrial::FreshInstance => "in another fresh instance: the rows depend on something other than the input",
        ReportTrial::UsedInstance => "in an instance that was used before: something is left in memory",
    }
}
