//! Habits: what people of a network do with each other, from which views are derived.

use super::HabitKind;
use crate::id::{Category, EventId, PersonId};

/// Something that people did with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant holds the struct of its name, documented there")]
pub enum Habit {
    Met(Met),
    FollowedUp(FollowedUp),
    Asked(Asked),
    Helped(Helped),
    Referred(Referred),
    Answered(Answered),
}

/// People met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// 2 to 64 people.
    pub people: Vec<PersonId>,
}

/// A person followed up with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedUp {
    /// Who followed up.
    pub by: PersonId,
    /// With whom.
    pub with: Vec<PersonId>,
    /// The event followed up on.
    pub about: Option<EventId>,
}

/// A person asked others for help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who asked.
    pub by: PersonId,
    /// Whom.
    pub of: Vec<PersonId>,
    /// What for.
    pub category: Category,
}

/// A person helped another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helped {
    /// Who helped.
    pub helper: PersonId,
    /// Who was helped.
    pub helped: PersonId,
    /// What with.
    pub category: Option<Category>,
    /// The event helped with.
    pub about: Option<EventId>,
}

/// `referrer` introduces `person` to `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referred {
    /// Who introduces.
    pub referrer: PersonId,
    /// Who is introduced.
    pub person: PersonId,
    /// To whom.
    pub to: PersonId,
}

/// An introduction was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The `referred` event.
    pub referral: EventId,
    /// Who answered.
    pub by: PersonId,
    /// The answer.
    pub answer: Answer,
}

/// How an introduction was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Welcome.
    Accepted,
    /// Not wanted.
    Declined,
    /// The two have met.
    Met,
}

impl Habit {
    /// Which habit it is.
    pub fn kind(&self) -> HabitKind {
        match self {
            Self::Met(_) => HabitKind::Met,
            Self::FollowedUp(_) => HabitKind::FollowedUp,
            Self::Asked(_) => HabitKind::Asked,
            Self::Helped(_) => HabitKind::Helped,
            Self::Referred(_) => HabitKind::Referred,
            Self::Answered(_) => HabitKind::Answered,
        }
    }

    /// The people in it, in the order of its fields.
    pub(super) fn people(&self) -> Vec<&PersonId> {
        match self {
            Self::Met(met) => met.people.iter().collect(),
            Self::FollowedUp(followed) => std::iter::once(&followed.by).chain(&followed.with).collect(),
            Self::Asked(asked) => std::iter::once(&asked.by).chain(&asked.of).collect(),
            Self::Helped(helped) => vec![&helped.helper, &helped.helped],
            Self::Referred(referred) => vec![&referred.referrer, &referred.person, &referred.to],
            Self::Answered(answered) => vec![&answered.by],
        }
    }

    /// The event it names, if any, with the field that names it.
    pub(super) fn target(&self) -> Option<(EventId, &'static str)> {
        match self {
            Self::FollowedUp(followed) => followed.about.map(|id| (id, "event.followed_up.about")),
            Self::Helped(helped) => helped.about.map(|id| (id, "event.helped.about")),
            Self::Answered(answered) => Some((answered.referral, "event.answered.referral")),
            Self::Met(_) | Self::Asked(_) | Self::Referred(_) => None,
        }
    }
}
