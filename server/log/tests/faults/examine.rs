//! Examines the disks of a machine that was restarted.

use crate::{
    disk::{Images, KEYS, LOG, Machine},
    support::*,
    workload::{ROOT_KEY, Seen, Step, open},
};
use kith_log::check_on;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};
use tokio::runtime::{Builder, Runtime};

/// Opens the log, appends to it and checks every page, hash, index, tree and detail; returns what it held at first.
pub(crate) async fn examine(images: Images) -> Result<Seen, String> {
    let machine = Machine::with(images);
    let log = open(&machine).map_err(|error| format!("it does not open: {error}"))?;
    let seen = Seen::of(&log);
    let network = north(&log).await;
    let late = network.append(command(vec![joins(900_001, "late")])).await;
    log.shutdown().await;
    drop((log, network));
    late.map_err(|error| format!("it takes no events: {error}"))?;
    let report = check_on(machine.disk(LOG), machine.disk(KEYS), ROOT_KEY, |_| ());
    let report = report.map_err(|error| format!("it cannot be checked: {error}"))?;
    match report.problems.first() {
        Some(problem) => Err(format!("{} problems, such as {problem}", report.problems_count)),
        None if report.details_closed > 0 => Err(format!("{} details do not open", report.details_closed)),
        None => Ok(seen),
    }
}

/// Like `examine`, but catches panics, as of the storage engine on some malformed pages.
pub(crate) fn examine_guarded(runtime: &Runtime, images: Images) -> Result<Seen, String> {
    let examined = catch_unwind(AssertUnwindSafe(|| runtime.block_on(examine(images))));
    examined.unwrap_or_else(|_| Err("the storage engine panicked".to_owned()))
}

/// Whether a log holds what was acknowledged, and at most the step after it.
pub(crate) fn holds(seen: &Seen, acknowledged: &Seen, next: Option<&Step>) -> bool {
    seen == acknowledged || next.is_some_and(|next| seen.is_after(acknowledged, next))
}

/// Splits work over all processors, each with a runtime of its own.
pub(crate) fn on_each_processor(work: impl Fn(&Runtime, usize, usize) + Sync) {
    let count = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(&runtime(), number, count));
        }
    });
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
