//! Events: immutable facts as clients recorded them, in domain types.
//!
//! Every [`Event`] obeys every limit; `wire` encodes and decodes its canonical bytes.

mod administration;
mod directory;
mod habit;
mod kind;

pub use administration::{Administration, RemovedPlugin};
pub use directory::{DirectoryFact, OrganisationAdded, PeopleMerged, PersonAdded, PersonChanged};
pub use habit::{Answer, Answered, Asked, FollowedUp, Habit, Helped, Met, Referred};
pub use kind::{AdministrationKind, DirectoryKind, HabitKind, Kind};

use crate::{
    detail::DetailKind,
    id::{EventId, PersonId},
    limits,
    timestamp::Timestamp,
};
use sha2::{Digest, Sha256};

/// An immutable fact as a client recorded it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id, given by the client.
    pub id: EventId,
    /// When it happened: the client's claim.
    pub occurred_at: Timestamp,
    /// Who may see it.
    pub scope: Scope,
    /// Events that led to it.
    pub caused_by: Vec<EventId>,
    /// Values that plugins see, sorted by key.
    pub attributes: Vec<Attribute>,
    /// Keeps the entry's hash from being guessed.
    pub salt: [u8; limits::EVENT_SALT_BYTES],
    /// One commitment per detail.
    pub details: Vec<Commitment>,
    /// What happened.
    pub fact: Fact,
}

/// SHA-256 commitment to a detail.
pub type Commitment = [u8; 32];

/// Who may see an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every member of the network.
    Network,
    /// Only members of the recorder's organisation.
    Organisation,
}

/// A value for plugins; never personal.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: AttributeValue,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

/// What happened, by family: code that treats a whole family alike need not list its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// People did something with each other.
    Habit(Habit),
    /// A fact of an organisation's own type.
    Custom(Custom),
    /// A correction: an event is withdrawn.
    Retracted(Retracted),
    /// The directory changed.
    Directory(DirectoryFact),
    /// The server records what it was asked to do.
    Administration(Administration),
    /// A fact of a later version.
    Newer(Newer),
}

/// Conversions into `Fact`, so that code need not name the family.
macro_rules! facts {
    ($($family:ident($inner:ident): $($fact:ident),*;)*) => {
        $($(impl From<$fact> for Fact {
            fn from(fact: $fact) -> Self {
                Self::$family($inner::$fact(fact))
            }
        })*)*
    };
}
facts! {
    Habit(Habit): Met, FollowedUp, Asked, Helped, Referred, Answered;
    Directory(DirectoryFact): OrganisationAdded, PersonAdded, PersonChanged, PeopleMerged;
}

impl From<Custom> for Fact {
    fn from(fact: Custom) -> Self {
        Self::Custom(fact)
    }
}

impl From<Retracted> for Fact {
    fn from(fact: Retracted) -> Self {
        Self::Retracted(fact)
    }
}

/// A fact that a later version of this program records and this one does not know: stored, shown by its number and
/// passed on, but counted in no view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// Number of its field in `kith.v1.Event`.
    pub number: u32,
    /// The message in that field.
    pub bytes: Vec<u8>,
}

/// A fact of an organisation's own type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// Such as `org.example/visit.v1`.
    pub type_name: String,
    /// The people in it.
    pub people: Vec<PersonId>,
}

/// An event is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retracted {
    /// The event.
    pub event: EventId,
    /// Why.
    pub reason: RetractionReason,
}

/// Why an event is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetractionReason {
    /// It was wrong.
    Mistake,
    /// It was recorded twice.
    Duplicate,
    /// Somebody in it did not agree.
    Consent,
    /// Another reason.
    Other,
}

/// A role in a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads what its scope allows.
    Reader,
    /// Reads and records.
    Recorder,
    /// Reads, and installs plugins.
    Analyst,
    /// Reads, and requests proofs and the access log.
    Auditor,
    /// Reads, retracts, erases and sets holds for its organisation.
    RecordsOfficer,
    /// Everything in the network.
    Owner,
    /// Runs a server and sees nothing inside its networks. Only for tokens of the whole server.
    Operator,
}

/// What a token gives whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// A role of its own.
    Role(Role),
    /// Whatever the membership of its person gives at the time.
    Membership,
    /// Nothing but to join as a member with this role, once.
    Invitation(Role),
}

/// What a network demands of new events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// New people have random ids.
    pub random_ids: bool,
    /// Attributes that are text are tokens.
    pub token_attributes: bool,
    /// Days after which a replica that has not synced shows no words any more; 0 = never.
    pub replica_days: u32,
}

impl Grant {
    /// The role that it states, for the token itself or for the member that it makes.
    pub fn role(self) -> Option<Role> {
        match self {
            Self::Role(role) | Self::Invitation(role) => Some(role),
            Self::Membership => None,
        }
    }
}

