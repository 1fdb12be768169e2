//! A server whose built-in view is another version than the client's.

use super::{Device, client};
use kith_client::{
    DigestQuery, ViewQuery,
    replica::{OfflineViews, ViewError},
};
use kith_core::reason::Reason;
use kith_tests::{
    events::{met, person_added, sent},
    programs::program,
    ran::Ran,
    raw::Raw,
    server::Server,
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
};

/// The version of `strength` that the other server has.
const OTHER: &str = "9.9.9";

/// Writes a server program in which `strength` says that it is another version, and so is another component.
fn write_other_program(path: &Path) {
    let mut bytes = fs::read(program("kithd")).unwrap();
    let component = kith_bundle::find("strength").unwrap().component;
    let version = kith_plugin_strength::VERSION.as_bytes();
    assert_eq!(version.len(), OTHER.len());
    let mut other = component.to_vec();
    let is_version = |at: &usize| component[*at..].starts_with(version);
    for at in (0..component.len()).filter(is_version) {
        other[at..at + version.len()].copy_from_slice(OTHER.as_bytes());
    }
    // The compiler may have copied it.
    let is_component = |at: &usize| bytes[*at..].starts_with(component);
    let places: Vec<_> = (0..bytes.len()).filter(is_component).collect();
    assert!(!places.is_empty() && other != component);
    for at in places {
        bytes[at..at + other.len()].copy_from_slice(&other);
    }
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
}

fn of(view: &str) -> ViewQuery {
    ViewQuery { view: view.to_owned(), ..ViewQuery::default() }
}

async fn version(views: &OfflineViews, name: &str) -> String {
    let listed = views.list_views().await.unwrap();
    listed.views.into_iter().find(|view| view.name == name).unwrap().version
}

/// Rows here are those of the server, of the same component.
async fn expect_the_server_s(device: &Device) {
    let query = DigestQuery { view: "strength".to_owned(), ..DigestQuery::default() };
    let views = device.replica.views().unwrap();
    let (here, there) = (views.digest_view(&query).await.unwrap(), device.client.digest_view(&query).await.unwrap());
    assert_eq!((&here, here.rows), (&there, 1));
    assert_eq!(views.query_view(&of("bridges")).await.unwrap().rows.len(), 0, "a report reads them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_built_in_view_is_the_server_s_version_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("kithd");
    write_other_program(&other);
    let server = Server::start_program(&other, Arc::default(), &[]);
    let raw = Raw::connect(&server.url(), &server.token()).await;
    let events = [person_added("amina", ""), person_added("ben", ""), met(&["amina", "ben"])];
    raw.append(events.iter().map(sent).collect()).await.unwrap();
    raw.follow_view("strength", 3).await.unwrap();

    let mut device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let differing = device.replica.views().unwrap().served_builtins().await;
    let names: Vec<_> = differing.iter().map(|builtin| (builtin.name.as_str(), builtin.version.as_str())).collect();
    assert_eq!(names, [("strength", OTHER)]);
    assert_eq!(version(&device.replica.views().unwrap(), "strength").await, OTHER);
    expect_the_server_s(&device).await;

    let mut command = server.cli().command(&["view", "strength"]);
    let shown = Ran::run(command.env("KITH_REPLICA", device.folder.path()), "");
    shown.ok().says(&format!("strength is {OTHER} as at the server; this program comes with another version"));

    // What was fetched is lost: no other version answers in its place.
    let component = format!("components/{}.wasm", hex::encode(differing[0].component));
    fs::remove_file(device.folder.path().join(component)).unwrap();
    device = device.reopened();
    let views = device.replica.views().unwrap();
    for view in ["strength", "bridges"] {
        match views.query_view(&of(view)).await {
            Err(ViewError::Refused(error)) => {
                assert_eq!(error.reason(), Some(Reason::ViewIncomplete));
                assert!(error.to_string().contains("is another version at the server, 9.9.9"), "{error}");
            }
            other => panic!("{view}: {other:?}"),
        }
    }
    let listed = views.list_views().await.unwrap().views;
    let strength = listed.iter().find(|view| view.name == "strength").unwrap();
    assert_eq!((strength.version.as_str(), strength.state().as_str_name()), (OTHER, "VIEW_STATE_STOPPED"));
    assert!(strength.last_error.contains("another version"), "{strength:?}");
    assert_eq!(views.query_view(&of("keep_in_touch")).await.unwrap().total, 0, "others go on");

    device.replica.sync(&device.client).await.unwrap();
    expect_the_server_s(&device).await;

    // The server is replaced by one of this version.
    let server = Server::start_on(server.kill(), &[]);
    device.client = client(&server.url(), &server.token());
    Raw::connect(&server.url(), &server.token()).await.follow_view("strength", 3).await.unwrap();
    device.replica.sync(&device.client).await.unwrap();
    assert_eq!(device.replica.views().unwrap().served_builtins().await, []);
    assert_eq!(version(&device.replica.views().unwrap(), "strength").await, kith_plugin_strength::VERSION);
    expect_the_server_s(&device).await;
}
