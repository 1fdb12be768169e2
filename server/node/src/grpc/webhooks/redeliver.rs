//! `Redeliver`: has dead letters sent again.

use super::own;
use crate::{
    grpc::{Call, Failure, enter},
    limits::REDELIVERED_AT_ONCE_MAX,
    node::Node,
};
use kith_core::position::Position;
use kith_log::{Redelivery, blocking};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn redeliver(
    node: &Node,
    request: Request<v1::RedeliverRequest>,
) -> Result<v1::RedeliverResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let own = own(node, enter(node, &visitor, &message.network)?, &message.webhook)?;
    if message.positions.len() > REDELIVERED_AT_ONCE_MAX {
        return Err(Failure::request("positions", format_args!("are more than {REDELIVERED_AT_ONCE_MAX}")));
    }
    let mut positions: Vec<_> = message.positions.into_iter().map(Position::new).collect();
    positions.sort_unstable();
    positions.dedup();
    let which = if positions.is_empty() { Redelivery::All } else { Redelivery::At(positions) };
    // What was refused just now is in the file after this.
    node.webhooks().write().await?;
    let (file, key) = (node.webhooks().file(), own.key.clone());
    let count = blocking(move || file.redeliver(&key, &which)).await?;
    let count = count.map_err(|at| Failure::request("positions", format_args!("there is no dead letter at {at}")))?;
    if count > 0 {
        node.webhooks().set_redelivers(&own.key, true);
    }
    Ok(v1::RedeliverResponse { count: u32::try_from(count).unwrap_or(u32::MAX) })
}
