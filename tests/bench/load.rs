//! The client's side of the benchmark: events of about 200 bytes over gRPC on loopback.

use anyhow::{Context, Result};
use bytes::Bytes;
use kith_client::{Client, NewEvent, Options};
use kith_core::{
    event::{Attribute, AttributeValue, DirectoryFact, Event, Fact, FollowedUp, Habit, PersonAdded, Scope},
    id::{EventId, PersonId},
    timestamp::Timestamp,
};
use kith_proto::v1::{self, log_service_client::LogServiceClient, view_service_client::ViewServiceClient};
use kith_tests::server::Server;
use std::time::{Duration, Instant};
use tokio_stream::StreamExt;
use tonic::{Request, Streaming, metadata::MetadataValue, transport::Channel};

/// People that the events are about.
const PEOPLE: usize = 1_000;
/// Others that each of them is in touch with: as in networks of professionals, most events are between people who
/// have met before.
const CONTACTS: usize = 32;
/// How far apart the numbers of two contacts lie at least.
const CONTACTS_APART: u64 = 7;
const NETWORK: &str = "default";
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// Requests that an append stream keeps on their way.
const STREAM_WINDOW: usize = 16;

/// A connection with the owner's token.
#[derive(Clone)]
pub(crate) struct Load {
    channel: Channel,
    client: Client,
    authorization: MetadataValue<tonic::metadata::Ascii>,
}

impl Load {
    /// Connects to a server.
    pub(crate) async fn connect(server: &Server) -> Result<Self> {
        let channel = Channel::from_shared(server.url())?
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .tcp_nodelay(true)
            .connect()
            .await?;
        let authorization = format!("Bearer {}", server.token()).parse().context("tokens are ASCII")?;
        let options = Options::new(server.url(), server.token(), NETWORK.parse().context("it is a name")?);
        let client = Client::connect(options).await?;
        Ok(Self { channel, client, authorization })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request
    }

    fn log(&self) -> LogServiceClient<Channel> {
        LogServiceClient::new(self.channel.clone()).max_decoding_message_size(8 * 1024 * 1024)
    }

    /// The last position.
    pub(crate) async fn head(&self) -> Result<usize> {
        let request = v1::HeadRequest { network: NETWORK.to_owned() };
        Ok(usize::try_from(self.log().head(self.request(request)).await?.into_inner().position)?)
    }

    /// Follows the log after a position.
    pub(crate) async fn follow(&self, after: u64) -> Result<Streaming<v1::SubscribeResponse>> {
        let cursor = Some(v1::Cursor { position: after, ..v1::Cursor::default() });
        let request = v1::SubscribeRequest { network: NETWORK.to_owned(), cursor, ..v1::SubscribeRequest::default() };
        Ok(self.log().subscribe(self.request(request)).await?.into_inner())
    }

    /// One call of `Append`.
    pub(crate) async fn append(&self, events: Vec<v1::NewEvent>) -> Result<()> {
        let request = v1::AppendRequest { network: NETWORK.to_owned(), events, condition: None };
        self.log().append(self.request(request)).await?;
        Ok(())
    }

