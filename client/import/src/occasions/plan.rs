//! What has to be recorded and withdrawn so that a log says of occasions what a file does.

use super::{
    identity::{OccasionKey, retraction_id},
    known::{KnownOccasions, MINUTES, Said},
    occasion::{Content, Occasion, State},
};
use crate::{addresses::Addresses, refusal::Refusal, spot::Spot};
use kith_client::{Error, EventBuilder, NewEvent};
use kith_core::{
    event::{AttributeValue, Fact, FollowedUp, Habit, Met, Retracted, RetractionReason, Scope},
    id::{EventId, PersonId},
    invalid::Invalid,
    position::Position,
    timestamp::Timestamp,
};
use kith_json::derived::{FileDigest, detail_salt, event_salt};
use std::collections::HashSet;

/// An event to record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where its occasion stands.
    pub spot: Spot,
    /// The event, or why there is none.
    pub event: Result<NewEvent, Refusal>,
    /// The event that it takes the place of: it must be withdrawn first.
    pub replaces: Option<EventId>,
}

/// An event to withdraw.
#[derive(Debug, Clone, PartialEq)]
pub struct Withdrawal {
    /// Where its occasion stands.
    pub spot: Spot,
    /// The event that is withdrawn.
    pub target: EventId,
    /// The event that withdraws it, or why there is none.
    pub event: Result<NewEvent, Refusal>,
}

/// An entry that the file contradicts, and that the import leaves alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Where its occasion stands.
    pub spot: Spot,
    /// Its position; `None` while it is in an outbox.
    pub position: Option<Position>,
    /// Why it is left alone, in words.
    pub why: &'static str,
}

/// What an import records and withdraws.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Events to record.
    pub records: Vec<Record>,
    /// Events to withdraw, before anything is recorded.
    pub withdrawals: Vec<Withdrawal>,
    /// What the import leaves alone.
    pub open: Vec<Open>,
    /// Occasions of which the log says the same.
    pub known: u64,
    /// Occasions that the file has again.
    pub repeated: u64,
}

impl Plan {
    /// Whether there is nothing to record or to withdraw.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.withdrawals.is_empty()
    }

    /// Why occasions cannot be recorded or withdrawn.
    pub fn refusals(&self) -> impl Iterator<Item = Refusal> {
        let records = self.records.iter().map(|record| &record.event);
        let all = records.chain(self.withdrawals.iter().map(|withdrawal| &withdrawal.event));
        all.filter_map(|event| event.as_ref().err().cloned())
    }

    /// Occasions that are recorded for the first time.
    pub fn new_count(&self) -> usize {
        self.records.iter().filter(|record| record.replaces.is_none()).count()
    }
}

/// Compares the occasions of a file with what a log says about them.
pub fn plan(
    occasions: Vec<Occasion>,
    known: &KnownOccasions,
    addresses: &Addresses<'_>,
    file: &FileDigest,
    now: Timestamp,
) -> Plan {
    let mut planner = Planner { known, addresses, file, now, seen: HashSet::new(), plan: Plan::default() };
    for occasion in occasions {
        planner.take(occasion);
    }
    planner.plan
}

struct Planner<'p> {
    known: &'p KnownOccasions,
    addresses: &'p Addresses<'p>,
    file: &'p FileDigest,
    now: Timestamp,
    /// Ids that occasions of the file have taken.
    seen: HashSet<EventId>,
    plan: Plan,
}

