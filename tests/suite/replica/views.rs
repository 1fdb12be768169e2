//! Views of a replica: the rows that the server derives, of the whole log and of a part of it, and with the outbox.

use super::{Device, options};
use futures_util::StreamExt;
use kith_bundle::BUILTINS;
use kith_client::{
    DigestQuery, RowQuery, ViewQuery,
    replica::{OfflineViews, Outbox, Replica, ReplicaOptions, ViewError},
    v1::Row,
};
use kith_core::reason::Reason;
use kith_core::{
    day::Day,
    event::{Event, HabitKind, Kind},
    filter::{Filter, PeopleMatch},
    position::Position,
};
use kith_tests::{
    events::{NOON, met, person_added, sent},
    random::Random,
    raw::Raw,
    server::Server,
    story::{PEOPLE, story},
};

async fn recorded(events: &[Event]) -> Server {
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.append(events.iter().map(sent).collect()).await.unwrap();
    server
}

fn of(view: &str) -> ViewQuery {
    ViewQuery { view: view.to_owned(), page_size: 10_000, ..ViewQuery::default() }
}

fn digest_of(view: &str, held: &Filter) -> DigestQuery {
    DigestQuery { view: view.to_owned(), held: held.clone(), ..DigestQuery::default() }
}

/// A row without its position and its marks.
fn unmarked(row: &Row) -> Row {
    Row { position: 0, partial: false, pending: false, ..row.clone() }
}

async fn rows(views: &OfflineViews, view: &str) -> Vec<Row> {
    views.query_view(&of(view)).await.unwrap().rows
}

/// Every view's digest equals the server's, and so does every complete row; returns the numbers of complete and partial
/// rows.
async fn expect_same_rows(device: &Device, views: &OfflineViews) -> (usize, usize) {
    let (held, mut counts) = (device.replica.filter().unwrap(), (0, 0));
    for view in kith_bundle::views().map(|builtin| builtin.name) {
        let there = device.client.digest_view(&digest_of(view, &held)).await.unwrap();
        let here = views.digest_view(&digest_of(view, &Filter::default())).await.unwrap();
        assert_eq!(here, there, "{view} of {held:?}");
        let theirs = device.client.query_view(&of(view)).await.unwrap().rows;
        let (partial, complete): (Vec<Row>, Vec<Row>) =
            rows(views, view).await.into_iter().partition(|row| row.partial);
        assert_eq!(complete.len() as u64, here.rows);
        for row in &complete {
            assert!(theirs.iter().any(|their| unmarked(their) == unmarked(row)), "{view} of {held:?}: {row:?}");
        }
        counts = (counts.0 + complete.len(), counts.1 + partial.len());
    }
    counts
}

#[tokio::test]
async fn rows_and_digests_are_the_server_s() {
    let mut random = Random::from_env("REPLICA_VIEWS_SEED");
    let server = recorded(&story(&mut random, 150)).await;
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let views = device.replica.views().unwrap();
    let (complete, partial) = expect_same_rows(&device, &views).await;
    assert!(complete > 20 && partial == 0, "{complete} {partial}");

    let earlier = DigestQuery {
        as_of: Position::new(60),
        at: Some(Day::new(NOON.day().number() - 30)),
        ..digest_of("strength", &Filter::default())
    };
    assert_eq!(views.digest_view(&earlier).await.unwrap(), device.client.digest_view(&earlier).await.unwrap());
    let key = rows(&views, "strength").await[0].key.iter().map(|id| id.parse().unwrap()).collect();
    let why = RowQuery { view: "strength".to_owned(), key, ..RowQuery::default() };
    assert_eq!(views.explain_row(&why).await.unwrap(), device.client.explain_row(&why).await.unwrap());
    let listed = views.list_views().await.unwrap();
    assert!(listed.views.iter().all(|view| view.lag == 0) && listed.views.len() == BUILTINS.len());

    drop(views);
    let device = device.reopened();
    expect_same_rows(&device, &device.replica.views().unwrap()).await;
}

#[tokio::test]
async fn a_part_of_the_log_knows_which_rows_are_whole() {
    let mut random = Random::from_env("REPLICA_VIEWS_SEED");
    let server = recorded(&story(&mut random, 150)).await;
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let views = device.replica.views().unwrap();
    let mut seen = (0, 0);
    for _ in 0..4 {
        let mut people = PEOPLE;
        random.shuffle(&mut people);
        let people_match = *random.pick(&[PeopleMatch::Any, PeopleMatch::Any, PeopleMatch::All]);
        let people = people[..=random.below(3)].iter().map(|id| id.parse().unwrap()).collect();
        let filter = Filter { people, people_match, ..Filter::default() };
        device.replica.set_filter(&device.client, filter).await.unwrap();
        let (complete, partial) = expect_same_rows(&device, &views).await;
        seen = (seen.0 + complete, seen.1 + partial);
    }
    device
        .replica
        .set_filter(&device.client, Filter { kinds: vec![Kind::Habit(HabitKind::Met)], ..Filter::default() })
        .await
        .unwrap();
    expect_same_rows(&device, &views).await;
    assert!(seen.1 > 0, "{seen:?}");
    let both = ["amina", "gus", "ben"].iter().map(|id| id.parse().unwrap()).collect();
    device.replica.set_filter(&device.client, Filter { people: both, ..Filter::default() }).await.unwrap();
    let (complete, partial) = expect_same_rows(&device, &views).await;
    assert!(complete > 5 && partial > 5, "{complete} {partial}");
    device.replica.set_filter(&device.client, Filter::default()).await.unwrap();
    assert_eq!(expect_same_rows(&device, &views).await.1, 0);
}

