//! A log that differs from the one that was signed: served read-only until its operator decides.

use kith_tests::{
    cli::Cli,
    events::{met, organisation_added, person_added, sent},
    heard::Heard,
    raw::Raw,
    server::Server,
};
use std::{fs, sync::Arc};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_restored_backup_is_served_read_only_with_the_reason() {
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let people = [organisation_added("riverside"), person_added("amina", ""), person_added("ben", "")];
    raw.append(people.iter().map(sent).collect()).await.unwrap();
    let (data, secret) = (server.data(), server.token());
    assert!(server.terminate().success());
    let log = data.path().join("log.redb");
    let backup = fs::read(&log).unwrap();

    let server = Server::start_on(Arc::clone(&data), &[]);
    let raw = Raw::connect(&server.url(), &secret).await;
    raw.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap();
    server.cli().run(&["audit", "checkpoint"]).ok();
    drop(server.kill());
    let newest = fs::read(&log).unwrap();
    fs::write(&log, backup).unwrap();

    let told = Heard::start(&data);
    for text in ["READ-ONLY", "4 entries were signed, and the log ends at position 3", "--accept-rollback"] {
        assert!(told.said().contains(text), "{text:?} is missing: {}", told.said());
    }
    let raw = Raw::connect(told.url(), &secret).await;
    let refused = raw.append(vec![sent(&met(&["amina", "ben"]))]).await.unwrap_err();
    assert_eq!((refused.code, refused.reason.as_str()), (tonic::Code::Unavailable, "LOG_ROLLED_BACK"));
    assert!(refused.message.contains("kithd restore --accept-rollback"), "{}", refused.message);
    assert_eq!(raw.read_all().await.unwrap().len(), 3, "reading goes on");
    let cli = Cli::new(told.url(), &secret);
    cli.run(&["met", "amina", "ben"]).exits(5).says("hint: tell the server's operator");
    cli.run(&["network", "add", "south"]).exits(5);
    cli.run(&["token", "add", "--role", "reader"]).exits(5);
    cli.run(&["audit", "checkpoint"]).exits(5);
    cli.run(&["log"]).ok();
    drop(told);

    fs::write(&log, newest).unwrap();
    let server = Server::start_on(data, &[]);
    assert_eq!(server.cli().head(), 4, "the right log goes on as if nothing had been");
    server.cli().run(&["met", "amina", "ben"]).ok();
}
