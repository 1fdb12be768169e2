//! The log of a server: all its networks behind one handle.
//!
//! Invariant: one writer thread per data folder; it ends when the last handle is dropped or the log is shut down.

#[cfg(feature = "faults")]
use crate::store::{Secrets, load_on};
use crate::{
    config::{Clock, Config},
    erase::again::destroy_again,
    error::{CreateNetworkError, OpenError, ReadError, RevokeTokenError, Unavailable},
    inner::Inner,
    measures::Measures,
    network::Network,
    offline::backup::{self, Backup, BackupError, Copied},
    rows::{
        components::{self, ComponentDigest},
        row::TokenRow,
    },
    sign::judge::Rollback,
    space::DiskSpace,
    state::{
        health::Health,
        token::{self, NewServerToken, NewToken, Owner, Standing, Token},
    },
    store::Store,
    write::queue::{Request, ServerRequest, Size},
};
use bytes::Bytes;
use kith_core::{
    authority::Lost,
    event::Grant,
    id::{NetworkName, TokenId},
    may::{Principal, Reach},
    timestamp::Timestamp,
};
use redb::ReadableDatabase;
use std::{fmt, io::Write, sync::Arc};
use tokio::sync::watch;

/// The log of a server; cheap to clone.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("data", &self.inner.store.config.data).finish_non_exhaustive()
    }
}

impl Log {
    /// Opens the log in the data folder, creating it if there is none. Blocks on the disk.
    pub fn open(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        let (store, edges) = Store::open(config, clock)?;
        let lost = destroy_again(&store)?;
        Ok(Self { inner: Arc::new(Inner::start(store, edges, lost)?) })
    }

    /// Opens the log on the caller's storage; the data folder is not touched, and checkpoints are not stored.
    #[cfg(feature = "faults")]
    pub fn open_on(
        log: impl redb::StorageBackend,
        keys: impl redb::StorageBackend,
        secrets: &Secrets,
        config: &Config,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let (store, edges) = load_on(log, keys, secrets, config, clock)?;
        let lost = destroy_again(&store)?;
        Ok(Self { inner: Arc::new(Inner::start(store, edges, lost)?) })
    }

    /// The network of this name.
    pub fn network(&self, name: &NetworkName) -> Option<Network> {
        let live = self.inner.store.networks().get(name).cloned()?;
        Some(Network::new(live, self.inner.clone()))
    }

    /// All networks, by name.
    pub fn networks(&self) -> Vec<Network> {
        let networks = self.inner.store.networks();
        networks.values().map(|live| Network::new(live.clone(), self.inner.clone())).collect()
    }

    /// Creates a network for the program itself; on disk when this returns.
    pub async fn create_network(&self, name: &NetworkName) -> Result<Network, CreateNetworkError> {
        self.create_network_for(&token::program(), name).await
    }

    /// Creates a network for a principal, if the principal still administers the server when the writer creates it.
    pub async fn create_network_for(
        &self,
        principal: &Principal,
        name: &NetworkName,
    ) -> Result<Network, CreateNetworkError> {
        let (name, principal) = (name.clone(), principal.clone());
        let request = |reply| Request::Server(ServerRequest::CreateNetwork { name, principal, reply });
        let live = self.inner.queue.ask(Size::default(), request).await?;
        Ok(Network::new(live, self.inner.clone()))
    }

    /// Stores a token for the whole server, such as that of the first start. It is part of no network's log. A token of
    /// the same id is replaced.
    pub async fn put_server_token(&self, token: NewServerToken) -> Result<(), Unavailable> {
        let NewServerToken { id, secret, role, expires_at } = token;
        let token = NewToken { grant: Grant::Role(role), person: None, organisation: None, expires_at };
        let row = TokenRow::new(id, &secret, &token, Timestamp::default());
        self.inner.queue.ask(Size::default(), |reply| Request::Server(ServerRequest::PutToken { row, reply })).await
    }

    /// Revokes a token for the whole server: it grants no access once this returns. A token that was revoked before is
    /// not changed.
    pub async fn revoke_server_token(&self, principal: &Principal, id: &TokenId) -> Result<(), RevokeTokenError> {
        let (id, principal) = (id.clone(), principal.clone());
        let request = |reply| Request::Server(ServerRequest::RevokeToken { id, principal, reply });
        self.inner.queue.ask(Size::default(), request).await
    }

    /// Ends a token for the whole server, for whoever may change the files of this log.
    pub async fn retire_server_token(&self, id: &TokenId) -> Result<(), RevokeTokenError> {
        self.revoke_server_token(&token::program(), id).await
    }

    /// The tokens for the whole server, oldest first.
    pub fn server_tokens(&self) -> Vec<Token> {
        self.inner.store.tokens().list(Owner::Server)
    }

    /// Stores a plugin's component; returns the digest under which it is kept.
    pub async fn put_component(&self, component: Bytes) -> Result<ComponentDigest, Unavailable> {
        let digest = components::digest(&component);
        let size = Size { events: 0, bytes: component.len() };
        let change = components::Change::Put(digest, component);
        self.inner.queue.ask(size, |reply| Request::Server(ServerRequest::ChangeComponents { change, reply })).await?;
        Ok(digest)
    }

