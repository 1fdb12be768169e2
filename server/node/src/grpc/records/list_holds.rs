//! `ListHolds`: the holds that are set.

use super::ids;
use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
};
use kith_core::{
    erasures::Hold,
    id::{CaseReference, PersonId},
};
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_holds(
    node: &Node,
    request: Request<v1::ListHoldsRequest>,
) -> Result<v1::ListHoldsResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, _) = enter(node, &visitor, &message.network)?;
    let of = if message.person.is_empty() { None } else { Some(ids(&network, &message.person)?) };
    let erasures = network.erasures();
    let is_meant = |person: &PersonId| of.as_ref().is_none_or(|of| of.contains(person));
    let holds = erasures.holds().filter(|(person, _, _)| is_meant(person));
    Ok(v1::ListHoldsResponse {
        holds: holds.map(|(person, reference, hold)| message_of(person, reference, hold)).collect(),
    })
}

fn message_of(person: &PersonId, reference: &CaseReference, hold: &Hold) -> v1::Hold {
    v1::Hold {
        person: person.to_string(),
        reason: hold.reason.to_string(),
        reference: reference.to_string(),
        organisation: hold.organisation.as_ref().map(ToString::to_string).unwrap_or_default(),
        position: hold.position.get(),
        recorded_at: Some(hold.recorded_at.to_proto()),
    }
}
