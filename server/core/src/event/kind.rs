//! Kinds of facts, and their names on the wire, in plugins and on the command line.

use std::fmt;

/// What kind of fact an event states, by family; custom types are kinds of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A habit.
    Habit(HabitKind),
    /// A fact of an organisation's own type.
    Custom(String),
    /// An event is withdrawn.
    Retracted,
    /// A change of the directory.
    Directory(DirectoryKind),
    /// What only the server records.
    Administration(AdministrationKind),
    /// A fact of a later version, by the number of its field.
    Newer(u32),
}

/// A kind of habit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are those of Habit")]
pub enum HabitKind {
    Met,
    FollowedUp,
    Asked,
    Helped,
    Referred,
    Answered,
}

/// A kind of change of the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are those of DirectoryFact")]
pub enum DirectoryKind {
    OrganisationAdded,
    PersonAdded,
    PersonChanged,
    PeopleMerged,
}

/// A kind of what only the server records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the variants are those of Administration")]
pub enum AdministrationKind {
    PluginInstalled,
    PluginActivated,
    PluginPaused,
    PluginRemoved,
    MemberChanged,
    TokenIssued,
    TokenRevoked,
    PolicyChanged,
    PersonErased,
    ErasureCompleted,
    HoldChanged,
    DetailsErased,
    LogRestored,
}

/// The names on the wire, in plugins and on the command line, of every kind but custom and newer ones.
const HABITS: [(HabitKind, &str); 6] = [
    (HabitKind::Met, "met"),
    (HabitKind::FollowedUp, "followed_up"),
    (HabitKind::Asked, "asked"),
    (HabitKind::Helped, "helped"),
    (HabitKind::Referred, "referred"),
    (HabitKind::Answered, "answered"),
];

/// The name of corrections.
const RETRACTED: &str = "retracted";

const DIRECTORY: [(DirectoryKind, &str); 4] = [
    (DirectoryKind::OrganisationAdded, "organisation_added"),
    (DirectoryKind::PersonAdded, "person_added"),
    (DirectoryKind::PersonChanged, "person_changed"),
    (DirectoryKind::PeopleMerged, "people_merged"),
];

const ADMINISTRATION: [(AdministrationKind, &str); 13] = [
    (AdministrationKind::PluginInstalled, "plugin_installed"),
    (AdministrationKind::PluginActivated, "plugin_activated"),
    (AdministrationKind::PluginPaused, "plugin_paused"),
    (AdministrationKind::PluginRemoved, "plugin_removed"),
    (AdministrationKind::MemberChanged, "member_changed"),
    (AdministrationKind::TokenIssued, "token_issued"),
    (AdministrationKind::TokenRevoked, "token_revoked"),
    (AdministrationKind::PolicyChanged, "policy_changed"),
    (AdministrationKind::PersonErased, "person_erased"),
    (AdministrationKind::ErasureCompleted, "erasure_completed"),
    (AdministrationKind::HoldChanged, "hold_changed"),
    (AdministrationKind::DetailsErased, "details_erased"),
    (AdministrationKind::LogRestored, "log_restored"),
];

/// Prefix of the names of custom kinds.
const CUSTOM_PREFIX: &str = "custom:";
/// Prefix of the names of kinds that later versions record.
const NEWER_PREFIX: &str = "newer:";
/// Field numbers of facts that pass every filter, known or not: directory, administration, and those reserved for them.
/// Other facts of later versions are filtered like a habit.
const PASSING_NUMBERS: std::ops::Range<u32> = 16..64;

