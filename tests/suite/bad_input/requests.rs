//! Requests that no well-behaved client makes, sent without the client library.

use bytes::Bytes;
use kith_core::{
    event::Event,
    timestamp::{DAY_MS, Timestamp},
};
use kith_proto::v1::{self, NewEvent};
use kith_tests::{
    events::{confidential, met, new_id, organisation_added, person_added, retracted, sent, sent_with_note},
    raw::{Raw, Refusal},
    server::Server,
};
use prost::Message;

async fn start() -> (Server, Raw) {
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let mut directory = vec![sent(&organisation_added("riverside"))];
    directory.extend(["amina", "ben"].map(|id| sent(&person_added(id, "riverside"))));
    raw.append(directory).await.unwrap();
    (server, raw)
}

/// A meeting whose message was modified after all checks.
fn changed(change: impl FnOnce(&mut v1::Event)) -> NewEvent {
    let mut event = v1::Event::decode(&met(&["amina", "ben"]).encode()[..]).unwrap();
    change(&mut event);
    NewEvent { event: event.encode_to_vec().into(), ..Default::default() }
}

fn good() -> NewEvent {
    sent(&met(&["amina", "ben"]))
}

fn attribute(key: &str, value: v1::attribute::Value) -> v1::Attribute {
    v1::Attribute { key: key.to_owned(), value: Some(value) }
}

/// The events are refused as a whole, for a reason at a field; in a stream the valid one beside them is recorded.
async fn check(raw: &Raw, name: &str, event: NewEvent, reason: &str, field: &str) {
    let head = raw.head().await.unwrap().position;
    let refused = raw.append(vec![good(), event.clone()]).await.expect_err(name);
    let expected = format!("events[1].{field}");
    assert_eq!((&refused.reason[..], &refused.field[..]), (reason, &expected[..]), "{name}: {refused:?}");
    assert_eq!(raw.head().await.unwrap().position, head, "{name}: all or none");
    let mut results = Vec::new();
    raw.append_stream(vec![vec![event, good()]], |result| results.push(result.result)).await.expect(name);
    let [Some(v1::append_result::Result::Refused(refused)), Some(v1::append_result::Result::Outcome(_))] = &results[..]
    else {
        panic!("{name}: {results:?}");
    };
    let reason_name = v1::ErrorReason::try_from(refused.reason).unwrap().as_str_name();
    assert_eq!((reason_name.trim_start_matches("ERROR_REASON_"), &refused.field[..]), (reason, field), "{name}");
    assert_eq!(raw.head().await.unwrap().position, head + 1, "{name}: the good one is kept");
}

