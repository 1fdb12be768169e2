//! `kith admin`: remote administration of a server.

use crate::{
    context::Context,
    failure::Failure,
    show::{destination::Destination, output::remark},
};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kith_client::v1;
use kith_core::counted::counted;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Administer a server remotely
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    Backup(BackupArgs),
}

/// Back up the logs of all networks while the server keeps running; needs an owner of the server
///
/// The file is one consistent state. It contains no keys, so personal words in it stay sealed: back up the keys on the
/// server with `kithd backup-keys`, and keep the two apart. `kithd restore --from FILE` puts the log back, and `kithd
/// check --backup FILE` verifies the file.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith admin backup --to kith-2026-11-23.backup")]
pub(crate) struct BackupArgs {
    /// The new file; or `-` or a named pipe, to which it is written as it arrives
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(crate) async fn run(context: &mut Context, command: AdminCommand) -> Result<(), Failure> {
    match command {
        AdminCommand::Backup(BackupArgs { to }) => backup(context, &to).await,
    }
}

async fn backup(context: &mut Context, to: &Path) -> Result<(), Failure> {
    let mut destination = Destination::open(to, false)?;
    let mut received = Received::new();
    let mut stream = context.server()?.backup().await?;
    while let Some(message) = stream.next().await? {
        received.take(message, &mut destination).map_err(|error| destination.failed(error))?;
    }
    received.progress.finish_and_clear();
    let is_file = destination.is_file();
    destination.finish()?;
    let Received { bytes, networks, .. } = received;
    let sentence = || summary(to, bytes, &networks);
    if !is_file {
        remark(&sentence());
        return Ok(());
    }
    let signed_by = stream.signed_by().map(|key| key.to_string());
    let (file, heads) = (to.display().to_string(), json_of(&networks));
    let answer = json!({ "file": file, "bytes": bytes, "signed_by": signed_by, "networks": heads });
    context.output.tell(&answer, sentence)
}

fn json_of(networks: &[v1::BackedUpNetwork]) -> Vec<Value> {
    let one = |network: &v1::BackedUpNetwork| json!({ "name": network.name, "head": network.head, "root": hex::encode(&network.root) });
    networks.iter().map(one).collect()
}

fn summary(to: &Path, bytes: u64, networks: &[v1::BackedUpNetwork]) -> String {
    let heads: Vec<_> =
        networks.iter().map(|network| format!("{} up to position {}", network.name, network.head)).collect();
    format!("{} holds {} ({})", to.display(), heads.join(", "), counted(bytes, "byte", "bytes"))
}

/// What has been received.
struct Received {
    bytes: u64,
    networks: Vec<v1::BackedUpNetwork>,
    progress: ProgressBar,
}

impl Received {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} rows, {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self { bytes: 0, networks: Vec::new(), progress: ProgressBar::new(0).with_style(style) }
    }

    fn take(&mut self, message: v1::BackupResponse, out: &mut impl Write) -> io::Result<()> {
        self.progress.set_length(message.rows_total);
        self.progress.set_position(message.rows_written);
        self.bytes += message.data.len() as u64;
        self.networks = message.networks;
        out.write_all(&message.data)
    }
}
