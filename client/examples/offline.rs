//! A complete app that works offline: records a meeting, syncs when there is a server, shows what is waiting.
//!
//! `cargo run -p kith-client --features replica --example offline -- FOLDER URL TOKEN PERSON PERSON`

use kith_client::{
    Client, Options, ReadOptions,
    replica::{Happening, Replica, ReplicaOptions},
};
use kith_core::event::{Fact, Habit, Met};
use std::{error::Error, path::Path};

/// Records that two people met and prints the outcome, with or without a server.
pub(crate) async fn run(
    folder: &Path,
    url: &str,
    token: &str,
    people: [&str; 2],
) -> Result<Vec<String>, Box<dyn Error>> {
    let replica = Replica::open(folder, ReplicaOptions::new("default".parse()?))?;
    let mut happenings = replica.happenings();

    // On disk when `record` returns, and in the log eventually.
    let people = people.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
    let event = replica.event(Fact::Habit(Habit::Met(Met { people }))).build()?;
    replica.record(&event)?;

    // Connects when needed: an app creates it once, and calls `follow` instead of `sync`.
    let client = Client::lazy(Options::new(url, token, "default".parse()?))?;
    let mut told = Vec::new();
    match replica.sync(&client).await {
        Ok(report) => told.push(format!("level with the server at position {}", report.position)),
        Err(error) if error.is_retryable() => told.push("no server: it is sent later".to_owned()),
        Err(error) => return Err(error.into()),
    }

    while let Ok(happening) = happenings.try_recv() {
        if let Happening::Answered { id, result: Err(refused) } = happening {
            told.push(format!("{id} was refused: {refused}"));
        }
    }
    let page = replica.read(&ReadOptions { limit: 10, ..ReadOptions::default() })?;
    for recorded in page.entries.decode()? {
        told.push(format!("{} {}", recorded.entry.position, recorded.event.kind()));
    }
    for pending in replica.pending()? {
        told.push(format!("on its way: {}", pending.event.event().kind()));
    }
    Ok(told)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, url, token, one, other] = arguments.as_slice() else {
        return Err("name a folder, the server's URL, a token and two people".into());
    };
    for line in run(folder.as_ref(), url, token, [one, other]).await? {
        println!("{line}");
    }
    Ok(())
}
