//! What plugins cost: a sandboxed fold beside the same fold without a sandbox, languages beside each other, what a view
//! of a million events takes to build and to ask, and what plugins that fail cost everybody else.
//!
//! Ratios are of one run on one machine. Times of calls are medians.

mod log;
mod native;
mod served;
mod view;

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Parser;
use kith_bundle::BUILTINS;
use kith_core::{day::Day, filter::Filter, history::History, position::Position};
use kith_tests::{
    figures::{Fact, Figures, rate},
    process::resident_bytes,
};
use kith_views::{Checking, Clock, Config, CostReport, Following, SampleReport, ViewHandle, ViewScope, Views};
use log::{MemoryLog, TODAY};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// People and meetings of the log on which folds are compared: as many events a key as a busy pair has.
const FOLD_PEOPLE: usize = 90;
const FOLD_EVENTS: usize = 200_000;
/// Meetings of the log on which languages are compared.
const SCRIPT_EVENTS: usize = 20_000;
/// Times that a call is measured.
const TIMES: usize = 51;
/// Views that are followed at once, to see what one takes.
const INSTANCES: usize = 32;

#[derive(Parser)]
#[command(about = "What plugins cost, as a table and as JSON")]
struct Arguments {
    /// Events of the view that is built and asked.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// People of its log, whose pairs come by in turn: 450 are 101,025 pairs, 1,415 a million.
    #[arg(long, default_value_t = 450)]
    people: usize,
    /// More components to fold with, each `NAME=FILE`: of `plugins/examples`, built with `kith plugin build`.
    #[arg(long = "component", value_name = "NAME=FILE")]
    components: Vec<String>,
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
    let views = Arc::new(Views::open(Config::new(folder.path().join("views"), folder.path().join("cache")))?);
    let mut facts = Figures::default();
    let strength = Bytes::from_static(BUILTINS[0].component);
    assert_eq!(BUILTINS[0].name, "strength");

    // First, before what others leave behind can be used again.
    memory(&views, &strength, &mut facts).await?;
    folds(&views, &strength, &mut facts)?;
    for component in &arguments.components {
        let (name, file) = component.split_once('=').context("a component is NAME=FILE")?;
        language(&views, name, Path::new(file), &mut facts)?;
    }
    sandbox(&views, &strength, &mut facts)?;
    view::measure(&views, &strength, arguments.events, arguments.people, &mut facts).await?;
    served::measure(&mut facts).await?;

    if let Some(path) = &arguments.json {
        fs::write(path, serde_json::to_string_pretty(&facts)?)?;
    }
    Ok(())
}

/// Events a second with a sandbox and without.
struct FoldRates {
    sandboxed: f64,
    native: f64,
}

fn check(views: &Views, component: &Bytes, events: usize) -> Result<(SampleReport, CostReport)> {
    let checking = Checking {
        component: component.clone(),
        settings: "{}".to_owned(),
        sample: MemoryLog::meetings(events, FOLD_PEOPLE),
        day: TODAY,
    };
    let report = views.check(&checking)?;
    assert!(report.faults.is_empty() && report.differences.is_empty(), "the plugin is well");
    Ok((report.sample, report.cost))
}

fn fold_rate((sample, cost): (SampleReport, CostReport)) -> Result<f64> {
    Ok(rate(usize::try_from(sample.events)?, cost.fold))
}

/// The fold of `strength`, packing and unpacking included, in the sandbox and outside of it, in turn.
fn folds(views: &Views, strength: &Bytes, facts: &mut Figures) -> Result<()> {
    let mut rates = Vec::new();
    for _ in 0..5 {
        let sandboxed = fold_rate(check(views, strength, FOLD_EVENTS)?)?;
        rates.push(FoldRates { sandboxed, native: native::fold_rate(FOLD_EVENTS, FOLD_PEOPLE) });
    }
    rates.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
    let found = rates.swap_remove(rates.len() / 2);
    facts.push(Fact::per_second("fold of strength, native, one core", found.native));
    facts.push(Fact::per_second("fold of strength, sandboxed, one core", found.sandboxed).goal("2,500,000"));
    facts.push(Fact::ratio("  sandboxed over native", found.ratio()).goal("0.5"));
    Ok(())
}

