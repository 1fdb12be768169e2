//! The webhooks of this server: where each sends, how far it is, and which entries its receiver refused.
//!
//! The addresses and secrets are sealed by the caller. What is lost when the machine fails is at most the newest cursors,
//! so that entries are sent again and none is left out.
//!
//! Invariant: a cursor and the dead letters before it are written in one transaction, and no word of an entry is here.

mod rows;

use self::rows::{
    CURSORS, DEAD_LETTERS, LetterKey, REDELIVERIES, WEBHOOKS, cursor_row, letter_key, letters_of, read_cursor,
    read_key, read_webhook, row, texts,
};
use super::{builder, place};
use crate::{
    error::{OpenError, ReadError},
    files::{io_error, make_private_file, open_error, unless_damaged},
    limits::DEAD_LETTERS_MAX,
};
use kith_core::{
    filter::Filter,
    id::{NetworkName, TokenId},
    position::Position,
    timestamp::Timestamp,
};
use kith_words::Incarnation;
use prost::Message;
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, Table, WriteTransaction, backends::InMemoryBackend,
};
use std::{fs, io, path::Path};

/// By what webhooks are told apart: the network and the token's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookKey {
    /// The network.
    pub network: NetworkName,
    /// The token.
    pub id: TokenId,
}

/// A webhook as its owners set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWebhook {
    /// What its owners call it.
    pub name: String,
    /// Address and secrets, sealed.
    pub sealed: Vec<u8>,
    /// What it sends.
    pub filter: Filter,
    /// Whether it sends words.
    pub with_words: bool,
    /// When it was added.
    pub added_at: Timestamp,
    /// Whether it sends.
    pub state: WebhookState,
}

/// Whether a webhook sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookState {
    /// It does.
    Running,
    /// Its owners have paused it.
    Paused,
    /// It has stopped by itself.
    Stopped(WebhookStop),
}

/// Why a webhook has stopped by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookStop {
    /// The receiver was down for longer than is tried.
    Down,
    /// The receiver said that it is gone for good.
    Gone,
    /// The log is not the one that it was sending, or is behind it.
    History,
    /// Its address and secrets do not open with the network's key.
    Sealed,
}

/// How far a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookCursor {
    /// The log that it sends.
    pub incarnation: Incarnation,
    /// Everything up to here was delivered, refused for good, or is not for it.
    pub position: Position,
    /// Tries of the next event that failed.
    pub tries: WebhookTries,
    /// When to try again.
    pub due_at: Timestamp,
    /// The result of the last try, and when it was; `None` before the first one.
    pub last: Option<(WebhookResult, Timestamp)>,
}

/// Tries of an event that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookTries {
    /// In a row that found the receiver down.
    pub down: u32,
    /// That the receiver refused.
    pub refused: u32,
}

/// The result of a try to deliver an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookResult {
    /// The receiver has it, and answered with this status.
    Delivered(u16),
    /// The receiver refused the event with this status.
    Refused(u16),
    /// The receiver cannot take anything now, and answered with this status.
    Down(u16),
    /// The receiver is gone for good.
    Gone,
    /// There was no connection, or it broke.
    Unreachable,
    /// There was no answer in time.
    TimedOut,
    /// The address leads where this server does not send.
    NotAllowed,
    /// The event is larger than what is sent.
    TooLarge,
}

/// An entry that a receiver refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetter {
    /// The status of the answer; 0 if the event was too large to be sent.
    pub status: u16,
    /// When it was given up.
    pub at: Timestamp,
}

/// A webhook with how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptWebhook {
    /// By what it is told apart.
    pub key: WebhookKey,
    /// As its owners set it.
    pub webhook: StoredWebhook,
    /// How far it is.
    pub cursor: WebhookCursor,
    /// Whether dead letters of it are to be sent again.
    pub redelivers: bool,
}

/// What has happened to a webhook since it was last written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookWritten {
    /// By what it is told apart.
    pub key: WebhookKey,
    /// How far it is now.
    pub cursor: WebhookCursor,
    /// Whether it still sends.
    pub state: WebhookState,
    /// Entries that were refused.
    pub letters: Vec<(Position, DeadLetter)>,
}

/// Which dead letters are to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redelivery {
    /// All of them.
    All,
    /// Those at these positions.
    At(Vec<Position>),
}

/// The file of webhooks. Every call blocks on the disk.
#[derive(Debug)]
pub struct WebhookFile(Database);

