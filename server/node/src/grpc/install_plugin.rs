//! `InstallPlugin`: a component in pieces, checked, recorded and followed; tells how far it is meanwhile.

use super::{
    Call, Failure, enter,
    stream::{Messages, Sender, Stop, fill, until_closing},
};
use crate::{
    auth::Caller,
    node::Node,
    plugins::{Installed, NewPlugin},
};
use bytes::{Bytes, BytesMut};
use kith_bundle::{BUILTINS, REPORTS};
use kith_core::{event::Scope, limits::COMPONENT_BYTES_MAX};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use tonic::{Request, Streaming};

/// Received bytes between two messages that say so.
const PROGRESS_BYTES: usize = 1024 * 1024;

pub(super) fn install_plugin(
    node: &Node,
    request: Request<Streaming<v1::InstallPluginRequest>>,
) -> Result<Messages<v1::InstallPluginResponse>, Failure> {
    let Call { caller, message: inbound } = Call::new(request)?;
    let node = node.clone();
    Ok(fill(node.limits().stall(), |sender| async move {
        until_closing(&node, install(&node, caller, inbound, sender)).await
    }))
}

async fn install(
    node: &Node,
    caller: Caller,
    mut inbound: Streaming<v1::InstallPluginRequest>,
    sender: Sender<v1::InstallPluginResponse>,
) -> Result<(), Stop> {
    let first = next(&mut inbound).await?.unwrap_or_default();
    let Some(plugin) = first.plugin else {
        return Err(Failure::request("plugin", "is missing in the first message").into());
    };
    let network = enter(node, &caller, &plugin.network)?;
    let mut upload = Upload { bytes: BytesMut::new(), told: 0, sender: &sender };
    upload.take(&first.data).await?;
    while let Some(message) = next(&mut inbound).await? {
        if message.plugin.is_some() {
            return Err(Failure::request("plugin", "belongs into the first message only").into());
        }
        upload.take(&message.data).await?;
    }
    let component = upload.finish(&plugin.builtin)?;
    let received = component.len() as u64;
    sender.send(v1::InstallPluginResponse { received, compiling: true, installed: None }).await?;
    let installed = finish(node, &caller, &network, (plugin, component), sender.closed()).await?;
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
    let scope = match plugin.scope() {
        v1::Scope::Unspecified | v1::Scope::Network => Scope::Network,
        v1::Scope::Organisation => Scope::Organisation,
    };
    let name = Some(plugin.name).filter(|name| !name.is_empty());
    let new = NewPlugin { name, settings: plugin.settings, scope, component };
    node.install_plugin(network, &caller.principal, new, gone).await
}

async fn next(inbound: &mut Streaming<v1::InstallPluginRequest>) -> Result<Option<v1::InstallPluginRequest>, Stop> {
    // A client that breaks off hears nothing any more.
    inbound.message().await.map_err(|_| Stop::Gone)
}

/// A component on its way.
struct Upload<'a> {
    bytes: BytesMut,
    told: usize,
    sender: &'a Sender<v1::InstallPluginResponse>,
}

impl Upload<'_> {
    async fn take(&mut self, data: &[u8]) -> Result<(), Stop> {
        if self.bytes.len() + data.len() > COMPONENT_BYTES_MAX {
            let message = format_args!("the component has more than {COMPONENT_BYTES_MAX} bytes");
            return Err(Failure::because(ErrorReason::PluginRefused, message).at("data").into());
        }
        self.bytes.extend_from_slice(data);
        if self.bytes.len() >= self.told + PROGRESS_BYTES {
            self.told = self.bytes.len();
            let received = self.told as u64;
            self.sender.send(v1::InstallPluginResponse { received, compiling: false, installed: None }).await?;
        }
        Ok(())
    }

    /// The component: what was sent, or that of the built-in view or report that is named.
    fn finish(self, builtin: &str) -> Result<Bytes, Failure> {
        if builtin.is_empty() {
            return if self.bytes.is_empty() {
                Err(Failure::request("data", "is missing: send the component's bytes"))
            } else {
                Ok(self.bytes.freeze())
            };
        }
        if !self.bytes.is_empty() {
            return Err(Failure::request("data", "excludes builtin"));
        }
        let known = BUILTINS.iter().chain(REPORTS).find(|known| known.name == builtin);
        known.map(|known| Bytes::from_static(known.component)).ok_or_else(|| {
            let message = format_args!("no built-in view or report is called {builtin}");
            Failure::because(ErrorReason::ViewUnknown, message).at("builtin")
        })
    }
}
