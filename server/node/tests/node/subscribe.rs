//! Subscriptions: old and new entries on one path, cursors, and how streams end.

use crate::harness::{Running, field, met, reason, start, start_in, with_token};
use kith_core::entry::Entry;
use kith_proto::v1::{self, Cursor, ErrorReason, Filter, SubscribeResponse};
use prost::Message;
use tonic::{Code, Status, Streaming};

async fn subscribe(
    node: &Running,
    cursor: Option<Cursor>,
    filter: Option<Filter>,
) -> Result<Streaming<SubscribeResponse>, Status> {
    let request = v1::SubscribeRequest { network: "default".into(), cursor, filter, ..Default::default() };
    Ok(node.log().subscribe(node.by_owner(request)).await?.into_inner())
}

fn positions(message: &SubscribeResponse) -> Vec<u64> {
    message.entries.iter().map(|bytes| Entry::decode(bytes).unwrap().position.get()).collect()
}

#[tokio::test]
async fn history_goes_over_into_live_and_a_cursor_goes_on_without_gap() {
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    let mut stream = subscribe(&node, None, None).await.unwrap();
    let history = stream.message().await.unwrap().unwrap();
    assert_eq!((positions(&history), history.caught_up), (vec![1, 2, 3], true));
    node.append(vec![met(10, &["amina", "ben"])]).await.unwrap();
    let live = stream.message().await.unwrap().unwrap();
    assert_eq!((positions(&live), live.caught_up), (vec![4], true));
    drop(stream);

    node.append(vec![met(11, &["amina", "ben"])]).await.unwrap();
    let mut stream = subscribe(&node, live.cursor, None).await.unwrap();
    assert_eq!(positions(&stream.message().await.unwrap().unwrap()), [5]);
}

/// Streams that nobody reads are cheap to open: a message is large only after its reader took smaller ones.
#[tokio::test]
async fn messages_far_behind_the_head_grow_as_they_are_taken() {
    const FIRST_BYTES_MAX: usize = 8 * 1024;
    let (node, _data) = start().await;
    node.add_people(&["amina", "ben"]).await;
    for thousand in 1..=8 {
        let numbers = thousand * 1_000..(thousand + 1) * 1_000;
        node.append(numbers.map(|number| met(number, &["amina", "ben"])).collect()).await.unwrap();
    }
    let mut stream = subscribe(&node, None, None).await.unwrap();
    let mut sizes = Vec::new();
    loop {
        let message = stream.message().await.unwrap().unwrap();
        sizes.push(message.encoded_len());
        if message.caught_up {
            break;
        }
    }
    assert!((FIRST_BYTES_MAX / 2..=FIRST_BYTES_MAX).contains(&sizes[0]), "{sizes:?}");
    assert!(sizes[1] <= 2 * FIRST_BYTES_MAX && sizes[2] <= 4 * FIRST_BYTES_MAX, "{sizes:?}");
    assert!(sizes.iter().any(|bytes| *bytes > 8 * FIRST_BYTES_MAX), "{sizes:?}");
}

#[tokio::test]
async fn an_empty_log_is_caught_up_at_once() {
    let (node, _data) = start().await;
    let first = subscribe(&node, None, None).await.unwrap().message().await.unwrap().unwrap();
    assert_eq!((first.entries.len(), first.caught_up, first.cursor.unwrap().position), (0, true, 0));
}

#[tokio::test]
async fn a_cursor_moves_over_what_the_filter_leaves_out() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.limits.heartbeat_ms = 10).await;
    node.add_people(&["amina", "ben", "carol"]).await;
    let filter = Filter { people: vec!["carol".into()], ..Filter::default() };
    let mut stream = subscribe(&node, None, Some(filter)).await.unwrap();
    assert_eq!(positions(&stream.message().await.unwrap().unwrap()), [1, 2, 3, 4]);
    node.append(vec![met(10, &["amina", "ben"])]).await.unwrap();
    let moved = loop {
        let message = stream.message().await.unwrap().unwrap();
        assert!(message.entries.is_empty());
        if message.cursor.as_ref().unwrap().position == 5 {
            break message;
        }
    };
    assert!(moved.caught_up, "a heartbeat of a stream that has caught up says so");
}

#[tokio::test]
async fn cursors_that_cannot_go_on_are_refused() {
    let (node, _data) = start().await;
    node.add_people(&["amina"]).await;
    let first = subscribe(&node, None, None).await.unwrap().message().await.unwrap().unwrap();
    let cursor = first.cursor.unwrap();

    let other = Cursor { incarnation: vec![1; 16], ..cursor.clone() };
    let status = subscribe(&node, Some(other), None).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::FailedPrecondition, ErrorReason::ResetRequired));

    let ahead = Cursor { position: 3, ..cursor.clone() };
    let status = subscribe(&node, Some(ahead), None).await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, ErrorReason::PositionAhead));

    let filter = Filter { kinds: vec!["met".into()], ..Filter::default() };
    let status = subscribe(&node, Some(cursor), Some(filter)).await.unwrap_err();
    assert_eq!((reason(&status), field(&status).as_str()), (ErrorReason::RequestInvalid, "cursor.filter"));
}

#[tokio::test]
async fn a_revoked_token_ends_its_streams() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.limits.heartbeat_ms = 10).await;
    let reader = v1::IssueTokenRequest {
        network: "default".into(),
        role: v1::Role::Reader.into(),
        ..v1::IssueTokenRequest::default()
    };
    let (token, secret) = node.issue(reader).await;
    let request = v1::SubscribeRequest { network: "default".into(), ..v1::SubscribeRequest::default() };
    let mut stream = node.log().subscribe(with_token(&secret, request)).await.unwrap().into_inner();
    assert_eq!(positions(&stream.message().await.unwrap().unwrap()), [1]);
    let revoke = v1::RevokeTokenRequest { network: "default".into(), token: token.id };
    node.networks().revoke_token(node.by_owner(revoke)).await.unwrap();
    // The next heartbeat notices at the latest.
    let status = loop {
        if let Err(status) = stream.message().await {
            break status;
        }
    };
    assert_eq!(reason(&status), ErrorReason::TokenInvalid);
}

#[tokio::test]
async fn streams_end_when_the_server_goes_down() {
    let (node, _data) = start().await;
    let mut stream = subscribe(&node, None, None).await.unwrap();
    stream.message().await.unwrap().unwrap();
    let stopping = node.begin_to_stop();
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, ErrorReason::ShuttingDown));
    stopping.await.unwrap();
}
