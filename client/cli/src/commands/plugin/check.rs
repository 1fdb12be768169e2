//! `kith plugin check`: checks a component before a network trusts it.

use super::{check_report, component::ComponentArgs};
use crate::{
    authoring::log_file,
    failure::Failure,
    limits,
    show::output::{Format, Output},
};
use clap::{Args, value_parser};
use kith_authoring::{
    host::{
        Host,
        check::{CheckedView, Tried},
    },
    project::language::Language,
};
use kith_core::counted::counted;
use kith_core::{id::PersonId, plugins::PluginSettings, position::Position};
use kith_views::{CheckReport, Declared, Difference, Differs, KeyBy, Trial};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Check a component: its imports and manifest, its cost, and whether its rows depend on anything but the events
///
/// Folds a log in six ways that must produce the same bytes: as a server does, in a fresh instance for each call, again
/// in a used one, one event at a time, one key at a time, and with the keys in another order. The log is that of a
/// generated network, the same every time, unless one is given. A report is computed from the views of such a log, again
/// in a fresh instance, and again in a used one. Stops if the plugin fails on many keys.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin check dist/visits.wasm --settings '{\"minutes_min\":30}'")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    component: ComponentArgs,
    /// The plugin's settings
    #[arg(long, value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    settings: PluginSettings,
    /// A log to fold instead: JSON lines, as `kith import` reads them
    #[arg(long, value_name = "FILE", conflicts_with = "entries")]
    log: Option<PathBuf>,
    /// Number of entries of the generated log
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = value_parser!(u64).range(1..=1_000_000))]
    entries: u64,
}

pub(super) async fn run(args: CheckArgs, mut output: Output) -> Result<(), Failure> {
    let component = args.component.read()?;
    let host = Host::open()?;
    let declared = host.declared(&component, args.settings.as_str())?;
    host.check_name(&component, &declared)?;
    let settings = args.settings.to_string();
    let manifest = match declared {
        Declared::View(manifest) => {
            args.component.refuse_views()?;
            manifest
        }
        Declared::Report(manifest) => {
            let checked =
                host.check_report(component, settings, &manifest, args.component.views()?, tried(&args)?).await?;
            return check_report::show(&checked, output);
        }
    };
    let checked = host.check_view(component, settings, &manifest, tried(&args)?).await?;
    let report = &checked.report;
    match output.format() {
        Format::Json => output.json(&report_json(&checked))?,
        Format::Table => report_lines(&checked).iter().try_for_each(|line| output.line(line))?,
    }
    output.flush()?;
    match (report.faults.len(), report.difference_count) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::NotVerified("the plugin's rows depend on something other than the events".to_owned())),
        (faults, _) => {
            let many = if report.gave_up { "at least " } else { "" };
            let keys = counted(faults, "key", "keys");
            Err(Failure::NotVerified(format!("the plugin fails on {many}{keys} of the log")))
        }
    }
}

/// The given log, as of today, or a generated one.
fn tried(args: &CheckArgs) -> Result<Tried, Failure> {
    Ok(match &args.log {
        Some(path) => Tried::Given { log: log_file::read(path)?, day: kith_client::now().day() },
        None => Tried::MadeUp { entries: args.entries },
    })
}

/// What the author should look at although nothing fails.
fn warnings(report: &CheckReport) -> Vec<String> {
    let (sample, mut found) = (&report.sample, Vec::new());
    if sample.keys > 0 && sample.states == 0 && report.faults.is_empty() {
        found.push("no key has a state: does `fold` return it?".to_owned());
    } else if sample.states > 0 && sample.rows == 0 && report.faults.is_empty() {
        let keys = counted(sample.states, "key", "keys");
        found.push(format!("none of {keys} with a state has a row"));
    }
    if let Some(growth) = report.growth.as_ref().filter(|growth| growth.is_too_fast()) {
        let until = growth.full_at_events.unwrap_or_default();
        found.push(format!(
            "the state of {} has {} after {} and grows with each: at about {until} it reaches its limit",
            names(&growth.key),
            counted(growth.state_bytes, "byte", "bytes"),
            counted(growth.events, "event", "events")
        ));
    }
    found
}

fn report_json(checked: &CheckedView) -> Value {
    let CheckedView { report, beside } = checked;
    let CheckReport { manifest, sample, cost, .. } = report;
    let routes = manifest.routes.iter();
    let routes = routes.map(|route| json!({ "kind": route.kind.to_string(), "key_by": key_by(route.key_by) }));
    let faults = report.faults.iter().map(|fault| {
        json!({
            "key": ids(&fault.key),
            "position": fault.position.map(Position::get),
            "message": fault.message,
        })
    });
    let growth = report.growth.as_ref().map(|growth| {
        json!({
            "key": ids(&growth.key),
            "events": growth.events,
            "state_bytes": growth.state_bytes,
            "full_at_events": growth.full_at_events,
        })
    });
    let beside = beside.iter().map(|(name, fuel)| json!({ "view": name, "fuel_per_event": fuel }));
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "state_version": manifest.state_version,
        "contract": report.contract,
        "component": hex::encode(report.component),
        "imports": [],
        "routes": routes.collect::<Vec<_>>(),
        "fields": manifest.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        "entries": sample.entries,
        "events": sample.events,
        "keys": sample.keys,
        "states": sample.states,
        "rows": sample.rows,
        "state_bytes": sample.state_bytes,
        "state_bytes_max": sample.state_bytes_max,
        "fuel_per_event": cost.fuel_per_event,
        "fuel_call_max": cost.fuel_call_max,
        "fuel_call_limit": cost.fuel_call_limit,
        "beside": beside.collect::<Vec<_>>(),
        "instantiate_us": micros(cost.instantiate),
        "fold_us": micros(cost.fold),
        "growth": growth,
        "warnings": warnings(report),
        "gave_up": report.gave_up,
        "faults": faults.collect::<Vec<_>>(),
        "differences": report.differences.iter().map(difference_json).collect::<Vec<_>>(),
        "difference_count": report.difference_count,
    })
}

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn difference_json(difference: &Difference) -> Value {
    json!({
        "trial": trial_name(difference.trial),
        "key": ids(&difference.key),
        "differs": differs_name(difference.differs),
    })
}

