//! Flipped bits in the file: each is found, or lies in an unused place.

use crate::{check::full, support::*};
use kith_core::timestamp::Timestamp;
use kith_log::{CheckError, Clock, OpenError, backup, check};
use redb::{Database, Key, ReadableDatabase, ReadableTable, TableDefinition, TableHandle, Value};
use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};

/// Distance between flipped bytes: not a multiple of a page's size, so that every part of a page is hit.
const STEP: usize = 4_999;

/// A closed log whose bytes are flipped.
struct Victim {
    place: Place,
    file: PathBuf,
    whole: Vec<u8>,
    rows: Vec<u8>,
}

/// The result of a flip.
enum Flip {
    /// It was found; the tables and files that were named.
    Found(BTreeSet<String>),
    /// Nothing was found.
    Silent,
}

impl Victim {
    async fn new() -> Self {
        let place = full().await;
        let file = place.folder.path().join("log.redb");
        let whole = fs::read(&file).unwrap();
        let mut victim = Self { place, file, whole, rows: Vec::new() };
        victim.rows = victim.every_row();
        victim
    }

    /// Every row of every table, independent of pages.
    fn every_row(&self) -> Vec<u8> {
        let to = self.place.folder.path().join("rows");
        let clock: Clock = Arc::new(|| Timestamp::from_millis(0));
        backup(&self.place.config, &clock, &to, |_| ()).unwrap();
        let rows = fs::read(&to).unwrap();
        fs::remove_file(&to).unwrap();
        rows
    }

    /// Flips a bit and checks. A flip that is not found must be harmless.
    fn flip(&self, at: usize, bit: u8) -> Flip {
        let mut bytes = self.whole.clone();
        bytes[at] ^= 1 << bit;
        fs::write(&self.file, &bytes).unwrap();
        match check(&self.place.config, |_| ()) {
            Ok(report) if report.is_sound() => {
                assert!(self.every_row() == self.rows, "byte {at} of the file is in use and nothing was found");
                Flip::Silent
            }
            Ok(report) => Flip::Found(report.problems.iter().map(|problem| problem.table.to_string()).collect()),
            Err(CheckError::Open(OpenError::Io { .. } | OpenError::Storage(_))) => Flip::Found(BTreeSet::new()),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }

    /// Flips bytes of each copy of a table's first row in the file, one after the other. One of them is in use, so the
    /// table must be named.
    fn names<K: Key, V: Value>(&self, table: TableDefinition<'static, K, V>) {
        fs::write(&self.file, &self.whole).unwrap();
        let row = {
            let database = Database::open(&self.file).unwrap();
            let transaction = database.begin_read().unwrap();
            let open = transaction.open_table(table).unwrap();
            let (key, value) = open.first().unwrap().unwrap_or_else(|| panic!("{table} has rows"));
            let (key, value) = (key.value(), value.value());
            let (key, value) = (K::as_bytes(&key).as_ref().to_vec(), V::as_bytes(&value).as_ref().to_vec());
            if value.is_empty() { key } else { value }
        };
        let copies = self.whole.windows(row.len()).enumerate().filter(|(_, bytes)| *bytes == row).map(|(at, _)| at);
        let mut places = copies.flat_map(|at| (at..at + row.len()).step_by(row.len().div_ceil(8)));
        let name = table.name();
        let named = places.any(|at| match self.flip(at, 0) {
            Flip::Found(tables) => tables.contains(name),
            Flip::Silent => false,
        });
        assert!(named, "no flip in a row of {name} is told as one");
    }
}

#[tokio::test]
async fn every_flipped_bit_is_found_or_harmless() {
    let victim = Victim::new().await;
    let header = (0..320).step_by(7);
    let (mut found, mut silent) = (0, 0);
    for at in header.chain((320..victim.whole.len()).step_by(STEP)) {
        match victim.flip(at, u8::try_from(at % 8).unwrap()) {
            Flip::Found(_) => found += 1,
            Flip::Silent => silent += 1,
        }
    }
    println!("{found} flips found, {silent} in places that hold nothing");
    assert!(found > 100 && silent > 0);
}

#[tokio::test]
async fn a_flip_in_a_row_names_its_table() {
    let victim = Victim::new().await;
    victim.names(TableDefinition::<(u32, u64), &[u8]>::new("entries"));
    victim.names(TableDefinition::<(u32, u128), &[u8]>::new("ids"));
    victim.names(TableDefinition::<(u32, u32, u32), &[u8]>::new("people"));
    victim.names(TableDefinition::<u32, &[u8]>::new("heads"));
    victim.names(TableDefinition::<(u32, u64), &[u8]>::new("leaves"));
    victim.names(TableDefinition::<(u32, u64), [u8; 32]>::new("subtrees"));
    victim.names(TableDefinition::<(u32, u64), &[u8]>::new("details"));
    victim.names(TableDefinition::<(u32, &str), &[u8]>::new("tokens"));
}
