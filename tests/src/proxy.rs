//! A TCP proxy whose address stays the same while the server behind it is restarted elsewhere, and whose connections can
//! be cut and held up.

use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Bytes that are passed on at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// A running proxy of this process. Dropping it closes it; connections end with the server behind them.
pub struct Proxy {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    wires: watch::Sender<Wires>,
    task: JoinHandle<()>,
}

/// What becomes of connections.
#[derive(Debug, Clone, Copy, Default)]
struct Wires {
    /// How often all of them were cut.
    cuts: u32,
    /// Whether bytes from the server are held up.
    stalled: bool,
}

impl Proxy {
    /// Listens on a free port in front of a server.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (target, targets) = watch::channel(parse(url));
        let (wires, state) = watch::channel(Wires::default());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = *targets.borrow();
                tokio::spawn(forward(client, target, state.clone()));
            }
        });
        Self { address, target, wires, task }
    }

    /// The address clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends new connections to another server.
    pub fn redirect(&self, url: &str) {
        self.target.send_replace(parse(url));
    }

    /// Cuts all connections; new ones are taken.
    pub fn cut(&self) {
        self.wires.send_modify(|wires| wires.cuts += 1);
    }

    /// Holds up whatever the server sends, without an end of connections, until they are cut or it flows again.
    pub fn stall(&self) {
        self.wires.send_modify(|wires| wires.stalled = true);
    }

    /// Lets bytes flow again.
    pub fn flow(&self) {
        self.wires.send_modify(|wires| wires.stalled = false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Copies bytes both ways until one side ends or all connections are cut. A server that is down ends it at once.
async fn forward(client: TcpStream, target: SocketAddr, mut wires: watch::Receiver<Wires>) {
    let cuts = wires.borrow().cuts;
    let Ok(server) = TcpStream::connect(target).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let up = pass(from_client, to_server, None);
    let down = pass(from_server, to_client, Some(wires.clone()));
    tokio::select! {
        // A cut comes first, so that nothing that was held up slips through.
        biased;
        Ok(_) = wires.wait_for(|wires| wires.cuts != cuts) => {}
        // Either side may be killed on purpose, which is why the proxy exists.
        _ = async { tokio::try_join!(up, down) } => {}
    }
}

/// Copies bytes one way, while they are not held up; then the other side is told that no more come.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut wires: Option<watch::Receiver<Wires>>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        if let Some(wires) = &mut wires {
            // Nobody holds anything up once the proxy is gone.
            let _ = wires.wait_for(|wires| !wires.stalled).await;
        }
        to.write_all(&chunk[..count]).await?;
    }
}

fn parse(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().expect("servers tell their address")
}
