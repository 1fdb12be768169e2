//! Events with their JSON, bytes, commitments and content hashes.

use kith_core::{
    arbitrary::{Names, prepared_of},
    prepare::Prepared,
};
use kith_json::{derived::Derived, details_json, event_json, read_record};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use prost::Message;
use serde_json::{Value, json};

/// Records with the edges of every rule of the encoding.
const EDGES: &str = include_str!("edges.jsonl");
/// Number of generated events.
const GENERATED: usize = 120;

pub(crate) fn events() -> Vec<Value> {
    edges().chain(generated()).map(|prepared| event(&prepared)).collect()
}

/// The events of the records.
pub(crate) fn edges() -> impl Iterator<Item = Prepared> {
    let mut missing = Derived::of([7; 32]);
    EDGES.lines().map(move |line| {
        let record = read_record(line.as_bytes(), &mut missing).unwrap();
        Prepared::from_event(&record.event, &record.details).unwrap()
    })
}

/// The same events in every run.
fn generated() -> impl Iterator<Item = Prepared> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let events = prepared_of(&Names::any());
    (0..GENERATED).map(move |_| events.new_tree(&mut runner).unwrap().current())
}

fn event(prepared: &Prepared) -> Value {
    let Prepared { event, bytes, details } = prepared;
    json!({
        "event": event_json(event),
        "salt": hex::encode(event.salt),
        "details": details_json(details),
        "detail_salts": details.iter().map(|detail| hex::encode(detail.salt)).collect::<Vec<_>>(),
        "detail_bytes": details.iter().map(|detail| hex::encode(detail.to_proto().encode_to_vec())).collect::<Vec<_>>(),
        "commitments": event.details.iter().map(hex::encode).collect::<Vec<_>>(),
        "content_hash": hex::encode(event.content_hash()),
        "bytes": hex::encode(bytes),
    })
}
