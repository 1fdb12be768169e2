//! Events: immutable facts as clients recorded them, in domain types.
//!
//! An [`Event`] that exists obeys every limit; its canonical bytes are made and read in `wire`.

mod kind;

pub use kind::Kind;

use crate::{
    detail::DetailKind,
    id::{Category, EventId, OrganisationId, PersonId, TokenId},
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

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant holds the struct of its name, documented there")]
pub enum Fact {
    Met(Met),
    FollowedUp(FollowedUp),
    Asked(Asked),
    Helped(Helped),
    Referred(Referred),
    Answered(Answered),
    Custom(Custom),
    Retracted(Retracted),
    OrganisationAdded(OrganisationAdded),
    PersonAdded(PersonAdded),
    PersonChanged(PersonChanged),
    PeopleMerged(PeopleMerged),
    Administration(Administration),
    Newer(Newer),
}

/// A fact that a later version of this program records and this one does not know: kept, shown by its number and passed
/// on, but counted in no view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// Number of its field in `kith.v1.Event`.
    pub number: u32,
    /// The message in that field.
    pub bytes: Vec<u8>,
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

/// An organisation joins the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationAdded {
    /// Its id.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: String,
}

/// A person joins the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonAdded {
    /// The person.
    pub person: PersonId,
    /// Their organisation.
    pub organisation: Option<OrganisationId>,
    /// Their role; may be empty.
    pub role: String,
}

/// A person's organisation or role changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonChanged {
    /// The person.
    pub person: PersonId,
    /// Their organisation from now on.
    pub organisation: Option<OrganisationId>,
    /// Their role from now on; may be empty.
    pub role: String,
}

/// Two person ids turned out to be one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleMerged {
    /// The id that stays.
    pub kept: PersonId,
    /// The id that means `kept` from now on.
    pub merged: PersonId,
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
    /// Reads, and asks for proofs and the access log.
    Auditor,
    /// Reads, retracts, erases and sets holds for its organisation.
    RecordsOfficer,
    /// Everything in the network.
    Owner,
}

/// How the removal of a plugin names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovedPlugin {
    /// By its name, for its owner.
    Named(String),
    /// By the event that installed its first version, for an owner of the network who may know no more of it.
    Installed(EventId),
}

/// What only the server records, as answers to its own calls.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields and variants mean what kith.v1 says of the messages of the same names")]
pub enum Administration {
    PluginInstalled {
        name: String,
        version: String,
        component: [u8; 32],
        settings: String,
    },
    PluginActivated {
        name: String,
        version: String,
        component: [u8; 32],
    },
    PluginPaused {
        name: String,
        paused: bool,
    },
    PluginRemoved {
        plugin: RemovedPlugin,
    },
    MemberChanged {
        principal: String,
        role: Option<Role>,
        organisation: Option<OrganisationId>,
    },
    TokenIssued {
        token: TokenId,
        role: Role,
        person: Option<PersonId>,
        organisation: Option<OrganisationId>,
        expires_at: Option<Timestamp>,
        /// SHA-256 of the SHA-256 of its secret; missing in entries of earlier programs.
        secret_digest: Option<[u8; 32]>,
    },
    TokenRevoked {
        token: TokenId,
    },
    PersonErased {
        person: PersonId,
        ground: String,
    },
    ErasureCompleted {
        person: PersonId,
        erasure: EventId,
    },
    HoldChanged {
        person: PersonId,
        held: bool,
        reason: String,
    },
    LogRestored {
        incarnation: [u8; 16],
        lost_head: u64,
        lost_root: [u8; 32],
        /// Whether the log comes from a backup that the server had not signed.
        unverified: bool,
    },
}

impl Event {
    /// Reads canonical bytes; refuses anything else, and every broken limit, with the field at fault.
    pub fn decode(bytes: &[u8]) -> Result<Self, crate::invalid::Invalid> {
        crate::wire::decode_event(bytes)
    }

