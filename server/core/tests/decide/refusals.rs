//! Every reason for a refusal, with the field at fault.

use crate::world::*;
use kith_core::{
    decide::{Batch, Command, Outcome, Refusal, State},
    detail::{Detail, DetailKind},
    event::{Administration, Asked, Custom, Event, Fact, Grant, Habit, RemovedPlugin, Role},
    invalid::{Invalid, Problem},
    may::Principal,
    prepare::Prepared,
    timestamp::Timestamp,
};

fn check(principal: Principal, event: Event, refusal: &Refusal) {
    let mut model = world();
    let head = model.head();
    assert_eq!(append(&mut model, principal, event).as_ref(), Err(refusal));
    assert_eq!(model.head(), head);
}

fn check_field(principal: Principal, event: Event, field: &str) {
    match append(&mut world(), principal, event) {
        Err(Refusal::Invalid(Invalid { field: found, problem: Problem::MustBe(_) })) => assert_eq!(found, field),
        other => panic!("{field}: {other:?}"),
    }
}

fn person_unknown(field: &'static str) -> Refusal {
    Refusal::PersonUnknown { field, person: person("zoe") }
}

#[test]
fn people_must_be_in_the_directory() {
    let asked = |by: &str, of: &str| {
        Fact::Habit(Habit::Asked(Asked { by: person(by), of: vec![person(of)], category: "lift".parse().unwrap() }))
    };
    let custom = Fact::Custom(Custom { type_name: "a/b".into(), people: vec![person("zoe")] });
    let cases = [
        (met(&["amina", "zoe"]), "event.met.people"),
        (followed_up("zoe", "ben", None), "event.followed_up.by"),
        (followed_up("ben", "zoe", None), "event.followed_up.with"),
        (asked("zoe", "ben"), "event.asked.by"),
        (asked("ben", "zoe"), "event.asked.of"),
        (helped("zoe", "ben", None), "event.helped.helper"),
        (helped("ben", "zoe", None), "event.helped.helped"),
        (referred("zoe", "amina", "ben"), "event.referred.referrer"),
        (referred("amina", "zoe", "ben"), "event.referred.person"),
        (referred("amina", "ben", "zoe"), "event.referred.to"),
        (custom, "event.custom.people"),
        (person_changed("zoe", None), "event.person_changed.person"),
        (merged("zoe", "ben"), "event.people_merged.kept"),
        (merged("ben", "zoe"), "event.people_merged.merged"),
    ];
    for (fact, field) in cases {
        check(amina(), event(FREE, fact), &person_unknown(field));
    }
}

#[test]
fn an_answer_comes_from_somebody_in_the_directory() {
    let mut model = world();
    accept(&mut model, amina(), event(FREE, referred("amina", "ben", "chidi")));
    let Fact::Habit(Habit::Answered(answer)) = answered(FREE) else { unreachable!("just made") };
    let by_zoe = Fact::Habit(Habit::Answered(kith_core::event::Answered { by: person("zoe"), ..answer }));
    assert_eq!(append(&mut model, amina(), event(FREE + 1, by_zoe)), Err(person_unknown("event.answered.by")));
}

#[test]
fn administration_names_people_of_the_directory() {
    let cases = [
        (erased("zoe"), "event.person_erased.person"),
        (
            Fact::Administration(Administration::ErasureCompleted {
                person: person("zoe"),
                erasure: id(0),
                details_erased: 0,
                keys_destroyed: 0,
            }),
            "event.erasure_completed.person",
        ),
        (hold("zoe", true, "INQ-7"), "event.hold_changed.person"),
        (
            Fact::Administration(Administration::TokenIssued {
                token: "t-1".parse().unwrap(),
                grant: Grant::Role(Role::Reader),
                person: Some(person("zoe")),
                organisation: None,
                expires_at: None,
                secret_digest: None,
            }),
            "event.token_issued.person",
        ),
    ];
    for (fact, field) in cases {
        let events = [event(FREE, fact)];
        let refused = run(&mut world(), server_command(owner(), &events)).unwrap_err();
        assert_eq!(refused.why, person_unknown(field));
    }
}

#[test]
fn details_are_about_people_of_the_directory() {
    let about = |subject: &str| {
        let (kind, text, salt) = (DetailKind::Note, "tea".to_owned(), [3; 32]);
        let detail = Detail { kind, subjects: vec![person(subject)], text, salt };
        let event = Event { details: vec![detail.commitment()], ..event(FREE, met(&["amina", "ben"])) };
        let events = vec![Prepared::from_event(&event, &[detail]).unwrap()];
        run(&mut world(), Command { events, ..command(amina(), &[]) })
    };
    assert!(about("amina").is_ok());
    assert!(about("dana").is_ok(), "somebody may be spoken of");
    assert_eq!(about("zoe").unwrap_err().why, person_unknown("details.subjects"));
}

