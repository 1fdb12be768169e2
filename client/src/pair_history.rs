//! The history of two people: what happened between them, what became of it, and what of that was known when.
//!
//! It follows from entries alone and in the same way wherever they come from: a server, a replica or a bundle. Entries
//! are taken twice, in order: first those of the directory, which say who is the same person, then those of the two.
//! Invariant: an entry after the position or time as of which the history is asked for has no effect.

use crate::entries::Recorded;
use kith_core::{
    detail::Detail,
    directory::Directory,
    entry::Entry,
    event::{Answer, Answered, DirectoryFact, Event, Fact, Habit, RetractionReason},
    id::{EventId, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use std::collections::{HashMap, HashSet};

/// Up to when entries count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// All of them.
    Now,
    /// Those up to this position.
    Position(Position),
    /// Those recorded up to this time.
    Time(Timestamp),
}

/// The history of two people, being gathered.
#[derive(Debug)]
pub struct PairHistory {
    people: [PersonId; 2],
    as_of: AsOf,
    directory: Directory,
    known: HashSet<PersonId>,
    retractions: HashMap<EventId, Standing>,
    referrals: HashSet<EventId>,
    told: Vec<Told>,
}

/// Something that happened between the two.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its entry.
    pub entry: Entry,
    /// Its event.
    pub event: Event,
    /// Its words, in the order of its details.
    pub words: Vec<ToldWords>,
    /// Whether it stands.
    pub standing: Standing,
    /// Of an introduction: what became of it.
    pub outcome: Option<ReferralOutcome>,
    /// Whether it belongs under the one before that does not: an answer under its introduction, and what was recorded
    /// because of an event that was withdrawn under that event.
    pub is_under: bool,
}

/// The words of a detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToldWords {
    /// They are known.
    Known(Detail),
    /// They were not disclosed, or cannot be read here.
    Withheld,
    /// They are no more, by the entry at this position.
    Erased(Position),
}

/// Whether an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody withdrew it.
    Stands,
    /// It was withdrawn.
    Retracted {
        /// Position of the first entry that withdrew it.
        at: Position,
        /// When that was recorded.
        recorded_at: Timestamp,
        /// Why.
        reason: RetractionReason,
    },
}

/// What became of an introduction, by the answers of the two who were introduced that stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferralOutcome {
    /// The answer that counts; `None` if there is none.
    pub answer: Option<Answer>,
    /// Position of that answer.
    pub at: Option<Position>,
}

impl AsOf {
    /// Whether an entry counts.
    pub fn includes(self, entry: &Entry) -> bool {
        match self {
            Self::Now => true,
            Self::Position(position) => entry.position <= position,
            Self::Time(time) => entry.recorded_at <= time,
        }
    }
}

impl PairHistory {
    /// The history of two people, by any of their ids.
    pub fn new(people: [PersonId; 2], as_of: AsOf) -> Self {
        Self {
            people,
            as_of,
            directory: Directory::default(),
            known: HashSet::new(),
            retractions: HashMap::new(),
            referrals: HashSet::new(),
            told: Vec::new(),
        }
    }

    /// Takes an entry the first time, in order of position. Only those of the directory, and what withdraws them, count.
    pub fn learn(&mut self, recorded: &Recorded) {
        if !self.as_of.includes(&recorded.entry) {
            return;
        }
        let (event, position) = (&recorded.event, recorded.entry.position);
        match &event.fact {
            Fact::Directory(DirectoryFact::PeopleMerged(merge)) => {
                // Nobody is merged into themselves; entries of a log of somebody else might say so.
                if self.directory.root(&merge.kept) != self.directory.root(&merge.merged) {
                    self.directory.apply(event, position);
                }
                self.known.extend([merge.kept.clone(), merge.merged.clone()]);
            }
            Fact::Directory(DirectoryFact::PersonAdded(added)) => drop(self.known.insert(added.person.clone())),
            Fact::Retracted(_) => self.directory.apply(event, position),
            Fact::Directory(DirectoryFact::OrganisationAdded(_) | DirectoryFact::PersonChanged(_))
            | Fact::Habit(_)
            | Fact::Custom(_)
            | Fact::Administration(_)
            | Fact::Newer(_) => {}
        }
    }

