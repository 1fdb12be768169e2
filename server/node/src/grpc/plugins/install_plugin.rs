//! `InstallPlugin`: receives a component in pieces, checks, records and starts it, and reports progress meanwhile.

use crate::{
    bounds::uploads::{Opened, Upload},
    door::authenticator::Caller,
    grpc::{
        Call, Failure, enter, status,
        stream::{Messages, Sender, Stop, fill, until_closing},
    },
    limits::UPLOAD_DEADLINE,
    node::Node,
    plugins::{Installed, NewPlugin, owner_to_change},
};
use bytes::Bytes;
use kith_core::{event::Scope, limits::COMPONENT_BYTES_MAX};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use tonic::{Request, Streaming};

/// Received bytes between two progress messages.
const PROGRESS_BYTES: usize = 1024 * 1024;

pub(super) fn install_plugin(
    node: &Node,
    request: Request<Streaming<v1::InstallPluginRequest>>,
) -> Result<Messages<v1::InstallPluginResponse>, Failure> {
    let Call { caller, message: inbound } = Call::new(request)?;
    let counted = node.streams().open(&caller.principal)?;
    let node = node.clone();
    Ok(fill(node.outgoing(&caller.principal), counted, |sender| async move {
        until_closing(&node, install(&node, caller, inbound, sender)).await
    }))
}

async fn install(
    node: &Node,
    caller: Caller,
    inbound: Streaming<v1::InstallPluginRequest>,
    sender: Sender<v1::InstallPluginResponse>,
) -> Result<(), Stop> {
    let receiving = receive(node, &caller, inbound, &sender);
    let (network, plugin, component) =
        tokio::time::timeout(UPLOAD_DEADLINE, receiving).await.map_err(|_| too_slow())??;
    let received = component.bytes().len() as u64;
    sender.send(v1::InstallPluginResponse { received, compiling: true, installed: None }).await?;
    node.authenticator().check(&caller)?;
    let installed = finish(node, &caller, &network, (plugin, component.bytes()), sender.closed()).await?;
    let installed = Some(v1::InstalledPlugin {
        name: installed.name,
        version: installed.version,
        component: installed.component.to_vec(),
        position: installed.position.get(),
        installed_before: installed.before,
        active: installed.active,
    });
    sender.send(v1::InstallPluginResponse { received, compiling: false, installed }).await
}

async fn finish(
    node: &Node,
    caller: &Caller,
    network: &Network,
    (plugin, component): (v1::NewPlugin, Bytes),
    gone: impl Future<Output = ()>,
) -> Result<Installed, Failure> {
    let scope = scope(&plugin);
    let name = Some(plugin.name).filter(|name| !name.is_empty());
    let new = NewPlugin { name, settings: plugin.settings, scope, component };
    Ok(node.plugins().install(network, &caller.principal, new, gone).await?)
}

/// Receives the plugin from a caller that may install it; checks that again with each piece.
async fn receive(
    node: &Node,
    caller: &Caller,
    mut inbound: Streaming<v1::InstallPluginRequest>,
    sender: &Sender<v1::InstallPluginResponse>,
) -> Result<(Network, v1::NewPlugin, Component), Stop> {
    let first = next(node, caller, &mut inbound).await?.unwrap_or_default();
    let Some(plugin) = first.plugin else {
        return Err(Failure::request("plugin", "is missing from the first message").into());
    };
    let network = enter(node, caller, &plugin.network)?;
    let _counted = node.streams().open_in(network.name())?;
    owner_to_change(&caller.principal, scope(&plugin))?;
    let upload = node.uploads().begin(&caller.principal).await?;
    let mut receiver = Receiver { upload, told: 0, sender };
    receiver.take(first.data).await?;
    while let Some(message) = next(node, caller, &mut inbound).await? {
        if message.plugin.is_some() {
            return Err(Failure::request("plugin", "belongs in the first message only").into());
        }
        receiver.take(message.data).await?;
    }
    let component = receiver.finish(&plugin.builtin).await?;
    Ok((network, plugin, component))
}

/// The next piece, which must arrive soon, from a caller whose token is still valid.
async fn next(
    node: &Node,
    caller: &Caller,
    inbound: &mut Streaming<v1::InstallPluginRequest>,
) -> Result<Option<v1::InstallPluginRequest>, Stop> {
    let message = tokio::time::timeout(node.limits().stall(), inbound.message()).await.map_err(|_| too_slow())?;
    node.authenticator().check(caller)?;
    message.map_err(|status| status::received(&status).into())
}

fn too_slow() -> Stop {
    Failure::because(ErrorReason::RequestInvalid, "the component arrived too slowly: send it again").at("data").into()
}

fn scope(plugin: &v1::NewPlugin) -> Scope {
    match plugin.scope() {
        v1::Scope::Unspecified | v1::Scope::Network => Scope::Network,
        v1::Scope::Organisation => Scope::Organisation,
    }
}

/// A component that was received.
enum Component {
    Builtin(Bytes),
    Uploaded(Opened),
}

impl Component {
    fn bytes(&self) -> Bytes {
        match self {
            Self::Builtin(component) => component.clone(),
            Self::Uploaded(opened) => opened.component.clone(),
        }
    }
}

/// A component that is being received.
struct Receiver<'a> {
    upload: Upload,
    told: usize,
    sender: &'a Sender<v1::InstallPluginResponse>,
}

impl Receiver<'_> {
    async fn take(&mut self, data: Bytes) -> Result<(), Stop> {
        if self.upload.bytes() + data.len() > COMPONENT_BYTES_MAX {
            let message = format_args!("the component has more than {COMPONENT_BYTES_MAX} bytes");
            return Err(Failure::because(ErrorReason::PluginRefused, message).at("data").into());
        }
        self.upload.push(data).await?;
        if self.upload.bytes() >= self.told + PROGRESS_BYTES {
            self.told = self.upload.bytes();
            let received = self.told as u64;
            self.sender.send(v1::InstallPluginResponse { received, compiling: false, installed: None }).await?;
        }
        Ok(())
    }

    /// The component: the one that was sent, or that of the named built-in view or report.
    async fn finish(self, builtin: &str) -> Result<Component, Failure> {
        let is_empty = self.upload.bytes() == 0;
        if builtin.is_empty() {
            return if is_empty {
                Err(Failure::request("data", "is missing: send the component's bytes"))
            } else {
                Ok(Component::Uploaded(self.upload.open().await?))
            };
        }
        if !is_empty {
            return Err(Failure::request("data", "cannot be combined with builtin"));
        }
        let known = kith_bundle::find(builtin);
        known.map(|known| Component::Builtin(Bytes::from_static(known.component))).ok_or_else(|| {
            let message = format_args!("no built-in view or report is called {builtin}");
            Failure::because(ErrorReason::ViewUnknown, message).at("builtin")
        })
    }
}
