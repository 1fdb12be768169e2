//! A copy of a network's log in a folder, which records and reads without a server and syncs with it when there is one.
//!
//! [`Replica::record`] writes an event to disk and returns; [`Replica::sync`] sends the outbox, fetches new entries and
//! verifies them against the log's signed checkpoints; [`Replica::follow`] does so for as long as it runs, across
//! broken connections. [`Replica::happenings`] notifies a user interface of changes.
//!
//! Invariant: nothing is applied unless a checkpoint signed by the known key vouches for it, and an event recorded here
//! is kept until it is an entry here, was refused, or was dropped explicitly.
//!
//! Calls that access the file block for as long as the disk takes, a few milliseconds. If that is too long, call them
//! on a separate thread.
//!
//! ```no_run
//! use kith_client::{Client, Options, replica::{Replica, ReplicaOptions}};
//! use kith_core::event::Met;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let replica = Replica::open("kith-replica".as_ref(), ReplicaOptions::new("default".parse()?))?;
//! let met = Met { people: vec!["amina".parse()?, "ben".parse()?] };
//! replica.record(&replica.event(met).build()?)?;
//!
//! let client = Client::lazy(Options::new("http://127.0.0.1:7420", "the token's secret", "default".parse()?))?;
//! match replica.sync(&client).await {
//!     Ok(report) => println!("at position {}, {} sent", report.position, report.accepted),
//!     Err(error) if error.is_retryable() => println!("later: {error}"),
//!     Err(error) => println!("somebody must look at this: {error}"),
//! }
//! # Ok(())
//! # }
//! ```

mod alarm;
mod check;
mod directory;
mod environment;
mod erase;
mod error;
mod events;
mod explain;
mod follow;
mod gaps;
mod half_made;
mod history;
mod keyring;
mod leave;
mod limits;
mod open;
mod outbox;
mod part;
#[cfg(feature = "faults")]
mod planted;
mod reading;
mod reset;
mod rows;
mod scope;
mod settle;
mod stale;
mod status;
mod store;
mod sync;
mod tables;
mod turns;
#[cfg(feature = "views")]
mod views;
mod words;

pub use alarm::{Alarm, Finding};
pub use check::Checked;
pub use environment::Environment;
pub use error::{OpenError, RecordError, StoreError, SyncError};
pub use events::{Connection, Happening};
pub use explain::Explanation;
pub use keyring::RootKey;
pub use leave::{LeaveError, Left};
pub use open::ReplicaOptions;
pub use outbox::{Dropped, Pending, Recording, Refusal, Stage};
#[cfg(feature = "faults")]
pub use planted::Planted;
pub use reset::Outbox;
pub use scope::FilterChanged;
pub use status::Status;
pub use sync::{Reset, SyncReport};

#[cfg(feature = "views")]
pub use {
    kith_views::ViewScope,
    views::{OfflinePlugin, OfflineViews, OfflineWatch, ServedBuiltin, ViewError},
};

use crate::{
    builder::{EventBuilder, NewEvent},
    client::Client,
    entries::Recorded,
    read::{Page, ReadOptions},
};
use directory::Known;
use kith_core::{
    event::Fact,
    filter::Filter,
    history::History,
    id::{EventId, NetworkName},
    position::Position,
    tree::Hash,
};
use kith_proto::v1;
use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};
use store::Store;
use tokio::sync::{Mutex as AsyncMutex, broadcast, watch};

/// A copy of a network's log, with the events that are not in it yet. Cheap to clone; clones share one replica. Its
/// file is closed a few milliseconds after the last clone is dropped.
#[derive(Clone)]
pub struct Replica(Arc<Inner>);

/// What the clones of a replica share.
struct Inner {
    store: Store,
    options: ReplicaOptions,
    environment: Environment,
    /// Where evidence and views are stored; `None` for a replica in memory.
    folder: Option<PathBuf>,
    known: Mutex<Known>,
    syncing: AsyncMutex<()>,
    happenings: broadcast::Sender<Happening>,
    /// Counts recorded events, to wake up the sender.
    outbox_moved: watch::Sender<u64>,
    head: watch::Sender<Position>,
    /// The views, while they are in use.
    #[cfg(feature = "views")]
    views: Mutex<std::sync::Weak<views::Host>>,
}

impl Inner {
    fn tell(&self, happening: Happening) {
        // There may be no listeners.
        drop(self.happenings.send(happening));
    }
}

impl Replica {
    /// The network.
    pub fn network(&self) -> &NetworkName {
        &self.0.options.network
    }

    /// Starts building an event that happened now, with id and salt from the replica's own source of randomness.
    pub fn event(&self, fact: impl Into<Fact>) -> EventBuilder {
        let environment = &self.0.environment;
        let id = open::event_id(environment);
        EventBuilder::new(fact, environment.now()).id(id).salt(environment.random_bytes())
    }

    /// Records an event. When this returns, the event is on disk and will be sent to the log, however long that takes.
    pub fn record(&self, event: &NewEvent) -> Result<Recording, RecordError> {
        self.0.record(event)
    }

