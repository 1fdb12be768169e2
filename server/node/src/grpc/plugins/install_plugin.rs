//! `InstallPlugin`: receives a component in pieces, checks, records and starts it, and reports progress meanwhile.

use crate::{
    bounds::uploads::{Opened, Upload},
    door::authenticator::{Caller, Visitor},
    grpc::{
        Call, Failure, enter, status,
        stream::{Messages, Sender, Stop, fill, while_allowed},
    },
    limits::UPLOAD_DEADLINE,
    node::Node,
    plugins::{NewPlugin, owner_to_change},
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
    let Call { visitor, message: inbound } = Call::new(request)?;
    let counted = node.streams().open(&visitor.key())?;
    let node = node.clone();
    Ok(fill(node.outgoing(visitor.key()), counted, |sender| open(node, visitor, inbound, sender)))
}

/// Receives the first message, which names the network, and continues with the rest.
async fn open(
    node: Node,
    visitor: Visitor,
    mut inbound: Streaming<v1::InstallPluginRequest>,
    sender: Sender<v1::InstallPluginResponse>,
) -> Result<(), Stop> {
    let first = tokio::select! {
        first = next(&node, &mut inbound) => first?.unwrap_or_default(),
        why = node.authenticator().visitor_dismissed(&visitor) => return Err(why.into()),
        () = node.closing() => return Err(Failure::new(ErrorReason::ShuttingDown).into()),
    };
    let Some(plugin) = first.plugin else {
        return Err(Failure::request("plugin", "is missing from the first message").into());
    };
    let (network, caller) = enter(&node, &visitor, &plugin.network)?;
    let _counted = node.streams().open_in(network.name())?;
    let install = Install { node: &node, caller: &caller, network, plugin, sender: &sender };
    while_allowed(&node, &caller, install.run(first.data, inbound)).await
}

/// The next piece, which must arrive soon.
async fn next(
    node: &Node,
    inbound: &mut Streaming<v1::InstallPluginRequest>,
) -> Result<Option<v1::InstallPluginRequest>, Stop> {
    let message = tokio::time::timeout(node.limits().stall(), inbound.message()).await.map_err(|_| too_slow())?;
    message.map_err(|status| status::received(&status).into())
}

/// A plugin that is on its way in.
struct Install<'a> {
    node: &'a Node,
    caller: &'a Caller,
    network: Network,
    plugin: v1::NewPlugin,
    sender: &'a Sender<v1::InstallPluginResponse>,
}

impl Install<'_> {
    async fn run(self, data: Bytes, inbound: Streaming<v1::InstallPluginRequest>) -> Result<(), Stop> {
        let receiving = tokio::time::timeout(UPLOAD_DEADLINE, self.receive(data, inbound));
        let component = receiving.await.map_err(|_| too_slow())??;
        let (received, sender) = (component.bytes().len() as u64, self.sender);
        sender.send(v1::InstallPluginResponse { received, compiling: true, installed: None }).await?;
        let installed = Some(self.finish(component.bytes()).await?);
        sender.send(v1::InstallPluginResponse { received, compiling: false, installed }).await
    }

    /// Receives the component from a caller that may install it.
    async fn receive(&self, data: Bytes, mut inbound: Streaming<v1::InstallPluginRequest>) -> Result<Component, Stop> {
        owner_to_change(&self.caller.principal, scope(&self.plugin))?;
        let upload = self.node.uploads().begin(&self.caller.principal).await?;
        let mut receiver = Receiver { upload, told: 0, sender: self.sender };
        receiver.take(data).await?;
        while let Some(message) = next(self.node, &mut inbound).await? {
            if message.plugin.is_some() {
                return Err(Failure::request("plugin", "belongs in the first message only").into());
            }
            receiver.take(message.data).await?;
        }
        Ok(receiver.finish(&self.plugin.builtin).await?)
    }

    async fn finish(self, component: Bytes) -> Result<v1::InstalledPlugin, Failure> {
        let (principal, scope) = (&self.caller.principal, scope(&self.plugin));
        let name = Some(self.plugin.name).filter(|name| !name.is_empty());
        let new = NewPlugin { name, settings: self.plugin.settings, scope, component };
        let installed = self.node.plugins().install(&self.network, principal, new, self.sender.closed()).await?;
        Ok(v1::InstalledPlugin {
            name: installed.name,
            version: installed.version,
            component: installed.component.to_vec(),
            position: installed.position.get(),
            installed_before: installed.before,
            active: installed.active,
        })
    }
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
