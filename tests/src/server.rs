//! A real `kithd` process on a free port with a data folder of its own.

use crate::{cli::Cli, programs::program, ran::Ran};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
};
use tempfile::TempDir;

/// A running `kithd`. Dropping it kills the process.
pub struct Server {
    child: Child,
    address: String,
    data: Arc<DataFolder>,
}

/// A data folder that outlives restarts of the server on it.
pub struct DataFolder(TempDir);

impl Default for DataFolder {
    fn default() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }
}

impl DataFolder {
    /// Its path.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Runs `kithd` to completion, without the settings of this process's environment.
pub fn kithd(arguments: &[&str]) -> Ran {
    Ran::run(kithd_command().args(arguments), "")
}

/// `kithd` without the settings of this process's environment. It logs only warnings and errors.
pub fn kithd_command() -> Command {
    command_of(&program("kithd"))
}

fn command_of(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"KITH_")) {
        command.env_remove(name);
    }
    command.env("KITH_TELEMETRY_FILTER", "warn");
    // Tests must not depend on how full the disk is.
    command.env("KITH_LOG_DISK_RESERVE_BYTES", "0").env("KITH_LOG_DISK_RESERVE_PER_CENT", "0");
    command
}

impl Server {
    /// Starts a server in a new data folder.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server in a new data folder, with more flags.
    pub fn start_with(flags: &[&str]) -> Self {
        Self::start_on(Arc::default(), flags)
    }

    /// Starts a server in a data folder that may have been used before.
    pub fn start_on(data: Arc<DataFolder>, flags: &[&str]) -> Self {
        Self::start_program(&program("kithd"), data, flags)
    }

    /// The same with another program in the place of `kithd`.
    pub fn start_program(program: &Path, data: Arc<DataFolder>, flags: &[&str]) -> Self {
        Self::start_command(command_of(program), data, flags)
    }

    /// Starts a server that trusts the authorities in a file, and no others, where it connects to somebody.
    pub fn start_trusting(data: Arc<DataFolder>, flags: &[&str], authorities: &Path) -> Self {
        let mut command = kithd_command();
        command.env("SSL_CERT_FILE", authorities);
        Self::start_command(command, data, flags)
    }

    fn start_command(mut command: Command, data: Arc<DataFolder>, flags: &[&str]) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("kithd starts");
        let address = wait_for_address(&mut child);
        Self { child, address, data }
    }

    /// The address clients connect to, such as `http://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same for a server that speaks TLS.
    pub fn secure_url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The data folder.
    pub fn data(&self) -> Arc<DataFolder> {
        Arc::clone(&self.data)
    }

    /// Process id, to look at its memory and processor time.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The owner token's file.
    pub fn token_file(&self) -> PathBuf {
        self.data.path().join("owner.token")
    }

    /// The owner token's secret.
    pub fn token(&self) -> String {
        fs::read_to_string(self.token_file()).expect("the first start writes the owner token").trim().to_owned()
    }

    /// The command line, with the owner token on network `default`.
    pub fn cli(&self) -> Cli {
        Cli::new(&self.url(), &self.token())
    }

    /// Ends the process at once, as a crash does (SIGKILL).
    pub fn kill(mut self) -> Arc<DataFolder> {
        self.end();
        Arc::clone(&self.data)
    }

    /// Asks the process to stop (SIGTERM) and waits for it.
    pub fn terminate(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.wait().expect("kithd ends")
    }

    /// Sends a signal, such as `-HUP`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(sent.success(), "{signal} reaches kithd");
    }

    fn end(&mut self) {
        // It may already have ended; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads the child's output up to the line that says where it listens, and keeps reading in the background so that the
/// pipe never fills.
fn wait_for_address(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
        .expect("kithd prints where it listens before it ends");
    std::thread::spawn(move || lines.for_each(drop));
    address.trim_start_matches("http://").to_owned()
}
