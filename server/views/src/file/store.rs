//! A view's file: opened if it is intact and belongs to this view, otherwise deleted and created again.
//!
//! Everything in it can be derived from the log again, so nothing is ever repaired.

use super::{
    people::{Merge, People},
    place::Place,
    tables::{
        CHANGES, MENTIONS, MERGES, META, Meta, PEOPLE, PLACES, QUARANTINE, Quarantined, RECORDS, RETRACTIONS, Record,
        SECONDS, Side, mention_bytes, mentioned_position,
    },
};
use crate::{contract::key::Key, share::portions::Portion};
use kith_core::id::{OrganisationId, PersonId};
use kith_core::position::Position;
use redb::{
    Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata, WriteTransaction,
};
use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// A view's file could not be read or written; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the view's file failed: {0}")]
pub struct StoreError(redb::Error);

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// When a transaction has to survive a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// As soon as `commit` returns.
    Now,
    /// Once a later transaction is `Now`; a crash before that loses this one completely.
    Later,
}

/// The open file.
pub(crate) struct Store {
    database: Database,
    /// Memory for its pages.
    _pages: Portion,
}

impl Store {
    /// Opens the file of the view with this identity. A damaged file, or one of another identity or format, is
    /// deleted first.
    pub(crate) fn open(path: &Path, identity: [u8; 32], pages: Portion) -> Result<Self, StoreError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(redb::Error::Io)?;
        }
        if let Some(database) = open_existing(path, identity, pages.bytes())? {
            return Ok(Self { database, _pages: pages });
        }
        if path.exists() {
            tracing::warn!(path = %path.display(), "a view's file cannot be used; it is rebuilt");
            fs::remove_file(path).map_err(redb::Error::Io)?;
        }
        let database = redb::Builder::new().set_cache_size(pages.bytes()).create(path)?;
        let store = Self { database, _pages: pages };
        store.begin(identity)?;
        Ok(store)
    }

    /// Creates every table, empty.
    fn begin(&self, identity: [u8; 32]) -> Result<(), StoreError> {
        let write = self.write(Lasting::Now)?;
        create_tables(&write)?;
        write_meta(&write, &Meta { identity, ..Meta::default() })?;
        Ok(write.commit()?)
    }

    /// Deletes everything but the identity.
    pub(crate) fn clear(&self, identity: [u8; 32]) -> Result<(), StoreError> {
        let write = self.write(Lasting::Now)?;
        let names: Vec<_> = write.list_tables()?.collect();
        for name in names {
            write.delete_table(name)?;
        }
        create_tables(&write)?;
        write_meta(&write, &Meta { identity, ..Meta::default() })?;
        Ok(write.commit()?)
    }

    pub(crate) fn write(&self, lasting: Lasting) -> Result<WriteTransaction, StoreError> {
        let mut write = self.database.begin_write()?;
        match lasting {
            Lasting::Now => write.set_quick_repair(true),
            Lasting::Later => write.set_durability(Durability::None)?,
        }
        Ok(write)
    }

    pub(crate) fn read(&self) -> Result<ReadTransaction, StoreError> {
        Ok(self.database.begin_read()?)
    }
}

/// The database, if a usable one exists. The storage engine panics on some damaged pages, and so does code that reads
/// them: here a panic just means that the file is damaged.
fn open_existing(path: &Path, identity: [u8; 32], cache_bytes: usize) -> Result<Option<Database>, StoreError> {
    catch_unwind(AssertUnwindSafe(|| try_existing(path, identity, cache_bytes))).unwrap_or(Ok(None))
}

fn try_existing(path: &Path, identity: [u8; 32], cache_bytes: usize) -> Result<Option<Database>, StoreError> {
    let database = match redb::Builder::new().set_cache_size(cache_bytes).open(path) {
        Ok(database) => database,
        Err(error @ redb::DatabaseError::DatabaseAlreadyOpen) => return Err(error.into()),
        Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))) if !is_damage(&error) => {
            return Err(redb::Error::Io(error).into());
        }
        Err(_) => return Ok(None),
    };
    let is_usable = database.begin_read().map_err(StoreError::from).and_then(|read| is_usable(&read, identity));
    Ok(is_usable.unwrap_or(false).then_some(database))
}

/// Whether everything that the follower starts with can be read and belongs to this view.
fn is_usable(read: &ReadTransaction, identity: [u8; 32]) -> Result<bool, StoreError> {
    let meta = read_meta(read)?;
    read_people(read)?;
    read_quarantine(read)?;
    Ok(meta.is_some_and(|meta| meta.identity == identity))
}

/// Whether a file system error means that the file is missing or not what it should be.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
    )
}

