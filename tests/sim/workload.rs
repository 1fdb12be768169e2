//! What a device records: every kind of habit between a few people, corrections, words, and events about events.

use crate::server::{LEAVING, PEOPLE};
use kith_client::{EventBuilder, NewEvent, replica::Replica};
use kith_core::{
    detail::DetailKind,
    event::{
        Answer, Answered, Asked, Custom, DirectoryFact, Fact, FollowedUp, Habit, Helped, Met, PersonAdded, Referred,
        Retracted, RetractionReason, Scope,
    },
    id::{EventId, PersonId},
    invalid::Invalid,
};
use kith_tests::random::Random;

/// What a device recorded and may speak of again.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    events: Vec<(EventId, Scope)>,
    referrals: Vec<(EventId, PersonId, Scope)>,
}

impl Recorded {
    /// The next event.
    pub(crate) fn next(&mut self, replica: &Replica, random: &mut Random) -> Result<NewEvent, Invalid> {
        let mut scope = if random.below(4) == 0 { Scope::Organisation } else { Scope::Network };
        let mut people = PEOPLE;
        random.shuffle(&mut people);
        let [one, two, three] = [0, 1, 2].map(|place| person(people[place]));
        let about = self.one_of(random);
        let fact = match random.below(20) {
            0..=5 => Fact::Habit(Habit::Met(Met { people: vec![one.clone(), two.clone()] })),
            6..=8 => {
                scope = about.map_or(scope, |(_, scope)| scope);
                Fact::Habit(Habit::FollowedUp(FollowedUp {
                    by: one.clone(),
                    with: vec![two.clone()],
                    about: about.map(|(id, _)| id),
                }))
            }
            9 | 10 => {
                Fact::Habit(Habit::Asked(Asked { by: one.clone(), of: vec![two.clone(), three], category: category() }))
            }
            11 | 12 => Fact::Habit(Habit::Helped(Helped {
                helper: one.clone(),
                helped: two.clone(),
                category: Some(category()),
                about: None,
            })),
            13 | 14 => Fact::Habit(Habit::Referred(Referred { referrer: one.clone(), person: two.clone(), to: three })),
            15 | 16 if !self.referrals.is_empty() => {
                let (referral, by, of) = random.pick(&self.referrals).clone();
                scope = of;
                Fact::Habit(Habit::Answered(Answered { referral, by, answer: Answer::Accepted }))
            }
            17 => Fact::Custom(Custom { type_name: "example.org/visit.v1".to_owned(), people: vec![one.clone()] }),
            18 => {
                scope = Scope::Network;
                let person = format!("guest-{}", random.below(1_000_000));
                Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
                    person: self::person(&person),
                    organisation: None,
                    role: String::new(),
                }))
            }
            _ => match about {
                Some((event, of)) => {
                    scope = of;
                    Fact::Retracted(Retracted { event, reason: RetractionReason::Mistake })
                }
                None => Fact::Habit(Habit::Met(Met { people: vec![one.clone(), three] })),
            },
        };
        let event = with_words(replica.event(fact.clone()).scope(scope), &fact, &one, random).build()?;
        self.keep(event.id(), &fact, scope);
        Ok(event)
    }

    fn one_of(&self, random: &mut Random) -> Option<(EventId, Scope)> {
        (!self.events.is_empty()).then(|| *random.pick(&self.events))
    }

    fn keep(&mut self, id: EventId, fact: &Fact, scope: Scope) {
        match fact {
            Fact::Habit(Habit::Referred(referred)) => self.referrals.push((id, referred.to.clone(), scope)),
            Fact::Habit(Habit::Met(_) | Habit::FollowedUp(_) | Habit::Asked(_) | Habit::Helped(_)) => {
                self.events.push((id, scope));
            }
            Fact::Habit(Habit::Answered(_))
            | Fact::Custom(_)
            | Fact::Retracted(_)
            | Fact::Directory(_)
            | Fact::Administration(_)
            | Fact::Newer(_) => {}
        }
    }
}

/// Now and then somebody's words go with it.
fn with_words(event: EventBuilder, fact: &Fact, about: &PersonId, random: &mut Random) -> EventBuilder {
    if matches!(fact, Fact::Habit(Habit::Met(_))) && random.below(3) == 0 {
        let words = format!("talked about plan {}", random.below(1_000));
        let event = event.detail(DetailKind::Note, vec![about.clone()], words);
        if random.below(2) == 0 {
            let leaving = person(random.pick::<&str>(&LEAVING));
            return event.detail(DetailKind::Note, vec![leaving, about.clone()], "about both");
        }
        return event;
    }
    event
}

fn person(id: &str) -> PersonId {
    id.parse().expect("the ids of people are well formed")
}

fn category() -> kith_core::id::Category {
    "advice".parse().expect("the category is well formed")
}
