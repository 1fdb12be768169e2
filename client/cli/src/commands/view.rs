//! `kith view`: the available views, or the rows of one.

use super::pages::{self, Wanted};
use crate::{
    context::Context,
    failure::Failure,
    input::dates::{parse_known_now, parse_view_day_now},
    place::{
        Place,
        views::{Asked, Counted},
    },
    show::{
        log_clock::standstill,
        output::{Column, Format, remark},
    },
};
use clap::{Args, value_parser};
use kith_client::{DigestQuery, ViewQuery, v1::View};
use kith_core::counted::counted;
use kith_core::{day::Day, filter::Filter, limits::PAGE_ROWS_MAX, position::Position, timestamp::Timestamp};
use kith_json::{day_text, view_json, view_state_name};
use serde_json::json;
use std::{str::FromStr, time::Duration};

/// How often to check whether a view has caught up.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Show a view's rows or, without a name, the available views
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith view\n  kith view strength --person amina --top 10\n  \
                        kith view strength --at 2026-01-31 --as-of 2026-02-28 -o json\n  \
                        kith view strength --replica ~/kith --pending\n  kith view strength --digest")]
pub(crate) struct ViewArgs {
    /// The view's name
    name: Option<String>,
    /// Only rows with this person in the key
    #[arg(long, value_name = "PERSON", requires = "name", allow_hyphen_values = true)]
    person: Option<String>,
    /// Only rows with a member of this organisation in the key
    #[arg(long, value_name = "ORGANISATION", requires = "name", allow_hyphen_values = true)]
    org: Option<String>,
    /// Maximum number of rows [default: all as JSON, 50 in a table]
    #[arg(long, value_name = "N", requires = "name", value_parser = value_parser!(u64).range(1..))]
    top: Option<u64>,
    /// Column to sort by, largest first; with a leading `-`, smallest first
    #[arg(long, value_name = "COLUMN", requires = "name", allow_hyphen_values = true)]
    sort: Option<String>,
    /// As of the end of this day, in UTC
    #[arg(long, value_name = "DATE", requires = "name", value_parser = parse_view_day_now)]
    at: Option<Day>,
    /// As known at this position, or at this time or the end of this day, in UTC
    #[arg(long, value_name = "POSITION|DATE", requires = "name")]
    as_of: Option<AsOf>,
    /// As it will be once the replica's outbox is sent; rows that it changes are marked
    #[arg(long, requires = "name", conflicts_with_all = ["at", "as_of"])]
    pending: bool,
    /// Wait up to this many seconds until the view has caught up with everything recorded so far
    #[arg(long, value_name = "SECONDS", requires = "name", conflicts_with = "as_of")]
    wait: Option<u64>,
    /// Instead of rows, print one digest over all of them: equal wherever the same entries were folded
    #[arg(long, requires = "name", conflicts_with_all = ["person", "org", "top", "sort", "pending"])]
    digest: bool,
}

/// What was known: up to a position, or up to a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    /// Up to this position.
    Position(Position),
    /// Up to the end of this day, or this point in time.
    Time(Timestamp),
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<u64>() {
            Ok(0) => Err("positions begin with 1".to_owned()),
            Ok(position) => Ok(Self::Position(Position::new(position))),
            Err(_) => parse_known_now(text).map(Self::Time),
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: ViewArgs) -> Result<(), Failure> {
    match &args.name {
        None => list(context).await,
        Some(name) if args.digest => digest(context, name, &args).await,
        Some(name) => {
            let views = Asked::at(&context.place, Counted::of(args.pending)).await?;
            let query = query(context, name, &args).await?;
            let asks_for_now = args.as_of.is_none();
            let head = context.place.head().await?.position;
            if let Some(seconds) = args.wait {
                wait_for(&views, &query, head, Duration::from_secs(seconds)).await?;
            }
            let head = asks_for_now.then_some(head);
            let ask = async |rows_max: u64, page_token: String| {
                let page_size = u32::try_from(rows_max).unwrap_or(u32::MAX).min(PAGE_ROWS_MAX);
                views.query(&ViewQuery { page_size, page_token, ..query.clone() }).await
            };
            let position = pages::print(context, Wanted { top: args.top, head }, ask).await?.position;
            if let Some(version) = views.served_version(name).await {
                remark(&format!("{name} is {version} as at the server; this program comes with another version"));
            }
            let behind = head.map_or(0, |head| head.since(position));
            if behind > 0 {
                remark(&format!(
                    "the view is at position {position}, {} behind the log: --wait SECONDS waits for it",
                    counted(behind, "entry", "entries")
                ));
            }
            Ok(())
        }
    }
}

