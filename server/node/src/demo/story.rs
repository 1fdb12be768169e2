//! Two years in the demonstration network: who met, followed up, asked, helped and introduced whom.
//!
//! The same day produces the same events with the same ids on every machine, and another day the same ones as many days
//! earlier or later: so what the documents show of it can be repeated at any time.

use super::{cast::Member, random::Random};
use kith_core::{
    event::{Answer, Answered, Asked, Fact, FollowedUp, Habit, Helped, Met, Referred},
    id::EventId,
    timestamp::{DAY_MS, Timestamp},
};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Length of the story.
const DAYS: i64 = 730;
/// Seed of the story.
const SEED: u64 = 0x6b69_7468;
/// What people ask for and help with.
const CATEGORIES: [&str; 6] = ["discharge", "medication", "equipment", "transport", "advice", "training"];
/// Texts of notes.
const NOTES: [&str; 6] = [
    "Spoke about discharge letters arriving on Fridays.",
    "Agreed to try a shared falls checklist.",
    "Wants to visit the ward before winter.",
    "Promised the new medication chart.",
    "Long talk about night cover.",
    "Happy to host the next tea round.",
];

/// Something that happened, not yet an event.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// The event's id.
    pub(super) id: EventId,
    /// When it happened.
    pub(super) at: Timestamp,
    /// Index in the cast of the member who records it.
    pub(super) recorder: usize,
    /// What happened.
    pub(super) fact: Fact,
    /// A note on it.
    pub(super) note: Option<&'static str>,
}

/// Two people who are in touch for a while.
struct Tie {
    people: (usize, usize),
    from_day: i64,
    until_day: i64,
    /// Chance in a thousand that they meet on a day.
    per_mille: u64,
}

/// The story up to the day before `end`, in chronological order.
pub(super) fn story(cast: &[Member], end: Timestamp) -> Vec<Scene> {
    let mut teller = Teller { cast, start: end.day().number().into(), random: Random::new(SEED), scenes: Vec::new() };
    teller.start -= DAYS;
    let mut ties = teller.ties();
    teller.tell_introductions(&mut ties);
    for tie in &ties {
        teller.tell_tie(tie);
    }
    let mut scenes = teller.scenes;
    scenes.retain(|scene| scene.at.day() < end.day());
    scenes.sort_by_key(|scene| (scene.at, scene.id));
    scenes
}

struct Teller<'a> {
    cast: &'a [Member],
    /// The day on which the story starts, in days since 1970-01-01.
    start: i64,
    random: Random,
    scenes: Vec<Scene>,
}

impl Teller<'_> {
    /// Who knows whom: many ties at home, few across, and one person alone between the hospital and the care home.
    fn ties(&mut self) -> Vec<Tie> {
        let mut ties = Vec::new();
        for first in 0..self.cast.len() {
            for second in first + 1..self.cast.len() {
                let homes = (self.cast[first].home, self.cast[second].home);
                let known = match homes {
                    (a, b) if a == b => self.random.chance(280),
                    (0, 1) => self.random.chance(60),
                    (1, 2) => self.random.chance(50),
                    _ => first == 1 && self.random.chance(400),
                };
                if known {
                    ties.push(self.tie((first, second)));
                }
            }
        }
        ties
    }

    fn tie(&mut self, people: (usize, usize)) -> Tie {
        let from_day = self.random.between(0, 400);
        // Every third tie cools down before the end.
        let until_day = if self.random.chance(330) { from_day + self.random.between(60, 250) } else { DAYS };
        Tie { people, from_day, until_day, per_mille: *self.random.pick(&[6, 10, 18, 30, 60]) }
    }

    fn tell_tie(&mut self, tie: &Tie) {
        let (first, second) = tie.people;
        for day in tie.from_day..=tie.until_day.min(DAYS) {
            if self.random.chance(tie.per_mille) {
                self.tell_meeting(first, second, day);
            }
            if self.random.chance(tie.per_mille / 4) {
                self.tell_request(first, second, day);
            }
        }
    }

    fn tell_meeting(&mut self, first: usize, second: usize, day: i64) {
        let mut people = vec![first, second];
        if self.random.chance(150) {
            let third = self.random.pick(&(0..self.cast.len()).collect::<Vec<_>>()).to_owned();
            if !people.contains(&third) {
                people.push(third);
            }
        }
        let note = self.random.chance(120).then(|| *self.random.pick(&NOTES));
        let met =
            Fact::Habit(Habit::Met(Met { people: people.iter().map(|who| self.cast[*who].id.clone()).collect() }));
        let meeting = self.add(first, day, met, note);
        if self.random.chance(620) {
            let later = day + self.random.between(1, 12);
            let (by, with) = if self.random.chance(500) { (first, second) } else { (second, first) };
            let followed = FollowedUp { by: self.id(by), with: vec![self.id(with)], about: Some(meeting) };
            self.add(by, later, Fact::Habit(Habit::FollowedUp(followed)), None);
        }
    }

    fn tell_request(&mut self, first: usize, second: usize, day: i64) {
        let (by, of) = if self.random.chance(600) { (first, second) } else { (second, first) };
        let category = self.random.pick(&CATEGORIES).parse().expect("the categories above are well formed");
        if self.random.chance(250) {
            let helped = Helped { helper: self.id(of), helped: self.id(by), category: Some(category), about: None };
            self.add(of, day, Fact::Habit(Habit::Helped(helped)), None);
            return;
        }
        let asked = Asked { by: self.id(by), of: vec![self.id(of)], category };
        let ask = self.add(by, day, Fact::Habit(Habit::Asked(asked.clone())), None);
        if self.random.chance(700) {
            let later = day + self.random.between(1, 9);
            let helped =
                Helped { helper: self.id(of), helped: self.id(by), category: Some(asked.category), about: Some(ask) };
            self.add(of, later, Fact::Habit(Habit::Helped(helped)), None);
        }
    }

    /// Introductions by people who know both: some accepted, some declined, some never answered, some become ties.
    fn tell_introductions(&mut self, ties: &mut Vec<Tie>) {
        let mut known: BTreeSet<(usize, usize)> = ties.iter().map(|tie| tie.people).collect();
        for day in (20..DAYS).step_by(6) {
            let near: Vec<_> = known.iter().copied().collect();
            let (referrer, person) = *self.random.pick(&near);
            let others =
                near.iter().filter(|(a, b)| (*a == referrer || *b == referrer) && *a != person && *b != person);
            let others: Vec<_> = others.map(|(a, b)| if *a == referrer { *b } else { *a }).collect();
            if others.is_empty() {
                continue;
            }
            let to = *self.random.pick(&others);
            let pair = (person.min(to), person.max(to));
            if known.contains(&pair) {
                continue;
            }
            if self.tell_introduction(referrer, person, to, day) == Ending::Tie {
                known.insert(pair);
                let until_day = DAYS.min(day + self.random.between(90, 500));
                ties.push(Tie { people: pair, from_day: day + 10, until_day, per_mille: 45 });
            }
        }
    }

    fn tell_introduction(&mut self, referrer: usize, person: usize, to: usize, day: i64) -> Ending {
        let fact = Fact::Habit(Habit::Referred(Referred {
            referrer: self.id(referrer),
            person: self.id(person),
            to: self.id(to),
        }));
        let referral = self.add(referrer, day, fact, None);
        let (answer, ending) = match self.random.below(10) {
            0..=2 => return Ending::Open,
            3 => (Answer::Declined, Ending::Open),
            4..=5 => (Answer::Accepted, Ending::Open),
            6 => (Answer::Met, Ending::Open),
            _ => (Answer::Accepted, Ending::Tie),
        };
        let later = day + self.random.between(1, 9);
        let answered = Answered { referral, by: self.id(to), answer };
        self.add(to, later, Fact::Habit(Habit::Answered(answered)), None);
        ending
    }

    fn id(&self, who: usize) -> kith_core::id::PersonId {
        self.cast[who].id.clone()
    }

    /// Adds a scene at some time of the working day. The later of two days is always after the earlier one.
    fn add(&mut self, recorder: usize, day: i64, fact: Fact, note: Option<&'static str>) -> EventId {
        let minute = self.random.between(8 * 60, 18 * 60);
        let at = Timestamp::from_millis((self.start + day) * DAY_MS + minute * 60_000);
        let id = event_id("scene", self.scenes.len());
        self.scenes.push(Scene { id, at, recorder, fact, note });
        id
    }
}

