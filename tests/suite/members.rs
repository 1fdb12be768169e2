//! Members: who lets whom in, what an invitation and a certificate open, and what is left when somebody goes.

use crate::village::token;
use kith_client::{Client, Options};
use kith_core::{id::NetworkName, timestamp::Timestamp};
use kith_proto::v1;
use kith_tests::{
    certificates::Authority,
    cli::Cli,
    events::{met, sent},
    raw::{Raw, Refusal},
    server::Server,
};
use rcgen::{ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use serde_json::Value;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};

/// Two organisations with a person each, and one that belongs to none.
fn start() -> (Server, Cli) {
    let server = Server::start();
    let cli = server.cli();
    for (id, name) in [("riverside", "Riverside Practice"), ("hillside", "Hillside Care Home")] {
        cli.run(&["org", "add", name, "--id", id]).ok();
    }
    for (id, name, organisation) in [("amina", "Amina Shah", "riverside"), ("chidi", "Chidi Eze", "hillside")] {
        cli.run(&["person", "add", name, "--org", organisation, "--id", id]).ok();
    }
    cli.run(&["person", "add", "Eve Marsh", "--id", "eve"]).ok();
    (server, cli)
}

/// An invitation's secret.
fn invited(cli: &Cli, person: &str, arguments: &[&str]) -> String {
    let answer = cli.json(&[&["member", "invite", person], arguments].concat());
    assert!(answer["id"].as_str().unwrap().starts_with("invite-"), "{answer}");
    answer["secret"].as_str().unwrap().to_owned()
}

/// `kith` of somebody who has joined with an invitation.
async fn joined(server: &Server, invitation: &str) -> (Cli, String) {
    let options = Options::new(server.url(), "", "default".parse::<NetworkName>().unwrap());
    let joined = Client::connect(options).await.unwrap().join(&invitation.into()).await.unwrap();
    let secret = joined.secret.expose().to_owned();
    (Cli::new(&server.url(), &secret), secret)
}

#[tokio::test]
async fn an_invitation_is_a_login_once_and_opens_nothing_else() {
    let (server, cli) = start();
    let invitation = invited(&cli, "amina", &["--role", "recorder", "--organisation", "riverside"]);
    cli.token(&invitation).run_json(&["head"]).exits(4).says("TOKEN_INVALID");
    let raw = Raw::connect(&server.url(), &invitation).await;
    assert_eq!(raw.subscribe(None, None).await.unwrap_err().reason, "TOKEN_INVALID");

    let home = tempfile::tempdir().unwrap();
    let kith = |arguments: &[&str], input: &str| {
        let mut command = cli.command(arguments);
        for name in ["KITH_SERVER", "KITH_TOKEN", "KITH_NETWORK"] {
            command.env_remove(name);
        }
        command.env("HOME", home.path()).env("XDG_CONFIG_HOME", home.path());
        kith_tests::ran::Ran::run(&mut command, input)
    };
    let url = server.url();
    kith(&["login", &url, "--invitation", "kith_wrong"], "").exits(4).says("invitation");
    kith(&["login", &url, "--invitation", &invitation, "--token", "t"], "").exits(2);
    kith(&["login", &url, "--invitation", "-"], "").exits(2).says("no invitation");
    kith(&["login", &url, "--invitation", "-"], &format!("{invitation}\n")).ok().prints("as the member person:amina");
    kith(&["whoami"], "").ok().prints("person:amina, recorder of riverside");
    kith(&["met", "amina", "chidi"], "").ok();
    kith(&["login", &url, "--invitation", &invitation], "").exits(4).says("was used");
    kith(&["whoami"], "").ok();
    let members = cli.json_lines(&["member", "list"]);
    assert_eq!(
        (members.len(), &members[0]["principal"], &members[0]["role"]),
        (1, &"person:amina".into(), &"recorder".into())
    );
    let tokens = cli.json_lines(&["token", "list"]);
    let roles: Vec<_> = tokens.iter().map(|token| token["role"].as_str().unwrap()).collect();
    assert!(roles.contains(&"invites as recorder") && roles.contains(&"member"), "{roles:?}");
    let log = cli.run(&["log", "--kind", "token-issued"]).ok().stdout;
    assert!(log.contains("invites Amina Shah as recorder") && log.contains("for Amina Shah, a member"), "{log}");
}

