//! Records the people of a file in batches, each on the condition that nobody else changed the directory meanwhile.
//!
//! Invariant: two imports at the same time cannot both add somebody. Whoever comes second reads and compares again.

use super::network::Network;
use crate::{
    failure::Failure,
    limits::{MATCHES_ATTEMPTED_MAX, UPLOAD_ATTEMPTS_MAX},
    place::Place,
    show::amounts::{amount, grouped},
};
use kith_client::{Client, Error, NewEvent, Outcome, Reason, Retry};
use kith_core::{
    condition::Condition,
    event::{DirectoryKind, Kind},
    filter::Filter,
    id::PersonId,
    limits::{APPEND_BYTES_MAX, APPEND_EVENTS_MAX},
    position::Position,
};
use kith_import::{
    Refusal, Spot,
    contacts::{Decisions, Plan, Planned, Settings, Step, StepKind, plan},
};
use std::collections::{HashMap, HashSet};

/// What was recorded.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) organisations: u64,
    pub(crate) people: u64,
    pub(crate) changed: u64,
    pub(crate) connections: u64,
    /// Connections that were recorded before.
    pub(crate) connections_known: u64,
    /// Records that the server refused.
    pub(crate) refusals: Vec<Refusal>,
}

impl Sent {
    /// What was recorded, as a sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { organisations, people, changed, connections, connections_known, .. } = self;
        let mut parts =
            vec![format!("{} added", amount(*people, "person", "people")), format!("{} changed", grouped(*changed))];
        parts.extend(
            (*organisations > 0).then(|| format!("{} added", amount(*organisations, "organisation", "organisations"))),
        );
        if connections + connections_known > 0 {
            let connections = amount(*connections, "connection", "connections");
            parts.push(format!("{connections} recorded, {} known", grouped(*connections_known)));
        }
        parts.join(", ")
    }
}

/// Records of a file on their way into a network.
pub(crate) struct Sending<'s> {
    place: &'s Place,
    client: Client,
    records: &'s Planned,
    decisions: &'s Decisions,
    settings: &'s Settings,
    /// Records that are recorded, each as a person.
    done: HashMap<u64, PersonId>,
    /// People whom this import added.
    own: HashSet<PersonId>,
    sent: Sent,
}

impl<'s> Sending<'s> {
    /// Starts with nothing recorded.
    pub(crate) fn new(
        place: &'s Place,
        records: &'s Planned,
        decisions: &'s Decisions,
        settings: &'s Settings,
    ) -> Result<Self, Failure> {
        let client = place.server()?.with_retry(Retry { attempts_max: UPLOAD_ATTEMPTS_MAX, ..Retry::default() });
        let (done, own, sent) = (HashMap::new(), HashSet::new(), Sent::default());
        Ok(Self { place, client, records, decisions, settings, done, own, sent })
    }

    /// Records a plan that was made for a network. Returns what was recorded and the plan that was followed last: while
    /// others change the directory, what is left is planned again.
    pub(crate) async fn send(mut self, network: Network, mut plan: Plan) -> Result<(Sent, Plan), Failure> {
        let mut head = network.head;
        let mut attempts = 0;
        while let Err(error) = self.send_steps(std::mem::take(&mut plan.steps), head, &mut attempts).await {
            if error.reason() != Some(Reason::ConditionFailed) || attempts == MATCHES_ATTEMPTED_MAX {
                return Err(self.interrupted(error));
            }
            let network = Network::read(self.place, &self.own).await?;
            head = network.head;
            plan = self::plan(self.records, &network.directory, self.decisions, self.settings, &self.done);
            // What the server refused once is not offered again.
            let refused: HashSet<Spot> = self.sent.refusals.iter().map(|refusal| refusal.spot).collect();
            plan.steps.retain(|step| !refused.contains(&step.spot));
        }
        self.send_connections(&plan).await?;
        Ok((self.sent, plan))
    }

