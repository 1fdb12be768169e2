//! The result of running a program, with the checks that all tests make on it.

use serde_json::Value;
use std::{
    io::Write,
    process::{Command, Stdio},
};

/// A program that has ended.
#[derive(Debug)]
pub struct Ran {
    /// The program and its arguments, for messages.
    pub command: Vec<String>,
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

#[allow(clippy::return_self_not_must_use, reason = "checks are called for what they check")]
impl Ran {
    /// Runs a command to completion, with text on its standard input.
    pub fn run(command: &mut Command, input: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = input.to_owned();
        // A program that rejects its arguments ends without reading.
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("writing does not panic");
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Self {
            command: words.map(|word| word.to_string_lossy().into_owned()).collect(),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("programs print UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("programs print UTF-8"),
        }
    }

    /// Checks that the run succeeded.
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Checks the exit code, and that the program did not panic.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{:?}\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked at"), "{:?} panicked: {}", self.command, self.stderr);
        self
    }

    /// Checks that standard error contains a text.
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{:?} should say {text:?}: {}", self.command, self.stderr);
        self
    }

    /// Checks that standard output contains a text.
    pub fn prints(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "{:?} should print {text:?}: {}", self.command, self.stdout);
        self
    }

    /// Reads the output as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Reads the output as one JSON value per line.
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The error that a run with JSON output reports on standard error.
    pub fn json_error(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let value: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        value["error"].clone()
    }
}
