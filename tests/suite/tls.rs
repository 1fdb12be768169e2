//! TLS: who is let in, what is refused, and that files are read anew under open streams.

mod production;
mod reload;

use kith_tests::{
    certificates::{Authority, Pair},
    cli::Cli,
    server::Server,
};
use rcgen::date_time_ymd;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, Stream, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// A server with a certificate of this authority, and `kith` that trusts it.
fn start(authority: &Authority, more: &str) -> (Server, Trusting) {
    let config = authority.config(&authority.server("server"), more);
    let server = Server::start_with(&["--config", config.to_str().unwrap()]);
    let cli = Cli::new(&server.secure_url(), &server.token());
    (server, Trusting { cli, flags: authority.flags().to_vec() })
}

/// `kith` with flags of its own.
struct Trusting {
    cli: Cli,
    flags: Vec<String>,
}

impl Trusting {
    fn run(&self, arguments: &[&str]) -> kith_tests::ran::Ran {
        let flags = self.flags.iter().map(String::as_str);
        self.cli.run(&flags.chain(arguments.iter().copied()).collect::<Vec<_>>())
    }

    /// Runs as the holder of a certificate.
    fn run_as(&self, pair: &Pair, arguments: &[&str]) -> kith_tests::ran::Ran {
        self.run(&[&pair.flags()[..], arguments].concat())
    }
}

/// A connection of a client that trusts an authority, speaks some versions only and may have a certificate, up to the end
/// of its handshake.
fn connect(
    url: &str,
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    identity: Option<&Pair>,
) -> io::Result<(ClientConnection, TcpStream)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.path("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = config.with_root_certificates(roots);
    let mut config = match identity {
        Some(Pair { certificate, key }) => {
            let certificates = CertificateDer::pem_file_iter(certificate).unwrap().map(Result::unwrap).collect();
            config.with_client_auth_cert(certificates, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(url.trim_start_matches("https://"))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    Ok((connection, stream))
}

/// What a server says to a client that it does not let in.
fn refusal(url: &str, authority: &Authority, identity: Option<&Pair>) -> String {
    let (mut connection, mut socket) = connect(url, authority, &[&TLS13], identity).unwrap();
    // The client is done before the server has looked at its certificate.
    let refused = Stream::new(&mut connection, &mut socket).read(&mut [0]).unwrap_err();
    refused.to_string()
}

#[test]
fn kith_and_its_replica_reach_a_server_by_tls_and_the_profile_remembers_how() {
    let authority = Authority::default();
    let (server, kith) = start(&authority, "");
    kith.run(&["org", "add", "Riverside Practice", "--id", "riverside"]).ok();
    kith.run(&["person", "add", "Amina Shah", "--org", "riverside", "--id", "amina"]).ok();
    kith.run(&["person", "add", "Ben Okoye", "--org", "riverside", "--id", "ben"]).ok();
    kith.run(&["met", "amina", "ben"]).ok();

    let replica = tempfile::tempdir().unwrap();
    let folder = replica.path().join("replica");
    kith.run(&["--replica", folder.to_str().unwrap(), "sync"]).ok();
    kith.run(&["--replica", folder.to_str().unwrap(), "log"]).ok().prints("Amina Shah and Ben Okoye met");

    kith.run(&["login", &server.secure_url()]).ok();
    let plain = |arguments: &[&str]| {
        let mut command = kith.cli.command(arguments);
        for name in ["KITH_SERVER", "KITH_TOKEN"] {
            command.env_remove(name);
        }
        kith_tests::ran::Ran::run(&mut command, "")
    };
    plain(&["head"]).ok();

    let unknowing = Cli::new(&server.secure_url(), &server.token());
    unknowing.run(&["head"]).exits(5).says("UnknownIssuer").says("--ca");
    unknowing.server(&server.url()).run(&["head"]).exits(5).says("https://");
    let with_ca = Trusting { cli: kith.cli.server(&server.url()), flags: kith.flags.clone() };
    with_ca.run(&["head"]).exits(2).says("for https:// only");
    let other = Authority::default();
    Trusting { cli: kith.cli.clone(), flags: other.flags().to_vec() }.run(&["head"]).exits(5).says("--ca");
}

#[test]
fn a_server_without_tls_is_not_taken_for_one_with_it() {
    let server = Server::start();
    let authority = Authority::default();
    let kith = Trusting { cli: server.cli().server(&server.secure_url()), flags: authority.flags().to_vec() };
    kith.run(&["head"]).exits(5).says("http://");
}

#[test]
fn browsers_get_cookies_that_travel_by_tls_alone() {
    let authority = Authority::default();
    let (server, _) = start(&authority, "");
    let (mut connection, mut socket) = connect(&server.secure_url(), &authority, &[&TLS13], None).unwrap();
    assert_eq!(connection.alpn_protocol(), Some(&b"http/1.1"[..]));
    let mut stream = Stream::new(&mut connection, &mut socket);
    let token = server.token();
    write!(
        stream,
        "POST /session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\nx-kith-console: \
         1\r\nauthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204") && answer.contains("; Secure"), "{answer}");
    assert!(answer.contains("set-cookie: __Host-"), "{answer}");
}

#[test]
fn older_versions_than_1_3_are_refused() {
    let authority = Authority::default();
    let (server, _) = start(&authority, "");
    connect(&server.secure_url(), &authority, &[&TLS13], None).unwrap();
    connect(&server.secure_url(), &authority, &[&TLS12, &TLS13], None).unwrap();
    let refused = connect(&server.secure_url(), &authority, &[&TLS12], None).unwrap_err();
    assert!(refused.to_string().contains("ProtocolVersion"), "{refused}");
}

/// What a server asks of clients, besides the authority.
fn asking(authority: &Authority, how: &str, more: &str) -> String {
    let ca = authority.path("ca.pem");
    format!("client_certificates = \"{how}\"\nclient_ca = \"{}\"\n{more}", ca.display())
}

#[test]
fn where_certificates_are_required_only_good_ones_connect() {
    let authority = Authority::default();
    let crl = authority.revoke(&["stolen"]);
    let (server, kith) =
        start(&authority, &asking(&authority, "required", &format!("client_crl = \"{}\"", crl.display())));
    kith.run_as(&authority.client("feeds", &["spiffe://kith.example/feeds"]), &["head"]).ok();
    kith.run_as(&authority.client("nameless", &[]), &["head"]).ok();

    let other = Authority::default();
    let expired = authority.issue("expired", |params| params.not_after = date_time_ymd(2021, 1, 1));
    let refused = [
        (None, "CertificateRequired"),
        (Some(authority.client("stolen", &["spiffe://kith.example/feeds"])), "CertificateRevoked"),
        (Some(expired), "CertificateExpired"),
        (Some(authority.server("another")), "alert"),
        (Some(other.client("feeds", &["spiffe://kith.example/feeds"])), "UnknownCA"),
    ];
    for (identity, alert) in refused {
        let said = refusal(&server.secure_url(), &authority, identity.as_ref());
        assert!(said.contains(alert), "{said} instead of {alert}");
        let tried = match &identity {
            Some(pair) => kith.run_as(pair, &["head"]),
            None => kith.run(&["head"]),
        };
        tried.exits(5).says("--client-cert");
    }
}

#[test]
fn where_certificates_are_accepted_none_is_needed_and_a_bad_one_is_refused() {
    let authority = Authority::default();
    let (_server, kith) = start(&authority, &asking(&authority, "accepted", ""));
    kith.run(&["head"]).ok();
    kith.run_as(&authority.client("feeds", &["spiffe://kith.example/feeds"]), &["head"]).ok();
    let other = Authority::default();
    kith.run_as(&other.client("feeds", &[]), &["head"]).exits(5).says("--client-cert");
}

#[test]
fn a_list_of_revoked_certificates_that_is_out_of_date_lets_nobody_in() {
    let authority = Authority::default();
    let crl = authority.revoke_until(&[], 2021);
    let (_server, kith) =
        start(&authority, &asking(&authority, "required", &format!("client_crl = \"{}\"", crl.display())));
    kith.run_as(&authority.client("feeds", &[]), &["head"]).exits(5);
}

#[test]
fn slow_handshakes_hold_up_nobody_and_end() {
    let authority = Authority::default();
    let (server, kith) = start(&authority, "[limits]\nhandshake_s = 2");
    let address = server.secure_url().trim_start_matches("https://").to_owned();
    let begun = Instant::now();
    let slow: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(&address).unwrap();
            // The beginning of a message of TLS that never comes, or nothing.
            stream.write_all(&[0x16, 3, 1, 2, 0, 1][..number % 7]).unwrap();
            stream
        })
        .collect();
    let asked = Instant::now();
    kith.run(&["head"]).ok();
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut rest = Vec::new();
        // It is closed, with or without a word.
        drop(stream.read_to_end(&mut rest));
        drop(stream.shutdown(Shutdown::Both));
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    kith.run(&["head"]).ok();
}

