//! `kith plugin try` for reports: folds the views that a report reads locally, then computes its table.

use super::try_here::{TryArgs, order, scope};
use crate::commands::pages::remark_on;
use crate::{
    authoring::{inputs, whole_log},
    context::Context,
    failure::Failure,
    limits,
    show::{
        output::{Format, remark},
        rows::{cells, columns},
    },
};
use kith_authoring::host::{Fold, Host, report::Ready};
use kith_client::now;
use kith_core::counted::counted;
use kith_json::row_json;
use kith_views::{ReportManifest, ReportQuery};
use serde_json::Value;
use std::{sync::Arc, time::Instant};

pub(super) async fn run(
    context: &mut Context,
    args: TryArgs,
    host: &Host,
    component: Vec<u8>,
    manifest: &ReportManifest,
) -> Result<(), Failure> {
    let inputs = inputs::find_all(&context.place, manifest, args.component.views()?).await?;
    let query = query(context, &args).await?;
    let scope = scope(context, &args).await?;
    let log = Arc::new(whole_log::read(&context.place, None).await?);
    let (begun, entries) = (Instant::now(), log.entry_count());
    let network = context.place.network().clone();
    let clock = Arc::new(|| now().millis());
    let fold = Fold { component, settings: args.settings.to_string(), network, scope, log, clock };
    let ready = Ready::fold(host, inputs, &fold).await?;
    let found = ready.query(query, args.at).await?;
    let seconds = begun.elapsed().as_secs_f64();
    match context.output.format() {
        Format::Json => {
            let rows = found.rows.iter().map(|row| Value::Object(row_json(&found.fields, row)));
            rows.into_iter().try_for_each(|row| context.output.json(&row))?;
        }
        Format::Table => {
            let names = context.place.names().await?;
            let rows = found.rows.iter().map(|row| cells(row, &names)).collect();
            context.output.table(&columns(&found.fields), rows)?;
        }
    }
    context.output.flush()?;
    remark_on(found.rows.len(), &found);
    let views = manifest.inputs.iter().map(|input| input.view.as_str()).collect::<Vec<_>>().join(", ");
    let (entries, rows) = (counted(entries, "entry", "entries"), counted(found.total, "row", "rows"));
    remark(&format!("folded {entries} into {views} and computed {rows} in {seconds:.1} s"));
    Ok(())
}

async fn query(context: &Context, args: &TryArgs) -> Result<ReportQuery, Failure> {
    let mut resolver = context.resolver();
    let page_rows = match (args.top, context.output.format()) {
        (Some(top), _) => top as usize,
        (None, Format::Json) => usize::MAX,
        (None, Format::Table) => limits::TABLE_ROWS_DEFAULT as usize,
    };
    Ok(ReportQuery {
        person: resolver.person_or_none(args.person.as_ref()).await?,
        organisation: resolver.organisation(args.org.as_ref()).await?,
        order: order(args),
        page_rows,
        ..ReportQuery::default()
    })
}
