//! The queue in front of the writer: bounded in requests and in bytes.
//!
//! Invariant: every caller gets an answer. A request that does not fit is answered at once, and an accepted one is
//! answered or, if the writer fails, gets the failure through its channel.

use crate::{
    error::{AppendError, CreateNetworkError, JoinError, Poison, RevokeTokenError, Unavailable},
    limits,
    rows::{components, erased::ErasedPeople, row::TokenRow},
    state::{
        health::Health,
        live::Live,
        token::{NewSecret, NewToken, Token},
    },
};
use kith_core::{
    authority::Member,
    decide::{Command, Outcome, Refusal},
    id::{MemberId, NetworkName, TokenId},
    may::Principal,
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

const BUSY: Unavailable = Unavailable::Busy { retry_after: limits::BUSY_RETRY };

/// The channel for an answer.
pub(crate) type Reply<T, E> = oneshot::Sender<Result<T, E>>;

/// The outcome of each event of an `append_each`.
pub(crate) type Each = Vec<Result<Outcome, Refusal>>;

/// What the writer is asked to do.
#[allow(clippy::large_enum_variant, reason = "nearly all are of a network: a box would cost each an allocation")]
pub(crate) enum Request {
    Network(Arc<Live>, NetworkRequest),
    Server(ServerRequest),
}

/// A request to one network.
pub(crate) enum NetworkRequest {
    Append { command: Command, reply: Reply<Vec<Outcome>, AppendError> },
    AppendEach { principal: Principal, events: Vec<Prepared>, reply: Reply<Each, AppendError> },
    IssueToken { command: Command, secret: NewSecret, token: NewToken, reply: Reply<(Token, Position), AppendError> },
    RevokeToken { command: Command, id: TokenId, reply: Reply<Position, RevokeTokenError> },
    Join { invitation: TokenId, secret: NewSecret, expires_at: Option<Timestamp>, reply: Reply<Joined, JoinError> },
}

/// A request to the server that is about no existing network.
pub(crate) enum ServerRequest {
    CreateNetwork { name: NetworkName, principal: Principal, reply: Reply<Arc<Live>, CreateNetworkError> },
    PutToken { row: TokenRow, reply: Reply<(), Unavailable> },
    RevokeToken { id: TokenId, principal: Principal, reply: Reply<(), RevokeTokenError> },
    EraseRows { erased: ErasedPeople, reply: Reply<(), Unavailable> },
    ChangeComponents { change: components::Change, reply: Reply<(), Unavailable> },
}

/// Somebody who has become a member.
pub(crate) struct Joined {
    pub(crate) id: MemberId,
    pub(crate) member: Member,
}

/// How large a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Size {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Size {
    pub(crate) fn of(events: &[Prepared]) -> Self {
        Self { events: events.len(), bytes: events.iter().map(Prepared::size_bytes).sum() }
    }
}

/// A request with the room that it takes in the queue.
pub(crate) struct Queued {
    pub(crate) request: Request,
    pub(crate) size: Size,
    _room: OwnedSemaphorePermit,
}

/// The sending end.
pub(crate) struct Queue {
    sender: RwLock<Option<mpsc::Sender<Queued>>>,
    room: Arc<Semaphore>,
    bytes_max: usize,
    health: watch::Receiver<Health>,
}

impl Queue {
    /// A queue for this many requests and bytes, with its receiving end.
    pub(crate) fn new(
        requests_max: usize,
        bytes_max: usize,
        health: watch::Receiver<Health>,
    ) -> (Self, mpsc::Receiver<Queued>) {
        let (sender, receiver) = mpsc::channel(requests_max.max(1));
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        let room = Arc::new(Semaphore::new(bytes_max));
        (Self { sender: RwLock::new(Some(sender)), room, bytes_max, health }, receiver)
    }

    /// Queues a request and waits for its answer. A request larger than the whole queue takes all of it.
    pub(crate) async fn ask<T, E: From<Unavailable>>(
        &self,
        size: Size,
        request: impl FnOnce(Reply<T, E>) -> Request,
    ) -> Result<T, E> {
        let (reply, answer) = oneshot::channel();
        self.submit(size, request(reply))?;
        answer.await.unwrap_or_else(|_| Err(self.poisoned().into()))
    }

    fn submit(&self, size: Size, request: Request) -> Result<(), Unavailable> {
        if *self.health.borrow() == Health::RolledBack {
            return Err(Unavailable::RolledBack);
        }
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = &*sender else { return Err(Unavailable::ShuttingDown) };
        let permits = u32::try_from(size.bytes.min(self.bytes_max)).expect("the queue's bytes fit");
        let room = self.room.clone().try_acquire_many_owned(permits).map_err(|_| BUSY)?;
        sender.try_send(Queued { request, size, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => BUSY,
            mpsc::error::TrySendError::Closed(_) => self.poisoned(),
        })
    }

    /// The error for a writer that has ended; it records the cause before that is noticeable.
    fn poisoned(&self) -> Unavailable {
        match *self.health.borrow() {
            Health::Poisoned(poison) => Unavailable::Poisoned(poison),
            Health::Serving | Health::RolledBack => Unavailable::Poisoned(Poison::Failure),
        }
    }

    /// Number of waiting requests.
    pub(crate) fn len(&self) -> usize {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().map_or(0, |sender| sender.max_capacity() - sender.capacity())
    }

    /// Accepts no more requests; the writer ends when it has answered those that wait.
    pub(crate) fn close(&self) {
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
