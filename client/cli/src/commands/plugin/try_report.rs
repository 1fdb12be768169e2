//! `kith plugin try` for reports: folds the views that a report reads locally, then computes its table.

use super::try_here::{TryArgs, order, scope};
use crate::commands::pages::remark_on;
use crate::{
    authoring::whole_log,
    context::Context,
    failure::Failure,
    limits,
    place::Place,
    show::{
        output::{Format, remark},
        rows::{cells, columns},
    },
};
use kith_authoring::host::{
    Fold, Host,
    report::{Input, Ready, builtin, check_given, unknown},
};
use kith_client::now;
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
    let mut given = args.component.views()?;
    check_given(manifest, given.keys())?;
    let mut inputs = Vec::with_capacity(manifest.inputs.len());
    for wanted in &manifest.inputs {
        inputs.push(match given.remove(&wanted.view) {
            Some(given) => given,
            None => input(context, &wanted.view).await?,
        });
    }
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
    remark(&format!("folded {entries} entries into {views} and computed {} rows in {seconds:.1} s", found.total));
    Ok(())
}

/// A view that a report reads: a built-in one, else one of the network's own.
async fn input(context: &Context, name: &str) -> Result<Input, Failure> {
    if let Some(found) = builtin(name) {
        return Ok(found);
    }
    let Place::Server(client) = &context.place else { return Err(unknown(name).into()) };
    let views = client.list_views().await?.views;
    let view = views.into_iter().find(|view| view.name == name).ok_or_else(|| unknown(name))?;
    let digest = view.component.try_into().map_err(|_| Failure::Unexpected("the server gave no digest".to_owned()))?;
    let component = client.fetch_component(&digest).await?.to_vec();
    Ok(Input { component, settings: view.settings })
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