impl Planner<'_> {
    fn take(&mut self, occasion: Occasion) {
        let Occasion { spot, keys, state } = occasion;
        let known = self.known;
        let was_recorded = |key: &&OccasionKey| known.said(&key.id(0)).is_some();
        let Some(key) = keys.iter().find(was_recorded).or(keys.first()) else { return };
        if !self.seen.insert(key.id(0)) {
            self.plan.repeated += 1;
            return;
        }
        let revisions = (0..).map(|revision| key.id(revision));
        let recorded = revisions.map_while(|id| Some((id, known.said(&id)?)));
        let (last, next) = recorded.zip(1..).last().map_or((None, 0), |(last, next)| (Some(last), next));
        let next = key.id(next);
        match (last, state) {
            (None, State::DidNot) => {}
            (None, State::Happened(content)) => self.record(spot, next, content, None),
            (Some((id, said)), state) => self.compare(spot, (id, said), next, state),
        }
    }

    /// Decides about an occasion of which the log says something already.
    fn compare(&mut self, spot: Spot, (id, said): (EventId, &Said), next: EventId, state: State) {
        let retraction = self.known.retraction(&id);
        let is_ours = retraction == Some(&retraction_id(&id));
        match (retraction, state) {
            (Some(_), State::DidNot) => {}
            (Some(_), State::Happened(content)) if is_ours => self.record(spot, next, content, None),
            (Some(_), State::Happened(_)) => self.leave(spot, said, "somebody withdrew it"),
            (None, State::DidNot) if said.is_own => self.withdraw(spot, id, said.scope),
            (None, State::DidNot) => {
                self.leave(spot, said, "somebody else recorded it, and here it did not take place");
            }
            (None, State::Happened(content)) => {
                let content = self.with_those_out_of_reach(content, &said.habit);
                if self.says_the_same(said, &content) {
                    self.plan.known += 1;
                } else if said.is_own {
                    self.withdraw(spot, id, said.scope);
                    self.record(spot, next, content, Some(id));
                } else {
                    self.leave(spot, said, "somebody else recorded it, and here it is different");
                }
            }
        }
    }

    fn leave(&mut self, spot: Spot, said: &Said, why: &'static str) {
        self.plan.open.push(Open { spot, position: said.position, why });
    }

    fn withdraw(&mut self, spot: Spot, target: EventId, scope: Scope) {
        let fact = Retracted { event: target, reason: RetractionReason::Mistake };
        let event = EventBuilder::new(fact, self.now).id(retraction_id(&target)).scope(scope).build();
        let event = event.map_err(|invalid| refusal(spot, invalid));
        self.plan.withdrawals.push(Withdrawal { spot, target, event });
    }

    fn record(&mut self, spot: Spot, id: EventId, content: Content, replaces: Option<EventId>) {
        let event = self.build(id, content).map_err(|invalid| refusal(spot, invalid));
        self.plan.records.push(Record { spot, event, replaces });
    }

    fn build(&self, id: EventId, content: Content) -> Result<NewEvent, Invalid> {
        let Content { habit, occurred_at, minutes, scope, words } = content;
        let people: Vec<PersonId> = people(&habit).cloned().collect();
        let fact = Fact::Habit(habit);
        let mut builder = EventBuilder::new(fact, occurred_at).id(id).salt(event_salt(self.file, &id)).scope(scope);
        if let Some(minutes) = minutes {
            builder = builder.attribute(MINUTES, AttributeValue::Integer(minutes));
        }
        for (index, (kind, text)) in words.into_iter().enumerate() {
            builder = builder.salted_detail(kind, people.clone(), text, detail_salt(self.file, &id, index));
        }
        builder.build()
    }

    /// Keeps those whom the log names and a file could not, because nothing tells their address any more.
    fn with_those_out_of_reach(&self, mut content: Content, said: &Habit) -> Content {
        let kept: Vec<PersonId> = people(said)
            .filter(|person| !self.addresses.is_reachable(person))
            .filter_map(|person| self.addresses.meant(person).cloned())
            .filter(|person| !people(&content.habit).any(|other| other == person))
            .collect();
        match &mut content.habit {
            Habit::Met(Met { people }) | Habit::FollowedUp(FollowedUp { with: people, .. }) => {
                people.extend(kept);
                people.sort_unstable();
                people.dedup();
            }
            Habit::Asked(_) | Habit::Helped(_) | Habit::Referred(_) | Habit::Answered(_) => {}
        }
        content
    }

    /// Whether an entry says what would be recorded. The erased are left in it, and words that nobody asks for.
    fn says_the_same(&self, said: &Said, content: &Content) -> bool {
        let meant = |habit: &Habit| -> Vec<PersonId> {
            let mut all: Vec<PersonId> =
                people(habit).filter_map(|person| self.addresses.meant(person).cloned()).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let sender = |habit: &Habit| match habit {
            Habit::FollowedUp(FollowedUp { by, .. }) => self.addresses.meant(by).cloned(),
            Habit::Met(_) | Habit::Asked(_) | Habit::Helped(_) | Habit::Referred(_) | Habit::Answered(_) => None,
        };
        let has_words = |(kind, text): &(_, String)| {
            said.has_hidden_words || said.words.iter().any(|(other, said)| other == kind && said == text)
        };
        said.occurred_at == content.occurred_at
            && said.minutes == content.minutes
            && (said.scope == content.scope || !said.is_own)
            && meant(&said.habit) == meant(&content.habit)
            && sender(&said.habit) == sender(&content.habit)
            && content.words.iter().all(has_words)
    }
}

