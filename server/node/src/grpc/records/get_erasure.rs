//! `GetErasure`: how far the erasure of a person has come.

use super::ids;
use crate::{
    grpc::{Call, Failure, enter, members::replicas_seen},
    node::Node,
};
use kith_core::{erasures::Erasure, id::PersonId, position::Position};
use kith_log::{Network, Replica};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn get_erasure(
    node: &Node,
    request: Request<v1::GetErasureRequest>,
) -> Result<v1::GetErasureResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let people = ids(&network, &message.person)?;
    let mut heads = network.watch_head();
    loop {
        heads.borrow_and_update();
        let (mut erasures, is_pending) = found(&network, &people);
        // The call's deadline ends the wait, and a closed log has no more heads.
        if !message.wait || !is_pending || heads.changed().await.is_err() {
            let replicas = replicas_seen(node, &network, &caller).await?;
            for erasure in &mut erasures {
                count(erasure, &replicas);
            }
            return Ok(v1::GetErasureResponse { erasures });
        }
    }
}

/// The erasures of people, and whether one of them is not completed.
fn found(network: &Network, people: &[PersonId]) -> (Vec<v1::Erasure>, bool) {
    let erasures = network.erasures();
    let of: Vec<_> = people.iter().filter_map(|person| Some((person, erasures.of(person)?))).collect();
    let is_pending = of.iter().any(|(_, erasure)| erasure.completion.is_none());
    (of.into_iter().map(|(person, erasure)| message(person, erasure)).collect(), is_pending)
}

fn message(person: &PersonId, erasure: &Erasure) -> v1::Erasure {
    let completion = erasure.completion;
    v1::Erasure {
        person: person.to_string(),
        event: erasure.event.as_bytes().to_vec(),
        position: erasure.position.get(),
        recorded_at: Some(erasure.recorded_at.to_proto()),
        reason: erasure.reason.to_string(),
        reference: erasure.reference.as_ref().map(ToString::to_string).unwrap_or_default(),
        completed_event: completion.map(|end| end.event.as_bytes().to_vec()).unwrap_or_default(),
        completed_position: completion.map_or(0, |end| end.position.get()),
        completed_at: completion.map(|end| end.recorded_at.to_proto()),
        details_erased: completion.map_or(0, |end| end.details_erased),
        keys_destroyed: completion.map_or(0, |end| end.keys_destroyed),
        ..v1::Erasure::default()
    }
}

/// Counts the replicas from which the words are gone, among those that the caller may know of.
fn count(erasure: &mut v1::Erasure, replicas: &[Replica]) {
    let at = Position::new(erasure.position);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    erasure.replicas = count(replicas.len());
    erasure.replicas_told = count(replicas.iter().filter(|replica| replica.confirmed >= at).count());
}
