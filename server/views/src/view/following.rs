//! What a view needs to follow a log, and why it cannot.

use crate::{file::store::StoreError, fold::source::ViewScope, plugin::refused::Refused};
use kith_core::{
    filter::Filter,
    history::{History, Unreadable},
    id::NetworkName,
    position::Position,
};
use std::sync::Arc;
use tokio::sync::watch;

/// The time, in milliseconds since 1970-01-01, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A view that is to follow a log.
pub struct Following {
    /// The view's name here, which may differ from that in its manifest.
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
    /// Which of them the history has. Rows of keys that may have other entries are marked as partial.
    pub held: Filter,
    /// The network's current head.
    pub head: watch::Receiver<Position>,
    /// The time.
    pub clock: Clock,
}

/// Why a view cannot follow a log.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The view's file cannot be opened, perhaps because the view is running already.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The id of the history could not be read.
    #[error(transparent)]
    History(Unreadable),
    /// A thread could not be started.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
}
