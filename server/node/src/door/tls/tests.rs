//! Tests of the files of TLS.

use super::*;
use crate::{door::peers::Peers, limits::Limits};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use std::{fs, os::unix::fs::PermissionsExt, sync::atomic::AtomicI64};
use tempfile::TempDir;
use tokio_rustls::TlsConnector;

/// A folder with a certificate and its key, and a clock that stands in the year 2026.
struct Files {
    folder: TempDir,
    now: Arc<AtomicI64>,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap(), now: Arc::new(AtomicI64::new(1_780_000_000_000)) };
        files.make("server", |_| ());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a certificate of 2026, or of what `change` makes of it.
    fn make(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let mut params = CertificateParams::new(["kith.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2027, 1, 1);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        fs::write(self.path(&format!("{name}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
        self.write_private(&format!("{name}.key"), &key.serialize_pem());
    }

    fn write_private(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn config(&self) -> Config {
        Config { certificate: self.path("server.pem"), key: self.path("server.key"), ..Config::default() }
    }

    fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
    }

    /// Checks that each of what is wrong is told.
    fn check(&self, config: &Config, expected: &[&str]) {
        let problems = config.file_problems(&self.clock());
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, part) in problems.iter().zip(expected) {
            assert!(problem.contains(part), "{problem}");
        }
    }
}

#[test]
fn a_certificate_and_its_key_are_taken_with_the_day_on_which_it_expires() {
    let files = Files::new();
    files.check(&files.config(), &[]);
    let tls = Tls::read(&files.config(), &files.clock()).unwrap().unwrap();
    assert_eq!(tls.valid_until().to_proto().to_string(), "2027-01-01T00:00:00Z");
    assert!(Tls::read(&Config::default(), &files.clock()).unwrap().is_none());
}

#[test]
fn sessions_are_resumed_within_an_hour_and_nothing_is_taken_before_the_handshake() {
    let files = Files::new();
    let server = Tls::read(&files.config(), &files.clock()).unwrap().unwrap().current();
    assert!(server.ticketer.enabled());
    assert_eq!((server.ticketer.lifetime(), server.max_early_data_size), (3_600, 0));
}

#[test]
fn everything_that_is_wrong_with_the_files_is_told_at_once() {
    let files = Files::new();
    let missing = Config {
        certificate: files.path("none.pem"),
        key: files.path("none.key"),
        client_ca: files.path("none.ca"),
        client_crl: files.path("none.crl"),
        ..Config::default()
    };
    files.check(&missing, &["tls.certificate: ", "tls.key: ", "tls.client_ca: ", "tls.client_crl: "]);
}

#[test]
fn a_key_of_another_certificate_or_one_that_others_may_read_is_refused() {
    let files = Files::new();
    files.make("other", |_| ());
    let other = Config { key: files.path("other.key"), ..files.config() };
    files.check(&other, &["other.key is not the key of tls.certificate"]);
    fs::set_permissions(files.path("server.key"), fs::Permissions::from_mode(0o604)).unwrap();
    files.check(&files.config(), &["tls.key: others may read"]);
}

