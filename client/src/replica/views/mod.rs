//! Views of a replica: the rows that a server derives, derived locally without a server.
//!
//! The same plugins fold the same entries, so rows of complete keys equal the server's bit for bit:
//! [`OfflineViews::digest_view`] returns the digest that shows it. In a replica of a part of the log, rows of keys that
//! may lack entries are marked `partial`. Queries and answers are those of [`crate::Client`]. A built-in view has the
//! server's version, whichever this program comes with ([`OfflineViews::served_builtins`]).
//!
//! Invariant: a view's file belongs to one state of the replica. When earlier entries were added or removed, for
//! example by another filter, it is deleted and rebuilt before it answers.
//!
//! ```no_run
//! use kith_client::{ViewQuery, replica::{Replica, ReplicaOptions}};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let replica = Replica::open("kith-replica".as_ref(), ReplicaOptions::new("default".parse()?))?;
//! let views = replica.views()?;
//! let question = ViewQuery { view: "strength".to_owned(), page_size: 10, ..ViewQuery::default() };
//! for row in views.query_view(&question).await?.rows {
//!     println!("{:?} {:?}", row.key, row.values);
//! }
//! // As they will be once the outbox is sent: rows that it changes are marked.
//! let rows = views.with_pending().await?.query_view(&question).await?.rows;
//! println!("{} change", rows.iter().filter(|row| row.pending).count());
//! # Ok(())
//! # }
//! ```

mod asking;
mod builtins;
mod folder;
mod host;
mod installed;
mod pending;
mod reports;
mod watching;

pub use builtins::ServedBuiltin;
pub use watching::OfflineWatch;

use super::{Inner, Replica, error::StoreError};
use crate::{
    error::Error,
    views::{DigestQuery, RowQuery, TraceQuery, ViewQuery},
};
use bytes::Bytes;
use host::Found;
pub(in crate::replica) use host::Host;
use kith_core::position::Position;
use kith_core::reason::Reason;
use kith_proto::v1;
use kith_views::{Explain, Question, Report, Trace, ViewScope, question, wire};
use reports::Ready;
use std::sync::Arc;

/// Why a view of a replica cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The query is refused, for the reason that a server would give.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The replica's file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The replica has no folder in which to keep views.
    #[error("a replica in memory has no views")]
    NoFolder,
    /// The views' own files or the sandbox cannot be used; the text is for people. The replica itself is fine.
    #[error("the views of this replica cannot be used: {0}")]
    Host(String),
}

/// A plugin whose view a replica follows, or whose report it computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflinePlugin {
    /// The view's name.
    pub name: String,
    /// The component's bytes.
    pub component: Bytes,
    /// Its settings as JSON text.
    pub settings: String,
    /// Which entries it folds.
    pub scope: ViewScope,
}

impl OfflinePlugin {
    /// The plugins that come with Kith.
    pub fn builtins() -> Vec<Self> {
        let builtin = |builtin: &kith_bundle::Builtin| Self {
            name: builtin.name.to_owned(),
            component: Bytes::from_static(builtin.component),
            settings: "{}".to_owned(),
            scope: ViewScope::Network,
        };
        kith_bundle::BUILTINS.iter().map(builtin).collect()
    }
}

/// The views of a replica. Cheap to clone; clones share the same views. A view starts to follow the replica when it is
/// first queried, in its own thread, until the last clone is dropped.
#[derive(Clone)]
pub struct OfflineViews(Arc<Host>);

impl Replica {
    /// The views of this replica: the built-in ones, and those of the network's plugins whose components have been
    /// fetched.
    pub fn views(&self) -> Result<OfflineViews, ViewError> {
        let mut shared = self.0.views.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(host) = shared.upgrade() {
            return Ok(OfflineViews(host));
        }
        let host = Arc::new(Host::new(Arc::clone(&self.0))?);
        *shared = Arc::downgrade(&host);
        Ok(OfflineViews(host))
    }
}

impl OfflineViews {
    /// Follows these plugins and no others. Views that are already followed continue.
    pub async fn set_plugins(&self, plugins: Vec<OfflinePlugin>) {
        self.0.set_plugins(plugins).await;
    }

    /// The same views as they will be if the server accepts the whole outbox: it is folded after the last entry, in the
    /// order of recording. Rows that it changes are marked `pending`.
    ///
    /// It is a snapshot, in files that are deleted with the last clone. Its views are built from the first entry, which
    /// takes seconds per million entries: use one for several queries rather than one for each.
    pub async fn with_pending(&self) -> Result<Self, ViewError> {
        Ok(Self(Arc::new(self.0.with_pending().await?)))
    }

    /// All views and reports with their status, once they have caught up with the replica. If the replica holds only a
    /// part of the log, reports are stopped.
    pub async fn list_views(&self) -> Result<crate::views::Views, ViewError> {
        let mut views = Vec::new();
        let missing = self.0.missing_builtins().await;
        for name in self.0.names().await {
            if let Some(served) = missing.iter().find(|served| served.name == name) {
                views.push(not_here(served));
                continue;
            }
            views.push(match self.0.find(&name).await? {
                Found::View(_) => asking::status(name.clone(), self.0.level(&name).await?).await?,
                Found::Report(report, _) => match Ready::find(&self.0, &name).await {
                    Ok(Some(ready)) => ready.status(name).await?,
                    Ok(None) => continue,
                    Err(error) => stopped(&name, &report, &error)?,
                },
            });
        }
        views.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(crate::views::Views { views, head: self.0.head() })
    }

