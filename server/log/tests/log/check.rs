//! The offline check: a sound log has no problems, and any change behind the log's back is found.

use crate::support::*;
use kith_core::{
    detail::DetailKind,
    event::{Grant, Role, Scope},
    position::Position,
};
use kith_log::{CheckError, NewServerToken, NewToken, OpenError, Report, check, new_secret};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use std::fs;

type Positions = TableDefinition<'static, (u32, u64), ()>;
type Bytes = TableDefinition<'static, (u32, u64), &'static [u8]>;

const ENTRIES: Bytes = Bytes::new("entries");
const DETAILS: Bytes = Bytes::new("details");
const LEAVES: Bytes = Bytes::new("leaves");
const COMMON: Positions = Positions::new("common");
const RESTRICTED: Bytes = Bytes::new("restricted");
const IDS: TableDefinition<(u32, u128), &[u8]> = TableDefinition::new("ids");
const PEOPLE: TableDefinition<(u32, u32, u32), &[u8]> = TableDefinition::new("people");
const RETRACTIONS: TableDefinition<(u32, u64), u64> = TableDefinition::new("retractions");
const NAMES: TableDefinition<(u32, u32), u64> = TableDefinition::new("names");
const SUBTREES: TableDefinition<(u32, u64), [u8; 32]> = TableDefinition::new("subtrees");
const HEADS: TableDefinition<u32, &[u8]> = TableDefinition::new("heads");
const TOKENS: TableDefinition<(u32, &str), &[u8]> = TableDefinition::new("tokens");
const SERVER_TOKENS: TableDefinition<&str, &[u8]> = TableDefinition::new("server_tokens");
const META: TableDefinition<&str, u32> = TableDefinition::new("meta");

/// Entries at the end, so that a chunk of the index is complete.
const MANY: usize = 4_200;

/// A closed log with rows in every table.
pub(crate) async fn full() -> Place {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![founds(4, "riverside")]).await;
    append(&network, (10..310).map(|number| meets(number, &["amina", "ben"])).collect()).await;
    let named = detail(DetailKind::Name, &["amina"], "Amina Diallo");
    append(&network, vec![changes(400, "amina", &[named]), retracts(401, 10)]).await;
    append(&network, vec![prepare(event(402, merged("ben", "chloe")), &[])]).await;
    append(&network, vec![retracts(403, 402)]).await;
    let mut hidden = event(404, met(&["amina", "ben"]));
    hidden.scope = Scope::Organisation;
    let recorder = principal(Role::Recorder, Some("riverside"));
    network.append_each(recorder, vec![prepare(hidden, &[])]).await.unwrap().remove(0).unwrap();
    let token = NewToken { grant: Grant::Role(Role::Reader), person: None, organisation: None, expires_at: None };
    let issued = network.issue_token(&owner(), token.clone()).await.unwrap();
    network.issue_token(&owner(), token).await.unwrap();
    network.revoke_token(&owner(), &issued.token.id).await.unwrap();
    let many: Vec<_> = (0..MANY).map(|number| meets(1_000 + number as u64, &["amina", "ben"])).collect();
    for some in many.chunks(1_000) {
        append(&network, some.to_vec()).await;
    }
    let south = log.create_network(&"south".parse().unwrap()).await.unwrap();
    append(&south, vec![joins(1, "amina"), joins(2, "ben")]).await;
    log.create_network(&"west".parse().unwrap()).await.unwrap();
    place
}

fn report(place: &Place) -> Report {
    check(&place.config, |_| ()).unwrap()
}

/// Changes a full log, expects a problem with a table at a position, and undoes the change.
fn finds(place: &Place, table: &str, position: Option<u64>, change: impl FnOnce(&WriteTransaction)) {
    let report = report_after(place, change);
    let position = position.map(Position::new);
    let found = report.problems.iter().any(|problem| problem.table == table && problem.position == position);
    assert!(found, "{table}: {:?}", report.problems);
}

/// Changes a full log, expects a problem with a table, and undoes the change.
fn finds_anywhere(place: &Place, table: &str, change: impl FnOnce(&WriteTransaction)) {
    let report = report_after(place, change);
    assert!(report.problems.iter().any(|problem| problem.table == table), "{table}: {:?}", report.problems);
}

