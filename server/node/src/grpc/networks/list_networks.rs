//! `ListNetworks`: the networks that the caller may enter.

use crate::{
    grpc::{Call, Failure, at_server, convert, page::Page},
    node::Node,
};
use kith_core::may::Action;
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_networks(
    node: &Node,
    request: Request<v1::ListNetworksRequest>,
) -> Result<v1::ListNetworksResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    let networks = node.log().networks();
    let sees_all = at_server(&visitor, &Action::OperateServer).is_ok();
    let visible = networks.iter().filter(|network| sees_all || visitor.in_network(network).is_some());
    let (networks, next_page_token) = page.fill(visible.map(|one| Ok::<_, Failure>(convert::network(one))))?.finish();
    Ok(v1::ListNetworksResponse { networks, next_page_token })
}
