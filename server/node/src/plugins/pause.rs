//! Pauses and resumes a plugin.

use super::{PluginChangeError, PluginChanges, changeable};
use crate::views::Served;
use kith_core::{event::Administration, may::Principal, position::Position};
use kith_log::Network;

/// Whether to pause or to resume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    Hold,
    GoOn,
}

impl PluginChanges {
    /// Pauses or resumes a plugin. Returns position 0 if nothing changes.
    pub(crate) async fn pause(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
        pause: Pause,
    ) -> Result<Position, PluginChangeError> {
        let views = self.views.of(network).await?;
        let _turn = self.turn(network).await;
        let paused = pause == Pause::Hold;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        if plugin.is_paused() == paused {
            return Ok(Position::ZERO);
        }
        if views.answering(key).and_then(Served::report).is_some() {
            return Err(PluginChangeError::NothingToPause(name.to_owned()));
        }
        let (fact, scope) = (Administration::PluginPaused { name: name.to_owned(), paused }, key.owner.scope());
        let position = network.administer(principal, scope, vec![fact]).await?;
        tracing::info!(network = %network.name(), plugin = name, paused, "plugin paused or resumed");
        views.follow().await;
        Ok(position)
    }
}
