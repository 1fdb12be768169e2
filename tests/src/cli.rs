//! Runs the real `kith` command.

use crate::{programs::program, ran::Ran};
use serde_json::Value;
use std::{process::Command, sync::Arc};
use tempfile::TempDir;

/// `kith` with settings shared by all of its runs.
#[derive(Clone)]
pub struct Cli {
    server: String,
    token: String,
    network: String,
    /// The folder for the profile and known logs.
    config: Arc<TempDir>,
}

impl Cli {
    /// Calls a server with a token, on network `default`.
    pub fn new(server: &str, token: &str) -> Self {
        let config = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self { server: server.to_owned(), token: token.to_owned(), network: "default".to_owned(), config }
    }

    /// The same on another network.
    #[must_use]
    pub fn network(&self, network: &str) -> Self {
        Self { network: network.to_owned(), ..self.clone() }
    }

    /// The same with another token.
    #[must_use]
    pub fn token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The same with another server.
    #[must_use]
    pub fn server(&self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self.clone() }
    }

    /// A command ready to be spawned.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("kith"));
        command
            .args(arguments)
            .env("KITH_SERVER", &self.server)
            .env("KITH_TOKEN", &self.token)
            .env("KITH_NETWORK", &self.network)
            .env("TZ", "UTC")
            .env("XDG_CONFIG_HOME", self.config.path())
            .env_remove("KITH_TOKEN_FILE")
            .env_remove("KITH_REPLICA");
        for name in ["KITH_CA", "KITH_CLIENT_CERT", "KITH_CLIENT_KEY", "KITH_ALLOW_PLAINTEXT"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs to completion.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    /// Runs to completion with text on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        Ran::run(&mut self.command(arguments), input)
    }

    /// Runs to completion with JSON output.
    pub fn run_json(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["--output", "json"];
        all.extend_from_slice(arguments);
        self.run(&all)
    }

    /// Runs with JSON output; it must succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run_json(arguments).ok().json()
    }

    /// Runs with one JSON value per line; it must succeed.
    pub fn json_lines(&self, arguments: &[&str]) -> Vec<Value> {
        self.run_json(arguments).ok().json_lines()
    }

    /// The head's position.
    pub fn head(&self) -> u64 {
        self.json(&["head"])["position"].as_u64().expect("a head has a position")
    }
}
