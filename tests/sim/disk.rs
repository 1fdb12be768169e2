//! The disks of a simulated machine: they outlive processes, and lose what was not synced when the power goes.
//!
//! Invariant: a process that has ended, or whose machine has no power, changes nothing any more.

use kith_tests::random::Random;
use redb::StorageBackend;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a disk writes as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// What goes wrong at a call that changes a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The power goes at the n-th call from now.
    PowerCut { after: u64 },
    /// The n-th call from now fails, once.
    Io { after: u64 },
    /// From the n-th call from now on there is no space.
    Full { after: u64 },
}

/// A machine with its disks.
#[derive(Debug, Clone)]
pub(crate) struct Machine(Arc<Mutex<Parts>>);

#[derive(Debug)]
struct Parts {
    disks: Vec<Platter>,
    /// Which process has the disks open: handles of earlier ones do nothing.
    life: u64,
    has_power: bool,
    calls: u64,
    fault: Option<Fault>,
    /// How often an armed fault struck since somebody asked.
    struck: u64,
    random: Random,
}

#[derive(Debug, Default)]
struct Platter {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    SetLength(usize),
}

/// What a call asks for.
enum Asked {
    Change(Change),
    Sync,
}

impl Machine {
    /// A machine with empty disks.
    pub(crate) fn new(disks: usize, seed: u64) -> Self {
        let disks = (0..disks).map(|_| Platter::default()).collect();
        let random = Random::new(seed);
        Self(Arc::new(Mutex::new(Parts { disks, life: 0, has_power: true, calls: 0, fault: None, struck: 0, random })))
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A disk for the process that runs now.
    pub(crate) fn handle(&self, disk: usize) -> Handle {
        Handle { machine: self.clone(), disk, life: self.parts().life }
    }

    /// Lets a call fail that is to come. Another fault that has not struck yet is forgotten.
    pub(crate) fn arm(&self, fault: Fault) {
        let mut parts = self.parts();
        let calls = parts.calls;
        parts.fault = Some(match fault {
            Fault::PowerCut { after } => Fault::PowerCut { after: calls + after },
            Fault::Io { after } => Fault::Io { after: calls + after },
            Fault::Full { after } => Fault::Full { after: calls + after },
        });
    }

    /// Takes back a fault that has not struck.
    pub(crate) fn calm(&self) {
        self.parts().fault = None;
    }

    /// Takes back a fault; gives how often one struck since this was last asked.
    pub(crate) fn disarm(&self) -> u64 {
        let mut parts = self.parts();
        parts.fault = None;
        std::mem::take(&mut parts.struck)
    }

    /// Whether a power cut struck and nobody switched the machine on since.
    pub(crate) fn is_off(&self) -> bool {
        !self.parts().has_power
    }

    /// Takes the power away now.
    pub(crate) fn cut(&self) {
        self.parts().has_power = false;
    }

    /// Ends the process but not the machine: nothing that was written is lost.
    pub(crate) fn end_process(&self) {
        self.parts().life += 1;
    }

    /// Switches the machine on again; gives how many sectors were lost.
    pub(crate) fn switch_on(&self) -> u64 {
        let mut parts = self.parts();
        parts.life += 1;
        parts.has_power = true;
        parts.fault = None;
        let Parts { disks, random, .. } = &mut *parts;
        let lose = *random.pick(&[0, 10, 50, 90, 100]);
        disks.iter_mut().map(|disk| disk.lose(lose, random)).sum()
    }

    /// What the disks show now.
    pub(crate) fn images(&self) -> Vec<Vec<u8>> {
        self.parts().disks.iter().map(|disk| disk.live.clone()).collect()
    }

    /// Puts images onto the disks, of a machine that no process uses.
    pub(crate) fn put(&self, images: Vec<Vec<u8>>) {
        let mut parts = self.parts();
        parts.life += 1;
        parts.has_power = true;
        parts.fault = None;
        let whole = |live: Vec<u8>| Platter { durable: live.clone(), live, unsynced: Vec::new() };
        parts.disks = images.into_iter().map(whole).collect();
    }

    fn change(&self, disk: usize, life: u64, asked: Asked) -> io::Result<()> {
        let mut parts = self.parts();
        if parts.life != life || !parts.has_power {
            return Err(io::Error::other("the process has ended"));
        }
        parts.calls += 1;
        let is_sync = matches!(asked, Asked::Sync);
        match parts.fault {
            Some(Fault::PowerCut { after }) if parts.calls > after => {
                parts.struck += 1;
                parts.has_power = false;
                return Err(io::Error::other("the power is gone"));
            }
            Some(Fault::Io { after }) if parts.calls > after => {
                parts.struck += 1;
                parts.fault = None;
                return Err(io::Error::other("the disk fails"));
            }
            Some(Fault::Full { after }) if parts.calls > after && !is_sync => {
                parts.struck += 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            Some(Fault::PowerCut { .. } | Fault::Io { .. } | Fault::Full { .. }) | None => {}
        }
        match asked {
            Asked::Change(change) => parts.disks[disk].apply(change),
            Asked::Sync => parts.disks[disk].sync(),
        }
        Ok(())
    }
}

impl Platter {
    fn apply(&mut self, change: Change) {
        change.write_to(&mut self.live);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.write_to(&mut self.durable);
        }
    }

    /// Keeps what was synced and of the rest each sector with some luck, whatever the order of the calls.
    fn lose(&mut self, per_cent: usize, random: &mut Random) -> u64 {
        let mut lost = 0;
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::SetLength(_) if random.below(100) < per_cent => lost += 1,
                Change::SetLength(length) => self.durable.resize(length, 0),
                Change::Write { offset, data } => {
                    lost += keep_some(&mut self.durable, offset, &data, per_cent, random);
                }
            }
        }
        self.live.clone_from(&self.durable);
        lost
    }
}

impl Change {
    fn write_to(&self, image: &mut Vec<u8>) {
        match self {
            Self::SetLength(length) => image.resize(*length, 0),
            Self::Write { offset, data } => image[*offset..*offset + data.len()].copy_from_slice(data),
        }
    }
}

/// Writes those sectors that are not lost; one in twenty of them is torn.
fn keep_some(image: &mut [u8], offset: usize, data: &[u8], odds: usize, random: &mut Random) -> u64 {
    let (mut from, mut lost) = (0, 0);
    while from < data.len() {
        let at = offset + from;
        let length = (SECTOR_BYTES - at % SECTOR_BYTES).min(data.len() - from);
        let sector = &data[from..from + length];
        from += length;
        // Behind the end of a file whose new length was lost there is nothing.
        let Some(place) = image.get_mut(at..at + length).filter(|_| random.below(100) >= odds) else {
            lost += 1;
            continue;
        };
        let torn = random.below(100) < odds.min(5);
        let kept = if torn { random.below(length) } else { length };
        lost += u64::from(torn);
        place[..kept].copy_from_slice(&sector[..kept]);
    }
    lost
}

/// A disk, as the storage engine of one process sees it.
#[derive(Debug)]
pub(crate) struct Handle {
    machine: Machine,
    disk: usize,
    life: u64,
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("images fit into memory")
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.machine.parts().disks[self.disk].live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let parts = self.machine.parts();
        let image = parts.disks[self.disk].live.get(place(offset)..place(offset) + out.len());
        out.copy_from_slice(image.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.machine.change(self.disk, self.life, Asked::Change(Change::SetLength(place(length))))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.machine.change(self.disk, self.life, Asked::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let change = Change::Write { offset: place(offset), data: data.to_vec() };
        self.machine.change(self.disk, self.life, Asked::Change(change))
    }
}
