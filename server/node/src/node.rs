//! A running server: the log, the views that follow it, and the state that calls share.

use crate::{
    bounds::{
        answers::Answers,
        budget::Budget,
        call_rate::{self, CallRate, Key},
        feed_rate::FeedRate,
        outgoing::Outgoing,
        reads::{ReadShares, Reads},
        requests::Requests,
        slow::{SlowCall, SlowWork, TooManySlowCalls},
        streams::Streams,
        uploads::Uploads,
    },
    clock::Clock,
    config::{Config, ConfigErrors},
    demo::{self, DemoError},
    door::{
        authenticator::{Authenticator, Caller},
        http_door,
        peers::Peers,
        sessions::Sessions,
        tls::{self, Tls},
    },
    first_start::{self, FirstStartError},
    last_backup::LastBackup,
    limits::{self, Limits},
    plugins::PluginChanges,
    production,
    views::{NetworkViews, tables::Tables},
    webhooks::Webhooks,
};
use kith_core::{id::NetworkName, may::Principal, timestamp::Timestamp};
use kith_log::{CreateNetworkError, Log, Network, OpenError, ReadError, Replicas, WebhookFile};
use kith_views::SandboxError;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;

/// A running server. Clones are handles to the same server.
#[derive(Clone)]
pub struct Node(Arc<Parts>);

