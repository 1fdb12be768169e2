//! The same queries, valid and invalid, to a server and to a replica of the whole log: the same answers, and refusals
//! with the same reason and field.

use super::Device;
use kith_client::{
    DigestQuery, Error, RowQuery, ViewQuery,
    replica::{OfflineViews, ViewError},
};
use kith_core::{
    day::Day,
    filter::Filter,
    id::PersonId,
    position::Position,
    reason::{Reason, name},
    timestamp::{DAY_MS, Timestamp},
};
use kith_tests::{
    events::{NOON, organisation_added, person_added, sent},
    random::Random,
    raw::Raw,
    server::Server,
    story::story,
};
use std::fmt::Debug;

/// A query to a view or report.
enum Question {
    Rows(ViewQuery),
    Why(RowQuery),
    Digest(DigestQuery),
}

/// The result of a query: its answer, or reason and field.
type Outcome = Result<String, (String, String)>;

fn rows(view: &str, change: impl FnOnce(&mut ViewQuery)) -> Question {
    let mut query = ViewQuery { view: view.to_owned(), ..ViewQuery::default() };
    change(&mut query);
    Question::Rows(query)
}

fn why(view: &str, key: &[&str], change: impl FnOnce(&mut RowQuery)) -> Question {
    let key = key.iter().map(|id| id.parse().unwrap()).collect();
    let mut query = RowQuery { view: view.to_owned(), key, ..RowQuery::default() };
    change(&mut query);
    Question::Why(query)
}

fn digest(view: &str, change: impl FnOnce(&mut DigestQuery)) -> Question {
    let mut query = DigestQuery { view: view.to_owned(), ..DigestQuery::default() };
    change(&mut query);
    Question::Digest(query)
}

fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

