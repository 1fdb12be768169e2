//! `kith plugin try`: folds the network's own log locally. Nothing is installed, and nobody else sees it.

use super::{component::ComponentArgs, try_report};
use crate::commands::pages::{self, Wanted};
use crate::{
    authoring::whole_log, context::Context, failure::Failure, input::dates::parse_view_day_now, limits,
    show::output::remark,
};
use clap::{Args, value_parser};
use kith_authoring::host::{Fold, Folded, Host};
use kith_client::{now, v1::QueryViewResponse};
use kith_core::counted::counted;
use kith_core::{day::Day, id::OrganisationId, plugins::PluginSettings};
use kith_views::{Declared, OrderBy, Query, ViewScope, ViewStatus, limits::PAGE_ROWS_MAX, wire};
use std::{sync::Arc, time::Instant};

/// Fold the network's log locally with a component and show its rows; nothing is installed
///
/// Reads the entries that your token may see, folds those of the network's scope in the same sandbox as a server, and
/// prints the rows that the view would have. A report is computed from the views that it reads, built-in or installed,
/// which are folded locally, too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith plugin try dist/visits.wasm --top 10\n  \
                        kith plugin try dist/visits.wasm --settings '{\"minutes_min\":30}' -o json")]
pub(crate) struct TryArgs {
    #[command(flatten)]
    pub(super) component: ComponentArgs,
    /// The plugin's settings
    #[arg(long, value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    pub(super) settings: PluginSettings,
    /// Fold this organisation's own events too
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    scope_of: Option<String>,
    /// Only rows with this person in the key
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    pub(super) person: Option<String>,
    /// Only rows with a member of this organisation in the key
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    pub(super) org: Option<String>,
    /// Maximum number of rows [default: all as JSON, 50 in a table]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(super) top: Option<u32>,
    /// Column to sort by, largest first; with a leading `-`, smallest first
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<String>,
    /// As of the end of this day, in UTC
    #[arg(long, value_name = "DATE", value_parser = parse_view_day_now)]
    pub(super) at: Option<Day>,
}

pub(super) async fn run(context: &mut Context, args: TryArgs) -> Result<(), Failure> {
    let component = args.component.read()?;
    let host = Host::open()?;
    // Check the component before downloading anything.
    if let Declared::Report(manifest) = host.declared(&component, args.settings.as_str())? {
        return try_report::run(context, args, &host, component, &manifest).await;
    }
    args.component.refuse_views()?;
    let query = query(context, &args).await?;
    let scope = scope(context, &args).await?;
    let log = Arc::new(whole_log::read(&context.place, None).await?);
    let (begun, entries) = (Instant::now(), log.entry_count());
    let fold = Fold {
        component,
        settings: args.settings.to_string(),
        network: context.place.network().clone(),
        scope,
        log,
        clock: Arc::new(|| now().millis()),
    };
    let folded = host.fold(fold).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = folded.status().await?;
    let total = show(context, &folded, query, args.top).await?;
    tell(&status, entries, seconds, total);
    if status.quarantined.is_empty() { Ok(()) } else { Err(Failure::PartlyRefused) }
}

async fn query(context: &Context, args: &TryArgs) -> Result<Query, Failure> {
    let mut resolver = context.resolver();
    Ok(Query {
        person: resolver.person_or_none(args.person.as_ref()).await?,
        organisation: resolver.organisation(args.org.as_ref()).await?,
        day: args.at,
        order: order(args),
        ..Query::default()
    })
}

pub(super) fn order(args: &TryArgs) -> Option<OrderBy> {
    args.sort.as_deref().and_then(OrderBy::parse)
}

pub(super) async fn scope(context: &Context, args: &TryArgs) -> Result<ViewScope, Failure> {
    let own: Option<OrganisationId> = context.resolver().organisation(args.scope_of.as_ref()).await?;
    Ok(own.map_or(ViewScope::Network, ViewScope::Organisation))
}

/// Prints rows as `kith view` does; returns how many there are.
async fn show(context: &mut Context, folded: &Folded, query: Query, top: Option<u32>) -> Result<u64, Failure> {
    let fields = folded.fields();
    let ask = async |rows_max: u64, page_token: String| {
        let page_rows = usize::try_from(rows_max).unwrap_or(usize::MAX).min(PAGE_ROWS_MAX);
        let page_token = (!page_token.is_empty()).then_some(page_token);
        let page = folded.query(Query { page_rows, page_token, ..query.clone() }).await?;
        Ok(QueryViewResponse {
            fields: fields.clone(),
            rows: page.rows.into_iter().map(wire::row).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
            position: page.position.get(),
            day: page.day.number(),
            total: page.total,
            // Each is named below.
            failing_keys: 0,
            remarks: Vec::new(),
        })
    };
    let wanted = Wanted { top: top.map(u64::from), head: None };
    Ok(pages::print(context, wanted, ask).await?.total)
}

/// Reports what it cost, and what went wrong.
fn tell(status: &ViewStatus, entries: usize, seconds: f64, rows: u64) {
    let fuel = status.fuel.checked_div(status.events_folded).unwrap_or_default();
    remark(&format!(
        "folded {} into {} in {seconds:.1} s: {} under their keys, {fuel} fuel each, {} of state",
        counted(entries, "entry", "entries"),
        counted(rows, "row", "rows"),
        counted(status.events_folded, "event", "events"),
        counted(status.state_bytes, "byte", "bytes")
    ));
    for key in status.quarantined.iter().take(limits::TRY_FAULTS_TOLD_MAX) {
        remark(&format!("the plugin fails on {key}"));
    }
    if status.quarantined.len() > limits::TRY_FAULTS_TOLD_MAX {
        let more = status.quarantined.len() - limits::TRY_FAULTS_TOLD_MAX;
        remark(&format!("and on {} more", counted(more, "key", "keys")));
    }
}
