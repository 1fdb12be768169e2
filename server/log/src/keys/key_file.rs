//! The file of keys: `keys/keys.redb`, opened with the root key.

use crate::{
    error::{Damage, OpenError, StorageFailure},
    files::{folder_of, io_error, make_private_folder, make_whole, open_error, unless_damaged},
    keys::{place::KeyPlace, root_key, rotation},
};
use kith_core::id::NetworkName;
use kith_words::{Incarnation, Key, KeyFolder, Keys, KeysError, make_tables};
use redb::{DatabaseError, ReadTransaction, ReadableDatabase};
use std::{fs::File, io, path::Path};

/// Opens the folder of keys; creates it and the root key if `fresh`, that is if nothing was ever sealed.
pub(crate) fn open(place: &KeyPlace, fresh: bool) -> Result<Keys, OpenError> {
    let folder = place.folder();
    let file = folder.join("keys.redb");
    if fresh {
        make_private_folder(folder)?;
    }
    rotation::recover(place)?;
    let root = root_key::read_or_make(place.root(), || fresh && !file.exists())?;
    if fresh && !file.exists() {
        make_whole(&file, |part| {
            let database =
                KeyFolder::builder().create(part).map_err(|error| open_error(error, folder_of(folder), part))?;
            let transaction = database.begin_write()?;
            make_tables(&transaction)?;
            Ok(transaction.commit()?)
        })?;
    }
    open_with(folder, root)
}

/// Opens the file in a folder of keys with this root key.
pub(crate) fn open_with(folder: &Path, root: Key) -> Result<Keys, OpenError> {
    let place = KeyFolder::new(folder);
    let file = place.file();
    let database = unless_damaged(file, || {
        KeyFolder::builder().open(file).map_err(|error| open_error(error, folder_of(folder), file))
    })?;
    match place.recover() {
        // The old file waits for a backup that reads it: the next erasure or start overwrites it.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        recovered => recovered.map_err(io_error(folder))?,
    }
    Ok(Keys::with_database(database, root, Some(place))?)
}

/// Loads the key of a network that has one.
pub(crate) fn load_network(keys: &Keys, name: &NetworkName, incarnation: Incarnation) -> Result<(), OpenError> {
    keys.load_network(incarnation).map_err(|error| match error {
        KeysError::Storage(_) => error.into(),
        KeysError::Unusable(_) => OpenError::NetworkKeyUnusable { network: name.clone() },
    })
}

/// Keys that are read while a server may have them open. The old file is not overwritten meanwhile.
pub(crate) struct KeysBeside {
    /// What is read.
    pub(crate) transaction: ReadTransaction,
    _lock: File,
}

/// Begins to read the keys in a folder that a server may have open.
pub(crate) fn begin_read_beside(folder: &Path) -> Result<KeysBeside, OpenError> {
    let place = KeyFolder::new(folder);
    let (lock, file) = (place.lock_for_reading().map_err(io_error(folder))?, place.file().to_owned());
    let database = unless_damaged(&file, || {
        let database: Result<Box<dyn ReadableDatabase>, _> = match KeyFolder::builder().open_read_only(&file) {
            // The server was killed; nobody has the file open, so it can be repaired.
            Err(DatabaseError::RepairAborted) => {
                KeyFolder::builder().open(&file).map(|database| Box::new(database) as _)
            }
            opened => opened.map(|database| Box::new(database) as _),
        };
        database.map_err(|error| open_error(error, folder_of(folder), &file))
    })?;
    Ok(KeysBeside { transaction: database.begin_read()?, _lock: lock })
}

impl From<KeysError> for OpenError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Storage(error) => Self::Storage(StorageFailure::new(*error)),
            KeysError::Unusable(what) => Self::Damaged(Damage { table: "keys", what }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::id::PersonId;

    const NORTH: Incarnation = [1; 16];
    const SOUTH: Incarnation = [2; 16];

    fn person(id: &str) -> PersonId {
        id.parse().unwrap()
    }

    fn north() -> NetworkName {
        "north".parse().unwrap()
    }

    #[test]
    fn keys_stay_the_same_over_a_reopen() {
        let folder = tempfile::tempdir().unwrap();
        let (amina, ben) = (person("amina"), person("ben"));
        let made = {
            let keys = open(&KeyPlace::within(folder.path()), true).unwrap();
            keys.make_network(NORTH).unwrap();
            keys.find_or_make_people(NORTH, &[&amina]).unwrap()
        };
        let keys = open(&KeyPlace::within(folder.path()), false).unwrap();
        load_network(&keys, &north(), NORTH).unwrap();
        let found = keys.find_people(NORTH, &[&amina, &ben]).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(**found[&amina], **made[&amina]);
        let again = keys.find_or_make_people(NORTH, &[&amina, &ben]).unwrap();
        assert_eq!(**again[&amina], **made[&amina]);
        assert_ne!(**again[&ben], **made[&amina]);
    }

    #[test]
    fn every_network_has_its_own_keys() {
        let folder = tempfile::tempdir().unwrap();
        let keys = open(&KeyPlace::within(folder.path()), true).unwrap();
        let amina = person("amina");
        keys.make_network(NORTH).unwrap();
        keys.make_network(SOUTH).unwrap();
        let of = |network| keys.find_or_make_people(network, &[&amina]).unwrap()[&amina].clone();
        assert_ne!(**of(NORTH), **of(SOUTH));
        assert!(matches!(keys.find_people([3; 16], &[&amina]), Err(KeysError::Unusable(_))));
    }

    #[test]
    fn another_root_key_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        open(&KeyPlace::within(folder.path()), true).unwrap().make_network(NORTH).unwrap();
        let check =
            || open(&KeyPlace::within(folder.path()), false).and_then(|keys| load_network(&keys, &north(), NORTH));
        assert!(check().is_ok());
        let root = folder.path().join("root.key");
        std::fs::write(&root, [7; 32]).unwrap();
        assert!(matches!(check(), Err(OpenError::NetworkKeyUnusable { .. })));
        std::fs::remove_file(&root).unwrap();
        assert!(matches!(check(), Err(OpenError::RootKeyMissing { .. })));
        assert!(matches!(open(&KeyPlace::within(folder.path()), true).err(), Some(OpenError::RootKeyMissing { .. })));
    }
}