/// Whether an introduction leads to a lasting tie.
#[derive(PartialEq, Eq)]
enum Ending {
    Tie,
    Open,
}

/// The id of the nth event of a part of the story: a version 8 UUID.
pub(super) fn event_id(part: &str, ordinal: usize) -> EventId {
    let hash = Sha256::new()
        .chain_update("kith/demo/1/")
        .chain_update(part)
        .chain_update((ordinal as u64).to_be_bytes())
        .finalize();
    let bytes = hash[..16].try_into().expect("a hash has 32 bytes");
    EventId::from_bytes(uuid::Builder::from_custom_bytes(bytes).into_uuid().into_bytes())
        .expect("version 8 UUIDs are event ids")
}

#[cfg(test)]
mod tests {
    use super::{super::cast::members, *};
    use kith_core::{day::Day, event::HabitKind};
    use std::collections::{HashMap, HashSet};

    const END: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn the_story_is_the_same_at_every_hour_and_ends_the_day_before() {
        let day = END.day().number();
        let [once, twice] = [Day::new(day - 1).end().millis() + 1, Day::new(day).end().millis()]
            .map(|end| story(&members(), Timestamp::from_millis(end)));
        assert_eq!(format!("{once:?}"), format!("{twice:?}"));
        assert!((1_500..8_000).contains(&once.len()), "{}", once.len());
        let (first, last) = (once[0].at, once[once.len() - 1].at);
        assert_eq!(last.day().number(), day - 1);
        assert!((END.millis() - first.millis()) / DAY_MS > 650);
    }

    #[test]
    fn every_kind_happens_and_every_event_named_came_before() {
        let scenes = story(&members(), END);
        let mut seen = HashSet::new();
        let mut kinds: HashMap<HabitKind, usize> = HashMap::new();
        for scene in &scenes {
            let target = match &scene.fact {
                Fact::Habit(Habit::FollowedUp(followed)) => followed.about,
                Fact::Habit(Habit::Helped(helped)) => helped.about,
                Fact::Habit(Habit::Answered(answered)) => Some(answered.referral),
                _ => None,
            };
            assert!(target.is_none_or(|id| seen.contains(&id)), "{scene:?}");
            assert!(seen.insert(scene.id));
            if let Fact::Habit(habit) = &scene.fact {
                *kinds.entry(habit.kind()).or_default() += 1;
            }
        }
        assert_eq!(kinds.len(), 6, "{kinds:?}");
        assert!(kinds.values().all(|count| *count > 20), "{kinds:?}");
        assert!(kinds[&HabitKind::Answered] < kinds[&HabitKind::Referred], "some introductions stay unanswered");
    }
}
