//! Clients that append at the same time and write down what was acknowledged.
//!
//! Invariant: a floor is read before an append is sent, and raised after its answer came, so an acknowledged append
//! must lie above the floor that it was sent with.

use kith_core::{event::Event, id::EventId, timestamp::Timestamp};
use kith_proto::v1::{self, append_result};
use kith_tests::{
    events::{NOON, accepted, followed_up, met, referred, retracted, sent, sent_with_note},
    random::Random,
    raw::{Raw, Refusal},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::{sync::watch, task::JoinHandle};

/// Everybody there is.
pub(crate) const PEOPLE: [&str; 8] = ["ada", "ben", "cleo", "dev", "ella", "finn", "gus", "hana"];
/// Clients that append atomically, beside one that streams.
const ATOMIC_CLIENTS: usize = 3;
/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

/// An append as its client saw it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// What was sent.
    pub(crate) events: Vec<v1::NewEvent>,
    /// Positions and whether the event was there before; empty if no answer came.
    pub(crate) answers: Vec<v1::AppendOutcome>,
    /// Whether all of it counts or none.
    pub(crate) together: bool,
}

/// Clients at work.
pub(crate) struct Load {
    clients: Vec<JoinHandle<Vec<Sent>>>,
    acked: watch::Receiver<usize>,
}

struct Shared {
    acked: watch::Sender<usize>,
    floor: AtomicU64,
}

impl Shared {
    fn floor(&self) -> u64 {
        self.floor.load(Ordering::SeqCst)
    }

    /// Notes an answer to an append that was sent at a floor.
    fn acknowledge(&self, floor: u64, answer: v1::AppendOutcome) {
        assert!(!answer.duplicate && answer.position > floor, "{answer:?} is not new after {floor}");
        self.floor.fetch_max(answer.position, Ordering::SeqCst);
        self.acked.send_modify(|acked| *acked += 1);
    }
}

impl Load {
    /// Starts clients whose answers may name these referrals.
    pub(crate) fn start(raw: &Raw, random: &mut Random, referrals: &[EventId]) -> Self {
        let (sender, acked) = watch::channel(0);
        let shared = Arc::new(Shared { acked: sender, floor: AtomicU64::new(0) });
        let mut maker = || Maker {
            random: Random::new(random.number()),
            referrals: referrals.to_vec(),
            shared: Arc::clone(&shared),
        };
        let mut clients: Vec<_> = (0..ATOMIC_CLIENTS).map(|_| tokio::spawn(append_on(raw.clone(), maker()))).collect();
        clients.push(tokio::spawn(stream_on(raw.clone(), maker())));
        Self { clients, acked }
    }

    /// Waits until so many events are acknowledged.
    pub(crate) async fn acknowledged(&self, count: usize) {
        let mut acked = self.acked.clone();
        let enough = acked.wait_for(|acked| *acked >= count).await;
        assert!(enough.is_ok(), "clients went on");
    }

    /// What every client sent, once all of them have noticed that the server is gone.
    pub(crate) async fn end(self) -> Vec<Sent> {
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.expect("clients do not panic"));
        }
        all
    }
}

/// Makes events by chance.
struct Maker {
    random: Random,
    referrals: Vec<EventId>,
    shared: Arc<Shared>,
}

impl Maker {
    /// One to so many events.
    fn events(&mut self, count_max: usize) -> Vec<v1::NewEvent> {
        (0..=self.random.below(count_max)).map(|_| self.event()).collect()
    }

    fn event(&mut self) -> v1::NewEvent {
        let mut people = PEOPLE;
        self.random.shuffle(&mut people);
        let [a, b, c, ..] = people;
        let event = match self.random.below(8) {
            0 => referred(a, b, c),
            1 => self.referral().map_or_else(|| met(&people[..5]), |referral| accepted(referral, a)),
            7 if self.random.below(8) == 0 => self.referral().map_or_else(|| met(&people[..3]), retracted),
            2 | 3 => followed_up(a, b, None),
            _ => met(&people[..2 + self.random.below(3)]),
        };
        let day = i64::try_from(self.random.below(90)).expect("small");
        let event = Event { occurred_at: Timestamp::from_millis(NOON.millis() - day * DAY_MS), ..event };
        if self.random.below(4) == 0 && !event.people().is_empty() {
            sent_with_note(&event, "said in passing")
        } else {
            sent(&event)
        }
    }

    /// A referral that is in the log for certain.
    fn referral(&mut self) -> Option<EventId> {
        (!self.referrals.is_empty()).then(|| *self.random.pick(&self.referrals))
    }
}

/// Appends one to five events at a time until the server is gone.
async fn append_on(raw: Raw, mut maker: Maker) -> Vec<Sent> {
    let mut all = Vec::new();
    loop {
        let events = maker.events(5);
        let floor = maker.shared.floor();
        let answers = raw.append(events.clone()).await;
        let gone = answers.is_err();
        let answers = answers.map_err(|refusal| check_gone(&refusal)).unwrap_or_default();
        for answer in &answers {
            maker.shared.acknowledge(floor, *answer);
        }
        all.push(Sent { events, answers, together: true });
        if gone {
            return all;
        }
    }
}

/// Streams messages of events, each on its own, until the server is gone.
async fn stream_on(raw: Raw, mut maker: Maker) -> Vec<Sent> {
    let mut all = Vec::new();
    loop {
        let messages: Vec<_> = (0..20).map(|_| maker.events(4)).collect();
        let mut sent: Vec<Sent> = messages
            .iter()
            .flatten()
            .map(|event| Sent { events: vec![event.clone()], answers: Vec::new(), together: false })
            .collect();
        let (floor, shared) = (maker.shared.floor(), Arc::clone(&maker.shared));
        let ended = raw
            .append_stream(messages, |result| {
                let Some(append_result::Result::Outcome(answer)) = result.result else {
                    panic!("good events are not refused: {result:?}");
                };
                shared.acknowledge(floor, answer);
                sent[usize::try_from(result.number).expect("small") - 1].answers.push(answer);
            })
            .await;
        all.extend(sent);
        if let Err(refusal) = ended {
            check_gone(&refusal);
            return all;
        }
    }
}

/// A server that was killed refuses nothing: calls just break.
fn check_gone(refusal: &Refusal) {
    assert_eq!(refusal.reason, "", "only a broken connection ends the load: {refusal:?}");
}
