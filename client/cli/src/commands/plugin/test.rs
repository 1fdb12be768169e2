//! `kith plugin test`: runs the test cases in a plugin's folder on the component itself.

use super::build::SourceArgs;
use crate::{
    authoring::log_file,
    failure::Failure,
    input::{dates::parse_view_day_now, files::read_component},
    limits,
    show::output::{Format, Output},
};
use clap::Args;
use kith_authoring::{
    compiler::When,
    host::{
        Host,
        case::{Case, Difference, Outcome},
    },
};
use kith_core::counted::counted;
use kith_json::row_json;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Run the plugin's cases: fold small logs with the component and compare what it derives
///
/// Builds the plugin first if it has changed, unless a component is given. Cases are the JSON files in `tests`: a log, a
/// day, settings, the expected rows, and for a report the expected remarks and the components of views that it reads and
/// that are not built in.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith plugin test\n  kith plugin test --accept")]
pub(crate) struct TestArgs {
    /// A component, instead of building the plugin
    file: Option<PathBuf>,
    /// Save the actual rows and remarks as the expected ones
    #[arg(long)]
    accept: bool,
    #[command(flatten)]
    source: SourceArgs,
}

pub(super) async fn run(args: TestArgs, mut output: Output) -> Result<(), Failure> {
    let cases = Case::all(&args.source.project()?.folder.join("tests"))?;
    let component = match &args.file {
        Some(file) => read_component(file)?,
        None => args.source.build(When::Changed).await?.bytes,
    };
    let host = Host::open()?;
    let mut failed = 0;
    for case in &cases {
        let outcome = outcome(case, &host, component.clone()).await?;
        if args.accept {
            report_accepted(&mut output, case, outcome.rows.len())?;
            case.accept(outcome)?;
            continue;
        }
        let differences = case.differences(&outcome);
        failed += usize::from(!differences.is_empty());
        report(&mut output, case, &differences)?;
    }
    output.flush()?;
    if failed == 0 {
        return Ok(());
    }
    let cases = counted(cases.len(), "case differs", "cases differ");
    Err(Failure::NotVerified(format!("{failed} of {cases}; --accept takes the rows as they are")))
}

/// What a component derives from a case's log.
async fn outcome(case: &Case, host: &Host, component: Vec<u8>) -> Result<Outcome, Failure> {
    let day = parse_view_day_now(case.at())
        .map_err(|error| Failure::Usage(format!("{}: `at`: {error}", case.path.display())))?;
    let made = case.made(host, component, log_file::read(&case.log())?, day).await?;
    let rows = made.rows.iter().map(|row| Value::Object(row_json(&made.fields, row))).collect();
    Ok(Outcome { rows, remarks: made.remarks })
}

fn report_accepted(output: &mut Output, case: &Case, rows: usize) -> Result<(), Failure> {
    let json = json!({ "case": case.name(), "rows": rows, "accepted": true });
    output.tell(&json, || format!("accepted {}: {}", case.name(), counted(rows, "row", "rows")))
}

fn report(output: &mut Output, case: &Case, differences: &[Difference]) -> Result<(), Failure> {
    let (name, rows) = (case.name(), case.row_count());
    let of = |wanted: fn(&Difference) -> Option<&Value>| differences.iter().filter_map(wanted).collect::<Vec<_>>();
    let missing = of(|difference| match difference {
        Difference::Missing(row) => Some(row),
        Difference::Unexpected(_) => None,
    });
    let unexpected = of(|difference| match difference {
        Difference::Unexpected(row) => Some(row),
        Difference::Missing(_) => None,
    });
    let passed = differences.is_empty();
    let json = json!({
        "case": name, "rows": rows, "passed": passed, "missing": missing, "unexpected": unexpected,
    });
    if output.format() == Format::Json {
        return output.json(&json);
    }
    let (verdict, rows) = (if passed { "passed" } else { "differs" }, counted(rows, "row", "rows"));
    output.line(&format!("{verdict} {name}: {rows}"))?;
    let lines = missing.iter().map(|row| format!("  - {row}")).chain(unexpected.iter().map(|row| format!("  + {row}")));
    lines.take(limits::DIFFERENCES_TOLD_MAX).try_for_each(|line| output.line(&line))?;
    if differences.len() > limits::DIFFERENCES_TOLD_MAX {
        output.line(&format!("  and {} more", differences.len() - limits::DIFFERENCES_TOLD_MAX))?;
    }
    Ok(())
}
