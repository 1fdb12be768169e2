//! `ErasePerson`: erases all words about a person, under every id that means them.

use super::{ids, reason, reference_or_none};
use crate::{
    grpc::{Call, Failure, convert, enter},
    node::Node,
};
use kith_core::{
    decide::Refusal,
    erasures::ERASURE_REASONS,
    event::{Administration, AdministrationKind, Kind, Scope},
    id::PersonId,
    may::{Action, Principal, may},
    position::Position,
};
use kith_log::{Network, WordsAbout};
use kith_proto::v1::{self, ErrorReason};
use std::collections::HashSet;
use tonic::Request;

pub(super) async fn erase_person(
    node: &Node,
    request: Request<v1::ErasePersonRequest>,
) -> Result<v1::ErasePersonResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let (reason, reference) = (reason(&message.reason, &ERASURE_REASONS)?, reference_or_none(&message.reference)?);
    let people = ids(&network, &message.person)?;
    check(&network, &caller.principal, &people)?;
    let about = if is_erased(&network, &people) {
        WordsAbout::default()
    } else {
        let of_these: HashSet<_> = people.iter().cloned().collect();
        let (counting, principal) = (network.clone(), caller.principal.clone());
        let reads = node.reads(&caller.principal, &network);
        reads.run(move || counting.words_about(&principal, &of_these)).await?
    };
    let (people, position) = if message.dry_run {
        (people, Position::ZERO)
    } else {
        erase(&network, &caller.principal, &message.person, |person| Administration::PersonErased {
            person,
            reason: reason.clone(),
            reference: reference.clone(),
        })
        .await?
    };
    Ok(v1::ErasePersonResponse {
        people: people.iter().map(ToString::to_string).collect(),
        details: about.details,
        shared_details: about.shared,
        others: u32::try_from(about.others.len()).unwrap_or(u32::MAX),
        position: position.get(),
    })
}

/// Erases every id that means a person; returns them with the position of the last entry.
async fn erase(
    network: &Network,
    principal: &Principal,
    asked: &str,
    erased: impl Fn(PersonId) -> Administration,
) -> Result<(Vec<PersonId>, Position), Failure> {
    loop {
        let people = ids(network, asked)?;
        check(network, principal, &people)?;
        let facts = people.iter().cloned().map(&erased).collect();
        let position = network.administer(principal, Scope::Network, facts).await?;
        // A merge in the meantime may have added an id; afterwards none can, because nobody merges the erased.
        if is_erased(network, &ids(network, asked)?) {
            return Ok((people, position));
        }
    }
}

fn is_erased(network: &Network, people: &[PersonId]) -> bool {
    let erasures = network.erasures();
    people.iter().all(|person| erasures.of(person).is_some())
}

/// Refuses callers before anything is counted for them, and the held in a preview, too: the decision checks again.
fn check(network: &Network, principal: &Principal, people: &[PersonId]) -> Result<(), Failure> {
    let kind = Kind::Administration(AdministrationKind::PersonErased);
    let directory = network.directory();
    let is_allowed = |person: &PersonId| {
        let organisation = directory.person(person).and_then(|person| person.organisation.as_ref());
        may(principal, &Action::Write(&kind, organisation))
    };
    if !people.iter().all(is_allowed) {
        let why =
            "this token may not erase them: an officer or owner of their organisation may, and those of the network";
        return Err(Failure::because(ErrorReason::PermissionDenied, why));
    }
    let erasures = network.erasures();
    for person in people {
        let references = erasures.references_of(person);
        if !references.is_empty() {
            return Err(convert::refusal(&Refusal::PersonHeld { field: "person", person: person.clone(), references }));
        }
    }
    Ok(())
}
