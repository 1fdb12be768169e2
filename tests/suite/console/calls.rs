//! The calls that the console asks with, as everybody may make them.

use crate::village::{populate, token, village};
use kith_core::{
    event::{Event, Fact, Habit, Met, Scope},
    timestamp::Timestamp,
};
use kith_proto::v1;
use kith_tests::{
    events::{NOON, event, sent},
    http::call,
    raw::{Raw, Refusal, decode},
    server::Server,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tonic::Code;

async fn who(raw: &Raw, network: &str) -> Result<v1::WhoAmIResponse, Refusal> {
    Ok(raw.sessions().who_am_i(v1::WhoAmIRequest { network: network.to_owned() }).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_ask_who_they_are() {
    let (server, cli) = village();
    cli.run(&["network", "add", "north"]).ok();
    let owner = Raw::connect(&server.url(), &server.token()).await;
    let me = who(&owner, "north").await.unwrap();
    assert_eq!((me.principal.as_str(), me.role()), ("token:owner", v1::Role::Owner));
    assert_eq!(me.reach.unwrap(), v1::Reach { server: true, networks: Vec::new() });
    assert_eq!((me.expires_at, me.server_version.as_str()), (None, env!("CARGO_PKG_VERSION")));
    assert!(me.server_time.is_some() && me.credential.unwrap().session_ends_at.is_none());

    let flags = ["--role", "recorder", "--person", "amina", "--organisation", "riverside", "--expires", "90d"];
    let (id, secret) = token(&cli, &flags);
    let amina = Raw::connect(&server.url(), &secret).await;
    let me = who(&amina, "default").await.unwrap();
    assert_eq!(
        (me.principal.as_str(), me.person.as_str(), me.organisation.as_str()),
        ("person:amina", "amina", "riverside")
    );
    let credential = me.credential.clone().unwrap();
    assert_eq!((credential.kind(), credential.id.as_str()), (v1::CredentialKind::Token, id.as_str()));
    assert_eq!(me.reach.clone().unwrap(), v1::Reach { server: false, networks: vec!["default".to_owned()] });
    assert!(me.expires_at.is_some());
    assert_eq!(who(&amina, "").await.unwrap().scope_digest, Vec::<u8>::new());
    for nowhere in ["north", "nothing"] {
        assert_eq!(who(&amina, nowhere).await.unwrap_err().reason, "NETWORK_UNKNOWN", "{nowhere}");
    }
    assert_eq!(who(&amina, "No Name").await.unwrap_err().reason, "REQUEST_INVALID");
    let nobody = Raw::connect_as(&server.url(), None).await;
    assert_eq!(who(&nobody, "").await.unwrap_err().reason, "TOKEN_INVALID");

    let (_, colleague) = token(&cli, &["--role", "reader", "--organisation", "riverside"]);
    let (_, hillside) = token(&cli, &["--role", "recorder", "--organisation", "hillside"]);
    let digest =
        async |secret: &str| who(&Raw::connect(&server.url(), secret).await, "default").await.unwrap().scope_digest;
    assert_eq!((digest(&secret).await, me.scope_digest.len()), (digest(&colleague).await, 32), "both see the same");
    let all = [digest(&secret).await, digest(&hillside).await, digest(&server.token()).await];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 3, "each of these sees something else");

    let told = cli.token(&secret).json(&["whoami"]);
    assert_eq!(
        (&told["principal"], &told["role"], &told["network"], &told["reach"]),
        (
            &json!("person:amina"),
            &json!("recorder"),
            &json!("default"),
            &json!({"server": false, "networks": ["default"]})
        )
    );
    let elsewhere = cli.token(&secret).network("north");
    assert_eq!(elsewhere.json(&["whoami"])["network"], Value::Null);
    let said = elsewhere.run(&["whoami"]).ok().stdout;
    assert!(
        said.contains("person:amina, recorder of riverside, in default")
            && said.contains("does not open the network north"),
        "{said}"
    );
}

#[test]
fn how_to_sign_in_is_told_without_a_token() {
    let server = Server::start();
    let path = "/kith.v1.SessionService/SignInOptions";
    let options: v1::SignInOptionsResponse = call(&server.url(), path, &[], &v1::SignInOptionsRequest {}).unwrap();
    let kinds: Vec<_> = options.options.iter().map(v1::SignInOption::kind).collect();
    assert_eq!(kinds, [v1::SignInKind::Token, v1::SignInKind::Console]);
    for closed in ["WhoAmI", "OpenConsole"] {
        let path = format!("/kith.v1.SessionService/{closed}");
        let refused = call::<_, v1::WhoAmIResponse>(&server.url(), &path, &[], &v1::WhoAmIRequest::default());
        assert_eq!(refused.unwrap_err(), Code::Unauthenticated, "{closed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_a_pair_can_be_of_the_pair_alone() {
    let (server, cli) = village();
    cli.run(&["met", "amina", "ben"]).ok();
    cli.run(&["met", "amina", "carol"]).ok();
    cli.run(&["helped", "ben", "amina"]).ok();
    cli.run(&["token", "add", "--role", "reader"]).ok();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let filter = v1::Filter { people: vec!["amina".into(), "ben".into()], all_people: true, ..Default::default() };
    let read = async |matching_only, direction: v1::Direction| {
        let (filter, direction) = (Some(filter.clone()), direction.into());
        let page = raw.read(v1::ReadRequest { filter, direction, matching_only, ..Default::default() }).await.unwrap();
        assert!(page.end);
        page.entries.iter().map(|bytes| decode(bytes).event().unwrap().kind().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(read(true, v1::Direction::Forward).await, ["met", "helped"]);
    assert_eq!(read(true, v1::Direction::Backward).await, ["helped", "met"]);
    let with_common = read(false, v1::Direction::Forward).await;
    assert!(with_common.len() > 8 && with_common.contains(&"token_issued".to_owned()), "{with_common:?}");
    let of_person = v1::Filter { people: vec!["amina".into()], ..Default::default() };
    let request = v1::ReadRequest { filter: Some(of_person), matching_only: true, ..Default::default() };
    let kinds: Vec<_> = raw
        .read(request)
        .await
        .unwrap()
        .entries
        .iter()
        .map(|bytes| decode(bytes).event().unwrap().kind().to_string())
        .collect();
    assert_eq!(kinds, ["person_added", "met", "met", "helped"], "what is about her");
    let both = v1::ReadRequest { matching_only: true, with_left_out: true, ..Default::default() };
    let refused = raw.read(both).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field.as_str()), ("REQUEST_INVALID", "matching_only"));
}

/// A server with the network `demo`, and a connection to it.
async fn demo() -> (Server, Raw) {
    let server = Server::start_with(&["--demo"]);
    let raw = Raw::connect(&server.url(), &server.token()).await.network("demo");
    let head = raw.head().await.unwrap().position;
    for view in ["strength", "follow_ups", "introductions", "help", "keep_in_touch"] {
        raw.follow_view(view, head).await.unwrap();
    }
    (server, raw)
}

fn text(value: &v1::Value) -> &str {
    match &value.value {
        Some(v1::value::Value::Text(text)) => text,
        other => panic!("{other:?} is no text"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_can_be_about_some_rows_and_some_columns() {
    let (_server, raw) = demo().await;
    let ask = async |request: v1::QueryViewRequest| raw.query(request).await;
    for view in ["follow_ups", "introductions"] {
        let whole = v1::QueryViewRequest { view: view.into(), page_size: 10_000, ..Default::default() };
        let all = ask(whole.clone()).await.unwrap();
        let state = all.fields.iter().position(|field| field.name == "state").unwrap();
        let mut states: BTreeSet<_> = all.rows.iter().map(|row| text(&row.values[state]).to_owned()).collect();
        assert!(states.len() > 2, "{view}: {states:?}");
        states.insert("no such state".to_owned());
        let mut counted = 0;
        for state_name in &states {
            let only = Some(v1::Only { column: "state".into(), texts: vec![state_name.clone()] });
            let some = ask(v1::QueryViewRequest { only, ..whole.clone() }).await.unwrap();
            let expected: Vec<_> =
                all.rows.iter().filter(|row| text(&row.values[state]) == state_name).cloned().collect();
            assert_eq!(some.rows, expected, "{view} {state_name}");
            assert_eq!(some.total, expected.len() as u64);
            counted += some.total;
        }
        assert_eq!(counted, all.total);
        let texts: Vec<_> = states.iter().take(2).cloned().collect();
        let only = Some(v1::Only { column: "state".into(), texts: texts.clone() });
        let mut page = v1::QueryViewRequest {
            only,
            columns: vec!["state".into()],
            sort: "-state".into(),
            page_size: 7,
            ..whole.clone()
        };
        let mut found = Vec::new();
        loop {
            let answer = ask(page.clone()).await.unwrap();
            assert_eq!(answer.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["state"]);
            found.extend(answer.rows.iter().map(|row| (row.key.clone(), text(&row.values[0]).to_owned())));
            page.page_token = answer.next_page_token;
            if page.page_token.is_empty() {
                break;
            }
            let other = v1::QueryViewRequest { columns: Vec::new(), ..page.clone() };
            assert_eq!(ask(other).await.unwrap_err().field, "page_token", "a token is of one question");
        }
        let expected = all.rows.iter().filter(|row| texts.contains(&text(&row.values[state]).to_owned())).count();
        assert_eq!((found.len(), found.is_sorted_by(|one, other| one.1 <= other.1)), (expected, true));
    }
    let columns = vec!["last_contact".to_owned(), "score".to_owned()];
    let narrow = v1::QueryViewRequest { view: "strength".into(), columns, ..Default::default() };
    let (narrow, wide) = (
        ask(narrow.clone()).await.unwrap(),
        ask(v1::QueryViewRequest { columns: Vec::new(), ..narrow }).await.unwrap(),
    );
    let place = |name: &str| wide.fields.iter().position(|field| field.name == name).unwrap();
    for (one, other) in narrow.rows.iter().zip(&wide.rows) {
        assert_eq!(one.values, [place("last_contact"), place("score")].map(|at| other.values[at].clone()));
        assert_eq!((&one.key, one.evidence), (&other.key, other.evidence));
    }
    let report = v1::QueryViewRequest { view: "bridges".into(), columns: vec!["density".into()], ..Default::default() };
    let answer = ask(report).await.unwrap();
    assert!(!answer.rows.is_empty() && answer.rows.iter().all(|row| row.values.len() == 1), "reports do likewise");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_columns_that_are_not_there_names_them() {
    let (server, _) = village();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.follow_view("strength", raw.head().await.unwrap().position).await.unwrap();
    let only = |column: &str, texts: &[&str]| {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        v1::QueryViewRequest { only: Some(v1::Only { column: column.into(), texts }), ..Default::default() }
    };
    let columns = |names: &[&str]| {
        let columns = names.iter().map(|name| (*name).to_owned()).collect();
        v1::QueryViewRequest { columns, ..Default::default() }
    };
    let long = "x".repeat(257);
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for view in ["strength", "bridges"] {
        for (request, reason, field) in [
            (only("luck", &["x"]), "REQUEST_INVALID", "only.column"),
            (only("", &["x"]), "REQUEST_INVALID", "only.column"),
            (only(if view == "bridges" { "density" } else { "score" }, &["1"]), "REQUEST_INVALID", "only.column"),
            (only("luck", &[]), "REQUEST_INVALID", "only.texts"),
            (only("luck", &many), "LIMIT_EXCEEDED", "only.texts"),
            (only("luck", &[&long]), "LIMIT_EXCEEDED", "only"),
            (columns(&["luck"]), "REQUEST_INVALID", "columns"),
            (columns(&["ties", "ties"]), "REQUEST_INVALID", "columns"),
            (columns(&many), "LIMIT_EXCEEDED", "columns"),
        ] {
            let refused = raw.query(v1::QueryViewRequest { view: view.into(), ..request.clone() }).await.unwrap_err();
            assert_eq!((refused.reason.as_str(), refused.field.as_str()), (reason, field), "{view} {request:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_what_a_query_of_each_day_finds() {
    let (_server, raw) = demo().await;
    let head = raw.head().await.unwrap().position;
    for (view, as_of) in [
        ("strength", 0),
        ("strength", head / 2),
        ("introductions", 0),
        ("follow_ups", 0),
        ("help", 0),
        ("keep_in_touch", head / 3),
    ] {
        let top = v1::QueryViewRequest { view: view.into(), as_of, page_size: 2, ..Default::default() };
        for row in raw.query(top).await.unwrap().rows {
            let request = v1::TraceRowRequest {
                network: "demo".into(),
                view: view.into(),
                key: row.key.clone(),
                as_of,
                step_days: 29,
                from: Some(raw_today() - 700),
                ..Default::default()
            };
            let trace = raw.views().trace_row(request.clone()).await.unwrap().into_inner();
            assert_eq!((trace.points.len(), trace.points.last().unwrap().day), (25, raw_today()), "{view}");
            assert!(trace.points.iter().filter(|point| !point.rows.is_empty()).count() > 3, "{view} {:?}", row.key);
            for point in &trace.points {
                let at = v1::QueryViewRequest {
                    view: view.into(),
                    key: row.key.clone(),
                    at: Some(point.day),
                    as_of,
                    page_size: 10_000,
                    ..Default::default()
                };
                let mut expected = raw.query(at).await.unwrap();
                expected.rows.retain(|found| found.key == row.key);
                expected.rows.sort_by_key(|row| row.item);
                assert_eq!((&trace.fields, &point.rows), (&expected.fields, &expected.rows), "{view} on {}", point.day);
            }
            if row.item > 0 {
                let of_item = raw
                    .views()
                    .trace_row(v1::TraceRowRequest { item: row.item, ..request })
                    .await
                    .unwrap()
                    .into_inner();
                assert!(of_item.points.iter().flat_map(|point| &point.rows).all(|found| found.item == row.item));
                assert_eq!(of_item.points.last().unwrap().rows, [row]);
            }
        }
    }
}

/// Today, as days since 1970-01-01.
fn raw_today() -> i32 {
    i32::try_from(jiff::Timestamp::now().as_second() / 86_400).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_has_bounds_and_says_which() {
    let (server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-03-04"]).ok();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    raw.follow_view("strength", raw.head().await.unwrap().position).await.unwrap();
    let request = |from, until, step_days| v1::TraceRowRequest {
        network: "default".into(),
        view: "strength".into(),
        key: vec!["ben".into(), "amina".into()],
        from,
        until,
        step_days,
        ..Default::default()
    };
    let trace =
        async |request| Ok::<_, Refusal>(raw.views().trace_row(request).await.map_err(Refusal::from)?.into_inner());
    assert_eq!(trace(request(None, None, 0)).await.unwrap().points.len(), 400);
    assert_eq!(trace(request(Some(20_000), Some(20_399), 1)).await.unwrap().points.len(), 400);
    let unknown =
        v1::TraceRowRequest { key: vec!["carol".into(), "dan".into()], ..request(Some(20_500), Some(20_510), 5) };
    let empty = trace(unknown).await.unwrap();
    assert!(empty.points.len() == 3 && empty.points.iter().all(|point| point.rows.is_empty()), "a key without entries");
    for (request, reason, field) in [
        (request(Some(20_000), Some(20_400), 1), "LIMIT_EXCEEDED", "step_days"),
        (request(Some(20_001), Some(20_000), 1), "REQUEST_INVALID", "from"),
        (request(None, None, 36_526), "LIMIT_EXCEEDED", "step_days"),
        (request(Some(i32::MAX), None, 1), "REQUEST_INVALID", "from"),
        (request(None, Some(i32::MIN), 1), "REQUEST_INVALID", "until"),
        (v1::TraceRowRequest { key: Vec::new(), ..request(None, None, 1) }, "REQUEST_INVALID", "key"),
        (v1::TraceRowRequest { key: vec!["amina".into()], ..request(None, None, 1) }, "REQUEST_INVALID", "key"),
        (
            v1::TraceRowRequest { key: vec!["amina".into(), "zoe".into()], ..request(None, None, 1) },
            "PERSON_UNKNOWN",
            "key",
        ),
        (v1::TraceRowRequest { view: "luck".into(), ..request(None, None, 1) }, "VIEW_UNKNOWN", "view"),
        (v1::TraceRowRequest { view: "bridges".into(), ..request(None, None, 1) }, "REQUEST_INVALID", "view"),
        (v1::TraceRowRequest { as_of: 999, ..request(None, None, 1) }, "POSITION_AHEAD", ""),
        (
            v1::TraceRowRequest { as_of: 1, as_of_time: Some(NOON.to_proto()), ..request(None, None, 1) },
            "REQUEST_INVALID",
            "as_of_time",
        ),
        (v1::TraceRowRequest { network: "nothing".into(), ..request(None, None, 1) }, "NETWORK_UNKNOWN", ""),
    ] {
        let refused = trace(request.clone()).await.unwrap_err();
        assert_eq!((refused.reason.as_str(), refused.field.as_str()), (reason, field), "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_has_the_words_that_the_caller_may_see() {
    let (server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-03-04", "--note", "frailty board", "--place", "ward 7"]).ok();
    let (_, riverside) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let (_, hillside) = token(&cli, &["--role", "recorder", "--organisation", "hillside"]);
    let own = cli.token(&riverside);
    own.run(&["met", "amina", "ben", "--on", "2026-03-06", "--note", "among us", "--scope", "organisation"]).ok();
    let explain = async |secret: &str| {
        let raw = Raw::connect(&server.url(), secret).await;
        raw.follow_view("strength", raw.head().await.unwrap().position).await.unwrap();
        let key = vec!["amina".into(), "ben".into()];
        raw.explain(v1::ExplainRowRequest { view: "strength".into(), key, ..Default::default() }).await.unwrap()
    };
    for secret in [&riverside, &hillside, &server.token()] {
        let answer = explain(secret).await;
        let words = |one: &v1::Evidence| one.details.iter().map(|detail| detail.text.clone()).collect::<BTreeSet<_>>();
        let words: Vec<_> = answer.evidence.iter().map(words).collect();
        let all = BTreeSet::from(["frailty board".to_owned(), "ward 7".to_owned()]);
        assert_eq!((words, answer.hidden), (vec![all], 0), "the view is the network's");
    }
    let why = cli.json_lines(&["why", "strength", "amina", "ben"]);
    assert_eq!(why[0]["details"].as_array().unwrap().len(), 2, "{why:?}");
    let at = |time: &str| cli.run_json(&["why", "strength", "amina", "ben", "--as-of", time]);
    assert_eq!(at("2026-01-01T00:00:00Z").exits(3).stdout, "", "nothing was known then");
    assert_eq!(cli.json_lines(&["why", "strength", "amina", "ben", "--as-of", "today"]).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_explained_as_known_at_a_time() {
    let (server, _) = village();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let met = |day: i64| Event {
        occurred_at: Timestamp::from_millis(NOON.millis() - day * 86_400_000),
        scope: Scope::Network,
        ..event(Fact::Habit(Habit::Met(Met { people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()] })))
    };
    raw.append(vec![sent(&met(5))]).await.unwrap();
    let recorded_at = decode(raw.read_all().await.unwrap().last().unwrap()).recorded_at;
    while raw.head().await.unwrap().recorded_at.unwrap() == recorded_at.to_proto() {
        raw.append(vec![sent(&met(3))]).await.unwrap();
    }
    let head = raw.head().await.unwrap().position;
    raw.follow_view("strength", head).await.unwrap();
    let explain = async |as_of, as_of_time: Option<Timestamp>| {
        let key = vec!["amina".into(), "ben".into()];
        let as_of_time = as_of_time.map(Timestamp::to_proto);
        raw.explain(v1::ExplainRowRequest { view: "strength".into(), key, as_of, as_of_time, ..Default::default() })
            .await
    };
    let then = explain(0, Some(recorded_at)).await.unwrap();
    assert!(then.evidence.len() < explain(0, None).await.unwrap().evidence.len());
    assert_eq!(explain(then.position, None).await.unwrap(), then, "a time means a position");
    assert_eq!(explain(1, Some(recorded_at)).await.unwrap_err().field, "as_of_time");
    let before = Timestamp::from_millis(recorded_at.millis() - 86_400_000);
    assert_eq!(explain(0, Some(before)).await.unwrap_err().reason, "ROW_UNKNOWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_the_server_sees_how_it_does() {
    let (server, cli) = village();
    cli.run(&["network", "add", "north"]).ok();
    populate(&cli.network("north"));
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let ask = async |raw: &Raw, page_size, page_token: &str| {
        let request = v1::GetStatusRequest { page_size, page_token: page_token.to_owned() };
        Ok::<_, Refusal>(raw.admin().get_status(request).await.map_err(Refusal::from)?.into_inner())
    };
    let status = ask(&raw, 0, "").await.unwrap();
    assert_eq!((status.health(), status.health_reason.as_str()), (v1::Health::Serving, ""));
    assert_eq!(status.version, env!("CARGO_PKG_VERSION"));
    assert_eq!((status.entries, status.queue_requests), (12, 0));
    assert!(status.commits >= 12 && status.commit_microseconds > 0 && status.connections >= 1, "{status:?}");
    assert!(status.log_bytes > 0 && status.views_bytes > 0 && status.disk_free_bytes > 0, "{status:?}");
    assert!(status.started_at.unwrap().seconds <= status.server_time.unwrap().seconds);
    assert_eq!((status.backed_up_at, status.calls_refused), (None, 0));
    let names: Vec<_> = status.networks.iter().map(|one| (one.name.as_str(), one.head, one.backed_up_head)).collect();
    assert_eq!(names, [("default", 6, 0), ("north", 6, 0)]);
    raw.audit().get_checkpoint(v1::GetCheckpointRequest { network: "north".into() }).await.unwrap();
    let north = &ask(&raw, 0, "").await.unwrap().networks[1];
    assert_eq!(north.checkpoint_size, 6);
    assert!(north.checkpoint_signed_at.is_some());

    let folder = tempfile::tempdir().unwrap();
    cli.run(&["admin", "backup", "--to", folder.path().join("b").to_str().unwrap()]).ok();
    cli.run(&["met", "amina", "ben"]).ok();
    let first = loop {
        let first = ask(&raw, 1, "").await.unwrap();
        if first.backed_up_at.is_some() {
            break first;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((first.networks.len(), first.networks[0].head, first.networks[0].backed_up_head), (1, 7, 6));
    let second = ask(&raw, 1, &first.next_page_token).await.unwrap();
    assert_eq!((second.networks[0].name.as_str(), second.next_page_token.as_str()), ("north", ""));

    for flags in [vec!["--role", "owner"], vec!["--role", "auditor", "--organisation", "riverside"]] {
        let (_, secret) = token(&cli, &flags);
        let other = Raw::connect(&server.url(), &secret).await;
        assert_eq!(ask(&other, 0, "").await.unwrap_err().reason, "PERMISSION_DENIED", "{flags:?}");
    }
    let nobody = Raw::connect_as(&server.url(), None).await;
    assert_eq!(ask(&nobody, 0, "").await.unwrap_err().reason, "TOKEN_INVALID");
    assert_eq!(ask(&raw, 0, "").await.unwrap().failed_logins, 1);
    for (page_size, page_token, field) in [(10_001, "", "page_size"), (0, "x", "page_token")] {
        assert_eq!(ask(&raw, page_size, page_token).await.unwrap_err().field, field);
    }
    let data = server.data();
    assert!(server.terminate().success());
    let server = Server::start_on(data, &[]);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let again = ask(&raw, 0, "").await.unwrap();
    assert_eq!(again.backed_up_at, first.backed_up_at, "a restart forgets no backup");
    assert_eq!((again.networks[0].backed_up_head, again.networks[1].checkpoint_signed_at), (6, None));
}
