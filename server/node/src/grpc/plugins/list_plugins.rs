//! `ListPlugins`: the plugins that the caller may see, with every version, and the status of those that follow. Owners
//! of the network also see the cost of plugins that are hidden from them.

use crate::{
    grpc::{Call, Failure, enter, listed, page::Page},
    node::Node,
    views::{NotKept, OpenViews, Served},
};
use kith_core::{
    event::Scope,
    may::{Action, may},
    plugins::{Plugin, PluginKey, PluginOwner, PluginVersion},
};
use kith_proto::v1;
use std::sync::Arc;
use tonic::Request;

pub(super) async fn list_plugins(
    node: &Node,
    request: Request<v1::ListPluginsRequest>,
) -> Result<v1::ListPluginsResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let (reads, views) = (node.reads(&caller.principal, &network), node.views().of(&network).await?);
    let head = network.head().get();
    let page = Page::begin(message.page_size, &message.page_token)?;
    let list = move || {
        let known = network.plugins();
        let may_see = |key: &PluginKey| may(&caller.principal, &Action::Ask(&key.owner));
        let (mut seen, unseen): (Vec<_>, Vec<_>) = known.iter().partition(|(key, _)| may_see(key));
        // Of two plugins with one name, the one that the name refers to comes first.
        seen.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name).then(other.owner.cmp(&one.owner)));
        let may_end = page.start() == 0 && may(&caller.principal, &Action::EndPlugin);
        let page = page.fill(seen.into_iter().map(|one| plugin(&views, one)))?;
        let unseen = if may_end { unseen } else { Vec::new() };
        let unseen = unseen.into_iter().map(|one| cost(&views, one)).collect::<Result<_, Failure>>()?;
        let (plugins, next_page_token) = page.finish();
        Ok(v1::ListPluginsResponse { plugins, head, unseen, next_page_token })
    };
    reads.run(list).await
}

/// What an owner of the network sees of a plugin that is hidden from it: how to end it, and what it costs.
fn cost(views: &OpenViews, (key, plugin): (&PluginKey, &Plugin)) -> Result<v1::UnseenPlugin, Failure> {
    let (_, organisation) = owner(&key.owner);
    let installed = plugin.installed().as_bytes().to_vec();
    let mut unseen = v1::UnseenPlugin { installed, organisation, ..v1::UnseenPlugin::default() };
    for version in plugin.followed() {
        if let Some(Ok(Served::View(served))) = views.version((key, &version.version)) {
            let view = listed::view(&key.name, &served)?;
            unseen.bytes += view.state_bytes;
            unseen.fuel += view.fuel;
        }
    }
    Ok(unseen)
}

fn plugin(views: &OpenViews, (key, plugin): (&PluginKey, &Plugin)) -> Result<v1::Plugin, Failure> {
    let (scope, organisation) = owner(&key.owner);
    let versions = plugin.versions().iter().map(|one| {
        let served = views.version((key, &one.version));
        version((&key.name, plugin), one, served)
    });
    Ok(v1::Plugin {
        name: key.name.clone(),
        scope: scope.into(),
        organisation,
        paused: plugin.is_paused(),
        versions: versions.collect::<Result<_, _>>()?,
    })
}

/// An owner on the wire: a scope, and the organisation if there is one.
pub(super) fn owner(owner: &PluginOwner) -> (v1::Scope, String) {
    match owner {
        PluginOwner::Network => (Scope::Network.to_proto(), String::new()),
        PluginOwner::Organisation(organisation) => (Scope::Organisation.to_proto(), organisation.to_string()),
    }
}

fn version(
    (name, plugin): (&str, &Plugin),
    version: &PluginVersion,
    served: Option<Result<Served, Arc<NotKept>>>,
) -> Result<v1::PluginVersion, Failure> {
    let (view, problem) = match served {
        Some(Ok(served)) => (Some(listed::served(name, &served)?), String::new()),
        Some(Err(problem)) => (None, problem.to_string()),
        None => (None, String::new()),
    };
    Ok(v1::PluginVersion {
        version: version.version.clone(),
        component: version.component.to_vec(),
        settings: version.settings.clone(),
        installed_at: version.installed_at.get(),
        installed_on: Some(version.installed_on.to_proto()),
        installed_by: version.installed_by.to_string(),
        active: plugin.active() == Some(version),
        before: plugin.before() == Some(version),
        view,
        problem,
    })
}
