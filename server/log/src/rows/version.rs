//! Versions of the formats on disk, in the table `meta`.
//!
//! Invariant: a file of a newer version is never opened, and a file of this version is read as it is.

use crate::{
    error::{Damage, OpenError, ReadError, Versioned},
    rows::tables::META,
};
use redb::{ReadOnlyTable, ReadTransaction, Table};

/// Version of the tables and their rows.
pub(crate) const FORMAT_VERSION: u32 = 4;

/// Version of the entries' bytes: `kith.v1.Entry`.
pub(crate) const ENTRY_VERSION: u32 = 1;

const FORMAT_KEY: &str = "format_version";

/// Missing in logs created before it was introduced: their entries have version 1.
const ENTRY_KEY: &str = "entry_version";

/// Writes the versions into a new file.
pub(crate) fn write(meta: &mut Table<'_, &'static str, u32>) -> Result<(), redb::StorageError> {
    meta.insert(FORMAT_KEY, FORMAT_VERSION)?;
    meta.insert(ENTRY_KEY, ENTRY_VERSION)?;
    Ok(())
}

/// Refuses a file with a version that this program does not read.
pub(crate) fn check(transaction: &ReadTransaction) -> Result<(), OpenError> {
    let missing = Damage { table: "meta", what: "the format version is missing" };
    let meta = match transaction.open_table(META) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Err(missing.into()),
        Err(error) => return Err(error.into()),
    };
    let format = read(&meta, FORMAT_KEY)?.ok_or(missing)?;
    check_one(Versioned::Log, format, FORMAT_VERSION)?;
    check_one(Versioned::Entries, read(&meta, ENTRY_KEY)?.unwrap_or(1), ENTRY_VERSION)
}

/// Refuses a version that is not `supported`. A newer program that also reads older versions would list them here.
pub(crate) fn check_one(of: Versioned, found: u32, supported: u32) -> Result<(), OpenError> {
    if found == supported { Ok(()) } else { Err(OpenError::Version { of, found, supported }) }
}

/// How many of the table's rows are versions.
pub(crate) fn count_rows(transaction: &ReadTransaction) -> Result<u64, ReadError> {
    let meta = transaction.open_table(META)?;
    let mut count = 0;
    for key in [FORMAT_KEY, ENTRY_KEY] {
        count += u64::from(read(&meta, key)?.is_some());
    }
    Ok(count)
}

fn read(meta: &ReadOnlyTable<&'static str, u32>, key: &str) -> Result<Option<u32>, redb::StorageError> {
    Ok(meta.get(key)?.map(|version| version.value()))
}
