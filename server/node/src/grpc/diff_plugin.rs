//! `DiffPlugin`: the version that answers beside another one, as far as both have come.

use super::{Call, Failure, blocking, convert, enter, list_views, rows};
use crate::{node::Node, views::ServedView};
use kith_core::{
    may::{Action, may},
    plugins::PluginRefusal,
};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Move, wire};
use tonic::Request;

/// Moves that are listed unless asked otherwise.
const MOVES_DEFAULT: u32 = 10;
/// Moves that can be listed.
const MOVES_MAX: u32 = 1_000;

pub(super) async fn diff_plugin(
    node: &Node,
    request: Request<v1::DiffPluginRequest>,
) -> Result<v1::DiffPluginResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let moves_max = convert::page_size("moves_max", message.moves_max, MOVES_DEFAULT, MOVES_MAX)?;
    let plugins = network.plugins();
    let name = message.name;
    let plugin = plugins.get(&name).filter(|plugin| may(&caller.principal, &Action::Ask(plugin.owner())));
    let plugin = plugin.ok_or_else(|| Failure::from(PluginRefusal::Unknown(name.clone())))?;
    let to = match message.version.as_str() {
        "" => plugin.versions().last().map(|newest| newest.version.clone()).unwrap_or_default(),
        version => version.to_owned(),
    };
    let Some(from) = plugin.active().map(|active| active.version.clone()) else {
        return Err(Failure::request("name", format_args!("no version of `{name}` answers yet")));
    };
    if from == to {
        let message =
            format_args!("{to} is the version that answers: install another one, or name one to compare with");
        return Err(Failure::request("version", message));
    }
    let (ours, theirs) = (version(node, &network, &name, &from)?, version(node, &network, &name, &to)?);
    rows::catch_up(&network, &ours).await?;
    rows::catch_up(&network, &theirs).await?;
    blocking(move || compare(&name, (from, &ours), (to, &theirs), moves_max)).await
}

fn version(node: &Node, network: &Network, name: &str, version: &str) -> Result<ServedView, Failure> {
    match node.views().version(network.name(), name, version) {
        Some(Ok(view)) => Ok(view),
        Some(Err(problem)) => Err(Failure::because(ErrorReason::ViewStopped, problem).at("version")),
        None => {
            let message = format_args!(
                "no rows are kept for {version}: only for the version that answers, the one before, and the newest"
            );
            Err(Failure::because(ErrorReason::ViewUnknown, message).at("version"))
        }
    }
}

fn compare(
    name: &str,
    (from, ours): (String, &ServedView),
    (to, theirs): (String, &ServedView),
    moves_max: usize,
) -> Result<v1::DiffPluginResponse, Failure> {
    let found = ours.handle.compare(&theirs.handle, moves_max)?;
    Ok(v1::DiffPluginResponse {
        from,
        to,
        position: found.position.get(),
        day: found.day,
        rows_equal: found.equal,
        rows_changed: found.changed,
        rows_added: found.added,
        rows_removed: found.removed,
        columns_added: found.columns_added,
        columns_removed: found.columns_removed,
        moves: found.moves.into_iter().map(moved).collect(),
        from_view: Some(list_views::view(name, ours)?),
        to_view: Some(list_views::view(name, theirs)?),
    })
}

fn moved(moved: Move) -> v1::Move {
    v1::Move {
        key: wire::ids(&moved.key),
        item: wire::number(moved.item),
        column: moved.column,
        from: moved.from,
        to: moved.to,
    }
}
