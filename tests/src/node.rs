//! The server as a library, on a thread of this process, with a clock set by tests.

use crate::{cli::Cli, programs::program, server::DataFolder};
use kith_core::timestamp::Timestamp;
use kith_node::{Clock, Config, Node, views::Program};
use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};
use tokio::{net::TcpListener, sync::oneshot};

/// A clock that stands still until it is set.
#[derive(Debug, Clone)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    /// A clock at a given time.
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(time.millis())))
    }

    /// Moves to a time.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.millis(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let clock = self.clone();
        Arc::new(move || Timestamp::from_millis(clock.0.load(Ordering::SeqCst)))
    }
}

/// A running server of this process. Dropping it shuts the server down.
pub struct InProcess {
    address: SocketAddr,
    data: Arc<DataFolder>,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl InProcess {
    /// Starts a server in a new data folder.
    pub fn start(clock: &SetClock) -> Self {
        Self::start_on(Arc::default(), clock)
    }

    /// Starts a server in a data folder that may have been used before.
    pub fn start_on(data: Arc<DataFolder>, clock: &SetClock) -> Self {
        Self::start_configured(data, clock, |_| ())
    }

    /// Starts a server in a new data folder, with the network `demo`.
    pub fn start_with_demo(clock: &SetClock) -> Self {
        Self::start_configured(Arc::default(), clock, |config| config.demo = true)
    }

    fn start_configured(data: Arc<DataFolder>, clock: &SetClock, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(data.path().to_path_buf());
        change(&mut config);
        config.views.compiler = Program(program("kithd"));
        // Tests must not depend on how full the disk is.
        (config.log.disk_reserve_bytes, config.log.disk_reserve_per_cent) = (0, 0);
        let (shutdown, stopped) = oneshot::channel();
        let (ready, address) = mpsc::channel();
        let clock = clock.clock();
        let thread = std::thread::spawn(move || serve(&config, clock, &ready, stopped));
        let address = address.recv().expect("the server starts");
        Self { address, data, shutdown: Some(shutdown), thread: Some(thread) }
    }

    /// The data folder.
    pub fn data(&self) -> Arc<DataFolder> {
        Arc::clone(&self.data)
    }

    /// The address clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The owner token's secret.
    pub fn token(&self) -> String {
        let path = self.data.path().join("owner.token");
        fs::read_to_string(path).expect("the first start writes the owner token").trim().to_owned()
    }

    /// The command line, with the owner token on network `default`.
    pub fn cli(&self) -> Cli {
        Cli::new(&self.url(), &self.token())
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        // The server may already have ended; then nothing receives this, and joining shows why.
        let _ = self.shutdown.take().expect("dropped once").send(());
        let ended = self.thread.take().expect("dropped once").join();
        assert!(ended.is_ok() || std::thread::panicking(), "the server ended with a panic");
    }
}

fn serve(config: &Config, clock: Clock, ready: &mpsc::Sender<SocketAddr>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let node = Node::start(config, clock).await.expect("the node starts");
        ready.send(listener.local_addr().expect("a bound socket has an address")).expect("the test waits");
        let shutdown = async { drop(stopped.await) };
        node.serve(listener, shutdown).await.expect("the node serves");
    });
}
