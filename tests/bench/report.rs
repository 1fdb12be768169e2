//! The figures as a table and as JSON.

use kith_tests::figures::{Fact, rate};
use serde::Serialize;
use std::time::Duration;

/// Everything that was measured.
#[derive(Default, Serialize)]
pub(crate) struct Report {
    lines: Vec<Line>,
    facts: Vec<Fact>,
}

/// One line: Kith beside raw redb in the same run.
#[derive(Clone, Serialize)]
pub(crate) struct Line {
    /// What was measured.
    what: &'static str,
    /// Events, entries or commits a second.
    kith_per_second: f64,
    /// The same number of rows by raw redb.
    redb_per_second: f64,
    /// Kith over redb.
    ratio: f64,
    /// Median time of a call in milliseconds, where calls come one after the other.
    kith_p50_ms: Option<f64>,
    /// Median time of redb's commit in milliseconds.
    redb_p50_ms: Option<f64>,
}

impl Report {
    pub(crate) fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub(crate) fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// The table for people.
    pub(crate) fn print(&self) {
        println!("{:<34} {:>11} {:>11} {:>6} {:>8} {:>8}", "", "kith /s", "redb /s", "ratio", "p50 ms", "redb ms");
        self.lines.iter().for_each(Line::print);
        println!();
        self.facts.iter().for_each(Fact::print);
    }
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

    fn print(&self) {
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

/// Of equal lines the one with the median ratio.
pub(crate) fn median(mut lines: Vec<Line>) -> Line {
    lines.sort_by(|one, other| one.ratio.total_cmp(&other.ratio));
    lines.swap_remove(lines.len() / 2)
}

fn total(times: &[Duration]) -> Duration {
    times.iter().sum()
}

fn median_ms(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2].as_secs_f64() * 1_000.0
}