#[test]
fn tokens_do_not_leave_this_machine_in_plain_unless_that_is_said() {
    // An address for documentation: nothing answers there (RFC 5737).
    let far = Cli::new("http://192.0.2.1:7420", "kith_secret");
    let begun = Instant::now();
    let refused = far.run(&["head"]).exits(2).says("https://").says("--allow-plaintext");
    assert!(!refused.stderr.contains("kith_secret"));
    assert!(begun.elapsed() < Duration::from_secs(2), "nothing was sent");
    far.run(&["login", "http://192.0.2.1:7420"]).exits(2).says("--allow-plaintext");
    let replica = tempfile::tempdir().unwrap();
    far.run(&["--replica", replica.path().join("r").to_str().unwrap(), "sync"]).exits(2).says("--allow-plaintext");
    // A name of this machine's that is not known to be one, and where plaintext is allowed.
    let server = Server::start();
    let near = server.cli().server(&server.url().replace("127.0.0.1", "[::ffff:127.0.0.1]"));
    near.run(&["head"]).ok();
}

/// The serial number of the certificate that a server shows.
fn shown(url: &str, authority: &Authority) -> Vec<u8> {
    let (connection, _) = connect(url, authority, &[&TLS13], None).unwrap();
    connection.peer_certificates().unwrap()[0].to_vec()
}

/// A certificate as it is sent.
fn der(path: &Path) -> Vec<u8> {
    CertificateDer::from_pem_file(path).unwrap().to_vec()
}
