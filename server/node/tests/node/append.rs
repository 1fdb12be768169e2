//! Appends, reads and proofs.

use crate::harness::{Running, field, met, reason, scoped_event, start, with_token};
use kith_core::{
    entry::Entry,
    event::{Fact, Habit, Met, Scope},
};
use kith_proto::v1::{self, ErrorReason, append_result::Result as Outcome};
use tonic::{Code, Status};
use tonic_types::StatusExt;

async fn read(node: &Running, request: v1::ReadRequest) -> v1::ReadResponse {
    let request = v1::ReadRequest { network: "default".into(), ..request };
    node.log().read(node.by_owner(request)).await.unwrap().into_inner()
}

fn positions(response: &v1::ReadResponse) -> Vec<u64> {
    response.entries.iter().map(|bytes| Entry::decode(bytes).unwrap().position.get()).collect()
}

#[tokio::test]
async fn events_are_appended_once_and_read_back_byte_for_byte() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let event = met(10, &["amina", "ben"]);
    let first = node.append(vec![event.clone()]).await.unwrap();
    assert_eq!(first, [v1::AppendOutcome { position: 4, duplicate: false }]);
    let again = node.append(vec![event.clone()]).await.unwrap();
    assert_eq!(again, [v1::AppendOutcome { position: 4, duplicate: true }]);

    let response = read(&node, v1::ReadRequest { after: 3, ..v1::ReadRequest::default() }).await;
    assert_eq!(Entry::decode(&response.entries[0]).unwrap().event_bytes, event.event);
    assert_eq!((response.next, response.end, response.head), (4, true, 4));
}

#[tokio::test]
async fn reads_go_both_ways_in_pages() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben", "carol"]).await;
    let page = |after, direction: v1::Direction| v1::ReadRequest {
        after,
        limit: 3,
        direction: direction.into(),
        ..v1::ReadRequest::default()
    };
    let first = read(&node, page(0, v1::Direction::Forward)).await;
    let rest = read(&node, page(first.next, v1::Direction::Forward)).await;
    assert_eq!((positions(&first), positions(&rest), rest.end), (vec![1, 2, 3], vec![4], true));
    let newest = read(&node, page(0, v1::Direction::Backward)).await;
    let older = read(&node, page(newest.next, v1::Direction::Backward)).await;
    assert_eq!((positions(&newest), positions(&older), older.end), (vec![4, 3, 2], vec![1], true));
}

async fn check_refused(node: &Running, events: Vec<v1::NewEvent>, code: Code, why: ErrorReason, at: &str) -> Status {
    let head = read(node, v1::ReadRequest::default()).await.head;
    let status = node.append(events).await.unwrap_err();
    assert_eq!((status.code(), reason(&status), field(&status).as_str()), (code, why, at));
    assert_eq!(read(node, v1::ReadRequest::default()).await.head, head, "nothing of a refused append counts");
    status
}

#[tokio::test]
async fn refusals_name_the_event_and_the_field() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let good = || met(10, &["amina", "ben"]);
    let invalid = Code::InvalidArgument;

    let (missing, at) = (vec![good(), met(11, &["amina", "nobody"])], "events[1].event.met.people");
    let status = check_refused(&node, missing, Code::NotFound, ErrorReason::PersonUnknown, at).await;
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    assert_eq!((metadata["event"].as_str(), metadata["person"].as_str()), ("1", "nobody"));

    let alone = vec![met(11, &["amina"])];
    check_refused(&node, alone, invalid, ErrorReason::EventInvalid, "events[0].event.met.people").await;
    let noise = v1::NewEvent { event: vec![255; 9].into(), ..good() };
    check_refused(&node, vec![good(), noise], invalid, ErrorReason::EventInvalid, "events[1].event").await;
    let many = (0..1_001).map(|number| met(number + 10, &["amina", "ben"])).collect();
    check_refused(&node, many, invalid, ErrorReason::LimitExceeded, "events").await;
    check_refused(&node, Vec::new(), invalid, ErrorReason::RequestInvalid, "events").await;
    let detail = v1::Detail {
        kind: v1::DetailKind::Note.into(),
        subjects: vec!["amina".into()],
        text: "not committed to".into(),
        salt: vec![1; 32],
    };
    let unknown = v1::NewEvent { details: vec![detail], ..good() };
    check_refused(&node, vec![unknown], invalid, ErrorReason::DetailsMismatch, "events[0].details").await;

    node.append(vec![good()]).await.unwrap();
    let other = scoped_event(
        10,
        Scope::Network,
        Fact::Habit(Habit::Met(Met { people: vec!["ben".parse().unwrap(), "amina".parse().unwrap()] })),
    );
    check_refused(&node, vec![other], Code::AlreadyExists, ErrorReason::EventIdReused, "events[0].event.id").await;
}

#[tokio::test]
async fn a_condition_that_does_not_hold_tells_the_head() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let append = |expected| v1::AppendRequest {
        network: "default".into(),
        events: vec![met(10, &["amina", "ben"])],
        condition: Some(v1::Condition { condition: Some(v1::condition::Condition::ExpectedHead(expected)) }),
    };
    let status = node.log().append(node.by_owner(append(2))).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Aborted, ErrorReason::ConditionFailed));
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["head"], "3");
    node.log().append(node.by_owner(append(3))).await.unwrap();
}