#[tokio::test]
async fn a_member_may_do_what_the_membership_says_at_the_time() {
    let (server, cli) = start();
    let (amina, secret) =
        joined(&server, &invited(&cli, "amina", &["--role", "recorder", "--organisation", "riverside"])).await;
    let raw = Raw::connect(&server.url(), &secret).await;
    raw.append(vec![sent(&met(&["amina", "eve"]))]).await.unwrap();
    let mut follows = raw.subscribe(None, None).await.unwrap();
    follows.message().await.unwrap().expect("it follows");

    cli.run(&["member", "change", "amina", "--role", "reader"]).ok().prints("person:amina is reader of riverside");
    let ended = ended(&mut follows).await;
    assert_eq!((&*ended.reason, ended.code), ("RIGHTS_CHANGED", tonic::Code::Unavailable));
    assert!(ended.retry_after.is_some());
    assert_eq!(raw.append(vec![sent(&met(&["amina", "eve"]))]).await.unwrap_err().reason, "PERMISSION_DENIED");
    let mut follows = raw.subscribe(None, None).await.expect("reading is allowed");
    follows.message().await.unwrap().expect("it follows");
    cli.run(&["member", "change", "amina", "--role", "reader", "--no-organisation"]).ok();
    assert_eq!(self::ended(&mut follows).await.reason, "SCOPE_LOST");
    amina.run_json(&["whoami"]).exits(4).says("TOKEN_INVALID");
    let (amina, _) = joined(&server, &invited(&cli, "amina", &["--role", "reader"])).await;
    amina.run(&["whoami"]).ok().prints("person:amina, reader, in default");

    let again = cli.json(&["token", "add", "--person", "amina"]);
    assert_eq!((&again["role"], &again["person"]), (&"member".into(), &"amina".into()));
    cli.run_json(&["token", "add", "--person", "amina", "--role", "owner"]).exits(4).says("member");
    cli.run_json(&["token", "add", "--person", "eve"]).exits(3).says("MEMBER_UNKNOWN");
    cli.run(&["token", "add"]).exits(2).says("--role");
    cli.token(again["secret"].as_str().unwrap()).run(&["head"]).ok();
}

/// Why a subscription ended.
async fn ended(follows: &mut tonic::Streaming<v1::SubscribeResponse>) -> Refusal {
    loop {
        match tokio::time::timeout(Duration::from_secs(1), follows.message()).await.expect("it ends within a second") {
            Ok(message) => assert!(message.is_some(), "an end has a reason"),
            Err(status) => break Refusal::from(status),
        }
    }
}

