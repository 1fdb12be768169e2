//! One request to a receiver: no proxy, no redirect, and a connection to the very address that was allowed.
//!
//! Invariant: nothing of an answer is kept or told but its status and when to come again.

use super::{destinations::Destinations, url::Url};
use crate::{
    clock::Clock,
    limits::{
        WEBHOOK_ADDRESSES_MAX, WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_ANSWER_REST, WEBHOOK_CONNECT_TIME,
        WEBHOOK_HEAD_BYTES_MAX, WEBHOOK_LOOKUPS_MAX, WEBHOOK_REQUEST_TIME,
    },
};
use bytes::Bytes;
use http::{
    HeaderName, Request, Response,
    header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use kith_log::blocking;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName};
use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OnceCell, Semaphore},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// The media type of a CloudEvent in structured JSON.
const MEDIA_TYPE: &str = "application/cloudevents+json";
/// Who asks.
const AGENT: &str = concat!("kithd/", env!("CARGO_PKG_VERSION"));

/// What is sent.
pub(crate) struct Message {
    /// `webhook-id`.
    pub(crate) id: String,
    /// `webhook-timestamp`, in seconds.
    pub(crate) seconds: i64,
    /// `webhook-signature`.
    pub(crate) signature: String,
    /// The event.
    pub(crate) body: Bytes,
}

/// What a receiver said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// The address leads where webhooks do not send.
    #[error("the address is neither public nor in webhooks.allow_networks")]
    NotAllowed,
    /// There was no connection, or it broke; the text is for the operator.
    #[error("{0}")]
    Unreachable(String),
    /// It took too long.
    #[error("there was no answer in time")]
    TimedOut,
}

/// Sends requests.
pub(crate) struct Sender {
    destinations: Destinations,
    clock: Clock,
    /// Read once there is a receiver to verify.
    tls: OnceCell<Arc<ClientConfig>>,
    /// Names are looked up on threads that others read with, and some name servers never answer.
    lookups: Arc<Semaphore>,
}

impl Sender {
    /// Sends to these destinations.
    pub(crate) fn new(destinations: Destinations, clock: Clock) -> Self {
        Self { destinations, clock, tls: OnceCell::new(), lookups: Arc::new(Semaphore::new(WEBHOOK_LOOKUPS_MAX)) }
    }

    /// Whether plain HTTP leads anywhere.
    pub(crate) fn has_plain(&self) -> bool {
        self.destinations.has_plain()
    }

    /// Whether an address leads where webhooks do not send, as far as that is known now.
    pub(crate) async fn is_refused(&self, url: &Url) -> bool {
        matches!(timeout(WEBHOOK_CONNECT_TIME, self.resolve(url)).await, Ok(Err(NoAnswer::NotAllowed)))
    }

    /// Sends a message.
    pub(crate) async fn send(&self, url: &Url, message: Message) -> Result<Answer, NoAnswer> {
        let answered = timeout(WEBHOOK_REQUEST_TIME, self.exchange(url, message)).await;
        let (response, _connection) = answered.map_err(|_| NoAnswer::TimedOut)??;
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after: response.headers().get(RETRY_AFTER).and_then(|value| self.retry_after(value.to_str().ok()?)),
        };
        // A receiver that is cut off in the middle of its answer may think that it failed. What it says is nobody's.
        let rest = Limited::new(response.into_body(), WEBHOOK_ANSWER_BYTES_MAX);
        let _ = timeout(WEBHOOK_ANSWER_REST, throw_away(rest)).await;
        Ok(answer)
    }

    async fn exchange(&self, url: &Url, message: Message) -> Result<(Response<Incoming>, Connection), NoAnswer> {
        let addresses = self.resolve(url).await?;
        let stream = connect(&addresses).await?;
        if !url.is_secure() {
            return ask(stream, url, message).await;
        }
        let config = self.tls.get_or_try_init(read_roots).await?.clone();
        let name = ServerName::try_from(url.host().to_owned()).map_err(|error| unreachable(&error))?;
        let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|error| unreachable(&error))?;
        ask(stream, url, message).await
    }

    /// The addresses of a host, if all of them may be sent to.
    async fn resolve(&self, url: &Url) -> Result<Vec<SocketAddr>, NoAnswer> {
        let place = Arc::clone(&self.lookups).acquire_owned().await.expect("nobody closes it");
        let (host, port) = (url.host().to_owned(), url.port());
        let found = blocking(move || {
            let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
            drop(place);
            found
        });
        let found = found.await.map_err(|error| unreachable(&error))?;
        let addresses: Vec<IpAddr> = found.iter().map(SocketAddr::ip).collect();
        if self.destinations.allow(&addresses, url.is_secure()) { Ok(found) } else { Err(NoAnswer::NotAllowed) }
    }

    /// A delay in seconds, or until a date (RFC 9110, 10.2.3).
    fn retry_after(&self, text: &str) -> Option<Duration> {
        if let Ok(seconds) = text.trim().parse() {
            return Some(Duration::from_secs(seconds));
        }
        let since_epoch = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        let now = u64::try_from((self.clock)().millis()).ok()?;
        Some(since_epoch.saturating_sub(Duration::from_millis(now)))
    }
}

fn unreachable(error: &dyn std::error::Error) -> NoAnswer {
    NoAnswer::Unreachable(error.to_string())
}

