//! `Append`: up to 1,000 events, all or nothing.

use crate::{builder::NewEvent, client::Client, error::Error, retry::Repeat};
use kith_core::{
    condition::Condition,
    decide::{Outcome, check_append_size},
    position::Position,
};
use kith_proto::v1;

impl Client {
    /// Appends all events or none, if the condition holds. Returns an outcome for each, in order.
    ///
    /// A single event without a condition shares a stream with those that are appended at the same time (see
    /// [`Options::together`](crate::Options::together)).
    ///
    /// Safe to repeat: an event that is already recorded yields [`Outcome::Duplicate`] with its first position.
    pub async fn append(&self, events: &[NewEvent], condition: Option<&Condition>) -> Result<Vec<Outcome>, Error> {
        check_append_size(events.len(), events.iter().map(NewEvent::size_bytes).sum())?;
        if let ([event], None, Some(together)) = (events, condition, &self.together)
            && let Some(outcome) = together.append(self, event).await
        {
            return Ok(vec![outcome]);
        }
        let request = v1::AppendRequest {
            network: self.network_name(),
            events: events.iter().map(NewEvent::to_proto).collect(),
            condition: condition.map(Condition::to_proto),
        };
        let log = self.log();
        let response = self
            .call(Repeat::Safe, request, |request| {
                let mut log = log.clone();
                async move { log.append(request).await }
            })
            .await?;
        if response.outcomes.len() != events.len() {
            return Err(Error::answer("it does not have one outcome for each event"));
        }
        Ok(response.outcomes.into_iter().map(outcome).collect())
    }
}

pub(crate) fn outcome(proto: v1::AppendOutcome) -> Outcome {
    let position = Position::new(proto.position);
    if proto.duplicate { Outcome::Duplicate(position) } else { Outcome::Accepted(position) }
}
