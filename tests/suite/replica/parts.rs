//! Replicas of a part of a log: by people, by kind, by what a token may see, and when that changes.

use super::{Device, client};
use kith_client::{
    Client,
    replica::{Replica, ReplicaOptions, SyncError},
    v1,
};
use kith_core::{
    authority::Lost,
    event::{Event, HabitKind, Kind, Scope},
    filter::Filter,
    header::Header,
};
use kith_tests::{
    events::{confidential, met, organisation_added, person_added, sent},
    raw::Raw,
    server::Server,
};
use std::convert::Infallible;

const PEOPLE: [&str; 6] = ["amina", "ben", "carol", "dan", "emil", "fay"];
const MEETINGS: usize = 400;

/// A network in which every third meeting is riverside's own.
struct Network {
    server: Server,
    owner: Raw,
    riverside: String,
    hillside: String,
}

impl Network {
    async fn start() -> Self {
        let server = Server::start();
        let owner = Raw::connect(&server.url(), &server.token()).await;
        let mut directory = vec![organisation_added("riverside"), organisation_added("hillside")];
        directory.extend(PEOPLE.map(|person| person_added(person, "riverside")));
        owner.append(directory.iter().map(sent).collect()).await.unwrap();
        let (riverside, hillside) = (token(&owner, "riverside").await, token(&owner, "hillside").await);
        let network = Self { server, owner, riverside, hillside };
        network.record(0..MEETINGS).await;
        network
    }

    async fn record(&self, numbers: std::ops::Range<usize>) {
        let meeting = |number: usize| -> Event {
            let pair = [PEOPLE[number % 6], PEOPLE[(number + 1 + number / 6 % 5) % 6]];
            if number.is_multiple_of(3) { confidential(met(&pair)) } else { met(&pair) }
        };
        let raw = Raw::connect(&self.server.url(), &self.riverside).await;
        raw.append(numbers.map(|number| sent(&meeting(number))).collect()).await.unwrap();
    }

    fn client(&self, token: &str) -> Client {
        client(&self.server.url(), token)
    }

    fn device(&self, token: &str, filter: Filter) -> Device {
        let folder = tempfile::tempdir().unwrap();
        let options = ReplicaOptions { filter, ..ReplicaOptions::new("default".parse().unwrap()) };
        Device { replica: Replica::open(folder.path(), options).unwrap(), client: self.client(token), folder }
    }
}

async fn token(owner: &Raw, organisation: &str) -> String {
    issue(owner, organisation).await.1
}

/// A new token's id and secret.
async fn issue(owner: &Raw, organisation: &str) -> (String, String) {
    let role = v1::Role::Recorder.into();
    let request = v1::IssueTokenRequest { role, organisation: organisation.to_owned(), ..Default::default() };
    owner.issue_token(request).await.unwrap()
}

fn people(ids: &[&str]) -> Filter {
    Filter { people: ids.iter().map(|id| id.parse().unwrap()).collect(), ..Filter::default() }
}

/// The device holds exactly what the server returns for it.
async fn expect_same(device: &Device, filter: &Filter) -> usize {
    device.expect_level().await;
    let mut options = kith_client::ReadOptions { filter: filter.clone(), limit: 10_000, ..Default::default() };
    let given = device.client.read(&options).await.unwrap();
    options.filter = Filter::default();
    let held = device.replica.read(&options).unwrap();
    assert!(given.end && held.end);
    assert_eq!(held.entries.bytes, given.entries.bytes);
    held.entries.len()
}

#[tokio::test]
async fn parts_hash_to_the_root_and_change_by_their_difference() {
    let network = Network::start().await;
    let amina = people(&["amina"]);
    let device = network.device(&network.server.token(), amina.clone());
    device.replica.sync(&device.client).await.unwrap();
    let few = expect_same(&device, &amina).await;
    assert!(device.replica.status().unwrap().has_gaps);

    let both = people(&["amina", "ben"]);
    let changed = device.replica.set_filter(&device.client, both.clone()).await.unwrap();
    let more = expect_same(&device, &both).await;
    assert_eq!((changed.fetched, changed.removed), ((more - few) as u64, 0));

    network.record(MEETINGS..MEETINGS + 50).await;
    device.replica.sync(&device.client).await.unwrap();
    expect_same(&device, &both).await;
    let device = device.reopened();
    let changed = device.replica.set_filter(&device.client, people(&["ben"])).await.unwrap();
    assert!(changed.removed > 0);
    expect_same(&device, &people(&["ben"])).await;
    device.replica.set_filter(&device.client, Filter::default()).await.unwrap();
    expect_same(&device, &Filter::default()).await;
    let kinds = Filter { kinds: vec![Kind::Habit(HabitKind::Helped)], ..Filter::default() };
    device.replica.set_filter(&device.client, kinds.clone()).await.unwrap();
    expect_same(&device, &kinds).await;
    network.record(MEETINGS + 50..MEETINGS + 60).await;
    device.replica.sync(&device.client).await.unwrap();
    expect_same(&device, &kinds).await;
}

