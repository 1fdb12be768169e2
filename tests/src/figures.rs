//! Figures printed by benchmarks: as lines for people, and as JSON.

use serde::Serialize;
use std::time::Duration;

/// A figure with its unit and, if there is one, its goal.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    what: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<&'static str>,
}

impl Fact {
    /// A figure.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, goal: None }
    }

    /// A number of things.
    pub fn count(what: impl Into<String>, value: usize) -> Self {
        Self::new(what, f64::from(u32::try_from(value).expect("fewer than 2^32 things are counted")), "")
    }

    /// A time.
    pub fn milliseconds(what: impl Into<String>, value: Duration) -> Self {
        Self::new(what, value.as_secs_f64() * 1_000.0, "ms")
    }

    /// A time in microseconds.
    pub fn microseconds(what: impl Into<String>, value: f64) -> Self {
        Self::new(what, value, "µs")
    }

    /// A rate.
    pub fn per_second(what: impl Into<String>, value: f64) -> Self {
        Self::new(what, value, "/s")
    }

    /// A ratio of two rates.
    pub fn ratio(what: impl Into<String>, value: f64) -> Self {
        Self::new(what, value, "")
    }

    /// A size.
    pub fn mebibytes(what: impl Into<String>, bytes: u64) -> Self {
        let kibibytes = u32::try_from(bytes / 1_024).expect("less than 4 TiB");
        Self::new(what, f64::from(kibibytes) / 1_024.0, "MiB")
    }

    /// The same figure with a goal.
    #[must_use]
    pub fn goal(self, goal: &'static str) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// A line for people.
    pub fn print(&self) {
        let Self { what, value, unit, goal } = self;
        let goal = goal.map(|goal| format!("   (goal: {goal})")).unwrap_or_default();
        let value = if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") };
        println!("{what:<58} {value:>12} {unit}{goal}");
    }
}

/// Figures, printed as they are found.
#[derive(Default, serde::Serialize)]
#[serde(transparent)]
pub struct Figures(Vec<Fact>);

impl Figures {
    /// Prints it and keeps it.
    pub fn push(&mut self, fact: Fact) {
        fact.print();
        self.0.push(fact);
    }
}

/// Items per second.
pub fn rate(count: usize, time: Duration) -> f64 {
    let count = u32::try_from(count).expect("fewer than 2^32 things are measured");
    f64::from(count) / time.as_secs_f64()
}