fn report_lines(checked: &CheckedView) -> Vec<String> {
    let CheckedView { report, beside } = checked;
    let CheckReport { manifest, sample, cost, .. } = report;
    let routes = manifest.routes.iter().map(|route| format!("{} by {}", route.kind, key_by(route.key_by)));
    let fields: Vec<&str> = manifest.fields.iter().map(|field| field.name.as_str()).collect();
    let events_a_second = rate(sample.events, cost.fold);
    let permille = cost.fuel_call_max.saturating_mul(1_000) / cost.fuel_call_limit.max(1);
    let share = format!("{}.{}", permille / 10, permille % 10);
    let mut lines = vec![
        format!("view       {} {}, contract {}", manifest.name, manifest.version, report.contract),
        format!("component  SHA-256 {}, imports nothing", hex::encode(report.component)),
        format!("folds      {}", routes.collect::<Vec<_>>().join(", ")),
        format!("columns    {}", fields.join(", ")),
        format!(
            "log        {}: {} under {}, {}",
            counted(sample.entries, "entry", "entries"),
            counted(sample.events, "event", "events"),
            counted(sample.keys, "key", "keys"),
            counted(sample.rows, "row", "rows")
        ),
        format!(
            "cost       {} fuel an event, {} a second; the dearest call took {share} % of its fuel",
            cost.fuel_per_event,
            counted(events_a_second, "event", "events")
        ),
        format!("beside     {}", beside_words(beside)),
        format!("instance   made in {} µs", micros(cost.instantiate)),
        format!(
            "state      {}, the largest {} of 65,536",
            counted(sample.state_bytes, "byte", "bytes"),
            sample.state_bytes_max
        ),
    ];
    for fault in report.faults.iter().take(limits::CHECK_FAULTS_TOLD_MAX) {
        let at = fault.position.map_or_else(String::new, |position| format!(" at entry {position}"));
        lines.push(format!("fails on   {}{at}: {}", names(&fault.key), fault.message));
    }
    if report.gave_up {
        lines.push("stopped    because it fails on so many keys: nothing else was looked at".to_owned());
        return lines;
    }
    if report.faults.len() > limits::CHECK_FAULTS_TOLD_MAX {
        lines.push(format!("fails on   {} keys in all", report.faults.len()));
    }
    lines.extend(warnings(report).into_iter().map(|warning| format!("look       {warning}")));
    for difference in &report.differences {
        let (what, how) = (differs_name(difference.differs), trial_words(difference.trial));
        lines.push(format!("differs    {} of {}, {how}", what, names(&difference.key)));
    }
    if report.differences.len() as u64 != report.difference_count {
        lines.push(format!("differs    {} in all", counted(report.difference_count, "time", "times")));
    }
    if report.difference_count == 0 {
        lines.push("same       in fresh and used instances, split, alone and shuffled".to_owned());
    }
    lines
}

/// What others cost on the same log, and what each language costs.
fn beside_words(beside: &[(String, u64)]) -> String {
    let built_in = beside.iter().map(|(name, fuel)| format!("{name} {fuel}")).collect::<Vec<_>>().join(", ");
    let languages = [Language::Rust, Language::Python, Language::Javascript];
    let by_language = languages.map(|language| format!("{} {}", language.name(), language.example_fuel())).join(", ");
    format!("built in, in Rust, on the same log: {built_in}; the example of `kith plugin new`: {by_language}")
}

fn ids(key: &[PersonId]) -> Vec<String> {
    key.iter().map(ToString::to_string).collect()
}

fn names(key: &[PersonId]) -> String {
    ids(key).join(", ")
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "for people")]
fn rate(events: u64, time: Duration) -> u64 {
    (events as f64 / time.as_secs_f64().max(1e-9)) as u64
}

fn key_by(key_by: KeyBy) -> &'static str {
    match key_by {
        KeyBy::Pair => "pair",
        KeyBy::DirectedPair => "directed-pair",
        KeyBy::IntroducedPair => "introduced-pair",
        KeyBy::Actor => "actor",
        KeyBy::Subject => "subject",
        KeyBy::EachPerson => "each-person",
    }
}

fn trial_name(trial: Trial) -> &'static str {
    match trial {
        Trial::FreshInstances => "fresh_instances",
        Trial::UsedInstance => "used_instance",
        Trial::Split => "split",
        Trial::Alone => "alone",
        Trial::Shuffled => "shuffled",
    }
}

fn trial_words(trial: Trial) -> &'static str {
    match trial {
        Trial::FreshInstances => "with a fresh instance for each call",
        Trial::UsedInstance => "in an instance that was used before: something is left in memory",
        Trial::Split => "one event at a time: fold must not depend on how events are split into calls",
        Trial::Alone => "one key at a time: fold must not depend on the other keys of a call",
        Trial::Shuffled => "with the keys in another order: fold must not depend on the other keys of a call",
    }
}

fn differs_name(differs: Differs) -> &'static str {
    match differs {
        Differs::State => "the state",
        Differs::Rows => "the rows",
    }
}
