//! `kith plugin diff`: what would change if another version were active.

use super::list::trouble;
use crate::{
    context::Context,
    failure::Failure,
    show::output::{Column, Format, remark},
};
use clap::{Args, value_parser};
use kith_client::v1;
use kith_core::day::Day;
use kith_json::{day_text, view_json};
use serde_json::{Value, json};

/// Compare the active version with another one
///
/// Counts rows that change, appear and disappear, and shows the largest changes of numbers and what each version costs.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin diff visits@0.2.0 --moves 5")]
pub(crate) struct DiffArgs {
    /// The plugin, or one of its versions [default version: the newest]
    #[arg(value_name = "NAME[@VERSION]")]
    plugin: String,
    /// Maximum number of moves to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32).range(1..=1_000))]
    moves: u32,
}

pub(super) async fn run(context: &mut Context, args: DiffArgs) -> Result<(), Failure> {
    let (name, version) = match args.plugin.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (args.plugin.as_str(), None),
    };
    let diff = context.server()?.diff_plugin(name, version, args.moves).await?;
    match context.output.format() {
        Format::Json => context.output.json(&diff_json(name, &diff)),
        Format::Table => show(context, name, &diff).await,
    }
}

async fn show(context: &mut Context, name: &str, diff: &v1::DiffPluginResponse) -> Result<(), Failure> {
    let (from, to) = (&diff.from, &diff.to);
    context.output.line(&format!(
        "{name}: from {from} to {to}, as of {} UTC, position {}",
        day_text(Day::new(diff.day)),
        diff.position
    ))?;
    let (equal, changed, added, removed) = (diff.rows_equal, diff.rows_changed, diff.rows_added, diff.rows_removed);
    context.output.line(&format!("rows: {equal} equal, {changed} changed, {added} added, {removed} removed"))?;
    for (columns, what) in [(&diff.columns_added, "added"), (&diff.columns_removed, "removed")] {
        if !columns.is_empty() {
            context.output.line(&format!("columns {what}: {}", columns.join(", ")))?;
        }
    }
    costs(context, diff)?;
    if diff.moves.is_empty() {
        return Ok(());
    }
    let names = context.place.names().await?;
    let columns = [
        Column::text("key"),
        Column::text("item"),
        Column::text("column"),
        Column::number(from),
        Column::number(to),
        Column::number("move"),
    ];
    let rows = diff.moves.iter().map(|moved| {
        let key: Vec<_> = moved.key.iter().map(|person| names.of(person)).collect();
        let item = if moved.item == 0 { String::new() } else { moved.item.to_string() };
        let numbers = [moved.from, moved.to, moved.to - moved.from].map(|number| format!("{number:.2}"));
        [vec![key.join(" · "), item, moved.column.clone()], numbers.to_vec()].concat()
    });
    context.output.line("")?;
    context.output.table(&columns, rows.collect())
}

fn costs(context: &mut Context, diff: &v1::DiffPluginResponse) -> Result<(), Failure> {
    for (version, view) in [(&diff.from, &diff.from_view), (&diff.to, &diff.to_view)] {
        let Some(view) = view else { continue };
        let (rate, fuel) = (view.events_per_second, view.fuel_per_event);
        let state = view.state_bytes.div_ceil(1024);
        context.output.line(&format!("{version}: {rate:.0} events/s, {fuel} fuel an event, {state} KiB of state"))?;
        let trouble = trouble(view);
        if !trouble.is_empty() {
            remark(&format!("{version}: {trouble}"));
        }
    }
    Ok(())
}

fn diff_json(name: &str, diff: &v1::DiffPluginResponse) -> Value {
    let moves = diff.moves.iter().map(|moved| {
        json!({
            "key": moved.key,
            "item": Some(moved.item).filter(|item| *item > 0),
            "column": moved.column,
            "from": moved.from,
            "to": moved.to,
        })
    });
    json!({
        "name": name,
        "from": diff.from,
        "to": diff.to,
        "position": diff.position,
        "day": day_text(Day::new(diff.day)),
        "rows_equal": diff.rows_equal,
        "rows_changed": diff.rows_changed,
        "rows_added": diff.rows_added,
        "rows_removed": diff.rows_removed,
        "columns_added": diff.columns_added,
        "columns_removed": diff.columns_removed,
        "moves": moves.collect::<Vec<_>>(),
        "from_view": diff.from_view.as_ref().map(view_json),
        "to_view": diff.to_view.as_ref().map(view_json),
    })
}
