//! Erasures and holds: what nobody can write any more, and what nobody can erase yet.

use crate::world::*;
use kith_core::{
    decide::{Command, Outcome, Refusal, State},
    detail::{Detail, DetailKind},
    event::{Administration, Event, Fact, Grant, Role},
    invalid::Problem,
    may::Principal,
    model::Model,
    position::Position,
    prepare::Prepared,
};

fn officer(organisation: &str) -> Principal {
    principal("olu", Role::RecordsOfficer, Some(organisation))
}

fn write(model: &mut Model, who: Principal, event: Event) -> Result<Outcome, Refusal> {
    run(model, server_command(who, &[event])).map(|outcomes| outcomes[0]).map_err(|refused| refused.why)
}

fn erased_refusal(field: &'static str, name: &str) -> Refusal {
    Refusal::PersonErased { field, person: person(name) }
}

fn note(subjects: &[&str]) -> Detail {
    let subjects = subjects.iter().map(|name| person(name)).collect();
    Detail { kind: DetailKind::Note, subjects, text: "spoke".into(), salt: [3; 32] }
}

/// An event of Amina's with notes about these people.
fn with_notes(event: Event, about: &[&[&str]]) -> Command {
    let details: Vec<_> = about.iter().map(|subjects| note(subjects)).collect();
    let event = Event { details: details.iter().map(Detail::commitment).collect(), ..event };
    let prepared = Prepared::from_event(&event, &details).unwrap();
    Command { events: vec![prepared], ..command(amina(), &[]) }
}

fn completed(name: &str, erasure: u64) -> Fact {
    Fact::Administration(Administration::ErasureCompleted {
        person: person(name),
        erasure: id(erasure),
        details_erased: 3,
        keys_destroyed: 1,
    })
}

fn details_erased(event: u64, details: &[u32]) -> Fact {
    Fact::Administration(Administration::DetailsErased {
        event: id(event),
        details: details.to_vec(),
        reason: "error".parse().unwrap(),
        reference: None,
    })
}

#[test]
fn nothing_is_written_with_the_erased_or_about_them() {
    let mut model = world();
    accept(&mut model, amina(), event(FREE, met(&["amina", "ben"])));
    accept(&mut model, amina(), event(FREE + 1, merged("amina", "ben")));
    write(&mut model, officer("riverside"), event(FREE + 2, erased("ben"))).unwrap();
    let cases = [
        (met(&["amina", "ben", "chidi"]), "event.met.people"),
        (helped("ben", "chidi", None), "event.helped.helper"),
        (person_changed("ben", Some("riverside")), "event.person_changed.person"),
        (merged("ben", "eve"), "event.people_merged.kept"),
    ];
    for (fact, field) in cases {
        let refused = append(&mut model, owner(), event(FREE + 3, fact));
        assert_eq!(refused, Err(erased_refusal(field, "ben")));
    }
    let about = with_notes(event(FREE + 4, met(&["amina", "chidi"])), &[&["ben", "chidi"]]);
    assert_eq!(run(&mut model, about).unwrap_err().why, erased_refusal("details.subjects", "ben"));
    let token = Administration::TokenIssued {
        token: "t-1".parse().unwrap(),
        grant: Grant::Role(Role::Reader),
        person: Some(person("ben")),
        organisation: None,
        expires_at: None,
        secret_digest: None,
    };
    let refused = write(&mut model, owner(), event(FREE + 5, Fact::Administration(token)));
    assert_eq!(refused, Err(erased_refusal("event.token_issued.person", "ben")));
    assert_eq!(
        write(&mut model, owner(), event(FREE + 6, hold("ben", true, "INQ-7"))),
        Err(erased_refusal("event.hold_changed.person", "ben"))
    );
    accept(&mut model, amina(), event(FREE + 7, retracted(FREE)));
    accept(&mut model, amina(), event(FREE + 8, retracted(FREE + 1)));
}

