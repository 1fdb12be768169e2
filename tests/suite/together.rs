//! Single events that one client appends at the same time share a stream: with the outcomes and errors of single calls.

use kith_client::{Client, Error, EventBuilder, NewEvent, Options, Outcome, Retry};
use kith_core::{
    event::{Answer, Answered, Met},
    position::Position,
};
use kith_tests::{
    events::{new_id, person_added, sent},
    proxy::Proxy,
    raw::Raw,
    server::Server,
};
use std::{collections::BTreeSet, time::Duration};

const PEOPLE: [&str; 2] = ["amina", "ben"];

async fn server() -> (Server, Raw) {
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.append(PEOPLE.map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
    (server, raw)
}

async fn client(server: &Server, change: impl FnOnce(&mut Options)) -> Client {
    let mut options = Options::new(server.url(), server.token(), "default".parse().unwrap());
    change(&mut options);
    Client::connect(options).await.unwrap()
}

fn met(people: &[&str]) -> NewEvent {
    let met = Met { people: people.iter().map(|id| id.parse().unwrap()).collect() };
    EventBuilder::new(met, kith_client::now()).build().unwrap()
}

/// Appends events, each with a call of its own, all at the same time.
async fn append_each(client: &Client, events: &[NewEvent]) -> Vec<Result<Outcome, Error>> {
    let calls = events.iter().map(|event| async move {
        let outcomes = client.append(std::slice::from_ref(event), None).await?;
        assert_eq!(outcomes.len(), 1);
        Ok(outcomes[0])
    });
    futures_util::future::join_all(calls).await
}

fn position(outcome: &Result<Outcome, Error>) -> Position {
    match outcome.as_ref().unwrap() {
        Outcome::Accepted(position) | Outcome::Duplicate(position) => *position,
    }
}

fn positions(outcomes: &[Result<Outcome, Error>]) -> BTreeSet<Position> {
    outcomes.iter().map(position).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_call_gets_the_outcome_of_its_event() {
    let (server, raw) = server().await;
    let client = client(&server, |_| {}).await;
    let events: Vec<NewEvent> = (0..500).map(|_| met(&PEOPLE)).collect();
    let recorded = append_each(&client, &events).await;
    assert_eq!(positions(&recorded).len(), events.len());
    let entries = raw.read_all().await.unwrap();
    assert_eq!(entries.len(), events.len() + PEOPLE.len());
    for (event, outcome) in events.iter().zip(&recorded) {
        let place = usize::try_from(position(outcome).get()).unwrap() - 1;
        let entry = kith_core::entry::Entry::decode(&entries[place]).unwrap();
        assert_eq!(entry.event().unwrap().id, event.id());
    }
    // The same events once more are the same entries.
    let again = append_each(&client, &events).await;
    assert_eq!(positions(&again), positions(&recorded));
    assert!(again.iter().all(|outcome| matches!(outcome, Ok(Outcome::Duplicate(_)))));
    assert_eq!(raw.read_all().await.unwrap().len(), entries.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_those_of_single_calls() {
    let (server, _raw) = server().await;
    let alone = client(&server, |options| options.together = false).await;
    let client = client(&server, |_| {}).await;
    let known = met(&PEOPLE);
    alone.append(std::slice::from_ref(&known), None).await.unwrap();
    let mut other = known.event().clone();
    other.occurred_at = kith_core::timestamp::Timestamp::from_millis(1_000);
    let answer = Answered { referral: new_id(), by: "ben".parse().unwrap(), answer: Answer::Accepted };
    let wrong = [
        met(&["amina", "stranger"]),
        NewEvent::from_parts(other, Vec::new()).unwrap(),
        EventBuilder::new(answer, kith_client::now()).build().unwrap(),
    ];
    let right: Vec<NewEvent> = (0..20).map(|_| met(&PEOPLE)).collect();
    let all: Vec<NewEvent> = right.iter().chain(&wrong).chain(&right).cloned().collect();
    let outcomes = append_each(&client, &all).await;
    let refused: Vec<&Error> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refused.len(), wrong.len(), "what is wrong with one event is no matter of the others");
    for (event, found) in wrong.iter().zip(refused) {
        let expected = alone.append(std::slice::from_ref(event), None).await.unwrap_err();
        assert_eq!(*found, expected);
        assert!(found.had_no_effect() && found.event() == Some(0), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_meanwhile_records_each_event_once() {
    let (server, _raw) = server().await;
    let patient =
        Retry { attempts_max: 100, delay_first: Duration::from_millis(20), delay_max: Duration::from_millis(200) };
    let (data, proxy) = (server.data(), Proxy::start(&server.url()).await);
    let client = client(&server, |options| {
        (options.server, options.retry) = (proxy.url(), patient);
    })
    .await;
    let events: Vec<NewEvent> = (0..3_000).map(|_| met(&PEOPLE)).collect();
    let appending = {
        let (client, events) = (client.clone(), events.clone());
        tokio::spawn(async move {
            let mut recorded = Vec::new();
            for some in events.chunks(100) {
                recorded.extend(append_each(&client, some).await);
            }
            recorded
        })
    };
    let mut server = server;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        server.kill();
        server = Server::start_on(data.clone(), &[]);
        proxy.redirect(&server.url());
    }
    let recorded = appending.await.unwrap();
    assert_eq!(positions(&recorded).len(), events.len());
    let raw = Raw::connect(&server.url(), &server.token()).await;
    assert_eq!(raw.read_all().await.unwrap().len(), events.len() + PEOPLE.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_are_kept_apart_and_a_call_alone_is_a_call() {
    let (server, raw) = server().await;
    raw.create_network("north").await.unwrap();
    let north = raw.network("north");
    north.append(PEOPLE.map(|id| sent(&person_added(id, ""))).into()).await.unwrap();
    let client = client(&server, |_| {}).await;
    let of_north = client.with_network("north".parse().unwrap());
    let events = [(); 2].map(|()| (0..50).map(|_| met(&PEOPLE)).collect::<Vec<_>>());
    let (here, there) = tokio::join!(append_each(&client, &events[0]), append_each(&of_north, &events[1]));
    assert_eq!((positions(&here).len(), positions(&there).len()), (50, 50));
    assert_eq!(north.read_all().await.unwrap().len(), 50 + PEOPLE.len());
    // The stream ends by itself; then a call on its own needs none.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(append_each(&client, &[met(&PEOPLE)]).await.len(), 1);
}
