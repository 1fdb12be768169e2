//! The figures as a table and as JSON.

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

/// A figure that raw redb has no part in.
#[derive(Serialize)]
pub(crate) struct Fact {
    what: &'static str,
    value: f64,
    unit: &'static str,
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
        for Fact { what, value, unit } in &self.facts {
            println!("{what:<46} {value:>11.1} {unit}");
        }
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

impl Fact {
    pub(crate) fn count(what: &'static str, value: usize) -> Self {
        Self { what, value: f64::from(u32::try_from(value).expect("fewer than 2^32 things are counted")), unit: "" }
    }

    pub(crate) fn milliseconds(what: &'static str, value: Duration) -> Self {
        Self { what, value: value.as_secs_f64() * 1_000.0, unit: "ms" }
    }

    pub(crate) fn microseconds(what: &'static str, value: f64) -> Self {
        Self { what, value, unit: "µs" }
    }

    pub(crate) fn per_second(what: &'static str, value: f64) -> Self {
        Self { what, value, unit: "/s" }
    }

    pub(crate) fn mebibytes(what: &'static str, bytes: u64) -> Self {
        let kibibytes = u32::try_from(bytes / 1_024).expect("less than 4 TiB");
        Self { what, value: f64::from(kibibytes) / 1_024.0, unit: "MiB" }
    }
}

/// Of equal lines the one with the median ratio.
pub(crate) fn median(mut lines: Vec<Line>) -> Line {
    lines.sort_by(|one, other| one.ratio.total_cmp(&other.ratio));
    lines.swap_remove(lines.len() / 2)
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
