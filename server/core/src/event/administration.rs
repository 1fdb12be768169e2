//! Administration: what only the server records.

use super::{AdministrationKind, Grant, Policy, Role};
use crate::{
    id::{CaseReference, CertificateUri, EventId, MemberId, OrganisationId, PersonId, RecordsReason, TokenId},
    timestamp::Timestamp,
};

/// How the removal of a plugin names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovedPlugin {
    /// By its name, for its owner.
    Named(String),
    /// By the event that installed its first version, for an owner of the network who may see nothing else of it.
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
        member: MemberId,
        role: Option<Role>,
        organisation: Option<OrganisationId>,
        identity: Option<CertificateUri>,
    },
    TokenIssued {
        token: TokenId,
        grant: Grant,
        person: Option<PersonId>,
        organisation: Option<OrganisationId>,
        expires_at: Option<Timestamp>,
        /// SHA-256 of the SHA-256 of its secret; missing in entries of earlier versions.
        secret_digest: Option<[u8; 32]>,
    },
    TokenRevoked {
        token: TokenId,
    },
    PolicyChanged {
        policy: Policy,
    },
    PersonErased {
        person: PersonId,
        reason: RecordsReason,
        reference: Option<CaseReference>,
    },
    ErasureCompleted {
        person: PersonId,
        erasure: EventId,
        details_erased: u64,
        keys_destroyed: u32,
    },
    HoldChanged {
        person: PersonId,
        held: bool,
        reason: RecordsReason,
        reference: CaseReference,
    },
    DetailsErased {
        event: EventId,
        /// Ascending.
        details: Vec<u32>,
        reason: RecordsReason,
        reference: Option<CaseReference>,
    },
    LogRestored {
        incarnation: [u8; 16],
        lost_head: u64,
        lost_root: [u8; 32],
        /// Whether the log was restored from a backup that the server had not signed.
        unverified: bool,
    },
}

impl Administration {
    /// Which fact it is.
    pub fn kind(&self) -> AdministrationKind {
        match self {
            Self::PluginInstalled { .. } => AdministrationKind::PluginInstalled,
            Self::PluginActivated { .. } => AdministrationKind::PluginActivated,
            Self::PluginPaused { .. } => AdministrationKind::PluginPaused,
            Self::PluginRemoved { .. } => AdministrationKind::PluginRemoved,
            Self::MemberChanged { .. } => AdministrationKind::MemberChanged,
            Self::TokenIssued { .. } => AdministrationKind::TokenIssued,
            Self::TokenRevoked { .. } => AdministrationKind::TokenRevoked,
            Self::PolicyChanged { .. } => AdministrationKind::PolicyChanged,
            Self::PersonErased { .. } => AdministrationKind::PersonErased,
            Self::ErasureCompleted { .. } => AdministrationKind::ErasureCompleted,
            Self::HoldChanged { .. } => AdministrationKind::HoldChanged,
            Self::DetailsErased { .. } => AdministrationKind::DetailsErased,
            Self::LogRestored { .. } => AdministrationKind::LogRestored,
        }
    }

    /// Whether it erases or holds words.
    pub fn is_about_records(&self) -> bool {
        match self {
            Self::PersonErased { .. }
            | Self::ErasureCompleted { .. }
            | Self::HoldChanged { .. }
            | Self::DetailsErased { .. } => true,
            Self::PluginInstalled { .. }
            | Self::PluginActivated { .. }
            | Self::PluginPaused { .. }
            | Self::PluginRemoved { .. }
            | Self::MemberChanged { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::PolicyChanged { .. }
            | Self::LogRestored { .. } => false,
        }
    }

    /// Whether it ends a membership.
    pub fn ends_a_membership(&self) -> bool {
        matches!(self, Self::MemberChanged { role: None, .. })
    }

    /// Whether it changes who may act in the network, or what the network demands of new events.
    pub fn is_about_authority(&self) -> bool {
        match self {
            Self::MemberChanged { .. }
            | Self::TokenIssued { .. }
            | Self::TokenRevoked { .. }
            | Self::PolicyChanged { .. }
            | Self::PersonErased { .. } => true,
            Self::PluginInstalled { .. }
            | Self::PluginActivated { .. }
            | Self::PluginPaused { .. }
            | Self::PluginRemoved { .. }
            | Self::ErasureCompleted { .. }
            | Self::HoldChanged { .. }
            | Self::DetailsErased { .. }
            | Self::LogRestored { .. } => false,
        }
    }

    /// The person it is about.
    pub(super) fn person(&self) -> Option<&PersonId> {
        match self {
            Self::TokenIssued { person, .. } => person.as_ref(),
            Self::MemberChanged { member, .. } => member.person(),
            Self::PersonErased { person, .. }
            | Self::ErasureCompleted { person, .. }
            | Self::HoldChanged { person, .. } => Some(person),
            Self::PluginInstalled { .. }
            | Self::PluginActivated { .. }
            | Self::PluginPaused { .. }
            | Self::PluginRemoved { .. }
            | Self::TokenRevoked { .. }
            | Self::PolicyChanged { .. }
            | Self::DetailsErased { .. }
            | Self::LogRestored { .. } => None,
        }
    }
}
