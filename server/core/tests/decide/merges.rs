//! Merges: every id has at most one, none leads back to itself, and a retraction frees the id again.

use crate::world::*;
use kith_core::{
    arbitrary::numbered_event,
    decide::{Batch, Outcome, Refusal, State},
    event::{Asked, Event, Fact, Habit},
    filter::Filter,
    invalid::{Invalid, Problem},
    limits::FUTURE_MS_MAX_DEFAULT,
    model::Model,
};

/// Decides facts in one batch and in a batch each; both must accept the same ones.
fn check(facts: &[Fact], accepted: &[bool]) -> Model {
    let events: Vec<Event> = (FREE..).zip(facts).map(|(number, fact)| event(number, fact.clone())).collect();
    let mut apart = world();
    let one_by_one: Vec<bool> = events.iter().map(|event| append(&mut apart, owner(), event.clone()).is_ok()).collect();
    assert_eq!(one_by_one, accepted, "a batch each");
    let mut model = world();
    let mut batch = Batch::new(&model, NOW, FUTURE_MS_MAX_DEFAULT);
    let together: Vec<bool> =
        events.into_iter().map(|event| batch.decide(command(owner(), &[event])).is_ok()).collect();
    assert_eq!(together, accepted, "one batch");
    let entries = batch.into_accepted();
    model.commit(entries);
    assert_eq!(bytes(&model), bytes(&apart));
    model
}

fn bytes(model: &Model) -> Vec<&[u8]> {
    model.accepted().iter().map(|accepted| &accepted.bytes[..]).collect()
}

fn root(model: &Model, id: &str) -> String {
    model.directory().root(&person(id)).to_string()
}

#[test]
fn chains_lead_to_one_person() {
    let model = check(&[merged("ben", "chidi"), merged("amina", "ben"), merged("chidi", "dana")], &[true; 3]);
    for id in ["amina", "ben", "chidi", "dana"] {
        assert_eq!(root(&model, id), "amina");
    }
    assert_eq!(root(&model, "eve"), "eve");
}

#[test]
fn merges_make_no_cycle() {
    let facts = [merged("amina", "ben"), merged("ben", "amina"), merged("ben", "chidi"), merged("chidi", "amina")];
    check(&facts, &[true, false, true, false]);
    let mut model = world();
    accept(&mut model, owner(), event(FREE, merged("amina", "ben")));
    let back = append(&mut model, owner(), event(FREE + 1, merged("ben", "amina")));
    let rule = Problem::MustBe("a person who is not merged into the other already");
    assert_eq!(back, Err(Refusal::Invalid(Invalid::new("event.people_merged.kept", rule))));
}

#[test]
fn an_id_is_merged_once() {
    check(&[merged("amina", "ben"), merged("amina", "ben"), merged("chidi", "ben")], &[true, false, false]);
    let mut model = world();
    accept(&mut model, owner(), event(FREE, merged("amina", "ben")));
    let again = append(&mut model, owner(), event(FREE + 1, merged("chidi", "ben")));
    let rule = Problem::MustBe("a person who is not merged already");
    assert_eq!(again, Err(Refusal::Invalid(Invalid::new("event.people_merged.merged", rule))));
}

#[test]
fn a_retraction_frees_the_id() {
    let facts = [merged("amina", "ben"), retracted(FREE), merged("ben", "amina"), retracted(FREE + 2)];
    let model = check(&facts, &[true; 4]);
    assert_eq!((root(&model, "amina"), root(&model, "ben")), ("amina".into(), "ben".into()));
    let model = check(&facts[..3], &[true; 3]);
    assert_eq!((root(&model, "amina"), root(&model, "ben")), ("ben".into(), "ben".into()));
}

#[test]
fn a_second_retraction_of_a_merge_leaves_a_later_merge_alone() {
    let facts =
        [merged("amina", "ben"), retracted(FREE), merged("chidi", "ben"), retracted(FREE), merged("dana", "ben")];
    let model = check(&facts, &[true, true, true, true, false]);
    assert_eq!(root(&model, "ben"), "chidi");
}

