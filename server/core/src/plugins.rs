//! Which plugins a network has: what its administration entries come to.
//!
//! Invariant: equal entries give equal plugins, on every machine. A fact that breaks a rule changes nothing.

use crate::{
    entry::Entry,
    event::{Administration, Scope},
    id::{OrganisationId, PrincipalId},
    limits::{PLUGIN_VERSIONS_MAX, PLUGINS_MAX},
    position::Position,
    timestamp::Timestamp,
};
use std::collections::BTreeMap;

/// The plugins of a network, by name. Built-in views are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plugins(BTreeMap<String, Plugin>);

/// Views of one name: every version that is installed, and which of them answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    owner: PluginOwner,
    /// Oldest first, never empty.
    versions: Vec<PluginVersion>,
    /// Versions that were activated and can be gone back to, by name; the last one answers.
    activated: Vec<String>,
    /// Where it was paused, while it is.
    paused_at: Option<Position>,
}

/// Whose events a plugin folds, and who sees its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginOwner {
    /// Everybody in the network; it folds events of scope network only.
    Network,
    /// One organisation; it folds that organisation's own events too.
    Organisation(OrganisationId),
}

/// One version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginVersion {
    /// What it is called, once in a plugin.
    pub version: String,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// Settings as JSON text.
    pub settings: String,
    /// Where it was installed.
    pub installed_at: Position,
    /// When it was installed.
    pub installed_on: Timestamp,
    /// Who installed it.
    pub installed_by: PrincipalId,
}

/// Why a change of plugins is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginRefusal {
    /// No plugin has this name.
    #[error("no plugin is called `{0}`")]
    Unknown(String),
    /// The plugin has no such version, or that version is another component.
    #[error("`{name}` has no version {version} of this component")]
    VersionUnknown {
        /// The plugin.
        name: String,
        /// The version asked for.
        version: String,
    },
    /// The name belongs to another organisation, or to the network.
    #[error("the name `{0}` is taken in another scope")]
    NameTaken(String),
    /// The version is installed already.
    #[error("version {version} of `{name}` is installed already")]
    VersionTaken {
        /// The plugin.
        name: String,
        /// Its version.
        version: String,
    },
    /// An organisation's plugin is installed by that organisation's tokens only.
    #[error("a plugin of scope organisation needs a token with an organisation")]
    NoOrganisation,
    /// The network has so many plugins already.
    #[error("the network has {PLUGINS_MAX} plugins, which is the limit: remove one first")]
    TooMany,
    /// It is already as it is asked to be.
    #[error("`{0}` is so already")]
    Unchanged(String),
}

impl PluginOwner {
    /// Whose a plugin of this scope is that somebody of an organisation installs.
    pub fn of(scope: Scope, organisation: Option<&OrganisationId>) -> Result<Self, PluginRefusal> {
        match scope {
            Scope::Network => Ok(Self::Network),
            Scope::Organisation => organisation.cloned().map(Self::Organisation).ok_or(PluginRefusal::NoOrganisation),
        }
    }
}

impl Plugins {
    /// Takes in what an administration event says. Entries come in the order of their positions.
    pub fn apply(&mut self, fact: &Administration, entry: &Entry) {
        if self.check(fact, entry.organisation.as_ref()).is_ok() {
            self.change(fact, entry);
        }
    }

    /// Whether a fact that somebody of this organisation wants to record obeys the rules. Facts about anything else
    /// than plugins do.
    pub fn check(&self, fact: &Administration, organisation: Option<&OrganisationId>) -> Result<(), PluginRefusal> {
        match fact {
            Administration::PluginInstalled { name, version, scope, .. } => {
                self.check_install(name, version, &PluginOwner::of(*scope, organisation)?)
            }
            Administration::PluginActivated { name, version, component } => {
                let plugin = self.known(name)?;
                let is_it = |found: &&PluginVersion| found.component == *component;
                plugin
                    .version(version)
                    .filter(is_it)
                    .ok_or_else(|| PluginRefusal::VersionUnknown { name: name.clone(), version: version.clone() })?;
                refuse_if(plugin.activated.last() == Some(version), || PluginRefusal::Unchanged(name.clone()))
            }
            Administration::PluginPaused { name, paused } => {
                refuse_if(self.known(name)?.is_paused() == *paused, || PluginRefusal::Unchanged(name.clone()))
            }
            Administration::PluginRemoved { name } => self.known(name).map(drop),
            Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::LogRestored { .. } => Ok(()),
        }
    }

