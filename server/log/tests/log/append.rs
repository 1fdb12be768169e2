//! Appending: what is accepted, what is a duplicate, what is refused, and that every append is all or nothing.

use crate::support::*;
use kith_core::{
    condition::Condition,
    decide::{Command, Outcome, Refusal},
    entry::Entry,
    event::{HabitKind, Kind, Role},
    filter::Filter,
    position::Position,
};
use kith_log::{AppendError, CreateNetworkError};

fn at(position: u64) -> Position {
    Position::new(position)
}

#[tokio::test]
async fn positions_are_dense_and_entries_hold_the_bytes_of_the_events() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let event = meets(4, &["amina", "ben"]);
    assert_eq!(append(&network, vec![event.clone(), meets(5, &["ben", "chloe"])]).await, [at(4), at(5)]);
    assert_eq!(network.head(), at(5));
    let entries = network.history().read(at(0), END, ALL).unwrap();
    let entries: Vec<_> = entries.iter().map(|bytes| Entry::decode(bytes).unwrap()).collect();
    assert_eq!(entries.iter().map(|entry| entry.position.get()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(entries.is_sorted_by_key(|entry| entry.recorded_at));
    assert_eq!(entries[3].event_bytes, event.bytes);
    assert_eq!(entries[3].recorded_by.as_str(), "person:recorder");
    assert_eq!(network.position_of(&owner(), &id(5)).unwrap(), Some(at(5)));
    assert_eq!(network.position_of(&owner(), &id(6)).unwrap(), None);
    assert_eq!(network.summary().recorded_at, Some(entries[4].recorded_at));
}

#[tokio::test]
async fn the_same_event_is_recorded_once() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let outcomes = network.append(command(vec![joins(2, "ben"), meets(4, &["amina", "ben"]), joins(1, "amina")])).await;
    let (duplicate, accepted) = (Outcome::Duplicate, Outcome::Accepted);
    assert_eq!(outcomes.unwrap(), [duplicate(at(2)), accepted(at(4)), duplicate(at(1))]);
    let twice = vec![meets(5, &["amina", "ben"]), meets(5, &["amina", "ben"])];
    assert_eq!(network.append(command(twice)).await.unwrap(), [accepted(at(5)), duplicate(at(5))]);
    let refused = refused(&network, command(vec![meets(5, &["amina", "chloe"])])).await;
    assert_eq!(refused.why, Refusal::EventIdReused { id: id(5) });
    assert_eq!(network.head(), at(5));
}

#[tokio::test]
async fn one_bad_event_of_a_hundred_leaves_nothing() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let before = network.summary();
    let mut events: Vec<_> = (10..109).map(|number| meets_with_note(number, &["amina", "ben"], "a note")).collect();
    events.insert(60, meets(200, &["amina", "nobody"]));
    events.insert(10, joins(201, "dana"));
    let refused = refused(&network, command(events)).await;
    assert_eq!(refused.event, 61);
    assert!(matches!(refused.why, Refusal::PersonUnknown { .. }), "{refused}");
    assert_eq!(network.summary(), before);
    assert_eq!(network.position_of(&owner(), &id(10)).unwrap(), None);
    assert!(network.directory().person(&person("dana")).is_none());
    assert!(network.history().read(at(3), END, ALL).unwrap().is_empty());
    assert_eq!(append(&network, vec![joins(201, "dana")]).await, [at(4)]);
}

#[tokio::test]
async fn append_each_keeps_the_good_ones() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let events = vec![meets(4, &["amina", "ben"]), meets(5, &["amina", "nobody"]), joins(1, "amina"), joins(6, "dana")];
    let results = network.append_each(owner(), events).await.unwrap();
    assert_eq!(results[0], Ok(Outcome::Accepted(at(4))));
    assert!(matches!(results[1], Err(Refusal::PersonUnknown { .. })), "{:?}", results[1]);
    assert_eq!(results[2], Ok(Outcome::Duplicate(at(1))));
    assert_eq!(results[3], Ok(Outcome::Accepted(at(5))));
    assert_eq!(network.directory().person(&person("dana")).unwrap().handle, 4);
    let reader = network.append_each(principal(Role::Reader, None), vec![meets(7, &["amina", "ben"])]).await.unwrap();
    assert!(matches!(reader[0], Err(Refusal::PermissionDenied { .. })));
}

