//! `FetchComponent`: the bytes of a component by its digest, for whoever runs the same plugin elsewhere.

use crate::{
    grpc::{
        Call, Failure, enter,
        stream::{Messages, Stop, fill, until_closing},
    },
    node::Node,
    views::builtin_component,
};
use kith_core::may::{Action, may};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

/// Bytes of one piece.
const PIECE_BYTES: usize = 256 * 1024;

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
    let plugins = network.plugins();
    let mut seen = plugins.iter().filter(|(key, _)| may(&caller.principal, &Action::Ask(&key.owner)));
    let is_named = seen.any(|(_, plugin)| plugin.versions().iter().any(|version| version.component == digest));
    let component = match builtin_component(&digest) {
        Some(component) => Some(component),
        None if is_named => node.views().component(&digest).await.ok(),
        None => None,
    };
    let Some(mut component) = component else {
        let message = format_args!("no plugin of this network is the component {}", hex::encode(digest));
        return Err(Failure::because(ErrorReason::ViewUnknown, message).at("component"));
    };
    let node = node.clone();
    Ok(fill(node.outgoing(&caller.principal), counted, |sender| async move {
        let size = component.len() as u64;
        let sending = async {
            while !component.is_empty() {
                node.authenticator().check(&caller)?;
                let data = component.split_to(component.len().min(PIECE_BYTES));
                sender.send(v1::FetchComponentResponse { data, size }).await?;
            }
            Ok::<_, Stop>(())
        };
        until_closing(&node, sending).await
    }))
}