/// What is found in a full log after a change, which is undone.
fn report_after(place: &Place, change: impl FnOnce(&WriteTransaction)) -> Report {
    let file = place.folder.path().join("log.redb");
    let sound = fs::read(&file).unwrap();
    let database = Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    change(&transaction);
    transaction.commit().unwrap();
    drop(database);
    let report = report(place);
    fs::write(&file, sound).unwrap();
    report
}

/// Changes the entries of the block that holds a position of the first network.
fn edit_block(transaction: &WriteTransaction, position: u64, edit: impl FnOnce(&mut Vec<Vec<u8>>, usize)) {
    let mut table = transaction.open_table(ENTRIES).unwrap();
    let (first, block) = {
        let (key, block) = table.range((1, 0)..=(1, position)).unwrap().next_back().unwrap().unwrap();
        (key.value().1, block.value().to_vec())
    };
    let mut entries = Vec::new();
    let mut rest = block.as_slice();
    while let [0x0a, after @ ..] = rest {
        rest = after;
        let length = usize::try_from(prost::encoding::decode_varint(&mut rest).unwrap()).unwrap();
        let (entry, after) = rest.split_at(length);
        entries.push(entry.to_vec());
        rest = after;
    }
    edit(&mut entries, usize::try_from(position - first).unwrap());
    let mut block = Vec::new();
    for entry in entries {
        block.push(0x0a);
        prost::encoding::encode_varint(entry.len() as u64, &mut block);
        block.extend(entry);
    }
    table.insert((1, first), block.as_slice()).unwrap();
}

/// Changes the row with the id of an event of the first network; `edit` receives the place of its pair in the row.
fn edit_ids(transaction: &WriteTransaction, event: u64, edit: impl FnOnce(&mut Vec<u8>, usize)) {
    let mut table = transaction.open_table(IDS).unwrap();
    let event = u128::from_be_bytes(*id(event).as_bytes());
    let (key, mut row) = {
        let (key, row) = table.range((1, 0)..=(1, event)).unwrap().next_back().unwrap().unwrap();
        (key.value(), row.value().to_vec())
    };
    let at = row.chunks(24).position(|pair| pair[..16] == event.to_be_bytes()).unwrap() * 24;
    edit(&mut row, at);
    table.insert(key, row.as_slice()).unwrap();
}

fn flip(transaction: &WriteTransaction, table: Bytes, key: (u32, u64), index: usize) {
    let mut table = transaction.open_table(table).unwrap();
    let mut value = table.get(key).unwrap().unwrap().value().to_vec();
    let index = index.min(value.len() - 1);
    value[index] ^= 1;
    table.insert(key, value.as_slice()).unwrap();
}

#[tokio::test]
async fn a_sound_log_has_no_problem() {
    let place = full().await;
    let mut last = None;
    let report = check(&place.config, |progress| last = Some(progress)).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    let entries = 314 + MANY as u64;
    assert_eq!((report.networks, report.entries), (3, entries));
    assert_eq!((report.details_opened, report.details_closed), (1, 0));
    assert_eq!(last.map(|progress| (progress.checked, progress.total)), Some((entries, entries)));
    assert!(place.open().network(&"north".parse().unwrap()).is_some(), "it opens as before");
    fs::rename(place.folder.path().join("keys"), place.folder.path().join("elsewhere")).unwrap();
    let report = check(&place.config, |_| ()).unwrap();
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.details_opened, report.details_closed), (0, 1));
}

#[tokio::test]
async fn a_log_in_use_is_left_alone() {
    let place = full().await;
    let _log = place.open();
    let refused = check(&place.config, |_| ());
    assert!(matches!(refused, Err(CheckError::Open(OpenError::AlreadyOpen { .. }))), "{refused:?}");
}