    /// Every id that means one of the two, as far as the entries taken the first time say.
    pub fn ids(&self) -> Vec<PersonId> {
        let known = self.known.iter().filter(|id| self.people.iter().any(|person| self.is(id, person)));
        let mut ids: Vec<PersonId> = known.chain(&self.people).cloned().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Whether the two are one person.
    pub fn are_one(&self) -> bool {
        self.is(&self.people[0], &self.people[1])
    }

    /// Takes an entry the second time, in order of position. Those that do not concern the two have no effect.
    pub fn add(&mut self, recorded: &Recorded) {
        if !self.as_of.includes(&recorded.entry) {
            return;
        }
        let Recorded { entry, event, .. } = recorded;
        match &event.fact {
            Fact::Retracted(retracted) => {
                let standing = Standing::Retracted {
                    at: entry.position,
                    recorded_at: entry.recorded_at,
                    reason: retracted.reason,
                };
                self.retractions.entry(retracted.event).or_insert(standing);
            }
            Fact::Habit(_) | Fact::Custom(_) if self.concerns(event) => {
                if matches!(event.fact, Fact::Habit(Habit::Referred(_))) {
                    self.referrals.insert(event.id);
                }
                self.told.push(Told {
                    words: words(recorded),
                    entry: entry.clone(),
                    event: event.clone(),
                    standing: Standing::Stands,
                    outcome: None,
                    is_under: false,
                });
            }
            Fact::Habit(_) | Fact::Custom(_) | Fact::Directory(_) | Fact::Administration(_) | Fact::Newer(_) => {}
        }
    }

    /// What happened, in order of position, but with answers and corrections behind what they are about.
    pub fn finish(mut self) -> Vec<Told> {
        for told in &mut self.told {
            told.standing = self.retractions.get(&told.event.id).copied().unwrap_or(Standing::Stands);
        }
        let answers = self.answers();
        let outcomes: Vec<_> = self.told.iter().map(|told| self.outcome(told, &answers)).collect();
        let places: HashMap<EventId, usize> =
            self.told.iter().enumerate().map(|(place, told)| (told.event.id, place)).collect();
        let above: Vec<usize> = (0..self.told.len()).map(|place| self.above(place, &places)).collect();
        let mut ordered: Vec<(usize, usize, Told)> = Vec::with_capacity(self.told.len());
        for ((place, mut told), outcome) in self.told.into_iter().enumerate().zip(outcomes) {
            told.outcome = outcome;
            // What is above lies before, so it is known already what it stands under itself.
            let top = if above[place] == place { place } else { ordered[above[place]].0 };
            told.is_under = top != place;
            ordered.push((top, place, told));
        }
        ordered.sort_by_key(|(top, place, _)| (*top, *place));
        ordered.into_iter().map(|(_, _, told)| told).collect()
    }

    fn is(&self, id: &PersonId, person: &PersonId) -> bool {
        self.directory.root(id) == self.directory.root(person)
    }

    /// Whether both take part, or it answers an introduction in which both do.
    fn concerns(&self, event: &Event) -> bool {
        if let Fact::Habit(Habit::Answered(answered)) = &event.fact {
            return self.referrals.contains(&answered.referral);
        }
        let people = event.people();
        self.people.iter().all(|person| people.iter().any(|id| self.is(id, person)))
    }

    /// The place of what an event stands under; its own place if there is nothing.
    fn above(&self, place: usize, places: &HashMap<EventId, usize>) -> usize {
        let told = &self.told[place];
        let earlier = |id: &EventId| places.get(id).copied().filter(|above| *above < place);
        if let Fact::Habit(Habit::Answered(answered)) = &told.event.fact {
            return earlier(&answered.referral).unwrap_or(place);
        }
        let withdrawn = told
            .event
            .caused_by
            .iter()
            .filter_map(earlier)
            .find(|above| matches!(self.told[*above].standing, Standing::Retracted { .. }));
        withdrawn.unwrap_or(place)
    }

    /// The answers that stand, by introduction, in the order in which they were given.
    fn answers(&self) -> HashMap<EventId, Vec<(Position, &Answered)>> {
        let mut standing: Vec<&Told> = self.told.iter().filter(|told| told.standing == Standing::Stands).collect();
        standing.sort_by_key(|told| (told.event.occurred_at, told.entry.position));
        let mut answers = HashMap::<_, Vec<_>>::new();
        for told in standing {
            if let Fact::Habit(Habit::Answered(answered)) = &told.event.fact {
                answers.entry(answered.referral).or_default().push((told.entry.position, answered));
            }
        }
        answers
    }

    /// What became of an introduction. That somebody accepts does not undo that the other declined, or that they have
    /// met.
    fn outcome(
        &self,
        referral: &Told,
        answers: &HashMap<EventId, Vec<(Position, &Answered)>>,
    ) -> Option<ReferralOutcome> {
        let Fact::Habit(Habit::Referred(referred)) = &referral.event.fact else { return None };
        let introduced = [&referred.person, &referred.to];
        let mut outcome = ReferralOutcome { answer: None, at: None };
        for (position, answered) in answers.get(&referral.event.id).into_iter().flatten() {
            let counts = introduced.iter().any(|person| self.is(&answered.by, person));
            let undoes =
                answered.answer == Answer::Accepted && matches!(outcome.answer, Some(Answer::Declined | Answer::Met));
            if counts && !undoes && outcome.answer != Some(answered.answer) {
                outcome = ReferralOutcome { answer: Some(answered.answer), at: Some(*position) };
            }
        }
        Some(outcome)
    }
}

/// The words of an entry, one for each of its commitments.
fn words(recorded: &Recorded) -> Vec<ToldWords> {
    let opened: Vec<_> = recorded.details.iter().map(|detail| (detail.commitment(), detail)).collect();
    let of = |(index, commitment): (usize, &[u8; 32])| {
        if let Some((_, detail)) = opened.iter().find(|(own, _)| own == commitment) {
            return ToldWords::Known((*detail).clone());
        }
        let erased = recorded.erased.iter().find(|(erased, _)| *erased == index);
        erased.map_or(ToldWords::Withheld, |(_, by)| ToldWords::Erased(*by))
    };
    recorded.event.details.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{builder::EventBuilder, random_event_id};
    use kith_core::{
        detail::DetailKind,
        event::{Met, PeopleMerged, PersonAdded, Referred, Retracted},
    };
    use proptest::prelude::*;

    fn person(id: &str) -> PersonId {
        id.parse().unwrap()
    }

    /// A log of events, recorded a second apart; each happened at the time given.
    #[derive(Default)]
    struct Log(Vec<Recorded>);

    impl Log {
        fn record(&mut self, fact: impl Into<Fact>, happened: i64, caused_by: &[EventId], note: &str) -> EventId {
            let builder = EventBuilder::new(fact, Timestamp::from_millis(happened));
            let mut builder = caused_by.iter().fold(builder, |builder, cause| builder.caused_by(*cause));
            if !note.is_empty() {
                builder = builder.detail(DetailKind::Note, vec![person("amina")], note);
            }
            let event = builder.build().unwrap();
            let position = self.0.len() as u64 + 1;
            let entry = Entry {
                position: Position::new(position),
                recorded_at: Timestamp::from_millis(1_000_000 + 1_000 * i64::try_from(position).unwrap()),
                recorded_by: "token:a".parse().unwrap(),
                organisation: None,
                event_bytes: event.to_proto().event,
                signature: None,
            };
            let recorded = Recorded::decode(&entry.encode()).unwrap();
            self.0.push(Recorded { details: event.details().to_vec(), ..recorded });
            event.id()
        }

        fn met(&mut self, people: &[&str]) -> EventId {
            self.record(Met { people: people.iter().map(|id| person(id)).collect() }, 10, &[], "")
        }

        fn added(&mut self, id: &str) {
            let fact = PersonAdded { person: person(id), organisation: None, role: String::new() };
            self.record(Fact::Directory(DirectoryFact::PersonAdded(fact)), 0, &[], "");
        }

        fn merged(&mut self, kept: &str, merged: &str) -> EventId {
            let fact = PeopleMerged { kept: person(kept), merged: person(merged) };
            self.record(Fact::Directory(DirectoryFact::PeopleMerged(fact)), 0, &[], "")
        }

        fn referred(&mut self) -> EventId {
            let fact = Referred { referrer: person("carol"), person: person("amina"), to: person("ben") };
            self.record(Fact::Habit(Habit::Referred(fact)), 10, &[], "")
        }

        fn answered(&mut self, referral: EventId, by: &str, answer: Answer, happened: i64) -> EventId {
            self.record(Fact::Habit(Habit::Answered(Answered { referral, by: person(by), answer })), happened, &[], "")
        }

        fn retracted(&mut self, event: EventId) {
            self.record(Fact::Retracted(Retracted { event, reason: RetractionReason::Mistake }), 0, &[], "");
        }

        fn gathered(&self, people: [&str; 2], as_of: AsOf) -> PairHistory {
            let mut history = PairHistory::new(people.map(person), as_of);
            self.0.iter().for_each(|recorded| history.learn(recorded));
            self.0.iter().for_each(|recorded| history.add(recorded));
            history
        }

        /// Positions in the order they are told.
        fn told(&self, as_of: AsOf) -> Vec<u64> {
            let told = self.gathered(["amina", "ben"], as_of).finish();
            told.iter().map(|told| told.entry.position.get()).collect()
        }

        /// What became of the first introduction, and the position of the answer that says so.
        fn outcome(&self) -> (Option<Answer>, Option<u64>) {
            let told = self.gathered(["amina", "ben"], AsOf::Now).finish();
            let outcome = told.iter().find_map(|told| told.outcome).unwrap();
            (outcome.answer, outcome.at.map(Position::get))
        }
    }

    #[test]
    fn the_two_are_meant_under_every_id_and_only_since_it_was_known() {
        let mut log = Log::default();
        for id in ["amina", "ben", "p-7"] {
            log.added(id);
        }
        log.met(&["amina", "ben"]);
        log.met(&["p-7", "ben", "carol"]);
        log.met(&["amina", "p-7"]);
        let merge = log.merged("amina", "p-7");
        assert_eq!(log.told(AsOf::Now), [4, 5]);
        assert_eq!(log.told(AsOf::Position(Position::new(6))), [4]);
        assert_eq!(log.told(AsOf::Time(log.0[5].entry.recorded_at)), [4]);
        assert_eq!(log.told(AsOf::Time(log.0[6].entry.recorded_at)), [4, 5]);
        let ids = log.gathered(["p-7", "ben"], AsOf::Now).ids();
        assert_eq!(ids, ["amina", "ben", "p-7"].map(person));
        assert!(log.gathered(["amina", "p-7"], AsOf::Now).are_one());
        log.retracted(merge);
        assert_eq!(log.told(AsOf::Now), [4]);
        assert!(!log.gathered(["amina", "p-7"], AsOf::Now).are_one());
    }

    #[test]
    fn answers_and_corrections_stand_under_what_they_are_about() {
        let mut log = Log::default();
        let referral = log.referred();
        let wrong = log.met(&["amina", "ben"]);
        log.answered(referral, "ben", Answer::Accepted, 20);
        log.retracted(wrong);
        let people = ["amina", "ben"].map(person).to_vec();
        log.record(Met { people: people.clone() }, 10, &[wrong], "");
        log.record(Met { people }, 10, &[referral], "");
        let told = log.gathered(["amina", "ben"], AsOf::Now).finish();
        let order: Vec<_> = told.iter().map(|told| (told.entry.position.get(), told.is_under)).collect();
        assert_eq!(order, [(1, false), (3, true), (2, false), (5, true), (6, false)]);
        let Standing::Retracted { at, reason, .. } = told[2].standing else { panic!("{:?}", told[2]) };
        assert_eq!((at.get(), reason), (4, RetractionReason::Mistake));
        assert_eq!(log.told(AsOf::Position(Position::new(3))), [1, 3, 2]);
    }

    #[test]
    fn answers_of_the_two_who_were_introduced_count() {
        let mut log = Log::default();
        let referral = log.referred();
        assert_eq!(log.outcome(), (None, None));
        log.answered(referral, "carol", Answer::Declined, 20);
        assert_eq!(log.outcome(), (None, None), "she introduced them");
        log.answered(referral, "ben", Answer::Accepted, 30);
        assert_eq!(log.outcome(), (Some(Answer::Accepted), Some(3)));
        let declined = log.answered(referral, "amina", Answer::Declined, 25);
        assert_eq!(log.outcome(), (Some(Answer::Declined), Some(4)), "accepting undoes nothing");
        log.answered(referral, "ben", Answer::Met, 40);
        assert_eq!(log.outcome(), (Some(Answer::Met), Some(5)));
        log.retracted(declined);
        log.answered(referral, "amina", Answer::Met, 50);
        assert_eq!(log.outcome(), (Some(Answer::Met), Some(5)), "it was met before");
    }

    #[test]
    fn words_are_known_withheld_or_erased() {
        let mut log = Log::default();
        log.record(Met { people: ["amina", "ben"].map(person).to_vec() }, 10, &[], "spoke");
        let words = |log: &Log| log.gathered(["amina", "ben"], AsOf::Now).finish().remove(0).words;
        assert!(matches!(words(&log).as_slice(), [ToldWords::Known(detail)] if detail.text == "spoke"));
        log.0[0].details.clear();
        assert_eq!(words(&log), [ToldWords::Withheld]);
        log.0[0].erased.push((0, Position::new(9)));
        assert_eq!(words(&log), [ToldWords::Erased(Position::new(9))]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn entries_of_a_stranger_do_not_hold_it_up(merges in prop::collection::vec((0..4_usize, 0..4_usize), 0..12)) {
            let ids = ["amina", "ben", "carol", "dan"];
            let mut log = Log::default();
            log.answered(random_event_id(), "ben", Answer::Met, 10);
            log.met(&["amina", "ben"]);
            for (kept, merged) in merges.into_iter().filter(|(kept, merged)| kept != merged) {
                log.merged(ids[kept], ids[merged]);
            }
            let history = log.gathered(["amina", "ben"], AsOf::Now);
            prop_assert!(history.ids().len() >= 2);
            prop_assert_eq!(history.finish().len(), 1);
        }
    }
}
