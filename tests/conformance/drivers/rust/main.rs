//! The Rust client as a driver of the conformance tests: a command a line on standard input, an answer a line on
//! standard output. `tests/conformance/README.md` describes the commands.
//!
//! Invariant: everything is done by `kith-client` and what it is made of; nothing is decided here.

mod answers;
mod bytes;
mod calls;
mod commands;
mod proofs;
mod streams;

use answers::Failure;
use calls::Connections;
use serde_json::{Value, json};
use std::{
    io::{Write, stdin, stdout},
    thread,
};
use streams::Streams;
use tokio::sync::mpsc::unbounded_channel;

/// What the runner may ask for beyond the commands that every driver has.
const FEATURES: [&str; 5] = ["attempts", "follow", "proofs", "stream", "views"];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    say(&json!({ "driver": "rust", "version": env!("CARGO_PKG_VERSION"), "features": FEATURES }));
    let mut driver = Driver::default();
    let (sender, mut lines) = unbounded_channel();
    thread::spawn(move || stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    while let Some(line) = lines.recv().await {
        let command: Value = serde_json::from_str(&line).expect("commands are JSON");
        let mut answer = match driver.carry_out(&command).await {
            Ok(answer) => json!({ "ok": answer }),
            Err(Failure::Failed(error)) => json!({ "error": error }),
            Err(Failure::Unknown) => json!({ "unsupported": command["do"] }),
        };
        answer["n"] = command["n"].clone();
        say(&answer);
    }
}

fn say(line: &Value) {
    writeln!(stdout(), "{line}").expect("the runner listens");
}

/// What is open.
#[derive(Default)]
struct Driver {
    connections: Connections,
    streams: Streams,
}

impl Driver {
    async fn carry_out(&mut self, command: &Value) -> Result<Value, Failure> {
        match commands::text(command, "do") {
            "encode" => bytes::encode(command),
            "decode" => bytes::decode(command),
            "check" => bytes::check(command),
            "make" => bytes::make(command),
            "keep" => bytes::keep(command),
            "person_id" => Ok(bytes::person_id()),
            "verify_note" => proofs::verify_note(command),
            "verify_inclusion" => proofs::verify_inclusion(command),
            "verify_consistency" => proofs::verify_consistency(command),
            "verify_receipt" => proofs::verify_receipt(command),
            "verify_growth" => proofs::verify_growth(command),
            "connect" => self.connections.connect(command),
            "follow" => Ok(self.streams.follow(self.connections.on(command), command)),
            "watch" => Ok(self.streams.watch(self.connections.on(command), command)),
            "next" => self.streams.next(command).await,
            "stop" => Ok(self.streams.stop(command)),
            name => calls::call(name, self.connections.on(command), command).await,
        }
    }
}
