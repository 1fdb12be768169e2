//! `Subscribe`: read from the cursor to the head; when level, wait for the head to move; read again.
//!
//! History and live are the same path, so there is no hand-over, no gap and no duplicate.

use crate::{
    bounds::budget::Room,
    door::authenticator::Caller,
    grpc::{
        Call, Entries, Failure, convert, enter,
        left_out::Additions,
        read_entries,
        stream::{Messages, Sender, Stop, fill, until_closing},
    },
    limits,
    node::Node,
};
use kith_core::{filter::Filter, history::Budget, position::Position};
use kith_log::{Direction, Network, Selection};
use kith_proto::v1::{self, ErrorReason};
use tonic::Request;

/// A reader of a log that goes on with new entries.
struct Subscription {
    node: Node,
    network: Network,
    caller: Caller,
    filter: Filter,
    filter_digest: [u8; 32],
    position: Position,
    additions: Additions,
}

pub(super) fn subscribe(
    node: &Node,
    request: Request<v1::SubscribeRequest>,
) -> Result<Messages<v1::SubscribeResponse>, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let filter = convert::filter(message.filter.as_ref())?;
    let filter_digest = filter.digest();
    let position = start(&network, &filter_digest, message.cursor.as_ref())?;
    let counted = (node.streams().open(&caller.principal)?, node.streams().open_in(network.name())?);
    let additions = Additions::new(&message, &network, position);
    let node = node.clone();
    let subscription = Subscription { node: node.clone(), network, caller, filter, filter_digest, position, additions };
    Ok(fill(node.limits().stall(), |sender| async move {
        let _counted = counted;
        subscription.run(sender).await
    }))
}

/// Where a cursor says to go on, if this log can do that.
fn start(network: &Network, filter_digest: &[u8; 32], cursor: Option<&v1::Cursor>) -> Result<Position, Failure> {
    let Some(cursor) = cursor else { return Ok(Position::ZERO) };
    if !cursor.incarnation.is_empty() && cursor.incarnation != network.incarnation() {
        return Err(Failure::new(ErrorReason::ResetRequired).at("cursor.incarnation"));
    }
    if !cursor.filter.is_empty() && cursor.filter != filter_digest {
        let advice = "was made with another filter: read what the new filter adds up to the cursor, then subscribe \
                      with the new filter's digest";
        return Err(Failure::request("cursor.filter", advice));
    }
    let (position, head) = (Position::new(cursor.position), network.head());
    if position > head {
        let failure = Failure::new(ErrorReason::PositionAhead).with("head", head);
        return Err(failure.retry_after(kith_views::limits::RETRY_LAGGING));
    }
    Ok(position)
}

impl Subscription {
    async fn run(mut self, sender: Sender<v1::SubscribeResponse>) -> Result<(), Stop> {
        let node = self.node.clone();
        until_closing(&node, async {
            let mut heads = self.network.watch_head();
            let mut told_caught_up = false;
            loop {
                let head = *heads.borrow_and_update();
                if self.position < head || !told_caught_up {
                    told_caught_up = self.send_up_to(head, told_caught_up, &sender).await?;
                    continue;
                }
                tokio::select! {
                    moved = heads.changed() => moved.map_err(|_| Failure::new(ErrorReason::ShuttingDown))?,
                    () = tokio::time::sleep(self.node.limits().heartbeat()) => self.send_heartbeat(&sender).await?,
                    () = self.additions.checkpoint_due(self.position) => self.send_heartbeat(&sender).await?,
                    () = sender.closed() => return Err(Stop::Gone),
                }
            }
        })
        .await
    }

    /// Sends the next part. Tells whether the client now knows that it has caught up.
    async fn send_up_to(
        &mut self,
        head: Position,
        told_caught_up: bool,
        sender: &Sender<v1::SubscribeResponse>,
    ) -> Result<bool, Stop> {
        self.node.authenticator().check(&self.caller)?;
        let selection = Selection {
            principal: self.caller.principal.clone(),
            filter: self.filter.clone(),
            after: self.position,
            until: head,
            direction: Direction::Forward,
            budget: Budget { entries: limits::SUBSCRIBE_ENTRIES_MAX, bytes: limits::SUBSCRIBE_BYTES_MAX },
        };
        let Entries { encoded: entries, details, next, held, .. } =
            read_entries(&self.node, &self.network, selection, limits::READ_BYTES_MAX).await?;
        self.position = next;
        let caught_up = self.position >= head;
        if !entries.is_empty() || caught_up != told_caught_up {
            let message = v1::SubscribeResponse { entries, details, caught_up, ..v1::SubscribeResponse::default() };
            self.send(message, held, sender).await?;
            return Ok(caught_up);
        }
        Ok(told_caught_up)
    }

    async fn send_heartbeat(&mut self, sender: &Sender<v1::SubscribeResponse>) -> Result<(), Stop> {
        self.node.authenticator().check(&self.caller)?;
        self.send(v1::SubscribeResponse { caught_up: true, ..v1::SubscribeResponse::default() }, None, sender).await
    }

    /// Sends a message that comes up to where this is.
    async fn send(
        &mut self,
        mut message: v1::SubscribeResponse,
        held: Option<Room>,
        sender: &Sender<v1::SubscribeResponse>,
    ) -> Result<(), Stop> {
        message.cursor = Some(self.cursor());
        let reads = self.node.reads(&self.caller.principal, &self.network);
        self.additions.add_to(&mut message, &reads, &self.network, self.position).await?;
        sender.send_held(message, held).await
    }

    fn cursor(&self) -> v1::Cursor {
        v1::Cursor {
            incarnation: self.network.incarnation().to_vec(),
            position: self.position.get(),
            filter: self.filter_digest.to_vec(),
        }
    }
}