    /// The built-in views and reports of which the server has another version than this program, as of the last sync.
    /// The server's answer here, too; one that could not be fetched answers [`Reason::ViewIncomplete`].
    pub async fn served_builtins(&self) -> Vec<ServedBuiltin> {
        self.0.served_builtins().await
    }

    /// What the rows of a view or report are about, as in `key` of [`v1::View`].
    pub async fn key_of(&self, name: &str) -> Result<String, ViewError> {
        match self.0.find(name).await? {
            Found::View(view) => Ok(asking::status(name.to_owned(), view).await?.key),
            Found::Report(report, _) => Ok(report_view(name, &report)?.key),
        }
    }

    /// Rows of a view or report over all that is here, one page at a time. Rows of reports are never marked `pending`.
    pub async fn query_view(&self, query: &ViewQuery) -> Result<v1::QueryViewResponse, ViewError> {
        let ready = Ready::find(&self.0, &query.view).await?;
        let question = Question::read(&query.to_proto(self.0.network()), &self.0.asked())?;
        if let Some(ready) = ready {
            return ready.query(question).await;
        }
        let known_at = asking::known_at(self.0.replica(), question.known_at())?;
        let view = self.0.level(&query.view).await?;
        let mut answer = asking::query(view, question.of_view(known_at)).await?;
        self.mark(&mut answer.rows);
        Ok(answer)
    }

    /// The entries that a row is derived from, newest first and up to the number that a server returns, each with its
    /// share; for a report, the rows of views.
    pub async fn explain_row(&self, query: &RowQuery) -> Result<v1::ExplainRowResponse, ViewError> {
        let message = query.to_proto(self.0.network());
        if let Some(ready) = Ready::find(&self.0, &query.view).await? {
            return ready.explain(message).await;
        }
        let (explain, known_at) = question::explain(&message, &self.0.asked())?;
        let known_at = asking::known_at(self.0.replica(), known_at)?;
        let view = self.0.level(&query.view).await?;
        let explain = Explain { as_of: known_at.or(explain.as_of), ..explain };
        let mut answer = asking::explain(view, explain).await?;
        asking::add_details(self.0.replica(), &mut answer.evidence)?;
        self.mark(&mut answer.rows);
        Ok(answer)
    }

    /// The rows of one key on many days. For views, not for reports.
    pub async fn trace_row(&self, query: &TraceQuery) -> Result<v1::TraceRowResponse, ViewError> {
        // An unknown view is reported first, as by a server.
        self.0.view(&query.view).await?;
        let (trace, known_at) = question::trace(&query.to_proto(self.0.network()), &self.0.asked())?;
        let known_at = asking::known_at(self.0.replica(), known_at)?;
        let view = self.0.level(&query.view).await?;
        let mut answer = asking::trace(view, Trace { as_of: known_at.or(trace.as_of), ..trace }).await?;
        answer.points.iter_mut().for_each(|point| self.mark(&mut point.rows));
        Ok(answer)
    }

    /// A digest over the rows of complete keys: equal to the server's for the same position, day and part.
    pub async fn digest_view(&self, query: &DigestQuery) -> Result<v1::DigestViewResponse, ViewError> {
        // An unknown view is reported first, as by a server.
        self.0.view(&query.view).await?;
        let (held, as_of) = question::digest(&query.to_proto(self.0.network()), &self.0.asked())?;
        let view = self.0.level(&query.view).await?;
        asking::digest(view, held, as_of).await
    }

    /// Rows of a view that changed after a position, then rows as they change; zero = all rows first. It continues
    /// until it is dropped or the view stops, which the last item reports.
    pub fn watch_view(&self, view: impl Into<String>, after: Position) -> OfflineWatch {
        watching::watch(self.clone(), view.into(), after)
    }

    fn mark(&self, rows: &mut [v1::Row]) {
        if let Some(last) = self.0.last_recorded() {
            for row in rows {
                row.pending = row.position > last.get();
            }
        }
    }
}

impl std::fmt::Debug for OfflineViews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OfflineViews").field("network", &self.0.replica().options.network).finish_non_exhaustive()
    }
}

fn report_view(name: &str, report: &Report) -> Result<v1::View, ViewError> {
    wire::report::view(name, report, &[]).map_err(|error| ViewError::Host(error.to_string()))
}

/// A built-in view whose version at the server is not here.
fn not_here(served: &ServedBuiltin) -> v1::View {
    let mut view = v1::View {
        name: served.name.clone(),
        version: served.version.clone(),
        component: served.component.to_vec(),
        last_error: served.missing().to_string(),
        ..v1::View::default()
    };
    view.set_state(v1::ViewState::Stopped);
    view
}

/// A report that cannot be computed here.
fn stopped(name: &str, report: &Report, error: &ViewError) -> Result<v1::View, ViewError> {
    let mut view = report_view(name, report)?;
    view.set_state(v1::ViewState::Stopped);
    (view.cursor, view.last_error) = (0, error.to_string());
    Ok(view)
}

fn unknown(view: &str) -> ViewError {
    Error::refused(Reason::ViewUnknown, format!("there is no view {view} in this replica")).at("view").into()
}
