//! A full disk: writes are refused and say why, reads continue, and once there is space again nothing is lost.
//!
//! Invariant: the limit is imposed on a real, running `kithd`, by the system and from outside.

use kith_tests::{
    cli::Cli,
    events::{met, person_added, sent},
    heard::Heard,
    raw::Raw,
    server::{DataFolder, Server},
};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::{fs, sync::Arc, time::Duration};
use tonic::{Code, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_client::HealthClient,
};

/// The longest time to wait for anything here.
const PATIENCE: Duration = Duration::from_secs(20);

/// How soon health checks report a failure.
const HEALTH_LATENCY_MAX: Duration = Duration::from_secs(1);

/// A size that every further commit exceeds.
const FULL_BYTES: u64 = 4_096;

/// Limits the size of a server's files; returns the previous limit.
fn limit_files(server: &Heard, limit: Rlimit) -> Rlimit {
    prlimit(Some(Pid::from_child(server.process())), Resource::Fsize, limit).unwrap()
}

/// The status reported by the health service, now and at each change.
async fn watch_health(url: &str) -> tonic::Streaming<HealthCheckResponse> {
    let channel = Endpoint::from_shared(url.to_owned()).unwrap().connect().await.unwrap();
    HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap().into_inner()
}

async fn next_health(health: &mut tonic::Streaming<HealthCheckResponse>, patience: Duration) -> ServingStatus {
    let next = tokio::time::timeout(patience, health.message()).await.expect("health is told in time");
    next.unwrap().unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_disk_stops_writes_and_loses_nothing() {
    let server = Server::start();
    let (data, secret) = (server.data(), server.token());
    let raw = Raw::connect(&server.url(), &secret).await;
    raw.append([person_added("amina", ""), person_added("ben", "")].iter().map(sent).collect()).await.unwrap();
    assert!(server.terminate().success());

    let full = Heard::start(&data);
    let raw = Raw::connect(full.url(), &secret).await;
    raw.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap();
    let acknowledged = raw.read_all().await.unwrap();
    let mut health = watch_health(full.url()).await;
    assert_eq!(next_health(&mut health, PATIENCE).await, ServingStatus::Serving);

    let no_more = Rlimit { current: Some(FULL_BYTES), maximum: None };
    let before = limit_files(&full, no_more);
    expect_refused(&raw).await;
    assert_eq!(next_health(&mut health, HEALTH_LATENCY_MAX).await, ServingStatus::NotServing);
    assert!(full.hear("commit failed").contains("the log refuses writes"));
    expect_refused(&raw).await;
    assert_eq!(raw.read_all().await.unwrap(), acknowledged, "reads go on, and nothing was added");

    limit_files(&full, before);
    expect_refused(&raw).await;
    kill_process(Pid::from_child(full.process()), Signal::TERM).unwrap();
    drop(health);
    drop(full);
    expect_all_there(&data, &secret, &acknowledged).await;
}

async fn expect_refused(raw: &Raw) {
    let refused = raw.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "LOG_POISONED"), "{}", refused.message);
    assert!(refused.message.contains("disk filled up: an operator must make room and restart"), "{}", refused.message);
}

/// A separate disk, which other programs do not fill.
const OWN_DISK: &str = "/dev/shm";

/// Free bytes that a test uses up and releases; it leaves half of them to other programs.
const ROOM_BYTES: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_disk_that_is_almost_full_refuses_events_until_there_is_room() {
    let folder = tempfile::tempdir_in(OWN_DISK).unwrap();
    let disk = rustix::fs::statvfs(OWN_DISK).unwrap();
    let reserve = disk.f_bavail * disk.f_frsize - ROOM_BYTES;
    let config = folder.path().join("kith.toml");
    let text = format!("[log]\ndisk_reserve_bytes = {reserve}\n");
    fs::write(&config, text).unwrap();
    let (data, config) = (folder.path().join("data"), config.to_str().unwrap().to_owned());
    let server = Heard::start_with(&data, |command| {
        command.env_remove("KITH_LOG_DISK_RESERVE_BYTES").args(["--config", &config]);
    });
    let secret = fs::read_to_string(data.join("owner.token")).unwrap();
    let raw = Raw::connect(server.url(), secret.trim()).await;
    raw.append([person_added("amina", ""), person_added("ben", "")].iter().map(sent).collect()).await.unwrap();
    let mut health = watch_health(server.url()).await;
    assert_eq!(next_health(&mut health, PATIENCE).await, ServingStatus::Serving);

    let ballast = folder.path().join("ballast");
    fs::write(&ballast, vec![1; 2 * usize::try_from(ROOM_BYTES).unwrap()]).unwrap();
    let meeting = sent(&met(&["amina", "ben"]));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let refused = raw.append(vec![meeting.clone()]).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "DISK_FULL"), "{}", refused.message);
    assert!(refused.message.contains("once an operator has made room"), "{}", refused.message);
    assert!(server.hear("almost full").contains("accepts no events"));
    assert_eq!(raw.read_all().await.unwrap().len(), 2, "reading goes on");
    let cli = Cli::new(server.url(), secret.trim());
    cli.run(&["met", "amina", "ben"]).exits(5).says("almost full");

    fs::remove_file(&ballast).unwrap();
    raw.append(vec![meeting]).await.unwrap();
    assert!(server.hear("has room again").contains("accepts events"));
    assert_eq!(raw.read_all().await.unwrap().len(), 3, "nothing had to be restarted");
}

#[test]
fn views_that_wait_for_room_say_so_and_take_no_room() {
    let folder = tempfile::tempdir_in(OWN_DISK).unwrap();
    let config = folder.path().join("kith.toml");
    fs::write(&config, "[views]\nfree_bytes_min = 1_099_511_627_776\n").unwrap();
    let (data, config) = (folder.path().join("data"), config.to_str().unwrap().to_owned());
    let server = Heard::start_with(&data, |command| {
        command.env_remove("KITH_VIEWS_FREE_BYTES_MIN").args(["--config", &config]);
    });
    let secret = fs::read_to_string(data.join("owner.token")).unwrap();
    let cli = Cli::new(server.url(), secret.trim());
    for person in ["amina", "ben"] {
        cli.run(&["person", "add", person]).ok();
    }
    cli.run(&["met", "amina", "ben"]).ok();
    cli.run(&["view", "strength"]).exits(5).says("the view waits for room on the disk");
    // The first view says so at the start, before or after the server is ready.
    let told = "view waits for room";
    let line = if server.said().contains(told) { server.said().to_owned() } else { server.hear(told) };
    assert!(line.contains("views leave 1048576 MiB free"), "{line}");
    cli.run(&["log"]).ok().prints("met");
}

/// A server restarted with enough space has everything that was acknowledged, and accepts more.
async fn expect_all_there(data: &Arc<DataFolder>, secret: &str, acknowledged: &[bytes::Bytes]) {
    let server = Server::start_on(Arc::clone(data), &[]);
    let mut health = watch_health(&server.url()).await;
    assert_eq!(next_health(&mut health, PATIENCE).await, ServingStatus::Serving);
    let raw = Raw::connect(&server.url(), secret).await;
    let there = raw.read_all().await.unwrap();
    assert!(there.starts_with(acknowledged), "nothing acknowledged is lost");
    raw.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap();
    assert_eq!(raw.read_all().await.unwrap().len(), there.len() + 1);
}