#[tokio::test]
async fn a_message_above_the_limit_is_named_so() {
    let (node, _data) = start().await;
    let large = v1::NewEvent { event: vec![0; 3 << 20].into(), ..v1::NewEvent::default() };
    let status = node.append(vec![large]).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::LimitExceeded);
}

#[tokio::test]
async fn a_stream_answers_every_event_in_order_whatever_became_of_it() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let noise = v1::NewEvent { event: vec![255; 9].into(), ..v1::NewEvent::default() };
    let messages = vec![
        vec![met(10, &["amina", "ben"]), noise, met(11, &["amina", "nobody"])],
        vec![met(12, &["amina", "ben"])],
        vec![met(10, &["amina", "ben"])],
    ];
    let messages = messages.into_iter().map(|events| v1::AppendStreamRequest { network: "default".into(), events });
    let stream = tokio_stream::iter(messages.collect::<Vec<_>>());
    let mut answers = node.log().append_stream(node.by_owner(stream)).await.unwrap().into_inner();
    let mut results = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        results.extend(answer.results);
    }
    let numbers: Vec<_> = results.iter().map(|result| result.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let told = results.into_iter().map(|result| match result.result.unwrap() {
        Outcome::Outcome(outcome) => Ok((outcome.position, outcome.duplicate)),
        Outcome::Refused(refused) => Err((refused.reason(), refused.field)),
    });
    let expected = [
        Ok((4, false)),
        Err((ErrorReason::EventInvalid, "event".to_owned())),
        Err((ErrorReason::PersonUnknown, "event.met.people".to_owned())),
        Ok((5, false)),
        Ok((4, true)),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn proofs_are_given_of_what_the_caller_may_see() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let recorder = v1::IssueTokenRequest {
        network: "default".into(),
        role: v1::Role::Recorder.into(),
        organisation: "riverside".into(),
        ..v1::IssueTokenRequest::default()
    };
    let (_, recorder) = node.issue(recorder).await;
    let met = Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] };
    let hidden = scoped_event(20, Scope::Organisation, Fact::Habit(Habit::Met(met)));
    let append = v1::AppendRequest { network: "default".into(), events: vec![hidden], condition: None };
    node.log().append(with_token(&recorder, append)).await.unwrap();

    let id = "00000000-0000-8000-8000-000000000014".parse::<kith_core::id::EventId>().unwrap();
    let ask = || v1::GetInclusionProofRequest { network: "default".into(), event: id.as_bytes().to_vec(), size: 0 };
    let proof = node.audit().get_inclusion_proof(with_token(&recorder, ask())).await.unwrap().into_inner();
    let head = v1::HeadRequest { network: "default".into() };
    let head = node.log().head(node.by_owner(head)).await.unwrap().into_inner();
    assert_eq!((proof.position, proof.size, &proof.root), (5, 5, &head.root));

    let status = node.audit().get_inclusion_proof(node.by_owner(ask())).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::EventUnknown, "to others the event does not exist");

    let consistency = |from, to| v1::GetConsistencyProofRequest { network: "default".into(), from, to };
    let proof = node.audit().get_consistency_proof(node.by_owner(consistency(2, 0))).await.unwrap().into_inner();
    assert_eq!((proof.to, proof.to_root), (5, head.root));
    let status = node.audit().get_consistency_proof(node.by_owner(consistency(2, 9))).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::PositionAhead);
    let status = node.audit().get_consistency_proof(node.by_owner(consistency(3, 2))).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::RequestInvalid);
}

#[tokio::test]
async fn a_stream_into_an_unknown_network_ends_with_the_reason() {
    let (node, _data) = start().await;
    let message = v1::AppendStreamRequest { network: "north".into(), events: Vec::new() };
    let stream = tokio_stream::iter(vec![message]);
    let mut answers = node.log().append_stream(node.by_owner(stream)).await.unwrap().into_inner();
    assert_eq!(reason(&answers.message().await.unwrap_err()), ErrorReason::NetworkUnknown);
}

#[tokio::test]
async fn a_stream_takes_more_messages_than_are_in_flight() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let messages = (0..100).map(|number| v1::AppendStreamRequest {
        network: "default".into(),
        events: vec![met(100 + number * 2, &["amina", "ben"]), met(101 + number * 2, &["ben", "amina"])],
    });
    let stream = tokio_stream::iter(messages.collect::<Vec<_>>());
    let mut answers = node.log().append_stream(node.by_owner(stream)).await.unwrap().into_inner();
    let mut next = 1;
    while let Some(answer) = answers.message().await.unwrap() {
        for result in answer.results {
            let expected = Some(Outcome::Outcome(v1::AppendOutcome { position: next + 3, duplicate: false }));
            assert_eq!((result.number, result.result), (next, expected));
            next += 1;
        }
    }
    assert_eq!(next, 201);
}
