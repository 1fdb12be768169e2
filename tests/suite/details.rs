//! Many readers of many details: the number of open details is bounded, all readers are answered, and nobody else waits
//! for them.

use futures_util::future::{join, join_all};
use kith_core::{
    detail::{Detail, DetailKind},
    event::Event,
};
use kith_proto::v1::{self, NewEvent};
use kith_tests::{
    events::{met, person_added, sent},
    process::peak_resident_bytes,
    raw::Raw,
    server::Server,
};
use std::time::{Duration, Instant};

/// Entries of eight details of 4 KiB each.
const ENTRIES: usize = 600;
/// Entries of them in one append.
const ENTRIES_AT_ONCE: usize = 25;
/// Number of readers, each with several calls at a time.
const READERS: usize = 12;
const CALLS_EACH: usize = 4;
/// Three times the budget of details: for opened details, for messages, and for bytes being sent.
const GROWTH_BYTES_MAX: u64 = 3 * 64 * 1024 * 1024;
/// Fast enough on a busy machine.
const SOON: Duration = Duration::from_secs(4);

/// A meeting with as many details as an event may have.
fn wordy() -> NewEvent {
    let event = met(&["amina", "ben"]);
    let detail = |number: u8| Detail {
        kind: DetailKind::Note,
        subjects: vec!["amina".parse().unwrap(), "ben".parse().unwrap()],
        text: "n".repeat(4_096),
        salt: [number; 32],
    };
    let details: Vec<Detail> = (0..8).map(detail).collect();
    let event = Event { details: details.iter().map(Detail::commitment).collect(), ..event };
    NewEvent { details: details.iter().map(Detail::to_proto).collect(), ..sent(&event) }
}

async fn reader(server: &Server, owner: &Raw) -> Raw {
    let request = v1::IssueTokenRequest { role: v1::Role::Reader.into(), ..Default::default() };
    let (_, secret) = owner.issue_token(request).await.unwrap();
    Raw::connect(&server.url(), &secret).await
}

/// Reads a page of the maximum size, after a position.
async fn read_page(reader: &Raw, after: u64) -> v1::ReadResponse {
    reader.read(v1::ReadRequest { after, limit: 10_000, ..Default::default() }).await.unwrap()
}

/// Reads everything in pages; returns the number of details.
async fn read_all(reader: &Raw) -> usize {
    let (mut after, mut details) = (0, 0);
    loop {
        let page = read_page(reader, after).await;
        details += page.details.iter().map(|entry| entry.details.len()).sum::<usize>();
        if page.end {
            return details;
        }
        assert!(page.next > after, "a page goes on");
        after = page.next;
    }
}

/// Repeatedly reads the newest entry; returns the longest time that it took.
async fn read_few(reader: &Raw) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let begun = Instant::now();
        let newest = v1::ReadRequest { limit: 1, direction: v1::Direction::Backward.into(), ..Default::default() };
        let answer = reader.read(newest).await.unwrap();
        assert!(!answer.entries.is_empty());
        longest = longest.max(begun.elapsed());
    }
    longest
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_many_words_share_a_budget_and_keep_nobody_waiting() {
    let server = Server::start();
    let owner = Raw::connect(&server.url(), &server.token()).await;
    owner.append(["amina", "ben"].map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
    for _ in 0..ENTRIES / ENTRIES_AT_ONCE {
        owner.append((0..ENTRIES_AT_ONCE).map(|_| wordy()).collect()).await.unwrap();
    }
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(reader(&server, &owner).await);
    }
    let few = reader(&server, &owner).await;
    assert_eq!(read_all(&few).await, ENTRIES * 8, "pages together have every detail once");
    let before = peak_resident_bytes(server.pid()).unwrap();
    let calls = readers.iter().flat_map(|reader| (0..CALLS_EACH).map(move |_| read_page(reader, 0)));
    let (pages, longest) = join(join_all(calls), read_few(&few)).await;
    for page in pages {
        let entries = page.entries.len();
        assert!(entries > 40 && entries < ENTRIES && !page.end, "{entries} entries are a page");
        assert_eq!(page.details.len(), entries - 2, "all but those who joined have details");
    }
    assert!(longest < SOON, "one entry took {longest:?}");
    let grown = peak_resident_bytes(server.pid()).unwrap() - before;
    println!("{} reads at a time: {grown} bytes more, one entry beside them took {longest:?}", READERS * CALLS_EACH);
    assert!(grown < GROWTH_BYTES_MAX, "{grown} bytes more");
}
