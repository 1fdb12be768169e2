//! Restores a backup of the log: reads it, builds a new file beside the log's path, verifies it like `check`, and only
//! then gives it its name.
//!
//! Invariant: an existing log is never touched, and a log that was not verified never gets the log's name.

use super::{
    Copied, RestoreError,
    frames::{Signer, Source},
    heading::Heading,
};
use crate::{
    config::{Clock, Config},
    error::{OpenError, ReadError},
    files::{builder, io_error, make_private_file, make_private_folder, open_error, part_of, publish, remove_leftover},
    keys::{place::KeyPlace, signing_key},
    limits,
    offline::{
        accept_rollback::end_tokens,
        check::{Progress, check_file, open_keys},
    },
    rows::{
        column::Column,
        tables::{self, Visitor},
    },
    store::Make,
};
use kith_core::checkpoint::PublicKey;
use kith_core::packed::Reader;
use redb::{Database, Durability, Key, ReadableDatabase, TableDefinition, WriteTransaction};
use std::{
    fmt, fs,
    io::{self, BufReader, Read},
    path::Path,
};

/// Progress of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the backup were read.
    Reading(Copied),
    /// Rows were verified.
    Verifying(Progress),
}

/// What a backup must have to be restored.
#[derive(Clone)]
pub enum Trust {
    /// The signature of the key in the data folder.
    Signed,
    /// Nothing: its author may have written anything into it. Its tokens grant no access, and each of its logs
    /// continues under a new incarnation, with an entry that records this at the clock's time.
    Unverified(Clock),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signed => "Signed",
            Self::Unverified(_) => "Unverified",
        })
    }
}

/// A backup in which every byte is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What is in it.
    pub heading: Heading,
    /// The key that signed it.
    pub signed_by: PublicKey,
    /// Whether that is the key in the data folder; if not, the folder has no key.
    pub is_own: bool,
}

/// A log that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup held.
    pub heading: Heading,
    /// Tokens of networks and of the server that were valid until now: all of them have ended.
    pub tokens_ended: u64,
    /// Details that were opened with the keys in the data folder and compared with their commitments.
    pub details_opened: u64,
    /// Details that are erased.
    pub details_erased: u64,
    /// Details that could not be opened, because a key is missing.
    pub details_closed: u64,
}

/// Restores the log in a backup into a data folder that has none. `total` is the backup's size in bytes, 0 if unknown.
/// Deletes what the views had stored, since it may be of another log; it is rebuilt.
pub fn restore(
    config: &Config,
    (input, total): (impl Read, u64),
    trust: &Trust,
    mut progress: impl FnMut(Step),
) -> Result<Restored, RestoreError> {
    let file = config.data.join("log.redb");
    if file.symlink_metadata().is_ok() {
        return Err(RestoreError::Exists { path: file });
    }
    let signer = signer(config, trust)?;
    let (source, heading) = begin(input, signer)?;
    make_private_folder(&config.data)?;
    let part = part_of(&file);
    remove_leftover(&part).map_err(io_error(&part))?;
    let restored = build(config, &part, source, (heading, total), &mut progress);
    let restored = restored.and_then(|restored| match trust {
        Trust::Signed => Ok(restored),
        Trust::Unverified(clock) => Ok(Restored { tokens_ended: end_tokens(config, clock, &part)?, ..restored }),
    });
    match restored {
        Ok(restored) => {
            forget_views(&config.data)?;
            publish(&part, &file).map_err(io_error(&file))?;
            Ok(restored)
        }
        Err(error) => {
            // The reported error says more than this one could.
            drop(fs::remove_file(&part));
            Err(error)
        }
    }
}

/// Which signature a backup must have to be restored into a data folder.
fn signer(config: &Config, trust: &Trust) -> Result<Signer, RestoreError> {
    let place = KeyPlace::of(config);
    match trust {
        Trust::Unverified(_) if !place.root().exists() => {
            Err(RestoreError::KeyMissing { path: place.root().to_owned() })
        }
        Trust::Unverified(_) => Ok(Signer::Nobody),
        Trust::Signed => {
            let missing = RestoreError::KeyMissing { path: place.signing() };
            Ok(Signer::Is(signing_key::read_public(&place)?.ok_or(missing)?))
        }
    }
}