#[test]
fn erasing_again_is_answered_with_the_first_entry() {
    let mut model = world();
    let first = model.head().next();
    assert_eq!(write(&mut model, owner(), event(FREE, erased("ben"))), Ok(Outcome::Accepted(first)));
    let again = [event(FREE + 1, erased("ben")), event(FREE + 2, erased("eve"))];
    let outcomes = run(&mut model, server_command(owner(), &again)).unwrap();
    assert_eq!(outcomes, [Outcome::Duplicate(first), Outcome::Accepted(first.next())]);
    assert_eq!(model.erasures().pending().map(|(person, _)| person.as_str()).collect::<Vec<_>>(), ["ben", "eve"]);
    let end = write(&mut model, owner(), event(FREE + 3, completed("ben", FREE))).unwrap();
    assert_eq!(write(&mut model, owner(), event(FREE + 4, completed("ben", FREE))), Ok(duplicate_of(end)));
    let of_ben = model.erasures().of(&person("ben")).unwrap().completion.unwrap();
    assert_eq!((of_ben.details_erased, of_ben.keys_destroyed), (3, 1));
    for (name, erasure) in [("eve", FREE), ("chidi", FREE)] {
        let refused = write(&mut model, owner(), event(FREE + 5, completed(name, erasure)));
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{name}: it is the erasure of ben");
    }
}

fn duplicate_of(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Accepted(position) | Outcome::Duplicate(position) => Outcome::Duplicate(position),
    }
}

#[test]
fn a_refused_command_erases_nobody() {
    let mut model = world();
    let facts = [event(FREE, erased("ben")), event(FREE + 1, erased("nobody"))];
    assert!(run(&mut model, server_command(owner(), &facts)).is_err());
    accept(&mut model, amina(), event(FREE + 2, met(&["amina", "ben"])));
}

#[test]
fn the_words_of_the_held_stay_until_every_hold_is_lifted() {
    let mut model = world();
    write(&mut model, officer("hillside"), event(FREE, hold("ben", true, "INQ-7"))).unwrap();
    write(&mut model, owner(), event(FREE + 1, hold("ben", true, "LAW-1"))).unwrap();
    let references = |all: &[&str]| all.iter().map(|reference| reference.parse().unwrap()).collect();
    let held = |all| Refusal::PersonHeld {
        field: "event.person_erased.person",
        person: person("ben"),
        references: references(all),
    };
    let erase = |model: &mut Model, number| write(model, officer("riverside"), event(number, erased("ben")));
    assert_eq!(erase(&mut model, FREE + 2), Err(held(&["INQ-7", "LAW-1"])));
    let lift =
        |model: &mut Model, who, number, reference| write(model, who, event(number, hold("ben", false, reference)));
    let denied = lift(&mut model, officer("riverside"), FREE + 3, "INQ-7");
    assert!(matches!(denied, Err(Refusal::PermissionDenied { .. })), "{denied:?}");
    let denied = lift(&mut model, officer("hillside"), FREE + 3, "LAW-1");
    assert!(matches!(denied, Err(Refusal::PermissionDenied { .. })), "{denied:?}");
    assert!(lift(&mut model, officer("hillside"), FREE + 3, "INQ-7").is_ok());
    assert_eq!(erase(&mut model, FREE + 4), Err(held(&["LAW-1"])));
    assert!(lift(&mut model, owner(), FREE + 5, "LAW-1").is_ok());
    let gone = lift(&mut model, owner(), FREE + 6, "LAW-1");
    assert!(matches!(gone, Err(Refusal::Invalid(_))), "it is lifted: {gone:?}");
    assert!(erase(&mut model, FREE + 7).is_ok());
}

#[test]
fn a_reference_is_the_hold_of_whoever_took_it_first() {
    let mut model = world();
    let first = write(&mut model, officer("hillside"), event(FREE, hold("ben", true, "INQ-7"))).unwrap();
    let again = write(&mut model, officer("hillside"), event(FREE + 1, hold("ben", true, "INQ-7")));
    assert_eq!(again, Ok(duplicate_of(first)));
    let other = write(&mut model, officer("riverside"), event(FREE + 2, hold("ben", true, "INQ-7")));
    let field = "event.hold_changed.reference";
    assert_eq!(other, Err(Refusal::AlreadyExists { field, id: "INQ-7".into() }));
    assert!(write(&mut model, officer("riverside"), event(FREE + 3, hold("amina", true, "INQ-7"))).is_ok());
    assert!(
        write(&mut model, owner(), event(FREE + 4, hold("ben", false, "INQ-7"))).is_ok(),
        "the network's owner may"
    );
}