/// The expected refusal of a query: none, or reason and field.
type Wrong = Option<(Reason, &'static str)>;

/// The queries, each with a short name.
fn questions() -> Vec<(&'static str, Question, Wrong)> {
    let day = Day::new(NOON.day().number() - 30);
    let refused = |reason, field| Some((reason, field));
    vec![
        ("all rows", rows("strength", |_| {}), None),
        ("of a person", rows("strength", |query| query.person = Some(person("amina"))), None),
        ("of an id that was merged", rows("strength", |query| query.person = Some(person("gus"))), None),
        ("of an organisation", rows("strength", |query| query.organisation = Some("riverside".parse().unwrap())), None),
        ("of a key", rows("strength", |query| query.key = vec![person("ben"), person("amina")]), None),
        ("of a day", rows("strength", |query| query.at = Some(day)), None),
        ("of a position", rows("strength", |query| query.as_of = Position::new(60)), None),
        ("of the head", rows("strength", |query| query.as_of = Position::new(100)), None),
        ("of a time", rows("strength", |query| query.as_of_time = Some(Timestamp::MAX)), None),
        ("before everything", rows("strength", |query| query.as_of_time = Some(Timestamp::from_millis(0))), None),
        ("in another order", rows("strength", |query| query.sort = "-score".into()), None),
        ("a small page", rows("strength", |query| query.page_size = 3), None),
        ("another view", rows("introductions", |_| {}), None),
        ("a report", rows("bridges", |_| {}), None),
        ("a report as of a position", rows("bridges", |query| query.as_of = Position::new(60)), None),
        ("a report in order", rows("who_should_meet", |query| query.page_size = 2), None),
        ("why", why("strength", &["amina", "ben"], |_| {}), None),
        ("why as of a day", why("strength", &["amina", "ben"], |query| query.at = Some(day)), None),
        ("a digest", digest("strength", |_| {}), None),
        ("a digest of a day", digest("strength", |query| query.at = Some(day)), None),
        ("no such view", rows("streng", |_| {}), refused(Reason::ViewUnknown, "view")),
        ("nobody", rows("strength", |q| q.person = Some(person("zoe"))), refused(Reason::PersonUnknown, "person")),
        ("nobody's key", rows("strength", |q| q.key = vec![person("zoe")]), refused(Reason::PersonUnknown, "key")),
        (
            "no organisation",
            rows("strength", |query| query.organisation = Some("nowhere".parse().unwrap())),
            refused(Reason::OrganisationUnknown, "organisation"),
        ),
        (
            "half a key",
            rows("strength", |query| query.key = vec![person("amina")]),
            refused(Reason::RequestInvalid, "key"),
        ),
        (
            "three people",
            rows("strength", |query| query.key = ["amina", "ben", "carol"].map(person).to_vec()),
            refused(Reason::RequestInvalid, "key"),
        ),
        (
            "a day beyond days",
            rows("strength", |query| query.at = Some(Day::new(i32::MAX))),
            refused(Reason::RequestInvalid, "at"),
        ),
        (
            "a position that is not there",
            rows("strength", |query| query.as_of = Position::new(100_000)),
            refused(Reason::PositionAhead, ""),
        ),
        (
            "a position and a time",
            rows("strength", |query| {
                query.as_of = Position::new(60);
                query.as_of_time = Some(NOON);
            }),
            refused(Reason::RequestInvalid, "as_of_time"),
        ),
        ("no such column", rows("strength", |q| q.sort = "colour".into()), refused(Reason::RequestInvalid, "sort")),
        ("a huge page", rows("strength", |q| q.page_size = 10_001), refused(Reason::LimitExceeded, "page_size")),
        ("no token", rows("strength", |q| q.page_token = "x".into()), refused(Reason::RequestInvalid, "page_token")),
        ("no column of a report", rows("bridges", |q| q.sort = "x".into()), refused(Reason::RequestInvalid, "sort")),
        (
            "no token of a report",
            rows("bridges", |query| query.page_token = "x".into()),
            refused(Reason::RequestInvalid, "page_token"),
        ),
        ("why of nothing", why("strength", &[], |_| {}), refused(Reason::RequestInvalid, "key")),
        ("why of nobody", why("strength", &["amina", "zoe"], |_| {}), refused(Reason::PersonUnknown, "key")),
        ("why of no row", why("strength", &["loner", "hermit"], |_| {}), refused(Reason::RowUnknown, "")),
        (
            "why on no day",
            why("strength", &["amina", "ben"], |query| query.at = Some(Day::new(i32::MIN))),
            refused(Reason::RequestInvalid, "at"),
        ),
        ("why of no report's row", why("bridges", &["a", "b"], |_| {}), refused(Reason::RowUnknown, "")),
        ("why of no key of a report", why("bridges", &[], |_| {}), refused(Reason::RequestInvalid, "key")),
        ("a digest of a report", digest("bridges", |_| {}), refused(Reason::RequestInvalid, "view")),
        (
            "a digest of nothing at no day",
            digest("x", |q| q.at = Some(Day::new(i32::MAX))),
            refused(Reason::ViewUnknown, "view"),
        ),
        (
            "a digest of tomorrow's entries",
            digest("strength", |query| query.as_of = Position::new(100_000)),
            refused(Reason::PositionAhead, ""),
        ),
    ]
}

async fn ask_server(device: &Device, question: &Question) -> Outcome {
    match question {
        Question::Rows(query) => outcome(device.client.query_view(query).await),
        Question::Why(query) => outcome(device.client.explain_row(query).await),
        Question::Digest(query) => outcome(device.client.digest_view(query).await),
    }
}

async fn ask_replica(views: &OfflineViews, question: &Question) -> Outcome {
    match question {
        Question::Rows(query) => outcome(views.query_view(query).await.map_err(refusal)),
        Question::Why(query) => outcome(views.explain_row(query).await.map_err(refusal)),
        Question::Digest(query) => outcome(views.digest_view(query).await.map_err(refusal)),
    }
}

fn refusal(error: ViewError) -> Error {
    match error {
        ViewError::Refused(error) => error,
        other => panic!("{other}"),
    }
}

fn outcome(answer: Result<impl Debug, Error>) -> Outcome {
    match answer {
        Ok(answer) => Ok(format!("{answer:?}")),
        Err(error) => {
            let reason = error.reason().map_or("none", name);
            Err((reason.to_owned(), error.field().unwrap_or_default().to_owned()))
        }
    }
}

#[tokio::test]
async fn a_server_and_a_replica_answer_and_refuse_alike() {
    let mut random = Random::from_env("REPLICA_QUESTIONS_SEED");
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let mut events =
        vec![organisation_added("riverside"), person_added("loner", "riverside"), person_added("hermit", "")];
    events.extend(story(&mut random, 150));
    raw.append(events.iter().map(sent).collect()).await.unwrap();
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let views = device.replica.views().unwrap();

    let questions = questions();
    assert!(questions.len() >= 40, "{}", questions.len());
    for (what, question, wrong) in &questions {
        let (there, here) = (ask_server(&device, question).await, ask_replica(&views, question).await);
        assert_eq!(here, there, "{what}");
        let expected = wrong.map(|(reason, field)| (name(reason).to_owned(), field.to_owned()));
        assert_eq!(there.err(), expected, "{what}");
    }

    let page = ViewQuery { view: "strength".to_owned(), page_size: 2, ..ViewQuery::default() };
    let first = device.client.query_view(&page).await.unwrap();
    let next = Question::Rows(ViewQuery { page_token: first.next_page_token, ..page });
    assert_eq!(
        ask_replica(&views, &next).await,
        ask_server(&device, &next).await,
        "a page of one is a page of the other"
    );
    let held = Filter { people: vec![person("amina")], ..Filter::default() };
    let part = Question::Digest(DigestQuery { view: "strength".to_owned(), held, ..DigestQuery::default() });
    assert_eq!(ask_replica(&views, &part).await, ask_server(&device, &part).await);
    let long_ago = Question::Rows(ViewQuery {
        view: "strength".to_owned(),
        as_of_time: Some(Timestamp::from_millis(NOON.millis() - 10 * DAY_MS)),
        ..ViewQuery::default()
    });
    assert_eq!(ask_replica(&views, &long_ago).await, ask_server(&device, &long_ago).await);
}