fn create_tables(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(META)?;
    write.open_table(PEOPLE)?;
    write.open_table(MERGES)?;
    write.open_table(RETRACTIONS)?;
    write.open_table(PLACES)?;
    write.open_table(SECONDS)?;
    write.open_table(MENTIONS)?;
    write.open_table(RECORDS)?;
    for side in Side::ALL {
        write.open_table(side.rows())?;
        write.open_table(side.zones())?;
    }
    write.open_table(CHANGES)?;
    write.open_table(QUARANTINE)?;
    Ok(())
}

/// Empties the tables of a side.
pub(crate) fn clear_side(write: &WriteTransaction, side: Side) -> Result<(), StoreError> {
    write.delete_table(side.rows())?;
    write.delete_table(side.zones())?;
    write.open_table(side.rows())?;
    write.open_table(side.zones())?;
    Ok(())
}

/// The state of the view as a whole; `None` if it has another format.
pub(crate) fn read_meta(read: &ReadTransaction) -> Result<Option<Meta>, StoreError> {
    let table = read.open_table(META)?;
    Ok(table.get(Meta::KEY)?.and_then(|record| Meta::decode(record.value())))
}

pub(crate) fn write_meta(write: &WriteTransaction, meta: &Meta) -> Result<(), StoreError> {
    write.open_table(META)?.insert(Meta::KEY, meta.encode().as_slice())?;
    Ok(())
}

/// Reads the stored people, merges and retractions.
pub(crate) fn read_people(read: &ReadTransaction) -> Result<People, StoreError> {
    let mut people = People::default();
    for record in read.open_table(PEOPLE)?.iter()? {
        let (_, record) = record?;
        let (organisation, person) = decode_person(record.value());
        people.add(person, organisation.as_ref());
    }
    for merge in read.open_table(MERGES)?.iter()? {
        let (position, merge) = merge?;
        let (kept, merged) = merge.value();
        people.merge(Position::new(position.value()), Merge { kept, merged });
    }
    for retraction in read.open_table(RETRACTIONS)?.iter()? {
        let (target, position) = retraction?;
        people.retract(Position::new(target.value()), Position::new(position.value()));
    }
    Ok(people)
}

pub(crate) fn encode_person(organisation: Option<&OrganisationId>, person: &PersonId) -> Vec<u8> {
    let organisation = organisation.map_or("", OrganisationId::as_str);
    let length = u8::try_from(organisation.len()).expect("organisation ids are at most 64 bytes");
    [&[length], organisation.as_bytes(), person.as_str().as_bytes()].concat()
}

fn decode_person(record: &[u8]) -> (Option<OrganisationId>, PersonId) {
    let (length, rest) = record.split_first().expect("records of people are never empty");
    let text = std::str::from_utf8(rest).expect("ids are ASCII");
    let (organisation, person) = text.split_at(usize::from(*length));
    let organisation = (!organisation.is_empty()).then(|| organisation.parse().expect("only ids are stored"));
    (organisation, person.parse().expect("only ids are stored"))
}

/// The keys in quarantine, with the reason.
pub(crate) fn read_quarantine(read: &ReadTransaction) -> Result<HashMap<Key, Quarantined>, StoreError> {
    let mut keys = HashMap::new();
    for record in read.open_table(QUARANTINE)?.iter()? {
        let (key, record) = record?;
        keys.insert(Key::from_bytes(*key.value()), Quarantined::decode(record.value()));
    }
    Ok(keys)
}

/// Number of keys in quarantine, which is known without reading them.
pub(crate) fn count_quarantined(read: &ReadTransaction) -> Result<u64, StoreError> {
    Ok(read.open_table(QUARANTINE)?.len()?)
}

/// Reads the record of a key.
pub(crate) fn find_record(
    records: &impl ReadableTable<&'static [u8; 8], &'static [u8]>,
    key: Key,
) -> Result<Option<Record>, StoreError> {
    Ok(records.get(&key.to_bytes())?.map(|record| Record::decode(record.value())))
}

/// The places of a key, in fold order.
pub(crate) fn places_of(
    places: &impl ReadableTable<&'static [u8; 24], ()>,
    key: Key,
) -> Result<Vec<Place>, StoreError> {
    let range = Place::first_of(key).to_bytes()..=Place::last_of(key).to_bytes();
    let mut found = Vec::new();
    for place in places.range::<&[u8; 24]>(&range.start()..=&range.end())? {
        found.push(Place::from_bytes(*place?.0.value()));
    }
    Ok(found)
}

