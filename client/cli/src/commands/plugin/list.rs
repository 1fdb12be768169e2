//! `kith plugin list`: the plugins of the network, with every version of each and the status of its view.

use crate::{
    context::Context,
    failure::Failure,
    show::output::{Column, Format},
};
use clap::Args;
use kith_client::{Plugins, v1};
use kith_core::counted::counted;
use kith_core::{id::EventId, timestamp::Timestamp};
use kith_json::{time_text, view_json, view_state_name};
use serde_json::{Value, json};

/// List the network's plugins, with every version of each
///
/// Built-in views are not included: `kith view` lists every active view. Owners of the network also see what other
/// organisations' plugins cost and the event by which to remove each, but nothing else about them.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin list")]
pub(crate) struct ListArgs {}

pub(super) async fn run(context: &mut Context, _: ListArgs) -> Result<(), Failure> {
    let Plugins { plugins, unseen, .. } = context.server()?.list_plugins().await?;
    match context.output.format() {
        Format::Json => {
            plugins.iter().try_for_each(|plugin| context.output.json(&plugin_json(plugin)))?;
            unseen.iter().try_for_each(|unseen| context.output.json(&unseen_json(unseen)))
        }
        Format::Table => {
            let columns = [
                Column::text("plugin"),
                Column::text("version"),
                Column::text("answers"),
                Column::text("state"),
                Column::number("lag"),
                Column::number("rows"),
                Column::text("installed"),
                Column::text("by"),
                Column::text("scope"),
                Column::text("component"),
                Column::text("trouble"),
            ];
            let rows = plugins.iter().flat_map(|plugin| plugin.versions.iter().map(|version| row(plugin, version)));
            context.output.table(&columns, rows.chain(unseen.iter().map(unseen_row)).collect())
        }
    }
}

fn row(plugin: &v1::Plugin, version: &v1::PluginVersion) -> Vec<String> {
    let view = version.view.as_ref();
    let number = |number: fn(&v1::View) -> u64| view.map_or_else(String::new, |view| number(view).to_string());
    vec![
        plugin.name.clone(),
        version.version.clone(),
        if version.active {
            "yes"
        } else if version.before {
            "before"
        } else {
            ""
        }
        .to_owned(),
        view.map_or("", |view| view_state_name(view.state())).to_owned(),
        number(|view| view.lag),
        number(|view| view.rows),
        installed_on(version).unwrap_or_default(),
        version.installed_by.clone(),
        if plugin.organisation.is_empty() { "network".to_owned() } else { plugin.organisation.clone() },
        hex::encode(&version.component[..version.component.len().min(6)]),
        if version.problem.is_empty() { view.map(trouble).unwrap_or_default() } else { version.problem.clone() },
    ]
}

/// A plugin of which only the cost is shown.
fn unseen_row(unseen: &v1::UnseenPlugin) -> Vec<String> {
    let id = installation(unseen);
    let mut row = vec![String::new(); 11];
    "not shown".clone_into(&mut row[3]);
    row[8].clone_from(&unseen.organisation);
    row[10] = format!(
        "{} of states, {} fuel; `kith plugin remove --installed {id}` ends it",
        counted(unseen.bytes, "byte", "bytes"),
        unseen.fuel
    );
    row
}

fn installation(unseen: &v1::UnseenPlugin) -> String {
    EventId::parse_field(&unseen.installed, "installed").map(|id| id.to_string()).unwrap_or_default()
}

fn unseen_json(unseen: &v1::UnseenPlugin) -> Value {
    json!({
        "installed": installation(unseen),
        "organisation": unseen.organisation,
        "bytes": unseen.bytes,
        "fuel": unseen.fuel,
    })
}

fn installed_on(version: &v1::PluginVersion) -> Option<String> {
    version.installed_on.as_ref().and_then(Timestamp::from_proto).map(time_text)
}

/// What is wrong with a view: the keys it fails on, and what the plugin said.
pub(super) fn trouble(view: &v1::View) -> String {
    let Some(first) = view.quarantined.first() else { return view.last_error.clone() };
    let at = if first.position == 0 { String::new() } else { format!(" at entry {}", first.position) };
    format!("{}, such as {}{at}: {}", in_quarantine(view), first.key.join(", "), first.message)
}

/// How many keys are in quarantine, and whether any key is not.
fn in_quarantine(view: &v1::View) -> String {
    let keys = counted(view.quarantined.len(), "key", "keys");
    let all = if view.rows == 0 { ", and no other key has a row" } else { "" };
    format!("{keys} in quarantine{all}")
}

fn plugin_json(plugin: &v1::Plugin) -> Value {
    json!({
        "name": plugin.name,
        "scope": if plugin.organisation.is_empty() { "network" } else { "organisation" },
        "organisation": Some(&plugin.organisation).filter(|organisation| !organisation.is_empty()),
        "paused": plugin.paused,
        "versions": plugin.versions.iter().map(version_json).collect::<Vec<_>>(),
    })
}

fn version_json(version: &v1::PluginVersion) -> Value {
    let settings = serde_json::from_str(&version.settings).unwrap_or_else(|_| Value::from(version.settings.as_str()));
    json!({
        "version": version.version,
        "component": hex::encode(&version.component),
        "settings": settings,
        "installed_at": version.installed_at,
        "installed_on": installed_on(version),
        "installed_by": version.installed_by,
        "active": version.active,
        "before": version.before,
        "view": version.view.as_ref().map(view_json),
        "problem": Some(&version.problem).filter(|problem| !problem.is_empty()),
    })
}
