//! One referral and the rules by which answers and contacts change it.

use kith_plugin_sdk::{Answer, Day, Malformed, Person, Position};

use crate::Settings;

/// The status of a referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Unanswered,
    Accepted,
    Declined,
    Met,
    BecameTie,
}

impl Status {
    const ALL: [Self; 5] = [Self::Unanswered, Self::Accepted, Self::Declined, Self::Met, Self::BecameTie];

    /// The text in the rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Met => "met",
            Self::BecameTie => "became_tie",
        }
    }

    pub(crate) fn byte(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_byte(byte: u8) -> Result<Self, Malformed> {
        Self::ALL.get(usize::from(byte)).copied().ok_or(Malformed)
    }

    pub(crate) fn answered(self, answer: Answer) -> Self {
        match (self, answer) {
            (Self::BecameTie, Answer::Accepted | Answer::Declined | Answer::Met) => Self::BecameTie,
            (Self::Unanswered | Self::Accepted, Answer::Accepted) => Self::Accepted,
            (Self::Declined, Answer::Accepted)
            | (Self::Unanswered | Self::Accepted | Self::Declined | Self::Met, Answer::Declined) => Self::Declined,
            (Self::Met, Answer::Accepted)
            | (Self::Unanswered | Self::Accepted | Self::Declined | Self::Met, Answer::Met) => Self::Met,
        }
    }
}

/// One person introduced to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referral {
    pub(crate) position: Position,
    pub(crate) on: Day,
    pub(crate) referrer: Person,
    pub(crate) status: Status,
    /// The day of the first answer or contact; not before `on`.
    pub(crate) resolved: Option<Day>,
    /// Days in contact within the window, counted until there is a tie.
    pub(crate) contact_days: u32,
    /// The last day counted, if any; not before `on`.
    pub(crate) last_contact: Option<Day>,
}

impl Referral {
    pub(crate) fn answered(&mut self, answer: Answer, on: Day) {
        self.resolved.get_or_insert(on.max(self.on));
        self.status = self.status.answered(answer);
    }

    pub(crate) fn contacted(&mut self, on: Day, settings: &Settings) {
        let on = on.max(self.on);
        self.resolved.get_or_insert(on);
        if self.status == Status::BecameTie {
            return;
        }
        let in_window = on.since(self.on) <= i64::from(settings.tie_window_days);
        if in_window && self.last_contact != Some(on) {
            self.contact_days += 1;
            self.last_contact = Some(on);
        }
        let tied = self.contact_days >= settings.tie_days;
        self.status = if tied { Status::BecameTie } else { Status::Met };
    }
}
