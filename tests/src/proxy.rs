//! A TCP proxy whose address stays the same while the server behind it is restarted elsewhere.

use std::net::SocketAddr;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// A running proxy of this process. Dropping it closes it; connections end with the server behind them.
pub struct Proxy {
    address: SocketAddr,
    target: watch::Sender<SocketAddr>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port in front of a server.
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (target, targets) = watch::channel(parse(url));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let target = *targets.borrow();
                tokio::spawn(forward(client, target));
            }
        });
        Self { address, target, task }
    }

    /// The address clients connect to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends new connections to another server.
    pub fn redirect(&self, url: &str) {
        self.target.send_replace(parse(url));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Copies bytes both ways until one side ends. A server that is down ends it at once.
async fn forward(mut client: TcpStream, target: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(target).await {
        // Either side may be killed on purpose, which is why the proxy exists.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}

fn parse(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().expect("servers tell their address")
}
