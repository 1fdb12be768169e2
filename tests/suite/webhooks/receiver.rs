//! A receiver of webhooks on this machine, which answers as a test wants and remembers what it was sent.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use kith_tests::certificates::Authority;
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use serde_json::Value;
use sha2::Sha256;
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// How long a test waits for a request.
const PATIENCE: Duration = Duration::from_secs(40);

/// What is answered.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// This status.
    Status(u16),
    /// 429, and when to come again, in seconds.
    RetryAfter(u32),
    /// 307 to an address.
    Redirect(String),
    /// Nothing.
    Silence,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(super) struct Request {
    head: String,
    body: Vec<u8>,
    was_accepted: bool,
}

impl Request {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(line, _)| *line == name).map(|(_, value)| value);
        found.next().unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("events are text")
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("events are JSON")
    }

    /// The position of the event in it.
    pub(super) fn position(&self) -> u64 {
        self.json()["sequence"].as_str().expect("events have a sequence").parse().expect("it is a position")
    }

    /// Asserts that it is signed with these secrets and no others.
    pub(super) fn check_signed_by(&self, secrets: &[&str]) {
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let expected = secrets.iter().map(|secret| {
            let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("secrets have a prefix")).expect("base64");
            let mac = Hmac::<Sha256>::new_from_slice(&key).expect("keys of any length are taken");
            let mac = mac.chain_update(format!("{id}.{at}.")).chain_update(&self.body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        assert_eq!(self.header("webhook-signature"), expected.collect::<Vec<_>>().join(" "));
    }
}

#[derive(Debug, Default)]
struct State {
    reply: Option<Reply>,
    /// How many of the next requests are refused, and with which status.
    refusing: (usize, u16),
    received: Vec<Request>,
}

/// A receiver that listens until the test ends.
pub(super) struct Receiver {
    port: u16,
    is_secure: bool,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Receiver {
    /// One that speaks plain HTTP, and answers 200.
    pub(super) fn start() -> Self {
        Self::start_on(None)
    }

    /// One with a certificate of an authority.
    pub(super) fn start_secure(authority: &Authority) -> Self {
        let pair = authority.server("receiver");
        let certificate = CertificateDer::from_pem_file(&pair.certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Self::start_on(Some(Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())))
    }

    fn start_on(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_secure, shared) = (tls.is_some(), Arc::<(Mutex<State>, Condvar)>::default());
        let own = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shared, tls) = (Arc::clone(&own), tls.clone());
                thread::spawn(move || match tls {
                    None => serve(stream, &shared),
                    Some(tls) => serve(StreamOwned::new(ServerConnection::new(tls).unwrap(), stream), &shared),
                });
            }
        });
        Self { port, is_secure, shared }
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}/kith", self.port)
    }

    /// Answers like this from now on.
    pub(super) fn reply(&self, reply: Reply) {
        self.state().reply = Some(reply);
    }

    /// Refuses so many of the next requests.
    pub(super) fn refuse_next(&self, count: usize, status: u16) {
        self.state().refusing = (count, status);
    }

    /// Everything that arrived.
    pub(super) fn received(&self) -> Vec<Request> {
        self.state().received.clone()
    }

    /// The positions of what was answered with 2xx.
    pub(super) fn accepted(&self) -> Vec<u64> {
        self.received().iter().filter(|request| request.was_accepted).map(Request::position).collect()
    }

    /// Waits until so many requests have arrived.
    pub(super) fn wait_for(&self, count: usize) -> Vec<Request> {
        let (_, arrived) = &*self.shared;
        let (state, timeout) =
            arrived.wait_timeout_while(self.state(), PATIENCE, |state| state.received.len() < count).unwrap();
        assert!(!timeout.timed_out(), "{count} requests do not arrive: {:?}", state.received);
        state.received.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }
}

/// Takes one request. Whoever breaks off has sent none.
fn serve(mut stream: impl Read + Write, shared: &(Mutex<State>, Condvar)) {
    let Some((head, body)) = read(&mut stream) else { return };
    let reply = {
        let mut state = shared.0.lock().unwrap();
        let reply = match &mut state.refusing {
            (count @ 1.., status) => {
                *count -= 1;
                Reply::Status(*status)
            }
            _ => state.reply.clone().unwrap_or(Reply::Status(200)),
        };
        let was_accepted = matches!(reply, Reply::Status(200));
        state.received.push(Request { head, body, was_accepted });
        shared.1.notify_all();
        reply
    };
    let answer = match reply {
        Reply::Status(status) => format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\nok"),
        Reply::RetryAfter(seconds) => format!("HTTP/1.1 429 x\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n"),
        Reply::Redirect(url) => format!("HTTP/1.1 307 x\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n"),
        Reply::Silence => {
            // Until whoever waits for an answer gives up.
            while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
            return;
        }
    };
    // The server may have been killed.
    drop(stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()));
}

fn read(stream: &mut impl Read) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
        let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..].to_vec()));
        }
    }
}
