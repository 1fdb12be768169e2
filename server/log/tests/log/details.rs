//! Details: sealed on disk, opened for readers, lost with the key of any subject.

use crate::support::*;
use kith_core::{
    decide::Refusal,
    detail::DetailKind,
    event::{DirectoryFact, Fact, PersonAdded},
    position::Position,
    prepare::Prepared,
};
use kith_log::Network;
use redb::TableDefinition;
use std::fs;

const WORDS: &str = "spoke at length about discharge letters";

fn joins_named(number: u64, id: &str, name: &str) -> Prepared {
    let fact = PersonAdded { person: person(id), organisation: None, role: String::new() };
    let contact = format!("{id}@clinic.example");
    let details = [detail(DetailKind::Name, &[id], name), detail(DetailKind::Contact, &[id], &contact)];
    prepare(event(number, Fact::Directory(DirectoryFact::PersonAdded(fact))), &details)
}

fn contains(folder: &std::path::Path, words: &[u8]) -> bool {
    let mut files = vec![folder.to_owned()];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|file| file.unwrap().path()));
        } else if fs::read(path).unwrap().windows(words.len()).any(|window| window == words) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn neither_words_nor_salts_are_on_disk() {
    let place = Place::new();
    let (log, network) = place.network().await;
    append(&network, vec![joins_named(1, "amina", "Amina Diallo"), joins_named(2, "ben", "Ben Osei")]).await;
    append(&network, vec![meets_with_note(3, &["amina", "ben"], WORDS)]).await;
    drop((log, network));
    let note = detail(DetailKind::Note, &["amina", "ben"], WORDS);
    assert!(contains(place.folder.path(), b"amina"), "pseudonyms are there in the clear");
    for secret in [WORDS.as_bytes(), b"Amina Diallo", b"amina@clinic.example", &note.salt] {
        assert!(!contains(place.folder.path(), secret), "{secret:?}");
    }
}

#[tokio::test]
async fn details_are_opened_where_there_are_any() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    append(&network, vec![joins_named(1, "amina", "Amina Diallo"), joins(2, "ben")]).await;
    append(&network, vec![meets_with_note(3, &["amina", "ben"], WORDS)]).await;
    let positions: Vec<_> = [3, 2, 1, 0, 9].map(Position::new).into();
    let details = network.details(&owner(), &positions).unwrap();
    assert_eq!(details.iter().map(|(position, _)| position.get()).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(details[0].1.opened, [detail(DetailKind::Note, &["amina", "ben"], WORDS)]);
    assert_eq!(details[1].1.opened.len(), 2);
}

#[tokio::test]
async fn entries_weigh_the_same_in_memory_and_on_disk() {
    let place = Place::new();
    let (log, network) = place.network().await;
    append(&network, vec![joins(1, "amina"), joins_named(2, "ben", "Ben Osei"), joins(3, "chidi")]).await;
    append(&network, vec![meets(4, &["amina", "ben"]), meets_with_note(5, &["amina", "ben"], WORDS)]).await;
    append(&network, vec![meets(6, &["amina", "ben"])]).await;
    let parts = [(0, 6), (0, 1), (1, 3), (2, 4), (3, 5), (5, 6), (6, 6)].map(|(after, until)| {
        let entries = network.history().read(Position::new(after), Position::new(until), ALL).unwrap();
        let light = [(0, 1), (2, 4), (5, 6), (6, 6)].contains(&(after, until));
        assert_eq!(network.are_recent_without_details(Position::new(after), Position::new(until)), light);
        (after + 1..).map(Position::new).zip(entries).collect::<Vec<_>>()
    });
    assert!(!network.are_recent_without_details(Position::new(5), Position::new(7)), "7 is not there yet");
    let weigh = |network: &Network| {
        let budgets = [usize::MAX, 400, 0];
        let weighed = |bytes| parts.each_ref().map(|entries| network.weigh(&owner(), entries, bytes).unwrap());
        budgets.map(weighed)
    };
    let in_memory = weigh(&network);
    assert_eq!(in_memory[0].each_ref().map(|weighed| weighed.fitting), [6, 1, 2, 2, 2, 1, 0]);
    assert_eq!(in_memory[0][0].with_details, [2, 5].map(Position::new));
    assert_eq!(in_memory[2][0].fitting, 1, "the first one always has room");
    drop((log, network));
    let (_log, network) = place.network().await;
    assert!(!network.are_recent_without_details(Position::new(5), Position::new(6)), "it is on disk");
    assert_eq!(weigh(&network), in_memory);
}

#[tokio::test]
async fn a_name_is_the_newest_one() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    append(&network, vec![joins_named(1, "amina", "Amina Diallo"), joins(2, "ben")]).await;
    let names = async |expected: &[(&str, &str)]| {
        let found = network.names(&["amina", "ben", "nobody"].map(person)).unwrap();
        let expected = expected.iter().map(|(id, name)| (person(id), (*name).to_owned())).collect();
        assert_eq!(found, expected);
    };
    names(&[("amina", "Amina Diallo")]).await;
    let newer = detail(DetailKind::Name, &["amina"], "Amina Sow");
    append(&network, vec![changes(3, "amina", &[newer])]).await;
    names(&[("amina", "Amina Sow")]).await;
    append(&network, vec![changes(4, "amina", &[]), changes(5, "ben", &[])]).await;
    names(&[("amina", "Amina Sow")]).await;
    let retracted = refused(&network, command(vec![retracts(6, 3)])).await;
    assert!(matches!(retracted.why, Refusal::Invalid(_)), "a name is changed, not withdrawn: {retracted}");
}

#[tokio::test]
async fn a_late_resend_brings_no_words() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    append(&network, vec![joins(1, "amina"), joins(2, "ben"), meets(3, &["amina", "ben"])]).await;
    let resent = network.append(command(vec![meets_with_note(3, &["amina", "ben"], WORDS)])).await.unwrap();
    assert_eq!(resent, [kith_core::decide::Outcome::Duplicate(Position::new(3))]);
    assert!(network.details(&owner(), &[Position::new(3)]).unwrap().is_empty());
}

#[tokio::test]
async fn without_the_key_of_one_subject_a_detail_is_gone() {
    let place = Place::new();
    let (log, network) = place.network().await;
    append(&network, vec![joins_named(1, "amina", "Amina Diallo"), joins_named(2, "ben", "Ben Osei")]).await;
    append(&network, vec![meets_with_note(3, &["amina", "ben"], WORDS)]).await;
    let incarnation = u128::from_be_bytes(network.incarnation());
    drop((log, network));
    let keys = redb::Database::open(place.folder.path().join("keys/keys.redb")).unwrap();
    let transaction = keys.begin_write().unwrap();
    let table = TableDefinition::<(u128, &str), &[u8]>::new("person_keys");
    assert!(transaction.open_table(table).unwrap().remove((incarnation, "ben")).unwrap().is_some());
    transaction.commit().unwrap();
    drop(keys);

    let (_log, network) = place.network().await;
    let details = network.details(&owner(), &[1, 2, 3].map(Position::new)).unwrap();
    assert_eq!(details.iter().map(|(position, _)| position.get()).collect::<Vec<_>>(), [1]);
    let names = network.names(&["amina", "ben"].map(person)).unwrap();
    assert_eq!(names.into_values().collect::<Vec<_>>(), ["Amina Diallo"]);
}
