//! Connections: a bounded number at a time, each of which must speak soon after it is made.

use crate::limits::{Limits, seconds};
use futures_util::{Stream, stream};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tonic::transport::server::Connected;

/// Bytes that a peer sends before it counts as one that speaks: the preface of HTTP/2 and the frame of settings that must
/// follow it (RFC 9113, 3.4 and 4.1). From then on pings tell whether it is there. No request of HTTP/1 is shorter.
const GREETING_BYTES: usize = 24 + 9;

/// How long to wait after a connection could not be accepted, often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from: a socket of the machine, or one of a simulated network.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next connection. Dropping the future loses none.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A connection that holds one of the places there are.
pub(crate) struct Connection<S> {
    stream: S,
    /// Until the peer has greeted.
    handshake: Option<Handshake>,
    _place: OwnedSemaphorePermit,
}

/// A greeting that is awaited, but not for ever.
struct Handshake {
    bytes: usize,
    deadline: Pin<Box<Sleep>>,
}

/// Accepts connections for ever. When every place is taken, more wait in the kernel.
pub(crate) fn accept<L: Listener>(
    listener: L,
    limits: &Limits,
) -> impl Stream<Item = io::Result<Connection<L::Stream>>> + use<L> {
    let places = Arc::new(Semaphore::new(limits.connections_max as usize));
    let handshake = seconds(limits.handshake_s);
    stream::unfold((listener, places), move |(mut listener, places)| async move {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = listener.accept().await.map(|stream| Connection::new(stream, handshake, place));
        if let Err(error) = &accepted {
            tracing::warn!(%error, "connection not accepted");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
        Some((accepted, (listener, places)))
    })
}

impl<S> Connection<S> {
    fn new(stream: S, handshake: Duration, place: OwnedSemaphorePermit) -> Self {
        let handshake = Handshake { bytes: 0, deadline: Box::pin(tokio::time::sleep(handshake)) };
        Self { stream, handshake: Some(handshake), _place: place }
    }
}

/// No call asks where it came from.
impl<S> Connected for Connection<S> {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
