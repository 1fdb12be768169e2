//! What an organisation derives for itself: nobody else learns of it, it takes no resources from others, and an owner
//! of the network can end it without seeing it.

use crate::village::{populate, token, village};
use kith_tests::{
    cli::Cli,
    server::{DataFolder, Server, kithd},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

/// A command line with the token of an organisation's analyst.
fn analyst(owner: &Cli, organisation: &str) -> Cli {
    let (_, secret) = token(owner, &["--role", "analyst", "--organisation", organisation]);
    owner.token(&secret)
}

/// Installs the built-in strength with a different half-life; returns the arguments.
fn install(name: &str, days: u32, scope: &str) -> Vec<String> {
    let settings = format!(r#"{{"half_life_days":{days}}}"#);
    let fixed =
        ["plugin", "install", "--builtin", "strength", "--name", name, "--settings", &settings, "--scope", scope];
    fixed.map(str::to_owned).to_vec()
}

fn run(cli: &Cli, arguments: &[String]) -> kith_tests::ran::Ran {
    cli.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// All answers that a token gets about plugins and entries.
fn everything(cli: &Cli) -> Value {
    json!({
        "entries": cli.json_lines(&["log", "--after", "0"]),
        "installed": cli.json_lines(&["log", "--kind", "plugin_installed"]),
        "plugins": cli.json_lines(&["plugin", "list"]),
        "views": cli.json_lines(&["view"]).iter().map(|view| view["name"].clone()).collect::<Vec<_>>(),
    })
}

fn metrics(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: kith\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_organisations_plugin_leaves_no_trace_with_others() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.path().join("kith.toml");
    fs::write(&config, format!("[telemetry]\nmetrics_listen = \"127.0.0.1:{port}\"")).unwrap();
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let owner = server.cli();
    populate(&owner);
    owner.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let (riverside, hillside) = (analyst(&owner, "riverside"), analyst(&owner, "hillside"));
    let before = everything(&hillside);
    let head = owner.head();

    run(&riverside, &install("watchlist", 9, "organisation")).ok();
    run(&riverside, &install("watchlist", 8, "organisation")).ok();
    riverside.run(&["plugin", "pause", "watchlist"]).ok();
    riverside.run(&["plugin", "resume", "watchlist"]).ok();
    assert!(owner.head() > head, "its entries are in the log");
    assert_eq!(everything(&hillside), before, "and nobody else is given one, whatever they ask");
    assert_eq!(riverside.json_lines(&["log", "--kind", "plugin_installed"]).len(), 2, "its own people are");
    assert_eq!(riverside.json_lines(&["plugin", "list"])[0]["name"], "watchlist");

    let numbers = metrics(port);
    assert!(numbers.contains("view=\"strength\""), "{numbers}");
    assert!(!numbers.contains("watchlist") && !numbers.contains("riverside"), "{numbers}");

    // A name used by another organisation is free, and refusals reveal nothing about others.
    hillside.run(&["plugin", "remove", "watchlist"]).exits(3).says("no plugin is called `watchlist`");
    run(&hillside, &install("watchlist", 9, "organisation")).ok();
    run(&owner, &install("watchlist", 7, "network")).ok();
    let (_, secret) = token(&owner, &["--role", "reader"]);
    let seen = everything(&owner.token(&secret));
    assert_eq!(seen["plugins"].as_array().unwrap().len(), 1, "the network's own: {seen}");
}

#[test]
fn a_name_means_the_own_plugin_and_then_the_networks() {
    let (server, owner) = village();
    owner.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let (riverside, hillside) = (analyst(&owner, "riverside"), analyst(&owner, "hillside"));
    run(&riverside, &install("ties", 9, "organisation")).ok();
    run(&owner, &install("ties", 99, "network")).ok();
    run(&hillside, &install("ties", 9, "organisation")).exits(4).says("the network has a plugin called `ties`");
    let rows = |cli: &Cli| cli.json_lines(&["view", "ties", "--at", "2026-02-05"]);
    let (own, of_network) = (rows(&riverside), rows(&owner));
    assert_ne!(own, of_network);
    assert_eq!(rows(&hillside), of_network);

    // Both keep working after a restart, and on replicas.
    let data = server.kill();
    kithd(&["check", "--data", data.path().to_str().unwrap()]).ok();
    let server = Server::start_on(data, &[]);
    let at = |cli: &Cli| cli.server(&server.url());
    assert_eq!((rows(&at(&riverside)), rows(&at(&hillside))), (own.clone(), of_network.clone()));
    for (cli, expected) in [(&riverside, &own), (&hillside, &of_network)] {
        let folder = tempfile::tempdir().unwrap();
        let there = |arguments: &[&str]| {
            let mut command = at(cli).command(arguments);
            kith_tests::ran::Ran::run(command.env("KITH_REPLICA", folder.path().join("replica")), "")
        };
        there(&["sync"]).ok();
        assert_eq!(there(&["view", "ties", "--at", "2026-02-05", "-o", "json"]).ok().json_lines(), *expected);
    }

    at(&riverside).run(&["plugin", "remove", "ties"]).ok();
    assert_eq!(rows(&at(&riverside)), of_network, "without a plugin of its own the name means the network's");
}

#[test]
fn each_owner_has_slots_of_its_own() {
    let (_server, owner) = village();
    let (riverside, hillside) = (analyst(&owner, "riverside"), analyst(&owner, "hillside"));
    for number in 1..=16 {
        run(&riverside, &install(&format!("view_{number}"), number, "organisation")).ok();
    }
    let full = "the organisation has 16 plugins, which is the limit";
    run(&riverside, &install("one_more", 17, "organisation")).exits(4).says(full);
    run(&hillside, &install("one_more", 17, "organisation")).ok();
    run(&owner, &install("one_more", 17, "network")).ok();
}

#[test]
fn an_owner_of_the_network_ends_what_it_may_not_see() {
    let (server, owner) = village();
    owner.run(&["met", "amina", "ben", "--on", "2026-01-05"]).ok();
    let (riverside, hillside) = (analyst(&owner, "riverside"), analyst(&owner, "hillside"));
    run(&riverside, &install("watchlist", 9, "organisation")).ok();
    assert_eq!(riverside.json_lines(&["view", "watchlist", "--at", "2026-02-05"]).len(), 1);
    let listed = owner.json_lines(&["plugin", "list"]);
    let id = listed[0]["installed"].as_str().unwrap();
    assert_eq!((listed.len(), &listed[0]["organisation"]), (1, &json!("riverside")));
    assert!(listed[0]["fuel"].as_u64() > Some(0) && listed[0]["bytes"].as_u64() > Some(0), "{listed:?}");
    owner.run(&["plugin", "list"]).ok().prints(id).prints("not shown");
    assert_eq!(hillside.json_lines(&["plugin", "list"]), Vec::<Value>::new());

    let remove = ["plugin", "remove", "--installed", id];
    hillside.run(&remove).exits(4).says("this token may not do this");
    owner.run(&remove).ok();
    assert_eq!(riverside.json_lines(&["plugin", "list"]), Vec::<Value>::new());
    riverside.run(&["view", "watchlist"]).exits(3);
    let told = hillside.json_lines(&["log", "--kind", "plugin_removed"]);
    assert_eq!((told.len(), &told[0]["event"]["plugin_removed"]), (1, &json!({ "installed": id })), "{told:?}");
    owner.run(&remove).exits(3).says("no plugin was installed by the event");

    let token = server.token();
    let data: Arc<DataFolder> = server.kill();
    kithd(&["check", "--data", data.path().to_str().unwrap()]).ok();
    let server = Server::start_on(data, &[]);
    assert_eq!(Cli::new(&server.url(), &token).json_lines(&["plugin", "list"]), Vec::<Value>::new());
}
