//! Two years in the demonstration network: who met, followed up, asked, helped and introduced whom, what turned out to
//! be wrong, and what organisations keep to themselves. One person alone ties the hospital to the care home.
//!
//! The same day produces the same events with the same ids on every machine, and another day the same ones as many days
//! earlier or later: so what the documents show of it can be repeated at any time.

use super::{cast::Member, random::Random};
use kith_core::{
    event::{
        Answer, Answered, Asked, Fact, FollowedUp, Habit, Helped, Met, Referred, Retracted, RetractionReason, Scope,
    },
    id::EventId,
    timestamp::{DAY_MS, Timestamp},
};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Length of the story.
const DAYS: i64 = 730;
/// Seed of the story.
const SEED: u64 = 0x6b69_7468;
/// The homes between which one person alone has ties.
const APART: [usize; 2] = [0, 2];
/// The place of that person in the cast.
const BETWEEN: usize = 1;
/// Days on which a meeting is recorded that is withdrawn soon after, and why.
const MISTAKES: [(i64, RetractionReason); 3] =
    [(540, RetractionReason::Duplicate), (655, RetractionReason::Mistake), (712, RetractionReason::Consent)];
/// Days between two meetings that an organisation keeps to itself.
const OWN_MEETINGS_EVERY: usize = 90;
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

/// Notes on what an organisation keeps to itself, in the order of the organisations.
const OWN_NOTES: [&str; 3] = [
    "How many beds we can promise, before we tell anybody.",
    "Who covers when two of us are away.",
    "What the last inspection asked of us.",
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
    /// Who may see it.
    pub(super) scope: Scope,
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
    teller.tell_mistakes(&ties);
    teller.tell_own_meetings();
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
    /// Whether a tie between two people would tie the two homes that only one person does.
    fn is_apart(&self, first: usize, second: usize) -> bool {
        let homes = [self.cast[first].home, self.cast[second].home];
        homes[0] != homes[1] && homes.iter().all(|home| APART.contains(home)) && ![first, second].contains(&BETWEEN)
    }

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
                    _ => first == BETWEEN && self.random.chance(400),
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
            // Somebody else of their own organisations.
            let homes = [first, second].map(|who| self.cast[who].home);
            let near = (0..self.cast.len()).filter(|who| homes.contains(&self.cast[*who].home));
            let third = *self.random.pick(&near.collect::<Vec<_>>());
            if !people.contains(&third) && people.iter().all(|who| !self.is_apart(*who, third)) {
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
            if known.contains(&pair) || self.is_apart(person, to) {
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

    /// Meetings that should not have been recorded: whoever recorded them withdraws them after a few days.
    fn tell_mistakes(&mut self, ties: &[Tie]) {
        for (day, reason) in MISTAKES {
            let (first, second) = self.random.pick(ties).people;
            let met = Fact::Habit(Habit::Met(Met { people: vec![self.id(first), self.id(second)] }));
            if reason == RetractionReason::Duplicate {
                self.add(first, day, met.clone(), None);
            }
            let meeting = self.add(first, day, met, None);
            let later = day + self.random.between(1, 6);
            self.add(first, later, Fact::Retracted(Retracted { event: meeting, reason }), None);
        }
    }

    /// Meetings of colleagues that only their organisation may see.
    fn tell_own_meetings(&mut self) {
        for (home, note) in OWN_NOTES.iter().enumerate() {
            let staff: Vec<usize> = (0..self.cast.len()).filter(|who| self.cast[*who].home == home).collect();
            for day in (60..DAYS).step_by(OWN_MEETINGS_EVERY) {
                let place = usize::try_from(self.random.below(staff.len() as u64 - 1)).expect("there are few people");
                let (first, second) = (staff[place], staff[place + 1]);
                let met = Met { people: vec![self.id(first), self.id(second)] };
                self.add(first, day, Fact::Habit(Habit::Met(met)), Some(note));
                self.scenes.last_mut().expect("it was just added").scope = Scope::Organisation;
            }
        }
    }

    fn id(&self, who: usize) -> kith_core::id::PersonId {
        self.cast[who].id.clone()
    }

    /// Adds a scene at some time of the working day. The later of two days is always after the earlier one.
    fn add(&mut self, recorder: usize, day: i64, fact: Fact, note: Option<&'static str>) -> EventId {
        let minute = self.random.between(8 * 60, 18 * 60);
        let at = Timestamp::from_millis((self.start + day) * DAY_MS + minute * 60_000);
        let id = event_id("scene", self.scenes.len());
        self.scenes.push(Scene { id, at, recorder, fact, scope: Scope::Network, note });
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
    use kith_core::{
        day::Day,
        event::{Event, HabitKind},
        id::PersonId,
    };
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
                Fact::Retracted(retracted) => Some(retracted.event),
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
        let retracted = scenes.iter().filter(|scene| matches!(scene.fact, Fact::Retracted(_))).count();
        assert_eq!(retracted, 3, "each of them lies before the end");
    }

    /// Everybody in a scene, with their homes.
    fn people(scene: &Scene, cast: &[Member]) -> Vec<(usize, usize)> {
        let event = Event {
            id: scene.id,
            occurred_at: scene.at,
            scope: scene.scope,
            caused_by: Vec::new(),
            attributes: Vec::new(),
            salt: [0; 16],
            details: Vec::new(),
            fact: scene.fact.clone(),
        };
        let place =
            |id: &PersonId| cast.iter().position(|member| member.id == *id).expect("it is somebody of the cast");
        event.people().into_iter().map(place).map(|who| (who, cast[who].home)).collect()
    }

    #[test]
    fn one_person_alone_ties_the_hospital_to_the_care_home() {
        let cast = members();
        let mut across = HashSet::new();
        for scene in story(&cast, END) {
            let people = people(&scene, &cast);
            for (one, home) in &people {
                let is_apart = |other: &usize| other != home && [home, other].iter().all(|home| APART.contains(home));
                let others = people.iter().filter(|(_, other)| is_apart(other));
                across.extend(others.map(|(other, _)| (*one.min(other), *one.max(other))));
            }
        }
        assert!(across.len() >= 3 && across.iter().all(|(one, other)| [one, other].contains(&&BETWEEN)), "{across:?}");
        assert_eq!(cast[BETWEEN].name, "Bram Thistledown");
    }

    #[test]
    fn every_organisation_keeps_something_to_itself_about_its_own_people() {
        let cast = members();
        let own: Vec<_> = story(&cast, END).into_iter().filter(|scene| scene.scope == Scope::Organisation).collect();
        let homes: HashSet<_> = own.iter().map(|scene| cast[scene.recorder].home).collect();
        assert_eq!(homes.len(), 3);
        for scene in own {
            let people = people(&scene, &cast);
            assert!(people.iter().all(|(_, home)| *home == cast[scene.recorder].home), "{scene:?}");
        }
    }
}
