//! A driver: a program that is told what to do, a line of JSON at a time, and says what came of it.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// How long a command may take.
const COMMAND_MAX: Duration = Duration::from_secs(20);

/// A running driver. Dropping it ends the program.
pub(crate) struct Driver {
    command: Command,
    running: Running,
    features: Vec<String>,
    number: u64,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) enum Answer {
    Ok(Value),
    Error(Value),
}

impl Driver {
    /// Starts the program and reads its greeting.
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let (running, features) = Running::start(&mut command)?;
        Ok(Self { command, running, features, number: 0 })
    }

    /// What the driver can do beyond the commands that every driver has.
    pub(crate) fn features(&self) -> &[String] {
        &self.features
    }

    pub(crate) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|one| one == feature)
    }

    /// Tells the driver to do something. One that does not answer is started anew.
    pub(crate) fn tell(&mut self, mut command: Value) -> Result<Answer> {
        self.number += 1;
        command["n"] = json!(self.number);
        let told = self.running.tell(&command).with_context(|| format!("{} is not answered", command["do"]));
        let mut answer = match told {
            Ok(answer) => answer,
            Err(error) => {
                (self.running, _) = Running::start(&mut self.command)?;
                return Err(error);
            }
        };
        if answer["n"] != command["n"] {
            bail!("the answer to {} has the number {}", command["do"], answer["n"]);
        }
        match (answer["ok"].take(), answer["error"].take()) {
            (Value::Null, Value::Null) => bail!("{} is not supported: {answer}", command["do"]),
            (Value::Null, error) => Ok(Answer::Error(error)),
            (ok, _) => Ok(Answer::Ok(ok)),
        }
    }
}

/// A running program and what it says.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(command: &mut Command) -> Result<(Self, Vec<String>)> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.with_context(|| format!("{command:?} does not start"))?;
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let running = Self { child, lines };
        let greeting = running.hear().with_context(|| format!("{command:?} says nothing"))?;
        let features: Vec<String> = serde_json::from_value(greeting["features"].clone())
            .with_context(|| format!("{greeting} is no greeting"))?;
        Ok((running, features))
    }

    fn tell(&mut self, command: &Value) -> Result<Value> {
        writeln!(self.child.stdin.as_mut().expect("stdin is piped"), "{command}")?;
        self.hear()
    }

    fn hear(&self) -> Result<Value> {
        match self.lines.recv_timeout(COMMAND_MAX) {
            Ok(line) => serde_json::from_str(&line).with_context(|| format!("{line:?} is not JSON")),
            Err(RecvTimeoutError::Timeout) => bail!("the driver says nothing for {COMMAND_MAX:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the driver has ended"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
