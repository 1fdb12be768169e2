//! Disks that fail at one call: nothing is acknowledged after it, reads still work, and a restart finds everything.

use crate::{
    disk::{Change, Fault, FaultKind, Images, KEYS, LOG, Machine, Outcome, Platter},
    examine::{examine, examine_guarded, holds, on_each_processor, runtime},
    random::{Random, seed},
    support::*,
    workload::{SECRETS, Seen, Step, empty, everything, open, run},
};
use kith_core::{position::Position, timestamp::Timestamp};
use kith_log::{AppendError, Clock, Config, Health, Log, Poison, Unavailable};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::runtime::Runtime;

/// Power cuts after each failure.
const CUTS: usize = 2;

/// What a failed machine leaves behind.
struct Aftermath {
    /// What the log held at first and after each acknowledged step.
    acknowledged: Vec<Seen>,
    machine: Machine,
}

/// Runs until the fault; everything after it must be refused at once, while reads still work.
async fn fail(steps: &[Step], before: &Images, fault: Fault) -> Aftermath {
    let machine = Machine::with(before.clone());
    machine.set_fault(fault);
    let Ok(log) = open(&machine) else {
        assert!(machine.failed(), "{fault:?}: it opens unless the disk fails");
        return Aftermath { acknowledged: vec![Seen::default()], machine };
    };
    let start = Seen::of(&log);
    let marks = run(&log, &machine, steps).await;
    let acknowledged: Vec<_> = std::iter::once(start).chain(marks.iter().map(|mark| mark.seen.clone())).collect();
    if fault.kind == FaultKind::LyingSync || !machine.failed() {
        assert_eq!(marks.len(), steps.len(), "{fault:?}: nobody is told of a failure");
    } else if marks.len() < steps.len() {
        let full = fault.kind == FaultKind::Full;
        let poison = if full { Poison::DiskFull } else { Poison::Failure };
        assert_eq!(*log.health().borrow(), Health::Poisoned(poison), "{fault:?}");
        for step in &steps[marks.len()..] {
            assert!(!step.take(&log).await, "{fault:?}: nothing is acknowledged after an error");
        }
        assert_eq!(Some(&Seen::of(&log)), acknowledged.last(), "{fault:?}: what is shown is what was acknowledged");
        for network in log.networks() {
            let read = network.history().read(Position::ZERO, END, ALL).unwrap();
            assert_eq!(read.len() as u64, network.head().get(), "{fault:?}: reading goes on");
        }
    }
    log.shutdown().await;
    Aftermath { acknowledged, machine }
}

impl Aftermath {
    /// The images after a restart of the process alone, and after power cuts: at the end, or, if the failure was not
    /// reported, at some time after it.
    fn images(&self, before: &Images, fault: Fault, random: &mut Random) -> Vec<Images> {
        let (mut platter, calls) = (Platter::with(before.clone()), self.machine.calls());
        let cut = match fault.kind {
            FaultKind::LyingSync => fault.at + random.below(calls.len() - fault.at + 1),
            FaultKind::Io | FaultKind::Full | FaultKind::Sync => calls.len(),
        };
        for call in &calls[..cut] {
            platter.take(call, random);
        }
        let cuts = (0..CUTS).map(|_| platter.cut(random).0);
        std::iter::once(self.machine.live()).chain(cuts).collect()
    }

    /// Whether this is what was acknowledged, and at most the step after it.
    fn is_kept(&self, seen: &Seen, steps: &[Step]) -> bool {
        let (last, count) = (self.acknowledged.last().expect("there is the start"), self.acknowledged.len() - 1);
        holds(seen, last, steps.get(count))
    }

    /// Whether this is what was acknowledged up to some step.
    fn is_some_past(&self, seen: &Seen) -> bool {
        self.acknowledged.contains(seen)
    }
}