struct Parts {
    log: Log,
    views: Arc<NetworkViews>,
    plugins: PluginChanges,
    uploads: Uploads,
    slow: SlowWork,
    tables: Tables,
    streams: Streams,
    replicas: Replicas,
    webhooks: Webhooks,
    peers: Peers,
    tls: Option<Tls>,
    details: Budget,
    reads: ReadShares,
    requests: Arc<Requests>,
    answers: Arc<Answers>,
    authenticator: Authenticator,
    sessions: Sessions,
    call_rate: CallRate,
    feed_rate: FeedRate,
    last_backup: LastBackup,
    started_at: Timestamp,
    data: PathBuf,
    clock: Clock,
    limits: Limits,
    reflection: bool,
    production: bool,
    http: http_door::Config,
    closing: CancellationToken,
    owner_token: Option<PathBuf>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The files of TLS are not good.
    #[error(transparent)]
    Tls(#[from] tls::Faults),
    /// In production there is something that must not be.
    #[error(transparent)]
    Production(ConfigErrors),
    /// The log could not be opened.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The webhooks could not be read.
    #[error("the webhooks could not be read: {0}")]
    Webhooks(#[from] ReadError),
    /// The first start failed.
    #[error(transparent)]
    FirstStart(#[from] FirstStartError),
    /// The plugin host could not be set up.
    #[error(transparent)]
    Views(#[from] SandboxError),
    /// The network `demo` could not be created.
    #[error("the network demo could not be created: {0}")]
    DemoNetwork(#[from] CreateNetworkError),
    /// The network `demo` could not be filled.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// A thread could not be started.
    #[error("no thread can be started: {0}")]
    Threads(std::io::Error),
}

impl Node {
    /// Opens the data folder, completes a first start, and starts the built-in views of the first networks.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let tls = Tls::read(&config.tls, &clock)?;
        first_start::make_folder(&config.data)?;
        let log = open_log(config, clock.clone()).await?;
        if config.production {
            check_production(&log, config, clock()).await?;
        }
        let owner_token = if log.rollback().is_none() { complete_start(&log, config).await? } else { None };
        let views = NetworkViews::open(&config.views, &config.log, log.clone(), clock.clone()).await?;
        let (data, now) = (config.data.clone(), clock());
        let opening = move || Ok::<_, OpenError>((Replicas::open(&data, now)?, WebhookFile::open(&data)?));
        let (replicas, webhooks) = kith_log::blocking(opening).await?;
        let webhooks = Webhooks::open(webhooks, &log, &config.webhooks, clock.clone()).await?;
        let node = Self::new(log, (views, replicas, webhooks), tls, config, clock, owner_token)?;
        node.views().begin().await;
        node.views().forget_code().await;
        Ok(node)
    }

    /// A server for a log that the caller has opened. No views follow its networks.
    #[cfg(feature = "faults")]
    pub async fn on_log(log: Log, config: &Config, clock: Clock) -> Result<Self, StartError> {
        let views = NetworkViews::open(&config.views, &config.log, log.clone(), clock.clone()).await?;
        let tls = Tls::read(&config.tls, &clock)?;
        let webhooks = Webhooks::open(WebhookFile::in_memory(), &log, &config.webhooks, clock.clone()).await?;
        let beside = (views.without_views(), Replicas::in_memory(), webhooks);
        Self::new(log, beside, tls, config, clock, None)
    }

    fn new(
        log: Log,
        (views, replicas, webhooks): (NetworkViews, Replicas, Webhooks),
        tls: Option<Tls>,
        config: &Config,
        clock: Clock,
        owner_token: Option<PathBuf>,
    ) -> Result<Self, StartError> {
        let views = Arc::new(views);
        let sessions = Sessions::new(log.clone(), clock.clone(), &config.console);
        Ok(Self(Arc::new(Parts {
            authenticator: Authenticator::new(log.clone(), clock.clone(), sessions.clone()),
            sessions,
            plugins: PluginChanges::new(log.clone(), Arc::clone(&views)),
            log,
            views,
            uploads: Uploads::new(config.data.clone()),
            slow: SlowWork::start().map_err(StartError::Threads)?,
            tables: Tables::default(),
            streams: Streams::default(),
            replicas,
            webhooks,
            peers: Peers::new(&config.limits),
            tls,
            details: Budget::of(limits::DETAILS),
            reads: ReadShares::default(),
            requests: Arc::new(Requests::of(&config.limits)),
            answers: Arc::new(Answers::of(&config.limits)),
            call_rate: CallRate::new(&config.limits),
            feed_rate: FeedRate::new(),
            last_backup: LastBackup::read(&config.data),
            started_at: clock(),
            data: config.data.clone(),
            clock,
            limits: config.limits.clone(),
            reflection: config.reflection,
            production: config.production,
            http: config.http.clone(),
            closing: CancellationToken::new(),
            owner_token,
        })))
    }

    /// The file of the owner token if this was the first start.
    pub fn owner_token(&self) -> Option<&Path> {
        self.0.owner_token.as_deref()
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// The views of every network.
    pub fn views(&self) -> &Arc<NetworkViews> {
        &self.0.views
    }

    /// Changes to the plugins of networks.
    pub(crate) fn plugins(&self) -> &PluginChanges {
        &self.0.plugins
    }

    pub(crate) fn peers(&self) -> &Peers {
        &self.0.peers
    }

    /// TLS of connections; `None` if they are plain.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.0.tls.as_ref()
    }

    /// Reads the files of TLS anew, for connections to come.
    pub async fn reload(&self) {
        let Some(tls) = self.tls().cloned() else {
            tracing::warn!("there is nothing to read anew: the server speaks plaintext");
            return;
        };
        kith_log::blocking(move || tls.reload()).await;
    }

    pub(crate) fn uploads(&self) -> &Uploads {
        &self.0.uploads
    }

    /// Admits a call that may be slow.
    pub(crate) fn slow_call(&self, caller: &Caller, network: &Network) -> Result<SlowCall, TooManySlowCalls> {
        self.0.slow.begin(&caller.principal, network.name())
    }

    /// A principal's share of the threads for reading a network.
    pub(crate) fn reads(&self, principal: &Principal, network: &Network) -> Reads {
        self.0.reads.find(&call_rate::key(principal), network.name())
    }

    /// The report tables that are being computed.
    pub(crate) fn tables(&self) -> &Tables {
        &self.0.tables
    }

    /// The count of open streams.
    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// What is heard of replicas.
    pub(crate) fn replicas(&self) -> &Replicas {
        &self.0.replicas
    }

    /// Where the server sends events of itself.
    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    /// The budget for opened details.
    pub(crate) fn details(&self) -> &Budget {
        &self.0.details
    }

    /// The budget for incoming requests.
    pub(crate) fn requests(&self) -> &Arc<Requests> {
        &self.0.requests
    }

    /// The budget for outgoing answers and streams.
    pub(crate) fn answers(&self) -> &Arc<Answers> {
        &self.0.answers
    }

    /// Room and time limits for outgoing streams that are counted by this key.
    pub(crate) fn outgoing(&self, key: Key) -> Outgoing {
        Outgoing::of(Arc::clone(self.answers()), key, self.limits().stall())
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    /// How often principals may call.
    pub(crate) fn call_rate(&self) -> &CallRate {
        &self.0.call_rate
    }

    /// The rate at which every feed may be asked for.
    pub(crate) fn feed_rate(&self) -> &FeedRate {
        &self.0.feed_rate
    }

    /// The last backup that was taken by a call.
    pub(crate) fn last_backup(&self) -> &LastBackup {
        &self.0.last_backup
    }

    /// When this server started.
    pub(crate) fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.0.data
    }

    /// The sessions of browsers.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn reflection(&self) -> bool {
        self.0.reflection
    }

    /// Whether the server is in production.
    pub(crate) fn production(&self) -> bool {
        self.0.production
    }

    pub(crate) fn http(&self) -> &http_door::Config {
        &self.0.http
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Asks every stream to end.
    pub(crate) fn close(&self) {
        self.0.closing.cancel();
    }

    /// Resolves when the server shuts down.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.closing.clone().cancelled_owned()
    }
}

/// Refuses tokens that must not be in production, and warns of others.
async fn check_production(log: &Log, config: &Config, now: Timestamp) -> Result<(), StartError> {
    let faults = production::of_tokens(log, config, now);
    if !faults.is_empty() {
        log.shutdown().await;
        return Err(StartError::Production(ConfigErrors(faults)));
    }
    production::warn(log, config, now);
    Ok(())
}

/// Writes what a start has to write. Returns the path of the owner token on a first start.
async fn complete_start(log: &Log, config: &Config) -> Result<Option<PathBuf>, StartError> {
    let owner_token = first_start::complete(log, &config.data).await?;
    if config.demo {
        demo::fill(&demo_network(log).await?).await?;
    }
    Ok(owner_token)
}

async fn open_log(config: &Config, clock: Clock) -> Result<Log, OpenError> {
    let config = config.log.clone();
    kith_log::blocking(move || Log::open(&config, clock)).await
}

/// The network `demo`, created if it does not exist.
async fn demo_network(log: &Log) -> Result<Network, CreateNetworkError> {
    let name: NetworkName = demo::NAME.parse().expect("the name is well formed");
    match log.network(&name) {
        Some(network) => Ok(network),
        None => log.create_network(&name).await,
    }
}
