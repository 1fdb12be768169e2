//! Rates of a real `kithd` over gRPC on loopback, beside raw redb on the same disk in the same run.
//!
//! `cargo bench -p kith-tests -- --help`

mod fill;
mod live;
mod load;
mod offline;
mod raw;
mod report;

use anyhow::Result;
use clap::Parser;
use kith_tests::{
    figures::{Fact, rate},
    process,
    server::{DataFolder, Server},
};
use load::Load;
use raw::Raw;
use report::{Line, Report, median};
use std::{fs, path::PathBuf, sync::Arc, time::Instant};

/// Bytes of an entry as stored, for raw redb's rows.
const ENTRY_BYTES: usize = 250;
/// Entries that a view folds in one transaction while it is built.
const DERIVE_ENTRIES_PER_COMMIT: usize = 16_384;
/// Entries that raw redb commits at a time to grow as large as the log.
const GROW_ENTRIES_PER_COMMIT: usize = 10_000;

#[derive(Parser)]
#[command(about = "Rates of kithd beside raw redb, as a table and as JSON")]
struct Arguments {
    /// Entries that are in the log, and rows in raw redb, before anything is measured.
    #[arg(long, default_value_t = 0)]
    grow: usize,
    /// Events that each measurement of bulk appends sends.
    #[arg(long, default_value_t = 100_000)]
    events: usize,
    /// Calls of the measurements that append one event a call.
    #[arg(long, default_value_t = 1_000)]
    calls: usize,
    /// Times that each append is measured, Kith and redb in turn; the table shows the run with the median ratio.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Clients that follow the log in the measurements of live delivery.
    #[arg(long, default_value_t = 100)]
    subscribers: usize,
    /// Write the figures to this file too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Given by `cargo bench`; means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    // In a task, as in an app: on the threads that also serve the connections.
    tokio::spawn(measure(Arguments::parse())).await?
}

async fn measure(arguments: Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut raw = Raw::create(folder.path())?;
    let mut report = Report::default();

    let data = Arc::<DataFolder>::default();
    assert!(Server::start_on(data.clone(), &[]).terminate().success(), "kithd stops in good order");
    fill::people(data.path()).await?;
    if arguments.grow > 0 {
        fill::events(data.path(), arguments.grow).await?;
        raw.append(arguments.grow / GROW_ENTRIES_PER_COMMIT, GROW_ENTRIES_PER_COMMIT, ENTRY_BYTES)?;
    }
    let (server, ready) = timed_start(&data);
    report.fact(Fact::milliseconds("start to ready", ready));
    let load = Load::connect(&server).await?;
    let size = load.head().await?;
    report.fact(Fact::count("entries in the log", size));
    let built = load.settle().await?;
    if arguments.grow > 0 {
        report.line(derive_line(size, built, &mut raw)?);
    }

    appends(&arguments, &load, &mut raw, &mut report).await?;
    report.line(catch_up_line(&arguments, &load, &raw).await?);
    live::measure(&arguments, &server, &load, &mut report).await?;
    report.fact(Fact::mebibytes("memory with all that", process::resident_bytes(server.pid())?));
    offline::measure(&server, &load, &mut report).await?;
    starts(server, &mut report);

    report.print();
    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(())
}

fn timed_start(data: &Arc<DataFolder>) -> (Server, std::time::Duration) {
    let started = Instant::now();
    let server = Server::start_on(data.clone(), &[]);
    (server, started.elapsed())
}

/// Starts after an orderly stop and after a kill.
fn starts(server: Server, report: &mut Report) {
    let data = server.data();
    assert!(server.terminate().success(), "kithd stops in good order");
    let (server, ready) = timed_start(&data);
    report.fact(Fact::milliseconds("start after an orderly stop", ready));
    let data = server.kill();
    let (_server, ready) = timed_start(&data);
    report.fact(Fact::milliseconds("start after kill -9", ready));
}

async fn appends(arguments: &Arguments, load: &Load, raw: &mut Raw, report: &mut Report) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..arguments.runs {
        rounds.push(append_round(arguments, load, raw).await?);
    }
    for index in 0..rounds[0].len() {
        report.line(median(rounds.iter().map(|round| round[index].clone()).collect()));
    }
    Ok(())
}

/// Measures every kind of append once, each when the views have folded the one before: neither Kith nor redb pays for
/// what was measured earlier.
async fn append_round(arguments: &Arguments, load: &Load, raw: &mut Raw) -> Result<Vec<Line>> {
    let (calls, bulk) = (arguments.calls, arguments.events);
    let one = load.append_calls(calls, 1).await?;
    load.settle().await?;
    let mut lines = vec![Line::calls("append, one at a time", 1, &one, &raw.append(calls, 1, ENTRY_BYTES)?)];

    let flights = calls * 16;
    let kith = rate(flights, load.append_in_flight(flights, 64).await?);
    load.settle().await?;
    let group = raw.append(flights / 64, 64, ENTRY_BYTES)?;
    let redb = rate(flights / 64 * 64, group.iter().sum());
    lines.push(Line::rates("append, 64 in flight", kith, redb));

    let together = rate(flights, load.append_together(flights, 64).await?);
    load.settle().await?;
    lines.push(Line::rates("the same, sharing a stream", together, redb));

    let stream = load.append_stream(bulk / 64, 64).await?;
    load.settle().await?;
    lines.push(Line::rates("append stream, 64 a message", rate(bulk / 64 * 64, stream), redb));

    for (what, rows) in [("append, 100 a call", 100), ("append, 1,000 a call", 1_000)] {
        let kith = load.append_calls(bulk / rows, rows).await?;
        load.settle().await?;
        lines.push(Line::calls(what, rows, &kith, &raw.append(bulk / rows, rows, ENTRY_BYTES)?));
    }
    let import = load.append_stream(bulk / 1_000, 1_000).await?;
    load.settle().await?;
    let commits = raw.append(bulk / 1_000, 1_000, ENTRY_BYTES)?;
    let redb = rate(bulk / 1_000 * 1_000, commits.iter().sum());
    lines.push(Line::rates("import, 1,000 a message", rate(bulk / 1_000 * 1_000, import), redb));
    Ok(lines)
}

async fn catch_up_line(arguments: &Arguments, load: &Load, raw: &Raw) -> Result<Line> {
    let mut lines = Vec::new();
    load.settle().await?;
    for _ in 0..arguments.runs {
        let (entries, time) = load.catch_up().await?;
        let (rows, scan) = raw.scan()?;
        lines.push(Line::rates("catch-up, one client", rate(entries, time), rate(rows, scan)));
    }
    Ok(median(lines))
}

/// The first build of every view over the whole log, all at once, beside redb writing as many rows.
fn derive_line(entries: usize, built: std::time::Duration, raw: &mut Raw) -> Result<Line> {
    let commits = (entries / DERIVE_ENTRIES_PER_COMMIT).clamp(1, 20);
    let redb = raw.append(commits, DERIVE_ENTRIES_PER_COMMIT, ENTRY_BYTES)?;
    let redb = rate(commits * DERIVE_ENTRIES_PER_COMMIT, redb.iter().sum());
    Ok(Line::rates("build every view from nothing", rate(entries, built), redb))
}