/// Every key that contains a person, as entries name them.
pub(crate) fn keys_with(
    places: &impl ReadableTable<&'static [u8; 24], ()>,
    seconds: &impl ReadableTable<&'static [u8; 8], ()>,
    handle: u32,
) -> Result<BTreeSet<Key>, StoreError> {
    let mut keys = BTreeSet::new();
    let mut from = Place::first_of(Key::person(handle));
    let last = Place::last_of(Key { a: handle, b: u32::MAX }).to_bytes();
    loop {
        let next = places.range::<&[u8; 24]>(&from.to_bytes()..=&last)?.next().transpose()?;
        let Some(place) = next else { break };
        let key = Place::from_bytes(*place.0.value()).key;
        keys.insert(key);
        let Some(b) = key.b.checked_add(1) else { break };
        from = Place::first_of(Key { a: handle, b });
    }
    let (first, last) = (Key::person(handle).to_bytes(), Key { a: handle, b: u32::MAX }.to_bytes());
    for second in seconds.range::<&[u8; 8]>(&first..=&last)? {
        keys.insert(Key::from_bytes(*second?.0.value()).swapped());
    }
    Ok(keys)
}

/// Positions of the entries that name a person who is not in their keys.
pub(crate) fn mentions_of(
    mentions: &impl ReadableTable<&'static [u8; 12], ()>,
    handle: u32,
) -> Result<Vec<Position>, StoreError> {
    let (first, last) = (mention_bytes(handle, Position::ZERO), mention_bytes(handle, Position::new(u64::MAX)));
    let mut found = Vec::new();
    for mention in mentions.range::<&[u8; 12]>(&first..=&last)? {
        found.push(mentioned_position(mention?.0.value()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::portions::Portions;

    fn open(path: &Path, identity: u8) -> Store {
        Store::open(path, [identity; 32], Portions::of(1 << 20, 0, 1 << 20).take()).unwrap()
    }

    fn cursor(store: &Store) -> Position {
        read_meta(&store.read().unwrap()).unwrap().unwrap().cursor
    }

    fn advance(store: &Store, identity: u8) {
        let write = store.write(Lasting::Now).unwrap();
        write_meta(&write, &Meta { identity: [identity; 32], cursor: Position::new(5), ..Meta::default() }).unwrap();
        write.commit().unwrap();
    }

    #[test]
    fn a_file_of_this_view_is_kept_and_others_are_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("view.redb");
        advance(&open(&path, 1), 1);
        assert_eq!(cursor(&open(&path, 1)), Position::new(5));
        assert_eq!(cursor(&open(&path, 2)), Position::ZERO);
        advance(&open(&path, 2), 2);
        fs::write(&path, b"no database at all").unwrap();
        assert_eq!(cursor(&open(&path, 2)), Position::ZERO);
    }

    #[test]
    fn people_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("view.redb"), 1);
        let write = store.write(Lasting::Later).unwrap();
        let amina: PersonId = "amina".parse().unwrap();
        let trust: OrganisationId = "trust".parse().unwrap();
        write.open_table(PEOPLE).unwrap().insert(1, encode_person(Some(&trust), &amina).as_slice()).unwrap();
        write.open_table(PEOPLE).unwrap().insert(2, encode_person(None, &"ben".parse().unwrap()).as_slice()).unwrap();
        write.open_table(MERGES).unwrap().insert(7, (1, 2)).unwrap();
        write.open_table(RETRACTIONS).unwrap().insert(7, 9).unwrap();
        write.commit().unwrap();
        let people = read_people(&store.read().unwrap()).unwrap();
        assert_eq!((people.handle(&amina), people.id(2).is_some(), people.members(&trust).len()), (Some(1), true, 1));
        assert_eq!((people.meaning(Position::new(8)).of(2), people.meaning(Position::new(9)).of(2)), (1, 2));
    }

    #[test]
    fn keys_with_a_person_are_found_from_both_sides() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder.path().join("view.redb"), 1);
        let write = store.write(Lasting::Later).unwrap();
        for key in [Key::pair(1, 5), Key::pair(5, 9), Key::pair(5, 7), Key::pair(6, 7)] {
            for at in [1, 2] {
                let place = Place { key, order: crate::contract::key::Order { at, position: Position::new(3) } };
                write.open_table(PLACES).unwrap().insert(&place.to_bytes(), ()).unwrap();
            }
            write.open_table(SECONDS).unwrap().insert(&key.swapped().to_bytes(), ()).unwrap();
        }
        write.commit().unwrap();
        let read = store.read().unwrap();
        let (places, seconds) = (read.open_table(PLACES).unwrap(), read.open_table(SECONDS).unwrap());
        let keys = keys_with(&places, &seconds, 5).unwrap();
        assert_eq!(Vec::from_iter(keys), [Key::pair(1, 5), Key::pair(5, 7), Key::pair(5, 9)]);
        assert_eq!(places_of(&places, Key::pair(5, 7)).unwrap().len(), 2);
    }
}