impl Kind {
    /// Reads a kind's name, such as `met`, `custom:org.example/visit.v1` or `newer:60`; `None` if no kind has this
    /// name.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(type_name) = name.strip_prefix(CUSTOM_PREFIX) {
            return crate::wire::is_custom_type(type_name).then(|| Self::Custom(type_name.to_owned()));
        }
        if let Some(number) = name.strip_prefix(NEWER_PREFIX) {
            return number.parse().ok().filter(|parsed: &u32| parsed.to_string() == number).map(Self::Newer);
        }
        let habit = || find(&HABITS, name).map(Self::Habit);
        let directory = || find(&DIRECTORY, name).map(Self::Directory);
        let administration = || find(&ADMINISTRATION, name).map(Self::Administration);
        let retracted = (name == RETRACTED).then_some(Self::Retracted);
        retracted.or_else(habit).or_else(directory).or_else(administration)
    }

    /// Whether entries of this kind make up directory and administration. Those of scope network pass every filter and
    /// are part of every stream.
    pub fn is_common(&self) -> bool {
        match self {
            Self::Directory(_) | Self::Administration(_) => true,
            Self::Newer(number) => PASSING_NUMBERS.contains(number),
            Self::Habit(_) | Self::Custom(_) | Self::Retracted => false,
        }
    }

    /// Whether events of this kind can have scope organisation: what clients record apart from the directory, changes
    /// of an organisation's plugins, and the erasing of details of such events.
    pub fn can_be_of_organisation(&self) -> bool {
        !self.is_common() || self.is_about_plugins() || self.erases_details()
    }

    /// Whether an event of this kind changes a plugin.
    pub fn is_about_plugins(&self) -> bool {
        match self {
            Self::Administration(kind) => kind.is_about_plugins(),
            Self::Habit(_) | Self::Custom(_) | Self::Retracted | Self::Directory(_) | Self::Newer(_) => false,
        }
    }

    /// Whether an event of this kind erases a person's words.
    pub fn erases_a_person(&self) -> bool {
        *self == Self::Administration(AdministrationKind::PersonErased)
    }

    /// Whether an event of this kind erases single details.
    pub fn erases_details(&self) -> bool {
        *self == Self::Administration(AdministrationKind::DetailsErased)
    }

    /// Whether only the server writes events of this kind.
    pub fn is_administration(&self) -> bool {
        matches!(self, Self::Administration(_))
    }

    /// Whether entries of this kind change the directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory(_))
    }

    /// Whether an event of this kind can be withdrawn.
    pub fn is_retractable(&self) -> bool {
        match self {
            Self::Habit(_) | Self::Custom(_) => true,
            Self::Directory(kind) => *kind == DirectoryKind::PeopleMerged,
            Self::Retracted | Self::Administration(_) | Self::Newer(_) => false,
        }
    }
}

impl AdministrationKind {
    /// Whether an event of this kind changes a plugin.
    pub fn is_about_plugins(self) -> bool {
        match self {
            Self::PluginInstalled | Self::PluginActivated | Self::PluginPaused | Self::PluginRemoved => true,
            Self::MemberChanged
            | Self::TokenIssued
            | Self::TokenRevoked
            | Self::PolicyChanged
            | Self::PersonErased
            | Self::ErasureCompleted
            | Self::HoldChanged
            | Self::DetailsErased
            | Self::LogRestored => false,
        }
    }
}

/// The kind of a name in a table.
fn find<K: Copy>(names: &[(K, &str)], name: &str) -> Option<K> {
    names.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
}

/// The name of a kind in the table of its family.
fn name_in<K: PartialEq>(names: &[(K, &'static str)], kind: &K) -> &'static str {
    names.iter().find(|(known, _)| known == kind).expect("every kind is in the table of its family").1
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Habit(kind) => f.pad(name_in(&HABITS, kind)),
            Self::Custom(type_name) => write!(f, "{CUSTOM_PREFIX}{type_name}"),
            Self::Retracted => f.pad(RETRACTED),
            Self::Directory(kind) => f.pad(name_in(&DIRECTORY, kind)),
            Self::Administration(kind) => f.pad(name_in(&ADMINISTRATION, kind)),
            Self::Newer(number) => write!(f, "{NEWER_PREFIX}{number}"),
        }
    }
}
