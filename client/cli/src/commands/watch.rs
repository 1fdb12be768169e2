//! `kith watch`: rows of a view as they change.

use crate::{
    context::Context,
    failure::Failure,
    place::views::{Asked, Counted, Interrupted},
    show::{
        output::{Format, remark},
        people::Names,
        rows::{key_text, mark, value_text},
    },
};
use clap::Args;
use futures_util::StreamExt;
use kith_client::v1::{Field, Row, WatchViewResponse};
use kith_core::position::Position;
use kith_json::{removed_row_json, row_json};
use serde_json::{Value, json};

/// Show a view's rows, then rows as they change
#[derive(Debug, Args)]
#[command(after_help = "Example: kith watch strength -o json")]
pub(crate) struct WatchArgs {
    /// The view's name
    name: String,
    /// Only rows that changed after this position [default: all rows first]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    after: u64,
}

pub(crate) async fn run(context: &mut Context, args: &WatchArgs) -> Result<(), Failure> {
    let names = match context.output.format() {
        Format::Json => Names::default(),
        Format::Table => context.place.names().await?,
    };
    let mut fields = Vec::new();
    let mut changes = Asked::at(&context.place, Counted::Entries).await?.watch(&args.name, Position::new(args.after));
    let mut leveller = context.leveller();
    loop {
        let change = tokio::select! {
            change = changes.next() => change,
            failure = leveller.work() => return Err(failure),
        };
        let Some(change) = change else { return Ok(()) };
        match change {
            Ok(change) => {
                if !change.fields.is_empty() {
                    fields.clone_from(&change.fields);
                }
                print(context, &fields, &change, &names)?;
            }
            Err(Interrupted::ForNow(error)) => remark(&format!("{error}; trying again")),
            Err(Interrupted::ForGood(failure)) => return Err(failure),
        }
    }
}

fn print(context: &mut Context, fields: &[Field], change: &WatchViewResponse, names: &Names) -> Result<(), Failure> {
    if change.reset {
        match context.output.format() {
            Format::Json => context.output.json(&json!({ "reset": true, "position": change.position }))?,
            Format::Table => remark(
                "earlier rows are no longer valid (another plugin version or other entries here): all rows follow",
            ),
        }
    }
    for row in &change.rows {
        match context.output.format() {
            Format::Json => {
                let mut shown = row_json(fields, row);
                shown.insert("position".into(), row.position.into());
                context.output.json(&Value::Object(shown))?;
            }
            Format::Table => context.output.line(&line(fields, row, names))?,
        }
    }
    for removed in &change.removed {
        match context.output.format() {
            Format::Json => {
                let mut shown = removed_row_json(removed);
                shown.insert("position".into(), change.position.into());
                context.output.json(&Value::Object(shown))?;
            }
            Format::Table => context.output.line(&format!("{}  is gone", key_text(&removed.key, names)))?,
        }
    }
    context.output.flush()
}

fn line(fields: &[Field], row: &Row, names: &Names) -> String {
    let values = fields.iter().zip(&row.values);
    let values = values.map(|(field, value)| format!("{} {}", field.name, value_text(value, names)));
    format!("{}{}  {}", key_text(&row.key, names), mark(row), values.collect::<Vec<_>>().join("  "))
}
