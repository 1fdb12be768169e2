//! Switches to another version of a plugin, or back to the previous one.

use super::{PluginChangeError, PluginChanges, changeable};
use crate::{
    limits::VIEW_WAIT,
    views::{OpenViews, ServedView},
};
use kith_core::{
    event::Administration,
    may::Principal,
    plugins::{Plugin, PluginKey, PluginRefusal, PluginVersion},
    position::Position,
};
use kith_log::Network;
use kith_views::ViewCursor;

/// The version to activate.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// The version of this name.
    Named(&'a str),
    /// The version that answered before.
    Before,
}

impl PluginChanges {
    /// Activates a version once its view is built. Returns position 0 if it was active already.
    pub(crate) async fn activate(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
        version: &str,
    ) -> Result<Position, PluginChangeError> {
        let (_, position) = self.switch(network, principal, name, Wanted::Named(version)).await?;
        Ok(position)
    }

    /// Activates the version that answered before.
    pub(crate) async fn rollback(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
    ) -> Result<(String, Position), PluginChangeError> {
        self.switch(network, principal, name, Wanted::Before).await
    }

    async fn switch(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
        wanted: Wanted<'_>,
    ) -> Result<(String, Position), PluginChangeError> {
        let views = self.views.of(network).await?;
        // Others may change the plugin while its view catches up, so everything is looked up again under the turn.
        let head = self.await_built((network, &views), principal, name, wanted).await?;
        let _turn = self.turn(network).await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let version = wanted.find(name, plugin)?;
        if plugin.active() == Some(version) {
            return Ok((version.version.clone(), Position::ZERO));
        }
        check_built(&views, key, version, head)?;
        let fact = Administration::PluginActivated {
            name: key.name.clone(),
            version: version.version.clone(),
            component: version.component,
        };
        let position = network.administer(principal, key.owner.scope(), vec![fact]).await?;
        tracing::info!(network = %network.name(), plugin = name, version = version.version, "plugin activated");
        views.follow().await;
        Ok((version.version.clone(), position))
    }

    /// Starts a version and waits a short while for its view to catch up. Returns the head that it waited for.
    async fn await_built(
        &self,
        (network, views): (&Network, &OpenViews),
        principal: &Principal,
        name: &str,
        wanted: Wanted<'_>,
    ) -> Result<Position, PluginChangeError> {
        let view = self.keep((network, views), principal, name, wanted).await?;
        let head = network.head();
        if let Some(ServedView { handle, paused, .. }) = view
            && !(paused && handle.cursor().day.is_some())
        {
            // Whether it caught up is checked when the change is made.
            let _ = tokio::time::timeout(VIEW_WAIT, handle.wait_for(head)).await;
        }
        Ok(head)
    }

    /// Starts a version. Returns `None`, nothing to wait for, if it is a report or active already.
    async fn keep(
        &self,
        (network, views): (&Network, &OpenViews),
        principal: &Principal,
        name: &str,
        wanted: Wanted<'_>,
    ) -> Result<Option<ServedView>, PluginChangeError> {
        let _turn = self.turn(network).await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let version = wanted.find(name, plugin)?;
        if plugin.active() == Some(version) {
            return Ok(None);
        }
        views.keep_version(key, plugin, version).await;
        view_of(views, key, version)
    }
}

/// The view of a running version; `None` for a report.
fn view_of(
    views: &OpenViews,
    key: &PluginKey,
    version: &PluginVersion,
) -> Result<Option<ServedView>, PluginChangeError> {
    match views.version((key, &version.version)) {
        Some(Ok(served)) => Ok(served.view()),
        Some(Err(problem)) => Err(problem.into()),
        None => Err(PluginChangeError::Overtaken(key.name.clone())),
    }
}

/// Checks that a version's view has reached a head: a half-built view must not answer.
fn check_built(
    views: &OpenViews,
    key: &PluginKey,
    version: &PluginVersion,
    head: Position,
) -> Result<(), PluginChangeError> {
    let Some(ServedView { handle, paused, .. }) = view_of(views, key, version)? else { return Ok(()) };
    let ViewCursor { position: cursor, day } = handle.cursor();
    if day.is_some() && (paused || cursor >= head) {
        return Ok(());
    }
    if !paused && handle.stopped().is_some() {
        return Err(PluginChangeError::Stopped);
    }
    let (name, version) = (key.name.clone(), version.version.clone());
    Err(PluginChangeError::Building { name, version, cursor, head })
}

impl Wanted<'_> {
    fn find<'a>(self, name: &str, plugin: &'a Plugin) -> Result<&'a PluginVersion, PluginChangeError> {
        match self {
            Self::Named(version) => plugin.version(version).ok_or_else(|| {
                PluginRefusal::VersionUnknown { name: name.to_owned(), version: version.to_owned() }.into()
            }),
            Self::Before => plugin.before().ok_or_else(|| PluginChangeError::NothingBefore(name.to_owned())),
        }
    }
}
