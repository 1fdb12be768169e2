//! `GetStatus`: how the server is doing, for whoever runs it.

use crate::{
    grpc::{Call, Failure, at_server, page::Page},
    last_backup::BackupTaken,
    node::Node,
};
use kith_core::{may::Action, timestamp::Timestamp};
use kith_log::{DiskSpace, Network};
use kith_proto::v1;
use std::{fs, io, path::Path};
use tonic::Request;

pub(super) async fn get_status(
    node: &Node,
    request: Request<v1::GetStatusRequest>,
) -> Result<v1::GetStatusResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    at_server(&visitor, &Action::OperateServer)?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    let backup = node.last_backup().get();
    let networks = node.log().networks();
    let networks = networks.iter().map(|one| Ok::<_, Failure>(status(one, backup.as_deref())));
    let (networks, next_page_token) = page.fill(networks)?.finish();
    let (log, data) = (node.log().clone(), node.data().to_owned());
    let (disk, log_bytes, views_bytes) = kith_log::blocking(move || {
        let views_bytes = bytes_in(&data.join("views")).unwrap_or_default();
        (log.disk_space(), fs::metadata(data.join("log.redb")).map_or(0, |file| file.len()), views_bytes)
    })
    .await;
    let (health, health_reason) = health(node, disk);
    let measures = node.log().measures();
    Ok(v1::GetStatusResponse {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Some(node.started_at().to_proto()),
        server_time: Some(node.now().to_proto()),
        health: health.into(),
        health_reason,
        log_bytes,
        views_bytes,
        disk_free_bytes: disk.map_or(0, |disk| disk.free),
        disk_reserve_bytes: disk.map_or(0, |disk| disk.reserve),
        queue_requests: measures.queue_requests as u64,
        commits: measures.commit_count,
        entries: measures.entry_count,
        commit_microseconds: measures.commit_latency_us,
        connections: node.peers().connections(),
        calls_refused: node.call_rate().refused(),
        failed_logins: node.peers().failed_logins(),
        backed_up_at: backup.map(|backup| backup.at().to_proto()),
        networks,
        next_page_token,
    })
}

fn status(network: &Network, backup: Option<&BackupTaken>) -> v1::NetworkStatus {
    let signed = network.signed();
    v1::NetworkStatus {
        name: network.name().to_string(),
        head: network.head().get(),
        checkpoint_size: signed.map_or(0, |signed| signed.size),
        checkpoint_signed_at: signed.and_then(|signed| signed.at).map(Timestamp::to_proto),
        backed_up_head: backup.map_or(0, |backup| backup.head(network.name())),
    }
}

/// Whether the server accepts events, and why not.
fn health(node: &Node, disk: Option<DiskSpace>) -> (v1::Health, String) {
    let health = *node.log().health().borrow();
    match (health, disk) {
        (kith_log::Health::Poisoned(poison), _) => (v1::Health::Poisoned, poison.to_string()),
        (kith_log::Health::RolledBack, _) => {
            (v1::Health::RolledBack, node.log().rollback().map(|why| why.to_string()).unwrap_or_default())
        }
        (kith_log::Health::Serving, Some(DiskSpace { free, reserve })) if free < reserve => {
            let why = format!("the log's disk has {free} bytes left, and {reserve} must stay free");
            (v1::Health::DiskFull, why)
        }
        (kith_log::Health::Serving, _) => (v1::Health::Serving, String::new()),
    }
}

/// Bytes of the files in a folder.
fn bytes_in(folder: &Path) -> io::Result<u64> {
    fs::read_dir(folder)?.map(|item| Ok(item?.metadata()?.len())).sum()
}