#[tokio::test]
async fn events_that_break_a_rule_are_refused() {
    use v1::attribute::Value;
    let (_server, raw) = start().await;
    let unknown_field = [&good().event[..], &[0xf8, 0x07, 0x01]].concat();
    let unsorted = vec![attribute("b", Value::Flag(true)), attribute("a", Value::Flag(true))];
    let twice = vec![attribute("a", Value::Flag(true)), attribute("a", Value::Flag(false))];
    let many = (0..33).map(|number| attribute(&format!("a{number:02}"), Value::Flag(true))).collect();
    let of_bytes = |bytes: Vec<u8>| NewEvent { event: bytes.into(), ..Default::default() };
    let at = |event: &mut v1::Event, seconds: i64, nanos: i32| {
        event.occurred_at = Some(prost_types::Timestamp { seconds, nanos });
    };
    let fact = |fact: v1::event::Fact| changed(|event| event.fact = Some(fact));
    let mut other_note = sent_with_note(&met(&["amina", "ben"]), "a");
    other_note.details[0].text = "b".to_owned();
    let mut no_note = sent_with_note(&met(&["amina", "ben"]), "a");
    no_note.details.clear();
    let unsolicited = NewEvent { details: sent_with_note(&met(&["amina", "ben"]), "a").details, ..good() };
    let signed = NewEvent { signature: vec![7; 64], ..good() };
    let too_many_people = (0..65).map(|number| format!("p{number}")).collect();
    let tomorrow = i64::from(u32::try_from(now_ms() / 1_000).unwrap()) + DAY_MS / 1_000;
    let cases = [
        ("an unknown field", of_bytes(unknown_field), "EVENT_INVALID", "event"),
        ("no bytes", of_bytes(Vec::new()), "EVENT_INVALID", "event.id"),
        ("bytes that are cut off", of_bytes(good().event[..20].to_vec()), "EVENT_INVALID", "event"),
        ("bytes of something else", of_bytes(vec![0xff; 40]), "EVENT_INVALID", "event"),
        ("over 16 KiB", of_bytes(vec![0; 16 * 1024 + 1]), "LIMIT_EXCEEDED", "event"),
        ("no id", changed(|event| event.id.clear()), "EVENT_INVALID", "event.id"),
        ("a short id", changed(|event| event.id.truncate(15)), "EVENT_INVALID", "event.id"),
        ("the nil id", changed(|event| event.id = vec![0; 16]), "EVENT_INVALID", "event.id"),
        ("no time", changed(|event| event.occurred_at = None), "EVENT_INVALID", "event.occurred_at"),
        ("parts of a millisecond", changed(|event| at(event, 0, 1)), "EVENT_INVALID", "event.occurred_at"),
        ("the year 1066", changed(|event| at(event, -28_502_755_200, 0)), "EVENT_INVALID", "event.occurred_at"),
        ("tomorrow", changed(|event| at(event, tomorrow, 0)), "EVENT_INVALID", "event.occurred_at"),
        ("no scope", changed(|event| event.scope = 0), "EVENT_INVALID", "event.scope"),
        ("another scope", changed(|event| event.scope = 9), "EVENT_INVALID", "event.scope"),
        ("no salt", changed(|event| event.salt.clear()), "EVENT_INVALID", "event.salt"),
        ("a short salt", changed(|event| event.salt.truncate(8)), "EVENT_INVALID", "event.salt"),
        ("no fact", changed(|event| event.fact = None), "EVENT_INVALID", "event.fact"),
        ("unsorted attributes", changed(|event| event.attributes = unsorted), "EVENT_INVALID", "event.attributes"),
        ("an attribute twice", changed(|event| event.attributes = twice), "EVENT_INVALID", "event.attributes"),
        ("33 attributes", changed(|event| event.attributes = many), "LIMIT_EXCEEDED", "event.attributes"),
        (
            "not a number",
            changed(|event| event.attributes = vec![attribute("a", Value::Number(f64::NAN))]),
            "EVENT_INVALID",
            "event.attributes.value",
        ),
        (
            "no end",
            changed(|event| event.attributes = vec![attribute("a", Value::Number(f64::INFINITY))]),
            "EVENT_INVALID",
            "event.attributes.value",
        ),
        ("17 causes", changed(|event| event.caused_by = ids(17)), "LIMIT_EXCEEDED", "event.caused_by"),
        ("a short commitment", changed(|event| event.details = vec![vec![0; 31]]), "EVENT_INVALID", "event.details"),
        ("other words", other_note, "DETAILS_MISMATCH", "details"),
        ("words left out", no_note, "DETAILS_MISMATCH", "details"),
        ("words without commitment", unsolicited, "DETAILS_MISMATCH", "details"),
        ("a signature that nothing verifies", signed, "SIGNATURE_INVALID", "signature"),
        (
            "65 people",
            fact(v1::event::Fact::Met(v1::Met { people: too_many_people })),
            "LIMIT_EXCEEDED",
            "event.met.people",
        ),
        (
            "administration",
            fact(v1::event::Fact::TokenRevoked(v1::TokenRevoked { token: "owner".into() })),
            "EVENT_INVALID",
            "event.fact",
        ),
        ("directory in private", sent(&confidential(person_added("eve", ""))), "EVENT_INVALID", "event.scope"),
        ("somebody unknown", sent(&met(&["amina", "nobody"])), "PERSON_UNKNOWN", "event.met.people"),
    ];
    for (name, event, reason, field) in cases {
        check(&raw, name, event, reason, field).await;
    }
}

fn ids(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| new_id().as_bytes().to_vec()).collect()
}

/// The time of this process, from an id that contains it.
fn now_ms() -> i64 {
    let id = new_id();
    id.as_bytes()[..6].iter().fold(0, |time, byte| time << 8 | i64::from(*byte))
}

