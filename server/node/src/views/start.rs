//! Starts a version of a plugin.

use super::{
    NetworkViews, NotKept,
    slot::{Kept, KeptReport, KeptView},
};
use crate::compile::For;
use kith_core::{filter::Filter, position::Position};
use kith_log::Network;
use kith_views::{FollowError, Following, Refused, Report, ViewHandle, ViewScope, ViewStopped, Views};
use std::{error::Error, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What is needed to start a view.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a str,
    pub(super) component: bytes::Bytes,
    pub(super) settings: &'a str,
    pub(super) scope: ViewScope,
}

impl NetworkViews {
    /// Starts a view, or opens it at the position where it was paused; a report is ready once it is compiled.
    pub(super) async fn start(
        &self,
        network: &Network,
        wanted: Wanted<'_>,
        paused_at: Option<Position>,
    ) -> Result<Kept, NotKept> {
        let name = wanted.name;
        let kept = self.try_start(network, wanted, paused_at).await;
        kept.inspect_err(|error| {
            let error = error as &dyn Error;
            tracing::error!(error, network = %network.name(), name, "a version of a plugin could not be started");
        })
    }

    async fn try_start(
        &self,
        network: &Network,
        wanted: Wanted<'_>,
        paused_at: Option<Position>,
    ) -> Result<Kept, NotKept> {
        // Kept alive until the view or report holds it.
        let _compiled = self.compile(wanted.component.clone(), For::Server, None).await?;
        match self.report_of(&wanted).await? {
            Some(report) => {
                Ok(Kept::Report(KeptReport { report: Arc::new(report), retired: CancellationToken::new() }))
            }
            None => Ok(Kept::View(self.start_view(network, wanted, paused_at).await?)),
        }
    }

    async fn report_of(&self, wanted: &Wanted<'_>) -> Result<Option<Report>, Refused> {
        let (host, component, settings) = (self.host.clone(), wanted.component.clone(), wanted.settings.to_owned());
        kith_log::blocking(move || {
            let report = host.is_report(&component)?.then(|| host.report(&component, &settings));
            report.transpose()
        })
        .await
    }

    async fn start_view(
        &self,
        network: &Network,
        wanted: Wanted<'_>,
        paused_at: Option<Position>,
    ) -> Result<KeptView, FollowError> {
        let following = Following {
            name: wanted.name.to_owned(),
            network: network.name().clone(),
            scope: wanted.scope,
            component: wanted.component,
            settings: wanted.settings.to_owned(),
            history: network.history(),
            held: Filter::default(),
            head: network.watch_head(),
            clock: self.view_clock(),
        };
        let host = self.host.clone();
        let started = kith_log::blocking(move || match paused_at {
            None => host.follow(following).map(|handle| (handle, false)),
            Some(paused_at) => hold(&host, &following, paused_at),
        });
        let (handle, comes_back) = started.await?;
        let handle = Arc::new(handle);
        if let Some(paused_at) = paused_at.filter(|_| comes_back) {
            tokio::spawn(stop_at(Arc::clone(&handle), paused_at));
        }
        Ok(KeptView { handle, retired: CancellationToken::new(), comes_back })
    }

    fn view_clock(&self) -> kith_views::Clock {
        let clock = self.clock.clone();
        Arc::new(move || clock().millis())
    }
}

/// Opens a view without following the log. If its file was lost, it is rebuilt up to where it was paused; the returned
/// flag says so.
fn hold(host: &Views, following: &Following, paused_at: Position) -> Result<(ViewHandle, bool), FollowError> {
    let handle = host.hold(following)?;
    let is_lost = handle.cursor().day.is_none();
    if is_lost {
        let (_, head) = watch::channel(paused_at);
        handle.resume(head)?;
    }
    Ok((handle, is_lost))
}

/// Stops a view when it reaches a position.
async fn stop_at(handle: Arc<ViewHandle>, position: Position) {
    match handle.wait_for(position).await {
        // Nothing to do if the view stopped by itself.
        Ok(_) | Err(ViewStopped) => {}
    }
    kith_log::blocking(move || handle.stop()).await;
}
