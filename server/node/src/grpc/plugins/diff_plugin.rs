//! `DiffPlugin`: compares the version that answers with another one, at the position that both have reached.

use crate::{
    grpc::{Call, Failure, convert, enter, listed, reports, rows},
    limits::{MOVES_DEFAULT, MOVES_MAX},
    node::Node,
    views::{OpenViews, Served},
};
use kith_core::plugins::{PluginKey, PluginRefusal};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Cancel, Comparison, Move, wire};
use tonic::Request;

pub(super) async fn diff_plugin(
    node: &Node,
    request: Request<v1::DiffPluginRequest>,
) -> Result<v1::DiffPluginResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let moves_max = convert::page_size("moves_max", message.moves_max, MOVES_DEFAULT, MOVES_MAX)?;
    let plugins = network.plugins();
    let name = message.name;
    let found = plugins.find(&name, caller.principal.organisation.as_ref());
    let (key, plugin) = found.ok_or_else(|| Failure::from(PluginRefusal::Unknown(name.clone())))?;
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
    let views = node.views().of(&network).await?;
    let (ours, theirs) = (version(&views, (key, &from))?, version(&views, (key, &to))?);
    for served in [&ours, &theirs] {
        catch_up(&network, served).await?;
    }
    let call = node.slow_call(&caller, &network)?;
    call.run(move |cancel| {
        let found = compare(&network, (&ours, &theirs), moves_max, cancel)?;
        let (from_view, to_view) = (listed::served(&name, &ours)?, listed::served(&name, &theirs)?);
        Ok(v1::DiffPluginResponse { from, to, from_view: Some(from_view), to_view: Some(to_view), ..response(found) })
    })
    .await
}

fn version(views: &OpenViews, (key, version): (&PluginKey, &str)) -> Result<Served, Failure> {
    match views.version((key, version)) {
        Some(Ok(served)) => Ok(served),
        Some(Err(problem)) => Err(Failure::because(ErrorReason::ViewStopped, problem).at("version")),
        None => {
            let message = format_args!(
                "no rows are kept for {version}: only for the version that answers, the one before, and the newest"
            );
            Err(Failure::because(ErrorReason::ViewUnknown, message).at("version"))
        }
    }
}

async fn catch_up(network: &Network, served: &Served) -> Result<(), Failure> {
    match served {
        Served::View(view) => rows::catch_up(network, view).await,
        Served::Report(report) => reports::catch_up(network, report).await,
    }
}

fn compare(
    network: &Network,
    versions: (&Served, &Served),
    moves_max: usize,
    cancel: &Cancel,
) -> Result<Comparison, Failure> {
    match versions {
        (Served::View(ours), Served::View(theirs)) => {
            Ok(ours.handle.compare_until(&theirs.handle, moves_max, cancel)?)
        }
        (Served::Report(ours), Served::Report(theirs)) => reports::compare(network, (ours, theirs), moves_max, cancel),
        (Served::View(_), Served::Report(_)) | (Served::Report(_), Served::View(_)) => {
            Err(Failure::request("version", "one is a view and the other a report"))
        }
    }
}

fn response(found: Comparison) -> v1::DiffPluginResponse {
    v1::DiffPluginResponse {
        position: found.position.get(),
        day: found.day.number(),
        rows_equal: found.equal,
        rows_changed: found.changed,
        rows_added: found.added,
        rows_removed: found.removed,
        columns_added: found.columns_added,
        columns_removed: found.columns_removed,
        moves: found.moves.into_iter().map(moved).collect(),
        ..v1::DiffPluginResponse::default()
    }
}

fn moved(moved: Move) -> v1::Move {
    v1::Move { key: moved.key, item: wire::number(moved.item), column: moved.column, from: moved.from, to: moved.to }
}
