//! Backups of `keys/`, separate from those of the log: with both, every personal word can be read.
//!
//! Invariant: keys are only copied between the folder and a file that only its owner may read, never over a connection.

use super::{
    BackupError, RestoreError,
    frames::{Sink, Source},
};
use crate::{
    config::{Config, ROOT_KEY_FILE},
    error::{OpenError, ReadError},
    files::{io_error, make_private_file, make_private_folder, part_of, publish_folder, write_new, write_private},
    keys::{
        erasures_file::{self, ErasuresFile},
        key_file,
        place::KeyPlace,
        root_key, rotation, signing_key,
    },
    rows::column::Column,
};
use kith_core::packed::Reader;
use kith_words::KeyFolder;
use redb::{Key, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};
use std::{
    fs,
    io::{self, BufReader, Write},
    path::Path,
};

/// Numbers of files that are not tables.
const ROOT_KEY: u8 = 101;
const SIGNING_KEY: u8 = 102;
/// Numbers of the tables of `keys.redb`.
const NETWORK_KEYS: u8 = 1;
const PERSON_KEYS: u8 = 2;
const ERASED: u8 = 3;

/// How many keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeysCopied {
    /// Keys of networks.
    pub networks: u64,
    /// Keys of people.
    pub people: u64,
    /// People whose key was destroyed instead of restored, because they were erased after the backup was made.
    pub erased_since: u64,
}

/// Backs up the keys of a data folder, whether or not a server runs on it. The file contains the root key: with it and
/// a backup of the log all personal words can be read, so only its owner may read it.
pub fn backup_keys(config: &Config, to: &Path) -> Result<KeysCopied, BackupError> {
    write_new(to, |out| backup_keys_into(config, out))
}

/// Like [`backup_keys`], into any writer.
pub fn backup_keys_into(config: &Config, out: &mut dyn Write) -> Result<KeysCopied, BackupError> {
    let place = KeyPlace::of(config);
    // The root key is read last: while the keys are read here, no rotation can end.
    let beside = key_file::begin_read_beside(place.folder())?;
    let transaction = &beside.transaction;
    let root = root_key::read(place.root())?;
    let signing = signing_key::read_sealed(&place.signing())?;
    let mut sink = Sink::of_keys(out)?;
    sink.add(ROOT_KEY, |frame| frame.extend_from_slice(root.as_slice()))?;
    if let Some(sealed) = &signing {
        sink.add(SIGNING_KEY, |frame| frame.extend_from_slice(sealed))?;
    }
    let networks = dump(transaction, &mut sink, NETWORK_KEYS, kith_words::NETWORK_KEYS)?;
    let people = dump(transaction, &mut sink, PERSON_KEYS, kith_words::PERSON_KEYS)?;
    dump(transaction, &mut sink, ERASED, kith_words::ERASED)?;
    sink.finish()?;
    Ok(KeysCopied { networks, people, erased_since: 0 })
}

/// Restores the keys of a backup into a data folder that has none, but those of people who were erased since.
pub fn restore_keys(config: &Config, from: impl io::Read) -> Result<KeysCopied, RestoreError> {
    let (place, folder) = (KeyPlace::of(config), config.keys_path());
    if folder.symlink_metadata().is_ok() {
        return Err(RestoreError::Exists { path: folder });
    }
    let mut source = Source::of_keys(BufReader::new(from))?;
    let part = part_of(&folder);
    if let Err(error) = fs::remove_dir_all(&part)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(io_error(&part)(error).into());
    }
    make_private_folder(&part)?;
    let restored = load(&part, &mut source)
        .and_then(|copied| destroy_erased(config, &part, copied))
        .and_then(|copied| move_root(&part, &place).map(|()| copied));
    if restored.is_err() {
        // The reported error says more than this one could.
        drop(fs::remove_dir_all(&part));
        return restored;
    }
    publish_folder(&part, &folder).map_err(io_error(&folder))?;
    restored
}

