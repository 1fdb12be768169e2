//! Uploads many events: a thread prepares the batches, and answers arrive in the order of the records.

use crate::{failure::Failure, limits, place::Place};
use futures_util::StreamExt;
use kith_client::{
    Batcher, Client, EventRefused, EventResult, NewEvent, Outcome, Retry, Window,
    replica::{RecordError, Recording, Replica},
};
use kith_core::reason::Reason;
use kith_core::{id::EventId, position::Position};
use kith_import::{Refusal, Spot};
use std::collections::VecDeque;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The role of an event in an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The event of a record.
    Record,
    /// An organisation that had to be added first.
    Organisation,
    /// A person who had to be added first.
    Person,
    /// A change to a known person.
    Change,
    /// An event that was wrong is withdrawn.
    Retraction,
}

/// A record to upload.
#[derive(Debug)]
pub(crate) struct Item {
    /// Where it stands in its file.
    pub(crate) spot: Spot,
    /// Its role in the import.
    pub(crate) role: Role,
    /// The event, or why there is none.
    pub(crate) event: Result<NewEvent, Refusal>,
}

/// The outcome for a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Where it stands in its file.
    pub(crate) spot: Spot,
    /// Its role in the import.
    pub(crate) role: Role,
    /// Its position and id, or why it was refused.
    pub(crate) result: Result<(EventId, Outcome), Refusal>,
}

/// Receives records from the thread that prepares them.
pub(crate) struct Feed {
    batcher: Batcher<Item>,
    batches: mpsc::Sender<Vec<Item>>,
}

/// Records are no longer received: the upload failed, and reports why.
pub(crate) struct Unwanted;

impl Feed {
    /// Queues a record for upload.
    pub(crate) fn push(&mut self, item: Item) -> Result<(), Unwanted> {
        let size_bytes = item.event.as_ref().map_or(0, NewEvent::size_bytes);
        match self.batcher.push(item, size_bytes) {
            Some(batch) => self.send(batch),
            None => Ok(()),
        }
    }

    /// Uploads everything queued.
    pub(crate) fn flush(&mut self) -> Result<(), Unwanted> {
        match self.batcher.take() {
            Some(batch) => self.send(batch),
            None => Ok(()),
        }
    }

    fn send(&self, batch: Vec<Item>) -> Result<(), Unwanted> {
        self.batches.blocking_send(batch).map_err(|_| Unwanted)
    }
}

