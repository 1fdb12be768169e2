//! Starting, restarting, stopping and checking a server, as its operator does.

use crate::village::{VILLAGE_ENTRIES, populate, token, village};
use jiff::Timestamp;
use kith_proto::v1;
use kith_tests::{
    cli::Cli,
    raw::{Raw, Refusal},
    server::{DataFolder, Server, kithd, kithd_command},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

/// Root of the empty tree: SHA-256 of nothing.
const EMPTY_ROOT: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn path(data: &DataFolder) -> &str {
    data.path().to_str().expect("a plain path")
}

#[test]
fn the_first_start_makes_a_network_and_an_owner_token() {
    let parent = tempfile::tempdir().unwrap();
    let data = parent.path().join("new/folder");
    let mut child = kithd_command()
        .args(["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = Vec::new();
    let address = lines.into_iter().find_map(|line| {
        said.push(line.clone());
        line.strip_prefix("listening on ").map(str::to_owned)
    });
    let address = address.expect("it says where it listens");
    let said = said.join("\n");
    assert_eq!(said.matches("\n  ").count(), 4, "commands to try: {said}");
    let token_file = data.join("owner.token");
    assert!(said.contains(token_file.to_str().unwrap()) && said.contains(&address), "{said}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&token_file), mode(&data)), (0o600, 0o700));
    let secret = fs::read_to_string(&token_file).unwrap();
    assert!(!said.contains(secret.trim()), "the secret is in the file only");
    let cli = kith_tests::cli::Cli::new(&format!("http://{address}"), secret.trim());
    assert_eq!(
        cli.json(&["head"]),
        json!({"network": "default", "position": 0, "root": EMPTY_ROOT, "recorded_at": null, "clock": null})
    );
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Everything that a user can see of the village.
fn everything(server: &Server, member: &str) -> Vec<Value> {
    let cli = server.cli();
    let mut all = cli.json_lines(&["log", "--after", "0"]);
    all.push(cli.json(&["head"]));
    all.extend(cli.json_lines(&["person", "list"]));
    all.extend(cli.json_lines(&["token", "list"]));
    all.push(cli.token(member).json(&["head"]));
    for view in VIEWS {
        all.extend(cli.json_lines(&["view", view, "--at", "2026-04-01"]));
    }
    all
}

/// The built-in views, in listing order.
const VIEWS: [&str; 5] = ["follow_ups", "help", "introductions", "keep_in_touch", "strength"];
const REPORTS: [&str; 4] = ["bridges", "follow_up_latency", "referrers", "who_should_meet"];

async fn settle(server: &Server) {
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let head = raw.head().await.unwrap().position;
    for view in VIEWS {
        raw.follow_view(view, head).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_restart_keeps_everything() {
    let (server, cli) = village();
    cli.run(&["met", "amina", "ben", "--on", "2026-03-04", "--note", "frailty board"]).ok();
    cli.run(&["referred", "carol", "amina", "--to", "ben", "--on", "2026-03-05"]).ok();
    let (_, member) = token(&cli, &["--role", "recorder", "--person", "amina", "--organisation", "riverside"]);
    settle(&server).await;
    let (before, owner) = (everything(&server, &member), server.token());
    assert!(before.iter().any(|value| value.to_string().contains("frailty board")));

    let data = server.data();
    assert!(server.terminate().success());
    let server = Server::start_on(Arc::clone(&data), &[]);
    settle(&server).await;
    assert_eq!(everything(&server, &member), before);
    assert_eq!(server.token(), owner);
    server.kill();
    let server = Server::start_on(data, &[]);
    settle(&server).await;
    assert_eq!(everything(&server, &member), before, "also after a kill");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_demonstration_has_something_to_show() {
    let server = Server::start_with(&["--demo"]);
    let raw = Raw::connect(&server.url(), &server.token()).await.network("demo");
    let head = raw.head().await.unwrap().position;
    let cli = server.cli().network("demo");
    let people = cli.json_lines(&["person", "list"]);
    assert!(people.len() >= 35, "{} people", people.len());
    assert!(people.iter().all(|person| !person["name"].as_str().unwrap_or_default().is_empty()));
    for view in VIEWS {
        raw.follow_view(view, head).await.unwrap();
        let rows = cli.json_lines(&["view", view, "--top", "5"]);
        assert_eq!(rows.len(), 5, "{view}");
        assert!(
            rows.iter().all(|row| row["key"].as_array().unwrap().len() == 2 && row["evidence"].as_u64() >= Some(1))
        );
    }
    let views = cli.json_lines(&["view"]);
    let names: Vec<_> = views.iter().map(|view| view["name"].as_str().unwrap()).collect();
    let mut expected = [&VIEWS[..], &REPORTS].concat();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for report in REPORTS {
        assert_eq!(cli.json_lines(&["view", report, "--top", "3"]).len(), 3, "{report}");
    }
    for view in views.iter().filter(|view| view["contract"] == "kith:view@1.0.0") {
        let measured = |name: &str| view[name].as_f64().unwrap();
        assert!(measured("events_per_second") > 0.0 && measured("fuel_per_event") > 0.0, "{view}");
        assert_eq!((measured("lag"), measured("faults"), &view["quarantined"]), (0.0, 0.0, &json!([])), "{view}");
    }
    let today = i32::try_from(Timestamp::now().as_second() / 86_400).unwrap();
    let mut live = Vec::new();
    for view in VIEWS {
        live.push(raw.rows_at(view, Some(today), head).await.unwrap());
    }
    let data = server.data();
    assert!(server.terminate().success());
    fs::remove_dir_all(data.path().join("views")).unwrap();
    let server = Server::start_on(data, &["--demo"]);
    let raw = Raw::connect(&server.url(), &server.token()).await.network("demo");
    for (view, live) in VIEWS.into_iter().zip(live) {
        assert!(!live.is_empty(), "{view}");
        assert_eq!(raw.rows_at(view, Some(today), head).await.unwrap(), live, "{view} built anew has the same rows");
    }
    assert_eq!(server.cli().network("demo").head(), head, "the story is told once");
    assert_eq!(server.cli().head(), 0, "the first network stays empty");
}

#[tokio::test]
async fn sigterm_ends_the_server_soon_also_with_open_followers() {
    let (server, cli) = village();
    let mut follower = cli
        .command(&["--output", "json", "log", "--after", "0", "--follow"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert_eq!(lines.take(6).map_while(Result::ok).count() as u64, VILLAGE_ENTRIES, "it follows");
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let mut updates = raw.subscribe(None, None).await.unwrap();
    updates.message().await.unwrap().expect("it follows");
    let started = Instant::now();
    let ended = tokio::task::spawn_blocking(move || server.terminate());
    let told = loop {
        match updates.message().await {
            Ok(message) => assert!(message.is_some(), "an end has a reason"),
            Err(status) => break Refusal::from(status),
        }
    };
    assert_eq!(told.reason, "SHUTTING_DOWN");
    assert_eq!(ended.await.unwrap().code(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn one_folder_has_one_server() {
    let (server, cli) = village();
    let data = server.data();
    let second = kithd(&["--listen", "127.0.0.1:0", "--data", path(&data)]).exits(1);
    second.says(path(&data)).says("in use by another process");
    kithd(&["check", "--data", path(&data)]).exits(5).says("in use by another process");
    assert_eq!(cli.head(), VILLAGE_ENTRIES, "the first one goes on");
}

#[test]
fn check_finds_a_flipped_byte() {
    let (server, cli) = village();
    cli.run(&["met", "amina", "ben", "--attribute", "findme=needle-in-the-log"]).ok();
    let data = server.data();
    assert!(server.terminate().success());
    kithd(&["check", "--data", path(&data)]).ok();
    let file = data.path().join("log.redb");
    let whole = fs::read(&file).unwrap();
    let needle = b"needle-in-the-log";
    let places: Vec<_> = whole.windows(needle.len()).enumerate().filter(|(_, part)| part == needle).collect();
    assert!(!places.is_empty(), "the event is in the file");
    let mut damaged = whole.clone();
    for (place, _) in &places {
        damaged[place + 3] ^= 1;
    }
    fs::write(&file, &damaged).unwrap();
    kithd(&["check", "--data", path(&data)]).exits(6).prints("log.redb");
    assert!(fs::read(&file).unwrap() == damaged, "a check mends nothing");
    fs::write(&file, whole).unwrap();
    kithd(&["check", "--data", path(&data)]).ok();
}

#[test]
fn check_of_a_folder_without_a_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    kithd(&["check", "--data", path]).exits(3).says(path);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a check makes nothing");
}

#[test]
fn the_configuration_is_printed_without_secrets() {
    let server = Server::start();
    let data = server.data();
    let printed = kithd(&["config", "--data", path(&data), "--listen", "127.0.0.1:1234"]).ok().stdout;
    let table: toml::Table = printed.parse().unwrap();
    assert_eq!(table["data"].as_str(), Some(path(&data)));
    assert_eq!(table["listen"].as_str(), Some("127.0.0.1:1234"));
    assert!(!printed.contains(&server.token()));
}

#[test]
fn every_mistake_in_the_configuration_is_listed_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (folder.path().join("kith.toml"), folder.path().join("data"));
    fs::write(
        &file,
        "lisen = \"127.0.0.1:1\"\nlisten = \"nowhere\"\n[log]\nspeed = 9\n[limits]\nstall_ms = \"soon\"\n",
    )
    .unwrap();
    let arguments = ["--data", data.to_str().unwrap(), "--config", file.to_str().unwrap()];
    let ran = kithd(&arguments).exits(2);
    for mistake in ["lisen", "listen", "log.speed", "limits.stall_ms"] {
        assert!(ran.stderr.contains(mistake), "{mistake} is missing in {}", ran.stderr);
    }
    assert!(!data.exists());
    kithd(&["--config", folder.path().join("absent.toml").to_str().unwrap()]).exits(2).says("absent.toml");
}

#[test]
fn a_configuration_that_an_editor_saved_otherwise_is_read_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kith.toml");
    let arguments = ["config", "--config", file.to_str().unwrap()];
    let text = "listen = \"127.0.0.1:1234\"\n";
    fs::write(&file, format!("\u{feff}{text}")).unwrap();
    kithd(&arguments).ok().prints("127.0.0.1:1234");
    let utf_16 = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes);
    fs::write(&file, utf_16.collect::<Vec<u8>>()).unwrap();
    kithd(&arguments).exits(2).says("is UTF-16: save it as UTF-8");
}

#[test]
fn data_outlives_its_views() {
    let server = Server::start();
    populate(&server.cli());
    let data = server.data();
    let head = server.cli().json(&["head"]);
    assert!(server.terminate().success());
    for folder in ["views", "cache"] {
        fs::remove_dir_all(data.path().join(folder)).unwrap();
    }
    let server = Server::start_on(data, &[]);
    assert_eq!(server.cli().json(&["head"]), head);
}

#[tokio::test]
async fn the_owner_token_ends_once_a_network_has_an_owner_and_the_operator_sees_nothing_inside() {
    let server = Server::start();
    let (data, first) = (server.data(), server.token());
    let folder = path(&data).to_owned();
    kithd(&["owner", "retire", "--data", &folder]).exits(5);
    assert!(server.terminate().success());
    kithd(&["owner", "retire", "--data", &folder]).exits(4).says("no network has an owner of its own");
    kithd(&["operator", "retire", "--data", &folder]).exits(4).says("`kithd operator issue` makes one");
    kithd(&["operator", "issue", "--data", &folder]).ok();
    kithd(&["operator", "issue", "--data", &folder]).exits(4).says("`kithd operator rotate` replaces it");

    let server = Server::start_on(data.clone(), &[]);
    let issued = server.cli().json(&["token", "add", "--role", "owner"]);
    let owner = Cli::new(&server.url(), issued["secret"].as_str().unwrap());
    owner.run(&["org", "add", "Riverside", "--id", "riverside"]).ok();
    let secret = fs::read_to_string(data.path().join("operator.token")).unwrap();
    let operator = Cli::new(&server.url(), secret.trim());
    operator.run(&["whoami"]).ok().prints("operator");
    assert_eq!(operator.json_lines(&["network", "list"])[0]["head"], owner.head());
    let status =
        Raw::connect(&server.url(), secret.trim()).await.admin().get_status(v1::GetStatusRequest::default()).await;
    assert_eq!(status.unwrap().into_inner().networks[0].name, "default");
    let backup = data.path().join("by-the-operator");
    operator.run(&["admin", "backup", "--to", backup.to_str().unwrap()]).ok();
    for inside in
        [&["head"][..], &["log"], &["org", "list"], &["member", "list"], &["network", "policy"], &["token", "list"]]
    {
        operator.run_json(inside).exits(3).says("NETWORK_UNKNOWN");
    }
    operator.run_json(&["network", "add", "north"]).exits(4).says("PERMISSION_DENIED");
    assert!(server.terminate().success());

    kithd(&["owner", "retire", "--data", &folder]).ok().prints("the owner token has ended");
    assert!(!data.path().join("owner.token").exists());
    kithd(&["owner", "retire", "--data", &folder]).exits(4);
    let server = Server::start_on(data, &[]);
    Cli::new(&server.url(), &first).run_json(&["head"]).exits(4).says("TOKEN_INVALID");
    Cli::new(&server.url(), issued["secret"].as_str().unwrap()).run(&["head"]).ok();
}
