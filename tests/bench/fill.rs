//! Fills the log of a stopped server through the log itself, as fast as it goes.

use crate::load::{meetings, people as new_people};
use anyhow::Result;
use kith_core::{
    decide::{Command, Origin},
    event::Role,
    may::{Credential, Principal, Reach},
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_log::{Config, Log, Network};
use kith_proto::v1::NewEvent;
use std::{path::Path, sync::Arc};

/// Events of one append.
const EVENTS_PER_APPEND: usize = 1_000;

/// Adds the people that events are about.
pub(crate) async fn people(data: &Path) -> Result<()> {
    let (log, network) = open(data)?;
    append(&network, &new_people()).await?;
    log.shutdown().await;
    Ok(())
}

/// Adds so many events.
pub(crate) async fn events(data: &Path, count: usize) -> Result<()> {
    let (log, network) = open(data)?;
    let mut pending = tokio::task::JoinSet::new();
    for _ in 0..count.div_ceil(EVENTS_PER_APPEND) {
        if pending.len() >= 4 {
            pending.join_next().await.expect("something is pending")??;
        }
        let network = network.clone();
        pending.spawn(async move { append(&network, &meetings(EVENTS_PER_APPEND)).await });
    }
    for done in pending.join_all().await {
        done?;
    }
    log.shutdown().await;
    Ok(())
}

fn open(data: &Path) -> Result<(Log, Network)> {
    let config = Config { data: data.to_owned(), ..Config::default() };
    let log = Log::open(&config, Arc::new(now))?;
    let network = log.network(&"default".parse()?).expect("the server made the network");
    Ok((log, network))
}

fn now() -> Timestamp {
    let (seconds, nanos) = uuid::Uuid::now_v7().get_timestamp().expect("version 7 holds a time").to_unix();
    let millis = i64::try_from(seconds).expect("the time is in this era") * 1_000;
    Timestamp::from_millis(millis + i64::from(nanos / 1_000_000))
}

async fn append(network: &Network, events: &[NewEvent]) -> Result<()> {
    let events = events.iter().map(Prepared::new).collect::<Result<Vec<_>, _>>()?;
    let principal = Principal {
        id: "bench".parse()?,
        credential: Credential::Program,
        reach: Reach::Server,
        role: Role::Owner,
        person: None,
        organisation: None,
    };
    network.append(Command { principal, events, condition: None, origin: Origin::Client }).await?;
    Ok(())
}
