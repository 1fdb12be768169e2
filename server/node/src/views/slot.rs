//! What an owner has by one name: every version that is kept, and which of them answers.

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
    /// Whether it stands still because somebody paused it.
    pub paused: bool,
    /// Cancelled when another version takes its place, or none.
    pub(crate) retired: CancellationToken,
}

/// A report, and the views that it reads.
#[derive(Clone)]
pub struct ServedReport {
    /// The report.
    pub report: Arc<Report>,
    /// The views, in the order of its manifest.
    pub views: Vec<ServedView>,
    /// A view that it reads and that is not there.
    pub missing: Option<String>,
    /// Cancelled when it is removed.
    pub(crate) retired: CancellationToken,
}

impl ServedReport {
    /// The views that it reads.
    pub fn handles(&self) -> Vec<Arc<ViewHandle>> {
        self.views.iter().map(|view| Arc::clone(&view.handle)).collect()
    }
}

/// What answers: a view or a report.
#[derive(Clone, Copy)]
pub(crate) enum Answering<V, R> {
    /// It follows the log.
    View(V),
    /// It is computed when it is asked.
    Report(R),
}

/// A version of a plugin, as it answers.
pub(crate) type Served = Answering<ServedView, ServedReport>;

/// A version that is kept.
pub(super) type Kept = Answering<KeptView, KeptReport>;

/// Views or reports of one owner and name.
pub(super) struct Slot {
    pub(super) paused: bool,
    /// The version that answers.
    pub(super) active: Option<String>,
    /// The versions that are kept, or why they are not.
    pub(super) versions: BTreeMap<String, Result<Kept, Arc<NotKept>>>,
}

/// A report that can be asked.
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
    /// A paused view whose file was lost, on its way back to where it was paused.
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

    /// Every view that is kept, with its version.
    pub(super) fn views(&self) -> impl Iterator<Item = (&str, &KeptView)> {
        self.versions
            .iter()
            .filter_map(|(version, kept)| Some((version.as_str(), kept.as_ref().ok()?.as_ref().view()?)))
    }

    /// Swaps the pointer to the version that answers, and gives the views that nobody needs any more.
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

    /// The views of a name that is gone.
    pub(super) fn into_views(self) -> Vec<KeptView> {
        self.versions.into_values().filter_map(view_of).collect()
    }
}

/// The view of a version that is gone. What is computed of it ends.
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
