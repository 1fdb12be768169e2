//! What the process reports about itself: log lines on standard error, and the address of the metrics. Standard output
//! is for the announcement.

use serde::{Deserialize, Serialize};
use std::{io::IsTerminal, net::SocketAddr};
use tracing_subscriber::{EnvFilter, util::TryInitError};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

/// Settings of log lines and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which lines to write, such as `info` or `info,kith_log=debug`.
    pub filter: String,
    /// The format of log lines.
    pub format: Format,
    /// Address and port of `GET /metrics` for Prometheus; empty for none.
    pub metrics_listen: String,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self { filter: "info".into(), format: Format::Text, metrics_listen: String::new() }
    }
}

impl Config {
    /// What is wrong with the filter or the address, if anything.
    pub fn problem(&self) -> Option<String> {
        let filter = EnvFilter::try_new(&self.filter).err().map(|error| format!("telemetry.filter: {error}"));
        filter.or_else(|| {
            let is_address = self.metrics_listen.is_empty() || self.metrics_address().is_some();
            (!is_address).then(|| format!("telemetry.metrics_listen: {} is not ADDRESS:PORT", self.metrics_listen))
        })
    }

    /// Where to answer Prometheus; `None` for nowhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_listen.parse().ok()
    }
}

/// Starts writing log lines. The filter has been checked; a bad one falls back to `info`.
pub fn start(config: &Config) -> Result<(), TryInitError> {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let mut lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        lines.set_ansi(false);
    }
    match config.format {
        Format::Text => registry.with(lines).try_init(),
        Format::Json => registry.with(lines.json()).try_init(),
    }
}
