//! Laws of the decision: it depends only on state, commands and time, not on how commands are grouped.

use crate::world::{NOW, amina, command, event, met, organisation_id, person, world};
use kith_core::{
    arbitrary::{Names, numbered_event, numbered_organisation, numbered_person, prepared_of},
    condition::Condition,
    decide::{Batch, Command, Origin, Outcome, Refused, State},
    event::{
        DirectoryFact, DirectoryKind, Event, Fact, HabitKind, Kind, OrganisationAdded, PeopleMerged, PersonAdded,
        Retracted, RetractionReason, Role, Scope,
    },
    filter::Filter,
    may::{Credential, Principal, Reach},
    model::{Model, decided},
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
};

/// Generated events happen at any time.
const ANY_FUTURE: i64 = i64::MAX;

/// Four of the small world's people and two of its organisations, so that many events are accepted and many refused.
fn small_world() -> Model {
    let organisations = (0..2).map(|number| {
        let organisation = numbered_organisation(number);
        Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
            name: organisation.to_string(),
            organisation,
        }))
    });
    let people = (0..4).map(|number| {
        let organisation = Some(numbered_organisation(number % 2));
        Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
            person: numbered_person(number),
            organisation,
            role: String::new(),
        }))
    });
    let numbered = (1_000..).zip(organisations.chain(people));
    let events: Vec<Event> =
        numbered.map(|(number, fact)| Event { id: numbered_event(number), ..event(number, fact) }).collect();
    let mut model = Model::default();
    model.append(command(principals()[0].clone(), &events), NOW, ANY_FUTURE).unwrap();
    model
}

fn principals() -> Vec<Principal> {
    let of = |name: &str, role, organisation: Option<u8>| Principal {
        id: format!("person:{name}").parse().unwrap(),
        credential: Credential::Program,
        reach: Reach::Network("north".parse().unwrap()),
        role,
        person: None,
        organisation: organisation.map(numbered_organisation),
    };
    vec![
        of("owner", Role::Owner, None),
        of("recorder", Role::Recorder, Some(0)),
        of("other", Role::Recorder, Some(1)),
        of("officer", Role::RecordsOfficer, Some(0)),
        of("reader", Role::Reader, Some(1)),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let filter = (option::of(Names::few().person), any::<bool>()).prop_map(|(person, met)| Filter {
        people: person.into_iter().collect(),
        kinds: if met { vec![Kind::Habit(HabitKind::Met)] } else { Vec::new() },
        ..Filter::default()
    });
    prop_oneof![
        (0..40_u64).prop_map(|head| Condition::ExpectedHead(Position::new(head))),
        (0..40_u64, filter).prop_map(|(after, filter)| Condition::NoneMatch { after: Position::new(after), filter }),
    ]
}

/// 48 events that name each other, with ids of their own.
fn events() -> impl Strategy<Value = Vec<Prepared>> {
    let person = || (0..4_u8).prop_map(numbered_person);
    let merge = (person(), person()).prop_filter_map("two people", |(kept, merged)| {
        (kept != merged).then_some(Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept, merged })))
    });
    let retraction =
        Names::few().event.prop_map(|event| Fact::Retracted(Retracted { event, reason: RetractionReason::Mistake }));
    let fact = prop_oneof![6 => Just(None), 1 => merge.prop_map(Some), 2 => retraction.prop_map(Some)];
    vec((prepared_of(&Names::few()), fact), 48).prop_map(|parts| (0..).zip(parts).map(numbered).collect())
}

fn numbered((number, (prepared, fact)): (u64, (Prepared, Option<Fact>))) -> Prepared {
    let event = Event { id: numbered_event(number), ..prepared.event };
    let replaced = match fact {
        Some(fact) => Event { fact, details: Vec::new(), scope: Scope::Network, ..event },
        None => return Prepared::from_event(&event, &prepared.details).unwrap(),
    };
    Prepared::from_event(&replaced, &[]).unwrap()
}

/// Commands of one to four of 48 events, so that events repeat; now and then an event with an id that is in use.
fn commands(count: usize) -> impl Strategy<Value = Vec<Command>> {
    let origin = prop_oneof![4 => Just(Origin::Client), 1 => Just(Origin::Server)];
    let principal = prop_oneof![1 => Just(principals()[0].clone()), 2 => select(principals())];
    let chosen = prop_oneof![3 => vec(any::<Index>(), 1..=1), 1 => vec(any::<Index>(), 2..=4)];
    let reused = option::weighted(0.05, prepared_of(&Names::few()));
    let shape = (principal, chosen, reused, option::weighted(0.2, condition()), origin);
    (events(), vec(shape, 1..=count)).prop_map(|(events, shapes)| {
        let command = |(principal, chosen, reused, condition, origin): (_, Vec<Index>, Option<Prepared>, _, _)| {
            let events = chosen.iter().map(|index| index.get(&events).clone()).chain(reused).collect();
            Command { principal, events, condition, origin }
        };
        shapes.into_iter().map(command).collect()
    })
}

type Decision = Result<Vec<Outcome>, Refused>;

/// Decides commands in batches of these sizes.
fn run_in_batches(commands: &[Command], mut sizes: impl Iterator<Item = usize>) -> (Vec<Decision>, Model) {
    let (mut model, mut decisions, mut rest) = (small_world(), Vec::new(), commands);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
        let mut batch = Batch::new(&model, NOW, ANY_FUTURE);
        decisions.extend(now.iter().map(|command| decided(batch.decide(command.clone()))));
        let accepted = batch.into_accepted();
        model.commit(accepted);
        rest = later;
    }
    (decisions, model)
}

