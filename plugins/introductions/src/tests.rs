//! The rules as short stories, and the laws of folding.

use kith_plugin_sdk::batch::encode_extras;
use kith_plugin_sdk::testing::Harness;
use kith_plugin_sdk::{Extra, Extras, Person};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

const REFERRER: u32 = 9;
const FIRST_DAY: i32 = 20_000;

/// What happens to the people 1 and 2, with the number of days after the first.
#[derive(Clone, Copy, Debug)]
enum Step {
    Referred(i32),
    /// By whom, flags, and the position of the referral.
    Answered(i32, u32, u16, u64),
    Met(i32),
    FollowedUp(i32),
    Helped(i32),
}
use Step::{Answered, FollowedUp, Helped, Met, Referred};

const ACCEPTED: u16 = 1;
const DECLINED: u16 = 2;
const SAID_MET: u16 = 3;

fn harness() -> Harness<Introductions> {
    Harness::new("{}").expect("the settings are good")
}

fn key() -> Key {
    Key::pair(1, 2)
}

fn referral_extras(referral: u64) -> Vec<u8> {
    encode_extras(&[("@referral", Extra::Integer(referral.cast_signed()))])
}

/// Runs a check on the events of the steps: positions count from 1.
fn with_events<R>(steps: &[Step], check: impl FnOnce(&[Event<'_>]) -> R) -> R {
    let extras: Vec<Vec<u8>> = steps
        .iter()
        .map(|step| match step {
            Answered(_, _, _, referral) => referral_extras(*referral),
            Referred(_) | Met(_) | FollowedUp(_) | Helped(_) => Vec::new(),
        })
        .collect();
    let harness = harness();
    let events: Vec<Event<'_>> = (1..)
        .zip(steps.iter().zip(&extras))
        .map(|(position, (step, extras))| {
            let event = |kind, day| harness.event(kind, position, Day(FIRST_DAY + day));
            match *step {
                Referred(day) => Event { third: Person(REFERRER), ..event("referred", day) },
                Answered(day, by, flags, _) => {
                    let extras = Extras::parse(extras).unwrap();
                    Event { third: Person(by), flags, extras, ..event("answered", day) }
                }
                Met(day) => event("met", day),
                FollowedUp(day) => event("followed_up", day),
                Helped(day) => event("helped", day),
            }
        })
        .collect();
    check(&events)
}

/// (item, state, resolved day counted from the first), of each row as of a day after all steps.
fn outcome(steps: &[Step]) -> Vec<(u64, String, Option<i32>)> {
    let harness = harness();
    let state = with_events(steps, |events| harness.fold(key(), &[], events)).unwrap();
    let rows = harness.rows(key(), &state, Day(FIRST_DAY + 1000)).unwrap();
    rows.into_iter()
        .map(|row| {
            let [Value::Text(state), _, _, _, resolved] = &row.values[..] else { panic!("{row:?}") };
            let resolved = match resolved {
                Value::Day(day) => Some(day.0 - FIRST_DAY),
                _ => None,
            };
            (row.item.unwrap().0, state.to_string(), resolved)
        })
        .collect()
}

fn check(steps: &[Step], state: &str, resolved: Option<i32>) {
    let found = outcome(steps);
    assert_eq!(found.len(), 1, "{steps:?} gives one row");
    assert_eq!((found[0].1.as_str(), found[0].2), (state, resolved), "{steps:?}");
}

#[test]
fn answers_and_contacts_in_the_order_of_time() {
    check(&[Referred(0)], "unanswered", None);
    check(&[Referred(0), Answered(2, 1, ACCEPTED, 1)], "accepted", Some(2));
    check(&[Referred(0), Answered(2, 2, DECLINED, 1)], "declined", Some(2));
    check(&[Referred(0), Answered(2, 2, SAID_MET, 1)], "met", Some(2));
    check(&[Referred(0), Met(3)], "met", Some(3));
    check(&[Referred(0), FollowedUp(3)], "met", Some(3));
    check(&[Referred(0), Helped(0)], "met", Some(0));
    check(&[Met(0), Referred(0)], "unanswered", None);
}

#[test]
fn one_decline_outweighs_an_acceptance_until_they_meet() {
    let one_of_each = [Referred(0), Answered(1, 1, ACCEPTED, 1), Answered(2, 2, DECLINED, 1)];
    check(&one_of_each, "declined", Some(1));
    let other_order = [Referred(0), Answered(1, 2, DECLINED, 1), Answered(2, 1, ACCEPTED, 1)];
    check(&other_order, "declined", Some(1));
    check(&[&one_of_each[..], &[Met(5)]].concat(), "met", Some(1));
    check(&[Referred(0), Met(1), Answered(2, 1, ACCEPTED, 1)], "met", Some(1));
    check(&[Referred(0), Met(1), Answered(2, 1, DECLINED, 1)], "declined", Some(1));
}

#[test]
fn three_days_in_contact_within_the_window_make_a_tie() {
    check(&[Referred(0), Met(1), Met(1), Met(1), Helped(2)], "met", Some(1));
    check(&[Referred(0), Met(1), FollowedUp(2), Helped(180)], "became_tie", Some(1));
    check(&[Referred(0), Met(1), Met(2), Met(181), Met(182)], "met", Some(1));
    let tie = [Referred(0), Met(0), Met(1), Met(2), Answered(3, 1, DECLINED, 1), Met(4)];
    check(&tie, "became_tie", Some(0));
    check(&[Met(0), Referred(0), Met(1), Met(2)], "met", Some(1));
    check(&[Referred(0), Answered(0, 1, SAID_MET, 1), Met(1), Met(2)], "met", Some(0));
}

#[test]
fn only_the_two_answer_and_only_a_known_referral() {
    check(&[Referred(0), Answered(1, REFERRER, ACCEPTED, 1)], "unanswered", None);
    check(&[Referred(0), Answered(1, 0, ACCEPTED, 1)], "unanswered", None);
    check(&[Referred(0), Answered(1, 1, ACCEPTED, 77)], "unanswered", None);
    check(&[Referred(0), Answered(1, 1, 0, 1)], "unanswered", None);
    assert_eq!(outcome(&[Answered(1, 1, ACCEPTED, 77), Met(2)]), []);
}

#[test]
fn an_answer_without_a_referral_has_no_effect() {
    let harness = harness();
    let answered = Event { third: Person(1), flags: ACCEPTED, ..harness.event("answered", 5, Day(3)) };
    assert_eq!(harness.fold(key(), &[], &[answered]), Ok(Vec::new()));
}

#[test]
fn an_answer_stamped_before_its_referral_counts() {
    check(&[Answered(0, 1, ACCEPTED, 2), Referred(4)], "accepted", Some(4));
    check(&[Answered(0, 1, DECLINED, 3), Met(1), Referred(4)], "declined", Some(4));
    let both = [Answered(0, 1, DECLINED, 3), Answered(1, 2, ACCEPTED, 3), Referred(4)];
    check(&both, "declined", Some(4));
}

#[test]
fn each_referral_has_its_own_row() {
    let steps = [Referred(0), Met(1), Met(2), Referred(3), Answered(4, 2, ACCEPTED, 4), Met(5)];
    let expected = [(1, "became_tie".to_owned(), Some(1)), (4, "met".to_owned(), Some(4))];
    assert_eq!(outcome(&steps), expected);
    let answered = [Referred(0), Referred(1), Answered(2, 2, DECLINED, 1)];
    let expected = [(1, "declined".to_owned(), Some(2)), (2, "unanswered".to_owned(), None)];
    assert_eq!(outcome(&answered), expected);
}

#[test]
fn a_row_says_who_when_and_how_old() {
    let harness = harness();
    let state = with_events(&[Referred(0), Referred(7)], |e| harness.fold(key(), &[], e)).unwrap();
    let rows = harness.rows(key(), &state, Day(FIRST_DAY + 6)).unwrap();
    assert_eq!(rows.len(), 1, "the second referral is later");
    let expected = [
        Value::Text("unanswered".into()),
        Value::Integer(6),
        Value::Person(Person(REFERRER)),
        Value::Day(Day(FIRST_DAY)),
        Value::None,
    ];
    assert_eq!(rows[0].values, expected);
}

#[test]
fn people_never_introduced_keep_no_state() {
    let state = with_events(&[Met(0), Helped(1)], |events| harness().fold(key(), &[], events));
    assert_eq!(state, Ok(Vec::new()));
}

#[test]
fn the_newest_thousand_referrals_are_kept() {
    let steps: Vec<Step> = (0..1003).map(Referred).chain([Met(1200)]).collect();
    let harness = harness();
    let state = with_events(&steps, |events| harness.fold(key(), &[], events)).unwrap();
    let rows = harness.rows(key(), &state, Day(FIRST_DAY + 1200)).unwrap();
    let items: Vec<u64> = rows.iter().map(|row| row.item.unwrap().0).collect();
    assert_eq!(items, (4..=1003).collect::<Vec<_>>());
}

#[test]
fn settings_change_what_a_tie_is() {
    let harness = Harness::<Introductions>::new(r#"{"tie_days":1,"tie_window_days":5}"#).unwrap();
    let state = |day| {
        let fold = |events: &[Event<'_>]| harness.fold(key(), &[], events);
        let state = with_events(&[Referred(0), Met(day)], fold).unwrap();
        harness.rows(key(), &state, Day(FIRST_DAY + 9)).unwrap()[0].values[0].clone()
    };
    assert_eq!([state(5), state(6)], ["became_tie", "met"].map(|name| Value::Text(name.into())));
    for refused in [r#"{"tie_days":0}"#, r#"{"tie_window_days":3651}"#, r#"{"tie":1}"#] {
        assert!(Harness::<Introductions>::new(refused).is_err(), "{refused}");
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = 0..40_i32;
    let step = (gap, 0..6_u8, 1..4_u32, 1..4_u16, 1..30_u64);
    vec(step, 1..30).prop_map(|raw| {
        let mut day = 0;
        raw.into_iter()
            .map(|(gap, kind, by, answer, referral)| {
                day += gap;
                match kind {
                    0 => Referred(day),
                    1 | 2 => Answered(day, by, answer, referral),
                    3 => Met(day),
                    4 => FollowedUp(day),
                    _ => Helped(day),
                }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn pieces_give_the_same_bytes(steps in steps(), cuts in btree_set(0..30_usize, 0..5)) {
        let harness = harness();
        with_events(&steps, |events| {
            let whole = harness.fold(key(), &[], events).unwrap();
            prop_assert_eq!(harness.fold_in_pieces(key(), events, &cuts).unwrap(), whole.clone());
            let each = (0..events.len()).collect();
            prop_assert_eq!(harness.fold_in_pieces(key(), events, &each).unwrap(), whole);
            Ok(())
        })?;
    }

    #[test]
    fn a_referral_has_one_row_and_days_in_order(steps in steps()) {
        let referred = steps.iter().filter(|step| matches!(step, Referred(_))).count();
        let rows = outcome(&steps);
        prop_assert_eq!(rows.len(), referred);
        for (_, state, resolved) in rows {
            prop_assert_eq!(state == "unanswered", resolved.is_none());
        }
    }

    #[test]
    fn no_bytes_panic(steps in steps(), at in any::<prop::sample::Index>(), byte: u8) {
        let harness = harness();
        let mut state = with_events(&steps, |events| harness.fold(key(), &[], events)).unwrap();
        if !state.is_empty() {
            let at = at.index(state.len());
            state[at] = byte;
            let _ = harness.rows(key(), &state, Day(FIRST_DAY));
        }
    }
}
