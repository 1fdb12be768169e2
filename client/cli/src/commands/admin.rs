//! `kith admin`: remote administration of a server.

use crate::{context::Context, failure::Failure, show::output::remark};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kith_client::v1;
use serde_json::{Value, json};
use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, BufWriter, IsTerminal, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

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
    let failed = |error| Failure::file("write", to, error);
    let (out, part): (Box<dyn Write + Send>, _) = match Destination::of(to)? {
        Destination::New(part) => (Box::new(part.as_file().try_clone().map_err(failed)?), Some(part)),
        Destination::Stream(out) => (out, None),
    };
    let mut received = Received::new(out);
    let mut stream = context.server()?.backup().await?;
    while let Some(message) = stream.next().await? {
        received.take(message).map_err(failed)?;
    }
    let (bytes, networks) = received.finish().map_err(failed)?;
    let sentence = || summary(to, bytes, &networks);
    let Some(part) = part else {
        remark(&sentence());
        return Ok(());
    };
    part.as_file().sync_all().map_err(failed)?;
    part.persist_noclobber(to).map_err(|error| failed(error.error))?;
    File::open(folder_of(to)).and_then(|folder| folder.sync_all()).map_err(failed)?;
    let signed_by = stream.signed_by().map(|key| key.to_string());
    let (file, heads) = (to.display().to_string(), json_of(&networks));
    let answer = json!({ "file": file, "bytes": bytes, "signed_by": signed_by, "networks": heads });
    context.output.tell(&answer, sentence)
}

/// Where a backup is written.
enum Destination {
    /// To a new file: written next to its destination, readable only by this account, and deleted if the backup is
    /// interrupted.
    New(NamedTempFile),
    /// To a pipe or standard output, as it arrives.
    Stream(Box<dyn Write + Send>),
}

impl Destination {
    fn of(to: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::file("write", to, error);
        if to == Path::new("-") {
            let told = "a backup is not text: name a file, or redirect standard output to one";
            let screen = io::stdout().is_terminal();
            return if screen { Err(Failure::Usage(told.into())) } else { Ok(Self::Stream(Box::new(io::stdout()))) };
        }
        let takes_bytes = |kind: FileType| kind.is_fifo() || kind.is_char_device();
        if fs::metadata(to).is_ok_and(|there| takes_bytes(there.file_type())) {
            let out = OpenOptions::new().write(true).open(to).map_err(failed)?;
            return Ok(Self::Stream(Box::new(out)));
        }
        if to.symlink_metadata().is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        NamedTempFile::new_in(folder_of(to)).map(Self::New).map_err(failed)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn json_of(networks: &[v1::BackedUpNetwork]) -> Vec<Value> {
    let one = |network: &v1::BackedUpNetwork| json!({ "name": network.name, "head": network.head, "root": hex::encode(&network.root) });
    networks.iter().map(one).collect()
}

fn summary(to: &Path, bytes: u64, networks: &[v1::BackedUpNetwork]) -> String {
    let heads: Vec<_> =
        networks.iter().map(|network| format!("{} up to position {}", network.name, network.head)).collect();
    format!("{} holds {} ({bytes} bytes)", to.display(), heads.join(", "))
}

/// A file being received.
struct Received {
    out: BufWriter<Box<dyn Write + Send>>,
    bytes: u64,
    networks: Vec<v1::BackedUpNetwork>,
    progress: ProgressBar,
}

impl Received {
    fn new(out: Box<dyn Write + Send>) -> Self {
        let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} rows, {eta} left");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let progress = ProgressBar::new(0).with_style(style);
        Self { out: BufWriter::new(out), bytes: 0, networks: Vec::new(), progress }
    }

    fn take(&mut self, message: v1::BackupResponse) -> io::Result<()> {
        self.progress.set_length(message.rows_total);
        self.progress.set_position(message.rows_written);
        self.bytes += message.data.len() as u64;
        self.networks = message.networks;
        self.out.write_all(&message.data)
    }

    /// Writes what is left; returns the file's size and contents.
    fn finish(mut self) -> io::Result<(u64, Vec<v1::BackedUpNetwork>)> {
        self.progress.finish_and_clear();
        self.out.flush()?;
        Ok((self.bytes, self.networks))
    }
}
