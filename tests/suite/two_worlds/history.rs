//! A seeded history of two organisations, in which one keeps events to itself.

use kith_core::{
    detail::{Detail, DetailKind},
    event::{
        Answer, Answered, DirectoryFact, Event, Fact, FollowedUp, Habit, Helped, Met, PeopleMerged, PersonChanged,
        Referred, Retracted, RetractionReason, Scope,
    },
    id::{EventId, PersonId},
    timestamp::Timestamp,
};
use kith_proto::v1::NewEvent;
use kith_tests::{
    events::{NOON, sent},
    random::Random,
};

/// Everybody, with their organisations.
pub(super) const PEOPLE: [(&str, &str); 9] = [
    ("amina", "riverside"),
    ("ben", "riverside"),
    ("rosa", "riverside"),
    ("carol", "hillside"),
    ("dan", "hillside"),
    ("hana", "hillside"),
    ("eve", ""),
    ("fay", ""),
    ("eve-too", ""),
];

const STEPS: usize = 40;

/// Who records an event.
#[derive(Debug, Clone, Copy)]
pub(super) enum Recorder {
    Owner,
    Riverside,
    Hillside,
}

/// An event of the history.
pub(super) enum Step {
    /// The same in both worlds.
    Same(Recorder, NewEvent),
    /// Riverside's own event, and the blank in its place.
    Hidden { real: NewEvent, blank: NewEvent },
}

impl Step {
    pub(super) fn is_hidden(&self) -> bool {
        matches!(self, Self::Hidden { .. })
    }

    pub(super) fn recorder(&self) -> Recorder {
        match self {
            Self::Same(recorder, _) => *recorder,
            Self::Hidden { .. } => Recorder::Riverside,
        }
    }

    /// The event as it was, or the blank.
    pub(super) fn event(&self, real: bool) -> &NewEvent {
        match self {
            Self::Same(_, event) => event,
            Self::Hidden { real: event, blank } => {
                if real {
                    event
                } else {
                    blank
                }
            }
        }
    }
}

/// What happens, in order.
pub(super) struct History {
    pub(super) steps: Vec<Step>,
    /// Ids of events that some people must not see.
    pub(super) hidden: Vec<EventId>,
    /// Ids of events that everybody may see.
    pub(super) seen: Vec<EventId>,
}

/// A history being generated.
struct Maker<'r> {
    random: &'r mut Random,
    history: History,
    referrals: Vec<EventId>,
    meetings: Vec<EventId>,
    retracted: Vec<EventId>,
}

impl History {
    /// The history of a seed. Its last event is visible to all.
    pub(super) fn of(random: &mut Random) -> Self {
        let history = Self { steps: Vec::new(), hidden: Vec::new(), seen: Vec::new() };
        let mut maker = Maker { random, history, referrals: Vec::new(), meetings: Vec::new(), retracted: Vec::new() };
        for at in 0..STEPS {
            match maker.random.below(20) {
                _ if at + 1 == STEPS => maker.seen(),
                0 => maker.described(),
                1 => maker.own_of_hillside(),
                2..=9 => maker.seen(),
                _ => maker.hidden(),
            }
        }
        maker.merged();
        maker.history
    }
}