#[tokio::test]
async fn an_event_that_names_another_takes_its_scope() {
    let (server, owner) = start().await;
    let request = v1::IssueTokenRequest {
        role: v1::Role::Recorder.into(),
        organisation: "riverside".into(),
        ..Default::default()
    };
    let (_, secret) = owner.issue_token(request).await.unwrap();
    let member = Raw::connect(&server.url(), &secret).await;
    let open = met(&["amina", "ben"]);
    let hidden = confidential(met(&["amina", "ben"]));
    member.append(vec![sent(&open), sent(&hidden)]).await.unwrap();
    check(
        &member,
        "private about open",
        sent(&confidential(retracted(open.id))),
        "SCOPE_MISMATCH",
        "event.retracted.event",
    )
    .await;
    check(&member, "open about private", sent(&retracted(hidden.id)), "SCOPE_MISMATCH", "event.retracted.event").await;
}

/// The call is refused, and nothing changes.
async fn check_call<T: std::fmt::Debug>(
    raw: &Raw,
    name: &str,
    answer: impl Future<Output = Result<T, Refusal>>,
    expected: (&str, &str),
) {
    let head = raw.head().await.unwrap();
    let refused = answer.await.expect_err(name);
    assert_eq!((&refused.reason[..], &refused.field[..]), expected, "{name}: {refused:?}");
    assert_eq!(raw.head().await.unwrap(), head, "{name}");
}

#[tokio::test]
async fn appends_have_limits() {
    let (_server, raw) = start().await;
    let many = |count: usize| (0..count).map(|_| good()).collect::<Vec<_>>();
    let large = |count: usize| (0..count).map(|_| large_event()).collect::<Vec<_>>();
    check_call(&raw, "no events", raw.append(Vec::new()), ("REQUEST_INVALID", "events")).await;
    check_call(&raw, "1,001 events", raw.append(many(1_001)), ("LIMIT_EXCEEDED", "events")).await;
    check_call(&raw, "over 1 MiB", raw.append(large(150)), ("LIMIT_EXCEEDED", "events")).await;
    check_call(&raw, "over what a message may hold", raw.append(large(600)), ("LIMIT_EXCEEDED", "")).await;
    let filter = v1::Filter { people: (0..65).map(|number| format!("p{number}")).collect(), ..Default::default() };
    let none = Some(v1::condition::Condition::NoneMatch(v1::NoneMatch { after: 0, filter: Some(filter) }));
    check_call(&raw, "65 people in a filter", raw.append_if(vec![good()], none), ("LIMIT_EXCEEDED", "filter.people"))
        .await;
    let head = Some(v1::condition::Condition::ExpectedHead(1));
    check_call(&raw, "another head", raw.append_if(vec![good()], head), ("CONDITION_FAILED", "")).await;
    let elsewhere = raw.network("nowhere");
    check_call(&raw, "no network", elsewhere.append(vec![good()]), ("NETWORK_UNKNOWN", "")).await;
    let unnamed = raw.network("");
    check_call(&raw, "no name", unnamed.append(vec![good()]), ("REQUEST_INVALID", "network")).await;
    raw.append(many(1_000)).await.expect("the limit itself is allowed");
}

/// An event of about 8 KiB.
fn large_event() -> NewEvent {
    let attributes =
        (0..31).map(|number| attribute(&format!("a{number:02}"), v1::attribute::Value::Text("x".repeat(250))));
    changed(|event| event.attributes = attributes.collect())
}