/// Waits until a view has reached a position, up to a time limit.
async fn wait_for(views: &Asked, query: &ViewQuery, until: Position, wait: Duration) -> Result<(), Failure> {
    let deadline = tokio::time::Instant::now() + wait;
    let first_row = ViewQuery { page_size: 1, ..query.clone() };
    loop {
        let position = match views.query(&first_row).await {
            Ok(page) => Position::new(page.position),
            Err(failure) if failure.is_lag() => Position::ZERO,
            Err(failure) => return Err(failure),
        };
        if position >= until || tokio::time::Instant::now() >= deadline {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// As of what rows are asked for: a position, or a time.
pub(super) async fn known(context: &Context, as_of: Option<AsOf>) -> Result<(Position, Option<Timestamp>), Failure> {
    match as_of {
        None => Ok((Position::ZERO, None)),
        Some(AsOf::Position(position)) => Ok((position, None)),
        Some(AsOf::Time(time)) => {
            if let Some(words) = standstill(context.place.head().await?.recorded_at, kith_client::now()) {
                remark(&format!("{words}; --as-of DATE means the position before that, --as-of POSITION is exact"));
            }
            Ok((Position::ZERO, Some(time)))
        }
    }
}

async fn query(context: &Context, name: &str, args: &ViewArgs) -> Result<ViewQuery, Failure> {
    let (as_of, as_of_time) = known(context, args.as_of).await?;
    let mut resolver = context.resolver();
    Ok(ViewQuery {
        view: name.to_owned(),
        person: resolver.person_or_none(args.person.as_ref()).await?,
        organisation: resolver.organisation(args.org.as_ref()).await?,
        at: args.at,
        as_of,
        as_of_time,
        sort: args.sort.clone().unwrap_or_default(),
        ..ViewQuery::default()
    })
}

async fn digest(context: &mut Context, name: &str, args: &ViewArgs) -> Result<(), Failure> {
    let as_of = match args.as_of {
        None => Position::ZERO,
        Some(AsOf::Position(position)) => position,
        Some(AsOf::Time(_)) => return Err(Failure::Usage("--as-of takes a position with --digest".to_owned())),
    };
    let query = DigestQuery { view: name.to_owned(), at: args.at, as_of, held: held(context)? };
    let found = Asked::at(&context.place, Counted::Entries).await?.digest(&query).await?;
    let rows_digest = hex::encode(&found.rows_digest);
    let shown = json!({
        "view": name,
        "rows_digest": rows_digest,
        "rows": found.rows,
        "position": found.position,
        "day": day_text(Day::new(found.day)),
        "component": hex::encode(&found.component),
    });
    let day = day_text(Day::new(found.day));
    context.output.tell(&shown, || {
        format!("{rows_digest}  {} complete rows as of {day} UTC, position {}", found.rows, found.position)
    })
}

/// The filter of a replica; everything at the server.
fn held(context: &Context) -> Result<Filter, Failure> {
    match &context.place {
        Place::Server(_) => Ok(Filter::default()),
        Place::Replica(replica) => Ok(replica.filter()?),
    }
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let views = Asked::at(&context.place, Counted::Entries).await?.list().await?.views;
    match context.output.format() {
        Format::Json => views.iter().try_for_each(|view| context.output.json(&view_json(view))),
        Format::Table => {
            let columns = [
                Column::text("view"),
                Column::text("version"),
                Column::text("state"),
                Column::number("position"),
                Column::number("lag"),
                Column::number("rows"),
                Column::number("events/s"),
                Column::number("fuel/event"),
                Column::number("state KiB"),
                Column::number("faults"),
                Column::text("trouble"),
            ];
            let rows = views.iter().map(|view| {
                vec![
                    view.name.clone(),
                    view.version.clone(),
                    view_state_name(view.state()).to_owned(),
                    view.cursor.to_string(),
                    view.lag.to_string(),
                    view.rows.to_string(),
                    format!("{:.0}", view.events_per_second),
                    view.fuel_per_event.to_string(),
                    view.state_bytes.div_ceil(1024).to_string(),
                    view.faults.to_string(),
                    trouble(view),
                ]
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

fn trouble(view: &View) -> String {
    match view.quarantined.len() {
        0 => view.last_error.clone(),
        keys => format!("{} in quarantine {}", counted(keys, "key", "keys"), view.last_error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_is_a_position_or_a_date() {
        assert_eq!("12".parse(), Ok(AsOf::Position(Position::new(12))));
        assert_eq!("1970-01-02".parse(), Ok(AsOf::Time(Day::new(1).end())));
        assert!("0".parse::<AsOf>().is_err());
        assert!("tomorrow".parse::<AsOf>().is_err());
    }
}
