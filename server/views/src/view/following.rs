//! What it takes to follow a view, and why it cannot be followed.

use crate::{file::store::StoreError, fold::source::ViewScope, plugin::refused::Refused};
use kith_core::{filter::Filter, history::History, id::NetworkName, position::Position};
use std::sync::Arc;
use tokio::sync::watch;

/// The time, in milliseconds since 1970-01-01, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A view to be followed.
pub struct Following {
    /// What the view is called here, which its manifest may call otherwise.
    pub name: String,
    /// The network.
    pub network: NetworkName,
    /// Which entries to fold.
    pub scope: ViewScope,
    /// The component's bytes.
    pub component: bytes::Bytes,
    /// Its settings as JSON text.
    pub settings: String,
    /// The network's entries.
    pub history: Arc<dyn History>,
    /// Which of them the history holds. Rows of keys that others may come under are marked as partial.
    pub held: Filter,
    /// The network's head, as it moves.
    pub head: watch::Receiver<Position>,
    /// The time.
    pub clock: Clock,
}

/// Why a view cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The view's file cannot be opened, perhaps because the view is followed already.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No thread can be started.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
}
