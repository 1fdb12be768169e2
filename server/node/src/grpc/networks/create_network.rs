//! `CreateNetwork`: creates a network.

use crate::{
    grpc::{Call, Failure, at_server, convert},
    node::Node,
};
use kith_core::{id::NetworkName, may::Action};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn create_network(
    node: &Node,
    request: Request<v1::CreateNetworkRequest>,
) -> Result<v1::CreateNetworkResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let caller = at_server(&visitor, &Action::AdministerServer)?;
    let name = NetworkName::parse_field(&message.name, "name").map_err(|invalid| convert::request_invalid(&invalid))?;
    let network = node.log().create_network_for(&caller.principal, &name).await?;
    Ok(v1::CreateNetworkResponse { network: Some(convert::network(&network)) })
}
