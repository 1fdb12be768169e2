//! A replica of the whole log in this process: the first sync, verified and stored, and a sync of one entry.

use crate::{load::Load, report::Report};
use anyhow::Result;
use kith_client::{
    Client, Options,
    replica::{Replica, ReplicaOptions},
};
use kith_tests::{
    figures::{Fact, rate},
    process::resident_bytes,
    server::Server,
};
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

/// Syncs of one entry each, and pairs of bare syncs of a file beside them.
const SYNCS: usize = 200;
/// Bytes written before each bare sync.
const PAGE: [u8; 4096] = [1; 4096];

pub(crate) async fn measure(server: &Server, load: &Load, report: &mut Report) -> Result<()> {
    load.settle().await?;
    let folder = tempfile::tempdir()?;
    let client = Client::lazy(Options::new(server.url(), server.token().as_str(), "default".parse()?))?;
    let before = resident_bytes(std::process::id())?;
    let replica = Replica::open(&folder.path().join("replica"), ReplicaOptions::new("default".parse()?))?;
    let begun = Instant::now();
    let entries = replica.sync(&client).await?.position.get();
    let first = begun.elapsed();
    let grown = resident_bytes(std::process::id())?.saturating_sub(before);
    report.fact(Fact::milliseconds("first sync of a replica, verified and stored", first));
    report.fact(Fact::per_second("entries of it", rate(usize::try_from(entries)?, first)));
    report.fact(Fact::mebibytes("memory that the first sync added", grown));
    let log = fs::metadata(server.data().path().join("log.redb"))?.len();
    report.fact(Fact::mebibytes("size of the log's file", log));
    report.fact(Fact::mebibytes("size of the replica's file", size(&folder.path().join("replica"))?));

    let mut syncs = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        load.append_calls(1, 1).await?;
        let begun = Instant::now();
        replica.sync(&client).await?;
        syncs.push(begun.elapsed());
    }
    report.fact(Fact::milliseconds("sync of one entry, p50", median(syncs)));
    report.fact(Fact::milliseconds("two bare syncs of a file, p50", median(bare_syncs(folder.path())?)));
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Bytes of the replica's own file.
fn size(folder: &Path) -> Result<u64> {
    Ok(fs::metadata(folder.join("replica.redb"))?.len())
}

/// What the disk takes at least for two commits.
fn bare_syncs(folder: &Path) -> Result<Vec<Duration>> {
    let mut file = File::create(folder.join("bare"))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        for _ in 0..2 {
            file.write_all(&PAGE)?;
            file.sync_data()?;
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}
