//! Downloads of components, a piece at a time.

use crate::harness::{Running, reason, start};
use bytes::Bytes;
use kith_proto::v1::{self, ErrorReason};
use tonic::Streaming;

/// Bytes of a custom section that make a component many pieces long.
const PADDING: u32 = 8 * 1024 * 1024;

/// A component of many pieces.
fn large_component() -> Bytes {
    let known = kith_bundle::BUILTINS.iter().find(|known| known.name == "strength").unwrap();
    let mut component = known.component.to_vec();
    component.push(0);
    prost::encoding::encode_varint(PADDING.into(), &mut component);
    component.extend_from_slice(&[1, b'x']);
    component.extend((2..PADDING).map(|at| (at / 1_000).to_le_bytes()[0]));
    component.into()
}

/// Installs a component as the plugin `ties`; returns its digest.
async fn install(node: &Running, component: Bytes) -> Bytes {
    let plugin = v1::NewPlugin { network: "default".into(), name: "ties".into(), ..Default::default() };
    let first = v1::InstallPluginRequest { plugin: Some(plugin), data: Bytes::new() };
    let piece = |from: usize| {
        let until = component.len().min(from + 256 * 1024);
        v1::InstallPluginRequest { plugin: None, data: component.slice(from..until) }
    };
    let pieces: Vec<_> = (0..component.len()).step_by(256 * 1024).map(piece).collect();
    let messages = tokio_stream::iter(std::iter::once(first).chain(pieces));
    let mut answers = node.plugins().install_plugin(node.by_owner(messages)).await.unwrap().into_inner();
    while answers.message().await.unwrap().is_some() {}
    let list = v1::ListPluginsRequest { network: "default".into(), ..Default::default() };
    let listed = node.plugins().list_plugins(node.by_owner(list)).await.unwrap().into_inner();
    listed.plugins[0].versions[0].component.clone().into()
}

async fn fetch(node: &Running, component: &Bytes) -> Streaming<v1::FetchComponentResponse> {
    let request = v1::FetchComponentRequest { network: "default".into(), component: component.to_vec() };
    node.plugins().fetch_component(node.by_owner(request)).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_comes_whole_and_one_that_is_removed_meanwhile_ends_as_unknown() {
    let (node, _data) = start().await;
    let component = large_component();
    let digest = install(&node, component.clone()).await;
    let (mut pieces, mut fetched) = (fetch(&node, &digest).await, Vec::new());
    while let Some(piece) = pieces.message().await.unwrap() {
        assert_eq!(piece.size, component.len() as u64);
        fetched.extend_from_slice(&piece.data);
    }
    assert!(fetched == component, "{} of {} bytes", fetched.len(), component.len());

    let mut pieces = fetch(&node, &digest).await;
    pieces.message().await.unwrap().unwrap();
    let remove = v1::RemovePluginRequest { network: "default".into(), name: "ties".into(), installed: Vec::new() };
    node.plugins().remove_plugin(node.by_owner(remove)).await.unwrap();
    let ended = loop {
        if let Err(status) = pieces.message().await.map(Option::unwrap) {
            break status;
        }
    };
    assert_eq!(reason(&ended), ErrorReason::ViewUnknown);
    node.stop().await;
}
