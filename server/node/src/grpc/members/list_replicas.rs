//! `ListReplicas`: the replicas that have asked for entries, and how far each is.

use super::replicas_seen;
use crate::{
    grpc::{Call, Failure, allow, convert, enter, page::Page},
    node::Node,
};
use kith_core::{may::Action, position::Position};
use kith_log::Replica;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_replicas(
    node: &Node,
    request: Request<v1::ListReplicasRequest>,
) -> Result<v1::ListReplicasResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::SeeReplicasOf(caller.principal.organisation.as_ref()))?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    let (behind, all) = (Position::new(message.behind), replicas_seen(node, &network, &caller).await?);
    let is_meant = |replica: &&Replica| behind == Position::ZERO || replica.confirmed < behind;
    let replicas = all.iter().filter(is_meant).map(|replica| Ok::<_, Failure>(describe(replica)));
    let (replicas, next_page_token) = page.fill(replicas)?.finish();
    Ok(v1::ListReplicasResponse { replicas, next_page_token })
}

fn describe(replica: &Replica) -> v1::Replica {
    v1::Replica {
        id: replica.id.to_vec(),
        principal: replica.principal.to_string(),
        organisation: convert::text_or_empty(replica.organisation.as_ref()),
        confirmed: replica.confirmed.get(),
        sent: replica.sent.get(),
        heard_at: Some(replica.heard_at.to_proto()),
    }
}
