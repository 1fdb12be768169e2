//! `FetchComponent`: the bytes of a component by its digest, for whoever runs the same plugin elsewhere.
//!
//! Invariant: of a component that the log keeps, a stream holds one piece and those in its queue, however slow its reader.

use crate::{
    bounds::reads::Reads,
    door::authenticator::Caller,
    grpc::{
        Call, Failure, enter,
        stream::{Messages, Sender, Stop, fill, until_closing},
    },
    node::Node,
    views::builtin_component,
};
use bytes::Bytes;
use kith_core::may::{Action, may};
use kith_log::{ComponentDigest, Network};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

/// Bytes of one piece of a built-in component.
const PIECE_BYTES: usize = 256 * 1024;

/// Whoever fetches a component.
struct Fetch {
    node: Node,
    caller: Caller,
    network: Network,
    digest: ComponentDigest,
}

pub(super) async fn fetch_component(
    node: &Node,
    request: Request<v1::FetchComponentRequest>,
) -> Result<Messages<v1::FetchComponentResponse>, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let counted = (node.streams().open(&caller.principal)?, node.streams().open_in(network.name())?);
    let Ok(digest) = <[u8; 32]>::try_from(&message.component[..]) else {
        return Err(Failure::request("component", "must be a SHA-256 digest of 32 bytes"));
    };
    let fetch = Fetch { node: node.clone(), caller, network, digest };
    let builtin = builtin_component(&digest);
    let size = match &builtin {
        Some(component) => component.len() as u64,
        None => fetch.size().await?,
    };
    Ok(fill(node.limits().stall(), move |sender| async move {
        let _counted = counted;
        let sending = async {
            match builtin {
                Some(component) => fetch.send_builtin(component, &sender).await,
                None => fetch.send_kept(size, &sender).await,
            }
        };
        until_closing(&fetch.node, sending).await
    }))
}

impl Fetch {
    /// Bytes of the component, if a plugin that the caller may see names it and the log keeps it.
    async fn size(&self) -> Result<u64, Failure> {
        let plugins = self.network.plugins();
        let mut seen = plugins.iter().filter(|(key, _)| may(&self.caller.principal, &Action::Ask(&key.owner)));
        if !seen.any(|(_, plugin)| plugin.versions().iter().any(|version| version.component == self.digest)) {
            return Err(self.unknown());
        }
        let (log, digest) = (self.node.log().clone(), self.digest);
        let size = self.reads().run(move || log.component_size(&digest)).await?;
        size.ok_or_else(|| self.unknown())
    }

    async fn send_builtin(
        &self,
        mut component: Bytes,
        sender: &Sender<v1::FetchComponentResponse>,
    ) -> Result<(), Stop> {
        let size = component.len() as u64;
        while !component.is_empty() {
            let data = component.split_to(component.len().min(PIECE_BYTES));
            self.send(data, size, sender).await?;
        }
        Ok(())
    }

    async fn send_kept(&self, size: u64, sender: &Sender<v1::FetchComponentResponse>) -> Result<(), Stop> {
        let mut sent = 0;
        for number in 0.. {
            if sent >= size {
                break;
            }
            let data = self.piece(number).await?;
            sent += data.len() as u64;
            self.send(data, size, sender).await?;
        }
        Ok(())
    }

    /// A piece, unless the component was removed meanwhile.
    async fn piece(&self, number: u32) -> Result<Bytes, Failure> {
        let (log, digest) = (self.node.log().clone(), self.digest);
        let piece = self.reads().run(move || log.component_piece(&digest, number)).await?;
        piece.ok_or_else(|| self.unknown())
    }

    async fn send(&self, data: Bytes, size: u64, sender: &Sender<v1::FetchComponentResponse>) -> Result<(), Stop> {
        self.node.authenticator().check(&self.caller)?;
        sender.send(v1::FetchComponentResponse { data, size }).await
    }

    fn unknown(&self) -> Failure {
        let message = format_args!("no plugin of this network is the component {}", hex::encode(self.digest));
        Failure::because(ErrorReason::ViewUnknown, message).at("component")
    }

    fn reads(&self) -> Reads {
        self.node.reads(&self.caller.principal, &self.network)
    }
}
