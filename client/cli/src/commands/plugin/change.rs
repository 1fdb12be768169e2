//! `kith plugin activate|rollback|pause|resume|remove`: which version is active, and whether it runs.

use super::install::await_built;
use crate::{context::Context, failure::Failure, show::output::remark};
use clap::Args;
use kith_client::Client;
use kith_core::{id::EventId, position::Position};
use serde_json::{Value, json};

/// Activate another version of a plugin, once its view is built
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin activate visits@0.2.0")]
pub(crate) struct ActivateArgs {
    /// The plugin and the version
    #[arg(value_name = "NAME@VERSION", value_parser = parse_version)]
    plugin: (String, String),
}

/// Reactivate the previous version of a plugin
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin rollback visits")]
pub(crate) struct RollbackArgs {
    /// The plugin
    name: String,
}

/// Pause a plugin; its rows can still be read
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin pause visits")]
pub(crate) struct PauseArgs {
    /// The plugin
    name: String,
}

/// Resume a paused plugin
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin resume visits")]
pub(crate) struct ResumeArgs {
    /// The plugin
    name: String,
}

/// Remove a plugin with all its versions and rows
///
/// Its entries in the log stay, and installing the same component again restores the same rows. Reports that read it have
/// no rows from then on, which is said. An owner of the network
/// removes an organisation's plugin by the event that installed it, which `kith plugin list` shows.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin remove visits")]
pub(crate) struct RemoveArgs {
    /// The plugin
    #[arg(required_unless_present = "installed")]
    name: Option<String>,
    /// The event that installed an organisation's plugin, instead of its name
    #[arg(long, value_name = "ID", conflicts_with = "name")]
    installed: Option<EventId>,
}

fn parse_version(text: &str) -> Result<(String, String), String> {
    match text.split_once('@') {
        Some((name, version)) if !name.is_empty() && !version.is_empty() => Ok((name.to_owned(), version.to_owned())),
        Some(_) | None => Err("write the plugin and the version as NAME@VERSION; `kith plugin list` shows them".into()),
    }
}

pub(super) async fn activate(context: &mut Context, args: ActivateArgs) -> Result<(), Failure> {
    let (name, version) = args.plugin;
    let client = context.server()?.clone();
    let known = client.list_plugins().await?.plugins.into_iter().find(|plugin| plugin.name == name);
    // A version that is not followed yet has no view to wait for; the server then reports that it is building one.
    if known.is_some_and(|plugin| plugin.versions.iter().any(|known| known.version == version)) {
        await_built(&client, &name, &version).await?;
    }
    let position = client.activate_plugin(&name, &version).await?;
    tell(context, &name, position, json!({ "version": version }), || format!("{name}@{version} answers"))
}

pub(super) async fn rollback(context: &mut Context, args: RollbackArgs) -> Result<(), Failure> {
    let name = args.name;
    let (version, position) = context.server()?.rollback_plugin(&name).await?;
    tell(context, &name, position, json!({ "version": version }), || format!("{name}@{version} answers again"))
}

pub(super) async fn pause(context: &mut Context, args: PauseArgs) -> Result<(), Failure> {
    let position = context.server()?.pause_plugin(&args.name).await?;
    tell(context, &args.name, position, json!({ "paused": true }), || format!("{} is paused", args.name))
}

pub(super) async fn resume(context: &mut Context, args: ResumeArgs) -> Result<(), Failure> {
    let position = context.server()?.resume_plugin(&args.name).await?;
    tell(context, &args.name, position, json!({ "paused": false }), || format!("{} goes on", args.name))
}

pub(super) async fn remove(context: &mut Context, args: RemoveArgs) -> Result<(), Failure> {
    let client = context.server()?;
    let (name, position) = match (args.installed, args.name) {
        (Some(installed), _) => (installed.to_string(), client.end_plugin(&installed).await?),
        (None, name) => {
            let name = name.expect("clap asks for one of the two");
            let readers = readers(client, &name).await?;
            let position = client.remove_plugin(&name).await?;
            if !readers.is_empty() {
                let (reports, have) = if readers.len() == 1 { ("report", "has") } else { ("reports", "have") };
                remark(&format!("the {reports} {} {have} no rows without {name}", readers.join(", ")));
            }
            (name, position)
        }
    };
    tell(context, &name, position, json!({ "removed": true }), || format!("{name} is removed"))
}

/// The reports that read a view.
async fn readers(client: &Client, view: &str) -> Result<Vec<String>, Failure> {
    let mut views = client.list_views().await?.views;
    views.retain(|report| report.inputs.iter().any(|input| input == view));
    Ok(views.into_iter().map(|report| report.name).collect())
}

/// Reports what was done, or that nothing had to change.
fn tell(
    context: &mut Context,
    name: &str,
    position: Position,
    mut answer: Value,
    done: impl FnOnce() -> String,
) -> Result<(), Failure> {
    answer["name"] = name.into();
    answer["position"] = Some(position.get()).filter(|position| *position > 0).into();
    context.output.tell(&answer, || match position {
        Position::ZERO => format!("{}; nothing had to change", done()),
        position => format!("{}, recorded at position {position}", done()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_typed_with_their_plugin() {
        assert_eq!(parse_version("visits@0.2.0+2"), Ok(("visits".into(), "0.2.0+2".into())));
        for text in ["visits", "visits@", "@1"] {
            assert!(parse_version(text).is_err(), "{text}");
        }
    }
}
