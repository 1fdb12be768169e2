//! Interrupted syncs: at every point, and because the disk is full.

use super::{client, options};
use kith_client::{
    NewEvent,
    replica::{OpenError, Replica, ReplicaOptions, Stage, StoreError, SyncError},
};
use kith_core::{
    event::{DirectoryFact, Fact, Habit, Met, PersonAdded},
    filter::Filter,
};
use kith_tests::server::Server;
use redb::StorageBackend;
use std::{
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
};

/// A disk in memory that outlives the replica on it, and that may run out of space.
#[derive(Debug, Clone, Default)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// The bytes of the file of keys.
    keys: Arc<Mutex<Vec<u8>>>,
    /// Writes until it is full; negative for never.
    space: Arc<AtomicI64>,
}

impl Disk {
    fn new() -> Self {
        let disk = Self::default();
        disk.space.store(-1, Ordering::SeqCst);
        disk
    }

    fn replica(&self) -> Replica {
        self.open().unwrap()
    }

    fn open(&self) -> Result<Replica, OpenError> {
        let (file, keys) = (self.clone(), self.clone());
        let keys = move || Self { bytes: keys.keys.clone(), ..keys.clone() };
        Replica::open_on(move || file.clone(), keys, None, options())
    }

    fn spend(&self) -> Result<(), io::Error> {
        let spent = |left: i64| Some(if left > 0 { left - 1 } else { left });
        let before = self.space.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spent);
        if before == Ok(0) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let offset = usize::try_from(offset).unwrap();
        out.copy_from_slice(&self.bytes.lock().unwrap()[offset..offset + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        self.spend()?;
        self.bytes.lock().unwrap().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        self.spend()?;
        let offset = usize::try_from(offset).unwrap();
        self.bytes.lock().unwrap()[offset..offset + data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// Polls a future a number of times; `None` if it is not done by then.
async fn within<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

fn recorded(replica: &Replica, number: usize) -> Vec<NewEvent> {
    let person = |id: String| {
        Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
            person: id.parse().unwrap(),
            organisation: None,
            role: String::new(),
        }))
    };
    let people = [format!("a{number}"), format!("b{number}")];
    let met = Fact::Habit(Habit::Met(Met { people: people.iter().map(|id| id.parse().unwrap()).collect() }));
    let facts = people.into_iter().map(person).chain([met]);
    let events: Vec<_> = facts.map(|fact| replica.event(fact).build().unwrap()).collect();
    for event in &events {
        replica.record(event).unwrap();
    }
    events
}

/// Everything recorded is an entry on both sides, once.
async fn expect_all(replica: &Replica, server: &Server, events: &[NewEvent]) {
    let client = client(&server.url(), &server.token());
    replica.sync(&client).await.unwrap();
    assert!(replica.pending().unwrap().is_empty());
    assert!(replica.refused().unwrap().is_empty());
    let head = client.head().await.unwrap();
    let checked = replica.check().unwrap();
    assert_eq!((checked.position, checked.root, checked.problems.len()), (head.position, head.root, 0));
    assert_eq!(head.position.get(), events.len() as u64, "nothing is there twice");
    for event in events {
        assert!(replica.find_event(&event.id()).unwrap().is_some());
    }
}

#[tokio::test]
async fn a_sync_that_breaks_off_anywhere_loses_nothing_and_repeats_nothing() {
    let server = Server::start();
    let disk = Disk::new();
    let mut events = Vec::new();
    let mut whole = 0;
    for polls in 1.. {
        let replica = disk.replica();
        events.extend(recorded(&replica, polls));
        let done = within(polls, replica.sync(&client(&server.url(), &server.token()))).await;
        drop(replica);
        whole += usize::from(done.is_some_and(|done| done.is_ok()));
        if whole == 3 {
            println!("a whole sync takes about {polls} polls");
            break;
        }
        assert!(polls < 500, "a sync ends");
    }
    expect_all(&disk.replica(), &server, &events).await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_the_replica_goes_on_when_there_is_space() {
    let server = Server::start();
    let client = client(&server.url(), &server.token());
    let disk = Disk::new();
    let replica = disk.replica();
    let mut events = recorded(&replica, 0);
    let mut full = 0;
    for space in 0.. {
        disk.space.store(space, Ordering::SeqCst);
        let synced = replica.sync(&client).await;
        disk.space.store(-1, Ordering::SeqCst);
        match synced {
            Err(SyncError::Store(StoreError::Full)) => full += 1,
            Err(SyncError::Store(StoreError::Storage(_))) => {}
            Err(other) => panic!("after {space} writes: {other}"),
            Ok(_) if space > 60 => break,
            Ok(_) => {}
        }
        assert!(replica.status().unwrap().alarm.is_none());
        events.extend(recorded(&replica, usize::try_from(space).unwrap() + 1));
    }
    assert!(full > 0, "the disk was full");
    expect_all(&replica, &server, &events).await;
    drop(replica);
    expect_all(&disk.replica(), &server, &events).await;
}

#[test]
fn a_replica_whose_making_broke_off_is_made_anew() {
    let mut broken_off = 0;
    for space in 0.. {
        let disk = Disk::new();
        disk.space.store(space, Ordering::SeqCst);
        let made = disk.open();
        disk.space.store(-1, Ordering::SeqCst);
        if made.is_ok() {
            break;
        }
        broken_off += 1;
        drop(made);
        assert_eq!(recorded(&disk.replica(), 0).len(), disk.replica().pending().unwrap().len());
    }
    assert!(broken_off > 3, "making it broke off");
}

#[tokio::test]
async fn nothing_is_sent_before_the_key_of_the_log_is_noted() {
    let server = Server::start();
    let (mut sent, mut unsent) = (0, 0);
    for polls in 1.. {
        let replica = Disk::new().replica();
        recorded(&replica, polls);
        let done = within(polls, replica.sync(&client(&server.url(), &server.token()))).await;
        let waits = |pending: &kith_client::replica::Pending| matches!(pending.stage, Stage::Queued);
        if replica.pending().unwrap().iter().all(waits) && done.is_none() {
            unsent += 1;
        } else {
            sent += 1;
            assert!(replica.status().unwrap().key.is_some(), "after {polls} polls");
        }
        if done.is_some_and(|done| done.is_ok()) {
            break;
        }
    }
    assert!(sent > 0 && unsent > 0, "syncs broke off before and after something was sent");
}

#[test]
fn a_filter_that_breaks_a_rule_is_refused_when_a_replica_is_opened() {
    let twice = vec!["amina".parse().unwrap(), "amina".parse().unwrap()];
    let filter = Filter { people: twice, ..Filter::default() };
    let opened = Replica::open_on(Disk::new, Disk::new, None, ReplicaOptions { filter, ..options() });
    assert!(matches!(opened, Err(OpenError::Filter(_))), "{opened:?}");
}