fn refusal(spot: Spot, invalid: Invalid) -> Refusal {
    Refusal::local(spot, &Error::from(invalid))
}

/// Who takes part.
fn people(habit: &Habit) -> Box<dyn Iterator<Item = &PersonId> + '_> {
    match habit {
        Habit::Met(Met { people }) => Box::new(people.iter()),
        Habit::FollowedUp(FollowedUp { by, with, .. }) => Box::new(std::iter::once(by).chain(with)),
        Habit::Asked(_) | Habit::Helped(_) | Habit::Referred(_) | Habit::Answered(_) => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{addresses::tests::directory, contacts::Directory, occasions::Log};
    use kith_core::detail::DetailKind;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const SPOT: Spot = Spot { file: crate::spot::File::Records, record: 1, line: 1 };

    fn ids(people: &[&str]) -> Vec<PersonId> {
        people.iter().map(|id| id.parse().unwrap()).collect()
    }

    fn met(people: &[&str], second: i64) -> Content {
        Content {
            habit: Habit::Met(Met { people: ids(people) }),
            occurred_at: Timestamp::from_millis(second * 1_000),
            minutes: Some(30),
            scope: Scope::Network,
            words: Vec::new(),
        }
    }

    fn key(uid: &[u8]) -> OccasionKey {
        let log = Log { origin: "kith/demo/1".parse().unwrap(), organisation: None };
        OccasionKey::new(b"test", &log, Scope::Network, &[uid])
    }

    fn occasion(state: State) -> Occasion {
        Occasion { spot: SPOT, keys: vec![key(b"one"), key(b"other")], state }
    }

    /// A log with what imports recorded.
    struct Book {
        known: KnownOccasions,
        directory: Directory,
        position: u64,
    }

    impl Book {
        fn new(people: &[&str]) -> Self {
            Self { known: KnownOccasions::default(), directory: directory(people), position: 0 }
        }

        fn learn(&mut self, event: &NewEvent, is_own: bool) {
            self.position += 1;
            self.known.learn(event.event(), event.details(), Some(Position::new(self.position)), is_own);
        }

        fn plan(&self, state: State) -> Plan {
            plan(vec![occasion(state)], &self.known, &Addresses::of(&self.directory), &[7; 32], NOW)
        }

        /// Imports an occasion; returns how many were recorded, withdrawn, known and left alone.
        fn import(&mut self, state: State, is_own: bool) -> [usize; 4] {
            let plan = self.plan(state);
            for event in plan.withdrawals.iter().map(|one| &one.event).chain(plan.records.iter().map(|one| &one.event))
            {
                self.learn(event.as_ref().unwrap(), is_own);
            }
            [plan.records.len(), plan.withdrawals.len(), usize::try_from(plan.known).unwrap(), plan.open.len()]
        }
    }

    const PEOPLE: [&str; 3] = ["ada ada@x.example", "ben ben@x.example", "cora cora@x.example"];

    #[test]
    fn twice_adds_nothing_and_every_change_is_a_correction() {
        let mut book = Book::new(&PEOPLE);
        let first = met(&["ada", "ben"], 10);
        assert_eq!(book.import(State::Happened(first.clone()), true), [1, 0, 0, 0]);
        assert_eq!(book.import(State::Happened(first.clone()), true), [0, 0, 1, 0]);
        let changes = [
            met(&["ada", "ben"], 20),
            met(&["ada", "ben", "cora"], 20),
            Content { minutes: None, ..met(&["ada", "ben", "cora"], 20) },
            Content { scope: Scope::Organisation, ..met(&["ada", "ben", "cora"], 20) },
            Content { words: vec![(DetailKind::Note, "round".to_owned())], ..met(&["ada", "ben"], 20) },
            first.clone(),
        ];
        for change in changes {
            assert_eq!(book.import(State::Happened(change.clone()), true), [1, 1, 0, 0], "{change:?}");
            assert_eq!(book.import(State::Happened(change.clone()), true), [0, 0, 1, 0], "{change:?}");
        }
    }

    #[test]
    fn what_did_not_take_place_is_withdrawn_and_may_take_place_later() {
        let mut book = Book::new(&PEOPLE);
        assert_eq!(book.import(State::DidNot, true), [0, 0, 0, 0]);
        book.import(State::Happened(met(&["ada", "ben"], 10)), true);
        assert_eq!(book.import(State::DidNot, true), [0, 1, 0, 0]);
        assert_eq!(book.import(State::DidNot, true), [0, 0, 0, 0]);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [1, 0, 0, 0]);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 1, 0]);
    }

    #[test]
    fn entries_of_others_and_what_was_withdrawn_by_hand_are_listed() {
        let mut book = Book::new(&PEOPLE);
        book.import(State::Happened(met(&["ada", "ben"], 10)), false);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 1, 0]);
        let wider = Content { scope: Scope::Organisation, ..met(&["ada", "ben"], 10) };
        assert_eq!(book.import(State::Happened(wider), true), [0, 0, 1, 0], "others choose the scope of theirs");
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 20)), true), [0, 0, 0, 1]);
        assert_eq!(book.import(State::DidNot, true), [0, 0, 0, 1]);
        let target = book.plan(State::Happened(met(&["ada", "ben"], 20)));
        assert_eq!(target.open[0].position, Some(Position::new(1)));
        let by_hand = Retracted { event: key(b"one").id(0), reason: RetractionReason::Consent };
        book.learn(&EventBuilder::new(by_hand, NOW).build().unwrap(), false);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 0, 1]);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 20)), true), [0, 0, 0, 1]);
        assert_eq!(book.import(State::DidNot, true), [0, 0, 0, 0]);
    }

    #[test]
    fn people_whom_no_address_names_any_more_stay() {
        let mut book = Book::new(&PEOPLE);
        book.import(State::Happened(met(&["ada", "ben", "cora"], 10)), true);
        book.directory = directory(&["ada ada@x.example", "ben ben@x.example", "cora"]);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 1, 0], "her address is gone");
        book.directory = directory(&["ada ada@x.example", "ben ben@x.example"]);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 1, 0], "she was erased");
        book.directory = directory(&PEOPLE);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [1, 1, 0, 0], "she was not there");
    }

    #[test]
    fn words_that_nobody_asks_for_stay_and_hidden_ones_are_not_compared() {
        let mut book = Book::new(&PEOPLE);
        let titled = Content { words: vec![(DetailKind::Note, "round".to_owned())], ..met(&["ada", "ben"], 10) };
        book.import(State::Happened(titled.clone()), true);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 1, 0]);
        let event = book.plan(State::Happened(Content { minutes: None, ..titled })).records[0].event.clone().unwrap();
        let mut known = KnownOccasions::default();
        known.learn(event.event(), &[], None, true);
        assert!(known.said(&event.id()).unwrap().has_hidden_words);
    }

    #[test]
    fn what_was_recorded_under_another_key_goes_on_there() {
        let mut book = Book::new(&PEOPLE);
        let other = Occasion { keys: vec![key(b"other")], ..occasion(State::Happened(met(&["ada", "ben"], 10))) };
        let recorded = plan(vec![other], &book.known, &Addresses::of(&book.directory), &[7; 32], NOW);
        book.learn(recorded.records[0].event.as_ref().unwrap(), true);
        assert_eq!(book.import(State::Happened(met(&["ada", "ben"], 10)), true), [0, 0, 1, 0]);
        let twice = vec![occasion(State::DidNot), occasion(State::DidNot)];
        let planned = plan(twice, &book.known, &Addresses::of(&book.directory), &[7; 32], NOW);
        assert_eq!((planned.withdrawals.len(), planned.repeated), (1, 1));
    }

    #[test]
    fn mails_are_compared_with_their_sender() {
        let mut book = Book::new(&PEOPLE);
        let mail = |by: &str, with: &[&str]| Content {
            habit: Habit::FollowedUp(FollowedUp { by: by.parse().unwrap(), with: ids(with), about: None }),
            minutes: None,
            ..met(&[], 10)
        };
        assert_eq!(book.import(State::Happened(mail("ada", &["ben"])), true), [1, 0, 0, 0]);
        assert_eq!(book.import(State::Happened(mail("ben", &["ada"])), true), [1, 1, 0, 0]);
        assert_eq!(book.import(State::Happened(mail("ben", &["ada", "cora"])), true), [1, 1, 0, 0]);
        assert_eq!(book.import(State::Happened(mail("ben", &["ada", "cora"])), true), [0, 0, 1, 0]);
    }
}
