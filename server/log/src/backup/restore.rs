//! Puts a backup of the log in place: read, built anew beside, verified as `check` does, and only then given its name.
//!
//! Invariant: a log that is there is never touched, and one that was not verified never gets the name of a log.

use super::{
    Copied, RestoreError,
    frames::{Contents, Source},
    heading::Heading,
};
use crate::{
    check::{Progress, check_file, open_keys},
    column::Column,
    config::Config,
    error::{OpenError, ReadError},
    packed::Reader,
    place::{part_of, publish, remove_leftover},
    root_key::{self, io_error},
    store::{self, Make},
    tables::{self, Visitor},
};
use redb::{Database, Durability, Key, ReadableDatabase, TableDefinition, WriteTransaction};
use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

/// Bytes of rows that one commit stores while the log is built.
const COMMIT_BYTES: u64 = 32 * 1024 * 1024;

/// How far a restore has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the backup were read.
    Reading(Copied),
    /// Rows were verified.
    Verifying(Progress),
}

/// A log that was put in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup held.
    pub heading: Heading,
    /// Details that were opened with the keys in the data folder and compared with their commitments.
    pub details_opened: u64,
    /// Details that could not be opened: erased ones, or all if the keys are not there.
    pub details_closed: u64,
}

/// Puts the log in a backup into a data folder that has none. What the views had stored goes, since it may be of
/// another log; it is made again.
pub fn restore(config: &Config, from: &Path, mut progress: impl FnMut(Step)) -> Result<Restored, RestoreError> {
    let file = config.data.join("log.redb");
    if file.symlink_metadata().is_ok() {
        return Err(RestoreError::Exists { path: file });
    }
    let input = open(from)?;
    root_key::make_private_folder(&config.data)?;
    let part = part_of(&file);
    remove_leftover(&part).map_err(io_error(&part))?;
    let restored = build(config, &part, input, &mut progress);
    match restored {
        Ok(restored) => {
            forget_views(&config.data)?;
            publish(&part, &file).map_err(io_error(&file))?;
            Ok(restored)
        }
        Err(error) => {
            // The error that is reported says more than this one could.
            drop(fs::remove_file(&part));
            Err(error)
        }
    }
}

/// Reads a backup of the log to its end and compares its digest: every byte is as it was written.
pub fn verify_backup(from: &Path, mut progress: impl FnMut(Copied)) -> Result<Heading, RestoreError> {
    let (input, total) = open(from)?;
    let (mut source, heading) = begin(input)?;
    while source.next()?.is_some() {
        progress(Copied { done: source.bytes(), total });
    }
    Ok(heading)
}

/// Removes the rows of views.
pub(crate) fn forget_views(data: &Path) -> Result<(), OpenError> {
    let views = data.join("views");
    match fs::remove_dir_all(&views) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&views)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn open(from: &Path) -> Result<(BufReader<File>, u64), RestoreError> {
    let file = File::open(from).map_err(io_error(from))?;
    let total = file.metadata().map_err(io_error(from))?.len();
    Ok((BufReader::with_capacity(256 * 1024, file), total))
}

fn begin<R: io::Read>(input: R) -> Result<(Source<R>, Heading), RestoreError> {
    let (source, heading) = Source::begin(input, Contents::Log)?;
    let heading = Heading::decode(&heading)?.ok_or_else(|| source.damaged("its heading is malformed"))?;
    Ok((source, heading))
}

/// Builds the log in a file and verifies it.
fn build(
    config: &Config,
    part: &Path,
    (input, total): (BufReader<File>, u64),
    progress: &mut impl FnMut(Step),
) -> Result<Restored, RestoreError> {
    let (source, heading) = begin(input)?;
    root_key::make_private_file(part).map_err(io_error(part))?;
    let database = store::builder(config).create(part).map_err(|error| store::open_error(error, &config.data, part))?;
    load(&database, source, |done| progress(Step::Reading(Copied { done, total })))?;
    let found = Heading::read(&database.begin_read().map_err(OpenError::from)?, heading.taken_at)?;
    drop(database);
    let keys = open_keys(&config.data)?;
    let report = check_file(part, keys.as_ref(), |verified| progress(Step::Verifying(verified)))?;
    if !report.is_sound() {
        return Err(RestoreError::NotSound(Box::new(report)));
    }
    if found != heading {
        return Err(RestoreError::Damaged { at: total, what: "its rows are not what its heading says" });
    }
    let (details_opened, details_closed) = (report.details_opened, report.details_closed);
    Ok(Restored { heading, details_opened, details_closed })
}

fn load<R: io::Read>(
    database: &Database,
    mut source: Source<R>,
    mut progress: impl FnMut(u64),
) -> Result<(), RestoreError> {
    let mut transaction = begin_write(database)?;
    tables::visit_all(&mut Make(&transaction))?;
    let mut stored = 0;
    loop {
        let Some((number, rows)) = source.next()? else { break };
        let mut load = Load { transaction: &transaction, number, rows: Reader::new(rows), stored: Stored::Not };
        tables::visit_all(&mut load)?;
        match load.stored {
            Stored::All => {}
            Stored::Not => return Err(source.damaged("a frame is of a table that there is not")),
            Stored::Malformed => return Err(source.damaged("a row is malformed")),
        }
        progress(source.bytes());
        if source.bytes() - stored > COMMIT_BYTES {
            stored = source.bytes();
            transaction.commit().map_err(OpenError::from)?;
            transaction = begin_write(database)?;
        }
    }
    transaction.commit().map_err(OpenError::from)?;
    Ok(sync(database)?)
}

/// A transaction that the disk has not seen when its commit returns.
fn begin_write(database: &Database) -> Result<WriteTransaction, OpenError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::None)?;
    Ok(transaction)
}

/// An empty commit that waits for the disk takes those before it along.
fn sync(database: &Database) -> Result<(), OpenError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    Ok(transaction.commit()?)
}

/// Stores the rows of a frame.
struct Load<'a> {
    transaction: &'a WriteTransaction,
    number: u8,
    rows: Reader<'a>,
    stored: Stored,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Not,
    All,
    Malformed,
}

impl Visitor for Load<'_> {
    type Error = OpenError;

    fn visit<K, V>(&mut self, number: u8, table: TableDefinition<'static, K, V>) -> Result<(), OpenError>
    where
        K: Key + Column + 'static,
        V: Column + 'static,
    {
        if number != self.number {
            return Ok(());
        }
        let mut table = self.transaction.open_table(table)?;
        while !self.rows.is_empty() {
            let (Some(key), Some(value)) = (K::take(&mut self.rows), V::take(&mut self.rows)) else {
                self.stored = Stored::Malformed;
                return Ok(());
            };
            table.insert(key, value).map_err(ReadError::from)?;
        }
        self.stored = Stored::All;
        Ok(())
    }
}
