//! `Subscribe`: entries after a cursor, then new ones as they arrive, across broken connections.
//!
//! Invariant: the cursor always comes from the server and matches what was yielded, so that resuming from it leaves no
//! gap and repeats nothing.

use crate::{
    checkpoints::CheckpointUpdate,
    client::Client,
    entries::Entries,
    error::Error,
    follow::{Follow, Following, follow},
    proofs::subtrees,
};
use futures_util::{Stream, StreamExt};
use kith_core::{filter::Filter, position::Position, tree::Subtree};
use kith_proto::v1;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};
use tonic::{Response, Status, Streaming};

/// How far a reader has read a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The log's incarnation; empty before the first message.
    pub incarnation: Vec<u8>,
    /// The last position read or filtered out.
    pub position: Position,
    /// Identity of the filter; empty before the first message.
    pub filter: Vec<u8>,
}

impl Cursor {
    /// Starts after a position, whatever the log's incarnation.
    pub fn after(position: Position) -> Self {
        Self { position, ..Self::default() }
    }

    fn to_proto(&self) -> v1::Cursor {
        v1::Cursor { incarnation: self.incarnation.clone(), position: self.position.get(), filter: self.filter.clone() }
    }
}

impl From<v1::Cursor> for Cursor {
    fn from(proto: v1::Cursor) -> Self {
        Self { incarnation: proto.incarnation, position: Position::new(proto.position), filter: proto.filter }
    }
}

/// One message of a subscription. Without entries it is a heartbeat.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The entries.
    pub entries: Entries,
    /// How far this update reaches. Save it together with what was derived from the entries in order to resume later.
    pub cursor: Cursor,
    /// Whether the cursor is at the head.
    pub caught_up: bool,
    /// In proved subscriptions: hashes in place of the entries left out since the previous update.
    pub left_out: Vec<Subtree>,
    /// In proved subscriptions: a checkpoint, in some updates.
    pub checkpoint: Option<CheckpointUpdate>,
}

/// Entries as they are appended. An error for which [`Error::is_retryable`] holds reports an interruption: the stream
/// resumes on its own. Any other error is the last item.
pub struct Subscription(Following<Update>);

impl Stream for Subscription {
    type Item = Result<Update, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

impl Client {
    /// Reads the entries after a cursor that pass a filter, then new ones as they are appended.
    pub fn subscribe(&self, filter: Filter, cursor: Cursor) -> Subscription {
        Subscription(follow(self, Subscribing { filter, cursor, proofs: Proofs::None, replica: Vec::new() }))
    }

    /// The same, with hashes in place of the entries left out and about one checkpoint a second while the log grows, so
    /// that a [`crate::PartialTree`] can verify what was read against what was signed.
    pub fn subscribe_proved(&self, filter: Filter, cursor: Cursor) -> Subscription {
        Subscription(follow(self, Subscribing { filter, cursor, proofs: Proofs::All, replica: Vec::new() }))
    }

    /// The same for a replica, which says by its cursor what it holds.
    #[cfg(feature = "replica")]
    pub(crate) fn subscribe_as_replica(&self, filter: Filter, cursor: Cursor, replica: Vec<u8>) -> Subscription {
        Subscription(follow(self, Subscribing { filter, cursor, proofs: Proofs::All, replica }))
    }
}

/// A filter, and how far its entries were yielded.
struct Subscribing {
    filter: Filter,
    cursor: Cursor,
    proofs: Proofs,
    /// The replica's number; empty for other readers.
    replica: Vec<u8>,
}

/// What is sent with the entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Proofs {
    None,
    All,
}

impl Follow for Subscribing {
    type Message = v1::SubscribeResponse;
    type Item = Update;

    async fn open(&self, client: &Client) -> Result<Response<Streaming<v1::SubscribeResponse>>, Status> {
        let request = v1::SubscribeRequest {
            network: client.network().to_string(),
            cursor: Some(self.cursor.to_proto()),
            filter: Some(self.filter.to_proto()),
            with_left_out: self.proofs == Proofs::All,
            with_checkpoints: self.proofs == Proofs::All,
            replica: self.replica.clone(),
        };
        client.log_streams().subscribe(request).await
    }

    fn take(&mut self, message: v1::SubscribeResponse) -> Result<Update, Error> {
        let cursor = message.cursor.ok_or_else(|| Error::answer("a message of the subscription has no cursor"))?;
        self.cursor = cursor.into();
        let entries = Entries::new(message.entries, message.details);
        Ok(Update {
            entries,
            cursor: self.cursor.clone(),
            caught_up: message.caught_up,
            left_out: subtrees(&message.left_out)?,
            checkpoint: message.checkpoint.as_ref().map(CheckpointUpdate::from_proto).transpose()?,
        })
    }
}