#[tokio::test]
async fn conditions_hold_or_nothing_is_recorded() {
    for tail_bytes_max in [0, 1 << 20] {
        let mut place = Place::new();
        place.config.tail_bytes_max = tail_bytes_max;
        let (_log, network) = place.network().await;
        three_join(&network).await;
        append(&network, vec![meets(4, &["amina", "ben"]), meets(5, &["ben", "chloe"])]).await;
        let on = |condition, events| Command { condition: Some(condition), ..command(events) };
        let none = |after, people: &[&str]| Condition::NoneMatch {
            after: at(after),
            filter: Filter {
                kinds: vec![Kind::Habit(HabitKind::Met)],
                people: people.iter().map(|name| person(name)).collect(),
                ..Filter::default()
            },
        };
        let check = async |condition, number, holds: bool| {
            let outcome = network.append(on(condition, vec![meets(number, &["amina", "chloe"])])).await;
            match outcome {
                Ok(_) => assert!(holds, "event {number}, tail {tail_bytes_max}"),
                Err(AppendError::Refused(refused)) => {
                    assert_eq!(refused.why, Refusal::ConditionFailed { head: network.head() });
                    assert!(!holds, "event {number}, tail {tail_bytes_max}");
                }
                Err(error) => panic!("{error}"),
            }
        };
        check(Condition::ExpectedHead(at(4)), 10, false).await;
        check(Condition::ExpectedHead(at(5)), 11, true).await;
        check(none(3, &["amina"]), 12, false).await;
        check(none(6, &["amina"]), 13, true).await;
        check(none(4, &["ben"]), 14, false).await;
        check(none(5, &["ben"]), 15, true).await;
        check(none(0, &[]), 16, false).await;
        check(none(100, &[]), 17, true).await;
        let recorded = on(Condition::ExpectedHead(at(1)), vec![meets(4, &["amina", "ben"])]);
        assert_eq!(network.append(recorded).await.unwrap(), [Outcome::Duplicate(at(4))]);
    }
}

#[tokio::test]
async fn commands_sent_together_are_decided_one_after_the_other() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let claim = |number| Command {
        condition: Some(Condition::ExpectedHead(at(3))),
        ..command(vec![meets(number, &["amina", "ben"])])
    };
    let tasks: Vec<_> = (10..42)
        .map(|number| {
            let network = network.clone();
            let command = claim(number);
            tokio::spawn(async move { network.append(command).await.is_ok() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!((winners, network.head()), (1, at(4)));
}

#[tokio::test]
async fn size_limits_are_checked_before_the_queue() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    let refused = refused(&network, command(Vec::new())).await;
    assert!(matches!(refused.why, Refusal::Invalid(_)), "{refused}");
    let many = (0..1_001).map(|number| joins(number, &format!("p{number}"))).collect();
    let error = network.append_each(owner(), many).await.unwrap_err();
    assert!(matches!(error, AppendError::Refused(_)), "{error}");
    let most = (0..1_000).map(|number| joins(number, &format!("p{number}"))).collect();
    assert_eq!(append(&network, most).await.last(), Some(&at(1_000)));
}

#[tokio::test]
async fn networks_do_not_see_each_other() {
    let place = Place::new();
    let (log, north) = place.network().await;
    let south = log.create_network(&"south".parse().unwrap()).await.unwrap();
    let again = log.create_network(&"south".parse().unwrap()).await;
    assert!(matches!(again, Err(CreateNetworkError::AlreadyExists { .. })));
    three_join(&north).await;
    append(&south, vec![joins(1, "dana")]).await;
    assert_eq!((north.head(), south.head()), (at(3), at(1)));
    assert_eq!(south.position_of(&owner(), &id(2)).unwrap(), None);
    assert!(south.directory().person(&person("amina")).is_none());
    assert_eq!(south.history().read(at(0), END, ALL).unwrap().len(), 1);
    assert_ne!(north.incarnation(), south.incarnation());
    let names: Vec<_> = log.networks().iter().map(|network| network.name().to_string()).collect();
    assert_eq!(names, ["north", "south"]);
    assert!(log.network(&"west".parse().unwrap()).is_none());
}

#[tokio::test]
async fn a_watched_head_can_be_read() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    let mut head = network.watch_head();
    let reader = network.clone();
    let seen = tokio::spawn(async move {
        let head = *head.wait_for(|head| *head >= at(3)).await.unwrap();
        reader.history().read(at(0), head, ALL).unwrap().len()
    });
    three_join(&network).await;
    assert_eq!(seen.await.unwrap(), 3);
}

#[tokio::test]
async fn retractions_are_found_by_what_they_withdraw() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![meets(4, &["amina", "ben"]), retracts(5, 4), retracts(6, 4)]).await;
    append(&network, vec![retracts(7, 4)]).await;
    assert_eq!(network.retracted_at(&owner(), at(4)).unwrap(), Some(at(5)));
    assert_eq!(network.retracted_at(&owner(), at(3)).unwrap(), None);
}
