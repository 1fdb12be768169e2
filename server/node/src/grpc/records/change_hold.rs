//! `ChangeHold`: sets or lifts a legal hold.

use super::{ids, reason, reference};
use crate::{
    grpc::{Call, Failure, allow, enter, people},
    node::Node,
};
use kith_core::{
    erasures::HOLD_REASONS,
    event::{Administration, AdministrationKind, Kind, Scope},
    filter::Filter,
    history::Budget,
    id::{CaseReference, OrganisationId, PersonId, RecordsReason},
    limits::FILTER_PEOPLE_MAX,
    may::{Action, Principal, may},
    position::Position,
};
use kith_log::{Direction, Mode, Network, Selection};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

pub(super) async fn change_hold(
    node: &Node,
    request: Request<v1::ChangeHoldRequest>,
) -> Result<v1::ChangeHoldResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::Write(&Kind::Administration(AdministrationKind::HoldChanged), None))?;
    let (held, reference) = (message.held, reference(&message.reference)?);
    let people = ids(&network, &message.person)?;
    let why = why(&network, &message, &people, &reference)?;
    if let (true, Some(organisation)) = (held, caller.principal.organisation.clone()) {
        // An organisation that once had an entry about somebody always has: so the decision need not ask again.
        let (asking, principal, of) = (network.clone(), caller.principal.clone(), people.clone());
        let reads = node.reads(&caller.principal, &network);
        let has_entry = reads.run(move || concerns(&asking, &principal, &organisation, &of)).await?;
        if !has_entry {
            let what = "only an organisation that has an entry about the person can hold their words";
            return Err(Failure::because(ErrorReason::PermissionDenied, what));
        }
    }
    let fact = |person: PersonId| Administration::HoldChanged {
        person,
        held,
        reason: why.clone(),
        reference: reference.clone(),
    };
    let erasures = network.erasures();
    let lifts = |person: &PersonId| {
        let set = erasures.hold(person, &reference);
        set.is_some_and(|set| may(&caller.principal, &Action::LiftHold(set.organisation.as_ref())))
    };
    let concerned = people.into_iter().filter(|person| held || lifts(person));
    let mut facts: Vec<_> = concerned.map(fact).collect();
    drop(erasures);
    if facts.is_empty() {
        facts.push(fact(people::person(&network.directory(), &message.person, "person")?));
    }
    let position = network.administer(&caller.principal, Scope::Network, facts).await?;
    Ok(v1::ChangeHoldResponse { position: position.get() })
}

/// Why a hold is set. One that is lifted has the reason for which it was set; without a hold the decision refuses that.
fn why(
    network: &Network,
    message: &v1::ChangeHoldRequest,
    people: &[PersonId],
    reference: &CaseReference,
) -> Result<RecordsReason, Failure> {
    if message.held {
        return reason(&message.reason, &HOLD_REASONS);
    }
    if !message.reason.is_empty() {
        return Err(Failure::request("reason", "must be empty when a hold is lifted"));
    }
    let erasures = network.erasures();
    let hold = people.iter().find_map(|person| erasures.hold(person, reference));
    Ok(hold.map_or_else(|| "other".parse().expect("it is a word"), |hold| hold.reason.clone()))
}

/// Whether somebody belongs to an organisation, or it has an entry about them.
fn concerns(
    network: &Network,
    principal: &Principal,
    organisation: &OrganisationId,
    people: &[PersonId],
) -> Result<bool, Failure> {
    let directory = network.directory();
    let is_own = |person: &PersonId| {
        directory.person(person).is_some_and(|person| person.organisation.as_ref() == Some(organisation))
    };
    if people.iter().any(is_own) {
        return Ok(true);
    }
    drop(directory);
    let mut searches = people.chunks(FILTER_PEOPLE_MAX).map(|some| has_entry(network, principal, organisation, some));
    searches.try_fold(false, |found, search| Ok(found || search?))
}

/// Whether an organisation has an entry about one of some people.
fn has_entry(
    network: &Network,
    principal: &Principal,
    organisation: &OrganisationId,
    people: &[PersonId],
) -> Result<bool, Failure> {
    let filter = Filter { people: people.to_vec(), organisations: vec![organisation.clone()], ..Filter::default() };
    let (mut after, until) = (Position::ZERO, network.head());
    loop {
        let selection = Selection {
            principal: principal.clone(),
            filter: filter.clone(),
            mode: Mode::Matching,
            after,
            until,
            direction: Direction::Forward,
            budget: Budget { entries: 1, bytes: usize::MAX },
        };
        let selected = network.select(&selection)?;
        if !selected.entries.is_empty() {
            return Ok(true);
        }
        if selected.end {
            return Ok(false);
        }
        after = selected.next;
    }
}
