//! The example for app developers does what it says.

#[allow(dead_code, reason = "the example's own main is not called here")]
#[path = "../../../client/examples/offline.rs"]
mod offline;

use kith_tests::server::Server;

#[tokio::test]
async fn the_example_works_offline_and_online() {
    let server = Server::start();
    server.cli().run(&["person", "add", "Amina", "--id", "amina"]).ok();
    server.cli().run(&["person", "add", "Ben", "--id", "ben"]).ok();
    let folder = tempfile::tempdir().unwrap();
    let token = server.token();
    let run = async |url: &str| offline::run(folder.path(), url, &token, ["amina", "ben"]).await.unwrap();
    assert_eq!(run("http://127.0.0.1:9").await, ["no server: it is sent later", "on its way: met"]);
    let told = run(&server.url()).await;
    assert_eq!(told[0], "level with the server at position 4");
    assert!(told.iter().all(|line| !line.contains("on its way") && !line.contains("refused")), "{told:?}");
}
