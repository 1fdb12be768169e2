//! `kithd` as a library: one process with one data folder and one port.
//!
//! Its inputs are explicit: settings as a [`Config`], the time as a [`Clock`], a socket, and when to stop.

mod announce;
mod bounds;
pub mod clock;
pub mod compile;
pub mod config;
pub mod console;
mod delivery;
mod demo;
mod door;
mod first_start;
mod grpc;
mod http;
mod last_backup;
pub mod limits;
mod metrics;
mod node;
mod plugins;
mod production;
mod random;
mod serve;
pub mod server_token;
pub mod telemetry;
pub mod views;
pub mod webhooks;

pub use clock::Clock;
pub use config::Config;
pub use demo::DemoError;
pub use door::{connection::Listener, http_door, tls};
pub use first_start::FirstStartError;
pub use node::{Node, StartError};
pub use production::check_start;
pub use serve::ServeError;
pub use server_token::OWNER_TOKEN_FILE;

use std::convert::Infallible;
use tokio::net::TcpListener;

/// Why a server ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The server could not keep running.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The socket for metrics could not be bound.
    #[error("telemetry.metrics_listen: {0}")]
    Metrics(std::io::Error),
    /// The socket has no address.
    #[error("the socket has no address: {0}")]
    Socket(std::io::Error),
}

/// Starts a server, announces it on standard output and to systemd, and serves until `shutdown`. Each time that `reload`
/// returns, the files of TLS are read anew.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    reload: impl AsyncFnMut(),
) -> Result<(), RunError> {
    let address = listener.local_addr().map_err(RunError::Socket)?;
    let metrics = match config.telemetry.metrics_address() {
        Some(address) => Some(TcpListener::bind(address).await.map_err(RunError::Metrics)?),
        None => None,
    };
    let node = Node::start(&config, clock::system_clock()).await?;
    if let Some(listener) = metrics {
        tracing::info!(address = listener.local_addr().ok().map(tracing::field::display), "metrics");
        tokio::spawn(metrics::serve(node.clone(), listener));
    }
    announce::ready(&node, &config, address);
    let served = tokio::select! {
        served = node.serve(listener, shutdown) => served,
        never = keep_reloading(&node, reload) => match never {},
    };
    announce::stopping();
    Ok(served?)
}

async fn keep_reloading(node: &Node, mut reload: impl AsyncFnMut()) -> Infallible {
    loop {
        reload().await;
        node.reload().await;
    }
}
