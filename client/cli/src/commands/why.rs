//! `kith why`: the entries that a row is derived from, each with its share.

use super::view::{AsOf, known};
use crate::{
    context::Context,
    failure::Failure,
    input::dates::parse_view_day_now,
    place::views::{Asked, Counted},
    show::{
        output::{Column, Format, remark},
        rows::{cells, columns, number_text},
        sentences::sentence,
    },
};
use clap::Args;
use kith_client::{Recorded, RowQuery, v1::ExplainRowResponse};
use kith_core::counted::counted;
use kith_core::{
    day::Day,
    id::{OrganisationId, PersonId},
    position::Position,
};
use kith_json::{entry_json, row_json, time_text};
use serde_json::{Map, Value};

/// Show the entries that a row is derived from, newest first, each with its share
///
/// For a report it shows the rows of views that the row is derived from, and the key may be organisations.
///
/// A share is how much the row's first number would fall without the entry. Shares need not add up: of two entries on a
/// day that counts once, each has a share of 0, because the other would suffice. A share is negative if the number would
/// rise: without a day in contact a pair's usual gap is longer, and its silence since then counts for less.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith why strength amina ben\n  kith why bridges riverside hillside")]
pub(crate) struct WhyArgs {
    /// The view's name
    name: String,
    /// The row's key: one or two people, or organisations, by id or part of their name
    #[arg(required = true, num_args = 1..=2, value_name = "WHO", allow_negative_numbers = true)]
    key: Vec<String>,
    /// Only this row, in views with several rows per key: the position shown as its item
    #[arg(long, value_name = "POSITION")]
    item: Option<u64>,
    /// As of the end of this day, in UTC
    #[arg(long, value_name = "DATE", value_parser = parse_view_day_now)]
    at: Option<Day>,
    /// As known at this position, or on this day or at this time
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<AsOf>,
    /// As it will be once the replica's outbox is sent
    #[arg(long, conflicts_with_all = ["at", "as_of"])]
    pending: bool,
}

pub(crate) async fn run(context: &mut Context, args: &WhyArgs) -> Result<(), Failure> {
    let (as_of, as_of_time) = known(context, args.as_of).await?;
    let views = Asked::at(&context.place, Counted::of(args.pending)).await?;
    let (key, organisations) = key(context, &views, args).await?;
    let query = RowQuery {
        view: args.name.clone(),
        key,
        organisations,
        item: Position::new(args.item.unwrap_or_default()),
        at: args.at,
        as_of,
        as_of_time,
    };
    let answer = views.explain(&query).await?;
    if !answer.inputs.is_empty() {
        tell_inputs(context, &answer).await?;
        return context.output.flush();
    }
    let mut evidence = Vec::with_capacity(answer.evidence.len());
    for one in &answer.evidence {
        evidence.push((Recorded::of_evidence(one)?, one.share));
    }
    match context.output.format() {
        Format::Json => evidence.iter().try_for_each(|(recorded, share)| {
            context.output.json(&Value::Object(json(recorded, *share, &answer.share_of)))
        })?,
        Format::Table => tell(context, &answer, evidence).await?,
    }
    context.output.flush()?;
    if answer.hidden > 0 {
        remark(&format!("and {} that you may not see", counted(answer.hidden, "entry", "entries")));
    }
    Ok(())
}

/// The key: people, or organisations if rows are about them.
async fn key(
    context: &Context,
    views: &Asked,
    args: &WhyArgs,
) -> Result<(Vec<PersonId>, Vec<OrganisationId>), Failure> {
    let mut resolver = context.resolver();
    if !views.is_about_organisations(&args.name).await? {
        return Ok((resolver.people(&args.key).await?, Vec::new()));
    }
    let mut organisations = Vec::new();
    for text in &args.key {
        organisations.extend(resolver.organisation(Some(text)).await?);
    }
    Ok((Vec::new(), organisations))
}

/// The rows of views that a report's row is derived from.
async fn tell_inputs(context: &mut Context, answer: &ExplainRowResponse) -> Result<(), Failure> {
    if context.output.format() == Format::Json {
        for input in &answer.inputs {
            for row in &input.rows {
                let mut shown = row_json(&input.fields, row);
                shown.insert("view".into(), input.view.as_str().into());
                context.output.json(&Value::Object(shown))?;
            }
        }
        return Ok(());
    }
    let names = context.place.names().await?;
    let rows = answer.rows.iter().map(|row| cells(row, &names)).collect();
    context.output.table(&columns(&answer.fields), rows)?;
    for input in &answer.inputs {
        let count = counted(input.rows.len(), "row", "rows");
        context.output.line(&format!("\n{count} of {}", input.view))?;
        let rows = input.rows.iter().map(|row| cells(row, &names)).collect();
        context.output.table(&columns(&input.fields), rows)?;
    }
    Ok(())
}

/// An entry with its share, and the column that shares refer to.
fn json(recorded: &Recorded, share: Option<f64>, share_of: &str) -> Map<String, Value> {
    let mut entry = entry_json(&recorded.entry, &recorded.event, &recorded.details, &recorded.erased);
    entry.insert("share".into(), share.into());
    entry.insert("share_of".into(), if share_of.is_empty() { Value::Null } else { share_of.into() });
    entry
}

async fn tell(
    context: &mut Context,
    answer: &ExplainRowResponse,
    evidence: Vec<(Recorded, Option<f64>)>,
) -> Result<(), Failure> {
    let names = context.place.names().await?;
    let rows = answer.rows.iter().map(|row| cells(row, &names)).collect();
    context.output.table(&columns(&answer.fields), rows)?;
    context.output.line("")?;
    let share = if answer.share_of.is_empty() { "share".to_owned() } else { format!("share of {}", answer.share_of) };
    let titles = [
        Column::number("position"),
        Column::text("happened"),
        Column::text("kind"),
        Column::text("what"),
        Column::number(share),
    ];
    let lines = evidence.into_iter().map(|(recorded, share)| {
        vec![
            recorded.entry.position.to_string(),
            time_text(recorded.event.occurred_at),
            recorded.event.kind().to_string(),
            sentence(&recorded.event, &names),
            share.map_or_else(|| "-".to_owned(), number_text),
        ]
    });
    context.output.table(&titles, lines.collect())
}
