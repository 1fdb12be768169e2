//! More networks than have open views at a time: each still has its views, within the limits of the unit.

use kith_proto::v1;
use kith_tests::{
    events::{met, person_added, sent},
    process,
    programs::root,
    raw::{Raw, Refusal},
    server::Server,
};
use std::time::{Duration, Instant};

/// Views of 48 networks are open at a time.
const NETWORKS: usize = 70;

/// The most threads that the unit of `deploy/` allows.
fn tasks_max() -> u64 {
    let unit = std::fs::read_to_string(root().join("deploy/kithd.service")).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("TasksMax="));
    line.expect("the unit limits them").parse().unwrap()
}

fn strength(at: Option<i32>) -> v1::QueryViewRequest {
    v1::QueryViewRequest { view: "strength".to_owned(), at, ..Default::default() }
}

/// Queries until the view has caught up.
async fn ask(raw: &Raw, query: &v1::QueryViewRequest) -> v1::QueryViewResponse {
    let begun = Instant::now();
    loop {
        match raw.query(query.clone()).await {
            Ok(answer) => return answer,
            Err(Refusal { reason, .. }) if reason == "VIEW_BUILDING" => {}
            Err(refusal) => panic!("{refusal:?}"),
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "a view is never built");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_network_has_its_views_and_answers_for_the_past() {
    let server = Server::start();
    let owner = Raw::connect(&server.url(), &server.token()).await;
    let names: Vec<String> = (0..NETWORKS).map(|number| format!("network-{number}")).collect();
    for name in &names {
        owner.create_network(name).await.unwrap();
        let network = owner.network(name);
        network.append(["amina", "ben"].map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
        network.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap();
    }
    for name in &names {
        let network = owner.network(name);
        for query in [strength(None), strength(Some(30_000))] {
            let answer = ask(&network, &query).await;
            assert_eq!(answer.rows.len(), 1, "{name}: {query:?}");
        }
        let threads = process::threads(server.pid()).unwrap();
        assert!(threads < tasks_max() - 100, "{threads} threads");
    }
}
