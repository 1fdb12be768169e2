//! Rates of a real `kithd` over gRPC on loopback, beside raw redb on the same disk in the same run.
//!
//! `cargo bench -p kith-tests -- --events 100000 --json figures.json`

mod load;
mod raw;
mod report;

use anyhow::Result;
use clap::Parser;
use kith_tests::server::Server;
use load::Load;
use raw::Raw;
use report::{Line, print_head, rate};
use std::{fs, path::PathBuf};

/// Bytes of an entry as stored, for raw redb's rows.
const ENTRY_BYTES: usize = 250;
/// Entries that a view folds in one transaction while it is built.
const DERIVE_ENTRIES_PER_COMMIT: usize = 16_384;

#[derive(Parser)]
#[command(about = "Rates of kithd beside raw redb")]
struct Arguments {
    /// Events to append in bulk, before catch-up and derive are measured.
    #[arg(long, default_value_t = 200_000)]
    events: usize,
    /// Calls of the measurements that append one event a call.
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// Write the figures to this file too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let mut raw = Raw::create(folder.path())?;
    let server = Server::start();
    let load = Load::connect(&server).await?;
    load.add_people().await?;

    print_head();
    let mut lines = append_lines(&arguments, &load, &mut raw).await?;
    lines.push(catch_up_line(&load, &raw).await?);
    lines.push(derive_line(server, &mut raw).await?);
    lines.iter().for_each(Line::print);
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&lines)?)?;
    }
    Ok(())
}

async fn append_lines(arguments: &Arguments, load: &Load, raw: &mut Raw) -> Result<Vec<Line>> {
    let (calls, bulk) = (arguments.calls, arguments.events);
    let one = load.append_calls(calls, 1).await?;
    let mut lines = vec![Line::calls("append, one at a time", 1, &one, &raw.append(calls, 1, ENTRY_BYTES)?)];

    let flights = calls * 16;
    let kith = rate(flights, load.append_in_flight(flights, 64).await?);
    let group = raw.append(flights / 64, 64, ENTRY_BYTES)?;
    let redb = rate(flights / 64 * 64, group.iter().sum());
    lines.push(Line::rates("append, 64 in flight", kith, redb));

    let stream = load.append_stream(bulk / 64, 64).await?;
    lines.push(Line::rates("append stream, 64 a message", rate(bulk / 64 * 64, stream), redb));

    for (what, rows) in [("append, 100 a call", 100), ("append, 1,000 a call", 1_000)] {
        let kith = load.append_calls(bulk / 2 / rows, rows).await?;
        lines.push(Line::calls(what, rows, &kith, &raw.append(bulk / 2 / rows, rows, ENTRY_BYTES)?));
    }
    Ok(lines)
}

async fn catch_up_line(load: &Load, raw: &Raw) -> Result<Line> {
    let (entries, time) = load.catch_up().await?;
    let (rows, scan) = raw.scan()?;
    Ok(Line::rates("catch-up, one client", rate(entries, time), rate(rows, scan)))
}

/// A view's first build over the whole log, beside redb writing as many rows.
async fn derive_line(server: Server, raw: &mut Raw) -> Result<Line> {
    let data = server.data();
    assert!(server.terminate().success(), "kithd stops in good order");
    fs::remove_dir_all(data.path().join("views"))?;
    let server = Server::start_on(data, &[]);
    let load = Load::connect(&server).await?;
    let time = load.wait_for_view("strength").await?;
    let (entries, _) = load.catch_up().await?;
    let commits = (entries / DERIVE_ENTRIES_PER_COMMIT).max(1);
    let redb = raw.append(commits, DERIVE_ENTRIES_PER_COMMIT, ENTRY_BYTES)?;
    let redb = rate(commits * DERIVE_ENTRIES_PER_COMMIT, redb.iter().sum());
    Ok(Line::rates("derive strength, from nothing", rate(entries, time), redb))
}