#[test]
fn a_merge_that_is_rolled_back_is_forgotten_and_what_it_freed_is_bound_again() {
    let mut model = world();
    accept(&mut model, owner(), event(FREE, merged("amina", "ben")));
    let mut batch = Batch::new(&model, NOW, FUTURE_MS_MAX_DEFAULT);
    let refused_last = |facts: &[Fact]| {
        let bad = event(FREE + 50, met(&["amina", "nobody"]));
        let events = (FREE + 1..).zip(facts).map(|(number, fact)| event(number, fact.clone())).chain([bad]);
        command(owner(), &events.collect::<Vec<_>>())
    };
    assert!(batch.decide(refused_last(&[retracted(FREE), merged("chidi", "dana")])).is_err());
    assert!(batch.decide(command(owner(), &[event(FREE + 3, merged("chidi", "ben"))])).is_err());
    let outcomes = batch.decide(command(owner(), &[event(FREE + 2, merged("eve", "dana"))])).unwrap();
    assert_eq!(outcomes, [Outcome::Accepted(model.head().next())]);
    assert!(batch.decide(refused_last(&[retracted(FREE)])).is_err());
    assert!(batch.decide(command(owner(), &[event(FREE + 4, merged("amina", "dana"))])).is_err());
    assert_eq!(batch.accepted().len(), 1);
}

#[test]
fn nobody_meets_asks_helps_or_introduces_only_themselves() {
    let facts = |one: &str, other: &str| {
        let asked = Asked { by: person(one), of: vec![person(other)], category: "beds".parse().unwrap() };
        [
            (met(&[one, other]), "event.met.people"),
            (followed_up(one, other, None), "event.followed_up.with"),
            (Fact::Habit(Habit::Asked(asked)), "event.asked.of"),
            (helped(one, other, None), "event.helped.helped"),
            (referred(one, "eve", other), "event.referred.to"),
            (referred("eve", one, other), "event.referred.to"),
            (referred(one, other, "eve"), "event.referred.person"),
        ]
    };
    let mut model = world();
    accept(&mut model, owner(), event(FREE, merged("amina", "ben")));
    accept(&mut model, owner(), event(FREE + 1, merged("ben", "chidi")));
    let rule = Problem::MustBe("somebody else: by a merge these ids mean one person");
    for (fact, field) in facts("ben", "chidi").into_iter().chain(facts("chidi", "amina")) {
        let refused = append(&mut model, owner(), event(FREE + 2, fact));
        assert_eq!(refused, Err(Refusal::Invalid(Invalid::new(field, rule.clone()))));
    }
    for (number, (fact, _)) in (FREE + 3..).zip(facts("ben", "dana")) {
        accept(&mut model, owner(), event(number, fact));
    }
}

#[test]
fn two_ids_of_one_person_beside_others_count_once_and_are_taken() {
    let asked =
        Asked { by: person("eve"), of: vec![person("amina"), person("ben")], category: "beds".parse().unwrap() };
    check(&[merged("amina", "ben"), met(&["amina", "ben", "dana"]), Fact::Habit(Habit::Asked(asked))], &[true; 3]);
}

#[test]
fn a_merge_in_the_same_batch_counts_until_it_is_withdrawn() {
    let facts = [merged("amina", "ben"), met(&["amina", "ben"]), retracted(FREE), met(&["amina", "ben"])];
    check(&facts, &[true, false, true, true]);
}

#[test]
fn retractions_of_merges_pass_every_filter() {
    let model = check(&[merged("amina", "ben"), retracted(FREE), met(&["amina", "ben"])], &[true; 3]);
    let filter = Filter { people: vec![person("eve")], ..Filter::default() };
    let passing: Vec<_> = model.accepted().iter().filter(|accepted| filter.passes(&accepted.header)).collect();
    let last = passing.last().unwrap();
    assert_eq!(last.event.id, numbered_event(FREE + 1));
}
