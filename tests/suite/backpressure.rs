//! Misbehaving peers: a full queue, readers that do not read, floods of calls, silent connections. Memory stays
//! bounded, and well-behaved clients are served as before.

use futures_util::{StreamExt, future::join_all};
use kith_client::{Client, Cursor, EventBuilder, Options};
use kith_core::{
    detail::DetailKind,
    event::{Fact, Habit, Met},
    filter::Filter,
};
use kith_proto::v1;
use kith_tests::{
    events::{met, person_added, sent},
    process::resident_bytes,
    raw::{Raw, decode},
    server::Server,
};
use std::{
    fs,
    io::Write,
    net::TcpStream,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tonic::{Code, Streaming};

const MIB: u64 = 1024 * 1024;

/// Whether well-behaved calls continue alongside misbehaving ones. The machine is shared with other tests, so this only
/// distinguishes being blocked, which takes seconds, from being a little slower.
fn is_undisturbed(alone: Duration, beside: Duration) -> bool {
    beside < alone * 10 + Duration::from_millis(50)
}

/// A server with given settings, and people to record.
struct Place {
    server: Server,
    raw: Raw,
    _settings: TempDir,
}

impl Place {
    async fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kith.toml");
        fs::write(&file, settings).unwrap();
        let server = Server::start_with(&["--config", file.to_str().unwrap()]);
        let raw = Raw::connect(&server.url(), &server.token()).await;
        raw.append(["amina", "ben"].map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
        Self { server, raw, _settings: folder }
    }

    async fn connect(&self) -> Raw {
        Raw::connect(&self.server.url(), &self.server.token()).await
    }

    async fn fill(&self, entries: usize) {
        for _ in 0..entries / 500 {
            self.raw.append((0..500).map(|_| sent(&met(&["amina", "ben"]))).collect()).await.unwrap();
        }
    }

    async fn head(&self) -> u64 {
        self.raw.head().await.unwrap().position
    }

    /// Median time of an append and a read.
    async fn honest(&self) -> Duration {
        let mut times = Vec::new();
        for _ in 0..41 {
            let started = Instant::now();
            self.raw.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap();
            self.raw.read(v1::ReadRequest { limit: 10, ..Default::default() }).await.unwrap();
            times.push(started.elapsed());
        }
        times.sort_unstable();
        times[times.len() / 2]
    }

    fn memory(&self) -> u64 {
        resident_bytes(self.server.pid()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_busy_and_when_to_come_again_and_loses_nothing() {
    let place = Place::start("[log]\nqueue_requests_max = 1\n").await;
    let before = place.head().await;
    let others = join_all((0..4).map(|_| place.connect())).await;
    // Until a connection knows how many streams it may have, it opens more, which HTTP/2 refuses.
    for other in &others {
        other.head().await.unwrap();
    }
    let appends = (0..400).map(|number| {
        let raw = others[number % others.len()].clone();
        tokio::spawn(async move { raw.append(vec![sent(&met(&["amina", "ben"]))]).await })
    });
    let (mut accepted, mut busy) = (0, 0);
    for append in appends.collect::<Vec<_>>() {
        match append.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(refusal) => {
                assert_eq!(
                    (refusal.code, refusal.reason.as_str()),
                    (Code::ResourceExhausted, "LOG_BUSY"),
                    "{refusal:?}"
                );
                assert!(refusal.retry_after.is_some_and(|delay| !delay.is_zero()), "{refusal:?}");
                busy += 1;
            }
        }
    }
    assert!(accepted > 0 && busy > 0, "{accepted} accepted, {busy} refused");
    assert_eq!(place.head().await, before + accepted, "what was acknowledged is there, and nothing else");

    append_patiently(&place.server, 100).await;
    assert_eq!(place.head().await, before + accepted + 100);
}

/// Appends many events at once through the client library, which retries until there is room for each.
pub(crate) async fn append_patiently(server: &Server, count: usize) {
    let options = Options::new(server.url(), server.token(), "default".parse().unwrap());
    let client = Client::connect(options).await.unwrap();
    let appends = (0..count).map(|_| {
        let client = &client;
        let fact = Fact::Habit(Habit::Met(Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] }));
        let event = EventBuilder::new(fact, kith_client::now()).build().unwrap();
        async move { client.append(&[event], None).await }
    });
    for append in join_all(appends).await {
        append.expect("a client comes again until there is room");
    }
}

/// Reads a stalled subscription: what was in transit, in order, then why it was cut off. Returns the last cursor.
async fn read_what_is_left(mut stalled: Streaming<v1::SubscribeResponse>) -> v1::Cursor {
    let (mut cursor, mut last) = (v1::Cursor::default(), 0);
    loop {
        match stalled.message().await {
            Ok(Some(message)) => {
                for entry in &message.entries {
                    last += 1;
                    assert_eq!(decode(entry).position.get(), last);
                }
                cursor = message.cursor.unwrap();
                assert_eq!(cursor.position, last);
            }
            Ok(None) => panic!("a subscription ends only with a reason"),
            Err(status) => {
                let refusal = kith_tests::raw::Refusal::from(status);
                assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "SUBSCRIBER_TOO_SLOW"));
                return cursor;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_stall_cost_bounded_memory_and_nobody_elses_time_and_go_on_without_a_gap() {
    let place = Place::start("[limits]\nstall_ms = 2000\n").await;
    place.fill(40_000).await;
    let (alone, before) = (place.honest().await, place.memory());
    let mut stalled = Vec::new();
    for _ in 0..10 {
        let raw = place.connect().await;
        for _ in 0..10 {
            stalled.push(raw.subscribe(None, None).await.unwrap());
        }
    }
    let beside = place.honest().await;
    let grown = place.memory().saturating_sub(before) / MIB;
    println!("100 stalled readers: {grown} MiB; an honest call {alone:?} alone, {beside:?} beside them");
    assert!(grown < 192, "100 stalled readers cost {grown} MiB");
    assert!(is_undisturbed(alone, beside), "{alone:?} alone, {beside:?} beside stalled readers");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let head = place.head().await;
    // All at once: readers on one connection share its window.
    for cursor in join_all(stalled.into_iter().map(read_what_is_left)).await {
        assert!(cursor.position < head, "it was cut before it had everything");
        let mut resumed = place.raw.subscribe(Some(cursor.clone()), None).await.unwrap();
        let first = resumed.message().await.unwrap().unwrap();
        assert_eq!(decode(&first.entries[0]).position.get(), cursor.position + 1, "it goes on where it was");
    }
}

/// Answers of two mebibytes, many more at once than there is memory for.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_takes_cost_bounded_memory_and_nobody_elses_time_and_are_let_go_of() {
    let place = Place::start("[limits]\nstall_ms = 2000\n").await;
    place.fill(60_000).await;
    let (alone, before) = (place.honest().await, place.memory());
    let mut calls = Vec::new();
    for _ in 0..8 {
        let raw = place.connect().await;
        for _ in 0..128 {
            let raw = raw.clone();
            calls.push(tokio::spawn(async move {
                let request = v1::ReadRequest { network: raw.network_name(), limit: 10_000, ..Default::default() };
                raw.call_untaken::<_, v1::ReadResponse>("/kith.v1.LogService/Read", request).await
            }));
        }
    }
    let (mut untaken, mut refused) = (Vec::new(), 0);
    for call in calls {
        match call.await.unwrap() {
            Ok(answer) => untaken.push(answer),
            Err(refusal) => {
                assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
                assert!(refusal.retry_after.is_some(), "{refusal:?}");
                refused += 1;
            }
        }
    }
    let beside = place.honest().await;
    let grown = place.memory().saturating_sub(before) / MIB;
    let open = untaken.len();
    println!(
        "{open} answers that nobody takes, {refused} refused: {grown} MiB; an honest call {alone:?} alone, {beside:?} beside"
    );
    assert!(open > 0 && refused > 0, "{open} answers, {refused} refused");
    assert!(grown < 128, "{grown} MiB");
    assert!(is_undisturbed(alone, beside), "{alone:?} alone, {beside:?} beside answers that nobody takes");
    tokio::time::sleep(Duration::from_millis(4_500)).await;
    let page = place.raw.read(v1::ReadRequest { limit: 10_000, ..Default::default() }).await.unwrap();
    assert!(page.entries.len() > 1_000, "there is room again: {} entries", page.entries.len());
    drop(untaken);
}

/// More bytes than a stream's window wait for a reader that does something else first, like a replica that requests a
/// checkpoint in the middle of its first sync.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_nobody_reads_keeps_no_other_call_of_its_connection_waiting() {
    let place = Place::start("").await;
    let options = Options::new(place.server.url(), place.server.token(), "default".parse().unwrap());
    let client = Client::connect(options).await.unwrap();
    let note = "word ".repeat(800);
    for _ in 0..25 {
        let event = || {
            let fact = Fact::Habit(Habit::Met(Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] }));
            EventBuilder::new(fact, kith_client::now())
                .detail(DetailKind::Note, vec!["amina".parse().unwrap()], note.clone())
                .build()
                .unwrap()
        };
        client.append(&(0..200).map(|_| event()).collect::<Vec<_>>(), None).await.unwrap();
    }
    let mut unread = client.subscribe(Filter::default(), Cursor::default());
    unread.next().await.unwrap().unwrap();
    for _ in 0..20 {
        let head = tokio::time::timeout(Duration::from_secs(5), client.checkpoint()).await;
        assert_eq!(head.expect("the answer comes").unwrap().checkpoint.unverified().size, place.head().await);
    }
    drop(unread);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_a_connection_may_have_wait_and_harm_only_that_connection() {
    let place = Place::start("[limits]\nstreams_per_connection_max = 64\n").await;
    let flooding = place.connect().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let mut stream = flooding.subscribe(None, None).await.unwrap();
        stream.message().await.unwrap().unwrap();
        open.push(stream);
    }
    let mut one_more = {
        let flooding = flooding.clone();
        tokio::spawn(async move { flooding.subscribe(None, None).await })
    };
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut one_more).await.is_err(), "the 65th waits");
    place.honest().await;
    open.pop();
    one_more.await.unwrap().expect("it comes in when there is room");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_reset_at_once_cost_little() {
    let place = Place::start("").await;
    place.fill(5_000).await;
    let (alone, before) = (place.honest().await, place.memory());
    let flood = tokio::spawn({
        let raw = place.connect().await;
        async move {
            let mut broken = 0;
            for _ in 0..200 {
                let calls = (0..50).map(|_| {
                    let raw = raw.clone();
                    tokio::spawn(async move { raw.read(v1::ReadRequest::default()).await })
                });
                let calls: Vec<_> = calls.collect();
                tokio::task::yield_now().await;
                for call in calls {
                    call.abort();
                    broken += usize::from(call.await.is_err());
                }
            }
            broken
        }
    });
    let beside = place.honest().await;
    let broken = flood.await.unwrap();
    let grown = place.memory().saturating_sub(before) / MIB;
    println!("{broken} calls reset: {grown} MiB; an honest call {alone:?} alone, {beside:?} beside them");
    assert!(broken > 1_000, "only {broken} calls were broken off");
    assert!(grown < 128, "a flood of resets costs {grown} MiB");
    assert!(is_undisturbed(alone, beside), "{alone:?} alone, {beside:?} beside a flood of resets");
    place.honest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_never_speak_give_their_place_back() {
    let place = Place::start("[limits]\nconnections_max = 20\nhandshake_s = 1\n").await;
    let address = place.server.url().trim_start_matches("http://").to_owned();
    let silent: Vec<_> = (0..60).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(b"PRI * HTTP").unwrap();
    place.honest().await;
    let late = tokio::time::timeout(Duration::from_secs(20), place.connect()).await.expect("there is room again");
    late.head().await.unwrap();
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_is_refused_and_the_connection_goes_on() {
    let place = Place::start("").await;
    let huge = sent(&met(&["amina", "ben"]));
    let huge = v1::NewEvent { event: vec![0; 5 * 1024 * 1024].into(), ..huge };
    for _ in 0..20 {
        let refused = place.raw.append(vec![huge.clone()]).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "LIMIT_EXCEEDED"));
    }
    place.honest().await;
    let grown = place.memory() / MIB;
    assert!(grown < 256, "{grown} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_that_goes_on_is_not_cut() {
    let place = Place::start("[limits]\nstall_ms = 3000\n").await;
    place.fill(5_000).await;
    let head = place.head().await;
    let mut slow = place.raw.subscribe(None, None).await.unwrap();
    let mut read = 0;
    while read < head {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let message = slow.next().await.unwrap().expect("whoever goes on reading is not cut");
        read += message.entries.len() as u64;
    }
    assert_eq!(read, head);
}