#[test]
fn a_new_persons_name_comes_with_the_person() {
    let name = Detail { kind: DetailKind::Name, subjects: vec![person("zoe")], text: "Zoë".into(), salt: [3; 32] };
    let added = Event { details: vec![name.commitment()], ..event(FREE, person_added("zoe", None)) };
    let events = vec![Prepared::from_event(&added, &[name]).unwrap()];
    let mut model = world();
    assert!(run(&mut model, Command { events, ..command(amina(), &[]) }).is_ok());
    assert_eq!(model.accepted().last().unwrap().details.len(), 1);
}

#[test]
fn names_and_contacts_come_with_the_person_whom_they_are_about_and_nowhere_else() {
    let prepared = |kind, subjects: &[&str], fact| {
        let subjects: Vec<_> = subjects.iter().map(|id| person(id)).collect();
        let detail = Detail { kind, subjects, text: "Amina S., under investigation".into(), salt: [3; 32] };
        let event = Event { details: vec![detail.commitment()], ..event(FREE, fact) };
        Prepared::from_event(&event, &[detail]).map(drop).map_err(|invalid| invalid.field)
    };
    let changed = || person_changed("amina", None);
    for kind in [DetailKind::Name, DetailKind::Contact] {
        assert_eq!(prepared(kind, &["amina"], changed()), Ok(()));
        assert_eq!(prepared(kind, &["zoe"], person_added("zoe", None)), Ok(()));
        assert_eq!(prepared(kind, &["ben"], changed()), Err("details.subjects".into()));
        assert_eq!(prepared(kind, &["amina", "ben"], changed()), Err("details.subjects".into()));
        for fact in [met(&["amina", "ben"]), merged("amina", "ben"), retracted(7), organisation_added("lakeside")] {
            assert_eq!(prepared(kind, &["amina"], fact), Err("details.kind".into()));
        }
    }
    assert_eq!(prepared(DetailKind::Note, &["amina", "ben"], changed()), Ok(()), "words may be about anybody");
}

#[test]
fn organisations_must_be_in_the_directory() {
    let unknown = |field| Refusal::OrganisationUnknown { field, organisation: organisation_id("lakeside") };
    let added = person_added("zoe", Some("lakeside"));
    check(amina(), event(FREE, added), &unknown("event.person_added.organisation"));
    let changed = person_changed("ben", Some("lakeside"));
    check(amina(), event(FREE, changed), &unknown("event.person_changed.organisation"));
}

#[test]
fn nobody_is_added_twice() {
    let field = "event.person_added.person";
    check(amina(), event(FREE, person_added("ben", None)), &Refusal::AlreadyExists { field, id: "ben".into() });
    let field = "event.organisation_added.organisation";
    let exists = Refusal::AlreadyExists { field, id: "hillside".into() };
    check(amina(), event(FREE, organisation_added("hillside")), &exists);
}

#[test]
fn clients_record_no_administration() {
    let paused = Administration::PluginPaused { name: "strength".into(), paused: true };
    check_field(owner(), event(FREE, Fact::Administration(paused)), "event.fact");
}

#[test]
fn directory_and_administration_have_network_scope() {
    check_field(amina(), private(event(FREE, person_added("zoe", None))), "event.scope");
    check_field(amina(), private(event(FREE, merged("amina", "ben"))), "event.scope");
    let analyst = || principal("dana", Role::Analyst, Some("hillside"));
    let write = |principal, fact| {
        let event = private(event(FREE, Fact::Administration(fact)));
        run(&mut world(), server_command(principal, &[event]))
    };
    let revoked = Administration::TokenRevoked { token: "t-abc".parse().unwrap() };
    let ended = || Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id(1)) };
    for fact in [revoked, ended()] {
        let refused = write(principal("ben", Role::Owner, Some("riverside")), fact).unwrap_err();
        assert!(matches!(refused.why, Refusal::Invalid(invalid) if invalid.field == "event.scope"));
    }
    let paused = || Administration::PluginPaused { name: "ties".into(), paused: true };
    assert!(write(analyst(), paused()).is_ok(), "an organisation's plugin is changed in its own scope");
    let denied = Refusal::PermissionDenied { what: "administer the network" };
    assert_eq!(write(owner(), paused()).unwrap_err().why, denied, "whose plugin would it be?");
    let end = |principal| {
        let event = event(FREE, Fact::Administration(ended()));
        run(&mut world(), server_command(principal, &[event]))
    };
    assert!(end(owner()).is_ok());
    assert_eq!(end(analyst()).unwrap_err().why, denied, "only owners end what they may not see");
}