#[tokio::test]
async fn reads_have_limits() {
    let (_server, raw) = start().await;
    let texts = |count: usize, text: &str| (0..count).map(|number| format!("{text}{number}")).collect::<Vec<_>>();
    let read = |request: v1::ReadRequest| raw.read(request);
    let filter = |filter: v1::Filter| raw.read(v1::ReadRequest { filter: Some(filter), ..Default::default() });
    let limit = v1::ReadRequest { limit: 10_001, ..Default::default() };
    check_call(&raw, "10,001 entries", read(limit), ("LIMIT_EXCEEDED", "limit")).await;
    let sideways = v1::ReadRequest { direction: 9, ..Default::default() };
    check_call(&raw, "sideways", read(sideways), ("REQUEST_INVALID", "direction")).await;
    let kinds = v1::Filter { kinds: vec!["meat".into()], ..Default::default() };
    check_call(&raw, "no kind", filter(kinds), ("REQUEST_INVALID", "filter.kinds")).await;
    let kinds = v1::Filter { kinds: texts(33, "custom:org.example/v"), ..Default::default() };
    check_call(&raw, "33 kinds", filter(kinds), ("LIMIT_EXCEEDED", "filter.kinds")).await;
    let people = v1::Filter { people: texts(65, "p"), ..Default::default() };
    check_call(&raw, "65 people", filter(people), ("LIMIT_EXCEEDED", "filter.people")).await;
    let people = v1::Filter { people: vec!["amina".into(), "amina".into()], ..Default::default() };
    check_call(&raw, "a person twice", filter(people), ("REQUEST_INVALID", "filter.people")).await;
    let organisations = v1::Filter { organisations: vec!["a b".into()], ..Default::default() };
    check_call(&raw, "no organisation", filter(organisations), ("REQUEST_INVALID", "filter.organisations")).await;
    let absent = new_id();
    check_call(&raw, "no event", raw.prove(absent.as_bytes()), ("EVENT_UNKNOWN", "event")).await;
    check_call(&raw, "no id", raw.prove(b"seven"), ("REQUEST_INVALID", "event")).await;
    let cursor = v1::Cursor { incarnation: Vec::new(), position: 0, filter: vec![7; 32] };
    let subscribed = async {
        match raw.subscribe(Some(cursor), None).await {
            Ok(mut updates) => updates.message().await.map_err(Refusal::from),
            Err(refusal) => Err(refusal),
        }
    };
    check_call(&raw, "another filter", subscribed, ("REQUEST_INVALID", "cursor.filter")).await;
}

#[tokio::test]
async fn queries_have_limits() {
    let (_server, raw) = start().await;
    raw.follow_view("strength", raw.head().await.unwrap().position).await.unwrap();
    let query = |change: fn(&mut v1::QueryViewRequest)| {
        let mut request = v1::QueryViewRequest { view: "strength".into(), ..Default::default() };
        change(&mut request);
        raw.query(request)
    };
    check_call(&raw, "no view", query(|query| query.view = "nothing".into()), ("VIEW_UNKNOWN", "view")).await;
    check_call(&raw, "10,001 rows", query(|query| query.page_size = 10_001), ("LIMIT_EXCEEDED", "page_size")).await;
    check_call(&raw, "no page", query(|query| query.page_token = "-1".into()), ("REQUEST_INVALID", "page_token")).await;
    check_call(&raw, "no column", query(|query| query.sort = "colour".into()), ("REQUEST_INVALID", "sort")).await;
    check_call(&raw, "no person", query(|query| query.person = "nobody".into()), ("PERSON_UNKNOWN", "person")).await;
    check_call(&raw, "ahead", query(|query| query.as_of = 999), ("POSITION_AHEAD", "")).await;
    let three = |query: &mut v1::QueryViewRequest| query.key = vec!["amina".into(), "ben".into(), "amina".into()];
    check_call(&raw, "a key of three", query(three), ("REQUEST_INVALID", "key")).await;
    let both = |query: &mut v1::QueryViewRequest| {
        (query.as_of, query.as_of_time) = (1, Some(prost_types::Timestamp::default()));
    };
    check_call(&raw, "two times", query(both), ("REQUEST_INVALID", "as_of_time")).await;
}

#[tokio::test]
async fn a_reused_id_is_refused_and_a_repeat_is_none() {
    let (_server, raw) = start().await;
    let first = met(&["amina", "ben"]);
    raw.append(vec![sent(&first)]).await.unwrap();
    let other = Event { occurred_at: Timestamp::from_millis(0), ..first.clone() };
    check(&raw, "the same id", sent(&other), "EVENT_ID_REUSED", "event.id").await;
    let resalted = Event { salt: [9; 16], ..first.clone() };
    assert!(raw.append(vec![sent(&resalted)]).await.unwrap()[0].duplicate, "the salt is not content");
    let stored = raw.read_all().await.unwrap();
    let bytes: Vec<Bytes> = stored.iter().map(|bytes| kith_tests::raw::decode(bytes).event_bytes).collect();
    assert!(bytes.contains(&sent(&first).event) && !bytes.contains(&sent(&resalted).event));
}
