//! `WatchView`: rows as they change, in the order of the positions that changed them.
//!
//! Invariant: a stream holds the rows of one message and of its queue, however many rows changed at one position.

use crate::{
    door::authenticator::Caller,
    grpc::{
        Call, Failure, rows,
        stream::{Messages, Sender, Stop, fill, while_allowed},
    },
    node::Node,
    views::ServedView,
};
use kith_core::position::Position;
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{
    ChangeReader,
    limits::{CHANGES_BYTES_MAX, RETRY_LAGGING},
    wire,
};
use prost::Message;
use std::sync::Arc;
use tonic::Request;

/// A reader of a view's changes. When another version replaces the view, it receives all rows of the new one.
struct Watch {
    node: Node,
    caller: Caller,
    network: Network,
    name: String,
    view: ServedView,
    /// Whether another version has replaced the one whose rows were sent.
    replaced: bool,
    reader: ChangeReader,
}

pub(super) async fn watch_view(
    node: &Node,
    request: Request<v1::WatchViewRequest>,
) -> Result<Messages<v1::WatchViewResponse>, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller, view) = rows::enter_view(node, &visitor, &message.network, &message.view).await?;
    let (after, head) = (Position::new(message.after), network.head());
    if after > head {
        let failure = Failure::new(ErrorReason::PositionAhead).with("head", head);
        return Err(failure.retry_after(RETRY_LAGGING));
    }
    let counted = (node.streams().open(&visitor.key())?, node.streams().open_in(network.name())?);
    let (reader, outgoing) = (ChangeReader::new(after), node.outgoing(visitor.key()));
    let watch = Watch { node: node.clone(), caller, network, name: message.view, view, replaced: false, reader };
    Ok(fill(outgoing, counted, |sender| watch.run(sender)))
}

impl Watch {
    async fn run(mut self, sender: Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        let (node, caller) = (self.node.clone(), self.caller.clone());
        while_allowed(&node, &caller, async {
            loop {
                self.tell_one_version(&sender).await?;
                self.view = rows::served(&self.node, &self.caller, &self.network, &self.name).await?;
                (self.reader, self.replaced) = (ChangeReader::new(Position::ZERO), true);
            }
        })
        .await
    }

    /// Sends changes until another version answers.
    async fn tell_one_version(&mut self, sender: &Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        let (view, retired) = (self.view.handle.clone(), self.view.retired.clone());
        let mut cursor = view.cursor_watch();
        loop {
            // A plugin of the caller's organisation may have taken the name.
            let served = rows::served(&self.node, &self.caller, &self.network, &self.name).await?;
            if !Arc::ptr_eq(&served.handle, &view) {
                return Ok(());
            }
            let now = *cursor.borrow_and_update();
            if self.reader.has_news(now) {
                self.send_changes(sender).await?;
                continue;
            }
            let further = self.reader.further();
            tokio::select! {
                () = retired.cancelled() => return Ok(()),
                moved = cursor.changed() => moved.map_err(|_| rows::stopped(&view))?,
                reached = view.wait_for(further), if !self.view.paused => {
                    reached.map_err(|_| rows::stopped(&view))?;
                }
                () = tokio::time::sleep(self.node.limits().heartbeat()) => {
                    self.send_heartbeat(sender).await?;
                }
                () = sender.closed() => return Err(Stop::Gone),
            }
        }
    }

    async fn send_changes(&mut self, sender: &Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        let mut part = sender.part(CHANGES_BYTES_MAX).await?;
        let most = part.bytes();
        let (mut reader, mut message) = self.read(most).await?;
        let bytes = message.encoded_len();
        if bytes > most {
            // One row or the fields exceed the room: they are dropped while waiting for more room.
            drop(message);
            part.fit(bytes).await?;
            (reader, message) = self.read(most).await?;
        }
        (self.reader, self.replaced) = (reader, false);
        part.fit(message.encoded_len()).await?;
        part.send(message, None);
        Ok(())
    }

    /// The next changes, of at most `bytes` or one row, and the reader's state after them.
    async fn read(&self, bytes: usize) -> Result<(ChangeReader, v1::WatchViewResponse), Failure> {
        let is_new = self.reader.is_new();
        let (view, mut reader) = (self.view.handle.clone(), self.reader);
        let reads = self.node.reads(&self.caller.principal, &self.network);
        let read = move || reader.read(&view, bytes).map(|changes| (reader, changes));
        let (reader, changes) = reads.run(read).await.map_err(Failure::from)?;
        let message = v1::WatchViewResponse {
            fields: if is_new { wire::fields(self.view.handle.fields()) } else { Vec::new() },
            rows: rows::rows(changes.rows),
            removed: wire::removed(&changes.removed),
            position: changes.position.get(),
            reset: self.replaced,
        };
        Ok((reader, message))
    }

    async fn send_heartbeat(&self, sender: &Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        let position = self.reader.position().get();
        sender.send(v1::WatchViewResponse { position, ..v1::WatchViewResponse::default() }).await
    }
}
