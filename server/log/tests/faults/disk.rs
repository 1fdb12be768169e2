//! A machine with two disks, for the log and for the keys, that remembers every call and can fail at any of them.
//!
//! What a call changes is in the live image at once, and durable after the next sync. A power cut keeps what was synced
//! and a random part of the rest: each sector of 512 bytes is kept, lost or torn independently, whatever the order of
//! the calls, and a new length may be lost with all that lies beyond it.

use crate::random::Random;
use redb::StorageBackend;
use std::{
    io,
    sync::{Arc, Mutex},
};

const SECTOR_BYTES: usize = 512;

/// The machine's disks.
pub(crate) const LOG: usize = 0;
pub(crate) const KEYS: usize = 1;

/// One image for each disk.
pub(crate) type Images = [Vec<u8>; 2];

/// What a call did to a disk.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Write {
        offset: usize,
        data: Arc<[u8]>,
    },
    SetLength(usize),
    Sync,
    /// A sync that failed: the system no longer regards earlier writes as pending, but they may be lost.
    Forget,
}

/// A call that changed a disk.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) disk: usize,
    pub(crate) change: Change,
}

/// How a disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FaultKind {
    /// One write, change of length or sync ends with an I/O error.
    Io,
    /// From one write or change of length on, all of them end with "no space left".
    Full,
    /// One sync ends with an I/O error.
    Sync,
    /// One sync reports success without syncing.
    LyingSync,
}

/// What happened to the data of the failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Lost,
    Stored,
}

/// A fault of the first call, from a given number of calls on, that can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: FaultKind,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Machine(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    live: Images,
    calls: Vec<Call>,
    fault: Option<Fault>,
    /// How often the fault occurred.
    faults: usize,
}

/// What a call asks for.
enum Asked {
    Change(Change),
    Sync,
}

impl Machine {
    /// A machine that starts with these images.
    pub(crate) fn with(images: Images) -> Self {
        let machine = Self::default();
        machine.0.lock().unwrap().live = images;
        machine
    }

    pub(crate) fn disk(&self, number: usize) -> Disk {
        Disk { machine: self.clone(), number }
    }

    /// Makes a later call fail.
    pub(crate) fn set_fault(&self, fault: Fault) {
        self.0.lock().unwrap().fault = Some(fault);
    }

    /// Whether the fault has occurred.
    pub(crate) fn failed(&self) -> bool {
        self.0.lock().unwrap().faults > 0
    }

    /// How many calls there were.
    pub(crate) fn calls_count(&self) -> usize {
        self.0.lock().unwrap().calls.len()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    /// What the disks show while the machine runs.
    pub(crate) fn live(&self) -> Images {
        self.0.lock().unwrap().live.clone()
    }
}

impl State {
    fn call(&mut self, disk: usize, asked: Asked) -> io::Result<()> {
        let is_sync = matches!(asked, Asked::Sync);
        let change = match asked {
            Asked::Change(change) => change,
            Asked::Sync => Change::Sync,
        };
        let Some(fault) = self.fault.filter(|fault| self.occurs(*fault, is_sync)) else {
            self.apply(disk, change);
            return Ok(());
        };
        self.faults += 1;
        match (fault.outcome, is_sync) {
            (Outcome::Stored, _) => self.apply(disk, change),
            (Outcome::Lost, true) if fault.kind != FaultKind::LyingSync => self.apply(disk, Change::Forget),
            (Outcome::Lost, _) => {}
        }
        match fault.kind {
            FaultKind::Io | FaultKind::Sync => Err(io::Error::other("the disk fails")),
            FaultKind::Full => Err(io::ErrorKind::StorageFull.into()),
            FaultKind::LyingSync => Ok(()),
        }
    }

    fn occurs(&self, fault: Fault, is_sync: bool) -> bool {
        self.calls.len() >= fault.at
            && match fault.kind {
                FaultKind::Io => self.faults == 0,
                FaultKind::Full => !is_sync,
                FaultKind::Sync | FaultKind::LyingSync => self.faults == 0 && is_sync,
            }
    }