    /// Removes a component, if it is kept.
    pub async fn remove_component(&self, digest: &ComponentDigest) -> Result<(), Unavailable> {
        let change = components::Change::Remove(*digest);
        self.inner
            .queue
            .ask(Size::default(), |reply| Request::Server(ServerRequest::ChangeComponents { change, reply }))
            .await
    }

    /// A component's bytes; `None` if it is not kept. Blocks on the disk.
    pub fn component(&self, digest: &ComponentDigest) -> Result<Option<Bytes>, ReadError> {
        components::read(&self.inner.store.database.begin_read()?, digest)
    }

    /// Size of a component in bytes, without reading all of it; `None` if it is not kept. Blocks on the disk.
    pub fn component_size(&self, digest: &ComponentDigest) -> Result<Option<u64>, ReadError> {
        components::size(&self.inner.store.database.begin_read()?, digest)
    }

    /// Piece `number` of a component, counted from zero; the pieces joined are the component. `None` if there is no
    /// such piece, or the component is not kept. A piece is not checked against the digest, which is that of the whole.
    /// Blocks on the disk.
    pub fn component_piece(&self, digest: &ComponentDigest, number: u32) -> Result<Option<Bytes>, ReadError> {
        components::piece(&self.inner.store.database.begin_read()?, digest, number)
    }

    /// The digests of all components that are kept. Blocks on the disk.
    pub fn components(&self) -> Result<Vec<ComponentDigest>, ReadError> {
        components::list(&self.inner.store.database.begin_read()?)
    }

    /// Derives a key for a purpose outside the log: always the same on one server, and known only to holders of the
    /// root key.
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        *self.inner.store.keys.derive(purpose)
    }

    /// What the token with this secret stands for; `None` if the secret is unknown, expired or revoked.
    pub fn authenticate(&self, secret: &str, now: Timestamp) -> Option<Standing> {
        let known = self.inner.store.tokens().with_secret(secret)?;
        self.inner.store.standing(&known, now)
    }

    /// What the feed with this secret stands for: a reader, whatever the role of its person. `None` if the secret is unknown,
    /// expired or revoked, or that of another token.
    pub fn feed(&self, secret: &str, now: Timestamp) -> Option<Standing> {
        let known = self.inner.store.tokens().with_secret(secret)?;
        self.inner.store.standing_of_feed(&known, now)
    }

    /// What a token stands for that was named by its id and by the networks that it opens; `None` if it is unknown,
    /// expired or revoked.
    pub fn standing(&self, reach: &Reach, id: &TokenId, now: Timestamp) -> Option<Standing> {
        let known = self.inner.store.tokens().with_id(self.owner(reach)?, id)?;
        self.inner.store.standing(&known, now)
    }

    /// Like `lost`, for a token that was named by its id.
    pub fn token_lost(&self, reach: &Reach, id: &TokenId) -> Option<Lost> {
        let known = self.inner.store.tokens().with_id(self.owner(reach)?, id)?;
        self.inner.store.lost(&known)
    }

    /// Changes whenever a token or a membership of a network has changed, or a token for the whole server: whatever a
    /// principal was let in with may have ended. Time ends tokens without a change.
    pub fn watch_credentials(&self, reach: &Reach) -> watch::Receiver<()> {
        let live = match reach {
            Reach::Server => None,
            Reach::Network(name) => self.inner.store.networks().get(name).cloned(),
        };
        live.map_or_else(|| self.inner.store.credentials.subscribe(), |live| live.watch_credentials())
    }

    fn owner(&self, reach: &Reach) -> Option<Owner> {
        match reach {
            Reach::Server => Some(Owner::Server),
            Reach::Network(name) => Some(Owner::Network(self.inner.store.networks().get(name)?.ordinal)),
        }
    }

    /// What a client that read with this secret may no longer see, if its token has ended and there is such a thing.
    pub fn lost(&self, secret: &str) -> Option<Lost> {
        let known = self.inner.store.tokens().with_secret(secret)?;
        self.inner.store.lost(&known)
    }

    /// Writes a backup of all networks as of now, signed by the server's key and without the keys, while the log keeps
    /// running. Blocks on the disk and on `out`. Pages rewritten meanwhile are kept for the backup, so the log's file
    /// grows while it runs.
    pub fn backup(&self, out: &mut dyn Write, mut progress: impl FnMut(Copied)) -> Result<Backup, BackupError> {
        let store = &self.inner.store;
        backup::dump(&store.database, store.checkpoints.key(), (store.clock)(), out, &mut progress)
    }

    /// The evidence against the log, if it is not the one that the server signed; it then accepts no events.
    pub fn rollback(&self) -> Option<Rollback> {
        self.inner.store.checkpoints.rollback().cloned()
    }

    /// Reports whether the log accepts events.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.store.health.subscribe()
    }

    /// Whether the disk has more room than the reserve; without it the log accepts no events. Asks the system.
    pub fn has_room(&self) -> bool {
        self.inner.store.space.has_room()
    }

    /// What is left of the log's disk; `None` if the system does not say.
    pub fn disk_space(&self) -> Option<DiskSpace> {
        self.inner.store.space.left()
    }

    /// Numbers for telemetry.
    pub fn measures(&self) -> Measures {
        self.inner.store.counters.measures(self.inner.queue.len())
    }

    /// Accepts no more requests, answers those that wait, ends the writer, and signs what it wrote last. Reads still
    /// work.
    pub async fn shutdown(&self) {
        self.inner.shutdown().await;
    }
}