/// Moves the restored root key to where the settings want it, if that is elsewhere. One that is there must be the same.
fn move_root(part: &Path, place: &KeyPlace) -> Result<(), RestoreError> {
    if *place == KeyPlace::within(place.folder()) {
        return Ok(());
    }
    let restored = KeyPlace::within(part);
    let root = root_key::read(restored.root())?;
    match root_key::read(place.root()) {
        Ok(there) if there == root => {}
        Ok(_) => return Err(RestoreError::Exists { path: place.root().to_owned() }),
        Err(OpenError::RootKeyMissing { .. }) => {
            write_private(place.root(), root.as_slice()).map_err(io_error(place.root()))?;
        }
        Err(error) => return Err(error.into()),
    }
    let removed = rotation::overwrite(restored.root()).and_then(|()| fs::remove_file(restored.root()));
    removed.map_err(|error| io_error(restored.root())(error).into())
}

/// Destroys the restored keys of people who were erased after the backup was made, according to the file of erasures.
fn destroy_erased(config: &Config, folder: &Path, copied: KeysCopied) -> Result<KeysCopied, RestoreError> {
    let lines = ErasuresFile::new(config.erasures_path()).read().map_err(OpenError::from)?;
    let keys = key_file::open(&KeyPlace::within(folder), false)?;
    let back = keys.with_keys(erasures_file::doomed(&lines).collect()).map_err(OpenError::from)?;
    if !back.is_empty() {
        keys.destroy(&back).map_err(OpenError::from)?;
    }
    let erased_since = back.len() as u64;
    Ok(KeysCopied { people: copied.people - erased_since, erased_since, ..copied })
}

fn dump<K: Key + Column, V: Column>(
    transaction: &ReadTransaction,
    sink: &mut Sink<'_>,
    number: u8,
    table: TableDefinition<'static, K, V>,
) -> Result<u64, BackupError> {
    let mut count = 0;
    for row in transaction.open_table(table)?.iter()? {
        let (key, value) = row?;
        sink.add(number, |frame| {
            K::put(&key.value(), frame);
            V::put(&value.value(), frame);
        })?;
        count += 1;
    }
    Ok(count)
}

fn load<R: io::Read>(folder: &Path, source: &mut Source<R>) -> Result<KeysCopied, RestoreError> {
    let file = folder.join("keys.redb");
    make_private_file(&file).map_err(io_error(&file))?;
    let database = KeyFolder::builder().create(&file).map_err(OpenError::from)?;
    let transaction = database.begin_write().map_err(OpenError::from)?;
    kith_words::make_tables(&transaction).map_err(OpenError::from)?;
    let mut copied = KeysCopied::default();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        write_private(&path, bytes).map_err(io_error(&path))
    };
    while let Some((number, rows)) = source.next()? {
        let stored = match number {
            ROOT_KEY => put(ROOT_KEY_FILE, rows).map(|()| Some(0)),
            SIGNING_KEY => put(signing_key::FILE, rows).map(|()| Some(0)),
            NETWORK_KEYS => insert(&transaction, kith_words::NETWORK_KEYS, rows),
            PERSON_KEYS => insert(&transaction, kith_words::PERSON_KEYS, rows),
            ERASED => insert(&transaction, kith_words::ERASED, rows),
            _ => Ok(None),
        };
        let Some(count) = stored? else { return Err(source.damaged("a row is malformed")) };
        match number {
            NETWORK_KEYS => copied.networks += count,
            PERSON_KEYS => copied.people += count,
            _ => {}
        }
    }
    transaction.commit().map_err(OpenError::from)?;
    drop(database);
    verify(folder)?;
    Ok(copied)
}

/// Opens every key with the key that wraps it.
fn verify(folder: &Path) -> Result<(), OpenError> {
    let keys = key_file::open(&KeyPlace::within(folder), false)?;
    keys.verify()?;
    signing_key::read(&folder.join(signing_key::FILE), &keys).map(drop)
}

/// Stores the rows of a frame and counts them; `None` if one is malformed.
fn insert<K: Key + Column, V: Value + Column>(
    transaction: &WriteTransaction,
    table: TableDefinition<'static, K, V>,
    rows: &[u8],
) -> Result<Option<u64>, OpenError> {
    let mut table = transaction.open_table(table)?;
    let (mut rows, mut count) = (Reader::new(rows), 0);
    while !rows.is_empty() {
        let (Some(key), Some(value)) = (K::take(&mut rows), V::take(&mut rows)) else { return Ok(None) };
        table.insert(key, value).map_err(ReadError::from)?;
        count += 1;
    }
    Ok(Some(count))
}