#[test]
fn files_that_hold_something_else_are_refused_without_what_is_in_them() {
    let files = Files::new();
    let swapped = Config { certificate: files.path("server.key"), key: files.path("server.pem"), ..Config::default() };
    fs::set_permissions(files.path("server.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    files.check(&swapped, &["server.key contains no certificate in PEM", "server.pem contains no private key in PEM"]);
    files.write_private("server.key", "-----BEGIN PRIVATE KEY-----\nsecret!\n-----END PRIVATE KEY-----\n");
    files.check(&files.config(), &["it is not base64"]);
    files.write_private("server.key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    files.check(&files.config(), &["server.key cannot be used"]);
    files.write_private("server.key", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n");
    files.check(&files.config(), &["a part of it has no end"]);
}

#[test]
fn certificates_out_of_date_or_of_no_server_are_refused() {
    let files = Files::new();
    files.now.store(1_900_000_000_000, Ordering::SeqCst);
    files.check(&files.config(), &["has expired: it was valid until 2027-01-01T00:00:00Z"]);
    files.now.store(1_700_000_000_000, Ordering::SeqCst);
    files.check(&files.config(), &["is not valid yet: it is valid from 2026-01-01T00:00:00Z"]);
    let files = Files::new();
    files.make("server", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    files.check(&files.config(), &["clients do not take the certificate"]);
    files.make("server", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    files.check(&files.config(), &["clients do not take the certificate"]);
}

#[test]
fn authorities_that_have_expired_are_refused() {
    let files = Files::new();
    let authority = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    files.make("ca", authority);
    let config =
        Config { client_ca: files.path("ca.pem"), client_certificates: ClientCertificates::Required, ..files.config() };
    files.check(&config, &[]);
    files.make("ca", |params| {
        authority(params);
        params.not_after = rcgen::date_time_ymd(2026, 1, 2);
    });
    files.check(&config, &["tls.client_ca: the certificate in"]);
}

#[test]
fn a_bad_file_changes_nothing_and_is_counted() {
    let files = Files::new();
    let tls = Tls::read(&files.config(), &files.clock()).unwrap().unwrap();
    let before = tls.current();
    fs::write(files.path("server.key"), "no key").unwrap();
    tls.reload();
    assert!(Arc::ptr_eq(&before, &tls.current()));
    assert_eq!(tls.reloads_failed(), 1);
    files.make("server", |params| params.not_after = rcgen::date_time_ymd(2028, 1, 1));
    tls.reload();
    assert!(!Arc::ptr_eq(&before, &tls.current()));
    assert_eq!(tls.valid_until().to_proto().to_string(), "2028-01-01T00:00:00Z");
}

/// What a server knows of a peer after a handshake in which it showed a certificate with these names.
async fn known_of(names: &[SanType]) -> Vec<String> {
    let files = Files::new();
    let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(files.path("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    let authority = Issuer::new(params, key);
    let config =
        Config { client_ca: files.path("ca.pem"), client_certificates: ClientCertificates::Required, ..files.config() };
    let tls = Tls::read(&config, &files.clock()).unwrap().unwrap();

    let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
    params.subject_alt_names = names.to_vec();
    params.distinguished_name.push(DnType::CommonName, "spiffe://kith.example/common-name");
    let certificate = params.signed_by(&key, &authority).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(files.path("server.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_details(provider, Arc::new(OurTime(files.clock())))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let name = "kith.example".try_into().unwrap();
    let (here, there) = tokio::io::duplex(4096);
    let connecting = tokio::spawn(TlsConnector::from(Arc::new(client)).connect(name, there));
    let peer = Peers::new(&Limits::default()).connect(None).unwrap();
    assert!(!peer.is_secure() && peer.certificate().is_none());
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    secure(&tls, here, &peer, deadline).await.expect("the handshake is complete");
    connecting.await.unwrap().unwrap();
    assert!(peer.is_secure());
    peer.certificate().map_or_else(Vec::new, |certificate| certificate.uri_names.to_vec())
}

#[tokio::test]
async fn a_peer_is_known_by_the_uris_of_its_certificate_alone() {
    let uri = |uri: &str| SanType::URI(uri.try_into().unwrap());
    let host = SanType::DnsName("feeds.kith.example".try_into().unwrap());
    let feeds = "spiffe://kith.example/feeds";
    assert_eq!(known_of(&[host.clone(), uri(feeds), uri("urn:other")]).await, [feeds, "urn:other"]);
    assert!(known_of(&[host]).await.is_empty());
    assert!(known_of(&[]).await.is_empty(), "a common name is not looked at");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_in_time_is_given_up_and_counted() {
    let files = Files::new();
    let tls = Tls::read(&files.config(), &files.clock()).unwrap().unwrap();
    let peer = Peers::new(&Limits::default()).connect(None).unwrap();
    let (here, _there) = tokio::io::duplex(4096);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    assert!(secure(&tls, here, &peer, deadline).await.is_none());
    assert!(tokio::time::Instant::now() >= deadline && !peer.is_secure());
    assert_eq!(tls.handshakes_failed(), 1);
}
