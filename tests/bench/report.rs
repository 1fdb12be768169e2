//! The figures as a table and as JSON.

use serde::Serialize;
use std::time::Duration;

/// One line: Kith beside raw redb in the same run.
#[derive(Serialize)]
pub(crate) struct Line {
    /// What was measured.
    pub(crate) what: &'static str,
    /// Events, entries or commits a second.
    pub(crate) kith_per_second: f64,
    /// The same number of rows by raw redb.
    pub(crate) redb_per_second: f64,
    /// Kith over redb.
    pub(crate) ratio: f64,
    /// Median time of a call in milliseconds, where calls come one after the other.
    pub(crate) kith_p50_ms: Option<f64>,
    /// Median time of redb's commit in milliseconds.
    pub(crate) redb_p50_ms: Option<f64>,
}

impl Line {
    /// A line from rates.
    pub(crate) fn rates(what: &'static str, kith_per_second: f64, redb_per_second: f64) -> Self {
        let ratio = kith_per_second / redb_per_second;
        Self { what, kith_per_second, redb_per_second, ratio, kith_p50_ms: None, redb_p50_ms: None }
    }

    /// A line from the times of calls and commits with `rows` rows each.
    pub(crate) fn calls(what: &'static str, rows: usize, kith: &[Duration], redb: &[Duration]) -> Self {
        let mut line = Self::rates(what, rate(rows * kith.len(), total(kith)), rate(rows * redb.len(), total(redb)));
        line.kith_p50_ms = Some(median_ms(kith));
        line.redb_p50_ms = Some(median_ms(redb));
        line
    }

    /// The line for people.
    pub(crate) fn print(&self) {
        let p50 = match (self.kith_p50_ms, self.redb_p50_ms) {
            (Some(kith), Some(redb)) => format!("{kith:>8.2} {redb:>8.2}"),
            _ => format!("{:>8} {:>8}", "-", "-"),
        };
        println!(
            "{:<34} {:>11.0} {:>11.0} {:>6.2} {p50}",
            self.what, self.kith_per_second, self.redb_per_second, self.ratio
        );
    }
}

/// The table's head.
pub(crate) fn print_head() {
    println!("{:<34} {:>11} {:>11} {:>6} {:>8} {:>8}", "", "kith /s", "redb /s", "ratio", "p50 ms", "redb ms");
}

/// Things a second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    let count = u32::try_from(count).expect("fewer than 2^32 things are measured");
    f64::from(count) / time.as_secs_f64()
}

fn total(times: &[Duration]) -> Duration {
    times.iter().sum()
}

fn median_ms(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2].as_secs_f64() * 1_000.0
}