#[tokio::test]
async fn changed_entries_are_found() {
    let place = full().await;
    for index in [0, 3, 12, 60, usize::MAX] {
        finds(&place, "leaves", Some(20), |transaction| {
            edit_block(transaction, 20, |entries, at| {
                let index = index.min(entries[at].len() - 1);
                entries[at][index] ^= 1;
            });
        });
    }
    finds(&place, "entries", Some(20), |transaction| {
        edit_block(transaction, 20, |entries, at| drop(entries.remove(at)));
    });
    finds(&place, "entries", Some(20), |transaction| {
        edit_block(transaction, 20, |entries, at| entries[at] = entries[at + 1].clone());
    });
    for (first, table) in [(1, "entries"), (100, "entries")] {
        finds_anywhere(&place, table, |transaction| {
            let mut rows = transaction.open_table(ENTRIES).unwrap();
            let key = rows.range((1, first)..).unwrap().next().unwrap().unwrap().0.value();
            rows.remove(key).unwrap();
        });
    }
    finds_anywhere(&place, "entries", |transaction| {
        let mut rows = transaction.open_table(ENTRIES).unwrap();
        let (key, mut block) = {
            let (key, block) = rows.range((1, 100)..).unwrap().next().unwrap().unwrap();
            (key.value(), block.value().to_vec())
        };
        block.truncate(block.len() - 1);
        rows.insert(key, block.as_slice()).unwrap();
    });
    finds(&place, "entries", None, |transaction| {
        transaction.open_table(ENTRIES).unwrap().insert((9, 1), &b"stray"[..]).unwrap();
    });
}

#[tokio::test]
async fn changed_tree_rows_are_found() {
    let place = full().await;
    finds(&place, "leaves", Some(125), |transaction| flip(transaction, LEAVES, (1, 1), 32 * 4));
    finds(&place, "leaves", None, |transaction| {
        transaction.open_table(LEAVES).unwrap().insert((1, 99), &[0; 32][..]).unwrap();
    });
    finds(&place, "subtrees", Some(256), |transaction| {
        transaction.open_table(SUBTREES).unwrap().insert((1, 0), [0; 32]).unwrap();
    });
    finds(&place, "heads", None, |transaction| {
        let mut table = transaction.open_table(HEADS).unwrap();
        let mut head = table.get(1).unwrap().unwrap().value().to_vec();
        *head.last_mut().unwrap() ^= 1;
        table.insert(1, head.as_slice()).unwrap();
    });
}

#[tokio::test]
async fn changed_indexes_are_found() {
    let place = full().await;
    finds(&place, "ids", Some(5), |transaction| {
        edit_ids(transaction, 10, |row, at| drop(row.drain(at..at + 24)));
    });
    finds(&place, "ids", Some(5), |transaction| edit_ids(transaction, 10, |row, at| row[at + 16] ^= 1));
    finds(&place, "ids", None, |transaction| {
        transaction.open_table(IDS).unwrap().insert((1, 77), &[0; 24][..]).unwrap();
    });
    for row in [&[20, 0][..], &[]] {
        finds(&place, "people", Some(0), |transaction| {
            transaction.open_table(PEOPLE).unwrap().insert((1, 0, 1), row).unwrap();
        });
    }
    finds(&place, "people", Some(0), |transaction| {
        transaction.open_table(PEOPLE).unwrap().remove((1, 0, 1)).unwrap();
    });
    finds(&place, "people", None, |transaction| {
        transaction.open_table(PEOPLE).unwrap().insert((1, 0, 9), &[20, 0][..]).unwrap();
    });
    finds(&place, "common", None, |transaction| {
        transaction.open_table(COMMON).unwrap().insert((1, 20), ()).unwrap();
    });
    finds(&place, "restricted", None, |transaction| {
        transaction.open_table(RESTRICTED).unwrap().insert((1, 20), &b"riverside"[..]).unwrap();
    });
    finds(&place, "restricted", Some(309), |transaction| {
        transaction.open_table(RESTRICTED).unwrap().insert((1, 309), &b"hillside"[..]).unwrap();
    });
    finds(&place, "common", Some(308), |transaction| {
        transaction.open_table(COMMON).unwrap().remove((1, 308)).unwrap();
    });
    finds(&place, "restricted", Some(309), |transaction| {
        transaction.open_table(RESTRICTED).unwrap().remove((1, 309)).unwrap();
    });
    finds(&place, "retractions", Some(5), |transaction| {
        transaction.open_table(RETRACTIONS).unwrap().insert((1, 5), 7).unwrap();
    });
    finds(&place, "names", Some(305), |transaction| {
        transaction.open_table(NAMES).unwrap().remove((1, 1)).unwrap();
    });
}

