//! An owner's plugin of one name: every running version, and which of them answers.

use super::NotKept;
use kith_core::plugins::Plugin;
use kith_views::{Report, ViewHandle};
use std::{collections::BTreeMap, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A view that answers.
#[derive(Clone)]
pub struct ServedView {
    /// Its rows.
    pub handle: Arc<ViewHandle>,
    /// Whether it is paused.
    pub paused: bool,
    /// Cancelled when the view is replaced or removed.
    pub(crate) retired: CancellationToken,
}

/// A report, and the views that it reads.
#[derive(Clone)]
pub struct ServedReport {
    /// The report.
    pub report: Arc<Report>,
    /// The views, in the order of the report's manifest.
    pub views: Vec<ServedView>,
    /// A view that the report reads and that does not exist.
    pub missing: Option<String>,
    /// Cancelled when the report is removed.
    pub(crate) retired: CancellationToken,
}

impl ServedReport {
    /// The views that the report reads.
    pub fn handles(&self) -> Vec<Arc<ViewHandle>> {
        self.views.iter().map(|view| Arc::clone(&view.handle)).collect()
    }
}

/// A view or a report.
#[derive(Clone, Copy)]
pub(crate) enum Answering<V, R> {
    /// Follows the log.
    View(V),
    /// Is computed when it is queried.
    Report(R),
}

/// A version of a plugin, ready to answer.
pub(crate) type Served = Answering<ServedView, ServedReport>;

/// A running version.
pub(super) type Kept = Answering<KeptView, KeptReport>;

/// Views or reports of one owner and name.
pub(super) struct Slot {
    pub(super) paused: bool,
    /// The version that answers.
    pub(super) active: Option<String>,
    /// The running versions, or why they are not running.
    pub(super) versions: BTreeMap<String, Result<Kept, Arc<NotKept>>>,
}

/// A report that can be queried.
#[derive(Clone)]
pub(super) struct KeptReport {
    pub(super) report: Arc<Report>,
    pub(super) retired: CancellationToken,
}

/// A view that follows the log.
#[derive(Clone)]
pub(super) struct KeptView {
    pub(super) handle: Arc<ViewHandle>,
    pub(super) retired: CancellationToken,
    /// Whether this is a paused view whose file was lost and which is being rebuilt up to where it was paused.
    pub(super) comes_back: bool,
}

impl KeptView {
    pub(super) fn served(self, paused: bool) -> ServedView {
        ServedView { handle: self.handle, paused, retired: self.retired }
    }
}

impl<V, R> Answering<V, R> {
    /// The view, if it is one.
    pub(crate) fn view(self) -> Option<V> {
        match self {
            Self::View(view) => Some(view),
            Self::Report(_) => None,
        }
    }

    /// The report, if it is one.
    pub(crate) fn report(self) -> Option<R> {
        match self {
            Self::View(_) => None,
            Self::Report(report) => Some(report),
        }
    }

    fn as_ref(&self) -> Answering<&V, &R> {
        match self {
            Self::View(view) => Answering::View(view),
            Self::Report(report) => Answering::Report(report),
        }
    }
}

impl Kept {
    pub(super) fn version(&self) -> &str {
        match self {
            Self::View(view) => &view.handle.manifest().version,
            Self::Report(kept) => &kept.report.manifest().version,
        }
    }
}

impl Slot {
    /// The version that answers.
    pub(super) fn answering(&self) -> Option<&Kept> {
        self.versions.get(self.active.as_ref()?)?.as_ref().ok()
    }

    /// The view that answers.
    pub(super) fn view(&self) -> Option<ServedView> {
        Some(self.answering()?.as_ref().view()?.clone().served(self.paused))
    }

    /// The report that answers.
    pub(super) fn report(&self) -> Option<KeptReport> {
        self.answering()?.as_ref().report().cloned()
    }

    /// Every running view, with its version.
    pub(super) fn views(&self) -> impl Iterator<Item = (&str, &KeptView)> {
        self.versions
            .iter()
            .filter_map(|(version, kept)| Some((version.as_str(), kept.as_ref().ok()?.as_ref().view()?)))
    }

    /// Switches to the version that answers now, and returns the views that are no longer needed.
    pub(super) fn bring_to_date(&mut self, plugin: &Plugin) -> Vec<KeptView> {
        let active = plugin.active().map(|version| version.version.clone());
        if self.active != active {
            let left = self.active.as_ref().and_then(|left| self.versions.get_mut(left));
            if let Some(Ok(Kept::View(view))) = left {
                std::mem::take(&mut view.retired).cancel();
            }
            self.active = active;
        }
        self.paused = plugin.is_paused();
        let followed = plugin.followed();
        let is_needed = |version: &str| followed.iter().any(|followed| followed.version == version);
        let gone = self.versions.extract_if(.., |version, _| !is_needed(version));
        gone.filter_map(|(_, kept)| view_of(kept)).collect()
    }

    /// The views of a name that was removed.
    pub(super) fn into_views(self) -> Vec<KeptView> {
        self.versions.into_values().filter_map(view_of).collect()
    }
}

/// The view of a removed version. Ends what is being computed from it.
fn view_of(kept: Result<Kept, Arc<NotKept>>) -> Option<KeptView> {
    match kept {
        Ok(Kept::View(view)) => {
            view.retired.cancel();
            Some(view)
        }
        Ok(Kept::Report(report)) => {
            report.retired.cancel();
            None
        }
        Err(_) => None,
    }
}
