//! Checks a component before it is used on a network: folds or computes a log in several ways.
//!
//! Invariant: a made-up log has every kind that the plugin folds, so that everything it does is tried.

use super::{
    Fold, Host, blocking,
    report::{self, Input, Ready},
};
use crate::{
    failure::Failure,
    log::{
        sample::{self, Members},
        spool::Spool,
    },
};
use kith_client::replica::OfflinePlugin;
use kith_core::{day::Day, event::Kind, history::History};
use kith_views::{CheckError, CheckReport, Checking, Manifest, Report, ReportCheck, ReportManifest, ViewScope};
use std::{collections::BTreeMap, sync::Arc};

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

/// A view that was checked.
pub struct CheckedView {
    /// The result of the check.
    pub report: CheckReport,
    /// Built-in views that fold something of the same log, with their fuel per event.
    pub beside: Vec<(String, u64)>,
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

fn unchecked(error: CheckError) -> Failure {
    match error {
        CheckError::Refused(refused) => Failure::PluginRefused(refused.to_string()),
        CheckError::Source(_) => Failure::Unexpected(error.to_string()),
        CheckError::Interrupted(_) => Failure::NotVerified(error.to_string()),
    }
}

impl Host {
    /// Checks a view, and measures the built-in ones on the same log.
    pub async fn check_view(
        &self,
        component: Vec<u8>,
        settings: String,
        manifest: &Manifest,
        tried: Tried,
    ) -> Result<CheckedView, Failure> {
        let kinds: Vec<_> = manifest.routes.iter().map(|route| route.kind.clone()).collect();
        let views = Arc::clone(&self.views);
        let work = move || {
            let (sample, day) = tried.log(&kinds, Members::People)?;
            let checking = Checking { component: component.into(), settings, sample: Arc::new(sample), day };
            let report = views.check(&checking).map_err(unchecked)?;
            let mut beside = Vec::new();
            for builtin in OfflinePlugin::builtins() {
                if views.is_report(&builtin.component).map_err(|refused| Failure::PluginRefused(refused.to_string()))? {
                    continue;
                }
                let (component, settings) = (builtin.component, builtin.settings);
                let cost = views.cost(&Checking { component, settings, sample: Arc::clone(&checking.sample), day });
                let fuel = cost.map_err(unchecked)?.fuel_per_event;
                if fuel > 0 {
                    beside.push((builtin.name, fuel));
                }
            }
            Ok(CheckedView { report, beside })
        };
        blocking(work).await?
    }

    /// Checks a report, which is computed from the views that it reads: those given by name, else built-in ones.
    pub async fn check_report(
        &self,
        component: Vec<u8>,
        settings: String,
        manifest: &ReportManifest,
        given: BTreeMap<String, Input>,
        tried: Tried,
    ) -> Result<CheckedReport, Failure> {
        let inputs = report::inputs(manifest, given)?;
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
