//! A disk that fails: whatever was acknowledged is there afterwards, and nothing is acknowledged after an error.

mod support;

use kith_core::{decide::Outcome, position::Position};
use kith_log::{AppendError, CommitMode, Config, Health, Log, Network, OpenError, check_on};
use redb::StorageBackend;
use std::{
    io,
    sync::{Arc, Mutex},
};
use support::*;

const ROOT_KEY: [u8; 32] = [3; 32];

/// A disk in memory with a second image of what was synced, which fails at some operation and ever after.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    live: Vec<u8>,
    synced: Vec<u8>,
    operations: u64,
    fails_at: Option<u64>,
}

impl Disk {
    fn of(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { synced: image.clone(), live: image, ..State::default() })))
    }

    /// Lets the operation after `more` further ones fail.
    fn fail_after(&self, more: u64) {
        let mut state = self.0.lock().unwrap();
        state.fails_at = Some(state.operations + more);
    }

    fn live(&self) -> Vec<u8> {
        self.0.lock().unwrap().live.clone()
    }

    fn synced(&self) -> Vec<u8> {
        self.0.lock().unwrap().synced.clone()
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.operations += 1;
        if state.fails_at.is_some_and(|fails_at| state.operations > fails_at) {
            return Err(io::Error::other("the disk fails"));
        }
        change(&mut state);
        Ok(())
    }
}

fn range(offset: u64, length: usize) -> std::ops::Range<usize> {
    let start = usize::try_from(offset).unwrap();
    start..start + length
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.copy_from_slice(&self.0.lock().unwrap().live[range(offset, out.len())]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|state| state.live.resize(usize::try_from(len).unwrap(), 0))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|state| state.synced.clone_from(&state.live))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|state| state.live[range(offset, data.len())].copy_from_slice(data))
    }
}

fn open(log: &Disk, keys: &Disk) -> Result<Log, OpenError> {
    let config = Config { commit_mode: CommitMode::QuickRepair, tail_bytes_max: 0, ..Config::default() };
    Log::open_on(log.clone(), keys.clone(), ROOT_KEY, &config, ticking())
}

/// Appends until a failure; gives the numbers of the events that were acknowledged.
async fn append_until_failure(network: &Network) -> Vec<u64> {
    let mut acknowledged = Vec::new();
    for number in 10.. {
        let note = format!("note {number}");
        match network.append(command(vec![meets_with_note(number, &["amina", "ben"], &note)])).await {
            Ok(outcomes) => {
                assert_eq!(outcomes, [Outcome::Accepted(network.head())]);
                acknowledged.push(number);
            }
            Err(AppendError::Poisoned) => return acknowledged,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("the disk fails some time")
}

/// Opens an image and looks for everything that was acknowledged.
async fn expect_all(log: Vec<u8>, keys: Vec<u8>, acknowledged: &[u64], context: &str) {
    let (log, keys) = (Disk::of(log), Disk::of(keys));
    let opened = open(&log, &keys).unwrap_or_else(|error| panic!("{context}: {error}"));
    let network = north(&opened).await;
    for number in acknowledged {
        let position = network.position_of(&id(*number)).unwrap();
        let position = position.unwrap_or_else(|| panic!("{context}: event {number} is lost"));
        let details = network.details(&[position]).unwrap();
        assert_eq!(details[0].1[0].text, format!("note {number}"), "{context}");
    }
    let recorded = network.head().get() - 3;
    let count = acknowledged.len() as u64;
    assert!(recorded == count || recorded == count + 1, "{context}: {recorded} recorded, {count} acknowledged");
    append(&network, vec![joins(5_000, "dana")]).await;
    drop((opened, network));
    let report = check_on(log, keys, ROOT_KEY, |_| ()).unwrap();
    assert!(report.is_sound(), "{context}: {:?}", report.problems);
}

/// Lets one of the two disks fail after so many operations and looks at what is left.
async fn fail(which: &str, operations: u64) -> usize {
    let context = format!("{which} fails after {operations}");
    let (log_disk, keys_disk) = (Disk::default(), Disk::default());
    let log = open(&log_disk, &keys_disk).unwrap();
    let network = north(&log).await;
    append(&network, vec![joins(1, "amina"), joins(2, "ben"), joins(3, "chloe")]).await;
    if which == "log" {
        log_disk.fail_after(operations);
    } else {
        keys_disk.fail_after(operations);
    }
    let acknowledged = append_until_failure(&network).await;
    assert_eq!(*log.health().borrow(), Health::Poisoned, "{context}");
    let late = network.append(command(vec![joins(6_000, "emil")])).await;
    assert!(matches!(late, Err(AppendError::Poisoned)), "{context}: {late:?}");
    let made = log.create_network(&"south".parse().unwrap()).await;
    assert!(matches!(made, Err(kith_log::CreateNetworkError::Poisoned)), "{context}");
    assert_eq!(network.head().get(), 3 + acknowledged.len() as u64, "{context}: the head is what was acknowledged");
    let read = network.read(Position::ZERO, END, ALL).unwrap();
    assert_eq!(read.len() as u64, network.head().get(), "{context}: reads go on");
    log.shutdown().await;
    let images = [(log_disk.live(), keys_disk.live()), (log_disk.synced(), keys_disk.synced())];
    drop((log, network));
    for (log, keys) in images {
        expect_all(log, keys, &acknowledged, &context).await;
    }
    acknowledged.len()
}

#[tokio::test]
async fn whatever_operation_fails_nothing_acknowledged_is_lost() {
    let mut most = 0;
    for operations in 0..60 {
        most = most.max(fail("log", operations).await);
    }
    assert!(most > 1, "some events were acknowledged before the failure");
}

#[tokio::test]
async fn keys_that_cannot_be_written_poison_the_log_before_anything_is_sealed() {
    for operations in 0..6 {
        assert_eq!(fail("keys", operations).await, 0);
    }
}

#[tokio::test]
async fn a_panic_in_the_writer_poisons_the_log() {
    let (log_disk, keys_disk) = (Disk::default(), Disk::default());
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = broken.clone();
    let clock: kith_log::Clock = Arc::new(move || {
        assert!(!flag.load(std::sync::atomic::Ordering::SeqCst), "the clock is broken");
        kith_core::timestamp::Timestamp::from_millis(START_MS)
    });
    let config = Config::default();
    let log = Log::open_on(log_disk, keys_disk, ROOT_KEY, &config, clock).unwrap();
    let network = north(&log).await;
    append(&network, vec![joins(1, "amina")]).await;
    broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let lost = network.append(command(vec![joins(2, "ben")])).await;
    assert!(matches!(lost, Err(AppendError::Poisoned)), "{lost:?}");
    log.shutdown().await;
    assert_eq!(*log.health().borrow(), Health::Poisoned);
    assert_eq!(network.read(Position::ZERO, END, ALL).unwrap().len(), 1);
}
