//! `Backup`: the log of all networks as it is now, streamed from one snapshot.

use crate::{
    door::authenticator::Caller,
    grpc::{
        Call, Failure, at_server,
        stream::{Messages, Sender, Stop, fill, while_allowed},
    },
    last_backup::BackupTaken,
    limits::BACKUP_MESSAGE_BYTES,
    node::Node,
};
use bytes::{Bytes, BytesMut};
use kith_core::may::Action;
use kith_log::{Backup, Copied};
use kith_proto::v1;
use std::{
    cell::Cell,
    io::{self, Write},
};
use tokio::runtime::Handle;
use tonic::Request;

pub(super) fn backup(
    node: &Node,
    request: Request<v1::BackupRequest>,
) -> Result<Messages<v1::BackupResponse>, Failure> {
    let Call { visitor, .. } = Call::new(request)?;
    let caller = at_server(&visitor, &Action::OperateServer)?;
    let counted = node.streams().open(&visitor.key())?;
    let node = node.clone();
    Ok(fill(node.outgoing(visitor.key()), counted, |sender| async move {
        let reading = tokio::task::spawn_blocking(move || send_all(&node, &caller, &sender));
        reading.await.map_err(|panic| Failure::internal(&panic))?
    }))
}

/// Sends the whole file; blocks on the disk and on the reader.
fn send_all(node: &Node, caller: &Caller, sender: &Sender<v1::BackupResponse>) -> Result<(), Stop> {
    let copied = Cell::new(Copied { done: 0, total: 0 });
    let mut pieces = Pieces { node, caller, sender, copied: &copied, pending: BytesMut::new(), stopped: None };
    let done = node.log().backup(&mut pieces, |now| copied.set(now));
    if let Some(stop) = pieces.stopped {
        return Err(stop);
    }
    let backup = done.map_err(|error| Failure::internal(&error))?;
    let last = last(&backup);
    tracing::info!(networks = last.networks.len(), rows = copied.get().done, "log backed up");
    pieces.send(last)?;
    let heads = backup.heading.networks.into_iter().map(|network| (network.name, network.head));
    node.last_backup().set(BackupTaken::new(node.now(), heads));
    Ok(())
}

/// The last message, which says what the file contains.
fn last(backup: &Backup) -> v1::BackupResponse {
    let networks = backup.heading.networks.iter().map(|network| v1::BackedUpNetwork {
        name: network.name.to_string(),
        head: network.head.get(),
        root: network.root.as_bytes().to_vec(),
    });
    v1::BackupResponse { networks: networks.collect(), ..v1::BackupResponse::default() }
}

/// A writer that sends what is written to it as messages.
struct Pieces<'a> {
    node: &'a Node,
    caller: &'a Caller,
    sender: &'a Sender<v1::BackupResponse>,
    copied: &'a Cell<Copied>,
    pending: BytesMut,
    /// Why sending ended; an I/O error cannot carry it.
    stopped: Option<Stop>,
}

impl Pieces<'_> {
    fn send_data(&mut self, data: Bytes) -> io::Result<()> {
        let message = v1::BackupResponse { data, ..v1::BackupResponse::default() };
        self.send(message).map_err(|stop| {
            self.stopped = Some(stop);
            io::Error::other("the reader of the backup is gone")
        })
    }

    fn send(&self, mut message: v1::BackupResponse) -> Result<(), Stop> {
        let Copied { done, total } = self.copied.get();
        (message.rows_written, message.rows_total) = (done, total);
        Handle::current().block_on(while_allowed(self.node, self.caller, self.sender.send(message)))
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        while self.pending.len() >= BACKUP_MESSAGE_BYTES {
            let data = self.pending.split_to(BACKUP_MESSAGE_BYTES).freeze();
            self.send_data(data)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.pending.split().freeze() {
            rest if rest.is_empty() => Ok(()),
            rest => self.send_data(rest),
        }
    }
}
