//! Checks a component before it is used on a network: folds or computes a log in several ways.
//!
//! Invariant: a made-up log has every kind that the plugin folds, so that everything it does is tried.

use super::{
    Fold, Host, blocking,
    report::{self, Ready},
};
use crate::{
    failure::Failure,
    log::{
        sample::{self, Members},
        spool::Spool,
    },
};
use kith_core::{day::Day, event::Kind, history::History};
use kith_views::{CheckError, CheckReport, Checking, Manifest, Report, ReportCheck, ReportManifest, ViewScope};
use std::sync::Arc;

/// The log that a component is tried on.
#[derive(Debug)]
pub enum Tried {
    /// An existing log, as of a day.
    Given {
        /// The log.
        log: Spool,
        /// The day.
        day: Day,
    },
    /// A made-up network.
    MadeUp {
        /// The number of its events.
        entries: u64,
    },
}

impl Tried {
    fn log(self, kinds: &[Kind], members: Members) -> Result<(Spool, Day), Failure> {
        match self {
            Self::Given { log, day } => Ok((log, day)),
            Self::MadeUp { entries } => Ok((sample::log(kinds, entries, members)?, sample::DAY)),
        }
    }
}

/// A report that was checked.
pub struct CheckedReport {
    /// The report.
    pub report: Arc<Report>,
    /// Entries of the log that it was tried on.
    pub entries: u64,
    /// The result of the check.
    pub found: ReportCheck,
}

impl Host {
    /// Checks a view.
    pub async fn check_view(
        &self,
        component: Vec<u8>,
        settings: String,
        manifest: &Manifest,
        tried: Tried,
    ) -> Result<CheckReport, Failure> {
        let kinds: Vec<_> = manifest.routes.iter().map(|route| route.kind.clone()).collect();
        let views = Arc::clone(&self.views);
        let work = move || {
            let (sample, day) = tried.log(&kinds, Members::People)?;
            let checking = Checking { component: component.into(), settings, sample: Arc::new(sample), day };
            views.check(&checking).map_err(|error| match error {
                CheckError::Refused(refused) => Failure::PluginRefused(refused.to_string()),
                CheckError::Source(_) => Failure::Unexpected(error.to_string()),
                CheckError::Interrupted(_) => Failure::NotVerified(error.to_string()),
            })
        };
        blocking(work).await?
    }

    /// Checks a report, which is computed from the built-in views that it reads.
    pub async fn check_report(
        &self,
        component: Vec<u8>,
        settings: String,
        manifest: &ReportManifest,
        tried: Tried,
    ) -> Result<CheckedReport, Failure> {
        let inputs = report::builtins(manifest)?;
        let mut kinds = Vec::new();
        for input in &inputs {
            for route in self.inspect(&input.component, &input.settings)?.routes {
                if !kinds.contains(&route.kind) {
                    kinds.push(route.kind);
                }
            }
        }
        let (log, day) = tried.log(&kinds, Members::Organisations)?;
        let entries = log.head().get();
        let fold = Fold {
            component,
            settings,
            network: "check".parse()?,
            scope: ViewScope::Network,
            log: Arc::new(log),
            clock: Arc::new(move || day.noon().millis()),
        };
        let ready = Ready::fold(self, inputs, &fold).await?;
        let found = ready.check(day).await?;
        Ok(CheckedReport { report: ready.report, entries, found })
    }
}
