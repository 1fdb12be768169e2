//! The built-in views over the wire.

use crate::harness::{Running, met, reason, start};
use kith_proto::v1::{self, ErrorReason};
use prost::Message;

fn query(view: &str) -> v1::QueryViewRequest {
    v1::QueryViewRequest { network: "default".into(), view: view.into(), ..v1::QueryViewRequest::default() }
}

async fn rows(node: &Running, request: v1::QueryViewRequest) -> v1::QueryViewResponse {
    node.views().query_view(node.by_owner(request)).await.unwrap().into_inner()
}

fn explain(key: &[&str]) -> v1::ExplainRowRequest {
    v1::ExplainRowRequest {
        network: "default".into(),
        view: "strength".into(),
        key: key.iter().map(|id| (*id).to_owned()).collect(),
        ..v1::ExplainRowRequest::default()
    }
}

#[tokio::test]
async fn a_client_finds_what_it_just_recorded_and_why() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben", "carol"]).await;
    for number in 10..20 {
        let outcomes = node.append(vec![met(number, &["amina", "ben"])]).await.unwrap();
        let answer = rows(&node, query("strength")).await;
        assert_eq!(answer.position, outcomes[0].position);
        assert_eq!((answer.rows.len(), answer.rows[0].evidence), (1, number - 9));
    }
    let answer = rows(&node, query("strength")).await;
    assert_eq!(answer.rows[0].key, ["amina", "ben"]);
    assert_eq!((answer.fields.len(), answer.total), (answer.rows[0].values.len(), 1));

    let why = node.views().explain_row(node.by_owner(explain(&["ben", "amina"]))).await.unwrap().into_inner();
    assert_eq!((why.evidence.len(), why.hidden, why.rows.len()), (10, 0, 1));
    let status = node.views().explain_row(node.by_owner(explain(&["ben", "carol"]))).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::RowUnknown);
    let status = node.views().explain_row(node.by_owner(explain(&[]))).await.unwrap_err();
    assert_eq!(reason(&status), ErrorReason::RequestInvalid);
}

#[tokio::test]
async fn rows_are_as_of_a_position_or_the_time_it_was_recorded() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben", "carol"]).await;
    node.append(vec![met(10, &["amina", "ben"])]).await.unwrap();
    node.append(vec![met(11, &["amina", "carol"])]).await.unwrap();
    assert_eq!(rows(&node, v1::QueryViewRequest { as_of: 5, ..query("strength") }).await.rows.len(), 1);
    let before = prost_types::Timestamp { seconds: 1, nanos: 0 };
    let answer = rows(&node, v1::QueryViewRequest { as_of_time: Some(before), ..query("strength") }).await;
    assert_eq!((answer.position, answer.rows.len()), (0, 0));
    let after = prost_types::Timestamp { seconds: 4_000_000_000, nanos: 0 };
    let answer = rows(&node, v1::QueryViewRequest { as_of_time: Some(after), ..query("strength") }).await;
    assert_eq!((answer.position, answer.rows.len()), (6, 2));
}

#[tokio::test]
async fn wrong_questions_are_refused() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let check = async |request: v1::QueryViewRequest, expected: ErrorReason| {
        let status = node.views().query_view(node.by_owner(request)).await.unwrap_err();
        assert_eq!(reason(&status), expected);
    };
    check(query("weather"), ErrorReason::ViewUnknown).await;
    check(query(""), ErrorReason::RequestInvalid).await;
    check(v1::QueryViewRequest { person: "nobody".into(), ..query("strength") }, ErrorReason::PersonUnknown).await;
    let organisation = v1::QueryViewRequest { organisation: "hillside".into(), ..query("strength") };
    check(organisation, ErrorReason::OrganisationUnknown).await;
    check(v1::QueryViewRequest { sort: "-luck".into(), ..query("strength") }, ErrorReason::RequestInvalid).await;
    check(v1::QueryViewRequest { as_of: 99, ..query("strength") }, ErrorReason::PositionAhead).await;
    check(v1::QueryViewRequest { page_size: 10_001, ..query("strength") }, ErrorReason::LimitExceeded).await;
    check(v1::QueryViewRequest { page_token: "x".into(), ..query("strength") }, ErrorReason::RequestInvalid).await;
    check(v1::QueryViewRequest { at: Some(i32::MAX), ..query("strength") }, ErrorReason::RequestInvalid).await;
}

#[tokio::test]
async fn built_in_views_follow_every_network_new_ones_too() {
    let (node, _data) = start().await;
    let create = v1::CreateNetworkRequest { name: "north".into() };
    node.networks().create_network(node.by_owner(create)).await.unwrap();
    for network in ["default", "north"] {
        let list = v1::ListViewsRequest { network: network.into(), ..Default::default() };
        let views = node.views().list_views(node.by_owner(list)).await.unwrap().into_inner().views;
        let names: Vec<_> = views.iter().map(|view| view.name.as_str()).collect();
        let mut builtins: Vec<_> = kith_bundle::BUILTINS.iter().map(|builtin| builtin.name).collect();
        builtins.sort_unstable();
        assert_eq!(names, builtins);
        assert!(views.iter().all(|view| view.component.len() == 32 && view.last_error.is_empty()));
    }
}

#[tokio::test]
async fn a_watch_gives_all_rows_then_what_changes() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben", "carol"]).await;
    node.append(vec![met(10, &["amina", "ben"])]).await.unwrap();
    let watch = v1::WatchViewRequest { network: "default".into(), view: "strength".into(), after: 0 };
    let mut stream = node.views().watch_view(node.by_owner(watch)).await.unwrap().into_inner();
    let mut keys = Vec::new();
    let mut has_fields = false;
    while keys.len() < 2 {
        let message = stream.message().await.unwrap().unwrap();
        has_fields |= !message.fields.is_empty();
        keys.extend(message.rows.into_iter().map(|row| row.key));
        if keys.len() == 1 && message.position == 5 {
            node.append(vec![met(11, &["ben", "carol"])]).await.unwrap();
        }
    }
    assert_eq!(keys, [["amina", "ben"], ["ben", "carol"]]);
    assert!(has_fields);
}

#[tokio::test]
async fn a_large_meeting_is_watched_in_messages_of_bounded_size() {
    const MESSAGE_BYTES: usize = 256 * 1024;
    let (node, _data) = start().await;
    let people: Vec<String> = (0..64).map(|number| format!("{number:060}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    node.add_people(&people).await;
    let met = node.append(vec![met(100, &people)]).await.unwrap()[0].position;
    let watch = v1::WatchViewRequest { network: "default".into(), view: "strength".into(), after: 0 };
    let mut stream = node.views().watch_view(node.by_owner(watch)).await.unwrap().into_inner();
    let (mut keys, mut messages) = (std::collections::BTreeSet::new(), 0);
    loop {
        let message = stream.message().await.unwrap().unwrap();
        let rows = v1::WatchViewResponse { fields: Vec::new(), ..message.clone() };
        assert!(rows.encoded_len() <= MESSAGE_BYTES);
        keys.extend(message.rows.into_iter().map(|row| row.key));
        messages += 1;
        if message.position == met {
            break;
        }
        assert!(message.position < met && keys.len() < 2_016, "the position is not complete yet");
    }
    assert_eq!(keys.len(), 2_016);
    assert!(messages > 1, "there are more rows than one message holds");
}
