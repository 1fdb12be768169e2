//! Every built-in view is rebuilt from the log alone: on a server that has lost its views, and on an author's computer.

use crate::replica::client;
use kith_client::{Client, DigestQuery};
use kith_core::day::Day;
use kith_tests::{
    cli::Cli,
    events::{NOON, sent},
    random::Random,
    raw::Raw,
    server::Server,
    story::story,
};
use std::{collections::BTreeSet, fs};

const EVENTS: usize = 150;
/// Events recorded at once; the views catch up in between.
const EVENTS_AT_ONCE: usize = 9;

/// The digest over the rows of each view, as of the last day.
async fn digests(client: &Client) -> Vec<(&'static str, u64, String)> {
    let mut digests = Vec::new();
    for builtin in kith_bundle::views() {
        let at = Some(Day::new(NOON.day().number() + 1));
        let query = DigestQuery { view: builtin.name.to_owned(), at, ..DigestQuery::default() };
        let found = client.digest_view(&query).await.unwrap();
        digests.push((builtin.name, found.rows, hex::encode(&found.rows_digest)));
    }
    digests
}

/// A view's rows as the command line prints them, in no particular order.
fn lines(cli: &Cli, arguments: &[&str]) -> BTreeSet<String> {
    let on = ["-o", "json", "--at", "2026-03-02"];
    let ran = cli.run(&[arguments, &on].concat()).ok();
    ran.stdout.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_built_in_view_is_the_same_followed_rebuilt_and_tried() {
    let mut random = Random::from_env("REBUILD_SEED");
    let server = Server::start();
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let here = client(&server.url(), &server.token());
    for some in story(&mut random, EVENTS).chunks(EVENTS_AT_ONCE) {
        raw.append(some.iter().map(sent).collect()).await.unwrap();
        digests(&here).await;
    }
    let followed = digests(&here).await;
    assert!(followed.iter().all(|(_, rows, _)| *rows > 3), "there is little to compare: {followed:?}");

    let folder = tempfile::tempdir().unwrap();
    let cli = server.cli();
    for builtin in kith_bundle::views() {
        let component = folder.path().join(builtin.name).with_extension("wasm");
        fs::write(&component, builtin.component).unwrap();
        let tried = lines(&cli, &["plugin", "try", component.to_str().unwrap()]);
        assert_eq!(tried, lines(&cli, &["view", builtin.name]), "{}", builtin.name);
    }

    let data = server.data();
    drop((raw, here));
    assert!(server.terminate().success());
    fs::remove_dir_all(data.path().join("views")).unwrap();
    let server = Server::start_on(data, &[]);
    assert_eq!(digests(&client(&server.url(), &server.token())).await, followed);
}
