//! Metrics for Prometheus, as a scraper sees them.

use crate::village::{VILLAGE_ENTRIES, populate};
use kith_tests::server::{Server, kithd};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

/// The answer to one request, head and body.
fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: kith\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_log_and_every_view_tell_how_they_do() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.path().join("kith.toml");
    fs::write(&config, format!("[telemetry]\nmetrics_listen = \"127.0.0.1:{port}\"")).unwrap();
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let cli = server.cli();
    populate(&cli);
    cli.run(&["met", "amina", "ben"]).ok();
    let install = ["plugin", "install", "--builtin", "strength", "--name", "own", "--settings"];
    cli.run(&[&install[..], &[r#"{"half_life_days":9}"#]].concat()).ok();
    cli.run(&["view", "own"]).ok();
    let answer = get(port, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("application/openmetrics-text"), "{answer}");
    let head = VILLAGE_ENTRIES + 3;
    for line in [
        format!("kith_head_position{{network=\"default\"}} {head}"),
        "kith_writable 1".to_owned(),
        "kith_details_open_bytes 0".to_owned(),
        "kith_requests_open_bytes 0".to_owned(),
        "kith_answers_open_bytes 0".to_owned(),
        format!("kith_entries_total {head}"),
        "kith_view_lag_entries{network=\"default\",view=\"own\",version=\"2.0.0\"} 0".to_owned(),
        "kith_view_rows{network=\"default\",view=\"own\",version=\"2.0.0\"} 1".to_owned(),
        "kith_view_events_total{network=\"default\",view=\"own\",version=\"2.0.0\"} 1".to_owned(),
        "kith_view_faults_total{network=\"default\",view=\"own\",version=\"2.0.0\"} 0".to_owned(),
        "# EOF".to_owned(),
    ] {
        assert!(answer.lines().any(|found| found == line), "{line} is missing in {answer}");
    }
    assert!(!answer.contains("amina"), "no name or id of a person: {answer}");
    assert!(get(port, "/").starts_with("HTTP/1.1 404"));

    let data = tempfile::tempdir().unwrap();
    let second =
        ["--config", config.to_str().unwrap(), "--data", data.path().to_str().unwrap(), "--listen", "127.0.0.1:0"];
    kithd(&second).exits(1).says("telemetry.metrics_listen");
}
