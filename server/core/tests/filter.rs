//! Filters: what matches, what passes, identity, wire form and limits.

use kith_core::{
    arbitrary::{Names, time},
    event::{AdministrationKind, DirectoryKind, HabitKind, Kind, Scope},
    filter::{Filter, PeopleMatch},
    header::Header,
    invalid::{Invalid, Problem},
    limits,
    position::Position,
    timestamp::Timestamp,
};
use kith_proto::v1;
use proptest::{collection::btree_set, option, prelude::*, sample::select};

fn kind() -> impl Strategy<Value = Kind> {
    const NAMES: [&str; 7] =
        ["met", "followed_up", "referred", "retracted", "person_added", "hold_changed", "custom:org.example/visit.v1"];
    select(&NAMES[..]).prop_map(|name| Kind::parse(name).unwrap())
}

fn filter() -> impl Strategy<Value = Filter> {
    (
        btree_set(kind(), 0..5).prop_map(Vec::from_iter).prop_shuffle(),
        btree_set(Names::few().person, 0..5).prop_map(Vec::from_iter).prop_shuffle(),
        select(&[PeopleMatch::Any, PeopleMatch::All][..]),
        btree_set(Names::few().organisation, 0..3).prop_map(Vec::from_iter).prop_shuffle(),
        option::of(time()),
        option::of(time()),
    )
        .prop_map(|(kinds, people, people_match, organisations, occurred_from, occurred_until)| Filter {
            kinds,
            people,
            people_match,
            organisations,
            occurred_from,
            occurred_until,
        })
}

proptest! {
    #[test]
    fn reads_back(filter in filter()) {
        prop_assert_eq!(Filter::from_proto(&filter.to_proto()), Ok(filter));
    }

    #[test]
    fn digest_is_of_the_set(filter in filter(), other in filter()) {
        let mut turned = filter.clone();
        turned.kinds.reverse();
        turned.people.rotate_left(filter.people.len().min(1));
        turned.organisations.reverse();
        prop_assert_eq!(turned.digest(), filter.digest());
        let sorted = |filter: &Filter| {
            let mut sorted = filter.clone();
            sorted.kinds.sort();
            sorted.people.sort();
            sorted.organisations.sort();
            sorted
        };
        prop_assert_eq!(filter.digest() == other.digest(), sorted(&filter) == sorted(&other));
    }
}

/// Amina and Ben met; recorded by Riverside at 1,000 ms.
fn header() -> Header {
    Header {
        position: Position::new(1),
        id: "018f0000-0000-7000-8000-000000000001".parse().unwrap(),
        kind: Kind::Habit(HabitKind::Met),
        scope: Scope::Network,
        organisation: Some("riverside".parse().unwrap()),
        recorded_by: "person:amina".parse().unwrap(),
        occurred_at: Timestamp::from_millis(1_000),
        kinds: vec![Kind::Habit(HabitKind::Met)],
        people: vec!["amina".parse().unwrap(), "ben".parse().unwrap()],
    }
}

fn people(ids: &[&str], people_match: PeopleMatch) -> Filter {
    Filter { people: ids.iter().map(|id| id.parse().unwrap()).collect(), people_match, ..Filter::default() }
}

fn check(filter: &Filter, header: &Header, matches: bool, passes: bool) {
    assert_eq!((filter.matches(header), filter.passes(header)), (matches, passes), "{filter:?}");
}

#[test]
fn each_part_must_match() {
    use PeopleMatch::{All, Any};
    let organisation = |id: &str| Filter { organisations: vec![id.parse().unwrap()], ..Filter::default() };
    let from = |millis| Filter { occurred_from: Some(Timestamp::from_millis(millis)), ..Filter::default() };
    let until = |millis| Filter { occurred_until: Some(Timestamp::from_millis(millis)), ..Filter::default() };
    let kinds = |kinds| Filter { kinds, ..Filter::default() };
    let cases = [
        (Filter::default(), true),
        (kinds(vec![Kind::Habit(HabitKind::Asked), Kind::Habit(HabitKind::Met)]), true),
        (kinds(vec![Kind::Habit(HabitKind::Asked)]), false),
        (people(&["chidi", "ben"], Any), true),
        (people(&["chidi"], Any), false),
        (people(&["ben", "amina"], All), true),
        (people(&["ben", "chidi"], All), false),
        (people(&[], All), true),
        (organisation("riverside"), true),
        (organisation("hillside"), false),
        (from(1_000), true),
        (from(1_001), false),
        (until(1_001), true),
        (until(1_000), false),
        (Filter { kinds: vec![Kind::Habit(HabitKind::Asked)], ..people(&["ben"], Any) }, false),
    ];
    for (filter, matches) in cases {
        check(&filter, &header(), matches, matches);
    }
    let of_nobody = Header { organisation: None, ..header() };
    check(&organisation("riverside"), &of_nobody, false, false);
}