#[tokio::test]
async fn what_waits_counts_where_it_is_asked_for_and_is_marked() {
    let server = recorded(&[person_added("amina", ""), person_added("ben", ""), met(&["amina", "ben"])]).await;
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    device.add_person("carol");
    device.add_person("ben");
    let meeting = device.meet(&["amina", "carol"]);
    let views = device.replica.views().unwrap();
    assert_eq!(rows(&views, "strength").await.len(), 1);

    let then = views.with_pending().await.unwrap();
    let found: Vec<(Vec<String>, bool)> =
        rows(&then, "strength").await.into_iter().map(|row| (row.key, row.pending)).collect();
    let expected = |one: &str, other: &str, pending| (vec![one.to_owned(), other.to_owned()], pending);
    assert_eq!(found.len(), 2);
    assert!(found.contains(&expected("amina", "ben", false)) && found.contains(&expected("amina", "carol", true)));
    let key = vec!["amina".parse().unwrap(), "carol".parse().unwrap()];
    let why = RowQuery { view: "strength".to_owned(), key, ..RowQuery::default() };
    let answer = then.explain_row(&why).await.unwrap();
    assert_eq!((answer.evidence.len(), answer.rows[0].pending), (1, true));
    let files = || std::fs::read_dir(device.folder.path().join("views")).unwrap().count();
    assert_eq!(files(), 2);
    drop(then);
    assert_eq!(files(), 1, "they are gone with whoever asked");

    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.refused), (2, 1), "a second ben is refused, and did not count");
    assert!(matches!(device.replica.explain(&meeting.id()).unwrap(), kith_client::replica::Explanation::Here { .. }));
    assert!(rows(&views, "strength").await.iter().all(|row| !row.pending));
    expect_same_rows(&device, &views).await;
}

#[tokio::test]
async fn rows_are_told_as_they_change_and_anew_when_the_replica_is() {
    let server = recorded(&[person_added("amina", ""), person_added("ben", ""), met(&["amina", "ben"])]).await;
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let views = device.replica.views().unwrap();
    let mut changes = views.watch_view("strength", Position::ZERO);
    let first = changes.next().await.unwrap().unwrap();
    assert_eq!((first.rows.len(), first.position, first.fields.is_empty()), (1, 3, false));
    device.add_person("carol");
    device.meet(&["ben", "carol"]);
    device.replica.sync(&device.client).await.unwrap();
    let (mut told, mut resets) = (Vec::new(), 0);
    while told.is_empty() {
        let change = changes.next().await.unwrap().unwrap();
        told = change.rows;
    }
    assert_eq!(told[0].key, ["ben", "carol"]);
    device.replica.reset(Outbox::Keep).unwrap();
    device.replica.sync(&device.client).await.unwrap();
    while told.len() < 3 {
        let change = changes.next().await.unwrap().unwrap();
        resets += usize::from(change.reset);
        told.extend(change.rows);
    }
    assert!(resets > 0);
}

#[tokio::test]
async fn questions_are_refused_as_by_a_server() {
    let device = Device::new("http://127.0.0.1:9", "token");
    device.add_person("amina");
    let views = device.replica.views().unwrap();
    let empty = views.query_view(&of("strength")).await.unwrap();
    assert_eq!((empty.total, empty.position), (0, 0));
    let reason = |error: ViewError| match error {
        ViewError::Refused(error) => error.reason(),
        other => panic!("it is not refused: {other}"),
    };
    assert_eq!(reason(views.query_view(&of("nothing")).await.unwrap_err()), Some(Reason::ViewUnknown));
    let nobody = ViewQuery { person: Some("nobody".parse().unwrap()), ..of("strength") };
    assert_eq!(reason(views.query_view(&nobody).await.unwrap_err()), Some(Reason::PersonUnknown));
    let ahead = ViewQuery { as_of: Position::new(7), ..of("strength") };
    assert_eq!(reason(views.query_view(&ahead).await.unwrap_err()), Some(Reason::PositionAhead));
    let unsorted = ViewQuery { sort: "beauty".to_owned(), ..of("strength") };
    assert_eq!(reason(views.query_view(&unsorted).await.unwrap_err()), Some(Reason::RequestInvalid));
    let options: ReplicaOptions = options();
    let memory = redb::backends::InMemoryBackend::new;
    let in_memory = Replica::open_on(memory, memory, None, options).unwrap();
    assert!(matches!(in_memory.views().unwrap_err(), ViewError::NoFolder));
}