#[tokio::test]
async fn an_organisation_with_an_owner_of_its_own_is_closed_to_the_networks_owner() {
    let (server, cli) = start();
    let (chidi, _) = joined(&server, &invited(&cli, "chidi", &["--role", "owner", "--organisation", "hillside"])).await;
    let refused = |cli: &Cli, arguments: &[&str]| {
        let error = cli.run_json(arguments).exits(4).json_error();
        assert_eq!(error["reason"], "PERMISSION_DENIED", "{arguments:?}: {error}");
    };
    refused(&cli, &["token", "add", "--role", "reader", "--organisation", "hillside"]);
    refused(&cli, &["member", "invite", "chidi", "--role", "reader", "--organisation", "hillside"]);
    refused(&cli, &["member", "change", "chidi", "--role", "reader"]);
    let service = ["member", "add", "service:feeds", "--role", "reader", "--identity", "urn:feeds", "--organisation"];
    refused(&cli, &[&service[..], &["hillside"]].concat());
    refused(&chidi, &[&service[..], &["riverside"]].concat());
    refused(&chidi, &["member", "invite", "amina", "--role", "reader", "--organisation", "riverside"]);
    refused(&chidi, &["network", "policy", "--random-ids", "true"]);

    chidi.run(&[&service[..], &["hillside"]].concat()).ok().prints("service:feeds is reader of hillside");
    let (id, secret) = token(&chidi, &["--role", "reader", "--organisation", "hillside"]);
    cli.run(&["token", "revoke", &id]).ok();
    Cli::new(&server.url(), &secret).run(&["head"]).exits(4);
    cli.run(&["member", "remove", "service:feeds"]).ok();
    cli.run(&["member", "remove", "chidi"]).ok().prints("the token t-");
    chidi.run_json(&["head"]).exits(4).says("TOKEN_INVALID");
    cli.run(&["token", "add", "--role", "reader", "--organisation", "hillside"]).ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_removed_hears_nothing_more_and_keeps_nothing() {
    let (server, cli) = start();
    let (amina, _) =
        joined(&server, &invited(&cli, "amina", &["--role", "recorder", "--organisation", "riverside"])).await;
    let folder = tempfile::tempdir().unwrap();
    let replica = folder.path().join("replica");
    let on = |arguments: &[&str]| amina.run(&[&["--replica", replica.to_str().unwrap()], arguments].concat());
    amina.run(&["met", "amina", "chidi", "--note", "canary of the server"]).ok();
    on(&["sync"]).ok();
    on(&["met", "amina", "eve", "--note", "canary of the device"]).ok();
    let follower = amina
        .command(&["log", "--follow"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;

    cli.run(&["member", "remove", "amina"]).ok();
    let removed = Instant::now();
    let done = tokio::task::spawn_blocking(move || follower.wait_with_output().unwrap()).await.unwrap();
    assert!(removed.elapsed() <= Duration::from_secs(2), "{:?}", removed.elapsed());
    let told = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        done.status.code() == Some(4) && told.contains("SCOPE_LOST") | told.contains("may no longer see"),
        "{told}"
    );

    let told = on(&["sync"]).exits(4).says("the membership has ended");
    assert!(told.stderr.contains("all words were removed"), "{}", told.stderr);
    let (client, held) = (on(&["log"]).ok().stdout, on(&["outbox"]).ok().stdout);
    assert!(!client.contains("Amina") && !client.contains("canary"), "{client}");
    assert!(!held.contains("canary"), "{held}");
    on(&["log"]).ok();
    let shown = on(&["-o", "json", "outbox"]).ok().stdout;
    assert!(shown.contains("SCOPE_LOST") && !shown.contains("canary"), "{shown}");
    on(&["sync"]).exits(4);
    cli.run_json(&["member", "remove", "amina"]).exits(3).says("MEMBER_UNKNOWN");
    cli.run_json(&["member", "change", "amina", "--role", "reader"]).exits(3).says("MEMBER_UNKNOWN");
}

#[test]
fn members_are_listed_as_of_any_time() {
    let (_server, cli) = start();
    let service = |role: &str| {
        cli.run(&["member", "add", "service:feeds", "--role", role, "--identity", "urn:feeds"]).ok();
        cli.head()
    };
    let before = cli.head();
    let (first, second) = (service("reader"), service("recorder"));
    assert_eq!(service("recorder"), second, "what is so already is not recorded again");
    cli.run(&["member", "remove", "service:feeds"]).ok();
    let roles = |as_of: u64| -> Vec<Value> {
        let members = cli.json_lines(&["member", "list", "--as-of", &as_of.to_string()]);
        members.into_iter().map(|member| member["role"].clone()).collect()
    };
    assert_eq!((roles(before), roles(first), roles(second)), (vec![], vec!["reader".into()], vec!["recorder".into()]));
    assert_eq!(cli.json_lines(&["member", "list"]), Vec::<Value>::new());
    assert_eq!(cli.json_lines(&["member", "list", "--as-of", "2020-01-01"]), Vec::<Value>::new());
    cli.run_json(&["member", "list", "--as-of", "100000"]).exits(5).says("POSITION_AHEAD");
    for (arguments, words) in [
        (&["member", "add", "feeds", "--role", "reader", "--identity", "urn:feeds"][..], "service:"),
        (&["member", "add", "service:feeds", "--role", "reader", "--identity", "feeds"], "URI"),
        (&["member", "add", "service:feeds", "--role", "operator", "--identity", "urn:feeds"], "operator"),
    ] {
        cli.run(arguments).exits(2).says(words);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_signs_in_with_its_certificate() {
    let authority = Authority::default();
    let accepted = format!("client_ca = {:?}\nclient_certificates = \"accepted\"", authority.path("ca.pem"));
    let config = authority.config(&authority.server("server"), &accepted);
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let uri = "spiffe://riverside.example/feeds";
    let (feeds, stranger) = (authority.client("feeds", &[uri]), authority.client("stranger", &["urn:stranger"]));
    let both = authority.client("both", &["urn:host-7", uri]);
    let flags = authority.flags();
    let run = |token: &str, more: &[&str], arguments: &[&str]| {
        let cli = Cli::new(&server.secure_url(), token);
        cli.run_json(&[&flags.iter().map(String::as_str).collect::<Vec<_>>()[..], more, arguments].concat())
    };
    let owner = server.token();
    let (as_feeds, as_stranger) = (feeds.flags(), stranger.flags());
    run("", &as_feeds, &["head"]).exits(3).says("NETWORK_UNKNOWN");
    run(&owner, &[], &["member", "add", "service:feeds", "--role", "reader", "--identity", uri]).ok();

    run("", &as_feeds, &["head"]).ok();
    let me = run("", &as_feeds, &["whoami"]).ok().json();
    assert_eq!(
        (&me["principal"], &me["role"], &me["credential"]["kind"], &me["credential"]["id"]),
        (&"service:feeds".into(), &"reader".into(), &"certificate".into(), &uri.into())
    );
    assert_eq!(me["reach"]["networks"], serde_json::json!(["default"]));
    run("", &as_stranger, &["head"]).exits(3).says("NETWORK_UNKNOWN");
    run("kith_wrong", &as_feeds, &["head"]).exits(4).says("TOKEN_INVALID");
    run("", &[], &["head"]).exits(2).says("no token");
    run("", &as_feeds, &["org", "add", "Riverside"]).exits(4).says("PERMISSION_DENIED");
    let networks = run("", &as_feeds, &["network", "list"]).ok().json_lines();
    assert_eq!(networks.len(), 1);
    assert_eq!(run("", &as_stranger, &["network", "list"]).ok().json_lines(), Vec::<Value>::new());

    run("", &both.flags(), &["whoami"]).ok().prints("service:feeds");
    let trap = ["member", "add", "service:trap", "--role", "reader", "--identity", "urn:host-7"];
    run(&owner, &[], &trap).ok();
    run("", &both.flags(), &["head"]).exits(3).says("NETWORK_UNKNOWN");
    run("", &as_feeds, &["console", "--print"]).exits(4).says("a certificate opens no console");
    run(&owner, &[], &trap[..3]).exits(2).says("--role");
    run(&owner, &[], &["member", "add", "service:late", "--role", "reader", "--identity", uri])
        .exits(4)
        .says("ALREADY_EXISTS");

    let mut command = Cli::new(&server.secure_url(), "").command(&["log", "--follow"]);
    command.args(&flags).args(as_feeds).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut follower = command.spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(follower.try_wait().unwrap().is_none(), "it follows");
    run(&owner, &[], &["member", "remove", "service:feeds"]).ok();
    let removed = Instant::now();
    let status = tokio::task::spawn_blocking(move || follower.wait().unwrap()).await.unwrap();
    assert!(status.code() == Some(4) && removed.elapsed() < Duration::from_secs(2), "{status} {:?}", removed.elapsed());
    run("", &as_feeds, &["head"]).exits(3).says("NETWORK_UNKNOWN");
}

#[tokio::test]
async fn a_certificate_that_expires_ends_what_it_let_in() {
    let authority = Authority::default();
    let accepted = format!("client_ca = {:?}\nclient_certificates = \"accepted\"", authority.path("ca.pem"));
    let config = authority.config(&authority.server("server"), &accepted);
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let uri = "spiffe://riverside.example/brief";
    let (flags, owner) = (authority.flags(), Cli::new(&server.secure_url(), &server.token()));
    let add = ["member", "add", "service:brief", "--role", "reader", "--identity", uri];
    owner.run(&[&flags.iter().map(String::as_str).collect::<Vec<_>>()[..], &add].concat()).ok();

    let end = Timestamp::from_millis((kith_client::now().millis() / 1_000 + 5) * 1_000);
    let brief = authority.issue("brief", |params| {
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(1970, 1, 1) + Timestamp::from_millis(0).until(end);
    });
    let mut command = Cli::new(&server.secure_url(), "").command(&["log", "--follow"]);
    command.args(&flags).args(brief.flags()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut follower = command.spawn().unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(follower.try_wait().unwrap().is_none(), "it follows");
    let status = tokio::task::spawn_blocking(move || follower.wait().unwrap()).await.unwrap();
    let ended = kith_client::now();
    assert!(end <= ended, "not before it expires");
    assert!(status.code() == Some(4) && end.until(ended) < Duration::from_secs(3), "{status} {ended:?}");
}

#[tokio::test]
async fn a_policy_is_shown_changed_and_held() {
    let (_server, cli) = start();
    cli.run(&["network", "policy"]).ok().prints("not demanded").prints("as in every new network");
    let stated = cli.json(&["network", "policy", "--random-ids", "true", "--token-attributes", "true"]);
    assert_eq!(
        (&stated["random_ids"], &stated["replica_days"], &stated["position"]),
        (&true.into(), &0.into(), &cli.head().into())
    );
    assert_eq!(cli.json(&["network", "policy", "--random-ids", "true"]), stated, "nothing is recorded again");
    assert_eq!(cli.json(&["network", "policy"]), stated);
    cli.run_json(&["person", "add", "Zoe Vale", "--id", "zoe"]).exits(4).says("random");
    cli.run(&["person", "add", "Zoe Vale"]).ok();
    cli.run_json(&["met", "amina", "eve", "--attribute", "place=Ward 7"]).exits(4).says("event.attributes");
    cli.run(&["met", "amina", "eve", "--attribute", "place=ward-7"]).ok();
    cli.run(&["network", "policy", "--replica-days", "4000"]).exits(2).says("3650");
    cli.run(&["log", "--kind", "policy-changed"]).ok().prints("random ids, tokens as attributes");
}

#[tokio::test]
async fn whoever_joins_wrongly_too_often_has_to_wait() {
    let server = Server::start();
    let nobody = Raw::connect_as(&server.url(), None).await;
    let join = v1::JoinRequest { network: "default".to_owned(), invitation: "kith_wrong".to_owned() };
    let mut reasons = Vec::new();
    for _ in 0..200 {
        let refused = Refusal::from(nobody.members().join(join.clone()).await.unwrap_err());
        reasons.push(refused.reason);
        if reasons.last().is_some_and(|reason| reason == "RATE_LIMITED") {
            break;
        }
    }
    assert_eq!((&*reasons[0], reasons.last().map(String::as_str)), ("TOKEN_INVALID", Some("RATE_LIMITED")));
    let elsewhere = v1::JoinRequest { network: "no such network".to_owned(), ..join };
    let refused = Refusal::from(nobody.members().join(elsewhere).await.unwrap_err());
    assert_eq!(refused.reason, "RATE_LIMITED", "whether there is a network is told to nobody");
    server.cli().run(&["head"]).ok();
}
