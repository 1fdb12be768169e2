//! Personal words in a replica: sealed on the disk, gone when they are erased or may no longer be seen.

use super::{Device, client, open, options};
use crate::{
    carving::{count_in, file_of_dropped, holders, wrapped_keys},
    village::{token, village},
};
use kith_client::{
    EventBuilder, NewEvent,
    replica::{
        Environment, Happening, OpenError, Outbox, RecordError, Recording, Replica, ReplicaOptions, RootKey, StoreError,
    },
};
use kith_core::{
    detail::DetailKind,
    event::{Fact, Habit, Met, Scope},
    id::{EventId, PersonId},
    reason::Reason,
    timestamp::{DAY_MS, Timestamp},
};
use kith_tests::{cli::Cli, server::Server};
use std::{fs, path::Path};

/// Words that nobody else says.
const CANARIES: [&str; 2] = ["asked about the lighthouse letters", "walks by the quicksilver canal"];

fn person(id: &str) -> PersonId {
    id.parse().unwrap()
}

/// A meeting of two people, not recorded yet, with a note about one of them.
fn meeting(replica: &Replica, people: [&str; 2], note: &str, about: &str) -> EventBuilder {
    let met = Fact::Habit(Habit::Met(Met { people: people.map(person).to_vec() }));
    replica.event(met).detail(DetailKind::Note, vec![person(about)], note)
}

/// Records a meeting of amina and ben with a note about one of them.
fn record(device: &Device, note: &str, about: &str) -> EventId {
    let event = meeting(&device.replica, ["amina", "ben"], note, about).build().unwrap();
    device.replica.record(&event).unwrap();
    event.id()
}

fn erase(cli: &Cli, person: &str) {
    cli.run(&["person", "erase", person, "--reason", "withdrawn", "--wait"]).ok();
}

/// The notes of an event, wherever it is.
fn notes(device: &Device, id: EventId) -> Vec<String> {
    let here = device.replica.find_event(&id).unwrap().map(|recorded| recorded.details);
    let pending = device.replica.pending().unwrap().into_iter().map(|pending| pending.event);
    let refused = device.replica.refused().unwrap().into_iter().map(|refusal| refusal.event);
    let waiting = pending.chain(refused).find(|event| event.id() == id).map(|event| event.details().to_vec());
    here.or(waiting).unwrap().into_iter().map(|detail| detail.text).collect()
}

#[tokio::test]
async fn no_words_lie_in_plain_wherever_an_event_is() {
    let (server, _cli) = village();
    let device = Device::of(&server);
    let folder = device.folder.path().to_owned();
    let waiting = record(&device, CANARIES[0], "amina");
    assert_eq!(notes(&device, waiting), [CANARIES[0]]);
    assert_eq!(holders(&[&folder], &CANARIES), [], "in the outbox");
    device.replica.sync(&device.client).await.unwrap();
    let refused = meeting(&device.replica, ["amina", "nobody"], CANARIES[1], "amina").build().unwrap();
    device.replica.record(&refused).unwrap();
    device.replica.sync(&device.client).await.unwrap();
    let device = device.reopened();
    assert_eq!(
        (notes(&device, waiting), notes(&device, refused.id())),
        (vec![CANARIES[0].into()], vec![CANARIES[1].into()])
    );
    assert_eq!(holders(&[&folder], &CANARIES), []);
    device.expect_level().await;
}

#[tokio::test]
async fn keys_of_the_erased_are_gone_from_a_replica() {
    let (server, cli) = village();
    let device = Device::of(&server);
    let (about_amina, about_ben) = (record(&device, "about amina", "amina"), record(&device, "about ben", "ben"));
    device.replica.sync(&device.client).await.unwrap();
    let Device { replica, client, folder } = device;
    drop(replica);
    let before = wrapped_keys(&folder.path().join("keys"));
    let device = Device { replica: open(folder.path()), client, folder };
    erase(&cli, "amina");
    device.replica.sync(&device.client).await.unwrap();
    assert_eq!((notes(&device, about_amina), notes(&device, about_ben)), (vec![], vec!["about ben".to_owned()]));
    let recorded = device.replica.find_event(&about_amina).unwrap().unwrap();
    assert_eq!(recorded.erased.len(), 1);
    let Device { replica, folder, .. } = device;
    drop(replica);
    assert_eq!(before.len() - count_in(folder.path(), &before), 1, "one key is nowhere any more");
    assert_eq!(wrapped_keys(&folder.path().join("keys")).len(), before.len() - 1);
}

