//! Power cuts between any two calls: 512-byte sectors that were not synced are lost, torn and reordered.

use crate::{
    disk::{Call, Images, Losses, Machine, Platter},
    examine::{examine, holds, on_each_processor, runtime},
    random::{Random, seed},
    workload::{Mark, Seen, Step, almost_a_chunk, empty, everything, open_in, over_a_chunk, run},
};
use kith_log::CommitMode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What a machine did while nothing failed.
struct Recording {
    before: Images,
    steps: Vec<Step>,
    start: Seen,
    marks: Vec<Mark>,
    calls: Vec<Call>,
}

impl Recording {
    async fn make(mode: CommitMode, machine: Machine, steps: Vec<Step>) -> Self {
        let before = machine.live();
        let machine = Machine::with(before.clone());
        let log = open_in(mode, &machine).unwrap();
        let start = Seen::of(&log);
        let marks = run(&log, &machine, &steps).await;
        assert_eq!(marks.len(), steps.len(), "every step is acknowledged where nothing fails");
        log.shutdown().await;
        drop(log);
        Self { before, steps, start, marks, calls: machine.calls() }
    }

    /// What was acknowledged before the call of this number, and the step after it.
    fn acknowledged(&self, cut: usize) -> (&Seen, Option<&Step>) {
        let count = self.marks.iter().take_while(|mark| mark.calls <= cut).count();
        let seen = count.checked_sub(1).map_or(&self.start, |last| &self.marks[last].seen);
        (seen, self.steps.get(count))
    }
}

/// Images examined, by what was lost.
#[derive(Default)]
struct Tally {
    images: AtomicUsize,
    lost: AtomicUsize,
    torn: AtomicUsize,
    reordered: AtomicUsize,
    lengths: AtomicUsize,
    in_flight: AtomicUsize,
}

impl Tally {
    fn count(&self, losses: Losses, seen: &Seen, acknowledged: &Seen) {
        self.images.fetch_add(1, Relaxed);
        let kinds = [
            (&self.lost, losses.lost),
            (&self.torn, losses.torn),
            (&self.reordered, losses.reordered),
            (&self.lengths, losses.lengths),
            (&self.in_flight, usize::from(seen != acknowledged)),
        ];
        for (kind, times) in kinds {
            kind.fetch_add(usize::from(times > 0), Relaxed);
        }
    }
}

/// Cuts the power after each call, this many times.
fn cut_everywhere(name: &str, recording: &Recording, images_per_cut: usize) {
    let (fault_seed, tally) = (seed(name), Tally::default());
    on_each_processor(|runtime, number, count| {
        let mut platter = Platter::with(recording.before.clone());
        for cut in 0..=recording.calls.len() {
            if cut > 0 {
                platter.take(&recording.calls[cut - 1], &mut Random::new(fault_seed));
            }
            if cut % count == number {
                let (acknowledged, next) = recording.acknowledged(cut);
                for image in 0..images_per_cut {
                    let mut random = Random::new(fault_seed ^ ((cut as u64) << 20 | image as u64));
                    let (images, losses) = platter.cut(&mut random);
                    let seen = runtime.block_on(examine(images));
                    let seen = seen.unwrap_or_else(|why| panic!("seed {fault_seed}, cut {cut}, image {image}: {why}"));
                    assert!(
                        holds(&seen, acknowledged, next),
                        "seed {fault_seed}, cut {cut}, image {image}: {acknowledged:?} was acknowledged, {seen:?} is there"
                    );
                    tally.count(losses, &seen, acknowledged);
                }
            }
        }
    });
    println!(
        "{name}: {} images of {} calls; with sectors lost {}, torn {}, reordered {}, lengths lost {}; with the step in \
         flight {}",
        tally.images.load(Relaxed),
        recording.calls.len(),
        tally.lost.load(Relaxed),
        tally.torn.load(Relaxed),
        tally.reordered.load(Relaxed),
        tally.lengths.load(Relaxed),
        tally.in_flight.load(Relaxed)
    );
    for kind in [&tally.lost, &tally.torn, &tally.reordered, &tally.in_flight] {
        assert!(kind.load(Relaxed) > 0, "every kind of loss occurs");
    }
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    // Most images are of the default mode.
    for (mode, images) in
        [(CommitMode::QuickRepair, 14_000), (CommitMode::TwoPhase, 1_500), (CommitMode::OnePhase, 1_500)]
    {
        let recording = runtime().block_on(async { Recording::make(mode, empty().await, everything()).await });
        cut_everywhere(&format!("{mode:?}"), &recording, images / recording.calls.len() + 1);
    }
}

#[test]
fn power_cuts_while_a_chunk_of_the_index_is_written_lose_nothing() {
    let recording = runtime()
        .block_on(async { Recording::make(CommitMode::default(), almost_a_chunk().await, over_a_chunk()).await });
    let images_per_cut = 1_000 / recording.calls.len() + 1;
    cut_everywhere("over a chunk", &recording, images_per_cut);
}
