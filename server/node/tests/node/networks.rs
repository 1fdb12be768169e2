//! Many networks on one server: the views of a few of them are open.

use crate::harness::{Running, met, riverside, start_in};
use kith_node::limits::{VIEWS_OPEN_MAX, VIEWS_RESTING_MAX, VIEWS_SWEEP};
use kith_proto::v1;
use std::time::{Duration, Instant};

/// More than may have open views.
const NETWORKS: usize = VIEWS_OPEN_MAX + 8;

fn name(number: usize) -> String {
    format!("network-{number}")
}

async fn create(node: &Running) {
    for number in 0..NETWORKS {
        let request = v1::CreateNetworkRequest { name: name(number) };
        node.networks().create_network(node.by_owner(request)).await.unwrap();
        let mut events = riverside(&["amina", "ben"]);
        events.push(met(10, &["amina", "ben"]));
        node.append_to(&name(number), events).await.unwrap();
    }
}

async fn query(node: &Running, number: usize, view: &str) -> v1::QueryViewResponse {
    let request = v1::QueryViewRequest { network: name(number), view: view.into(), ..Default::default() };
    node.views().query_view(node.by_owner(request)).await.unwrap().into_inner()
}

/// How many meetings count in the only row of `strength`.
async fn evidence(node: &Running, number: usize) -> u32 {
    let answer = query(node, number, "strength").await;
    assert_eq!(answer.rows.len(), 1, "{}", name(number));
    answer.rows[0].evidence
}

/// Waits until the views of as many networks are open.
async fn await_open(node: &Running, networks: usize) {
    let began = Instant::now();
    while node.node.views().open_networks() != networks {
        assert!(began.elapsed() < Duration::from_mins(1), "{} are open", node.node.views().open_networks());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_network_answers_although_few_have_open_views() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |_| {}).await;
    create(&node).await;
    for round in 1..3 {
        for number in 0..NETWORKS {
            assert_eq!(evidence(&node, number).await, round, "{}", name(number));
            assert!(node.node.views().open_networks() <= VIEWS_OPEN_MAX);
            node.append_to(&name(number), vec![met(10 + round, &["amina", "ben"])]).await.unwrap();
        }
    }
    // What is in use stays open, however many others are asked.
    let watch = v1::WatchViewRequest { network: name(0), view: "strength".into(), after: 0 };
    let mut watch = node.views().watch_view(node.by_owner(watch)).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().rows.len(), 1);
    for number in 1..NETWORKS {
        evidence(&node, number).await;
    }
    node.append_to(&name(0), vec![met(20, &["amina", "ben"])]).await.unwrap();
    let rows = watch.message().await.unwrap().unwrap().rows;
    assert_eq!(rows[0].evidence, 4);
    drop(watch);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_views_are_opened_where_there_is_something_to_process() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |_| {}).await;
    create(&node).await;
    for number in 0..NETWORKS {
        for builtin in kith_bundle::views() {
            // It has the first three entries and the meeting.
            assert_eq!(query(&node, number, builtin.name).await.position, 4);
        }
    }
    node.stop().await;

    let node = start_in(data.path(), |_| {}).await;
    tokio::time::sleep(2 * VIEWS_SWEEP + Duration::from_millis(500)).await;
    assert_eq!(node.node.views().open_networks(), VIEWS_RESTING_MAX, "the others are level and were not asked");
    let last = NETWORKS - 1;
    node.append_to(&name(last), vec![met(11, &["amina", "ben"])]).await.unwrap();
    await_open(&node, VIEWS_RESTING_MAX + 1).await;
    assert_eq!(evidence(&node, last).await, 2);
    node.stop().await;

    // Without the file it is found out by opening all of them.
    std::fs::remove_file(data.path().join("views/levels")).unwrap();
    let node = start_in(data.path(), |_| {}).await;
    await_open(&node, VIEWS_OPEN_MAX).await;
    for number in 0..NETWORKS {
        assert_eq!(evidence(&node, number).await, if number == last { 2 } else { 1 });
    }
    node.stop().await;
}
