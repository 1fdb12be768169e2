//! Missing, wrong, expired and weak tokens.

use crate::village::{populate, token, village};
use kith_core::timestamp::{DAY_MS, Timestamp};
use kith_proto::v1;
use kith_tests::{
    cli::Cli,
    events::{NOON, met, sent},
    node::{InProcess, SetClock},
    raw::Raw,
};

/// The token does not even permit reading.
fn check_shut(cli: &Cli) {
    for arguments in [&["head"][..], &["log"], &["met", "amina", "ben"], &["view", "strength"]] {
        assert_eq!(cli.run_json(arguments).exits(4).json_error()["reason"], "TOKEN_INVALID", "{arguments:?}");
    }
}

#[tokio::test]
async fn tokens_that_do_not_hold_open_nothing() {
    let (server, cli) = village();
    let head = cli.head();
    check_shut(&cli.token("kith_wrong"));
    check_shut(&cli.token(&format!("{}x", server.token())));
    cli.token("").run(&["head"]).exits(2).says("KITH_TOKEN");
    let nobody = Raw::connect_as(&server.url(), None).await;
    let refused = nobody.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap_err();
    assert_eq!((refused.code, &refused.reason[..]), (tonic::Code::Unauthenticated, "TOKEN_INVALID"));
    assert_eq!(nobody.subscribe(None, None).await.unwrap_err().reason, "TOKEN_INVALID");
    assert_eq!(cli.head(), head);
}

#[tokio::test]
async fn a_revoked_token_ends_at_once_for_calls_and_streams() {
    let (server, cli) = village();
    let (id, secret) = token(&cli, &["--role", "recorder"]);
    let raw = Raw::connect(&server.url(), &secret).await;
    let mut updates = raw.subscribe(None, None).await.unwrap();
    updates.message().await.unwrap().expect("it follows");
    cli.run(&["token", "revoke", &id]).ok();
    check_shut(&cli.token(&secret));
    let ended = loop {
        match updates.message().await {
            Ok(message) => assert!(message.expect("an end has a reason").entries.len() <= 1, "nothing new is told"),
            Err(status) => break kith_tests::raw::Refusal::from(status),
        }
    };
    assert_eq!(ended.reason, "TOKEN_INVALID");
}

#[tokio::test]
async fn a_token_ends_when_it_was_said_to() {
    let clock = SetClock::at(NOON);
    let node = InProcess::start(&clock);
    populate_at(&node).await;
    let owner = Raw::connect(&node.url(), &node.token()).await;
    let end = Timestamp::from_millis(NOON.millis() + DAY_MS);
    let request = v1::IssueTokenRequest {
        role: v1::Role::Recorder.into(),
        expires_at: Some(end.to_proto()),
        ..Default::default()
    };
    let (_, secret) = owner.issue_token(request.clone()).await.unwrap();
    let member = Raw::connect(&node.url(), &secret).await;
    clock.set(Timestamp::from_millis(end.millis() - 1));
    member.append(vec![sent(&met(&["amina", "ben"]))]).await.expect("it holds to its last moment");
    clock.set(end);
    let refused = member.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap_err();
    assert_eq!(refused.reason, "TOKEN_INVALID");
    let late = owner.issue_token(request).await.unwrap_err();
    assert_eq!((&late.reason[..], &late.field[..]), ("REQUEST_INVALID", "expires_at"));
}

async fn populate_at(node: &InProcess) {
    let owner = Raw::connect(&node.url(), &node.token()).await;
    let people = ["amina", "ben"].map(|id| sent(&kith_tests::events::person_added(id, "")));
    owner.append(people.to_vec()).await.unwrap();
}

#[test]
fn roles_bound_what_a_token_may_do() {
    let (_server, cli) = village();
    let recorded = cli.json(&["met", "amina", "ben"]);
    let meeting = recorded["id"].as_str().unwrap();
    for role in ["reader", "analyst", "auditor"] {
        let (_, secret) = token(&cli, &["--role", role]);
        let weak = cli.token(&secret);
        let head = weak.head();
        let attempts: [&[&str]; 5] = [
            &["met", "amina", "ben"],
            &["person", "add", "Eve Adams"],
            &["retract", meeting, "--reason", "mistake"],
            &["token", "add", "--role", "reader"],
            &["network", "add", "north"],
        ];
        for arguments in attempts {
            let ran = weak.run_json(arguments).exits(4);
            assert_eq!(ran.json_error()["reason"], "PERMISSION_DENIED", "{role}: {arguments:?}");
        }
        assert_eq!(weak.head(), head);
    }
    let (_, secret) = token(&cli, &["--role", "recorder"]);
    let refused = cli.token(&secret).run_json(&["retract", meeting, "--reason", "mistake"]).exits(4);
    assert_eq!(refused.json_error()["reason"], "PERMISSION_DENIED", "somebody else recorded it");
    let (_, secret) = token(&cli, &["--role", "owner"]);
    let refused = cli.token(&secret).run_json(&["network", "add", "north"]).exits(4);
    assert_eq!(refused.json_error()["reason"], "PERMISSION_DENIED", "an owner of one network");
}

#[test]
fn the_village_can_be_told_twice_only_elsewhere() {
    let (_server, cli) = village();
    cli.run(&["network", "add", "north"]).ok();
    populate(&cli.network("north"));
    assert_eq!(cli.network("north").head(), cli.head());
}
