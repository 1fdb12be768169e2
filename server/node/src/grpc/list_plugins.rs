//! `ListPlugins`: the plugins that the caller may see, every version of them, and how those that follow are doing.

use super::{Call, Failure, blocking, enter, list_views, page::Page};
use crate::{node::Node, views::Served};
use kith_core::{
    event::Scope,
    may::{Action, Principal, may},
    plugins::{Plugin, PluginOwner, PluginVersion},
};
use kith_log::Network;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_plugins(
    node: &Node,
    request: Request<v1::ListPluginsRequest>,
) -> Result<v1::ListPluginsResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let (node, head) = (node.clone(), network.head().get());
    let page = Page::begin(message.page_size, &message.page_token)?;
    let page = blocking(move || {
        let known = network.plugins();
        let seen = known.iter().filter(|(_, plugin)| may(&caller.principal, &Action::Ask(plugin.owner())));
        page.fill(seen.map(|(name, one)| plugin(&node, &network, &caller.principal, (name, one))))
    });
    let (plugins, next_page_token) = page.await?.finish();
    Ok(v1::ListPluginsResponse { plugins, head, next_page_token })
}

fn plugin(
    node: &Node,
    network: &Network,
    principal: &Principal,
    (name, plugin): (&str, &Plugin),
) -> Result<v1::Plugin, Failure> {
    let (scope, organisation) = owner(plugin.owner());
    let versions = plugin.versions().iter().map(|one| {
        let served = node.views().version(network.name(), (name, &one.version), principal);
        version((name, plugin), one, served)
    });
    Ok(v1::Plugin {
        name: name.to_owned(),
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
    served: Option<Result<Served, String>>,
) -> Result<v1::PluginVersion, Failure> {
    let (view, problem) = match served {
        Some(Ok(served)) => (Some(list_views::served(name, &served)?), String::new()),
        Some(Err(problem)) => (None, problem),
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
