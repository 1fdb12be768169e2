//! `Subscribe`: reads from the cursor to the head; when caught up, waits for the head to move; reads again.
//!
//! Old and new entries take the same path, so there is no hand-over, no gap and no duplicate.

use crate::{
    bounds::{budget::Room, reads::Reads},
    door::authenticator::{Caller, Unauthenticated, Visitor},
    grpc::{
        Call, Entries, Failure, convert, enter,
        left_out::Additions,
        read_entries,
        stream::{Messages, Sender, Stop, fill, while_allowed},
    },
    limits,
    node::Node,
};
use kith_core::{authority::Lost, filter::Filter, history::Budget, position::Position, timestamp::Timestamp};
use kith_log::{Direction, Mode, Network, Replica, Selection};
use kith_proto::v1::{self, ErrorReason};
use prost::Message;
use tonic::Request;

/// A reader of a log that continues with new entries.
struct Subscription {
    node: Node,
    network: Network,
    reads: Reads,
    caller: Caller,
    filter: Filter,
    filter_digest: [u8; 32],
    mode: Mode,
    position: Position,
    additions: Additions,
    /// The reader, if it is a replica.
    replica: Option<Replica>,
    /// Bytes of the next message far behind the head. Doubles with each message, of which the next waits until the reader
    /// takes the one before, so that streams that nobody reads are cheap to open.
    message_bytes: usize,
}

/// A message, if there is anything to send, and the reader's state after it.
struct Made {
    message: Option<v1::SubscribeResponse>,
    /// Bytes of the message without the details, which have room of their own.
    bytes: usize,
    details: Option<Room>,
    next: Position,
    additions: Additions,
}

pub(super) fn subscribe(
    node: &Node,
    request: Request<v1::SubscribeRequest>,
    mode: Mode,
) -> Result<Messages<v1::SubscribeResponse>, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) =
        enter(node, &visitor, &message.network).map_err(|unknown| lost(node, &visitor, &message).unwrap_or(unknown))?;
    let filter = convert::filter(message.filter.as_ref())?;
    let filter_digest = filter.digest();
    let position = start(&network, &filter_digest, message.cursor.as_ref())?;
    let replica = replica(&message.replica, &caller, position)?;
    let counted = (node.streams().open(&visitor.key())?, node.streams().open_in(network.name())?);
    let additions = Additions::new(&message, &network, position);
    let (outgoing, reads) = (node.outgoing(visitor.key()), node.reads(&caller.principal, &network));
    let (node, message_bytes) = (node.clone(), limits::ANSWER_PIECE_BYTES);
    let subscription = Subscription {
        node,
        network,
        reads,
        caller,
        filter,
        filter_digest,
        mode,
        position,
        additions,
        replica,
        message_bytes,
    };
    Ok(fill(outgoing, counted, |sender| subscription.run(sender)))
}

/// Why a reader may not enter a network that it was a member of: it has to let go of everything.
fn lost(node: &Node, visitor: &Visitor, message: &v1::SubscribeRequest) -> Option<Failure> {
    let network = node.log().network(&message.network.parse().ok()?)?;
    visitor.was_in_network(&network).then(|| Unauthenticated::ScopeLost(Lost::Network).into())
}

/// The replica that asks from a position on, if it is one.
fn replica(id: &[u8], caller: &Caller, position: Position) -> Result<Option<Replica>, Failure> {
    if id.is_empty() {
        return Ok(None);
    }
    Ok(Some(Replica {
        id: id.try_into().map_err(|_| Failure::request("replica", "must be 16 bytes"))?,
        principal: caller.principal.id.clone(),
        organisation: caller.principal.organisation.clone(),
        confirmed: position,
        sent: position,
        heard_at: Timestamp::default(),
    }))
}