#[test]
fn an_entry_matches_under_the_event_it_names() {
    let answer = Header {
        kind: Kind::Habit(HabitKind::Answered),
        kinds: vec![Kind::Habit(HabitKind::Answered), Kind::Habit(HabitKind::Referred)],
        ..header()
    };
    let referred = Filter { kinds: vec![Kind::Habit(HabitKind::Referred)], ..Filter::default() };
    check(&referred, &answer, true, true);
}

#[test]
fn directory_administration_and_withdrawn_merges_pass_without_matching() {
    let nobody = people(&["zoe"], PeopleMatch::Any);
    let of = |kind: Kind| Header { kinds: vec![kind.clone()], kind, ..header() };
    for kind in [
        Kind::Directory(DirectoryKind::OrganisationAdded),
        Kind::Directory(DirectoryKind::PersonChanged),
        Kind::Directory(DirectoryKind::PeopleMerged),
        Kind::Administration(AdministrationKind::TokenIssued),
    ] {
        check(&nobody, &of(kind), false, true);
    }
    let retraction = |target| Header { kinds: vec![Kind::Retracted, target], ..of(Kind::Retracted) };
    check(&nobody, &retraction(Kind::Directory(DirectoryKind::PeopleMerged)), false, true);
    check(&nobody, &retraction(Kind::Habit(HabitKind::Met)), false, false);
}

#[test]
fn everything_is_let_through_by_a_filter_without_parts() {
    assert!(Filter::default().is_all());
    assert!(people(&[], PeopleMatch::All).is_all());
    assert!(!people(&["ben"], PeopleMatch::Any).is_all());
    assert!(!Filter { occurred_from: Some(Timestamp::MIN), ..Filter::default() }.is_all());
}

fn refused(proto: &v1::Filter) -> Option<Invalid> {
    Filter::from_proto(proto).err()
}

#[test]
fn lists_have_limits_and_no_repeats() {
    check_limit("filter.kinds", limits::FILTER_KINDS_MAX, |count| v1::Filter {
        kinds: (0..count).map(|number| format!("custom:a/k{number}")).collect(),
        ..v1::Filter::default()
    });
    check_limit("filter.people", limits::FILTER_PEOPLE_MAX, |count| v1::Filter {
        people: ids(count),
        ..v1::Filter::default()
    });
    check_limit("filter.organisations", limits::FILTER_ORGANISATIONS_MAX, |count| v1::Filter {
        organisations: ids(count),
        ..v1::Filter::default()
    });
    let people = vec!["ben".into(), "amina".into(), "ben".into()];
    let twice = v1::Filter { people, ..v1::Filter::default() };
    assert_eq!(refused(&twice), Some(Invalid::new("filter.people", Problem::Repeated("ben".into()))));
}

fn check_limit(field: &str, max: usize, make: impl Fn(usize) -> v1::Filter) {
    assert_eq!(refused(&make(max)), None);
    assert_eq!(refused(&make(max + 1)), Some(Invalid::new(field, Problem::TooMany { max, found: max + 1 })));
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("x-{number}")).collect()
}

#[test]
fn bad_parts_are_named() {
    let field = |proto: v1::Filter| refused(&proto).unwrap().field;
    let default = v1::Filter::default;
    assert_eq!(field(v1::Filter { kinds: vec!["mets".into()], ..default() }), "filter.kinds");
    assert_eq!(field(v1::Filter { people: vec!["a b".into()], ..default() }), "filter.people");
    assert_eq!(field(v1::Filter { organisations: vec![String::new()], ..default() }), "filter.organisations");
    let parts = prost_types::Timestamp { seconds: 0, nanos: 1 };
    assert_eq!(field(v1::Filter { occurred_from: Some(parts), ..default() }), "filter.occurred_from");
    assert_eq!(field(v1::Filter { occurred_until: Some(parts), ..default() }), "filter.occurred_until");
}