    /// Reads an event that a log already holds, perhaps one that a later version recorded: fields that are not known
    /// are passed over, and a fact that is not known is a [`Newer`] one. What is appended is read by
    /// [`decode`](Self::decode).
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
            Fact::Met(_) => Kind::Met,
            Fact::FollowedUp(_) => Kind::FollowedUp,
            Fact::Asked(_) => Kind::Asked,
            Fact::Helped(_) => Kind::Helped,
            Fact::Referred(_) => Kind::Referred,
            Fact::Answered(_) => Kind::Answered,
            Fact::Custom(custom) => Kind::Custom(custom.type_name.clone()),
            Fact::Retracted(_) => Kind::Retracted,
            Fact::OrganisationAdded(_) => Kind::OrganisationAdded,
            Fact::PersonAdded(_) => Kind::PersonAdded,
            Fact::PersonChanged(_) => Kind::PersonChanged,
            Fact::PeopleMerged(_) => Kind::PeopleMerged,
            Fact::Administration(administration) => administration.kind(),
            Fact::Newer(newer) => Kind::Newer(newer.number),
        }
    }

    /// The people in it, in the order of its fields.
    pub fn people(&self) -> Vec<&PersonId> {
        match &self.fact {
            Fact::Met(met) => met.people.iter().collect(),
            Fact::FollowedUp(followed) => std::iter::once(&followed.by).chain(&followed.with).collect(),
            Fact::Asked(asked) => std::iter::once(&asked.by).chain(&asked.of).collect(),
            Fact::Helped(helped) => vec![&helped.helper, &helped.helped],
            Fact::Referred(referred) => vec![&referred.referrer, &referred.person, &referred.to],
            Fact::Answered(answered) => vec![&answered.by],
            Fact::Custom(custom) => custom.people.iter().collect(),
            Fact::Retracted(_) | Fact::OrganisationAdded(_) | Fact::Newer(_) => Vec::new(),
            Fact::PersonAdded(added) => vec![&added.person],
            Fact::PersonChanged(changed) => vec![&changed.person],
            Fact::PeopleMerged(merge) => vec![&merge.kept, &merge.merged],
            Fact::Administration(administration) => administration.person().into_iter().collect(),
        }
    }

    /// The person whom a detail of these subjects gives a name for all to see: only the facts of the directory that are
    /// about one person name anybody, and only that person.
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

    /// The person whom the directory takes this event to be about, if it is one that adds or changes a person.
    pub(crate) fn person_described(&self) -> Option<&PersonId> {
        match &self.fact {
            Fact::PersonAdded(added) => Some(&added.person),
            Fact::PersonChanged(changed) => Some(&changed.person),
            Fact::Met(_)
            | Fact::FollowedUp(_)
            | Fact::Asked(_)
            | Fact::Helped(_)
            | Fact::Referred(_)
            | Fact::Answered(_)
            | Fact::Custom(_)
            | Fact::Retracted(_)
            | Fact::OrganisationAdded(_)
            | Fact::PeopleMerged(_)
            | Fact::Administration(_)
            | Fact::Newer(_) => None,
        }
    }

    /// The event it names, if any, with the field that names it. Causes are not targets: they may be elsewhere.
    pub fn target(&self) -> Option<(EventId, &'static str)> {
        match &self.fact {
            Fact::FollowedUp(followed) => followed.about.map(|id| (id, "event.followed_up.about")),
            Fact::Helped(helped) => helped.about.map(|id| (id, "event.helped.about")),
            Fact::Answered(answered) => Some((answered.referral, "event.answered.referral")),
            Fact::Retracted(retracted) => Some((retracted.event, "event.retracted.event")),
            Fact::Met(_)
            | Fact::Asked(_)
            | Fact::Referred(_)
            | Fact::Custom(_)
            | Fact::OrganisationAdded(_)
            | Fact::PersonAdded(_)
            | Fact::PersonChanged(_)
            | Fact::PeopleMerged(_)
            | Fact::Administration(_)
            | Fact::Newer(_) => None,
        }
    }
}

impl Administration {
    fn kind(&self) -> Kind {
        match self {
            Self::PluginInstalled { .. } => Kind::PluginInstalled,
            Self::PluginActivated { .. } => Kind::PluginActivated,
            Self::PluginPaused { .. } => Kind::PluginPaused,
            Self::PluginRemoved { .. } => Kind::PluginRemoved,
            Self::MemberChanged { .. } => Kind::MemberChanged,
            Self::TokenIssued { .. } => Kind::TokenIssued,
            Self::TokenRevoked { .. } => Kind::TokenRevoked,
            Self::PersonErased { .. } => Kind::PersonErased,
            Self::ErasureCompleted { .. } => Kind::ErasureCompleted,
            Self::HoldChanged { .. } => Kind::HoldChanged,
            Self::LogRestored { .. } => Kind::LogRestored,
        }
    }

    fn person(&self) -> Option<&PersonId> {
        match self {
            Self::TokenIssued { person, .. } => person.as_ref(),
            Self::PersonErased { person, .. }
            | Self::ErasureCompleted { person, .. }
            | Self::HoldChanged { person, .. } => Some(person),
            Self::PluginInstalled { .. }
            | Self::PluginActivated { .. }
            | Self::PluginPaused { .. }
            | Self::PluginRemoved { .. }
            | Self::MemberChanged { .. }
            | Self::TokenRevoked { .. }
            | Self::LogRestored { .. } => None,
        }
    }
}