/// Every fault at every call that can have it.
fn faults(before: &Images) -> Vec<Fault> {
    let machine = Machine::with(before.clone());
    runtime().block_on(async {
        let log = open(&machine).unwrap();
        run(&log, &machine, &everything()).await;
        log.shutdown().await;
    });
    let mut faults = Vec::new();
    for (at, call) in machine.calls().iter().enumerate() {
        let is_sync = matches!(call.change, Change::Sync);
        let kinds: &[FaultKind] =
            if is_sync { &[FaultKind::Sync, FaultKind::LyingSync] } else { &[FaultKind::Io, FaultKind::Full] };
        for kind in kinds {
            faults.push(Fault { at, kind: *kind, outcome: Outcome::Lost });
            if *kind != FaultKind::LyingSync {
                faults.push(Fault { at, kind: *kind, outcome: Outcome::Stored });
            }
        }
    }
    faults
}

/// Images examined of each kind, and how many of them were damaged.
type Tally = Mutex<BTreeMap<(FaultKind, Outcome), (usize, usize)>>;

fn examine_all(runtime: &Runtime, fault_seed: u64, before: &Images, fault: Fault, tally: &Tally) {
    let steps = everything();
    let aftermath = runtime.block_on(fail(&steps, before, fault));
    let mut random = Random::new(fault_seed ^ fault.at as u64);
    for images in aftermath.images(before, fault, &mut random) {
        let lying = fault.kind == FaultKind::LyingSync;
        let seen = if lying { examine_guarded(runtime, images) } else { runtime.block_on(examine(images)) };
        let mut tally = tally.lock().unwrap();
        let (examined, damaged) = tally.entry((fault.kind, fault.outcome)).or_default();
        *examined += 1;
        match seen {
            // A lying disk may lose what was acknowledged. What remains is an earlier state, or known to be damaged.
            Ok(seen) if lying => assert!(
                aftermath.is_some_past(&seen) || aftermath.is_kept(&seen, &steps),
                "seed {fault_seed}, {fault:?}: {seen:?} was never acknowledged"
            ),
            Err(_) if lying => *damaged += 1,
            Ok(seen) => assert!(
                aftermath.is_kept(&seen, &steps),
                "seed {fault_seed}, {fault:?}: {:?} was acknowledged, {seen:?} is there",
                aftermath.acknowledged.last()
            ),
            Err(why) => panic!("seed {fault_seed}, {fault:?}: {why}"),
        }
    }
}

#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost_and_nothing_is_acknowledged_after_it() {
    let before = runtime().block_on(empty()).live();
    let (faults, fault_seed, tally) = (faults(&before), seed("failures"), Tally::default());
    on_each_processor(|runtime, number, count| {
        for fault in faults.iter().skip(number).step_by(count) {
            examine_all(runtime, fault_seed, &before, *fault, &tally);
        }
    });
    let tally = tally.into_inner().unwrap();
    for ((kind, outcome), (examined, damaged)) in &tally {
        println!("{kind:?}, {outcome:?}: {examined} images, {damaged} found damaged");
    }
    assert_eq!(tally.len(), 7, "every kind of fault occurs");
}

#[tokio::test]
async fn a_panic_in_the_writer_poisons_the_log() {
    let broken = Arc::new(AtomicBool::new(false));
    let flag = broken.clone();
    let clock: Clock = Arc::new(move || {
        assert!(!flag.load(Ordering::SeqCst), "the clock is broken");
        Timestamp::from_millis(START_MS)
    });
    let machine = Machine::default();
    let (log, keys) = (machine.disk(LOG), machine.disk(KEYS));
    let log = Log::open_on(log, keys, &SECRETS, &Config::default(), clock).unwrap();
    let network = north(&log).await;
    append(&network, vec![joins(1, "amina")]).await;
    broken.store(true, Ordering::SeqCst);
    let lost = network.append(command(vec![joins(2, "ben")])).await;
    assert!(matches!(lost, Err(AppendError::Unavailable(Unavailable::Poisoned(Poison::Failure)))), "{lost:?}");
    log.shutdown().await;
    assert_eq!(*log.health().borrow(), Health::Poisoned(Poison::Failure));
    assert_eq!(network.history().read(Position::ZERO, END, ALL).unwrap().len(), 1);
}
