//! Opens the views of a network when they are needed, and closes them when others need their place: threads, files and
//! memory depend on how many networks are used at a time, not on how many there are.
//!
//! Invariant: the views of a network are opened and closed by one task at a time, and are not closed while anybody uses
//! them.

use super::{NetworkViews, Slots, slot::Slot};
use crate::{
    bounds::shares::acquire,
    limits::{VIEWS_OPEN_WAIT_MAX, VIEWS_PLACE_RETRY, VIEWS_TURN},
};
use kith_core::{id::NetworkName, position::Position};
use kith_log::Network;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

/// The views of a network. They stay open while this exists.
#[derive(Clone)]
pub struct OpenViews {
    pub(super) views: Arc<NetworkViews>,
    pub(super) network: Network,
    _use: Arc<()>,
}

/// So many networks' views are in use that those of another cannot be opened at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the views of too many other networks are in use at the moment: try again")]
pub struct AllInUse;

/// Why a network's views are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Somebody asks for them.
    Question,
    /// There are entries that they have not processed.
    Entries,
}

/// The views of a network that are open.
pub(super) struct Opened {
    pub(super) slots: Slots,
    /// Whether all of them have been opened.
    is_ready: bool,
    since: Instant,
    used: Mutex<Used>,
    /// Held by everybody who looks up a view.
    users: Arc<()>,
    _place: OwnedSemaphorePermit,
}

/// When views were last needed.
#[derive(Debug, Clone, Copy)]
struct Used {
    at: Instant,
    /// The network's head then.
    head: Position,
}

impl Opened {
    fn new(users: Arc<()>, head: Position, place: OwnedSemaphorePermit) -> Self {
        let now = Instant::now();
        let used = Mutex::new(Used { at: now, head });
        Self { slots: Slots::new(), is_ready: false, since: now, used, users, _place: place }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When somebody last asked for them, or the network's head last moved.
    pub(super) fn used_at(&self, head: Position) -> Instant {
        let mut used = self.used();
        if used.head != head {
            *used = Used { at: Instant::now(), head };
        }
        used.at
    }

    /// Whether all are open and nobody uses them.
    pub(super) fn is_unused(&self) -> bool {
        let mut views = self.slots.values().flat_map(Slot::views);
        self.is_ready
            && Arc::strong_count(&self.users) == 1
            && views.all(|(_, view)| Arc::strong_count(&view.handle) == 1)
    }

    /// The position that all views have reached that follow the log; `None` while one has no rows yet. What is paused
    /// or has stopped would not get any further either.
    pub(super) fn level(&self, head: Position) -> Option<Position> {
        let following = self.slots.values().filter(|slot| !slot.paused).flat_map(Slot::views);
        let mut level = head;
        for (_, view) in following.filter(|(_, view)| view.handle.stopped().is_none()) {
            let cursor = view.handle.cursor();
            cursor.day?;
            level = level.min(cursor.position);
        }
        Some(level)
    }

    pub(super) fn is_level(&self, head: Position) -> bool {
        self.level(head) == Some(head)
    }

    /// Whether its place may be given to another network: to whoever asks at once, to entries that wait once it has
    /// processed its own or has had its turn.
    fn may_go(&self, purpose: Purpose, head: Position) -> bool {
        let has_had_its_turn = match purpose {
            Purpose::Question => true,
            Purpose::Entries => self.is_level(head) || self.since.elapsed() > VIEWS_TURN,
        };
        has_had_its_turn && self.is_unused()
    }
}

impl NetworkViews {
    /// The views of a network, opened if they are not.
    pub async fn of(self: &Arc<Self>, network: &Network) -> Result<OpenViews, AllInUse> {
        match self.find_open(network) {
            Some(open) => Ok(open),
            None => self.open_for(network, Purpose::Question).await,
        }
    }

    /// The views of a network, if they are open.
    pub(crate) fn find_open(self: &Arc<Self>, network: &Network) -> Option<OpenViews> {
        let users = self.look(network.name(), |opened| {
            opened.used().at = Instant::now();
            opened.is_ready.then(|| Arc::clone(&opened.users))
        });
        Some(OpenViews { views: Arc::clone(self), network: network.clone(), _use: users?? })
    }