#[tokio::test]
async fn a_replica_confirms_an_erasure_and_one_that_is_away_is_known_to_be_behind() {
    let (server, cli) = village();
    let (device, away) = (Device::of(&server), Device::of(&server));
    cli.run_json(&["replica", "list"]).ok().prints("");
    record(&device, "about amina", "amina");
    for device in [&device, &away] {
        device.replica.sync(&device.client).await.unwrap();
    }
    let known = |arguments: &[&str]| cli.json_lines(&[&["replica", "list"], arguments].concat());
    let all = known(&[]);
    assert_eq!((all.len(), &all[0]["organisation"]), (2, &serde_json::Value::Null), "{all:?}");
    assert!(all.iter().all(|one| one["sent"].as_u64() >= one["confirmed"].as_u64() && one["heard_at"].is_string()));
    assert_ne!(all[0]["replica"], all[1]["replica"]);
    erase(&cli, "amina");
    let shown = cli.json(&["person", "erasure", "amina"]);
    let position = shown["position"].to_string();
    assert_eq!((&shown["replicas"], &shown["replicas_told"]), (&2.into(), &0.into()));
    device.replica.sync(&device.client).await.unwrap();
    let behind = known(&["--behind", &position]);
    assert_eq!(behind.len(), 1, "one sync confirms: {behind:?}");
    assert_eq!(cli.json(&["person", "erasure", "amina"])["replicas_told"], 1);
    cli.run(&["person", "erasure", "amina"]).ok().says("1 of 2 replicas confirmed").says("kith replica list --behind");
    away.replica.sync(&away.client).await.unwrap();
    assert_eq!(known(&["--behind", &position]), Vec::<serde_json::Value>::new());
    cli.run(&["person", "erasure", "amina"]).ok().says("2 of 2 replicas confirmed");
    let recorder = cli.token(&token(&cli, &["--role", "recorder"]).1);
    recorder.run_json(&["replica", "list"]).exits(4).says("PERMISSION_DENIED");
    assert_eq!(recorder.json(&["person", "erasure", "amina"])["replicas"], 0, "who may list none is told of none");
    cli.run(&["replica", "list", "--behind", "soon"]).exits(2).says("soon");
    let data = server.data();
    server.terminate();
    let restarted = Server::start_on(data, &[]);
    assert_eq!(restarted.cli().json_lines(&["replica", "list"]).len(), 2, "it is on disk");
}

#[tokio::test]
async fn an_event_with_words_about_somebody_erased_is_sent_without_them() {
    let (server, cli) = village();
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let event = about_others(&device, "amina", "dan");
    device.replica.record(&event).unwrap();
    erase(&cli, "amina");
    let mut happenings = device.replica.happenings();
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.refused, report.waiting, report.without_words), (1, 0, 0, 1));
    let happenings = std::iter::from_fn(|| happenings.try_recv().ok());
    let dropped = happenings.filter(|happening| matches!(happening, Happening::WordsDropped(id) if *id == event.id()));
    assert_eq!(dropped.count(), 1);
    assert_eq!(notes(&device, event.id()), ["stays"]);
    assert!(device.replica.refused().unwrap().is_empty());
    assert!(matches!(device.replica.record(&event).unwrap(), Recording::AlreadyRecorded(_)));
    device.expect_level().await;
}

/// A meeting of two people with notes about others.
fn about_others(device: &Device, one: &str, other: &str) -> NewEvent {
    let met = Fact::Habit(Habit::Met(Met { people: ["ben", "dan"].map(person).to_vec() }));
    let event = device.replica.event(met).detail(DetailKind::Note, vec![person(one)], CANARIES[0]);
    event.detail(DetailKind::Note, vec![person(other)], "stays").build().unwrap()
}

#[tokio::test]
async fn nothing_more_is_recorded_about_somebody_who_is_known_to_be_erased() {
    let (server, cli) = village();
    let device = Device::of(&server);
    erase(&cli, "amina");
    device.replica.sync(&device.client).await.unwrap();
    let with = |people| meeting(&device.replica, people, CANARIES[0], "ben").build().unwrap();
    for event in [about_others(&device, "amina", "dan"), with(["amina", "ben"])] {
        let refused = device.replica.record(&event).unwrap_err();
        assert!(matches!(&refused, RecordError::PersonErased { person } if person.as_str() == "amina"), "{refused}");
        let both = device.replica.record_all(&[event, with(["ben", "carol"])]).unwrap();
        assert!(matches!(both[..], [Err(RecordError::PersonErased { .. }), Ok(Recording::Queued)]), "{both:?}");
    }
    assert_eq!(device.replica.pending().unwrap().len(), 2);
    drop(device.replica);
    assert_eq!(count_of_keys(device.folder.path()), 4, "of the network, of three people");
}