/// Records an event with notes about these people.
fn noted(model: &mut Model, number: u64, private_to_riverside: bool, about: &[&[&str]]) -> Position {
    let met = event(number, met(&["amina", "ben"]));
    let met = if private_to_riverside { private(met) } else { met };
    match run(model, with_notes(met, about)).unwrap()[0] {
        Outcome::Accepted(position) => position,
        Outcome::Duplicate(_) => panic!("it is new"),
    }
}

#[test]
fn single_details_are_erased_by_the_recorders_organisation() {
    let mut model = world();
    noted(&mut model, FREE, false, &[&["amina"], &["ben", "chidi"]]);
    for who in [amina(), officer("hillside"), principal("rita", Role::Auditor, Some("riverside"))] {
        let denied = write(&mut model, who, event(FREE + 1, details_erased(FREE, &[1])));
        assert!(matches!(denied, Err(Refusal::PermissionDenied { .. })), "{denied:?}");
    }
    let first = write(&mut model, officer("riverside"), event(FREE + 1, details_erased(FREE, &[1]))).unwrap();
    let again = write(&mut model, owner(), event(FREE + 2, details_erased(FREE, &[1])));
    assert_eq!(again, Ok(duplicate_of(first)));
    assert!(matches!(
        write(&mut model, owner(), event(FREE + 3, details_erased(FREE, &[0, 1]))),
        Ok(Outcome::Accepted(_))
    ));
    let outside = write(&mut model, owner(), event(FREE + 4, details_erased(FREE, &[2]))).unwrap_err();
    let Refusal::Invalid(invalid) = outside else { panic!("{outside:?}") };
    assert_eq!(invalid.field, "event.details_erased.details");
    assert!(matches!(invalid.problem, Problem::MustBe(_)));
}

#[test]
fn what_erases_details_has_the_scope_of_what_it_erases() {
    let mut model = world();
    noted(&mut model, FREE, true, &[&["amina"]]);
    let unknown = Refusal::EventUnknown { field: "event.details_erased.event", id: id(FREE) };
    for who in [owner(), officer("hillside")] {
        assert_eq!(write(&mut model, who, event(FREE + 1, details_erased(FREE, &[0]))), Err(unknown.clone()));
    }
    let public = write(&mut model, officer("riverside"), event(FREE + 1, details_erased(FREE, &[0])));
    assert!(matches!(public, Err(Refusal::ScopeMismatch { .. })), "{public:?}");
    assert!(write(&mut model, officer("riverside"), private(event(FREE + 1, details_erased(FREE, &[0])))).is_ok());
}

#[test]
fn details_about_the_held_stay() {
    let mut model = world();
    noted(&mut model, FREE, false, &[&["amina"], &["chidi"]]);
    write(&mut model, owner(), event(FREE + 1, hold("chidi", true, "INQ-7"))).unwrap();
    let held = write(&mut model, owner(), event(FREE + 2, details_erased(FREE, &[0, 1]))).unwrap_err();
    assert!(matches!(held, Refusal::PersonHeld { .. }), "{held:?}");
    assert!(write(&mut model, owner(), event(FREE + 2, details_erased(FREE, &[0]))).is_ok());
}

#[test]
fn a_person_has_so_many_holds_and_no_more() {
    let mut model = world();
    for number in 0..kith_core::limits::HOLDS_MAX as u64 {
        write(&mut model, owner(), event(FREE + number, hold("ben", true, &format!("INQ-{number}")))).unwrap();
    }
    let refused = write(&mut model, owner(), event(FREE + 500, hold("ben", true, "one-more")));
    assert!(matches!(&refused, Err(Refusal::Invalid(invalid)) if invalid.is_limit()), "{refused:?}");
    assert!(write(&mut model, owner(), event(FREE + 501, hold("ben", false, "INQ-3"))).is_ok());
    assert!(write(&mut model, owner(), event(FREE + 502, hold("ben", true, "one-more"))).is_ok());
}
