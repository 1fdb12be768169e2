//! TLS 1.3 of the front door: certificate, key, and whose certificates peers may show, read from files.
//!
//! Invariant: files are checked as a whole before anything is served with them, so that a bad file changes nothing.

mod file;
mod handshake;
mod tickets;

#[cfg(test)]
mod tests;

pub(crate) use handshake::secure;

use crate::clock::Clock;
use file::{Chain, SecretKey};
use kith_core::timestamp::Timestamp;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    time_provider::TimeProvider,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The protocols that are offered, the preferred one first: calls, and pages with gRPC-web.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// How long nothing is logged after a handshake that failed.
const LINE_PAUSE: Duration = Duration::from_secs(1);

/// Settings of TLS. Without a certificate the server speaks plaintext.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The server's certificate in PEM, followed by those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// Its private key in PEM, which nobody else may read.
    pub key: PathBuf,
    /// The certificates of authorities whose certificates peers may show, in PEM.
    pub client_ca: PathBuf,
    /// Lists of what those authorities have revoked, in PEM: one of each authority.
    pub client_crl: PathBuf,
    /// Whether peers have to show a certificate.
    pub client_certificates: ClientCertificates,
}

/// Whether peers have to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// None is asked for.
    #[default]
    None,
    /// One is asked for, and must be good if it is shown.
    Accepted,
    /// Without a good one there is no connection.
    Required,
}

impl Config {
    /// Whether the server speaks TLS.
    pub fn is_on(&self) -> bool {
        is_set(&self.certificate)
    }

    /// Settings that contradict each other, one line each.
    pub fn problems(&self) -> Vec<String> {
        let asks = self.client_certificates != ClientCertificates::None;
        let rules = [
            (is_set(&self.key) && !self.is_on(), "tls.key: there is no tls.certificate for it"),
            (self.is_on() && !is_set(&self.key), "tls.certificate: there is no tls.key for it"),
            (
                asks && !self.is_on(),
                "tls.client_certificates: only TLS carries certificates: set tls.certificate and tls.key",
            ),
            (
                asks && !is_set(&self.client_ca),
                "tls.client_certificates: tls.client_ca names the authorities whose certificates are good",
            ),
            (
                !asks && is_set(&self.client_ca),
                "tls.client_ca: no certificate is asked for: set tls.client_certificates to \"accepted\" or \"required\"",
            ),
            (
                is_set(&self.client_crl) && !is_set(&self.client_ca),
                "tls.client_crl: there is no tls.client_ca whose lists these could be",
            ),
        ];
        rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, rule)| rule.to_owned()).collect()
    }

    /// What is wrong with the files, one line each.
    pub fn file_problems(&self, clock: &Clock) -> Vec<String> {
        self.is_on().then(|| Material::read(self, clock).err()).flatten().map_or_else(Vec::new, |Faults(faults)| faults)
    }
}

fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

/// What is wrong with the files of TLS, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

/// TLS of a server. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct Tls(Arc<Shared>);

struct Shared {
    config: Config,
    clock: Clock,
    material: RwLock<Material>,
    reloads_failed: AtomicU64,
    handshakes_failed: AtomicU64,
    last_line: Mutex<Option<Instant>>,
}

/// What connections are secured with.
struct Material {
    server: Arc<ServerConfig>,
    valid_until: Timestamp,
}

impl Tls {
    /// Reads the files that the settings name; `None` if there is no TLS.
    pub(crate) fn read(config: &Config, clock: &Clock) -> Result<Option<Self>, Faults> {
        if !config.is_on() {
            return Ok(None);
        }
        let material = Material::read(config, clock)?;
        tracing::info!(valid_until = %material.valid_until.to_proto(), "certificate read");
        Ok(Some(Self(Arc::new(Shared {
            config: config.clone(),
            clock: Arc::clone(clock),
            material: RwLock::new(material),
            reloads_failed: AtomicU64::new(0),
            handshakes_failed: AtomicU64::new(0),
            last_line: Mutex::default(),
        }))))
    }