fn count_of_keys(replica: &Path) -> usize {
    wrapped_keys(&replica.join("keys")).len()
}

#[tokio::test]
async fn an_event_of_somebody_erased_stays_refused_without_words() {
    let (server, cli) = village();
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let id = record(&device, CANARIES[0], "amina");
    erase(&cli, "amina");
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.refused), (0, 1));
    let refused = device.replica.refused().unwrap();
    assert_eq!((refused.len(), refused[0].why.reason), (1, Some(Reason::PersonErased)));
    assert_eq!(notes(&device, id), Vec::<String>::new());
    assert_eq!(device.replica.sync(&device.client).await.unwrap().without_words, 0, "it is not sent for ever");
}

#[tokio::test]
async fn words_that_may_no_longer_be_seen_leave_nothing_that_opens() {
    let (server, cli) = village();
    let (id, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let device = Device::new(&server.url(), &secret);
    let own = meeting(&device.replica, ["amina", "ben"], CANARIES[0], "amina").scope(Scope::Organisation);
    let own = own.build().unwrap();
    device.replica.record(&own).unwrap();
    let shared = record(&device, "for all", "amina");
    erase(&cli, "dan");
    device.replica.sync(&device.client).await.unwrap();
    let unsent = record(&device, "not sent yet", "ben");
    let Device { replica, client: stale, folder } = device;
    drop(replica);
    let before = wrapped_keys(&folder.path().join("keys"));
    assert!(!before.is_empty());
    let device = Device { replica: open(folder.path()), client: stale, folder };
    cli.run(&["token", "revoke", &id]).ok();
    device.replica.sync(&device.client).await.unwrap_err();
    assert!(device.replica.find_event(&own.id()).unwrap().is_none());
    assert_eq!((notes(&device, shared), notes(&device, unsent)), (vec!["for all".into()], vec!["not sent yet".into()]));
    assert_eq!(count_in(device.folder.path(), &before), 0, "every key is another one");
    let about_dan = meeting(&device.replica, ["amina", "ben"], CANARIES[1], "dan").build().unwrap();
    let refused = device.replica.record(&about_dan).unwrap_err();
    assert!(matches!(refused, RecordError::PersonErased { .. }), "it is still known who is erased: {refused}");

    let (_, secret) = token(&cli, &["--role", "recorder", "--organisation", "riverside"]);
    let device = Device { client: client(&server.url(), &secret), ..device };
    device.replica.sync(&device.client).await.unwrap();
    assert_eq!(notes(&device, own.id()), [CANARIES[0]]);
    assert_eq!(notes(&device, unsent), ["not sent yet"]);
    device.expect_level().await;

    let Device { replica, client, folder } = device;
    replica.reset(Outbox::Discard).unwrap();
    drop(replica);
    assert_eq!(wrapped_keys(&folder.path().join("keys")).len(), 1, "the key of an empty sealing");
    let device = Device { replica: open(folder.path()), client, folder };
    device.replica.record(&about_dan).unwrap();
    assert_eq!(device.replica.sync(&device.client).await.unwrap().without_words, 1, "the log says so again");
    device.expect_level().await;
}

#[tokio::test]
async fn a_key_of_the_app_opens_a_replica_and_no_other_does() {
    let (server, _cli) = village();
    let folder = tempfile::tempdir().unwrap();
    let with = |byte| ReplicaOptions { root_key: Some(RootKey::new([byte; 32])), ..options() };
    let replica = Replica::open(folder.path(), with(1)).unwrap();
    let client = client(&server.url(), &server.token());
    replica.sync(&client).await.unwrap();
    assert!(!folder.path().join("keys/root.key").exists());
    assert_eq!(format!("{:?}", with(1)).matches("RootKey(***)").count(), 1);
    drop(replica);
    assert_eq!(name(&Replica::open(folder.path(), with(1)).unwrap(), "amina").unwrap(), "Amina Shah");
    let other = Replica::open(folder.path(), with(2)).unwrap();
    let refused = name(&other, "amina").unwrap_err().to_string();
    assert!(refused.contains("do not open"), "{refused}");
}

fn name(replica: &Replica, id: &str) -> Result<String, StoreError> {
    Ok(replica.people()?.into_iter().find(|person| person.id == id).unwrap().name)
}

#[tokio::test]
async fn lost_keys_are_told_and_lose_no_more() {
    let (server, _cli) = village();
    let device = Device::of(&server);
    device.replica.sync(&device.client).await.unwrap();
    let Device { replica, client, folder } = device;
    drop(replica);
    let (keys, aside) = (folder.path().join("keys"), folder.path().join("aside"));
    let try_without = |file: &Path| {
        fs::rename(file, &aside).unwrap();
        let refused = name(&open(folder.path()), "amina").unwrap_err().to_string();
        assert!(refused.contains("put its folder `keys` back"), "{refused}");
        drop(fs::remove_file(file));
        fs::rename(&aside, file).unwrap();
    };
    for file in ["root.key", "keys.redb"] {
        try_without(&keys.join(file));
    }
    let device = Device { replica: open(folder.path()), client, folder };
    assert_eq!(name(&device.replica, "amina").unwrap(), "Amina Shah");
    device.expect_level().await;
}

#[test]
fn a_replica_of_another_format_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let database = file_of_dropped(&folder.path().join("replica.redb"));
    let meta = redb::TableDefinition::<&str, &[u8]>::new("meta");
    let transaction = database.begin_write().unwrap();
    transaction.open_table(meta).unwrap().insert("format", 2_u32.to_le_bytes().as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = Replica::open(folder.path(), options());
    assert!(matches!(refused, Err(OpenError::Version { found: 2, supported: 4 })), "{refused:?}");
    assert!(!folder.path().join("keys").exists());
}

/// The device again, some days later.
fn later(device: Device, days: i64) -> Device {
    let Device { replica, client, folder } = device;
    drop(replica);
    let clock = move || Timestamp::from_millis(kith_client::now().millis() + days * DAY_MS);
    let random = |bytes: &mut [u8]| bytes.copy_from_slice(&kith_client::random_bytes::<64>()[..bytes.len()]);
    let environment = Environment::new(clock, random);
    let replica = Replica::open(folder.path(), ReplicaOptions { environment, ..options() }).unwrap();
    Device { replica, client, folder }
}

#[tokio::test]
async fn a_replica_that_does_not_sync_shows_no_words_and_in_the_end_has_none_until_it_does() {
    let (server, cli) = village();
    cli.run(&["network", "policy", "--replica-days", "90"]).ok();
    let device = Device::of(&server);
    let sent = record(&device, CANARIES[0], "amina");
    device.replica.sync(&device.client).await.unwrap();
    let unsent = record(&device, CANARIES[1], "amina");
    let head = device.replica.head();
    let name = |device: &Device| {
        let people = device.replica.people().unwrap();
        people.into_iter().find(|person| person.id == "amina").unwrap().name
    };
    let seen = |device: &Device| {
        let status = device.replica.status().unwrap();
        (notes(device, sent), notes(device, unsent), name(device), status.hides_words)
    };
    let all = (vec![CANARIES[0].to_owned()], vec![CANARIES[1].to_owned()], name(&device), false);
    assert!(!all.2.is_empty());
    let none = (Vec::new(), vec![CANARIES[1].to_owned()], String::new(), true);
    let device = later(device, 89);
    assert_eq!(seen(&device), all);
    let device = later(device, 91);
    assert_eq!(seen(&device), none, "what was not sent is nowhere else");
    let device = later(device, 0);
    assert_eq!(seen(&device), all, "they were only hidden");

    let Device { replica, client, folder } = device;
    drop(replica);
    let keys = wrapped_keys(&folder.path().join("keys"));
    let device = later(Device { replica: open(folder.path()), client, folder }, 181);
    assert_eq!((seen(&device), device.replica.head()), (none, head), "facts stay");
    assert_eq!(device.replica.check().unwrap().problems, Vec::<String>::new());
    let Device { replica, client, folder } = device;
    drop(replica);
    assert_eq!(count_in(folder.path(), &keys), 0, "no key of before is anywhere");
    let device = Device { replica: open(folder.path()), client, folder };
    assert!(seen(&device).3, "they are gone");
    let report = device.replica.sync(&device.client).await.unwrap();
    assert_eq!((report.accepted, report.without_words), (1, 0));
    assert_eq!(seen(&device), all);
    assert_eq!(device.replica.check().unwrap().problems, Vec::<String>::new());
    device.expect_level().await;
}