/// Reads a backup of the log to its end, compares its digest, and verifies its signature: if the data folder has keys,
/// it must be by them. A server may be using them.
pub fn verify_backup(
    config: &Config,
    (input, total): (impl Read, u64),
    mut progress: impl FnMut(Copied),
) -> Result<Verified, RestoreError> {
    let own = signing_key::read_public(&KeyPlace::of(config))?;
    let (mut source, heading) = begin(input, own.map_or(Signer::Any, Signer::Is))?;
    while source.next()?.is_some() {
        progress(Copied { done: source.bytes(), total });
    }
    let signed_by = source.key().ok_or_else(|| source.damaged("it names no key"))?;
    Ok(Verified { heading, signed_by, is_own: own.is_some() })
}

/// Removes the rows of views.
pub(crate) fn forget_views(data: &Path) -> Result<(), OpenError> {
    let views = data.join("views");
    match fs::remove_dir_all(&views) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&views)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

type Begun<R> = Source<BufReader<R>>;

fn begin<R: Read>(input: R, signer: Signer) -> Result<(Begun<R>, Heading), RestoreError> {
    let input = BufReader::with_capacity(256 * 1024, input);
    let (source, heading) = Source::of_log(input, signer)?;
    let heading = Heading::decode(&heading)?.ok_or_else(|| source.damaged("its heading is malformed"))?;
    Ok((source, heading))
}

/// Builds the log that a backup holds in a file, and verifies it. Leaves the file behind if it fails.
pub(crate) fn build_from(
    config: &Config,
    part: &Path,
    signer: Signer,
    (input, total): (impl Read, u64),
    progress: &mut impl FnMut(Step),
) -> Result<(), RestoreError> {
    let (source, heading) = begin(input, signer)?;
    build(config, part, source, (heading, total), progress).map(drop)
}

/// Builds the log in a file and verifies it.
fn build<R: Read>(
    config: &Config,
    part: &Path,
    source: Begun<R>,
    (heading, total): (Heading, u64),
    progress: &mut impl FnMut(Step),
) -> Result<Restored, RestoreError> {
    make_private_file(part).map_err(io_error(part))?;
    let database = builder(config).create(part).map_err(|error| open_error(error, &config.data, part))?;
    let bytes = load(&database, source, |done| progress(Step::Reading(Copied { done, total })))?;
    let found = Heading::read(&database.begin_read().map_err(OpenError::from)?, heading.taken_at)?;
    drop(database);
    let keys = open_keys(config)?;
    let report = check_file(part, keys.as_ref(), |verified| progress(Step::Verifying(verified)))?;
    if !report.is_sound_but_for_keys() {
        return Err(RestoreError::NotSound(Box::new(report)));
    }
    if found != heading {
        return Err(RestoreError::Damaged { at: bytes, what: "its rows are not what its heading says" });
    }
    let (details_opened, details_erased) = (report.details_opened, report.details_erased);
    let details_closed = report.details_closed;
    Ok(Restored { heading, tokens_ended: 0, details_opened, details_erased, details_closed })
}

/// Stores what is in a backup; returns its size in bytes.
fn load<R: Read>(
    database: &Database,
    mut source: Begun<R>,
    mut progress: impl FnMut(u64),
) -> Result<u64, RestoreError> {
    let mut transaction = begin_write(database)?;
    tables::visit_all(&mut Make(&transaction))?;
    let mut stored = 0;
    loop {
        let Some((number, rows)) = source.next()? else { break };
        let mut load = Load { transaction: &transaction, number, rows: Reader::new(rows), stored: Stored::Not };
        tables::visit_all(&mut load)?;
        match load.stored {
            Stored::All => {}
            Stored::Not => return Err(source.damaged("a frame is of an unknown table")),
            Stored::Malformed => return Err(source.damaged("a row is malformed")),
        }
        progress(source.bytes());
        if source.bytes() - stored > limits::RESTORE_COMMIT_BYTES {
            stored = source.bytes();
            transaction.commit().map_err(OpenError::from)?;
            transaction = begin_write(database)?;
        }
    }
    transaction.commit().map_err(OpenError::from)?;
    sync(database)?;
    Ok(source.bytes())
}

/// A transaction whose commit does not wait for the disk.
fn begin_write(database: &Database) -> Result<WriteTransaction, OpenError> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::None)?;
    Ok(transaction)
}

/// Makes all commits so far durable, with an empty commit that waits for the disk.
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

/// The result of storing a frame.
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