impl FoldRates {
    fn ratio(&self) -> f64 {
        self.sandboxed / self.native
    }
}

fn language(views: &Views, name: &str, file: &Path, facts: &mut Figures) -> Result<()> {
    let component = Bytes::from(fs::read(file).with_context(|| file.display().to_string())?);
    let mut found = Vec::new();
    for _ in 0..3 {
        found.push(check(views, &component, SCRIPT_EVENTS)?);
    }
    found.sort_by_key(|(_, cost)| cost.fold);
    let (sample, cost) = found.swap_remove(found.len() / 2);
    // The first call makes the instance.
    let cost = CostReport { fold: cost.fold.saturating_sub(cost.instantiate), ..cost };
    facts.push(
        Fact::per_second(format!("fold of {name}, five events a key"), fold_rate((sample, cost))?).goal("150,000"),
    );
    facts.push(Fact::count(format!("  fuel an event of {name}"), usize::try_from(cost.fuel_per_event)?));
    facts.push(Fact::milliseconds(format!("  an instance of {name}, configured"), cost.instantiate));
    facts.push(Fact::mebibytes(format!("  component of {name}"), component.len() as u64));
    Ok(())
}

/// What it takes to have an instance.
fn sandbox(views: &Views, strength: &Bytes, facts: &mut Figures) -> Result<()> {
    let instantiate = (0..9).map(|_| Ok(check(views, strength, 100)?.1.instantiate)).collect::<Result<Vec<_>>>()?;
    facts.push(Fact::microseconds("an instance, configured", micros(median(instantiate))).goal("50"));
    let load = times(TIMES, || views.is_report(strength).map(drop))?;
    facts.push(Fact::microseconds("a component from the cache, its digest included", micros(load)).goal("1,000"));
    Ok(())
}

/// What a view takes that is followed and has nothing to do.
async fn memory(views: &Arc<Views>, strength: &Bytes, facts: &mut Figures) -> Result<()> {
    let log = MemoryLog::meetings(2_000, FOLD_PEOPLE);
    let before = resident_bytes(std::process::id())?;
    let mut followed = Vec::new();
    for number in 0..INSTANCES {
        let view = follow(views, strength, &log, &format!(r#"{{"half_life_days":{}}}"#, 100 + number), noon(TODAY))?;
        view.wait_for(log.head()).await?;
        followed.push(view);
    }
    let grown = resident_bytes(std::process::id())?.saturating_sub(before);
    facts.push(Fact::mebibytes("memory of a followed view: instance, thread, file", grown / INSTANCES as u64));
    Ok(())
}

/// A clock that stands at noon of a day.
fn noon(day: Day) -> Clock {
    Arc::new(move || day.noon().millis())
}

fn follow(views: &Views, component: &Bytes, log: &Arc<MemoryLog>, settings: &str, clock: Clock) -> Result<ViewHandle> {
    let (_, head) = watch::channel::<Position>(log.head());
    Ok(views.follow(Following {
        name: "strength".to_owned(),
        network: "bench".parse()?,
        scope: ViewScope::Network,
        component: component.clone(),
        settings: settings.to_owned(),
        history: Arc::clone(log) as Arc<dyn History>,
        held: Filter::default(),
        head,
        clock,
    })?)
}

fn times<E>(times: usize, mut call: impl FnMut() -> Result<(), E>) -> Result<Duration, E> {
    let mut found = Vec::with_capacity(times);
    for _ in 0..times {
        let begun = Instant::now();
        call()?;
        found.push(begun.elapsed());
    }
    Ok(median(found))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
