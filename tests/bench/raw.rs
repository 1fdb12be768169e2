//! Raw redb on the same disk: what the storage engine alone can do with the same bytes and the same commit mode.

use anyhow::Result;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");

/// A redb file with one table.
pub(crate) struct Raw {
    database: Database,
    next: u64,
}

impl Raw {
    /// A new file in a folder.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        Ok(Self { database: Database::create(folder.join("raw.redb"))?, next: 1 })
    }

    /// Commits rows of `bytes` bytes, `rows_per_commit` at a time, and gives the time of each commit.
    pub(crate) fn append(&mut self, commits: usize, rows_per_commit: usize, bytes: usize) -> Result<Vec<Duration>> {
        let row = vec![0x5a; bytes];
        (0..commits).map(|_| self.commit(rows_per_commit, &row)).collect()
    }

    fn commit(&mut self, rows: usize, row: &[u8]) -> Result<Duration> {
        let started = Instant::now();
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(ROWS)?;
            for _ in 0..rows {
                table.insert(self.next, row)?;
                self.next += 1;
            }
        }
        transaction.commit()?;
        Ok(started.elapsed())
    }

    /// Reads every row once; gives their number and the time it took.
    pub(crate) fn scan(&self) -> Result<(usize, Duration)> {
        let started = Instant::now();
        let transaction = self.database.begin_read()?;
        let table = transaction.open_table(ROWS)?;
        let mut bytes = 0;
        let mut rows = 0;
        for row in table.iter()? {
            bytes += row?.1.value().len();
            rows += 1;
        }
        assert!(bytes >= rows, "rows are not empty");
        Ok((rows, started.elapsed()))
    }
}
