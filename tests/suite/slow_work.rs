//! Slow work: it has threads of its own, ends with its callers, and keeps nobody else waiting.

use futures_util::future::join_all;
use kith_proto::v1;
use kith_tests::{
    events::{met, person_added, sent},
    hostile::{ENDLESS_REPORT, HOSTILE},
    raw::{Raw, Refusal},
    server::Server,
};
use std::{
    fs,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::Code;

/// Slow calls that one principal may have at a time.
const SLOW_CALLS_MAX: usize = 16;
/// Long enough for a busy machine, and far less than an endless report takes.
const SOON: Duration = Duration::from_secs(3);
const DAY: i32 = 20_000;

/// A server, with an endless report in the network `default`.
struct Place {
    server: Server,
    owner: Raw,
    _files: TempDir,
}

impl Place {
    async fn start(settings: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (file, report) = (files.path().join("kith.toml"), files.path().join("endless.wasm"));
        fs::write(&file, settings).unwrap();
        fs::write(&report, &*ENDLESS_REPORT).unwrap();
        let server = Server::start_with(&["--config", file.to_str().unwrap()]);
        let owner = Raw::connect(&server.url(), &server.token()).await;
        fill(&owner).await;
        server.cli().run(&["plugin", "install", report.to_str().unwrap()]).ok();
        Self { server, owner, _files: files }
    }

    /// Requests the endless report several times, each as of a different day.
    fn ask(&self, times: i32) -> Vec<JoinHandle<Result<v1::QueryViewResponse, Refusal>>> {
        let ask = |number| {
            let owner = self.owner.clone();
            let query = v1::QueryViewRequest { at: Some(DAY + number), ..of("loops") };
            tokio::spawn(async move { owner.query(query).await })
        };
        (0..times).map(ask).collect()
    }

    /// A user in another network, which also has events.
    async fn other_network(&self) -> Raw {
        self.owner.create_network("south").await.unwrap();
        let south = self.owner.network("south");
        fill(&south).await;
        let token = v1::IssueTokenRequest { role: v1::Role::Analyst.into(), ..Default::default() };
        let (_, secret) = south.issue_token(token).await.unwrap();
        Raw::connect(&self.server.url(), &secret).await.network("south")
    }
}

/// More entries than are read without a separate thread.
async fn fill(raw: &Raw) {
    raw.append(["amina", "ben"].map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
    raw.append((0..100).map(|_| sent(&met(&["amina", "ben"]))).collect()).await.unwrap();
}

fn of(view: &str) -> v1::QueryViewRequest {
    v1::QueryViewRequest { view: view.to_owned(), ..Default::default() }
}

async fn soon<T>(what: &str, call: impl Future<Output = Result<T, Refusal>>) -> T {
    let begun = Instant::now();
    let answer = tokio::time::timeout(SOON, call).await.unwrap_or_else(|_| panic!("{what} waits"));
    println!("{what}: {:?}", begun.elapsed());
    answer.unwrap_or_else(|refusal| panic!("{what}: {refusal:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_does_not_end_keeps_no_other_network_waiting_and_ends_when_it_is_removed() {
    let place = Place::start("").await;
    let south = place.other_network().await;
    soon("the view is built", south.query(of("strength"))).await;
    let asked = place.ask(40);
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..3 {
        soon("people", south.list_people()).await;
        soon("rows", south.query(of("strength"))).await;
        soon("rows of a day", south.query(v1::QueryViewRequest { at: Some(DAY), ..of("strength") })).await;
        soon("a report", south.query(of("bridges"))).await;
        soon("entries", south.read(v1::ReadRequest { limit: 1_000, ..Default::default() })).await;
        soon("the head", south.head()).await;
    }
    soon("removing it", place.owner.remove_plugin("loops")).await;
    let ended = tokio::time::timeout(SOON, join_all(asked)).await.expect("what was asked of it ends with it");
    let refusals: Vec<Refusal> = ended.into_iter().map(|ended| ended.unwrap().unwrap_err()).collect();
    let (limited, removed): (Vec<_>, Vec<_>) =
        refusals.into_iter().partition(|refusal| refusal.reason == "RATE_LIMITED");
    assert_eq!((limited.len(), removed.len()), (40 - SLOW_CALLS_MAX, SLOW_CALLS_MAX));
    for refusal in limited.iter().chain(&removed) {
        assert!(refusal.retry_after.is_some_and(|delay| !delay.is_zero()), "{refusal:?}");
    }
    assert!(removed.iter().all(|refusal| refusal.reason == "VIEW_BUILDING"), "{removed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_ends_the_work_that_was_asked_for() {
    let place = Place::start("").await;
    let asked = place.ask(16);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(place.owner.query(of("bridges")).await.unwrap_err().reason, "RATE_LIMITED");
    asked.iter().for_each(JoinHandle::abort);
    tokio::time::sleep(Duration::from_millis(500)).await;
    soon("a report, on the one thread of its principal", place.owner.query(of("bridges"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_given_up_with_a_reason() {
    let place = Place::start("[limits]\nunary_deadline_s = 1\n").await;
    let refusal = soon("it is given up", async { Ok(place.owner.query(of("loops")).await.unwrap_err()) }).await;
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"), "{refusal:?}");
    soon("the next report", place.owner.query(of("bridges"))).await;
    assert!(place.server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_report_is_asked_for_by_one_or_two_ids() {
    let place = Place::start("").await;
    let explain = |key: Vec<String>| {
        place.owner.explain(v1::ExplainRowRequest { view: "bridges".to_owned(), key, ..Default::default() })
    };
    let many = explain(vec!["amina".to_owned(); 100_000]).await.unwrap_err();
    assert_eq!((many.reason.as_str(), many.field.as_str()), ("REQUEST_INVALID", "key"));
    let long = explain(vec!["a".repeat(100_000)]).await.unwrap_err();
    assert_eq!((long.reason.as_str(), long.field.as_str()), ("LIMIT_EXCEEDED", "key"));
    assert!(long.message.len() < 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_that_waits_for_its_view_keeps_no_other_network_waiting() {
    let server = Server::start();
    let (owner, cli, files) =
        (Raw::connect(&server.url(), &server.token()).await, server.cli(), TempDir::new().unwrap());
    owner.create_network("south").await.unwrap();
    let guests: Vec<String> = (0..9).map(|number| format!("guest-{number}")).collect();
    owner.append(guests.iter().map(|id| sent(&person_added(id, ""))).collect()).await.unwrap();
    let file = files.path().join("hostile.wasm");
    fs::write(&file, &*HOSTILE).unwrap();
    let install = ["plugin", "install", file.to_str().unwrap(), "--name", "slow", "--settings"];
    cli.run(&[&install[..], &["{}"]].concat()).ok();
    let slow = cli.json(&[&install[..], &[r#"{"l":1}"#]].concat());
    // 36 pairs, on each of which the second version loops until its fuel is used up.
    let met = ["met", "--attribute", "poison=1"].into_iter().chain(guests.iter().map(String::as_str));
    cli.run(&met.collect::<Vec<_>>()).ok();
    let activate = |_| {
        let (mut plugins, network) = (owner.plugins(), owner.network_name());
        let version = slow["version"].as_str().unwrap().to_owned();
        let request = v1::ActivatePluginRequest { network, name: "slow".to_owned(), version };
        tokio::spawn(async move { plugins.activate_plugin(request).await.map_err(Refusal::from) })
    };
    let activating: Vec<_> = (0..5).map(activate).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    let own = ["plugin", "install", "--builtin", "strength", "--name", "own", "--settings", r#"{"half_life_days":9}"#];
    cli.network("south").run(&own).ok();
    let took = begun.elapsed();
    for activated in join_all(activating).await {
        let refusal = activated.unwrap().unwrap_err();
        assert_eq!(refusal.reason, "VIEW_BUILDING", "{refusal:?}");
    }
    assert!(took < SOON, "installing in another network took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principal_has_so_many_streams_on_all_of_its_connections() {
    let place = Place::start("").await;
    let connections =
        join_all((0..2).map(|_| async { Raw::connect(&place.server.url(), &place.server.token()).await })).await;
    let mut open = Vec::new();
    for number in 0..256 {
        open.push(connections[number % 2].subscribe(None, None).await.unwrap());
    }
    let refused = connections[0].subscribe(None, None).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
    assert!(refused.retry_after.is_some(), "{refused:?}");
    open.clear();
    let again = async {
        while connections[1].subscribe(None, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    };
    soon("a stream when others are closed", again).await;
}