    fn check_install(&self, name: &str, version: &str, owner: &PluginOwner) -> Result<(), PluginRefusal> {
        let Some(plugin) = self.0.get(name) else {
            return refuse_if(self.0.len() >= PLUGINS_MAX, || PluginRefusal::TooMany);
        };
        refuse_if(plugin.owner != *owner, || PluginRefusal::NameTaken(name.to_owned()))?;
        refuse_if(plugin.version(version).is_some(), || PluginRefusal::VersionTaken {
            name: name.to_owned(),
            version: version.to_owned(),
        })
    }

    fn known(&self, name: &str) -> Result<&Plugin, PluginRefusal> {
        self.0.get(name).ok_or_else(|| PluginRefusal::Unknown(name.to_owned()))
    }

    /// Makes a change that obeys the rules.
    fn change(&mut self, fact: &Administration, entry: &Entry) {
        match fact {
            Administration::PluginInstalled { name, version, component, settings, scope } => {
                let installed = PluginVersion {
                    version: version.clone(),
                    component: *component,
                    settings: settings.clone(),
                    installed_at: entry.position,
                    installed_on: entry.recorded_at,
                    installed_by: entry.recorded_by.clone(),
                };
                let owner = PluginOwner::of(*scope, entry.organisation.as_ref()).expect("the fact was checked");
                let new = Plugin { owner, versions: Vec::new(), activated: Vec::new(), paused_at: None };
                self.0.entry(name.clone()).or_insert(new).install(installed);
            }
            Administration::PluginActivated { name, version, .. } => {
                self.0.get_mut(name).expect("the fact was checked").activate(version);
            }
            Administration::PluginPaused { name, paused } => {
                self.0.get_mut(name).expect("the fact was checked").paused_at = paused.then_some(entry.position);
            }
            Administration::PluginRemoved { name } => drop(self.0.remove(name)),
            Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::LogRestored { .. } => {}
        }
    }

    /// A plugin by its name.
    pub fn get(&self, name: &str) -> Option<&Plugin> {
        self.0.get(name)
    }

    /// Every plugin with its name, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Plugin)> {
        self.0.iter().map(|(name, plugin)| (name.as_str(), plugin))
    }

    /// Whether some version of some plugin is this component, so that its bytes must be kept.
    pub fn uses(&self, component: &[u8; 32]) -> bool {
        self.0.values().flat_map(|plugin| &plugin.versions).any(|version| version.component == *component)
    }
}

impl Plugin {
    /// Whose it is.
    pub fn owner(&self) -> &PluginOwner {
        &self.owner
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> &[PluginVersion] {
        &self.versions
    }

    /// Whether it stands still: its rows answer, and take in nothing new.
    pub fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// Position of the entry that paused it, if it stands still: its rows are as of that position, or of an earlier one
    /// if it was behind.
    pub fn paused_at(&self) -> Option<Position> {
        self.paused_at
    }

    /// A version by its name.
    pub fn version(&self, version: &str) -> Option<&PluginVersion> {
        self.versions.iter().find(|known| known.version == version)
    }

    /// The version that answers; none until the first activation.
    pub fn active(&self) -> Option<&PluginVersion> {
        self.version(self.activated.last()?)
    }

    /// The version that a rollback activates: the one that answered before.
    pub fn before(&self) -> Option<&PluginVersion> {
        let before = self.activated.len().checked_sub(2)?;
        self.version(&self.activated[before])
    }

    /// The versions whose rows are kept up to date: the one that answers, the one before it, and the newest.
    pub fn followed(&self) -> Vec<&PluginVersion> {
        let mut followed = Vec::from_iter(self.active());
        for version in self.before().into_iter().chain(self.versions.last()) {
            if !followed.contains(&version) {
                followed.push(version);
            }
        }
        followed
    }

    /// Adds a version. Where there are too many, the oldest goes that neither answers nor is next in a rollback.
    fn install(&mut self, version: PluginVersion) {
        if self.versions.len() >= PLUGIN_VERSIONS_MAX {
            let needed = [self.active(), self.before()].map(|kept| kept.map(|kept| kept.version.clone()));
            let spare = self.versions.iter().position(|old| !needed.contains(&Some(old.version.clone())));
            let gone = self.versions.remove(spare.expect("only two versions are needed"));
            self.activated.retain(|known| *known != gone.version);
        }
        self.versions.push(version);
    }

    /// Lets a version answer. Going to the one before forgets the one left, so that a further rollback goes further
    /// back; a version stands in the list once.
    fn activate(&mut self, version: &str) {
        if self.before().is_some_and(|before| before.version == version) {
            self.activated.pop();
            return;
        }
        self.activated.retain(|known| known != version);
        self.activated.push(version.to_owned());
    }
}

fn refuse_if(refused: bool, why: impl FnOnce() -> PluginRefusal) -> Result<(), PluginRefusal> {
    if refused { Err(why()) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