impl Policy {
    /// The wire form.
    pub fn to_proto(self) -> kith_proto::v1::PolicyChanged {
        let Self { random_ids, token_attributes, replica_days } = self;
        kith_proto::v1::PolicyChanged { random_ids, token_attributes, replica_days }
    }
}

impl Role {
    /// The wire form.
    pub fn to_proto(self) -> kith_proto::v1::Role {
        crate::wire::role_to_proto(self)
    }

    /// Reads the wire form; `None` for unspecified and unknown numbers.
    pub fn from_proto(number: i32) -> Option<Self> {
        crate::wire::role_from_proto(number)
    }

    /// Its name on the command line and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Recorder => "recorder",
            Self::Analyst => "analyst",
            Self::Auditor => "auditor",
            Self::RecordsOfficer => "records-officer",
            Self::Owner => "owner",
            Self::Operator => "operator",
        }
    }

    /// Every role in a network, from least to most.
    pub const ALL: [Self; 6] =
        [Self::Reader, Self::Recorder, Self::Analyst, Self::Auditor, Self::RecordsOfficer, Self::Owner];
}

impl Scope {
    /// The wire form.
    pub fn to_proto(self) -> kith_proto::v1::Scope {
        crate::wire::scope_to_proto(self)
    }
}

impl Event {
    /// Reads canonical bytes; refuses anything else, and every broken limit, with the field at fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, crate::invalid::Invalid> {
        crate::wire::decode_event(bytes)
    }

    /// Reads an event that a log already holds, perhaps one that a later version recorded: unknown fields are skipped,
    /// and an unknown fact is a [`Newer`] one. Appended events are read by [`decode`](Self::decode) instead.
    pub fn read(bytes: &[u8]) -> Result<Self, crate::invalid::Invalid> {
        crate::wire::read_event(bytes)
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        crate::wire::encode_event(self)
    }

    /// Content identity: SHA-256 of the canonical bytes without salt and commitments.
    pub fn content_hash(&self) -> [u8; 32] {
        Sha256::digest(crate::wire::encode_content(self)).into()
    }

    /// What kind of fact it states.
    pub fn kind(&self) -> Kind {
        match &self.fact {
            Fact::Habit(habit) => Kind::Habit(habit.kind()),
            Fact::Custom(custom) => Kind::Custom(custom.type_name.clone()),
            Fact::Retracted(_) => Kind::Retracted,
            Fact::Directory(change) => Kind::Directory(change.kind()),
            Fact::Administration(administration) => Kind::Administration(administration.kind()),
            Fact::Newer(newer) => Kind::Newer(newer.number),
        }
    }

    /// The people in it, in the order of its fields.
    pub fn people(&self) -> Vec<&PersonId> {
        match &self.fact {
            Fact::Habit(habit) => habit.people(),
            Fact::Custom(custom) => custom.people.iter().collect(),
            Fact::Directory(change) => change.people(),
            Fact::Administration(administration) => administration.person().into_iter().collect(),
            Fact::Retracted(_) | Fact::Newer(_) => Vec::new(),
        }
    }

    /// The person whom a detail with these subjects names publicly: only facts of the directory about one person name
    /// anybody, and only that person.
    pub fn names<'a>(&self, kind: DetailKind, subjects: &'a [PersonId]) -> Option<&'a PersonId> {
        match (kind, subjects) {
            (DetailKind::Name, [person]) if self.person_described() == Some(person) => Some(person),
            (
                DetailKind::Name
                | DetailKind::Contact
                | DetailKind::Note
                | DetailKind::Place
                | DetailKind::Words
                | DetailKind::Newer(_),
                _,
            ) => None,
        }
    }

    /// The person whom this event adds to or changes in the directory, if it does.
    pub fn person_described(&self) -> Option<&PersonId> {
        match &self.fact {
            Fact::Directory(change) => change.person_described(),
            Fact::Habit(_) | Fact::Custom(_) | Fact::Retracted(_) | Fact::Administration(_) | Fact::Newer(_) => None,
        }
    }

    /// The event it names, if any, with the field that names it. Causes are not targets: they need not be in this log.
    pub fn target(&self) -> Option<(EventId, &'static str)> {
        match &self.fact {
            Fact::Habit(habit) => habit.target(),
            Fact::Retracted(retracted) => Some((retracted.event, "event.retracted.event")),
            Fact::Administration(Administration::DetailsErased { event, .. }) => {
                Some((*event, "event.details_erased.event"))
            }
            Fact::Custom(_) | Fact::Directory(_) | Fact::Administration(_) | Fact::Newer(_) => None,
        }
    }
}
