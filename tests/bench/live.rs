//! Many clients that follow the log: how soon each sees an event, and how many deliveries a second there are.

use crate::{Arguments, load::Load, process::processor_time, report::Report};
use anyhow::{Context, Result};
use kith_tests::{
    figures::{Fact, rate},
    server::Server,
};
use std::time::{Duration, Instant};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

/// Followers on one connection.
const FOLLOWERS_PER_CONNECTION: usize = 10;
/// Events whose way is timed, one every so often.
const PACED_EVENTS: usize = 400;
const PACE: Duration = Duration::from_millis(10);
/// Bursts of events at full speed, so many events a call. Views that begin to work during a burst take half of the
/// processor from it, which chance decides: hence several bursts.
const BURSTS: usize = 5;
const BURST_CALLS: usize = 200;
const BURST_EVENTS_PER_CALL: usize = 100;

/// When a follower saw entries up to a position.
struct Seen {
    position: u64,
    at: Instant,
}

/// Followers of the log from its head on.
struct Followers {
    tasks: JoinSet<Result<()>>,
    seen: mpsc::UnboundedReceiver<Seen>,
    count: usize,
}

pub(crate) async fn measure(arguments: &Arguments, server: &Server, load: &Load, report: &mut Report) -> Result<()> {
    if arguments.subscribers == 0 {
        return Ok(());
    }
    load.settle().await?;
    let mut followers = Followers::start(arguments.subscribers, server).await?;
    let mut ways = followers.paced(load).await?;
    ways.sort_unstable();
    report.fact(Fact::milliseconds("append to seen by each, p50", ways[ways.len() / 2]));
    report.fact(Fact::milliseconds("append to seen by each, p99", ways[ways.len() * 99 / 100]));

    let (mut rates, mut costs) = (Vec::with_capacity(BURSTS), Vec::with_capacity(BURSTS));
    for _ in 0..BURSTS {
        load.settle().await?;
        let before = processor_time(server.pid())?;
        let (deliveries, time) = followers.burst(load).await?;
        let used = processor_time(server.pid())?.saturating_sub(before);
        rates.push(rate(deliveries, time));
        costs.push(used.as_secs_f64() * 1e6 / f64::from(u32::try_from(deliveries)?));
    }
    report.fact(Fact::per_second("deliveries at full speed", median(rates)));
    report.fact(Fact::microseconds("processor time a delivery, appends included", median(costs)));
    followers.tasks.shutdown().await;
    Ok(())
}

impl Followers {
    async fn start(count: usize, server: &Server) -> Result<Self> {
        let (sender, seen) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let mut connection = Load::connect(server).await?;
        for number in 0..count {
            if number % FOLLOWERS_PER_CONNECTION == 0 {
                connection = Load::connect(server).await?;
            }
            let mut messages = connection.follow(connection.head().await? as u64).await?;
            let sender = sender.clone();
            tasks.spawn(async move {
                while let Some(message) = messages.message().await? {
                    let position = message.cursor.context("messages have cursors")?.position;
                    if !message.entries.is_empty() && sender.send(Seen { position, at: Instant::now() }).is_err() {
                        break;
                    }
                }
                Ok(())
            });
        }
        Ok(Self { tasks, seen, count })
    }

    /// Appends one event at a time; gives how long each follower waited for each.
    async fn paced(&mut self, load: &Load) -> Result<Vec<Duration>> {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ways = Vec::with_capacity(PACED_EVENTS * self.count);
        for _ in 0..PACED_EVENTS {
            pace.tick().await;
            let started = Instant::now();
            load.append_calls(1, 1).await?;
            for _ in 0..self.count {
                let seen = self.seen.recv().await.context("followers go on")?;
                ways.push(seen.at - started);
            }
        }
        Ok(ways)
    }

    /// Appends at full speed; gives the number of deliveries and the time until the last follower has seen all.
    async fn burst(&mut self, load: &Load) -> Result<(usize, Duration)> {
        let started = Instant::now();
        load.append_calls(BURST_CALLS, BURST_EVENTS_PER_CALL).await?;
        let head = load.head().await? as u64;
        let mut level = 0;
        while level < self.count {
            let seen = self.seen.recv().await.context("followers go on")?;
            level += usize::from(seen.position >= head);
        }
        Ok((BURST_CALLS * BURST_EVENTS_PER_CALL * self.count, started.elapsed()))
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
