//! `Head`: the last position and root of a network's log, as one consistent set.

use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_core::timestamp::Timestamp;
use kith_proto::v1;
use tonic::Request;

pub(super) fn head(node: &Node, request: Request<v1::HeadRequest>) -> Result<v1::HeadResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let head = enter(node, &visitor, &message.network)?.0.summary();
    Ok(v1::HeadResponse {
        position: head.position.get(),
        root: head.root.as_bytes().to_vec(),
        incarnation: head.incarnation.to_vec(),
        recorded_at: head.recorded_at.map(Timestamp::to_proto),
    })
}