fn bytes(model: &Model) -> Vec<&[u8]> {
    model.accepted().iter().map(|accepted| &accepted.bytes[..]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn grouping_changes_nothing(
        commands in commands(60),
        sizes in vec(1..20_usize, 1..60),
    ) {
        let (decisions, model) = run_in_batches(&commands, std::iter::repeat(1));
        for sizes in [sizes, vec![commands.len()]] {
            let (grouped_decisions, grouped) = run_in_batches(&commands, sizes.into_iter());
            prop_assert_eq!(&grouped_decisions, &decisions);
            prop_assert_eq!(bytes(&grouped), bytes(&model));
            for (one, other) in grouped.accepted().iter().zip(model.accepted()) {
                prop_assert_eq!(&one.header, &other.header);
                prop_assert_eq!(&one.details, &other.details);
            }
        }
    }

    #[test]
    fn refused_commands_leave_no_trace(commands in commands(60)) {
        let (decisions, model) = run_in_batches(&commands, std::iter::once(commands.len()));
        let kept: Vec<Command> =
            commands.into_iter().zip(&decisions).filter(|(_, decision)| decision.is_ok()).map(|(kept, _)| kept).collect();
        let (all_accepted, without) = run_in_batches(&kept, std::iter::once(kept.len()));
        prop_assert!(all_accepted.iter().all(Result::is_ok));
        prop_assert_eq!(bytes(&without), bytes(&model));
    }

    #[test]
    fn what_is_accepted_is_recorded_as_it_came(commands in commands(60)) {
        let (decisions, model) = run_in_batches(&commands, std::iter::repeat(7));
        for (command, decision) in commands.iter().zip(decisions) {
            let Ok(outcomes) = decision else { continue };
            prop_assert_eq!(outcomes.len(), command.events.len());
            for (prepared, outcome) in command.events.iter().zip(outcomes) {
                check_recorded(&model, command, prepared, outcome);
            }
        }
    }

    #[test]
    fn the_directory_has_no_cycle_and_every_merge_is_in_force(commands in commands(80)) {
        let (_, model) = run_in_batches(&commands, std::iter::repeat(9));
        for person in model.directory().people() {
            let root = model.directory().root(&person.id);
            prop_assert!(model.directory().merge(root).is_none());
        }
    }
}

fn check_recorded(model: &Model, command: &Command, prepared: &Prepared, outcome: Outcome) {
    let recorded = model.recorded(&prepared.event.id).unwrap().expect("not refused");
    match outcome {
        Outcome::Duplicate(position) => assert_eq!(recorded, position),
        Outcome::Accepted(position) => {
            let entry = model.entry(position).unwrap();
            assert_eq!(recorded, position);
            assert_eq!(entry.event_bytes, prepared.bytes);
            assert_eq!(entry.recorded_by, command.principal.id);
            assert_eq!(entry.organisation, command.principal.organisation);
            assert_eq!(entry.recorded_at, NOW);
        }
    }
}

#[test]
fn the_small_world_meets_every_outcome() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let commands = commands(80).new_tree(&mut runner).unwrap().current();
        let (decisions, model) = run_in_batches(&commands, std::iter::once(80));
        for decision in decisions {
            seen.extend(match decision {
                Ok(outcomes) => outcomes.iter().map(|outcome| variant(&format!("{outcome:?}"))).collect(),
                Err(refused) => vec![variant(&format!("{:?}", refused.why))],
            });
        }
        let freed = model.accepted().iter().any(|entry| {
            matches!(entry.event.fact, Fact::Retracted(_))
                && entry.header.kinds.contains(&Kind::Directory(DirectoryKind::PeopleMerged))
        });
        seen.extend(freed.then(|| "a merge undone".to_owned()));
    }
    let expected = [
        "Accepted",
        "AlreadyExists",
        "ConditionFailed",
        "Duplicate",
        "EventIdReused",
        "EventUnknown",
        "Invalid",
        "OrganisationUnknown",
        "PermissionDenied",
        "PersonUnknown",
        "ScopeMismatch",
        "a merge undone",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

fn variant(debug: &str) -> String {
    debug.chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

#[test]
fn time_never_goes_back() {
    let mut model = world();
    let at = |model: &mut Model, number, now: i64| {
        let now = Timestamp::from_millis(NOW.millis() + now);
        model.append(command(amina(), &[event(number, met(&["amina", "ben"]))]), now, 60_000).unwrap();
        model.accepted().last().unwrap().entry.recorded_at.millis() - NOW.millis()
    };
    assert_eq!(at(&mut model, 100, 5_000), 5_000);
    assert_eq!(at(&mut model, 101, 2_000), 5_000);
    assert_eq!(at(&mut model, 102, 5_001), 5_001);
}

#[test]
fn entries_name_principal_and_organisation() {
    let mut model = world();
    model.append(command(amina(), &[event(100, met(&["amina", "ben"]))]), NOW, 0).unwrap();
    let entry = &model.accepted().last().unwrap().entry;
    assert_eq!(entry.recorded_by.as_str(), format!("person:{}", person("amina")));
    assert_eq!(entry.organisation, Some(organisation_id("riverside")));
}
