//! Reads by filter and permission, compared with a scan of every entry.

use crate::support::*;
use kith_core::{
    event::{DirectoryKind, Fact, HabitKind, Kind, Role, Scope},
    filter::{Filter, PeopleMatch},
    header::Header,
    history::Budget,
    may::{Action, Principal, may},
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_log::{Direction, Mode, Network, Selected, Selection};
use proptest::prelude::*;

const PEOPLE: [&str; 6] = ["amina", "ben", "chloe", "dana", "emil", "fatou"];
const ORGANISATIONS: [&str; 2] = ["riverside", "hillside"];
const KINDS: [Kind; 6] = [
    Kind::Habit(HabitKind::Met),
    Kind::Habit(HabitKind::FollowedUp),
    Kind::Habit(HabitKind::Referred),
    Kind::Habit(HabitKind::Answered),
    Kind::Retracted,
    Kind::Directory(DirectoryKind::PeopleMerged),
];

/// An event to try: who records it, its fact, the earlier event it names, its scope. Many are refused.
#[derive(Debug, Clone)]
struct Attempt {
    fact: usize,
    people: [usize; 3],
    target: u64,
    recorder: usize,
    scope: Scope,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let scope = prop_oneof![2 => Just(Scope::Network), 1 => Just(Scope::Organisation)];
    let people = [0..PEOPLE.len(), 0..PEOPLE.len(), 0..PEOPLE.len()];
    (0_usize..7, people, 0_u64..40, 0_usize..3, scope).prop_map(|(fact, people, target, recorder, scope)| Attempt {
        fact,
        people,
        target,
        recorder,
        scope,
    })
}

fn recorder(number: usize) -> Principal {
    principal(Role::Owner, ORGANISATIONS.get(number).copied())
}

impl Attempt {
    fn prepare(&self, number: u64) -> Option<Prepared> {
        let [one, two, three] = self.people.map(|index| PEOPLE[index]);
        let target = 100 + self.target;
        let fact = match self.fact {
            0 => met(&[one, two]),
            1 => followed_up(one, two, None),
            2 => followed_up(one, two, Some(target)),
            3 => referred(one, two, three),
            4 => answered(one, target),
            5 => retracted(target),
            _ => merged(one, two),
        };
        let mut event = event(number, fact);
        event.scope = self.scope;
        kith_core::event::Event::decode(&event.encode()).ok().map(|event| prepare(event, &[]))
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let kinds = proptest::sample::subsequence(KINDS.to_vec(), 0..3);
    let people = proptest::sample::subsequence([PEOPLE.as_slice(), &["nobody"]].concat(), 0..4);
    let organisations = proptest::sample::subsequence(ORGANISATIONS.to_vec(), 0..2);
    let times = (proptest::option::of(100_i64..150), proptest::option::of(100_i64..150));
    (kinds, people, any::<bool>(), organisations, times).prop_map(|(kinds, people, all, organisations, times)| Filter {
        kinds,
        people: people.into_iter().map(person).collect(),
        people_match: if all { PeopleMatch::All } else { PeopleMatch::Any },
        organisations: organisations.into_iter().map(|id| id.parse().unwrap()).collect(),
        occurred_from: times.0.map(|offset| Timestamp::from_millis(START_MS - 1_000 + offset)),
        occurred_until: times.1.map(|offset| Timestamp::from_millis(START_MS - 1_000 + offset)),
    })
}

async fn recorded(network: &Network, attempts: &[Attempt]) {
    let mut events: Vec<_> = (1..).zip(PEOPLE).map(|(number, name)| joins(number, name)).collect();
    events.extend((50..).zip(ORGANISATIONS).map(|(number, name)| founds(number, name)));
    append(network, events).await;
    for (number, attempt) in (100..).zip(attempts) {
        if let Some(event) = attempt.prepare(number) {
            network.append_each(recorder(attempt.recorder), vec![event]).await.unwrap().truncate(0);
        }
    }
}

fn headers(network: &Network) -> Vec<Header> {
    let positions = (1..=network.head().get()).map(Position::new);
    let seen = |position| (0..3).find_map(|number| network.entry(&recorder(number), position).unwrap());
    positions.map(|position| seen(position).expect("somebody sees it").1).collect()
}

/// Reads page by page until the end.
fn pages(network: &Network, mut selection: Selection) -> Vec<u64> {
    let mut positions = Vec::new();
    loop {
        let Selected { entries, next, end } = network.select(&selection).unwrap();
        assert!(entries.len() <= selection.budget.entries);
        for (position, bytes) in entries {
            assert_eq!(network.entry(&selection.principal, position).unwrap().unwrap().0, bytes);
            positions.push(position.get());
        }
        match selection.direction {
            Direction::Forward => {
                assert!(end || next > selection.after, "no progress");
                selection.after = next;
            }
            Direction::Backward => {
                assert!(end || next <= selection.until, "no progress");
                selection.until = next.previous();
            }
        }
        if end {
            return positions;
        }
    }
}

fn check(network: &Network, filter: &Filter, reader: &Principal, after: u64, until: u64, entries: usize) {
    for mode in [Mode::Passing, Mode::Matching, Mode::Common] {
        check_mode(network, (filter, mode), reader, after, until, entries);
    }
}

fn check_mode(
    network: &Network,
    (filter, mode): (&Filter, Mode),
    reader: &Principal,
    after: u64,
    until: u64,
    entries: usize,
) {
    let wanted = |header: &&Header| {
        let inside = header.position.get() > after && header.position.get() <= until;
        let asked_for = match mode {
            Mode::Passing => filter.passes(header),
            Mode::Matching => filter.matches(header),
            Mode::Common => header.is_common(),
        };
        inside && asked_for && may(reader, &Action::See(header))
    };
    let mut expected: Vec<_> = headers(network).iter().filter(wanted).map(|header| header.position.get()).collect();
    let mut selection = Selection {
        principal: reader.clone(),
        filter: filter.clone(),
        after: Position::new(after),
        until: Position::new(until),
        mode,
        direction: Direction::Forward,
        budget: Budget { entries, bytes: 1 << 20 },
    };
    assert_eq!(pages(network, selection.clone()), expected, "forward {selection:?}");
    selection.direction = Direction::Backward;
    expected.reverse();
    assert_eq!(pages(network, selection.clone()), expected, "backward {selection:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn gives_what_looking_at_everything_gives(
        attempts in proptest::collection::vec(attempt(), 1..40),
        filters in proptest::collection::vec(filter(), 1..12),
        bounds in (0_u64..12, 0_u64..60, 1_usize..9),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut place = Place::new();
        for tail_bytes_max in [1 << 20, 4_000, 0] {
            place.config.tail_bytes_max = tail_bytes_max;
            let (_log, network) = runtime.block_on(place.network());
            if network.head() == Position::ZERO {
                runtime.block_on(recorded(&network, &attempts));
            }
            let after = bounds.0.min(network.head().get());
            for (index, filter) in filters.iter().chain([&Filter::default()]).enumerate() {
                check(&network, filter, &recorder(index % 3), after, bounds.1, bounds.2);
                check(&network, filter, &recorder(index % 2), 0, u64::MAX, bounds.2);
            }
        }
    }
}

#[tokio::test]
async fn a_call_looks_at_a_bounded_number_of_entries() {
    let mut place = Place::new();
    place.config.tail_bytes_max = 0;
    let (_log, network) = place.network().await;
    three_join(&network).await;
    for part in 0..5 {
        let numbers = 1_000 * part + 10..1_000 * part + 1_010;
        append(&network, numbers.map(|number| meets(number, &["amina", "ben"])).collect()).await;
    }
    let mut selection = Selection {
        principal: owner(),
        filter: Filter { kinds: vec![Kind::Habit(HabitKind::Asked)], ..Filter::default() },
        after: Position::ZERO,
        until: END,
        mode: Mode::Passing,
        direction: Direction::Forward,
        budget: ALL,
    };
    let first = network.select(&selection).unwrap();
    assert_eq!((first.entries.len(), first.next.get(), first.end), (3, 4_096, false));
    selection.after = first.next;
    let second = network.select(&selection).unwrap();
    assert_eq!((second.entries.len(), second.next.get(), second.end), (0, 5_003, true));
    selection.after = Position::new(5_004);
    assert!(matches!(network.select(&selection), Err(kith_log::ReadError::PositionAhead { .. })));
}

#[tokio::test]
async fn a_retraction_is_found_under_the_people_of_what_it_withdraws() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    append(&network, vec![meets(4, &["amina", "ben"]), meets(5, &["ben", "chloe"]), retracts(6, 5)]).await;
    let filter =
        Filter { people: vec![person("chloe")], kinds: vec![Kind::Habit(HabitKind::Met)], ..Filter::default() };
    check(&network, &filter, &owner(), 3, 6, 10);
    let selection = Selection {
        principal: owner(),
        filter,
        after: Position::new(3),
        until: END,
        mode: Mode::Passing,
        direction: Direction::Forward,
        budget: ALL,
    };
    let found: Vec<_> = network.select(&selection).unwrap().entries.iter().map(|(at, _)| at.get()).collect();
    assert_eq!(found, [5, 6]);
    assert!(matches!(retracts(7, 5).event.fact, Fact::Retracted(_)));
}

#[tokio::test]
async fn a_persons_entries_are_found_far_apart() {
    let mut place = Place::new();
    place.config.tail_bytes_max = 0;
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let with_chloe = [4_u64, 16_383, 16_384, 16_385, 17_003];
    for part in 0..17 {
        let positions = 1_000 * part + 4..1_000 * part + 1_004;
        let meeting = |position| if with_chloe.contains(&position) { ["ben", "chloe"] } else { ["amina", "ben"] };
        append(&network, positions.map(|position| meets(position, &meeting(position))).collect()).await;
    }
    let of =
        |name| Filter { kinds: vec![Kind::Habit(HabitKind::Met)], people: vec![person(name)], ..Filter::default() };
    let mut selection = Selection {
        principal: owner(),
        filter: of("chloe"),
        after: Position::new(3),
        until: END,
        mode: Mode::Passing,
        direction: Direction::Forward,
        budget: Budget { entries: 2, bytes: 1 << 20 },
    };
    assert_eq!(pages(&network, selection.clone()), with_chloe);
    selection.direction = Direction::Backward;
    assert_eq!(pages(&network, selection.clone()), [17_003, 16_385, 16_384, 16_383, 4]);
    selection.until = Position::new(16_384);
    assert_eq!(pages(&network, selection.clone()), [16_384, 16_383, 4]);
    selection.filter = of("ben");
    selection.budget.entries = 5_000;
    assert_eq!(pages(&network, selection).len(), 16_384 - 3);
}

/// A log with meetings of these people that only riverside may see, among others that everybody may see.
async fn with_hidden(place: &Place, hidden: [&str; 2], note: &str) -> (kith_log::Log, Network) {
    let (log, network) = place.network().await;
    let mut events: Vec<_> = (1..).zip(PEOPLE).map(|(number, name)| joins(number, name)).collect();
    events.extend((50..).zip(ORGANISATIONS).map(|(number, name)| founds(number, name)));
    append(&network, events).await;
    for number in 100..140 {
        append(&network, vec![meets(2 * number, &["amina", PEOPLE[usize::try_from(1 + number % 5).unwrap()]])]).await;
        let details = [detail(kith_core::detail::DetailKind::Note, &hidden, note)];
        let kept = prepare(
            kith_core::event::Event { scope: Scope::Organisation, ..event(2 * number + 1, met(&hidden)) },
            &details,
        );
        network.append_each(recorder(0), vec![kept]).await.unwrap().remove(0).unwrap();
    }
    (log, network)
}

#[tokio::test]
async fn what_is_hidden_from_a_reader_does_not_move_where_its_reads_stop() {
    for tail_bytes_max in [1 << 20, 20_000, 0] {
        let [mut one, mut other] = [Place::new(), Place::new()];
        one.config.tail_bytes_max = tail_bytes_max;
        other.config.tail_bytes_max = tail_bytes_max;
        let (_log, one) = with_hidden(&one, ["ben", "chloe"], "a short note").await;
        let (_log, other) = with_hidden(&other, ["emil", "fatou"], "words of another length").await;
        let mut people: Vec<Vec<&str>> = PEOPLE.iter().map(|name| vec![*name]).collect();
        people.extend([vec!["ben", "chloe"], vec!["emil", "fatou"], vec!["amina", "ben"]]);
        for (people, people_match) in people
            .iter()
            .flat_map(|people| [PeopleMatch::Any, PeopleMatch::All].map(|people_match| (people, people_match)))
        {
            let filter = Filter {
                people: people.iter().copied().map(person).collect(),
                people_match,
                kinds: vec![Kind::Habit(HabitKind::Met)],
                ..Filter::default()
            };
            let asked = [(1, Mode::Passing), (3, Mode::Passing), (1, Mode::Matching), (3, Mode::Matching)];
            for (direction, (entries, mode)) in [Direction::Forward, Direction::Backward]
                .into_iter()
                .flat_map(|direction| asked.map(|asked| (direction, asked)))
            {
                let mut selection = Selection {
                    principal: recorder(1),
                    filter: filter.clone(),
                    after: Position::ZERO,
                    until: one.head(),
                    mode,
                    direction,
                    budget: Budget { entries, bytes: 1 << 20 },
                };
                loop {
                    let (seen, alike) = (one.select(&selection).unwrap(), other.select(&selection).unwrap());
                    let positions =
                        |selected: &Selected| selected.entries.iter().map(|(at, _)| *at).collect::<Vec<_>>();
                    assert_eq!(
                        (positions(&seen), seen.next, seen.end),
                        (positions(&alike), alike.next, alike.end),
                        "{selection:?}"
                    );
                    if seen.end {
                        break;
                    }
                    match direction {
                        Direction::Forward => selection.after = seen.next,
                        Direction::Backward => selection.until = seen.next.previous(),
                    }
                }
            }
        }
    }
}
