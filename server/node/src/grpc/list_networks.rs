//! `ListNetworks`: the networks that the caller may enter.

use super::{Call, Failure, convert};
use crate::node::Node;
use kith_core::may::{Action, may};
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_networks(
    node: &Node,
    request: Request<v1::ListNetworksRequest>,
) -> Result<v1::ListNetworksResponse, Failure> {
    let Call { caller, .. } = Call::new(request)?;
    let networks = node.log().networks();
    let visible = networks.iter().filter(|network| may(&caller.principal, &Action::Enter(network.name())));
    Ok(v1::ListNetworksResponse { networks: visible.map(convert::network).collect() })
}