impl Maker<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.random.number().to_le_bytes()[0])
    }

    fn event(&mut self, scope: Scope, fact: Fact) -> Event {
        let minutes = i64::try_from(self.random.below(60 * 24 * 30)).unwrap();
        let id = uuid::Builder::from_custom_bytes(self.bytes()).into_uuid().into_bytes();
        Event {
            id: EventId::from_bytes(id).expect("version and variant are set"),
            occurred_at: Timestamp::from_millis(NOON.millis() - 60_000 * minutes),
            scope,
            caused_by: Vec::new(),
            attributes: Vec::new(),
            salt: self.bytes(),
            details: Vec::new(),
            fact,
        }
    }

    /// The event as it is sent, with details about some people.
    fn with_words(&mut self, event: Event, kind: DetailKind, mut subjects: Vec<PersonId>) -> NewEvent {
        subjects.sort_unstable();
        let text = "words ".repeat(1 + self.random.below(40));
        let detail = Detail { kind, subjects, text, salt: self.bytes() };
        let event = Event { details: vec![detail.commitment()], ..event };
        NewEvent { details: vec![detail.to_proto()], ..sent(&event) }
    }

    /// A number of different people.
    fn people(&mut self, count: usize) -> Vec<PersonId> {
        let mut people: Vec<_> = PEOPLE[..8].iter().map(|(id, _)| person(id)).collect();
        self.random.shuffle(&mut people);
        people.truncate(count);
        people
    }

    /// Something that two or three people did.
    fn habit(&mut self) -> Fact {
        let mut people = self.people(3);
        let [one, two, three] = [0, 1, 2].map(|at| people[at].clone());
        match self.random.below(4) {
            0 => Fact::Habit(Habit::Helped(Helped { helper: one, helped: two, category: None, about: None })),
            1 => Fact::Habit(Habit::Referred(Referred { referrer: one, person: two, to: three })),
            2 => Fact::Habit(Habit::FollowedUp(FollowedUp { by: one, with: vec![two, three], about: None })),
            _ => {
                people.truncate(2 + self.random.below(2));
                Fact::Habit(Habit::Met(Met { people }))
            }
        }
    }

    fn seen(&mut self) {
        let fact = self.habit();
        let event = self.event(Scope::Network, fact);
        self.history.seen.push(event.id);
        let people = event.people().into_iter().cloned().collect();
        let recorder = if self.random.below(2) == 0 { Recorder::Owner } else { Recorder::Hillside };
        let event =
            if self.random.below(3) == 0 { self.with_words(event, DetailKind::Note, people) } else { sent(&event) };
        self.history.steps.push(Step::Same(recorder, event));
    }

    fn own_of_hillside(&mut self) {
        let fact = self.habit();
        let event = self.event(Scope::Organisation, fact);
        self.history.steps.push(Step::Same(Recorder::Hillside, sent(&event)));
    }

    /// Somebody gets a name.
    fn described(&mut self) {
        let (id, organisation) = *self.random.pick(&PEOPLE);
        let organisation = (!organisation.is_empty()).then(|| organisation.parse().unwrap());
        let fact = Fact::Directory(DirectoryFact::PersonChanged(PersonChanged {
            person: person(id),
            organisation,
            role: "nurse".into(),
        }));
        let event = self.event(Scope::Network, fact);
        let event = self.with_words(event, DetailKind::Name, vec![person(id)]);
        self.history.steps.push(Step::Same(Recorder::Owner, event));
    }

    fn merged(&mut self) {
        let fact = Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged {
            kept: person("eve"),
            merged: person("eve-too"),
        }));
        let event = self.event(Scope::Network, fact);
        self.history.steps.push(Step::Same(Recorder::Owner, sent(&event)));
    }

    /// Riverside's own event, of any kind that can be withdrawn or that withdraws, and its blank.
    fn hidden(&mut self) {
        let fact = self.hidden_fact();
        let event = self.event(Scope::Organisation, fact);
        match &event.fact {
            Fact::Habit(Habit::Referred(_)) => self.referrals.push(event.id),
            Fact::Retracted(_) => {}
            _ => self.meetings.push(event.id),
        }
        self.history.hidden.push(event.id);
        let blank = Event {
            occurred_at: NOON,
            fact: Fact::Habit(Habit::Met(Met { people: vec![person("amina"), person("ben")] })),
            salt: self.bytes(),
            ..event.clone()
        };
        let people: Vec<_> = event.people().into_iter().cloned().collect();
        let real = if people.is_empty() || self.random.below(2) == 0 {
            sent(&event)
        } else {
            self.with_words(event, DetailKind::Note, people)
        };
        self.history.steps.push(Step::Hidden { real, blank: sent(&blank) });
    }

    fn hidden_fact(&mut self) -> Fact {
        let by = person("amina");
        match self.random.below(8) {
            0 if !self.referrals.is_empty() => {
                let referral = *self.random.pick(&self.referrals.clone());
                Fact::Habit(Habit::Answered(Answered { referral, by, answer: Answer::Accepted }))
            }
            1 if !self.meetings.is_empty() => {
                let about = Some(*self.random.pick(&self.meetings.clone()));
                Fact::Habit(Habit::FollowedUp(FollowedUp { by, with: vec![person("carol")], about }))
            }
            2 | 3 if self.retracted.len() < self.meetings.len() => {
                let event = self.meetings[self.retracted.len()];
                self.retracted.push(event);
                Fact::Retracted(Retracted { event, reason: RetractionReason::Mistake })
            }
            _ => self.habit(),
        }
    }
}

pub(super) fn person(id: &str) -> PersonId {
    id.parse().expect("it is an id")
}
