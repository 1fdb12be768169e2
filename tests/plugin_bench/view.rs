//! A view of a large log: built from nothing, asked, explained, and with rows of the next day.

use crate::{
    TIMES, follow,
    log::{MemoryLog, TODAY, explained, person},
    native, times,
};
use anyhow::{Result, ensure};
use bytes::Bytes;
use kith_core::{day::Day, history::History};
use kith_tests::{
    figures::{Fact, Figures, rate},
    process::processor_time,
};
use kith_views::{Clock, Explain, Query, ViewHandle, Views};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

/// The longest that a turn of the day may take.
const TURN_MAX: Duration = Duration::from_mins(10);
/// Between two questions while the day turns.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(20);

/// A view that is built, asked and explained, and whose day turns.
pub(crate) async fn measure(
    views: &Views,
    strength: &Bytes,
    events: usize,
    people: usize,
    facts: &mut Figures,
) -> Result<()> {
    let log = MemoryLog::meetings(events, people);
    let day = Arc::new(AtomicI32::new(TODAY.number()));
    let head = log.head();
    let (mut rounds, mut kept) = (Vec::new(), None);
    for round in 0..3 {
        drop(kept.take());
        let begun = Instant::now();
        let settings = format!(r#"{{"half_life_days":{}}}"#, 60 + round);
        let now = Arc::clone(&day);
        let clock: Clock = Arc::new(move || Day::new(now.load(Ordering::Relaxed)).noon().millis());
        let view = follow(views, strength, &log, &settings, clock)?;
        view.wait_for(head).await?;
        let built = begun.elapsed();
        rounds.push((built, view.status()?.fold_time, native::build_time(events, people)));
        kept = Some(view);
    }
    let view = kept.expect("it was followed");
    rounds.sort_unstable();
    let (built, folded, native) = rounds[rounds.len() / 2];
    facts.push(
        Fact::milliseconds(format!("a view of {events} events, from nothing"), built).goal("5,000 for a million"),
    );
    facts.push(Fact::per_second("  events of it, store included", rate(events, built)));
    facts.push(Fact::milliseconds("  in calls of fold, sandboxed", folded));
    facts.push(Fact::milliseconds("  in the same calls, native", native));
    let step = (built.saturating_sub(folded) + native).as_secs_f64() / built.as_secs_f64();
    facts.push(Fact::ratio("  rate over that with a native fold", step).goal("0.75"));
    let query = Query { page_rows: 20, ..Query::default() };
    let answer = view.query(&query)?;
    facts.push(Fact::count("rows", usize::try_from(answer.total)?));
    assert_eq!(answer.rows.len(), 20);
    let asked = times(TIMES, || view.query(&query).map(drop))?;
    facts.push(Fact::milliseconds("  the top 20 of them", asked).goal("50"));
    let (a, b) = explained(people);
    let explain = Explain { key: vec![person(a).parse()?, person(b).parse()?], item: None, day: None, as_of: None };
    let entries = view.explain(&explain)?.evidence.len();
    let explained = times(TIMES, || view.explain(&explain).map(drop))?;
    facts.push(Fact::milliseconds(format!("  a row of {entries} entries explained"), explained).goal("1"));
    turn_day(&view, &day, facts)?;
    view.delete()?;
    Ok(())
}

/// What rows of another day cost, and how long the top 20 take while they are made.
fn turn_day(view: &ViewHandle, day: &AtomicI32, facts: &mut Figures) -> Result<()> {
    let query = Query { page_rows: 20, ..Query::default() };
    let (rows, before) = (view.status()?.rows, processor_time(std::process::id())?);
    let next = Day::new(day.fetch_add(1, Ordering::Relaxed) + 1);
    let (begun, mut asked) = (Instant::now(), Vec::new());
    while view.cursor().day != Some(next) {
        ensure!(begun.elapsed() < TURN_MAX, "the day does not turn");
        asked.push(times(1, || view.query(&query).map(drop))?);
        std::thread::sleep(BETWEEN_QUESTIONS);
    }
    let asking: Duration = asked.iter().sum();
    let taken = processor_time(std::process::id())?.saturating_sub(before + asking);
    let of_a_million = taken.mul_f64(1e6 / f64::from(u32::try_from(rows)?));
    facts.push(Fact::milliseconds("  the next day, processor time of a million rows", of_a_million).goal("5,000"));
    asked.sort_unstable();
    facts.push(Fact::milliseconds("  the top 20 meanwhile", asked[asked.len() / 2]).goal("50"));
    facts.push(Fact::milliseconds("  the slowest of them", asked[asked.len() - 1]));
    Ok(())
}
