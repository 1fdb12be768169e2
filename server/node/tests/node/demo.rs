//! The fictional network `demo`.

use crate::harness::{Running, start_in};
use kith_proto::v1;

async fn head(node: &Running) -> v1::HeadResponse {
    let head = v1::HeadRequest { network: "demo".into() };
    node.log().head(node.by_owner(head)).await.unwrap().into_inner()
}

#[tokio::test]
async fn every_view_has_something_to_show_and_a_restart_adds_nothing() {
    let data = tempfile::tempdir().unwrap();
    let node = start_in(data.path(), |config| config.demo = true).await;
    let first = head(&node).await;
    assert!(first.position > 1_500);
    let people = v1::ListPeopleRequest { network: "demo".into(), ..v1::ListPeopleRequest::default() };
    let people = node.directory().list_people(node.by_owner(people)).await.unwrap().into_inner().people;
    assert_eq!(people.len(), 40);
    assert!(people.iter().all(|person| !person.name.is_empty() && person.id.starts_with("p-")));
    for builtin in kith_bundle::views() {
        let mut watch = node
            .views()
            .watch_view(node.by_owner(v1::WatchViewRequest {
                network: "demo".into(),
                view: builtin.name.into(),
                after: 0,
            }))
            .await
            .unwrap()
            .into_inner();
        let rows = watch.message().await.unwrap().unwrap().rows;
        assert!(rows.len() > 20, "{} has {} rows", builtin.name, rows.len());
    }
    node.stop().await;

    let node = start_in(data.path(), |config| config.demo = true).await;
    assert_eq!(head(&node).await.root, first.root);
    node.stop().await;
}