impl WebhookFile {
    /// Opens the file in a data folder, creating it if there is none. One that cannot be read is moved aside.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        let path = place(data, "webhooks.redb")?;
        let open = || unless_damaged(&path, || builder().create(&path).map_err(|error| open_error(error, data, &path)));
        if !path.exists() {
            make_private_file(&path).map_err(io_error(&path))?;
        }
        let database = match open() {
            Err(error) if is_damaged(&error) => {
                let aside = path.with_extension("redb.damaged");
                tracing::error!(path = %path.display(), aside = %aside.display(), "webhooks cannot be read: moved aside");
                fs::rename(&path, &aside).and_then(|()| make_private_file(&path)).map_err(io_error(&path))?;
                open()?
            }
            opened => opened?,
        };
        Self::on(database)
    }

    /// A file in memory.
    pub fn in_memory() -> Self {
        let database = builder().create_with_backend(InMemoryBackend::new()).expect("memory does not fail");
        Self::on(database).expect("memory does not fail")
    }

    fn on(database: Database) -> Result<Self, OpenError> {
        let transaction = database.begin_write()?;
        transaction.open_table(WEBHOOKS)?;
        transaction.open_table(CURSORS)?;
        transaction.open_table(DEAD_LETTERS)?;
        transaction.open_table(REDELIVERIES)?;
        transaction.commit()?;
        Ok(Self(database))
    }

    /// All webhooks.
    pub fn load(&self) -> Result<Vec<KeptWebhook>, ReadError> {
        let transaction = self.0.begin_read()?;
        let mut found = Vec::new();
        for row in transaction.open_table(WEBHOOKS)?.iter()? {
            let (key, value) = row?;
            // What cannot be read was written by nobody.
            let Some(key) = read_key(key.value()) else { continue };
            let Some(webhook) = read_webhook(value.value()) else { continue };
            found.extend(kept(&transaction, key, webhook)?);
        }
        Ok(found)
    }

    /// A webhook; `None` if there is none.
    pub fn find(&self, key: &WebhookKey) -> Result<Option<StoredWebhook>, ReadError> {
        let transaction = self.0.begin_read()?;
        let row = transaction.open_table(WEBHOOKS)?.get(texts(key))?;
        Ok(row.and_then(|row| read_webhook(row.value())))
    }

    /// Stores a webhook and how far it is, in place of what there was.
    pub fn put(&self, key: &WebhookKey, webhook: &StoredWebhook, cursor: &WebhookCursor) -> Result<(), ReadError> {
        let transaction = self.0.begin_write()?;
        transaction
            .open_table(WEBHOOKS)?
            .insert(texts(key), row(webhook, &webhook.filter.to_proto().encode_to_vec()))?;
        transaction.open_table(CURSORS)?.insert(texts(key), cursor_row(cursor))?;
        Ok(transaction.commit()?)
    }

    /// Removes a webhook with all that belongs to it.
    pub fn remove(&self, key: &WebhookKey) -> Result<(), ReadError> {
        let transaction = self.0.begin_write()?;
        transaction.open_table(WEBHOOKS)?.remove(texts(key))?;
        transaction.open_table(CURSORS)?.remove(texts(key))?;
        transaction.open_table(DEAD_LETTERS)?.retain_in(letters_of(key), |_, _| false)?;
        transaction.open_table(REDELIVERIES)?.retain_in(letters_of(key), |_, ()| false)?;
        Ok(transaction.commit()?)
    }

    /// Writes what has happened. What was removed meanwhile stays removed.
    pub fn write(&self, written: &[WebhookWritten]) -> Result<(), ReadError> {
        let transaction = self.0.begin_write()?;
        {
            let mut webhooks = transaction.open_table(WEBHOOKS)?;
            let mut cursors = transaction.open_table(CURSORS)?;
            let mut letters = transaction.open_table(DEAD_LETTERS)?;
            for WebhookWritten { key, cursor, state, letters: refused } in written {
                let Some(known) = webhooks.get(texts(key))?.and_then(|row| read_webhook(row.value())) else { continue };
                cursors.insert(texts(key), cursor_row(cursor))?;
                if known.state != *state {
                    let changed = StoredWebhook { state: *state, ..known };
                    webhooks.insert(texts(key), row(&changed, &changed.filter.to_proto().encode_to_vec()))?;
                }
                put_letters(&mut letters, &transaction, key, refused)?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// How many dead letters a webhook has.
    pub fn letter_count(&self, key: &WebhookKey) -> Result<usize, ReadError> {
        Ok(self.0.begin_read()?.open_table(DEAD_LETTERS)?.range(letters_of(key))?.count())
    }

    /// The dead letters of a webhook, by position.
    pub fn letters(&self, key: &WebhookKey) -> Result<Vec<(Position, DeadLetter)>, ReadError> {
        let transaction = self.0.begin_read()?;
        let mut found = Vec::new();
        for row in transaction.open_table(DEAD_LETTERS)?.range(letters_of(key))? {
            let (at, value) = row?;
            let (status, millis) = value.value();
            let letter = DeadLetter { status, at: Timestamp::from_millis(millis) };
            found.push((Position::new(at.value().2), letter));
        }
        Ok(found)
    }

    /// Has dead letters sent again; returns how many that are. If there is none at one of the positions, that position is
    /// the error, and nothing changes.
    pub fn redeliver(&self, key: &WebhookKey, which: &Redelivery) -> Result<Result<usize, Position>, ReadError> {
        let transaction = self.0.begin_write()?;
        let count = {
            let letters = transaction.open_table(DEAD_LETTERS)?;
            let mut again = transaction.open_table(REDELIVERIES)?;
            let positions = match which {
                Redelivery::All => {
                    let rows = letters.range(letters_of(key))?;
                    rows.map(|row| Ok(Position::new(row?.0.value().2))).collect::<Result<Vec<_>, ReadError>>()?
                }
                Redelivery::At(positions) => positions.clone(),
            };
            for position in &positions {
                if letters.get(letter_key(key, *position))?.is_none() {
                    return Ok(Err(*position));
                }
                again.insert(letter_key(key, *position), ())?;
            }
            positions.len()
        };
        transaction.commit()?;
        Ok(Ok(count))
    }

    /// The first of those that are to be sent again; `None` if there are none.
    pub fn next_redelivery(&self, key: &WebhookKey) -> Result<Option<Position>, ReadError> {
        let transaction = self.0.begin_read()?;
        let mut rows = transaction.open_table(REDELIVERIES)?.range(letters_of(key))?;
        Ok(rows.next().transpose()?.map(|(at, _)| Position::new(at.value().2)))
    }

    /// What became of a dead letter that was sent again: it was refused again, or there is none any more.
    pub fn redelivered(
        &self,
        key: &WebhookKey,
        position: Position,
        refused: Option<DeadLetter>,
    ) -> Result<(), ReadError> {
        let transaction = self.0.begin_write()?;
        {
            let mut letters = transaction.open_table(DEAD_LETTERS)?;
            transaction.open_table(REDELIVERIES)?.remove(letter_key(key, position))?;
            match refused {
                Some(DeadLetter { status, at }) => {
                    letters.insert(letter_key(key, position), (status, at.millis()))?;
                }
                None => drop(letters.remove(letter_key(key, position))?),
            }
        }
        Ok(transaction.commit()?)
    }
}

/// Whether a file holds something else, which another try does not change.
fn is_damaged(error: &OpenError) -> bool {
    let is_other = matches!(error, OpenError::Io { source, .. } if source.kind() == io::ErrorKind::InvalidData);
    is_other || matches!(error, OpenError::FileDamaged { .. } | OpenError::Storage(_))
}

/// Adds dead letters of a webhook. The oldest make room.
fn put_letters(
    letters: &mut Table<'_, LetterKey<'static>, (u16, i64)>,
    transaction: &WriteTransaction,
    key: &WebhookKey,
    refused: &[(Position, DeadLetter)],
) -> Result<(), ReadError> {
    if refused.is_empty() {
        return Ok(());
    }
    for (position, letter) in refused {
        letters.insert(letter_key(key, *position), (letter.status, letter.at.millis()))?;
    }
    let count = letters.range(letters_of(key))?.count();
    let mut again = transaction.open_table(REDELIVERIES)?;
    for _ in DEAD_LETTERS_MAX..count {
        let Some(position) = letters.range(letters_of(key))?.next().transpose()?.map(|(at, _)| at.value().2) else {
            break;
        };
        letters.remove(letter_key(key, Position::new(position)))?;
        again.remove(letter_key(key, Position::new(position)))?;
    }
    Ok(())
}

fn kept(
    transaction: &ReadTransaction,
    key: WebhookKey,
    webhook: StoredWebhook,
) -> Result<Option<KeptWebhook>, ReadError> {
    let Some(cursor) = transaction.open_table(CURSORS)?.get(texts(&key))?.map(|row| read_cursor(row.value())) else {
        return Ok(None);
    };
    let redelivers = transaction.open_table(REDELIVERIES)?.range(letters_of(&key))?.next().is_some();
    Ok(Some(KeptWebhook { key, webhook, cursor, redelivers }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(network: &str, id: &str) -> WebhookKey {
        WebhookKey { network: network.parse().unwrap(), id: id.parse().unwrap() }
    }

    fn webhook() -> StoredWebhook {
        StoredWebhook {
            name: "crm".to_owned(),
            sealed: vec![1, 2, 3],
            filter: Filter { people: vec!["amina".parse().unwrap()], ..Filter::default() },
            with_words: true,
            added_at: Timestamp::from_millis(7),
            state: WebhookState::Running,
        }
    }

    fn cursor(position: u64) -> WebhookCursor {
        WebhookCursor {
            incarnation: [9; 16],
            position: Position::new(position),
            tries: WebhookTries { down: 2, refused: 1 },
            due_at: Timestamp::from_millis(8),
            last: Some((WebhookResult::Down(503), Timestamp::from_millis(6))),
        }
    }

    fn written(key: &WebhookKey, at: u64, letters: &[u64]) -> WebhookWritten {
        let letter = DeadLetter { status: 422, at: Timestamp::from_millis(5) };
        let letters = letters.iter().map(|position| (Position::new(*position), letter)).collect();
        WebhookWritten { key: key.clone(), cursor: cursor(at), state: WebhookState::Running, letters }
    }

    fn positions(file: &WebhookFile, key: &WebhookKey) -> Vec<u64> {
        file.letters(key).unwrap().iter().map(|(position, _)| position.get()).collect()
    }

    #[test]
    fn what_is_written_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = WebhookFile::open(folder.path()).unwrap();
        let [north, south] = [key("north", "hook-a"), key("south", "hook-a")];
        file.put(&north, &webhook(), &cursor(3)).unwrap();
        file.put(&south, &webhook(), &cursor(4)).unwrap();
        let stopped = WebhookState::Stopped(WebhookStop::Gone);
        file.write(&[WebhookWritten { state: stopped, ..written(&north, 9, &[5, 6]) }]).unwrap();
        drop(file);
        let file = WebhookFile::open(folder.path()).unwrap();
        let expected = [
            KeptWebhook {
                key: north.clone(),
                webhook: StoredWebhook { state: stopped, ..webhook() },
                cursor: cursor(9),
                redelivers: false,
            },
            KeptWebhook { key: south.clone(), webhook: webhook(), cursor: cursor(4), redelivers: false },
        ];
        assert_eq!(file.load().unwrap(), expected);
        assert_eq!((positions(&file, &north), positions(&file, &south)), (vec![5, 6], vec![]));
        file.remove(&north).unwrap();
        file.write(&[written(&north, 10, &[7])]).unwrap();
        assert_eq!(file.load().unwrap(), expected[1..], "what is removed stays removed");
        assert_eq!((file.find(&north).unwrap(), positions(&file, &north)), (None, vec![]));
    }

    #[test]
    fn dead_letters_are_sent_again_once_and_stay_if_they_are_refused_again() {
        let (file, north) = (WebhookFile::in_memory(), key("north", "hook-a"));
        file.put(&north, &webhook(), &cursor(3)).unwrap();
        file.write(&[written(&north, 9, &[5, 6, 8])]).unwrap();
        let at = |positions: &[u64]| Redelivery::At(positions.iter().copied().map(Position::new).collect());
        assert_eq!(file.redeliver(&north, &at(&[5, 7])).unwrap(), Err(Position::new(7)));
        assert_eq!(file.next_redelivery(&north).unwrap(), None, "all or none");
        assert_eq!(file.redeliver(&north, &at(&[6])).unwrap(), Ok(1));
        assert_eq!(file.redeliver(&north, &Redelivery::All).unwrap(), Ok(3));
        assert!(file.load().unwrap()[0].redelivers);
        let refused = DeadLetter { status: 400, at: Timestamp::from_millis(99) };
        for (position, result) in [(5, None), (6, Some(refused)), (8, None)] {
            assert_eq!(file.next_redelivery(&north).unwrap(), Some(Position::new(position)));
            file.redelivered(&north, Position::new(position), result).unwrap();
        }
        assert_eq!(file.next_redelivery(&north).unwrap(), None);
        assert_eq!(file.letters(&north).unwrap(), [(Position::new(6), refused)]);
    }

    #[test]
    fn the_oldest_dead_letters_make_room() {
        let (file, north) = (WebhookFile::in_memory(), key("north", "hook-a"));
        file.put(&north, &webhook(), &cursor(3)).unwrap();
        let max = DEAD_LETTERS_MAX as u64;
        file.write(&[written(&north, max, &(1..=max).collect::<Vec<_>>())]).unwrap();
        file.redeliver(&north, &Redelivery::At(vec![Position::new(1)])).unwrap().unwrap();
        file.write(&[written(&north, max + 2, &[max + 1, max + 2])]).unwrap();
        let left = positions(&file, &north);
        assert_eq!((left.len(), left[0], left.last()), (DEAD_LETTERS_MAX, 3, Some(&(max + 2))));
        assert_eq!(file.letter_count(&north).unwrap(), DEAD_LETTERS_MAX);
        assert_eq!(file.next_redelivery(&north).unwrap(), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_moved_aside() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("access")).unwrap();
        fs::write(folder.path().join("access/webhooks.redb"), [7; 5000]).unwrap();
        let file = WebhookFile::open(folder.path()).unwrap();
        assert_eq!(file.load().unwrap(), []);
        assert_eq!(fs::read(folder.path().join("access/webhooks.redb.damaged")).unwrap(), [7; 5000]);
    }
}
