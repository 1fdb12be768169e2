//! Locates the damage in a file whose pages do not match their checksums.
//!
//! Invariant: the file is only read, so that a later rescue finds it unchanged.

use super::{Report, check_database};
use crate::{
    config::Config,
    files::builder,
    rows::{
        column::Column,
        tables::{self, Visitor},
    },
};
use kith_words::Keys;
use redb::{Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use std::{
    convert::Infallible,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// The report on a file that the storage engine refuses: what can still be read is compared as usual, and tables that
/// cannot be read are named.
pub(super) fn locate(file: &Path, keys: Option<&Keys>) -> Report {
    let mut report = Report::default();
    report.add_about_file("log.redb", "pages do not match their checksums");
    match guarded(|| read_on(file, keys, &mut report)) {
        Some(()) if report.problems_count == 1 => {
            report.add_about_file(
                "log.redb",
                "all entries, and all that follows from them, can still be read and are right",
            );
        }
        Some(()) => {}
        None => report.add_about_file("log.redb", "pages that lead to others cannot be read: not all was checked"),
    }
    report
}

/// Reads everything without checking checksums.
fn read_on(file: &Path, keys: Option<&Keys>, report: &mut Report) -> Option<()> {
    let database = builder(&Config::default()).open_read_only(file).ok()?;
    let transaction = database.begin_read().ok()?;
    let Ok(()) = tables::visit_all(&mut Scan { transaction: &transaction, report });
    check_database(&database, keys, report, |_| ()).ok()
}

/// The storage engine panics on some malformed pages; here a panic counts as an error.
fn guarded<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// Reads every row.
struct Scan<'a> {
    transaction: &'a ReadTransaction,
    report: &'a mut Report,
}

impl Visitor for Scan<'_> {
    type Error = Infallible;

    fn visit<K, V>(&mut self, _: u8, table: TableDefinition<'static, K, V>) -> Result<(), Infallible>
    where
        K: Key + Column + 'static,
        V: Column + 'static,
    {
        let read = guarded(|| {
            let table = self.transaction.open_table(table).ok()?;
            table.iter().ok()?.try_for_each(|row| row.ok().map(drop))
        });
        if read.is_none() {
            self.report.add_about_file(table.name().to_owned(), "pages of this table cannot be read");
        }
        Ok(())
    }
}