#[test]
fn roles_decide_who_records() {
    let denied = |what| Refusal::PermissionDenied { what };
    for role in [Role::Reader, Role::Analyst, Role::Auditor] {
        let reader = principal("ben", role, Some("riverside"));
        check(reader, event(FREE, met(&["amina", "ben"])), &denied("record events"));
    }
    let stray = principal("eve", Role::Recorder, None);
    let hidden = private(event(FREE, met(&["amina", "ben"])));
    check(stray, hidden, &denied("record events of scope organisation"));
}

#[test]
fn administration_is_written_for_those_whose_role_it_is() {
    let removed =
        || Fact::Administration(Administration::PluginRemoved { plugin: RemovedPlugin::Named("strength".into()) });
    let officer = || principal("ben", Role::RecordsOfficer, Some("riverside"));
    let analyst = || principal("dana", Role::Analyst, Some("hillside"));
    let write = |principal, fact| run(&mut world(), server_command(principal, &[event(FREE, fact)]));
    assert!(write(owner(), erased("chidi")).is_ok());
    assert!(write(officer(), erased("amina")).is_ok());
    assert!(write(analyst(), removed()).is_ok());
    let denied = Refusal::PermissionDenied { what: "administer the network" };
    assert_eq!(write(officer(), erased("chidi")).unwrap_err().why, denied);
    assert_eq!(write(officer(), erased("eve")).unwrap_err().why, denied);
    assert_eq!(write(officer(), removed()).unwrap_err().why, denied);
    assert_eq!(write(analyst(), erased("dana")).unwrap_err().why, denied);
    assert_eq!(write(amina(), met(&["amina", "ben"])).unwrap_err().why, denied);
}

#[test]
fn an_officer_answers_for_a_person_who_joined_a_moment_ago() {
    let moved = person_changed("chidi", Some("riverside"));
    let officer = || principal("ben", Role::RecordsOfficer, Some("riverside"));
    let erase = || server_command(officer(), &[event(FREE + 1, erased("chidi"))]);
    let model = world();
    let mut batch = Batch::new(&model, NOW, 0);
    assert!(batch.decide(erase()).is_err());
    assert!(batch.decide(command(owner(), &[event(FREE, moved)])).is_ok());
    assert!(batch.decide(erase()).is_ok());
}

#[test]
fn events_lie_a_minute_in_the_future_at_most() {
    let at = |millis| {
        let occurred_at = Timestamp::from_millis(NOW.millis() + millis);
        append(&mut world(), amina(), Event { occurred_at, ..event(FREE, met(&["amina", "ben"])) })
    };
    assert!(at(60_000).is_ok());
    assert!(at(-3_000_000_000_000).is_ok());
    let in_future = Invalid::new("event.occurred_at", Problem::InFuture { max_ms: 60_000 });
    assert_eq!(at(60_001), Err(Refusal::Invalid(in_future)));
}

#[test]
fn refusals_count_events_and_undo_the_whole_command() {
    let mut model = world();
    let head = model.head();
    let events = [
        event(FREE, person_added("zoe", None)),
        event(FREE + 1, met(&["zoe", "ben"])),
        event(FREE + 2, met(&["zoe", "nobody"])),
        event(FREE + 3, met(&["zoe", "amina"])),
    ];
    let refused = run(&mut model, command(amina(), &events)).unwrap_err();
    assert_eq!(refused.event, 2);
    assert_eq!(refused.why, Refusal::PersonUnknown { field: "event.met.people", person: person("nobody") });
    assert_eq!(model.head(), head);
    let met_zoe = event(FREE + 1, met(&["zoe", "ben"]));
    assert_eq!(append(&mut model, amina(), met_zoe), Err(person_unknown("event.met.people")));
    let added = append(&mut model, amina(), event(FREE, person_added("zoe", None)));
    assert_eq!(added, Ok(Outcome::Accepted(head.next())));
}

#[test]
fn appends_have_a_size() {
    use kith_core::{decide::check_append_size, limits};
    let (events, bytes) = (limits::APPEND_EVENTS_MAX, limits::APPEND_BYTES_MAX);
    assert_eq!(check_append_size(1, 0), Ok(()));
    assert_eq!(check_append_size(events, bytes), Ok(()));
    let problem = |events, bytes| check_append_size(events, bytes).unwrap_err().problem;
    assert_eq!(problem(0, 0), Problem::TooFew { min: 1, found: 0 });
    assert_eq!(problem(events + 1, 0), Problem::TooMany { max: events, found: events + 1 });
    assert_eq!(problem(1, bytes + 1), Problem::TooLong { max: bytes, found: bytes + 1 });
}