    /// Calls of `Append` one after the other; gives the time of each.
    pub(crate) async fn append_calls(&self, calls: usize, events_per_call: usize) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            let events = meetings(events_per_call);
            let started = Instant::now();
            self.append(events).await?;
            times.push(started.elapsed());
        }
        Ok(times)
    }

    /// Calls with one event each, `in_flight` at a time; gives the time for all.
    pub(crate) async fn append_in_flight(&self, calls: usize, in_flight: usize) -> Result<Duration> {
        let started = Instant::now();
        let tasks = (0..in_flight).map(|_| {
            let load = self.clone();
            tokio::spawn(async move { load.append_calls(calls / in_flight, 1).await })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await??;
        }
        Ok(started.elapsed())
    }

    /// The same through the client library, whose calls share a stream.
    pub(crate) async fn append_together(&self, calls: usize, in_flight: usize) -> Result<Duration> {
        let tasks = (0..in_flight).map(|_| {
            let (client, each) = (self.client.clone(), calls / in_flight);
            let events = meetings(each).iter().map(NewEvent::from_proto).collect::<Result<Vec<_>, _>>();
            async move {
                for event in events? {
                    client.append(&[event], None).await?;
                }
                Ok::<_, anyhow::Error>(())
            }
        });
        let tasks: Vec<_> = tasks.collect();
        let started = Instant::now();
        for task in tasks.into_iter().map(tokio::spawn).collect::<Vec<_>>() {
            task.await??;
        }
        Ok(started.elapsed())
    }

    /// One `AppendStream`, pipelined; gives the time until the last acknowledgement.
    pub(crate) async fn append_stream(&self, messages: usize, events_per_message: usize) -> Result<Duration> {
        let batches: Vec<_> = (0..messages).map(|_| meetings(events_per_message)).collect();
        let (sender, receiver) = tokio::sync::mpsc::channel(STREAM_WINDOW);
        let started = Instant::now();
        let feeder = tokio::spawn(async move {
            for events in batches {
                let request = v1::AppendStreamRequest { network: NETWORK.to_owned(), events };
                if sender.send(request).await.is_err() {
                    break;
                }
            }
        });
        let requests = tokio_stream::wrappers::ReceiverStream::new(receiver);
        let mut answers = self.log().append_stream(self.request(requests)).await?.into_inner();
        let mut accepted = 0;
        while let Some(answer) = answers.next().await {
            accepted += answer?.results.len();
        }
        feeder.await?;
        anyhow::ensure!(accepted == messages * events_per_message, "every event is acknowledged");
        Ok(started.elapsed())
    }

    /// Reads everything from the first entry to the head; gives the number of entries and the time.
    pub(crate) async fn catch_up(&self) -> Result<(usize, Duration)> {
        let started = Instant::now();
        let request = v1::SubscribeRequest { network: NETWORK.to_owned(), ..v1::SubscribeRequest::default() };
        let mut messages = self.log().subscribe(self.request(request)).await?.into_inner();
        let mut entries = 0;
        while let Some(message) = messages.next().await {
            let message = message?;
            entries += message.entries.len();
            if message.caught_up {
                break;
            }
        }
        Ok((entries, started.elapsed()))
    }

    /// Waits until every view has folded the whole log, so that nothing but what is measured runs; gives the time.
    pub(crate) async fn settle(&self) -> Result<Duration> {
        let started = Instant::now();
        let mut views = ViewServiceClient::new(self.channel.clone());
        loop {
            let request = v1::ListViewsRequest { network: NETWORK.to_owned(), ..Default::default() };
            let answer = views.list_views(self.request(request)).await?.into_inner();
            if answer.views.iter().all(|view| view.cursor == answer.head) {
                return Ok(started.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The people that events are about, to be added.
pub(crate) fn people() -> Vec<v1::NewEvent> {
    let added = |number| PersonAdded { person: person(number), organisation: None, role: String::new() };
    (0..PEOPLE)
        .map(|number| new_event(Fact::Directory(DirectoryFact::PersonAdded(added(number))), Vec::new()))
        .collect()
}

fn person(number: usize) -> PersonId {
    format!("p-bench{number:06}").parse().expect("the id is well formed")
}

/// So many events of about 200 bytes.
pub(crate) fn meetings(count: usize) -> Vec<v1::NewEvent> {
    (0..count).map(|_| followed_up()).collect()
}

/// An event of about 200 bytes.
fn followed_up() -> v1::NewEvent {
    let [a, b] = random_pair();
    let fact = FollowedUp { by: person(a), with: vec![person(b)], about: None };
    let attribute = |key: &str, text: &str| Attribute { key: key.into(), value: AttributeValue::Text(text.into()) };
    let attributes = vec![
        attribute("channel", "telephone"),
        attribute("pathway", "frailty-virtual-ward-step-down"),
        attribute("topic", "discharge-letters-and-medicines-review"),
    ];
    new_event(Fact::Habit(Habit::FollowedUp(fact)), attributes)
}

/// Two people of whom each is in touch with the same [`CONTACTS`] others all the time.
fn random_pair() -> [usize; 2] {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    let random = u64::from_le_bytes(bytes);
    let (people, contacts) = (PEOPLE as u64, CONTACTS as u64 / 2);
    let (a, step) = (random % people, 1 + (random >> 32) % contacts);
    [a, (a + step * CONTACTS_APART) % people].map(|number| usize::try_from(number).expect("below the number of people"))
}

fn new_event(fact: Fact, attributes: Vec<Attribute>) -> v1::NewEvent {
    let id = uuid::Uuid::now_v7();
    let (seconds, nanos) = id.get_timestamp().expect("version 7 holds a time").to_unix();
    let millis = i64::try_from(seconds * 1_000 + u64::from(nanos / 1_000_000)).expect("the time is in this era");
    let event = Event {
        id: EventId::from_bytes(id.into_bytes()).expect("version 7 is a UUID"),
        occurred_at: Timestamp::from_millis(millis),
        scope: Scope::Network,
        caused_by: Vec::new(),
        attributes,
        salt: *uuid::Uuid::now_v7().as_bytes(),
        details: Vec::new(),
        fact,
    };
    v1::NewEvent { event: Bytes::from(event.encode()), details: Vec::new(), signature: Vec::new() }
}