#[tokio::test]
async fn another_token_takes_away_what_it_may_not_see_and_brings_what_it_may() {
    let network = Network::start().await;
    let confidential =
        |device: &Device| device.events().iter().filter(|event| event.scope == Scope::Organisation).count();
    let device = network.device(&network.riverside, Filter::default());
    device.replica.sync(&device.client).await.unwrap();
    let seen = confidential(&device);
    assert!(seen > 100);

    let device = Device { client: network.client(&network.hillside), ..device };
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.removed, confidential(&device)), (seen as u64, 0));
    expect_same(&device, &Filter::default()).await;
    let device = Device { client: network.client(&network.riverside), ..device };
    device.replica.sync(&device.client).await.unwrap();
    assert_eq!(confidential(&device), seen);
    expect_same(&device, &Filter::default()).await;
    drop(network.owner);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_takes_what_only_its_organisation_may_see() {
    let network = Network::start().await;
    let confidential =
        |device: &Device| device.events().iter().filter(|event| event.scope == Scope::Organisation).count();
    let (offline, online) = (issue(&network.owner, "riverside").await, issue(&network.owner, "riverside").await);
    let away = network.device(&offline.1, Filter::default());
    away.replica.sync(&away.client).await.unwrap();
    let seen = confidential(&away);
    assert!(seen > 100);
    away.meet(&["amina", "ben"]);
    let here = network.device(&online.1, Filter::default());
    let following = tokio::spawn({
        let (replica, client) = (here.replica.clone(), here.client.clone());
        async move { replica.follow(&client).await }
    });
    here.replica.head_watch().wait_for(|head| *head >= away.replica.head()).await.unwrap();
    for (id, _) in [&offline, &online] {
        network.server.cli().run(&["token", "revoke", id]).ok();
    }

    let told = tokio::time::timeout(std::time::Duration::from_secs(30), following).await.expect("it ends").unwrap();
    assert!(
        matches!(told, SyncError::ScopeLost { lost: Lost::Organisation, removed } if removed == seen as u64),
        "{told}"
    );
    let told = away.replica.sync(&away.client).await.unwrap_err();
    assert!(
        matches!(told, SyncError::ScopeLost { lost: Lost::Organisation, removed } if removed == seen as u64),
        "{told}"
    );
    for device in [&away, &here] {
        assert_eq!((confidential(device), device.replica.check().unwrap().problems), (0, Vec::new()));
    }
    assert!(matches!(away.replica.sync(&away.client).await, Err(SyncError::ScopeLost { removed: 0, .. })));

    let away = Device { client: network.client(&network.riverside), ..away };
    let report = away.replica.sync(&away.client).await.unwrap();
    assert_eq!((report.accepted, confidential(&away)), (1, seen), "what was recorded is sent, and the rest comes back");
    expect_same(&away, &Filter::default()).await;
}

#[tokio::test]
async fn own_events_that_the_filter_drops_do_not_stay_on_their_way() {
    let network = Network::start().await;
    let device = network.device(&network.server.token(), people(&["amina"]));
    device.replica.sync(&device.client).await.unwrap();
    device.meet(&["ben", "carol"]);
    device.meet(&["ben", "amina"]);
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!(report.accepted, 2);
    assert!(device.replica.pending().unwrap().is_empty());
    let page = device.replica.read(&kith_client::ReadOptions { limit: 10_000, ..Default::default() }).unwrap();
    let last = page.entries.decode().unwrap().pop().unwrap();
    let header = Header::resolve(&last.entry, &last.event, |_| Ok::<_, Infallible>(None)).unwrap();
    assert!(header.people.contains(&"amina".parse().unwrap()));
}
