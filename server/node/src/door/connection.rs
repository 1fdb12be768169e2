//! Connections: a bounded number at a time, each of which must send something soon after it is made.

use super::{
    peers::{Peer, Peers},
    tls::{self, Tls},
};
use crate::limits::{Limits, seconds};
use futures_util::{Stream, StreamExt, stream};
use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

/// Bytes that complete a peer's greeting: the preface of HTTP/2 and the settings frame that must follow it (RFC 9113,
/// 3.4 and 4.1). From then on pings detect whether the peer is alive. No request of HTTP/1 is shorter.
const GREETING_BYTES: usize = 24 + 9;

/// How long to wait after a connection could not be accepted, often for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait for a place before a connection without a login is ended.
const PLACE_PAUSE: Duration = Duration::from_millis(5);

/// A source of connections: a socket of the machine, or one of a simulated network.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next connection and returns it with its address. Dropping the future loses no connection.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Option<IpAddr>)>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Option<IpAddr>)> {
        let (stream, from) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok((stream, Some(from.ip().to_canonical())))
    }
}

/// A connection that holds one of the places.
pub(crate) struct Connection<S> {
    stream: S,
    peer: Peer,
    /// Set until the peer has greeted.
    handshake: Option<Handshake>,
    /// Set until somebody has logged in.
    login: Option<Login>,
    _place: OwnedSemaphorePermit,
}

/// A greeting that is awaited until a deadline.
struct Handshake {
    bytes: usize,
    deadline: Pin<Box<Sleep>>,
}

/// A login that is awaited until a deadline.
struct Login {
    time: Duration,
    deadline: Pin<Box<Sleep>>,
}

/// The bytes of a connection: as they come, or as TLS carries them.
type Carried<S> = Either<S, Box<TlsStream<S>>>;

/// Accepts connections for ever. When every place is taken, further ones wait in the kernel.
pub(crate) fn accept<L: Listener>(
    listener: L,
    peers: Peers,
    tls: Option<Tls>,
    limits: &Limits,
) -> impl Stream<Item = io::Result<Connection<Carried<L::Stream>>>> + use<L> {
    let times = Times { handshake: seconds(limits.handshake_s), login: seconds(limits.unauthenticated_s) };
    // Handshakes run beside each other: a slow peer holds up nobody. With one more than there are places the next peer is
    // waited for even if all places are taken, and somebody is sent away for it.
    arrivals(listener, peers, limits)
        .map(move |arrived| greet(arrived, tls.clone(), times))
        .buffer_unordered(limits.connections_max as usize + 1)
        .filter_map(async |greeted| greeted)
}

/// A connection that has a place.
struct Arrival<S> {
    stream: S,
    peer: Peer,
    at: Instant,
    place: OwnedSemaphorePermit,
}

fn arrivals<L: Listener>(
    listener: L,
    peers: Peers,
    limits: &Limits,
) -> impl Stream<Item = io::Result<Arrival<L::Stream>>> + use<L> {
    let places = Arc::new(Semaphore::new(limits.connections_max as usize));
    stream::unfold((listener, places, peers), |(mut listener, places, peers)| async move {
        let place = take_place(&places, &peers).await;
        let accepted = accept_one(&mut listener, &peers).await;
        let accepted = accepted.map(|(stream, peer)| Arrival { stream, peer, at: Instant::now(), place });
        if let Err(error) = &accepted {
            tracing::warn!(%error, "connection not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        Some((accepted, (listener, places, peers)))
    })
}

/// The connection, secured if the server speaks TLS; `None` if the peer could not be agreed with.
async fn greet<S>(
    arrived: io::Result<Arrival<S>>,
    tls: Option<Tls>,
    times: Times,
) -> Option<io::Result<Connection<Carried<S>>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Arrival { stream, peer, at, place } = match arrived {
        Ok(arrival) => arrival,
        Err(error) => return Some(Err(error)),
    };
    let stream = match tls {
        Some(tls) => Either::Right(Box::new(tls::secure(&tls, stream, &peer, at + times.handshake).await?)),
        None => Either::Left(stream),
    };
    Some(Ok(Connection::new(stream, peer, at, times, place)))
}

/// Waits for a place. While there is none, ends the connections that have been without a login for longest.
async fn take_place(places: &Arc<Semaphore>, peers: &Peers) -> OwnedSemaphorePermit {
    let mut taking = std::pin::pin!(places.clone().acquire_owned());
    loop {
        if let Ok(place) = tokio::time::timeout(PLACE_PAUSE, &mut taking).await {
            return place.expect("the semaphore is never closed");
        }
        peers.send_one_away();
    }
}

/// Waits for a connection that may have a place; others are closed at once.
async fn accept_one<L: Listener>(listener: &mut L, peers: &Peers) -> io::Result<(L::Stream, Peer)> {
    loop {
        let (stream, address) = listener.accept().await?;
        if let Some(peer) = peers.connect(address) {
            return Ok((stream, peer));
        }
        tracing::debug!(peer = address.map(tracing::field::display), "connection closed: its address has too many");
    }
}

/// How long a peer may take to greet and to log in.
#[derive(Clone, Copy)]
struct Times {
    handshake: Duration,
    login: Duration,
}

impl<S> Connection<S> {
    fn new(stream: S, peer: Peer, at: Instant, times: Times, place: OwnedSemaphorePermit) -> Self {
        let until = |time| Box::pin(tokio::time::sleep_until(at + time));
        let handshake = Handshake { bytes: 0, deadline: until(times.handshake) };
        let login = Some(Login { time: times.login, deadline: until(times.login) });
        Self { stream, peer, handshake: Some(handshake), login, _place: place }
    }

    /// Whether the peer has taken too long to log in or has been sent away. A health check extends the time, so that no
    /// prober is cut within a call. A peer that sends data constantly is checked as well.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let Some(Login { time, deadline }) = &mut self.login else { return false };
        if self.peer.is_logged_in() {
            self.login = None;
            return false;
        }
        if self.peer.is_sent_away(context.waker()) {
            return true;
        }
        while deadline.as_mut().poll(context).is_ready() {
            if !self.peer.take_checked_health() {
                return true;
            }
            deadline.as_mut().reset(Instant::now() + *time);
        }
        false
    }
}

/// Provides the peer in the extensions of requests.
impl<S> Connected for Connection<S> {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_overdue(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(handshake) = &mut self.handshake else { return read };
        handshake.bytes += buffer.filled().len() - before;
        if handshake.bytes >= GREETING_BYTES {
            self.handshake = None;
        } else if read.is_pending() && handshake.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
