//! What servers, clients and auditors give each other.

use super::Decoder;
use bytes::Bytes;
use kith_client::BundleReader;
use kith_core::{
    checkpoint::{Growth, Receipt, SignedCheckpoint},
    detail::Detail,
    entry::Entry,
    event::Event,
    position::Position,
    timestamp::Timestamp,
    tree::{Frontier, leaf_hash},
};
use kith_import::{Random, read_record};
use kith_proto::v1;
use prost::Message;
use serde_json::Value;

const PAIR: &str = include_str!("../../fixtures/pair.evidence");
const PAIR_KEY: &str = include_str!("../../fixtures/pair.key");
const VECTORS: &str = include_str!("../../fixtures/vectors.json");

pub(super) fn decoders() -> Vec<Decoder> {
    let vectors: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let events = vectors["events"].as_array().expect("there are events");
    let event_bytes: Vec<_> = events.iter().map(|event| unhex(&event["bytes"])).collect();
    let details: Vec<_> =
        events.iter().flat_map(|event| event["detail_bytes"].as_array().into_iter().flatten().map(unhex)).collect();
    let records = events.iter().map(|event| event["event"].to_string().into_bytes());
    let records = records.map(|event| [b"{\"event\":".as_slice(), &event, b"}"].concat());
    // What only servers record is refused in a record.
    let records: Vec<_> = records.filter(|record| read_record(record, &mut Random).is_ok()).collect();
    assert!(records.len() > events.len() / 4, "the rest is accepted");
    let note = |name: &str| vec![text(&vectors["notes"][name]).as_bytes().to_vec()];
    let mut checkpoints = note("earlier");
    checkpoints.extend(note("cosigned"));

    vec![
        Decoder::new("event", event_bytes.clone(), |bytes| {
            // Whoever reads a log takes what is appended, and means the same by it.
            let read = Event::read(bytes);
            let Ok(event) = Event::decode(bytes) else { return false };
            assert_eq!(event.encode(), bytes, "accepted bytes are those that an encoder writes");
            assert_eq!(read.as_ref(), Ok(&event), "a reader of logs reads it otherwise");
            true
        }),
        Decoder::new("later", event_bytes.clone(), |bytes| Event::read(bytes).is_ok()),
        Decoder::new("entry", entries(&event_bytes), |bytes| {
            let bytes = Bytes::copy_from_slice(bytes);
            let Ok(entry) = Entry::decode(&bytes) else { return false };
            assert_eq!(Entry::decode(&entry.encode()).as_ref(), Ok(&entry));
            let _ = entry.event();
            true
        }),
        Decoder::new("detail", details, |bytes| {
            v1::Detail::decode(bytes).is_ok_and(|detail| Detail::read(&detail).is_ok())
        }),
        Decoder::new("checkpoint", checkpoints, |bytes| {
            let Some(signed) = text_of(bytes).and_then(|text| SignedCheckpoint::parse(text).ok()) else { return false };
            assert_eq!(SignedCheckpoint::parse(&signed.to_string()).as_ref(), Ok(&signed));
            true
        }),
        Decoder::new("receipt", note("receipt"), |bytes| {
            let Some(receipt) = text_of(bytes).and_then(|text| Receipt::parse(text).ok()) else { return false };
            assert_eq!(Receipt::parse(&receipt.to_string()).as_ref(), Ok(&receipt));
            true
        }),
        Decoder::new("growth", note("growth"), |bytes| {
            let Some(growth) = text_of(bytes).and_then(|text| Growth::parse(text).ok()) else { return false };
            assert_eq!(Growth::parse(&growth.to_string()).as_ref(), Ok(&growth));
            true
        }),
        Decoder::new("evidence", vec![PAIR.as_bytes().to_vec()], |bytes| {
            let key = PAIR_KEY.trim().parse().expect("the key is one");
            let Ok(bundle) = BundleReader::open(bytes) else { return false };
            let Ok(mut entries) = bundle.verify_with(&key) else { return false };
            while let Ok(Some(_)) = entries.next() {}
            entries.verified().is_some()
        }),
        Decoder::new("tree", frontiers(), |bytes| {
            let Ok(frontier) = Frontier::decode(bytes) else { return false };
            assert_eq!(frontier.encode(), bytes, "accepted bytes are those that an encoder writes");
            true
        }),
        Decoder::new("record", records, |bytes| {
            let Ok(record) = read_record(bytes, &mut Random) else { return false };
            assert_eq!(Event::decode(&record.event().encode()).as_ref(), Ok(record.event()), "it can be appended");
            true
        }),
    ]
}

fn entries(events: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let entry = |(event, position): (&Vec<u8>, u64)| Entry {
        position: Position::new(position),
        recorded_at: Timestamp::from_millis(1_795_176_000_000),
        recorded_by: "person:amina".parse().expect("it is a principal"),
        organisation: "riverside".parse().ok(),
        event_bytes: Bytes::copy_from_slice(event),
        signature: None,
    };
    events.iter().zip(1..).map(entry).map(|entry| entry.encode().to_vec()).collect()
}

/// The right edges of the trees of the first sizes.
fn frontiers() -> Vec<Vec<u8>> {
    let mut frontier = Frontier::default();
    let edges = (0..20_u8).map(|number| {
        frontier.push(leaf_hash(&[number]));
        frontier.encode()
    });
    edges.collect()
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is a text")
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).expect("it is hexadecimal")
}
