//! `kith plugin install`: installs a component as a view or report of the network, or as another version of one.

use super::list;
use crate::{context::Context, failure::Failure, input::files::read_component, show::output::remark};
use bytes::Bytes;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use kith_client::{Client, Component, NewPlugin, v1};
use kith_core::{event::Scope, plugins::PluginSettings};
use serde_json::json;
use std::{path::PathBuf, time::Duration};

/// Time between two checks of a view that is being built.
const LOOK: Duration = Duration::from_millis(250);

/// Install a component as a view or report of the network
///
/// The server checks it, records who installed which bytes with which settings, and builds the view from the first
/// entry on. The first version of a name is active at once. A later one is built alongside the active one: compare them
/// with `kith plugin diff`, and switch with `kith plugin activate`. If the view of a first version stops while it is
/// built, the plugin is removed again. Needs the role analyst or owner.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith plugin install dist/visits.wasm\n  \
                        kith plugin install --builtin strength --name strength_30 --settings '{\"half_life_days\":30}'")]
pub(crate) struct InstallArgs {
    /// The component; - for standard input
    #[arg(required_unless_present = "builtin", conflicts_with = "builtin")]
    file: Option<PathBuf>,
    /// Use the component of this built-in view or report, with your own settings
    #[arg(long, value_name = "VIEW", requires = "name")]
    builtin: Option<String>,
    /// The view's name [default: the one in the component's manifest]
    #[arg(long)]
    name: Option<String>,
    /// The plugin's settings
    #[arg(long, value_name = "JSON", default_value = "{}", allow_hyphen_values = true)]
    settings: PluginSettings,
    /// Which events it folds, and who sees its rows
    #[arg(long, value_enum, default_value_t = ScopeArg::Network)]
    scope: ScopeArg,
    /// Return as soon as it is recorded, before the view is built
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeArg {
    /// The network's events; everybody in it sees the rows
    Network,
    /// Your organisation's own events too; only your organisation sees the rows
    Organisation,
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Self {
        match scope {
            ScopeArg::Network => Self::Network,
            ScopeArg::Organisation => Self::Organisation,
        }
    }
}

pub(super) async fn run(context: &mut Context, args: InstallArgs) -> Result<(), Failure> {
    let component = match (&args.file, args.builtin) {
        (Some(file), _) => Component::Bytes(Bytes::from(read_component(file)?)),
        (None, Some(builtin)) => Component::Builtin(builtin),
        (None, None) => return Err(Failure::Usage("name a component's file, or --builtin".to_owned())),
    };
    let plugin = NewPlugin { name: args.name, settings: args.settings.into(), scope: args.scope.into(), component };
    let client = context.server()?.clone();
    let installed = upload(&client, plugin).await?;
    if !args.no_wait
        && let Err(failure) = await_built(&client, &installed.name, &installed.version).await
    {
        return Err(withdraw(&client, &installed, failure).await);
    }
    let (name, version) = (&installed.name, &installed.version);
    let answer = json!({
        "name": name,
        "version": version,
        "component": hex::encode(&installed.component),
        "position": installed.position,
        "installed_before": installed.installed_before,
        "active": installed.active,
    });
    context.output.tell(&answer, || {
        let digest = hex::encode(&installed.component);
        let position = installed.position;
        let begun = if installed.installed_before { "was already installed at" } else { "installed at" };
        format!("{name}@{version} {begun} position {position}, SHA-256 {digest}")
    })?;
    context.output.flush()?;
    remark(&if installed.active {
        format!("it answers: kith view {name}")
    } else {
        format!("another version answers: kith plugin diff {name}, then kith plugin activate {name}@{version}")
    });
    Ok(())
}

/// Removes a plugin whose only version does not run, so that nothing answers under its name.
async fn withdraw(client: &Client, installed: &v1::InstalledPlugin, failure: Failure) -> Failure {
    let Failure::PluginRefused(why) = failure else { return failure };
    if !installed.active || installed.installed_before {
        return Failure::PluginRefused(format!("{why}; it does not answer"));
    }
    let name = &installed.name;
    Failure::PluginRefused(match client.remove_plugin(name).await {
        Ok(_) => format!("{why}; {name} was removed again"),
        Err(error) => format!("{why}; `kith plugin remove {name}` removes it, which failed here: {error}"),
    })
}

async fn upload(client: &Client, plugin: NewPlugin) -> Result<v1::InstalledPlugin, Failure> {
    let size = match &plugin.component {
        Component::Bytes(bytes) => bytes.len() as u64,
        Component::Builtin(_) => 0,
    };
    let bar = ProgressBar::new(size);
    let style = ProgressStyle::with_template("{msg} {bar:30} {binary_bytes} of {binary_total_bytes}");
    bar.set_style(style.expect("the template is well formed"));
    bar.set_message("sending");
    let mut installing = client.install_plugin(plugin).await?;
    let mut installed = None;
    let unanswered = |error| {
        Failure::of_change(error, None, "`kith plugin list` shows whether it is installed: if not, install it again")
    };
    while let Some(message) = installing.next().await.map_err(unanswered)? {
        bar.set_position(message.received);
        if message.compiling {
            bar.set_message("compiling");
        }
        installed = message.installed.or(installed);
    }
    bar.finish_and_clear();
    installed.ok_or_else(|| Failure::Unexpected("the server stopped before it reported what it installed".to_owned()))
}

/// Waits until a version's view has caught up with the log, or stopped.
pub(super) async fn await_built(client: &Client, name: &str, version: &str) -> Result<(), Failure> {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("building {bar:30} {human_pos} of {human_len} entries, {eta} left");
    bar.set_style(style.expect("the template is well formed"));
    loop {
        let listed = client.list_plugins().await?;
        let plugin = listed.plugins.into_iter().find(|plugin| plugin.name == name);
        let paused = plugin.as_ref().is_some_and(|plugin| plugin.paused);
        let found = plugin.into_iter().flat_map(|plugin| plugin.versions).find(|found| found.version == version);
        let Some(found) = found else {
            return Err(Failure::NotFound(format!("{name}@{version} was removed in the meantime")));
        };
        let Some(view) = found.view else {
            return match found.problem {
                problem if problem.is_empty() => Ok(()),
                problem => Err(Failure::PluginRefused(format!("the view of {name}@{version} does not run: {problem}"))),
            };
        };
        bar.set_length(listed.head.get());
        bar.set_position(view.cursor);
        match view.state() {
            v1::ViewState::Stopped => {
                let why = list::trouble(&view);
                return Err(Failure::PluginRefused(format!("the view of {name}@{version} stopped: {why}")));
            }
            v1::ViewState::WaitingForRoom => {
                bar.finish_and_clear();
                remark(&format!("the view of {name}@{version} {}", view.last_error));
                return Ok(());
            }
            v1::ViewState::Building => {}
            v1::ViewState::Running if view.lag > 0 && !paused => {}
            v1::ViewState::Running | v1::ViewState::Paused | v1::ViewState::Unspecified => {
                bar.finish_and_clear();
                if !view.quarantined.is_empty() {
                    remark(&format!("the plugin fails on some keys: {}", list::trouble(&view)));
                }
                return Ok(());
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
