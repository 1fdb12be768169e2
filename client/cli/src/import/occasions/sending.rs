//! Records what an import of occasions planned: what is wrong is withdrawn first, and replaced only if it was.

use crate::{
    failure::Failure,
    import::{
        tally::{Tally, send},
        upload::{Answer, Item, Role},
    },
    place::Place,
};
use kith_core::id::EventId;
use kith_import::{
    Refusal,
    occasions::{Plan, Record, Withdrawal},
};
use std::collections::HashSet;

/// What was recorded.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) recorded: u64,
    pub(crate) withdrawn: u64,
    /// Events that somebody else recorded in the meantime, with the same words.
    pub(crate) known: u64,
    pub(crate) refusals: Vec<Refusal>,
}

/// Records a plan, at the server or into a replica's outbox.
pub(crate) async fn send_plan(place: &Place, plan: &Plan) -> Result<Sent, Failure> {
    let mut tally = Tally::begin((plan.withdrawals.len() + plan.records.len()) as u64, place).await?;
    let targets: Vec<EventId> = plan.withdrawals.iter().map(|one| one.target).collect();
    let mut answered = targets.iter();
    let mut standing: HashSet<EventId> = HashSet::new();
    let take = |tally: &mut Tally, answers: Vec<Answer>| {
        for (answer, target) in answers.iter().zip(&mut answered) {
            if answer.result.is_err() {
                standing.insert(*target);
            }
        }
        tally.count(answers);
    };
    let item = |Withdrawal { spot, event, .. }: &Withdrawal| Item {
        spot: *spot,
        role: Role::Retraction,
        event: event.clone(),
    };
    let items: Vec<Item> = plan.withdrawals.iter().map(item).collect();
    send(place, items.into_iter(), &mut tally, take).await?;
    let is_free = |record: &&Record| record.replaces.is_none_or(|target| !standing.contains(&target));
    let item = |Record { spot, event, .. }: &Record| Item { spot: *spot, role: Role::Record, event: event.clone() };
    let items: Vec<Item> = plan.records.iter().filter(is_free).map(item).collect();
    send(place, items.into_iter(), &mut tally, Tally::count).await?;
    let (recorded, withdrawn, known) = tally.occasions();
    Ok(Sent { recorded, withdrawn, known, refusals: tally.refusals })
}
