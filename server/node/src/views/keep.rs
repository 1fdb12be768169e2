//! Keeps the views of networks level with their logs: opens those that have entries to process, closes those that have
//! not been used for a while.

use super::{NetworkViews, open::Purpose};
use crate::limits::{VIEWS_IDLE, VIEWS_LEVELS_WRITE, VIEWS_OPENING_MAX, VIEWS_RESTING_MAX, VIEWS_SWEEP};
use kith_core::id::NetworkName;
use kith_log::Network;
use std::{sync::Arc, time::Instant};
use tokio::task::JoinSet;

impl NetworkViews {
    /// Opens the views of a server's first networks before anybody asks for them.
    pub(crate) async fn begin(self: &Arc<Self>) {
        for network in self.log.networks().iter().take(VIEWS_RESTING_MAX) {
            // There is a place for each.
            let _ = self.open_for(network, Purpose::Entries).await;
        }
    }

    /// Runs for as long as the server.
    pub(crate) async fn keep(self: &Arc<Self>) {
        let mut last = None;
        let mut written = Instant::now();
        loop {
            tokio::time::sleep(VIEWS_SWEEP).await;
            self.close_idle().await;
            last = self.open_behind(last).await;
            if written.elapsed() > VIEWS_LEVELS_WRITE {
                self.write_levels().await;
                written = Instant::now();
            }
        }
    }

    /// Closes views that nobody has used for a while, unless only a few are open.
    async fn close_idle(&self) {
        let open = self.opened().len();
        let Some(too_many) = open.checked_sub(VIEWS_RESTING_MAX) else { return };
        let mut idle = self.candidates(|opened, head| {
            opened.used_at(head).elapsed() > VIEWS_IDLE && opened.is_level(head) && opened.is_unused()
        });
        idle.sort_unstable_by_key(|candidate| candidate.used_at);
        for candidate in idle.iter().take(too_many) {
            self.close(&candidate.network).await;
        }
    }

    /// Opens the views of networks that have entries to process, a few at a time, for as long as there is a place for
    /// them. Begins after the network where the last round ended, and returns where this one did.
    async fn open_behind(self: &Arc<Self>, last: Option<NetworkName>) -> Option<NetworkName> {
        let mut networks = self.log.networks();
        let next = last.and_then(|last| networks.iter().position(|network| *network.name() == last));
        networks.rotate_left(next.map_or(0, |index| index + 1));
        let mut opening = JoinSet::new();
        let mut last = None;
        for network in networks.into_iter().filter(|network| self.is_behind(network)) {
            last = Some(network.name().clone());
            let views = Arc::clone(self);
            opening.spawn(async move { views.open_for(&network, Purpose::Entries).await.is_ok() });
            if opening.len() >= VIEWS_OPENING_MAX && !matches!(opening.join_next().await, Some(Ok(true))) {
                break;
            }
        }
        opening.join_all().await;
        last
    }

    /// Whether a network has entries that its views have not processed and will not process by themselves.
    fn is_behind(&self, network: &Network) -> bool {
        self.look(network.name(), |_| ()).is_none() && !self.levels.is_level(network.name(), network.head())
    }
}
