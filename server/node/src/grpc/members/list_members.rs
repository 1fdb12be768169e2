//! `ListMembers`: the members now, or as of an earlier entry.

use super::member;
use crate::{
    grpc::{Call, Failure, convert, enter, page::Page, rows},
    node::Node,
};
use kith_core::position::Position;
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn list_members(
    node: &Node,
    request: Request<v1::ListMembersRequest>,
) -> Result<v1::ListMembersResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    let (head, as_of) = (network.head(), Position::new(message.as_of));
    let known_at = convert::time("known_at", message.known_at.as_ref())?;
    if known_at.is_some() && as_of != Position::ZERO {
        return Err(Failure::request("known_at", "cannot be combined with as_of"));
    }
    if as_of > head {
        let failure = Failure::new(ErrorReason::PositionAhead).with("head", head);
        return Err(failure.retry_after(kith_views::limits::RETRY_LAGGING));
    }
    let position = match rows::known_at(node, &network, &caller.principal, known_at).await? {
        Some(position) => Some(position),
        None => (as_of != Position::ZERO).then_some(as_of),
    };
    let (position, authority) = match position {
        None => network.authority_now(),
        Some(position) => {
            let reading = network.clone();
            let at = node.reads(&caller.principal, &network).run(move || reading.authority_at(position)).await?;
            (position, at)
        }
    };
    let members = authority.members().map(|(id, of)| Ok::<_, Failure>(member(id, of)));
    let (members, next_page_token) = page.fill(members)?.finish();
    Ok(v1::ListMembersResponse { members, next_page_token, position: position.get() })
}
