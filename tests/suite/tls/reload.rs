//! Reading the files anew (SIGHUP), under open streams.

use super::{der, shown};
use futures_util::StreamExt;
use kith_client::{Client, Cursor, Options, Subscription, Tls};
use kith_core::filter::Filter;
use kith_tests::{
    certificates::{Authority, Pair, write_private},
    cli::Cli,
    server::Server,
};
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

const STREAMS: usize = 50;
const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose metrics can be read, and the pair that it serves.
fn start(authority: &Authority) -> (Server, Pair, u16) {
    let pair = authority.server("server");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = authority.config(&pair, &format!("[telemetry]\nmetrics_listen = \"127.0.0.1:{port}\""));
    (Server::start_with(&["--config", config.to_str().unwrap()]), pair, port)
}

/// The value of a metric.
fn metric(port: u16, name: &str) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: kith\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing in {answer}")).parse().unwrap()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn client(authority: &Authority, server: &Server) -> Client {
    let tls = Tls { ca: Some(fs::read_to_string(authority.path("ca.pem")).unwrap()), identity: None };
    let options = Options::new(server.secure_url(), server.token(), "default".parse().unwrap());
    Client::connect(Options { tls, ..options }).await.unwrap()
}

/// Reads up to a position; the stream must not break.
async fn read_to(subscription: &mut Subscription, position: u64) {
    loop {
        let update = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("it goes on");
        let update = update.expect("it does not end").expect("it does not break");
        if update.cursor.position.get() >= position {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_go_on_while_the_certificate_is_replaced() {
    let authority = Authority::default();
    let (server, pair, _) = start(&authority);
    let kith = Cli::new(&server.secure_url(), &server.token());
    let ca = authority.flags();
    let add = |id: &str| kith.run(&["--ca", &ca[1], "person", "add", "Amina Shah", "--id", id]).ok();
    add("amina");

    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        // A connection each.
        let mut stream = client(&authority, &server).await.subscribe(Filter::default(), Cursor::default());
        read_to(&mut stream, 1).await;
        streams.push(stream);
    }
    assert_eq!(shown(&server.secure_url(), &authority), der(&pair.certificate));
    let new = authority.server("new");
    fs::rename(&new.key, &pair.key).unwrap();
    fs::rename(&new.certificate, &pair.certificate).unwrap();
    server.signal("-HUP");
    wait_until("the new certificate is served", || shown(&server.secure_url(), &authority) == der(&pair.certificate));

    add("ben");
    for stream in &mut streams {
        read_to(stream, 2).await;
    }
    client(&authority, &server).await.head().await.unwrap();
    add("carol");
    for stream in &mut streams {
        read_to(stream, 3).await;
    }
}

#[test]
fn a_bad_file_changes_nothing_and_is_told() {
    let authority = Authority::default();
    let (server, pair, port) = start(&authority);
    let before = der(&pair.certificate);
    let check_refused = |failed: u64, why: &str| {
        server.signal("-HUP");
        wait_until(why, || metric(port, "kith_tls_failed_reloads_total") == failed);
        assert_eq!(shown(&server.secure_url(), &authority), before, "{why}");
    };
    let (certificate, key) = (fs::read_to_string(&pair.certificate).unwrap(), fs::read_to_string(&pair.key).unwrap());
    write_private(&pair.key, "no key");
    check_refused(1, "a broken key");
    write_private(&pair.key, &fs::read_to_string(authority.server("other").key).unwrap());
    check_refused(2, "a key of another certificate");
    write_private(&pair.key, &key);
    let expired = authority.issue("expired", |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1));
    fs::copy(&expired.certificate, &pair.certificate).unwrap();
    check_refused(3, "a certificate that has expired");
    fs::remove_file(&pair.certificate).unwrap();
    check_refused(4, "a certificate that is not there");

    fs::write(&pair.certificate, certificate).unwrap();
    let new = authority.issue("renewed", |params| params.not_after = rcgen::date_time_ymd(3000, 1, 1));
    fs::copy(&new.certificate, &pair.certificate).unwrap();
    write_private(&pair.key, &fs::read_to_string(&new.key).unwrap());
    server.signal("-HUP");
    let end = 32_503_680_000;
    wait_until("the new one is taken", || metric(port, "kith_tls_certificate_valid_until_seconds") == end);
    assert_eq!(metric(port, "kith_tls_failed_reloads_total"), 4);
}

#[test]
fn a_server_without_tls_goes_on_when_it_is_told_to_read_its_files() {
    let server = Server::start();
    server.signal("-HUP");
    server.cli().run(&["head"]).ok();
    assert!(server.terminate().success());
}