    /// Records steps in batches. `attempts` is how often in a row the condition of a batch did not hold.
    async fn send_steps(&mut self, steps: Vec<Step>, head: Position, attempts: &mut u32) -> Result<(), Error> {
        let mut after = head;
        for mut batch in batches(steps) {
            while !batch.is_empty() {
                let events: Vec<NewEvent> = batch.iter().flat_map(|step| step.events.iter().cloned()).collect();
                match self.client.append(&events, Some(&unchanged(after))).await {
                    Ok(outcomes) => {
                        *attempts = 0;
                        after = outcomes.iter().map(|outcome| position(*outcome)).max().unwrap_or(after).max(after);
                        for step in std::mem::take(&mut batch) {
                            self.note(step);
                        }
                    }
                    Err(error) if error.reason() == Some(Reason::ConditionFailed) => {
                        *attempts += 1;
                        return Err(error);
                    }
                    Err(error) => {
                        let step = refused_step(&batch, &error).ok_or(error)?;
                        self.sent.refusals.push(step.1);
                        batch.remove(step.0);
                    }
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, step: Step) {
        match step.kind {
            StepKind::Organisation => self.sent.organisations += 1,
            StepKind::Person => self.sent.people += 1,
            StepKind::Change => self.sent.changed += 1,
        }
        if let Some(person) = step.person {
            if step.kind == StepKind::Person {
                self.own.insert(person.clone());
            }
            self.done.insert(step.spot.record, person);
        }
    }

    async fn send_connections(&mut self, plan: &Plan) -> Result<(), Failure> {
        let (mut spots, mut events) = (Vec::new(), Vec::new());
        for (spot, event) in plan.connections() {
            match event {
                Ok(event) => {
                    spots.push(spot);
                    events.push(event);
                }
                Err(refusal) => self.sent.refusals.push(refusal),
            }
        }
        let mut rest: Vec<(Spot, NewEvent)> = spots.into_iter().zip(events).collect();
        while !rest.is_empty() {
            let count = rest.len().min(APPEND_EVENTS_MAX);
            let batch: Vec<NewEvent> = rest[..count].iter().map(|(_, event)| event.clone()).collect();
            match self.client.append(&batch, None).await {
                Ok(outcomes) => {
                    rest.drain(..count);
                    let known = outcomes.iter().filter(|one| matches!(one, Outcome::Duplicate(_))).count() as u64;
                    self.sent.connections_known += known;
                    self.sent.connections += count as u64 - known;
                }
                Err(error) => match error.event().filter(|index| *index < count) {
                    Some(index) => self.sent.refusals.push(Refusal::local(rest.remove(index).0, &error)),
                    None => return Err(self.interrupted(error)),
                },
            }
        }
        Ok(())
    }

    /// A failure after some batches: what was recorded stays, and is found by the next import.
    fn interrupted(&self, error: Error) -> Failure {
        let again = format!("so far {}; import the file again: whoever is there is found", self.sent.sentence());
        match Failure::of_change(error, None, again.clone()) {
            Failure::Call(error) => {
                crate::show::output::remark(&again);
                Failure::Call(error)
            }
            other => other,
        }
    }
}

/// The step of a batch that was refused, and why; `None` if it is not about one.
fn refused_step(batch: &[Step], error: &Error) -> Option<(usize, Refusal)> {
    let mut left = error.event()?;
    for (index, step) in batch.iter().enumerate() {
        if left < step.events.len() {
            return Some((index, Refusal::local(step.spot, error)));
        }
        left -= step.events.len();
    }
    None
}

/// That nobody has changed the directory since.
fn unchanged(after: Position) -> Condition {
    use DirectoryKind::{OrganisationAdded, PeopleMerged, PersonAdded, PersonChanged};
    let kinds = [OrganisationAdded, PersonAdded, PersonChanged, PeopleMerged].map(Kind::Directory).to_vec();
    Condition::NoneMatch { after, filter: Filter { kinds, ..Filter::default() } }
}

fn position(outcome: Outcome) -> Position {
    match outcome {
        Outcome::Accepted(position) | Outcome::Duplicate(position) => position,
    }
}

/// Steps in batches that an append may have; no step is divided.
fn batches(steps: Vec<Step>) -> Vec<Vec<Step>> {
    let mut batches: Vec<Vec<Step>> = Vec::new();
    let (mut events, mut bytes) = (0, 0);
    for step in steps {
        let step_bytes: usize = step.events.iter().map(NewEvent::size_bytes).sum();
        let is_full = events + step.events.len() > APPEND_EVENTS_MAX || bytes + step_bytes > APPEND_BYTES_MAX;
        if is_full || batches.is_empty() {
            batches.push(Vec::new());
            (events, bytes) = (0, 0);
        }
        events += step.events.len();
        bytes += step_bytes;
        batches.last_mut().expect("one was pushed").push(step);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::{EventBuilder, random_person_id};
    use kith_core::{event::PersonAdded, timestamp::Timestamp};

    fn step(events: usize) -> Step {
        let event = || {
            let added = PersonAdded { person: random_person_id(), organisation: None, role: String::new() };
            EventBuilder::new(added, Timestamp::from_millis(0)).build().unwrap()
        };
        let events = (0..events).map(|_| event()).collect();
        Step { spot: Spot::new(1, 1), kind: StepKind::Person, person: None, events }
    }

    #[test]
    fn steps_are_never_divided() {
        let steps = [999, 1, 1, 2].map(step).to_vec();
        let sizes: Vec<Vec<usize>> =
            batches(steps).iter().map(|batch| batch.iter().map(|step| step.events.len()).collect()).collect();
        assert_eq!(sizes, [vec![999, 1], vec![1, 2]]);
        assert!(batches(Vec::new()).is_empty());
    }

    #[test]
    fn what_was_recorded_is_a_sentence() {
        let sent = Sent { people: 2, changed: 1, ..Sent::default() };
        assert_eq!(sent.sentence(), "2 people added, 1 changed");
        let sent = Sent { people: 1, connections: 1, ..sent };
        assert_eq!(sent.sentence(), "1 person added, 1 changed, 1 connection recorded, 0 known");
        let sent = Sent { people: 2, organisations: 1, connections: 3, ..sent };
        assert_eq!(sent.sentence(), "2 people added, 1 changed, 1 organisation added, 3 connections recorded, 0 known");
    }
}
