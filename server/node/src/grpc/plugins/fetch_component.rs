//! `FetchComponent`: the bytes of a component by its digest, for running the same plugin elsewhere.
//!
//! Invariant: a stream holds one piece of a stored component and those in its queue, however slow its reader is.

use crate::{
    bounds::reads::Reads,
    door::authenticator::Caller,
    grpc::{
        Call, Failure, enter,
        stream::{Messages, Sender, Stop, fill, while_allowed},
    },
    limits::COMPONENT_MESSAGE_BYTES_MAX,
    node::Node,
    views::builtin_component,
};
use bytes::Bytes;
use kith_core::may::{Action, may};
use kith_log::{COMPONENT_PIECE_BYTES_MAX, ComponentDigest, Network};
use kith_proto::v1::{self, ErrorReason};
use prost::Message;
use tonic::Request;

/// A caller's download of a component.
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
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let counted = (node.streams().open(&visitor.key())?, node.streams().open_in(network.name())?);
    let Ok(digest) = <[u8; 32]>::try_from(&message.component[..]) else {
        return Err(Failure::request("component", "must be a SHA-256 digest of 32 bytes"));
    };
    let fetch = Fetch { node: node.clone(), caller, network, digest };
    let builtin = builtin_component(&digest);
    let size = match &builtin {
        Some(component) => component.len() as u64,
        None => fetch.size().await?,
    };
    Ok(fill(node.outgoing(visitor.key()), counted, |sender| async move {
        while_allowed(&fetch.node, &fetch.caller, fetch.send(builtin, size, &sender)).await
    }))
}

impl Fetch {
    /// Size of the component in bytes, if a plugin that the caller may see names it and the log keeps it.
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

    /// Sends a piece once there is room for it; it is not read before.
    async fn send(
        &self,
        builtin: Option<Bytes>,
        size: u64,
        sender: &Sender<v1::FetchComponentResponse>,
    ) -> Result<(), Stop> {
        let mut sent = 0;
        for number in 0.. {
            if sent >= size {
                break;
            }
            let mut part = sender.part_of(COMPONENT_MESSAGE_BYTES_MAX).await?;
            let data = match &builtin {
                Some(component) => piece_of(component, sent),
                None => self.piece(number).await?,
            };
            sent += data.len() as u64;
            let message = v1::FetchComponentResponse { data, size };
            part.fit(message.encoded_len()).await?;
            part.send(message, None);
        }
        Ok(())
    }

    /// Reads a piece, unless the component was removed meanwhile.
    async fn piece(&self, number: u32) -> Result<Bytes, Failure> {
        let (log, digest) = (self.node.log().clone(), self.digest);
        let piece = self.reads().run(move || log.component_piece(&digest, number)).await?;
        piece.ok_or_else(|| self.unknown())
    }

    fn unknown(&self) -> Failure {
        let message = format_args!("no plugin of this network is the component {}", hex::encode(self.digest));
        Failure::because(ErrorReason::ViewUnknown, message).at("component")
    }

    fn reads(&self) -> Reads {
        self.node.reads(&self.caller.principal, &self.network)
    }
}

/// The piece of a component at an offset.
fn piece_of(component: &Bytes, from: u64) -> Bytes {
    let from = usize::try_from(from).expect("it lies in memory").min(component.len());
    component.slice(from..component.len().min(from + COMPONENT_PIECE_BYTES_MAX))
}
