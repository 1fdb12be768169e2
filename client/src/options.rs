//! The options of a client. Secrets are shown as `***`.

use kith_core::id::NetworkName;
use std::{fmt, sync::Arc, time::Duration};

/// Where to connect, as whom, and with which timeouts and retries.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server's address, such as `https://kith.example` or `http://127.0.0.1:7420`; `http://` may be left out. See
    /// [`ServerAddress`](crate::ServerAddress).
    pub server: String,
    /// The token's secret. Empty for a service that signs in with a client certificate, and to join by an invitation.
    pub token: Secret,
    /// The network that calls refer to.
    pub network: NetworkName,
    /// Whom to trust and what to show on an `https://` connection.
    pub tls: Tls,
    /// Whether the token may be sent in plain (`http://`) to another machine. By default it is sent so to this machine
    /// only, since everybody in between could read and use it.
    pub allow_plaintext: bool,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to try.
    pub retry: Retry,
    /// Whether single events that are appended at the same time, without a condition, share a stream: less work
    /// than a call each, with the same outcomes and errors.
    pub together: bool,
}

impl Options {
    /// Options with the default timeouts and retries.
    pub fn new(server: impl Into<String>, token: impl Into<Secret>, network: NetworkName) -> Self {
        Self {
            server: server.into(),
            token: token.into(),
            network,
            tls: Tls::default(),
            allow_plaintext: false,
            timeouts: Timeouts::default(),
            retry: Retry::default(),
            together: true,
        }
    }
}

/// TLS of a connection. What is not set is as usual: the authorities that the system trusts, and no certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of the authorities that may vouch for the server, in PEM, in the place of those of the system.
    pub ca: Option<String>,
    /// What to show to a server that asks for a certificate.
    pub identity: Option<ClientIdentity>,
}

/// A certificate of this side, with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate in PEM, followed by those of the authorities between it and the root.
    pub certificate: String,
    /// Its private key in PEM.
    pub key: Secret,
}

/// A token's secret or a private key; `Debug` does not reveal it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The secret itself, for the one header or file that it belongs in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the answer to each attempt of a call, and for a stream to open.
    pub call: Duration,
    /// For the next message of a stream. Servers send heartbeats more often than that.
    pub silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), call: Duration::from_secs(30), silence: Duration::from_mins(1) }
    }
}

/// How often to try: delays double from the first to the longest, each shortened at random by up to half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Consecutive attempts, including the first. Subscriptions and watches retry for ever.
    pub attempts_max: u32,
    /// Delay after the first attempt.
    pub delay_first: Duration,
    /// The longest delay, unless the server asks for a longer one.
    pub delay_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts_max: 7, delay_first: Duration::from_millis(50), delay_max: Duration::from_secs(2) }
    }
}

impl Retry {
    /// A single attempt.
    pub const NEVER: Self = Self { attempts_max: 1, delay_first: Duration::ZERO, delay_max: Duration::ZERO };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let options = Options::new("http://127.0.0.1:7420", "kith_secret", "default".parse().unwrap());
        assert!(!format!("{options:?}").contains("secret"));
        assert_eq!(options.token.expose(), "kith_secret");
    }
}