    /// Records many events in one transaction, each as [`Replica::record`] would, so that an import of thousands waits
    /// for the disk once. Returns a result for each, in order; an id that belongs to another event does not hold up the
    /// rest.
    pub fn record_all(&self, events: &[NewEvent]) -> Result<Vec<Result<Recording, RecordError>>, StoreError> {
        self.0.record_all(events)
    }

    /// Sends the outbox and fetches new entries, once. Fails at once if the server cannot be reached; everything done
    /// until then is kept.
    pub fn sync(&self, client: &Client) -> impl Future<Output = Result<SyncReport, SyncError>> + Send + 'static {
        let (inner, client) = (Arc::clone(&self.0), client.clone());
        async move { inner.sync(&client).await }
    }

    /// Syncs, then keeps fetching entries as they arrive and sending events as they are recorded. Broken connections
    /// are re-established after increasing delays. Ends with an error that retrying cannot fix; dropping it is safe at
    /// any point.
    pub fn follow(&self, client: &Client) -> impl Future<Output = SyncError> + Send + 'static {
        let (inner, client) = (Arc::clone(&self.0), client.clone());
        async move { inner.follow(&client).await }
    }

    /// What happens from now on. A listener that falls far behind misses some happenings and gets an error that says
    /// so.
    pub fn happenings(&self) -> broadcast::Receiver<Happening> {
        self.0.happenings.subscribe()
    }

    /// The last position here; its entry may be here only as a hash.
    pub fn head(&self) -> Position {
        *self.0.head.borrow()
    }

    /// Watches the head.
    pub fn head_watch(&self) -> watch::Receiver<Position> {
        self.0.head.subscribe()
    }

    /// Root of the log's hash tree up to the head.
    pub fn root(&self) -> Result<Hash, StoreError> {
        Ok(self.0.frontier()?.root())
    }

    /// Which entries are here.
    pub fn filter(&self) -> Result<Filter, StoreError> {
        self.0.filter()
    }

    /// Reads the entries that are here, without events that are not in the log yet: see [`Replica::pending`].
    pub fn read(&self, options: &ReadOptions) -> Result<Page, StoreError> {
        self.0.read(options)
    }

    /// The entry of an event, if it is here.
    pub fn find_event(&self, id: &EventId) -> Result<Option<Recorded>, StoreError> {
        self.0.find_event(id)
    }

    /// The entries as a history that views can be derived from.
    pub fn history(&self) -> Arc<dyn History> {
        self.0.clone()
    }

    /// People of the directory, including those still in the outbox (their position is 0).
    pub fn people(&self) -> Result<Vec<v1::Person>, StoreError> {
        self.0.people()
    }

    /// Organisations of the directory, including those still in the outbox (their position is 0).
    pub fn organisations(&self) -> Result<Vec<v1::Organisation>, StoreError> {
        self.0.organisations()
    }

    /// Events of this device that are not among the entries yet, in the order of recording.
    pub fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        self.0.pending()
    }

    /// Events of this device that the server refused, in the order of recording.
    pub fn refused(&self) -> Result<Vec<Refusal>, StoreError> {
        self.0.refused()
    }

    /// Drops an event that is waiting or was refused.
    pub fn drop_event(&self, id: &EventId) -> Result<Dropped, StoreError> {
        self.0.drop_event(id)
    }

    /// Drops all events that the server refused; returns how many there were.
    pub fn drop_refused(&self) -> Result<u64, StoreError> {
        self.0.drop_refused()
    }

    /// Queues an event that the server refused to be sent again; returns whether there was one.
    pub fn retry_event(&self, id: &EventId) -> Result<bool, StoreError> {
        self.0.retry_event(id)
    }

    /// Queues all events that the server refused to be sent again; returns how many there were.
    pub fn retry_refused(&self) -> Result<u64, StoreError> {
        self.0.retry_refused()
    }

    /// Queues events that the server refused for a possibly temporary reason, such as a token without the right to
    /// record, to be sent again; returns how many there were. Call it when a user asks for a sync, or with another
    /// token.
    pub fn retry_what_may_pass(&self) -> Result<u64, StoreError> {
        self.0.retry_what_may_pass()
    }

    /// The replica's status.
    pub fn status(&self) -> Result<Status, StoreError> {
        self.0.status()
    }

    /// Says where an event is and why.
    pub fn explain(&self, id: &EventId) -> Result<Explanation, StoreError> {
        self.0.explain(id)
    }

    /// Recomputes the hash tree from what is stored and compares it with the checkpoint that vouched for it.
    pub fn check(&self) -> Result<Checked, StoreError> {
        self.0.check()
    }

    /// Deletes the log and its known key, so that the next sync fetches the log again. Events that this device recorded
    /// return to the outbox, or are deleted as well if `outbox` says so. Returns how many returned.
    pub fn reset(&self, outbox: Outbox) -> Result<u64, StoreError> {
        self.0.reset(outbox)
    }

    /// Changes which entries are here: removes those that the new filter leaves out, and fetches those that the old one
    /// left out.
    pub async fn set_filter(&self, client: &Client, filter: Filter) -> Result<FilterChanged, SyncError> {
        self.0.set_filter(client, filter).await
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica").field("network", self.network()).field("head", &self.head()).finish_non_exhaustive()
    }
}
