//! What a plugin and a few meetings may cost a server.

use kith_tests::{hostile::FAT, process::peak_resident_bytes, server::Server};
use serde_json::json;
use std::{
    fs,
    time::{Duration, Instant},
};

/// People in one meeting, the most there may be.
const CROWD: usize = 64;
/// Memory that a server may hold with one view that gives far too much: the server's own and 64 MiB.
const MEMORY_MAX: u64 = 448 * 1024 * 1024;
/// The longest that the view is waited for.
const PATIENCE: Duration = Duration::from_mins(3);

#[test]
fn a_plugin_that_gives_gigabytes_is_stopped_and_the_server_lives() {
    let server = Server::start();
    let cli = server.cli();
    cli.run(&["org", "add", "Riverside", "--id", "riverside"]).ok();
    let ids: Vec<String> = (0..CROWD).map(|number| format!("p{number}")).collect();
    let line = |id: &String| {
        let added = json!({"person": id, "organisation": "riverside"});
        json!({"event": {"occurred_at": "2026-03-04T10:00:00Z", "scope": "network", "person_added": added}}).to_string()
    };
    cli.run_with_input(&["record", "-"], &ids.iter().map(line).collect::<Vec<_>>().join("\n")).ok();
    let met: Vec<&str> = ["met"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    cli.run(&met).ok();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fat.wasm");
    fs::write(&file, &*FAT).unwrap();
    // The command waits for the view, and says that it stopped.
    cli.run(&["plugin", "install", file.to_str().unwrap(), "--name", "fat"]).says("quarantine");
    let begun = Instant::now();
    let reason = loop {
        let views = cli.json_lines(&["view"]);
        let fat = views.iter().find(|view| view["name"] == "fat").expect("it is listed");
        if fat["state"] == "stopped" {
            break fat["last_error"].as_str().unwrap_or_default().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "the view stops: {fat}");
        std::thread::sleep(Duration::from_millis(200));
    };
    assert!(reason.contains("quarantine"), "{reason}");
    let peak = peak_resident_bytes(server.pid()).unwrap();
    assert!(peak < MEMORY_MAX, "{} MiB", peak >> 20);
    assert_eq!(cli.json_lines(&["view", "strength"]).len(), CROWD * (CROWD - 1) / 2, "everybody else is served");
}