    fn apply(&mut self, disk: usize, change: Change) {
        let image = &mut self.live[disk];
        match &change {
            Change::Write { offset, data } => image[*offset..*offset + data.len()].copy_from_slice(data),
            Change::SetLength(length) => image.resize(*length, 0),
            Change::Sync | Change::Forget => {}
        }
        self.calls.push(Call { disk, change });
    }
}

/// A disk of a machine.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    machine: Machine,
    number: usize,
}

impl Disk {
    fn call(&self, asked: Asked) -> io::Result<()> {
        self.machine.0.lock().unwrap().call(self.number, asked)
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.machine.0.lock().unwrap().live[self.number].len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.machine.0.lock().unwrap();
        let image = state.live[self.number].get(place(offset)..place(offset) + out.len());
        out.copy_from_slice(image.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.call(Asked::Change(Change::SetLength(place(length))))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.call(Asked::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.call(Asked::Change(Change::Write { offset: place(offset), data: data.into() }))
    }
}

/// What a power cut did to what was not synced.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Losses {
    pub(crate) lost: usize,
    pub(crate) torn: usize,
    /// Sectors that survived although those of an earlier call did not.
    pub(crate) reordered: usize,
    pub(crate) lengths: usize,
}

/// What is durable of the calls so far, and what may be lost.
#[derive(Debug, Clone, Default)]
pub(crate) struct Platter {
    synced: Images,
    unsynced: [Vec<Change>; 2],
}

impl Platter {
    /// A platter on which these images are durable.
    pub(crate) fn with(synced: Images) -> Self {
        Self { synced, unsynced: Default::default() }
    }

    /// Applies a call.
    pub(crate) fn take(&mut self, call: &Call, random: &mut Random) {
        let (lose, tear) = match &call.change {
            Change::Write { .. } | Change::SetLength(_) => {
                self.unsynced[call.disk].push(call.change.clone());
                return;
            }
            Change::Sync => (0, 0),
            Change::Forget => (50, 6),
        };
        let all = std::mem::take(&mut self.unsynced[call.disk]);
        Fate { lose, tear, random, losses: Losses::default() }.befall(&mut self.synced[call.disk], &all);
    }

    /// The images after a power cut now.
    pub(crate) fn cut(&self, random: &mut Random) -> (Images, Losses) {
        let lose = [0, 10, 50, 90, 100][random.below(5)];
        let tear = if random.per_cent(50) { 6 } else { 0 };
        let mut fate = Fate { lose, tear, random, losses: Losses::default() };
        let mut images = self.synced.clone();
        for (image, unsynced) in images.iter_mut().zip(&self.unsynced) {
            fate.befall(image, unsynced);
        }
        (images, fate.losses)
    }
}

/// The chance that a sector is lost or torn, in per cent.
struct Fate<'a> {
    lose: usize,
    tear: usize,
    random: &'a mut Random,
    losses: Losses,
}

impl Fate<'_> {
    fn befall(&mut self, image: &mut Vec<u8>, unsynced: &[Change]) {
        let lost_before = self.losses.lost;
        for change in unsynced {
            match change {
                Change::SetLength(_) if self.random.per_cent(self.lose) => self.losses.lengths += 1,
                Change::SetLength(length) => image.resize(*length, 0),
                Change::Write { offset, data } => {
                    let reordered = self.losses.lost > lost_before;
                    self.write(image, *offset, data, reordered);
                }
                Change::Sync | Change::Forget => unreachable!("they are not kept"),
            }
        }
    }

    fn write(&mut self, image: &mut [u8], offset: usize, data: &[u8], reordered: bool) {
        let mut from = 0;
        while from < data.len() {
            let at = offset + from;
            let length = (SECTOR_BYTES - at % SECTOR_BYTES).min(data.len() - from);
            let sector = &data[from..from + length];
            from += length;
            // There is nothing beyond the end of a file whose new length was lost.
            let Some(place) = image.get_mut(at..at + length).filter(|_| !self.random.per_cent(self.lose)) else {
                self.losses.lost += 1;
                continue;
            };
            self.losses.reordered += usize::from(reordered);
            let torn_at = if self.random.per_cent(self.tear) { self.random.below(length) } else { length };
            self.losses.torn += usize::from(torn_at < length);
            place[..torn_at].copy_from_slice(&sector[..torn_at]);
        }
    }
}
