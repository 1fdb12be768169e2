//! Writes a backup of the log: every row of every table as one read transaction sees it.
//!
//! Invariant: the writer never waits for it, and it keeps no more than a frame in memory.

use super::{
    Backup, BackupError, Copied,
    frames::{Filled, Signer, Sink},
    heading::Heading,
};
use crate::{
    config::{Clock, Config},
    files::{open_database, write_new},
    keys::{key_file, place::KeyPlace, signing_key},
    rows::{
        column::Column,
        tables::{self, Visitor},
        version,
    },
};
use kith_core::{checkpoint::SigningKey, timestamp::Timestamp};
use redb::{Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use std::{io::Write, path::Path};

/// Backs up the log in a data folder that no server has open. The file is whole and on disk when this returns, or does
/// not exist; only its owner may read it. For a running server there is [`crate::Log::backup`].
pub fn backup(config: &Config, clock: &Clock, to: &Path, progress: impl FnMut(Copied)) -> Result<Backup, BackupError> {
    let offline = Offline::open(config)?;
    write_new(to, |out| offline.write(clock, out, progress))
}

/// Backs up the log in a data folder that no server has open, into any writer.
pub fn backup_into(
    config: &Config,
    clock: &Clock,
    out: &mut dyn Write,
    progress: impl FnMut(Copied),
) -> Result<Backup, BackupError> {
    Offline::open(config)?.write(clock, out, progress)
}

/// A log that no server has open, and the key that signs for it.
pub(crate) struct Offline {
    database: Database,
    key: SigningKey,
}

impl Offline {
    pub(crate) fn open(config: &Config) -> Result<Self, BackupError> {
        let database = open_database(config, &config.data.join("log.redb"))?;
        version::check(&database.begin_read()?)?;
        let place = KeyPlace::of(config);
        let key = signing_key::read_or_make(place.folder(), &key_file::open(&place, false)?)?;
        Ok(Self { database, key })
    }

    /// Who signs what is written.
    pub(crate) fn signer(&self) -> Signer {
        Signer::Is(self.key.public())
    }

    pub(crate) fn write(
        &self,
        clock: &Clock,
        out: &mut dyn Write,
        mut progress: impl FnMut(Copied),
    ) -> Result<Backup, BackupError> {
        dump(&self.database, &self.key, clock(), out, &mut progress)
    }
}

/// Writes a backup of what is committed, signed by a key.
pub(crate) fn dump(
    database: &Database,
    key: &SigningKey,
    now: Timestamp,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Copied),
) -> Result<Backup, BackupError> {
    let transaction = database.begin_read()?;
    let heading = Heading::read(&transaction, now)?;
    let mut count = Count { transaction: &transaction, rows: 0 };
    tables::visit_all(&mut count)?;
    let copied = Copied { done: 0, total: count.rows };
    let sink = Sink::of_log(out, key, &heading.encode())?;
    let mut dump = Dump { transaction: &transaction, sink, copied, progress };
    tables::visit_all(&mut dump)?;
    (dump.progress)(dump.copied);
    Ok(Backup { heading, bytes: dump.sink.finish()? })
}

struct Count<'a> {
    transaction: &'a ReadTransaction,
    rows: u64,
}

impl Visitor for Count<'_> {
    type Error = BackupError;

    fn visit<K, V>(&mut self, _: u8, table: TableDefinition<'static, K, V>) -> Result<(), BackupError>
    where
        K: Key + Column + 'static,
        V: Column + 'static,
    {
        self.rows += self.transaction.open_table(table)?.len()?;
        Ok(())
    }
}

struct Dump<'a, 'w> {
    transaction: &'a ReadTransaction,
    sink: Sink<'w>,
    copied: Copied,
    progress: &'a mut dyn FnMut(Copied),
}

impl Visitor for Dump<'_, '_> {
    type Error = BackupError;

    fn visit<K, V>(&mut self, number: u8, table: TableDefinition<'static, K, V>) -> Result<(), BackupError>
    where
        K: Key + Column + 'static,
        V: Column + 'static,
    {
        for row in self.transaction.open_table(table)?.iter()? {
            let (key, value) = row?;
            let filled = self.sink.add(number, |frame| {
                K::put(&key.value(), frame);
                V::put(&value.value(), frame);
            })?;
            self.copied.done += 1;
            if filled == Filled::Written {
                (self.progress)(self.copied);
            }
        }
        Ok(())
    }
}