    /// Reads the files anew, for connections to come. If one of them is bad, nothing changes.
    pub(crate) fn reload(&self) {
        match Material::read(&self.0.config, &self.0.clock) {
            Ok(material) => {
                tracing::info!(valid_until = %material.valid_until.to_proto(), "certificate read anew");
                *self.0.material.write().unwrap_or_else(PoisonError::into_inner) = material;
            }
            Err(faults) => {
                self.0.reloads_failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%faults, "the files of TLS are not taken, those of before stay");
            }
        }
    }

    /// How often reading the files anew failed.
    pub(crate) fn reloads_failed(&self) -> u64 {
        self.0.reloads_failed.load(Ordering::Relaxed)
    }

    /// How many handshakes failed.
    pub(crate) fn handshakes_failed(&self) -> u64 {
        self.0.handshakes_failed.load(Ordering::Relaxed)
    }

    /// When the certificate that is served expires.
    pub(crate) fn valid_until(&self) -> Timestamp {
        self.0.material.read().unwrap_or_else(PoisonError::into_inner).valid_until
    }

    fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.material.read().unwrap_or_else(PoisonError::into_inner).server)
    }

    /// Counts a handshake that failed, and logs one a second.
    fn count_failed(&self, peer: Option<std::net::IpAddr>, why: &dyn fmt::Display) {
        let count = self.0.handshakes_failed.fetch_add(1, Ordering::Relaxed) + 1;
        let mut last_line = self.0.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last_line.is_none_or(|line| line.elapsed() >= LINE_PAUSE) {
            *last_line = Some(Instant::now());
            tracing::info!(peer = peer.map(tracing::field::display), failed_handshakes = count, %why, "no TLS handshake");
        }
    }
}

impl Material {
    fn read(config: &Config, clock: &Clock) -> Result<Self, Faults> {
        let now = unix(clock());
        let mut faults = Vec::new();
        let mut note = |setting: &str, fault: &dyn fmt::Display| faults.push(format!("tls.{setting}: {fault}"));
        let chain = Chain::read(&config.certificate, now).map_err(|fault| note("certificate", &fault)).ok();
        let key = SecretKey::read(&config.key).map_err(|fault| note("key", &fault)).ok();
        let authorities = read_if_set(&config.client_ca, |path| file::read_authorities(path, now))
            .map_err(|fault| note("client_ca", &fault));
        let revoked =
            read_if_set(&config.client_crl, file::read_revocations).map_err(|fault| note("client_crl", &fault));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = match (authorities, revoked) {
            (Ok(authorities), Ok(revoked)) => verifier(config, authorities, revoked, &provider)
                .map_err(|fault| note("client_ca", &fault))
                .unwrap_or_default(),
            _ => None,
        };
        let served = match (chain, key) {
            (Some(chain), Some(key)) => {
                let valid_until = chain.valid_until;
                let made = server(chain.certificates, key, verifier, provider, clock);
                made.map(|server| Self { server: Arc::new(server), valid_until })
                    .map_err(|fault| note("key", &format_args!("{} {fault}", config.key.display())))
                    .ok()
            }
            _ => None,
        };
        served.filter(|_| faults.is_empty()).ok_or(Faults(faults))
    }
}

fn read_if_set<T: Default, E>(path: &Path, read: impl FnOnce(&Path) -> Result<T, E>) -> Result<T, E> {
    if is_set(path) { read(path) } else { Ok(T::default()) }
}

/// Who checks certificates of peers; `None` if none is asked for.
fn verifier(
    config: &Config,
    authorities: Vec<CertificateDer<'static>>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    if config.client_certificates == ClientCertificates::None {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority).map_err(|error| error.to_string())?;
    }
    // A list that is out of date does not say what was revoked since.
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .with_crls(revoked)
        .enforce_revocation_expiration();
    let verifier = match config.client_certificates {
        ClientCertificates::Required => verifier,
        ClientCertificates::None | ClientCertificates::Accepted => verifier.allow_unauthenticated(),
    };
    verifier.build().map(Some).map_err(|error| error.to_string())
}

fn server(
    certificates: Vec<CertificateDer<'static>>,
    SecretKey(key): SecretKey,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    provider: Arc<CryptoProvider>,
    clock: &Clock,
) -> Result<ServerConfig, String> {
    let builder = ServerConfig::builder_with_details(provider, Arc::new(OurTime(Arc::clone(clock))))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3");
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut server = builder.with_single_cert(certificates, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "is not the key of tls.certificate".to_owned(),
        error => format!("cannot be used: {error}"),
    })?;
    server.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    // New keys for tickets each time: after a reload nobody resumes what only the files of before allowed.
    server.ticketer = tickets::of_an_hour().map_err(|error| format!("cannot be used: {error}"))?;
    Ok(server)
}

/// The server's clock, as rustls asks for it.
struct OurTime(Clock);

impl fmt::Debug for OurTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OurTime")
    }
}

impl TimeProvider for OurTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix((self.0)()))
    }
}

fn unix(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(time.millis()).unwrap_or(0)))
}
