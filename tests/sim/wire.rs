//! Connections of the simulated network: told to the trace byte by byte, and cut when a fault says so.
//!
//! Invariant: server and clients speak on them as on sockets; nothing is changed on the way.

use crate::trace::Trace;
use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use turmoil::net::{TcpListener, TcpStream};

/// The port that servers listen on.
const PORT: u16 = 7420;

/// The server's end.
pub(crate) struct Listener(TcpListener);

impl Listener {
    pub(crate) async fn bind() -> io::Result<Self> {
        Ok(Self(TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?))
    }
}

impl kith_node::Listener for Listener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Option<IpAddr>)> {
        // Every device is to have its place, whatever the order of faults.
        Ok((self.0.accept().await?.0, None))
    }
}

/// What a device's connections have in common: where they go, and that they can be cut.
#[derive(Debug)]
pub(crate) struct Cable {
    target: Mutex<&'static str>,
    cut: Mutex<CancellationToken>,
}

impl Cable {
    /// One that goes to a host.
    pub(crate) fn to(target: &'static str) -> Self {
        Self { target: Mutex::new(target), cut: Mutex::default() }
    }

    /// Resets all connections, and lets new ones go to a host.
    pub(crate) fn replug(&self, target: &'static str) {
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
        self.reset();
    }

    /// Resets all connections.
    pub(crate) fn reset(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap_or_else(PoisonError::into_inner)).cancel();
    }

    /// A new connection of a device.
    pub(crate) async fn connect(&self, name: String, trace: Arc<Trace>) -> io::Result<Wire> {
        let target = *self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let connected = TcpStream::connect((target, PORT)).await;
        trace.line(format_args!(
            "{name} connects to {target}: {:?}",
            connected.as_ref().map(|_| ()).map_err(io::Error::kind)
        ));
        Ok(Wire { stream: connected?, cut: Box::pin(cut.cancelled_owned()), name, trace })
    }
}

/// A connection of a device.
pub(crate) struct Wire {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    name: String,
    trace: Arc<Trace>,
}

impl Wire {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.cut.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.trace.bytes(&self.name, "reads", &buffer.filled()[before..]);
        }
        read
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.trace.bytes(&self.name, "writes", &bytes[..count]);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