/// The authorities that this machine trusts.
async fn read_roots() -> Result<Arc<ClientConfig>, NoAnswer> {
    let found = blocking(rustls_native_certs::load_native_certs).await;
    let mut roots = RootCertStore::empty();
    let (known, _) = roots.add_parsable_certificates(found.certs);
    if known == 0 {
        return Err(NoAnswer::Unreachable("this system has no certificates of authorities".to_owned()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(|error| unreachable(&error))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Connects to the first address that accepts it.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, NoAnswer> {
    let mut failed = NoAnswer::TimedOut;
    for address in addresses.iter().take(WEBHOOK_ADDRESSES_MAX) {
        match timeout(WEBHOOK_CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = unreachable(&error),
            Err(_) => failed = NoAnswer::TimedOut,
        }
    }
    Err(failed)
}

/// The task that carries a connection. Dropping it closes the connection.
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Makes the request, and waits for the head of the answer.
async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Url,
    message: Message,
) -> Result<(Response<Incoming>, Connection), NoAnswer> {
    let mut building = http1::Builder::new();
    let (mut sender, carried) = building
        .max_buf_size(WEBHOOK_HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(&error))?;
    // How it ends is told to whoever waits for the answer.
    let connection = Connection(tokio::spawn(async move { drop(carried.await) }));
    let header = HeaderName::from_static;
    let request = Request::post(url.target())
        .header(HOST, url.authority())
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, MEDIA_TYPE)
        .header(CONNECTION, "close")
        .header(header("webhook-id"), message.id)
        .header(header("webhook-timestamp"), message.seconds)
        .header(header("webhook-signature"), message.signature)
        .body(Full::new(message.body))
        .map_err(|error| unreachable(&error))?;
    let response = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
    Ok((response, connection))
}

async fn throw_away(mut body: Limited<Incoming>) {
    while let Some(Ok(_)) = body.frame().await {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::destinations::AddressRange;
    use kith_core::timestamp::Timestamp;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    fn sender(ranges: &[&str]) -> Sender {
        let ranges: Vec<AddressRange> = ranges.iter().map(|range| range.parse().unwrap()).collect();
        Sender::new(Destinations::new(ranges), Arc::new(|| Timestamp::from_millis(784_111_777_000)))
    }

    fn message() -> Message {
        Message { id: "id".into(), seconds: 7, signature: "v1,x".into(), body: Bytes::from_static(b"{}") }
    }

    async fn send(sender: &Sender, url: &str) -> Result<Answer, NoAnswer> {
        sender.send(&Url::parse(url).unwrap(), message()).await
    }

    /// A receiver that gives one answer; returns its port, and what it was sent.
    async fn receiver(answer: String) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4_096];
            let count = stream.read(&mut bytes).await.unwrap();
            // Whoever asked may not want all of it.
            drop(stream.write_all(answer.as_bytes()).await);
            String::from_utf8(bytes[..count].to_vec()).unwrap()
        });
        (port, received)
    }

    #[tokio::test]
    async fn a_name_or_an_address_that_leads_to_this_machine_is_not_asked() {
        let (port, received) = receiver("HTTP/1.1 200 OK\r\n\r\n".into()).await;
        for host in
            ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
        {
            for scheme in ["https", "http"] {
                let url = format!("{scheme}://{host}:{port}/");
                assert_eq!(send(&sender(&[]), &url).await, Err(NoAnswer::NotAllowed), "{url}");
                assert!(sender(&[]).is_refused(&Url::parse(&url).unwrap()).await, "{url}");
            }
        }
        assert_eq!(send(&sender(&["10.0.0.0/8"]), "https://169.254.169.254/").await, Err(NoAnswer::NotAllowed));
        assert!(!received.is_finished());
    }

    #[tokio::test]
    async fn an_answer_is_its_status_and_a_redirect_is_not_followed() {
        let own = sender(&["127.0.0.0/8"]);
        let (port, received) =
            receiver("HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:1/\r\nretry-after: 9\r\n\r\n".into()).await;
        let answer = send(&own, &format!("http://127.0.0.1:{port}/a?b")).await;
        assert_eq!(answer, Ok(Answer { status: 307, retry_after: Some(Duration::from_secs(9)) }));
        let request = received.await.unwrap();
        assert!(request.starts_with("POST /a?b HTTP/1.1\r\n"), "{request}");
        for line in ["host: 127.0.0.1:", "webhook-id: id", "webhook-timestamp: 7", "webhook-signature: v1,x"] {
            assert!(request.contains(line), "{request}");
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_none() {
        let own = sender(&["127.0.0.0/8"]);
        for answer in
            [String::new(), "HTTP/2 what\r\n\r\n".into(), format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20))]
        {
            let (port, _) = receiver(answer).await;
            let result = send(&own, &format!("http://127.0.0.1:{port}/")).await;
            assert!(matches!(result, Err(NoAnswer::Unreachable(_))), "{result:?}");
        }
        assert!(matches!(send(&own, "http://127.0.0.1:1/").await, Err(NoAnswer::Unreachable(_))));
        let long = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", 1 << 24, "y".repeat(1 << 24));
        let (port, _) = receiver(long).await;
        assert_eq!(send(&own, &format!("http://127.0.0.1:{port}/")).await.unwrap().status, 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_does_not_answer_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/");
        assert_eq!(send(&sender(&["127.0.0.0/8"]), &url).await, Err(NoAnswer::TimedOut));
    }

    #[test]
    fn a_receiver_says_when_to_come_again_in_seconds_or_as_a_date() {
        let own = sender(&[]);
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(own.retry_after(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
