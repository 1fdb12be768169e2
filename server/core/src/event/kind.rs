//! Kinds of facts, and the names that wire, plugins and command line give them.

use std::fmt;

/// What kind of fact an event states; custom types are kinds of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are those of Fact and Administration")]
pub enum Kind {
    Met,
    FollowedUp,
    Asked,
    Helped,
    Referred,
    Answered,
    Custom(String),
    Retracted,
    OrganisationAdded,
    PersonAdded,
    PersonChanged,
    PeopleMerged,
    PluginInstalled,
    PluginActivated,
    PluginPaused,
    PluginRemoved,
    MemberChanged,
    TokenIssued,
    TokenRevoked,
    PersonErased,
    ErasureCompleted,
    HoldChanged,
    LogRestored,
    /// A fact of a later version, by the number of its field.
    Newer(u32),
}

/// Every kind but custom and newer ones, with its name on the wire, in plugins and on the command line.
const KIND_NAMES: [(Kind, &str); 22] = [
    (Kind::Met, "met"),
    (Kind::FollowedUp, "followed_up"),
    (Kind::Asked, "asked"),
    (Kind::Helped, "helped"),
    (Kind::Referred, "referred"),
    (Kind::Answered, "answered"),
    (Kind::Retracted, "retracted"),
    (Kind::OrganisationAdded, "organisation_added"),
    (Kind::PersonAdded, "person_added"),
    (Kind::PersonChanged, "person_changed"),
    (Kind::PeopleMerged, "people_merged"),
    (Kind::PluginInstalled, "plugin_installed"),
    (Kind::PluginActivated, "plugin_activated"),
    (Kind::PluginPaused, "plugin_paused"),
    (Kind::PluginRemoved, "plugin_removed"),
    (Kind::MemberChanged, "member_changed"),
    (Kind::TokenIssued, "token_issued"),
    (Kind::TokenRevoked, "token_revoked"),
    (Kind::PersonErased, "person_erased"),
    (Kind::ErasureCompleted, "erasure_completed"),
    (Kind::HoldChanged, "hold_changed"),
    (Kind::LogRestored, "log_restored"),
];

/// Prefix of the names of custom kinds.
const CUSTOM_PREFIX: &str = "custom:";
/// Prefix of the names of kinds that later versions record.
const NEWER_PREFIX: &str = "newer:";
/// Numbers of facts that are part of every filter, known or not: directory, administration, and those kept free for
/// them. The rest of what later versions add is filtered like a habit.
const PASSING_NUMBERS: std::ops::Range<u32> = 16..64;

impl Kind {
    /// Reads a kind's name, such as `met`, `custom:org.example/visit.v1` or `newer:60`; `None` if there is no such kind.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(type_name) = name.strip_prefix(CUSTOM_PREFIX) {
            return crate::wire::is_custom_type(type_name).then(|| Self::Custom(type_name.to_owned()));
        }
        if let Some(number) = name.strip_prefix(NEWER_PREFIX) {
            return number.parse().ok().filter(|parsed: &u32| parsed.to_string() == number).map(Self::Newer);
        }
        KIND_NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| kind.clone())
    }

    /// Whether directory and administration are made of entries of this kind. Those of scope network are part of
    /// every filter and stream.
    pub fn is_common(&self) -> bool {
        let is_newer = matches!(self, Self::Newer(number) if PASSING_NUMBERS.contains(number));
        self.is_directory() || self.is_administration() || is_newer
    }

    /// Whether events of this kind can be of scope organisation: what clients record beside the directory, and changes
    /// of an organisation's plugins.
    pub fn can_be_of_organisation(&self) -> bool {
        !self.is_common() || self.is_about_plugins()
    }

    /// Whether an event of this kind changes a plugin.
    pub fn is_about_plugins(&self) -> bool {
        matches!(self, Self::PluginInstalled | Self::PluginActivated | Self::PluginPaused | Self::PluginRemoved)
    }

    /// Whether only the server writes events of this kind.
    pub fn is_administration(&self) -> bool {
        match self {
            Self::PluginInstalled
            | Self::PluginActivated
            | Self::PluginPaused
            | Self::PluginRemoved
            | Self::MemberChanged
            | Self::TokenIssued
            | Self::TokenRevoked
            | Self::PersonErased
            | Self::ErasureCompleted
            | Self::HoldChanged
            | Self::LogRestored => true,
            Self::Met
            | Self::FollowedUp
            | Self::Asked
            | Self::Helped
            | Self::Referred
            | Self::Answered
            | Self::Custom(_)
            | Self::Retracted
            | Self::OrganisationAdded
            | Self::PersonAdded
            | Self::PersonChanged
            | Self::PeopleMerged
            | Self::Newer(_) => false,
        }
    }

    /// Whether entries of this kind build the directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::OrganisationAdded | Self::PersonAdded | Self::PersonChanged | Self::PeopleMerged)
    }

    /// Whether an event of this kind can be withdrawn.
    pub fn is_retractable(&self) -> bool {
        match self {
            Self::Retracted | Self::Newer(_) => false,
            Self::PeopleMerged => true,
            other => !other.is_common(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Custom(type_name) = self {
            return write!(f, "{CUSTOM_PREFIX}{type_name}");
        }
        if let Self::Newer(number) = self {
            return write!(f, "{NEWER_PREFIX}{number}");
        }
        let named = KIND_NAMES.iter().find(|(kind, _)| kind == self);
        f.pad(named.expect("every other kind is in the table").1)
    }
}