/// The position at which a cursor continues, if this log can continue there.
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
        let (node, caller) = (self.node.clone(), self.caller.clone());
        self.note();
        while_allowed(&node, &caller, async {
            let mut heads = self.network.watch_head();
            let mut told_caught_up = false;
            loop {
                let head = *heads.borrow_and_update();
                if self.position < head || !told_caught_up {
                    told_caught_up = self.send_up_to(head, told_caught_up, &sender).await?;
                    self.note();
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

    /// Notes how far a replica is.
    fn note(&mut self) {
        let Some(replica) = &mut self.replica else { return };
        (replica.sent, replica.heard_at) = (self.position, self.node.now());
        self.node.replicas().heard(self.network.incarnation(), replica.clone());
    }

    /// Sends the next part. Returns whether the client now knows that it has caught up.
    async fn send_up_to(
        &mut self,
        head: Position,
        told_caught_up: bool,
        sender: &Sender<v1::SubscribeResponse>,
    ) -> Result<bool, Stop> {
        let near = head.since(self.position) <= limits::SUBSCRIBE_NEAR_ENTRIES_MAX;
        let wanted = if near { limits::ANSWER_PIECE_BYTES } else { self.message_bytes };
        let mut part = sender.part(wanted).await?;
        let most = part.bytes();
        let mut made = self.make(head, told_caught_up, most).await?;
        if made.bytes > most {
            // One entry or its hashes exceed the room: they are dropped while waiting for more room.
            let Made { bytes, .. } = made;
            part.fit(bytes).await?;
            made = self.make(head, told_caught_up, most).await?;
        }
        let Made { message, bytes, details, next, additions } = made;
        (self.position, self.additions) = (next, additions);
        let Some(message) = message else { return Ok(told_caught_up) };
        let caught_up = message.caught_up;
        part.fit(bytes).await?;
        part.send(message, details);
        if !near {
            self.message_bytes = (self.message_bytes * 2).min(limits::SUBSCRIBE_MESSAGE_BYTES_MAX);
        }
        Ok(caught_up)
    }

    /// Makes the next message, of about `bytes` bytes at most or with one entry: a sixteenth of them is for what comes with
    /// the entries.
    async fn make(&self, head: Position, told_caught_up: bool, bytes: usize) -> Result<Made, Failure> {
        let selection = Selection {
            principal: self.caller.principal.clone(),
            filter: self.filter.clone(),
            mode: self.mode,
            after: self.position,
            until: head,
            direction: Direction::Forward,
            budget: Budget { entries: limits::SUBSCRIBE_ENTRIES_MAX, bytes: bytes / 16 * 15 },
        };
        let Entries { encoded: entries, details, next, held, .. } =
            read_entries(&self.node, &self.network, &self.reads, selection, limits::READ_BYTES_MAX).await?;
        let (caught_up, mut additions) = (next >= head, self.additions.clone());
        if entries.is_empty() && caught_up == told_caught_up {
            return Ok(Made { message: None, bytes: 0, details: None, next, additions });
        }
        let cursor = Some(self.cursor(next));
        let mut message = v1::SubscribeResponse { entries, caught_up, cursor, ..v1::SubscribeResponse::default() };
        additions.add_to(&mut message, &self.reads, &self.network, next).await?;
        let bytes = message.encoded_len();
        message.details = details;
        Ok(Made { message: Some(message), bytes, details: held, next, additions })
    }

    async fn send_heartbeat(&mut self, sender: &Sender<v1::SubscribeResponse>) -> Result<(), Stop> {
        self.note();
        let cursor = Some(self.cursor(self.position));
        let mut message = v1::SubscribeResponse { caught_up: true, cursor, ..v1::SubscribeResponse::default() };
        let mut additions = self.additions.clone();
        additions.add_to(&mut message, &self.reads, &self.network, self.position).await?;
        self.additions = additions;
        sender.send(message).await
    }

    /// The cursor of a message that reaches a position.
    fn cursor(&self, position: Position) -> v1::Cursor {
        v1::Cursor {
            incarnation: self.network.incarnation().to_vec(),
            position: position.get(),
            filter: self.filter_digest.to_vec(),
        }
    }
}
