//! Generators of facts.

use super::{Names, administration::administration, category, name};
use crate::{
    event::{
        Answer, Answered, Asked, Custom, DirectoryFact, Fact, FollowedUp, Habit, Helped, Met, OrganisationAdded,
        PeopleMerged, PersonAdded, PersonChanged, Referred, Retracted, RetractionReason,
    },
    id::{OrganisationId, PersonId},
};
use proptest::{collection::btree_set, option, prelude::*, sample::select};
use std::ops::RangeInclusive;

/// Any valid fact that names these ids.
pub fn fact(names: &Names) -> impl Strategy<Value = Fact> + use<> {
    prop_oneof![
        4 => habit(names),
        1 => custom(names),
        1 => retracted(names),
        3 => directory(names),
        1 => administration(names).prop_map(Fact::Administration),
    ]
}

fn people(names: &Names, count: RangeInclusive<usize>) -> impl Strategy<Value = Vec<PersonId>> + use<> {
    btree_set(names.person.clone(), count).prop_map(Vec::from_iter).prop_shuffle()
}

fn two(names: &Names) -> impl Strategy<Value = [PersonId; 2]> + use<> {
    people(names, 2..=2).prop_map(|people| people.try_into().expect("as many as asked for"))
}

fn habit(names: &Names) -> impl Strategy<Value = Fact> + use<> {
    let about = option::of(names.event.clone());
    let answer = select(&[Answer::Accepted, Answer::Declined, Answer::Met][..]);
    prop_oneof![
        people(names, 2..=6).prop_map(|people| Fact::Habit(Habit::Met(Met { people }))),
        (people(names, 2..=6), about.clone()).prop_map(|(mut with, about)| {
            let by = with.pop().expect("at least two");
            Fact::Habit(Habit::FollowedUp(FollowedUp { by, with, about }))
        }),
        (people(names, 2..=6), category()).prop_map(|(mut of, category)| {
            let by = of.pop().expect("at least two");
            Fact::Habit(Habit::Asked(Asked { by, of, category }))
        }),
        (two(names), option::of(category()), about).prop_map(|([helper, helped], category, about)| Fact::Habit(
            Habit::Helped(Helped { helper, helped, category, about })
        )),
        people(names, 3..=3).prop_map(|people| {
            let [referrer, person, to] = people.try_into().expect("as many as asked for");
            Fact::Habit(Habit::Referred(Referred { referrer, person, to }))
        }),
        (names.event.clone(), names.person.clone(), answer)
            .prop_map(|(referral, by, answer)| Fact::Habit(Habit::Answered(Answered { referral, by, answer }))),
    ]
}

fn custom(names: &Names) -> impl Strategy<Value = Fact> + use<> {
    ("[a-z0-9._-]{1,31}/[a-z0-9._-]{1,32}", people(names, 0..=4))
        .prop_map(|(type_name, people)| Fact::Custom(Custom { type_name, people }))
}

fn retracted(names: &Names) -> impl Strategy<Value = Fact> + use<> {
    let reason = select(
        &[RetractionReason::Mistake, RetractionReason::Duplicate, RetractionReason::Consent, RetractionReason::Other][..],
    );
    (names.event.clone(), reason).prop_map(|(event, reason)| Fact::Retracted(Retracted { event, reason }))
}

fn directory(names: &Names) -> impl Strategy<Value = Fact> + use<> {
    prop_oneof![
        (names.organisation.clone(), name()).prop_map(|(organisation, name)| Fact::Directory(
            DirectoryFact::OrganisationAdded(OrganisationAdded { organisation, name })
        )),
        membership(names).prop_map(|(person, organisation, role)| {
            Fact::Directory(DirectoryFact::PersonAdded(PersonAdded { person, organisation, role }))
        }),
        membership(names).prop_map(|(person, organisation, role)| {
            Fact::Directory(DirectoryFact::PersonChanged(PersonChanged { person, organisation, role }))
        }),
        two(names)
            .prop_map(|[kept, merged]| Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept, merged }))),
    ]
}

fn membership(names: &Names) -> impl Strategy<Value = (PersonId, Option<OrganisationId>, String)> + use<> {
    (names.person.clone(), option::of(names.organisation.clone()), "\\PC{0,8}")
}
