//! Checks a log that no server has open: compares every row with what follows from the entries.
//!
//! Invariant: nothing is repaired here. Every problem is reported, and checking continues where it can.

mod damage;
mod erased;
mod rows;
mod tokens;
mod walk;

use crate::{
    config::Config,
    error::{OpenError, ReadError},
    files::{builder, open_error},
    keys::{key_file, place::KeyPlace},
    limits,
    offline::judge::judge,
    rows::{components, row::read_networks, version},
    state::{snapshot::Snapshot, token::Token},
};
use kith_core::{id::NetworkName, position::Position};
use kith_words::Keys;
use redb::{ReadTransaction, ReadableDatabase};
use rows::Expected;
use std::{borrow::Cow, fmt, path::Path};
use walk::Walk;

/// Entries between two reports of progress.
const PROGRESS_ENTRIES: u64 = 4_096;

/// Progress of a check, over all networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries checked.
    pub checked: u64,
    /// Entries to check.
    pub total: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Networks checked.
    pub networks: usize,
    /// Entries checked.
    pub entries: u64,
    /// Details that were opened and compared with their commitments.
    pub details_opened: u64,
    /// Details that are erased.
    pub details_erased: u64,
    /// Details that could not be opened, because a key is missing.
    pub details_closed: u64,
    /// The tokens for the whole server, including revoked ones. No entry records them.
    pub server_tokens: Vec<Token>,
    /// How many people have no key, and no entry that erases them: a problem, but not one of the log.
    pub keys_missing: u64,
    /// How many problems there are, with the missing keys.
    pub problems_count: u64,
    /// The problems, at most 1,000 of them.
    pub problems: Vec<Problem>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The network, if the problem is in one.
    pub network: Option<NetworkName>,
    /// The position, if the problem is at one.
    pub position: Option<Position>,
    /// The table or file.
    pub table: Cow<'static, str>,
    /// What is wrong.
    pub what: Cow<'static, str>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(network) = &self.network {
            write!(f, "network {network}, ")?;
        }
        if let Some(position) = self.position {
            write!(f, "position {position}, ")?;
        }
        write!(f, "{}: {}", self.table, self.what)
    }
}

/// Why a log could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The files could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The files could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems_count == 0
    }

    /// Whether nothing is wrong with the log; keys may be missing, as with a backup of the keys that is older than the log.
    pub fn is_sound_but_for_keys(&self) -> bool {
        self.problems_count == self.keys_missing
    }

    fn add(&mut self, problem: Problem) {
        self.problems_count += 1;
        if self.problems.len() < limits::CHECK_PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    pub(crate) fn add_about_file(&mut self, table: impl Into<Cow<'static, str>>, what: impl Into<Cow<'static, str>>) {
        self.add(Problem { network: None, position: None, table: table.into(), what: what.into() });
    }
}

/// Checks the log in a data folder, and that it contains what the server signed. No server may have it open. Without
/// `keys/` details are not opened and signatures are not verified.
pub fn check(config: &Config, progress: impl FnMut(Progress)) -> Result<Report, CheckError> {
    let keys = open_keys(config)?;
    let mut report = check_file(&config.data.join("log.redb"), keys.as_ref(), progress)?;
    // A damaged log cannot be compared with what was signed.
    if keys.is_some() && report.is_sound() {
        drop(keys);
        for judgement in judge(config)?.into_iter().filter(|judgement| !judgement.verdict.is_sound()) {
            report.add_about_file("checkpoint", judgement.to_string());
        }
    }
    Ok(report)
}

/// Checks a log in a file.
pub(crate) fn check_file(
    file: &Path,
    keys: Option<&Keys>,
    progress: impl FnMut(Progress),
) -> Result<Report, CheckError> {
    let mut builder = builder(&Config::default());
    let database = match builder.set_check_integrity_on_open(true).open(file) {
        Ok(database) => database,
        Err(redb::DatabaseError::Storage(redb::StorageError::Corrupted(_))) => return Ok(damage::locate(file, keys)),
        Err(error) => return Err(open_error(error, file.parent().unwrap_or(file), file).into()),
    };
    let mut report = Report::default();
    check_database(&database, keys, &mut report, progress)?;
    Ok(report)
}

/// Checks a log on the caller's storage, with its keys.
#[cfg(feature = "faults")]
pub fn check_on(
    log: impl redb::StorageBackend,
    keys: impl redb::StorageBackend,
    root_key: [u8; 32],
    progress: impl FnMut(Progress),
) -> Result<Report, CheckError> {
    let mut report = Report::default();
    let database = match builder(&Config::default()).set_check_integrity_on_open(true).create_with_backend(log) {
        Ok(database) => database,
        Err(redb::DatabaseError::Storage(redb::StorageError::Corrupted(_))) => {
            report.add_about_file("log.redb", "pages do not match their checksums");
            return Ok(report);
        }
        Err(error) => return Err(OpenError::from(error).into()),
    };
    let keys = redb::Builder::new().create_with_backend(keys).map_err(OpenError::from)?;
    let keys = Keys::with_database(keys, zeroize::Zeroizing::new(root_key), None).map_err(OpenError::from)?;
    check_database(&database, Some(&keys), &mut report, progress)?;
    Ok(report)
}

/// The keys of a data folder, if it has any.
pub(crate) fn open_keys(config: &Config) -> Result<Option<Keys>, OpenError> {
    match key_file::open(&KeyPlace::of(config), false) {
        Ok(keys) => Ok(Some(keys)),
        Err(OpenError::RootKeyMissing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn check_database(
    database: &dyn ReadableDatabase,
    keys: Option<&Keys>,
    report: &mut Report,
    mut progress: impl FnMut(Progress),
) -> Result<(), CheckError> {
    let transaction = database.begin_read().map_err(OpenError::from)?;
    version::check(&transaction)?;
    let networks = read_networks(&transaction)?;
    report.networks = networks.len();
    let mut expected = Expected::default();
    let total = rows::count_entries(&transaction)?;
    for (index, (name, row)) in networks.iter().enumerate() {
        if networks[..index].iter().any(|(_, other)| other.ordinal == row.ordinal) {
            report.add_about_file("networks", "two networks have the same ordinal");
            continue;
        }
        let loaded = keys.filter(|keys| keys.load_network(row.key_incarnation).is_ok());
        if keys.is_some() && loaded.is_none() {
            report.add_about_file("network_keys", "the key of a network is missing or does not open");
        }
        let snapshot = Snapshot::stored(database, row.ordinal)?;
        let mut walk = Walk::new(name, row.key_incarnation, snapshot, loaded);
        walk.check_all(report, |checked| progress(Progress { checked, total }))?;
        walk.finish(report, &mut expected)?;
    }
    expected.compare(&transaction, report)?;
    check_components(&transaction, report)?;
    tokens::list_server(&transaction, report)?;
    progress(Progress { checked: report.entries, total });
    Ok(())
}

/// Compares every component with its digest.
fn check_components(transaction: &ReadTransaction, report: &mut Report) -> Result<(), ReadError> {
    for digest in components::list(transaction)? {
        match components::read(transaction, &digest) {
            Ok(_) => {}
            Err(ReadError::Damaged(damage)) => report.add_about_file(damage.table, damage.what),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
