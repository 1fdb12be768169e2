//! Handshakes: each beside all others, within the time that a peer has to greet.

use super::{Tls, file::end};
use crate::door::peers::{Certificate, Peer};
use rustls::ServerConnection;
use std::{future::poll_fn, io, task::Poll, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use webpki::EndEntityCert;

/// How long a peer that was refused may take to hear why.
const LINGER: Duration = Duration::from_millis(500);
/// Bytes that such a peer may send meanwhile: what it took the handshake to be complete for.
const LINGER_BYTES: u64 = 64 * 1024;

/// Waits for a peer's handshake; `None` if it failed or was not complete in time. The peer then knows the names in the
/// certificate that was shown.
pub(crate) async fn secure<S>(tls: &Tls, stream: S, peer: &Peer, deadline: Instant) -> Option<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = tokio::select! {
        accepted = TlsAcceptor::from(tls.current()).accept(stream).into_fallible() => accepted,
        () = sleep_until(deadline) => {
            tls.count_failed(peer.address(), &"it was not complete in time");
            return None;
        }
        () = sent_away(peer) => return None,
    };
    match accepted {
        Ok(stream) => {
            peer.secure(shown(stream.get_ref().1));
            Some(stream)
        }
        Err((error, stream)) => {
            tls.count_failed(peer.address(), &error);
            drop(timeout(LINGER, linger(stream)).await);
            None
        }
    }
}

/// Ends a connection so that the peer reads the alert: closed with something unread, the alert would be lost on its way.
async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Result<()> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await.map(drop)
}

async fn sent_away(peer: &Peer) {
    poll_fn(|context| if peer.is_sent_away(context.waker()) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// What the peer's certificate says. Common names and host names say nothing about who calls.
fn shown(connection: &ServerConnection) -> Option<Certificate> {
    let bytes = connection.peer_certificates()?.first()?;
    let certificate = EndEntityCert::try_from(bytes).ok()?;
    let uri_names = certificate.valid_uri_names().map(str::to_owned).collect();
    Some(Certificate { uri_names, end: end(bytes) })
}
