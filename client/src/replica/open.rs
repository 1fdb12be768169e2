//! Opens a replica in a folder or on a storage backend.

#[cfg(feature = "faults")]
use super::keyring::open_keys_on;
use super::{
    Environment, Inner, OpenError, Replica,
    directory::Known,
    error::StoreError,
    half_made,
    keyring::{KeysOpener, RootKey, open_keys},
    limits,
    rows::FORMAT,
    store::{Opener, Store, change_state},
    turns::{self, Turns},
};
use crate::options::Retry;
use kith_core::{
    checkpoint::VerifierKey,
    filter::Filter,
    id::{EventId, NetworkName},
    position::Position,
};
use redb::{Database, DatabaseError, backends::FileBackend};
use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, broadcast, watch};
use uuid::Uuid;

/// The options of a replica.
#[derive(Debug, Clone)]
pub struct ReplicaOptions {
    /// The network.
    pub network: NetworkName,
    /// Which entries to hold. Applies to a new replica only: see [`Replica::set_filter`].
    pub filter: Filter,
    /// The log's public key, if it is known from elsewhere. Without it, the first key seen is trusted from then on.
    pub key: Option<VerifierKey>,
    /// Delays of [`Replica::follow`]; the number of attempts is ignored.
    pub retry: Retry,
    /// How long to wait for another process that has the replica. Long-running processes, such as one that follows,
    /// release it between two transactions.
    pub wait: Duration,
    /// A key that opens the keys of the words here, such as one from the system's keychain. Without it the replica makes
    /// one, in `keys/root.key`, which only its owner may read. It must stay the same.
    pub root_key: Option<RootKey>,
    /// The clock and the source of randomness.
    pub environment: Environment,
}

impl ReplicaOptions {
    /// The whole log of a network, trusting the key that the server shows first.
    pub fn new(network: NetworkName) -> Self {
        Self {
            network,
            filter: Filter::default(),
            key: None,
            retry: Retry { delay_max: limits::RETRY_DELAY_MAX, ..Retry::default() },
            wait: limits::FILE_WAIT_MAX,
            root_key: None,
            environment: Environment::default(),
        }
    }
}

impl Replica {
    /// Opens the replica in a folder; creates both if they do not exist. Several processes can have it open: they take
    /// turns, transaction by transaction.
    pub fn open(folder: &Path, options: ReplicaOptions) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { folder: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        only_for_owner(folder).map_err(io)?;
        let path = folder.join("replica.redb");
        let opener: Opener = Box::new(move || {
            let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            half_made::open_or_make(&builder(), FileBackend::new(file)?)
        });
        let turns = Turns::new(folder, options.wait);
        let (place, root) = (folder.to_owned(), options.root_key.clone());
        let keys: KeysOpener = Arc::new(move || open_keys(&place, root.as_ref()));
        let replica = Self::open_with(opener, keys, Some(turns), Some(folder.to_owned()), options)?;
        turns::keep(Arc::downgrade(&replica.0)).map_err(io)?;
        Ok(replica)
    }

    /// Opens a replica on storage backends, one for the file and one for the keys of its words. Both are called again after
    /// the storage failed, and must return the same storage. Evidence and views are stored in the folder, if there is one.
    #[cfg(feature = "faults")]
    pub fn open_on<B: redb::StorageBackend>(
        backend: impl Fn() -> B + Send + Sync + 'static,
        keys: impl Fn() -> B + Send + Sync + 'static,
        folder: Option<PathBuf>,
        options: ReplicaOptions,
    ) -> Result<Self, OpenError> {
        let opener: Opener = Box::new(move || half_made::open_or_make(&builder(), backend()));
        let root = options.root_key.clone();
        let keys: KeysOpener = Arc::new(move || open_keys_on(keys(), root.as_ref()));
        Self::open_with(opener, keys, None, folder, options)
    }

    fn open_with(
        opener: Opener,
        keys: KeysOpener,
        turns: Option<Turns>,
        folder: Option<PathBuf>,
        options: ReplicaOptions,
    ) -> Result<Self, OpenError> {
        Filter::from_proto(&options.filter.to_proto())?;
        let store = Store::open(opener, keys, turns).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { folder: folder.clone().unwrap_or_default() },
            error => StoreError::from(error).into(),
        })?;
        if let Some(found) = store.format()?
            && found != FORMAT
        {
            return Err(OpenError::Version { found, supported: FORMAT });
        }
        store.make_tables()?;
        let network = store.write(|transaction| {
            change_state(transaction, |state| {
                if state.network.is_empty() {
                    state.network = options.network.to_string();
                    state.filter = Some(options.filter.to_proto());
                    state.sealing = options.environment.random_bytes::<16>().to_vec();
                    state.replica = options.environment.random_bytes::<16>().to_vec();
                }
                state.network.clone()
            })
        })?;
        if network != options.network.as_str() {
            return Err(OpenError::OtherNetwork { found: network, asked: options.network });
        }
        let inner = Inner {
            environment: options.environment.clone(),
            store,
            options,
            folder,
            known: Mutex::new(Known::default()),
            syncing: AsyncMutex::new(()),
            happenings: broadcast::Sender::new(limits::EVENTS_KEPT),
            outbox_moved: watch::Sender::default(),
            head: watch::Sender::default(),
            #[cfg(feature = "views")]
            views: Mutex::default(),
        };
        inner.publish_head()?;
        inner.end_stale_words()?;
        Ok(Self(Arc::new(inner)))
    }
}

impl Inner {
    /// Publishes the last position here.
    pub(super) fn publish_head(&self) -> Result<(), StoreError> {
        let size = self.frontier()?.size();
        self.head.send_replace(Position::new(size));
        Ok(())
    }
}

/// A new event id: a version 7 UUID.
pub(super) fn event_id(environment: &Environment) -> EventId {
    let millis = u64::try_from(environment.now().millis()).unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &environment.random_bytes()).into_uuid();
    debug_assert_eq!(Uuid::get_version_num(&id), 7);
    EventId::from_bytes(id.into_bytes()).expect("version 7 is an RFC 9562 UUID")
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(limits::CACHE_BYTES);
    builder
}

/// The folder contains personal data.
fn only_for_owner(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}
