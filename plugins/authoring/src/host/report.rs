//! Reports on local logs: the views that a report reads are folded here, then the table is computed.
//!
//! Invariant: all inputs are derived from one log, so the table is the same as on a server.

use super::{Fold, Folded, Host, blocking};
use crate::{failure::Failure, limits};
use kith_client::{replica::OfflinePlugin, v1};
use kith_core::{
    day::Day,
    directory::Directory,
    entry::Entry,
    history::{Budget, History},
    position::Position,
};
use kith_views::{
    Report, ReportCheck, ReportContext, ReportError, ReportManifest, ReportPage, ReportQuery, ViewHandle, wire,
};
use std::{collections::BTreeMap, sync::Arc};

/// A view that a report reads.
#[derive(Clone)]
pub struct Input {
    /// The view's component.
    pub component: Vec<u8>,
    /// The view's settings as JSON text.
    pub settings: String,
}

/// The built-in view of a name.
pub fn builtin(name: &str) -> Option<Input> {
    let found = OfflinePlugin::builtins().into_iter().find(|plugin| plugin.name == name)?;
    Some(Input { component: found.component.to_vec(), settings: found.settings })
}

/// The views that a report reads: those given by name, else built-in ones.
pub fn inputs(manifest: &ReportManifest, mut given: BTreeMap<String, Input>) -> Result<Vec<Input>, Failure> {
    check_given(manifest, given.keys())?;
    let input = |name: &String| given.remove(name).or_else(|| builtin(name)).ok_or_else(|| unknown(name));
    manifest.inputs.iter().map(|input| &input.view).map(input).collect()
}

/// Refuses views that a report does not read.
pub fn check_given<'a>(manifest: &ReportManifest, given: impl IntoIterator<Item = &'a String>) -> Result<(), Failure> {
    let reads = |name: &str| manifest.inputs.iter().any(|input| input.view == name);
    match given.into_iter().find(|name| !reads(name)) {
        None => Ok(()),
        Some(name) => {
            let views = manifest.inputs.iter().map(|input| input.view.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::Usage(format!("the report does not read `{name}`; it reads {views}")))
        }
    }
}

/// The failure that a view is neither built in nor installed nor given.
pub fn unknown(name: &str) -> Failure {
    Failure::PluginRefused(format!(
        "the report reads the view `{name}`, which is not known here: name its component with --view {name}=FILE, or in a \
         case with \"views\": {{\"{name}\": {{\"component\": \"FILE\"}}}}"
    ))
}

/// A report and the views that it reads, folded.
pub struct Ready {
    pub(super) report: Arc<Report>,
    folded: Vec<Folded>,
    directory: Arc<Directory>,
    position: Position,
    day: Day,
}

impl Ready {
    /// Folds the views that a report reads. The component and settings of `fold` are the report's.
    pub async fn fold(host: &Host, inputs: Vec<Input>, fold: &Fold) -> Result<Self, Failure> {
        let report = host.report(&fold.component, &fold.settings)?;
        let mut folded = Vec::with_capacity(inputs.len());
        for Input { component, settings } in inputs {
            let (network, scope) = (fold.network.clone(), fold.scope.clone());
            let (log, clock) = (Arc::clone(&fold.log), Arc::clone(&fold.clock));
            let view = host.fold(Fold { component, settings, network, scope, log, clock }).await;
            folded.push(view.map_err(|failure| failure.of_view(&report.manifest().inputs[folded.len()].view))?);
        }
        let views: Vec<Arc<ViewHandle>> = folded.iter().map(Folded::handle).collect();
        let (position, day) = Report::reached(&views)
            .ok_or_else(|| Failure::Unexpected("a view that the report reads has no rows as of a day".to_owned()))?;
        let directory = Arc::new(directory(&*fold.log)?);
        Ok(Self { report: Arc::new(report), folded, directory, position, day })
    }

    /// What the report declares.
    pub fn manifest(&self) -> &ReportManifest {
        self.report.manifest()
    }

    /// Rows, as a server returns them; `day` defaults to the last day of the log.
    pub async fn query(&self, query: ReportQuery, day: Option<Day>) -> Result<v1::QueryViewResponse, Failure> {
        let day = day.unwrap_or(self.day);
        let page = ReportPage { as_of: Some(self.position), day: Some(day), skip: query.skip };
        self.ask(day, move |report, context| Ok(wire::report::answer(&page, report.query(context, &query)?))).await
    }

    /// Checks the report as of a day.
    pub(super) async fn check(&self, day: Day) -> Result<ReportCheck, Failure> {
        self.ask(day, Report::check).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        day: Day,
        ask: impl FnOnce(&Report, &ReportContext<'_>) -> Result<T, ReportError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (report, directory, position) = (Arc::clone(&self.report), Arc::clone(&self.directory), self.position);
        let views: Vec<_> = self.folded.iter().map(Folded::handle).collect();
        let work = move || ask(&report, &ReportContext { views: &views, directory: &directory, position, day });
        blocking(work).await?.map_err(|error| match error {
            ReportError::FieldUnknown(_) | ReportError::Columns(_) => Failure::Usage(error.to_string()),
            ReportError::RowUnknown => Failure::NotFound(error.to_string()),
            ReportError::FieldMissing { .. }
            | ReportError::NotNarrowed { .. }
            | ReportError::Input { .. }
            | ReportError::Memory { .. }
            | ReportError::Failed(_) => Failure::PluginRefused(error.to_string()),
            ReportError::View { .. } | ReportError::TooLarge(_) | ReportError::Cancelled | ReportError::Busy(_) => {
                Failure::Unexpected(error.to_string())
            }
        })
    }
}

/// The directory at the end of a log.
fn directory(log: &dyn History) -> Result<Directory, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::Unexpected(format!("the log cannot be read: {error}"));
    let (mut directory, mut after, head) = (Directory::default(), Position::ZERO, log.head());
    let budget = Budget { entries: limits::READ_ENTRIES_MAX, bytes: limits::READ_BYTES_MAX };
    while after < head {
        let page = log.read(after, head, budget).map_err(|error| unreadable(&error))?;
        if page.is_empty() {
            break;
        }
        for bytes in &page {
            let entry = Entry::decode(bytes).map_err(|error| unreadable(&error))?;
            after = entry.position;
            directory.apply(&entry.event().map_err(|error| unreadable(&error))?, after);
        }
    }
    Ok(directory)
}
