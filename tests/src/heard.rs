//! A real `kithd` whose every output line is captured.

use crate::server::{DataFolder, kithd_command};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

/// The longest time to wait for a line.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `kithd`. Dropping it kills the process.
pub struct Heard {
    child: Child,
    lines: mpsc::Receiver<String>,
    url: String,
    said: String,
}

impl Heard {
    /// Starts a server in a data folder that may have been used before.
    pub fn start(data: &DataFolder) -> Self {
        Self::start_with(data.path(), |_| ())
    }

    /// Starts a server in a folder, with a modified command.
    pub fn start_with(data: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = kithd_command();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data);
        change(&mut command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kithd starts");
        let (heard, lines) = mpsc::channel();
        forward(child.stdout.take().expect("stdout is piped"), heard.clone());
        forward(child.stderr.take().expect("stderr is piped"), heard);
        // From here on, the process ends with the value that owns it.
        let mut server = Self { child, lines, url: String::new(), said: String::new() };
        let (said, line) = server.hear_all("listening on ");
        let (_, address) = line.split_once("listening on ").expect("the line has these words");
        (server.url, server.said) = (format!("http://{}", address.trim_start_matches("http://")), said);
        server
    }

    /// The address clients connect to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The lines printed before it was ready.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// The first line from now on that contains some words.
    pub fn hear(&self, words: &str) -> String {
        self.hear_all(words).1
    }

    /// The lines printed since the last call.
    pub fn said_meanwhile(&self) -> String {
        self.lines.try_iter().fold(String::new(), |said, line| said + &line + "\n")
    }

    /// The process.
    pub fn process(&self) -> &Child {
        &self.child
    }

    /// The lines up to and including the first one that contains some words.
    fn hear_all(&self, words: &str) -> (String, String) {
        let mut others = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return (others, line),
                Ok(line) => others += &(line + "\n"),
                Err(error) => panic!("{words:?} is not said, {error}: {others}"),
            }
        }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        // If this fails, it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Forwards the lines of a process until it ends.
fn forward(output: impl Read + Send + 'static, heard: mpsc::Sender<String>) {
    let lines = BufReader::new(output).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| heard.send(line)));
}