    pub(super) async fn open_for(self: &Arc<Self>, network: &Network, purpose: Purpose) -> Result<OpenViews, AllInUse> {
        let (views, network) = (Arc::clone(self), network.clone());
        // In a task of its own: a caller that leaves does not leave views half open.
        match tokio::spawn(async move { views.open_views(&network, purpose).await }).await {
            Ok(opened) => opened,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    async fn open_views(self: &Arc<Self>, network: &Network, purpose: Purpose) -> Result<OpenViews, AllInUse> {
        let _door = acquire(self.doors.find(network.name()), 1).await;
        if let Some(open) = self.find_open(network) {
            return Ok(open);
        }
        let place = self.place(purpose).await?;
        let users = Arc::default();
        let opened = Opened::new(Arc::clone(&users), network.head(), place);
        self.opened_mut().insert(network.name().clone(), opened);
        if self.follows {
            self.follow(network).await;
        }
        self.change(network.name(), |opened| opened.is_ready = true).ok_or(AllInUse)?;
        Ok(OpenViews { views: Arc::clone(self), network: network.clone(), _use: users })
    }

    /// A place for a network's views, for which those of another may have to be closed.
    async fn place(&self, purpose: Purpose) -> Result<OwnedSemaphorePermit, AllInUse> {
        let began = Instant::now();
        loop {
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => return Ok(place),
                Err(TryAcquireError::Closed) => return Err(AllInUse),
                Err(TryAcquireError::NoPermits) => {}
            }
            if self.close_one(purpose).await {
                continue;
            }
            if purpose == Purpose::Entries || began.elapsed() > VIEWS_OPEN_WAIT_MAX {
                return Err(AllInUse);
            }
            tokio::time::sleep(VIEWS_PLACE_RETRY).await;
        }
    }

    /// Closes the views of one network: of those that may be closed, the one that has been level and unused for longest.
    async fn close_one(&self, purpose: Purpose) -> bool {
        let mut candidates = self.candidates(|opened, head| opened.may_go(purpose, head));
        candidates.sort_unstable_by_key(|candidate| (!candidate.is_level, candidate.used_at));
        for candidate in candidates {
            if self.close(&candidate.network).await {
                return true;
            }
        }
        false
    }

    /// The networks whose views may be closed.
    pub(super) fn candidates(&self, may_go: impl Fn(&Opened, Position) -> bool) -> Vec<Candidate> {
        let opened = self.opened();
        let candidates = opened.iter().filter_map(|(name, opened)| {
            let head = self.log.network(name)?.head();
            may_go(opened, head).then(|| Candidate {
                network: name.clone(),
                is_level: opened.is_level(head),
                used_at: opened.used_at(head),
            })
        });
        candidates.collect()
    }

    /// Closes the views of a network unless they are in use. Returns whether it did.
    pub(super) async fn close(&self, name: &NetworkName) -> bool {
        let Ok(_door) = self.doors.find(name).try_acquire_owned() else { return false };
        let taken = {
            let mut opened = self.opened_mut();
            if !opened.get(name).is_some_and(Opened::is_unused) {
                return false;
            }
            opened.remove(name)
        };
        if let Some(opened) = taken {
            self.close_views(vec![(name.clone(), opened)]).await;
        }
        true
    }

    /// Closes views that are no longer among the open ones, and notes how far they have come.
    pub(super) async fn close_views(&self, all: Vec<(NetworkName, Opened)>) {
        for (name, opened) in &all {
            let head = self.log.network(name).map_or(Position::ZERO, |network| network.head());
            self.levels.note(name, opened.level(head));
        }
        kith_log::blocking(move || {
            for (_, view) in all.iter().flat_map(|(_, opened)| opened.slots.values()).flat_map(Slot::views) {
                view.handle.stop();
            }
        })
        .await;
    }
}

/// A network whose views may be closed.
pub(super) struct Candidate {
    pub(super) network: NetworkName,
    pub(super) is_level: bool,
    pub(super) used_at: Instant,
}