#[tokio::test]
async fn changed_details_and_tokens_are_found() {
    let place = full().await;
    for index in [0, 2, 3, 20, usize::MAX] {
        finds(&place, "details", Some(305), |transaction| flip(transaction, DETAILS, (1, 305), index));
    }
    finds(&place, "details", Some(305), |transaction| {
        transaction.open_table(DETAILS).unwrap().remove((1, 305)).unwrap();
    });
    finds(&place, "tokens", None, |transaction| {
        let mut table = transaction.open_table(TOKENS).unwrap();
        let id = table.first().unwrap().unwrap().0.value().1.to_owned();
        let mut row = table.get((1, id.as_str())).unwrap().unwrap().value().to_vec();
        let role = 2 + id.len() + 32;
        row[role] = 6;
        table.insert((1, id.as_str()), row.as_slice()).unwrap();
    });
}

#[tokio::test]
async fn tokens_that_are_exchanged_or_planted_are_named() {
    let place = full().await;
    let first_row = |transaction: &WriteTransaction| {
        let table = transaction.open_table(TOKENS).unwrap();
        let (key, row) = table.first().unwrap().unwrap();
        (key.value().1.to_owned(), row.value().to_vec())
    };
    let told = |change: &dyn Fn(&WriteTransaction)| {
        let report = report_after(&place, change);
        report.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let exchanged = told(&|transaction| {
        let (id, mut row) = first_row(transaction);
        row[2 + id.len()..][..32].copy_from_slice(&[7; 32]);
        transaction.open_table(TOKENS).unwrap().insert((1, id.as_str()), row.as_slice()).unwrap();
    });
    assert!(exchanged.contains(" holds the hash of another secret"), "{exchanged}");
    let planted = told(&|transaction| {
        let (id, row) = first_row(transaction);
        let another = format!("{}x", &id[..id.len() - 1]);
        let row = [&row[..2], another.as_bytes(), &row[2 + id.len()..]].concat();
        transaction.open_table(TOKENS).unwrap().insert((1, another.as_str()), row.as_slice()).unwrap();
    });
    assert!(planted.contains(r#"x" follows from no entry"#), "{planted}");
}

#[tokio::test]
async fn tokens_of_the_server_are_listed_and_read() {
    let place = Place::new();
    let (log, network) = place.network().await;
    let (id, secret) = ("owner".parse().unwrap(), new_secret());
    log.put_server_token(NewServerToken { id, secret, role: Role::Owner, expires_at: None }).await.unwrap();
    let listed = log.server_tokens();
    log.shutdown().await;
    drop((log, network));
    assert_eq!((listed.len(), report(&place).server_tokens), (1, listed));
    finds_anywhere(&place, "server_tokens", |transaction| {
        transaction.open_table(SERVER_TOKENS).unwrap().insert("owner2", [0; 50].as_slice()).unwrap();
    });
    finds_anywhere(&place, "meta", |transaction| {
        transaction.open_table(META).unwrap().insert("another_version", 1).unwrap();
    });
}

#[tokio::test]
async fn a_flipped_byte_of_the_file_is_found() {
    let place = full().await;
    let file = place.folder.path().join("log.redb");
    let sound = fs::read(&file).unwrap();
    let entry = {
        let database = Database::open(&file).unwrap();
        let transaction = database.begin_read().unwrap();
        let table = transaction.open_table(ENTRIES).unwrap();
        let (_, block) = table.range((1, 100)..).unwrap().next().unwrap().unwrap();
        block.value().to_vec()
    };
    let place_of = sound.windows(entry.len()).rposition(|window| window == entry).unwrap();
    let copies = sound.windows(entry.len()).enumerate().filter(|(_, window)| *window == entry);
    let mut flipped = sound.clone();
    for (at, _) in copies {
        flipped[at + 40] ^= 1;
    }
    assert_ne!(flipped[place_of..], sound[place_of..]);
    fs::write(&file, flipped).unwrap();
    assert!(!report(&place).is_sound());
    fs::write(&file, sound).unwrap();
    assert!(report(&place).is_sound());
}