/// Records what `prepare`, on its own thread, feeds into the log or into the outbox of a replica, and passes each
/// answer to `take`, in order. Ctrl-C ends it between two answers: what was sent but not answered may also be recorded.
pub(crate) async fn upload(
    place: &Place,
    prepare: impl FnOnce(&mut Feed) -> Result<(), Failure> + Send + 'static,
    take: impl FnMut(Vec<Answer>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (batches, receiver) = mpsc::channel(limits::BATCHES_WAITING_MAX);
    let preparing = tokio::task::spawn_blocking(move || {
        let mut feed = Feed { batcher: Batcher::default(), batches };
        let prepared = prepare(&mut feed);
        // Nothing is left to receive the rest: the upload itself reports why.
        drop(feed.flush());
        prepared
    });
    let answered = async {
        match place {
            Place::Server(client) => append(client, receiver, take).await,
            Place::Replica(replica) => queue(replica, receiver, take).await,
        }
    };
    tokio::select! {
        answered = answered => answered?,
        stopped = tokio::signal::ctrl_c() => {
            stopped.map_err(|error| Failure::Unexpected(format!("cannot wait for the end: {error}")))?;
            return Err(Failure::Stopped);
        }
    }
    match preparing.await {
        Ok(prepared) => prepared,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

async fn queue(
    replica: &Replica,
    mut receiver: mpsc::Receiver<Vec<Item>>,
    mut take: impl FnMut(Vec<Answer>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    while let Some(items) = receiver.recv().await {
        let (events, outline) = take_apart(items);
        let recorded = replica.record_all(&events)?;
        let results = events.iter().zip(recorded).zip(1..);
        let results = results.map(|((event, recording), number)| EventResult {
            number,
            id: event.id(),
            result: recording.map(queued).map_err(|error| not_queued(&error)),
        });
        take(put_together(outline, results.collect()))?;
    }
    Ok(())
}

/// An event without a position yet counts as recorded.
fn queued(recording: Recording) -> Outcome {
    match recording {
        Recording::Queued => Outcome::Accepted(Position::ZERO),
        Recording::AlreadyQueued => Outcome::Duplicate(Position::ZERO),
        Recording::AlreadyRecorded(position) => Outcome::Duplicate(position),
    }
}

fn not_queued(error: &RecordError) -> EventRefused {
    let (reason, field) = match error {
        RecordError::IdReused { .. } => (Some(Reason::EventIdReused), "event.id".to_owned()),
        RecordError::Invalid(invalid) => (Some(Reason::EventInvalid), invalid.field.clone()),
        RecordError::PersonErased { .. } => (Some(Reason::PersonErased), String::new()),
        RecordError::Store(_) => (None, String::new()),
    };
    EventRefused { reason, field, message: error.to_string() }
}

async fn append(
    client: &Client,
    receiver: mpsc::Receiver<Vec<Item>>,
    mut take: impl FnMut(Vec<Answer>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (sent, mut outlines) = mpsc::unbounded_channel();
    let events = ReceiverStream::new(receiver).map(move |items: Vec<Item>| {
        let (events, outline) = take_apart(items);
        // Without a receiver the answers are not needed either.
        drop(sent.send(outline));
        events
    });
    let patient = client.with_retry(Retry { attempts_max: limits::UPLOAD_ATTEMPTS_MAX, ..Retry::default() });
    let mut answers = patient.append_stream(events, Window::default());
    while let Some(results) = answers.next().await {
        let outline = outlines.recv().await.expect("each batch has an outline");
        take(put_together(outline, results?))?;
    }
    Ok(())
}

/// The outline of a batch, without its events.
type Outline = Vec<(Spot, Role, Option<Refusal>)>;

fn take_apart(items: Vec<Item>) -> (Vec<NewEvent>, Outline) {
    let mut events = Vec::with_capacity(items.len());
    let outline = items.into_iter().map(|item| match item.event {
        Ok(event) => {
            events.push(event);
            (item.spot, item.role, None)
        }
        Err(refusal) => (item.spot, item.role, Some(refusal)),
    });
    let outline = outline.collect();
    (events, outline)
}

fn put_together(outline: Outline, results: Vec<EventResult>) -> Vec<Answer> {
    let mut results = VecDeque::from(results);
    let answers = outline.into_iter().map(|(spot, role, refusal)| {
        let result = refusal.map_or_else(|| answer(spot, results.pop_front()), Err);
        Answer { spot, role, result }
    });
    answers.collect()
}

fn answer(spot: Spot, result: Option<EventResult>) -> Result<(EventId, Outcome), Refusal> {
    let EventResult { id, result, .. } = result.expect("every event sent has a result");
    result.map(|outcome| (id, outcome)).map_err(|refused| Refusal::of_server(spot, refused))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::EventBuilder;
    use kith_core::{
        event::{Fact, Habit, Met},
        timestamp::Timestamp,
    };

    fn spot(number: u64) -> Spot {
        Spot::new(number, number)
    }

    #[test]
    fn answers_stay_in_the_order_of_records() {
        let met = Fact::Habit(Habit::Met(Met { people: vec!["a".parse().unwrap(), "b".parse().unwrap()] }));
        let event = || EventBuilder::new(met.clone(), Timestamp::from_millis(0)).build().unwrap();
        let refusal = Refusal { spot: spot(2), reason: "EVENT_INVALID", field: String::new(), message: String::new() };
        let (first, third) = (event(), event());
        let item = |number, event| Item { spot: spot(number), role: Role::Record, event };
        let items = vec![item(1, Ok(first.clone())), item(2, Err(refusal.clone())), item(3, Ok(third.clone()))];
        let (events, outline) = take_apart(items);
        assert_eq!(events, [first.clone(), third.clone()]);
        let refused = EventRefused { reason: Some(Reason::PersonUnknown), field: "f".into(), message: "m".into() };
        let accepted = Outcome::Accepted(Position::new(7));
        let results = vec![
            EventResult { number: 1, id: first.id(), result: Ok(accepted) },
            EventResult { number: 2, id: third.id(), result: Err(refused.clone()) },
        ];
        let answers = put_together(outline, results);
        assert_eq!(answers.iter().map(|answer| answer.spot).collect::<Vec<_>>(), [1, 2, 3].map(spot));
        assert_eq!(answers[0].result, Ok((first.id(), accepted)));
        assert_eq!(answers[1].result, Err(refusal));
        assert_eq!(answers[2].result, Err(Refusal::of_server(spot(3), refused)));
    }
}
