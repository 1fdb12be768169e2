//! Which plugins a network has, as its administration entries state.
//!
//! Invariant: equal entries give equal plugins on every machine. A fact that breaks a rule changes nothing, and no rule
//! of a plugin depends on plugins of other organisations: a reader that sees fewer entries has the same plugins, except
//! those that it may not see.

mod settings;

pub use settings::{PluginSettings, SettingsInvalid};

use crate::{
    entry::Entry,
    event::{Administration, Event, Fact, RemovedPlugin, Scope},
    id::{EventId, OrganisationId, PrincipalId},
    limits::{ORGANISATION_PLUGINS_MAX, PLUGIN_VERSIONS_MAX, PLUGINS_MAX},
    position::Position,
    timestamp::Timestamp,
};
use std::collections::BTreeMap;

/// The plugins of a network, by owner and name. Built-in views are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plugins(BTreeMap<PluginKey, Plugin>);

/// A plugin's key: two owners may each have a plugin of the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PluginKey {
    /// Its owner.
    pub owner: PluginOwner,
    /// The name of its view.
    pub name: String,
}

/// A plugin: its installed versions, and which of them answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The event that installed its first version.
    installed: EventId,
    /// Oldest first, never empty.
    versions: Vec<PluginVersion>,
    /// Names of activated versions that a rollback can return to; the last one answers.
    activated: Vec<String>,
    /// Where it was paused, if it is paused.
    paused_at: Option<Position>,
}

/// Whose events a plugin folds, and who sees its rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PluginOwner {
    /// Everybody in the network; it folds events of scope network only.
    Network,
    /// One organisation; it folds that organisation's own events too.
    Organisation(OrganisationId),
}

/// One version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginVersion {
    /// Its name, unique within the plugin.
    pub version: String,
    /// SHA-256 of the component.
    pub component: [u8; 32],
    /// Settings as JSON text.
    pub settings: String,
    /// Position at which it was installed.
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
    /// The plugin has no such version, or that version has another component.
    #[error("`{name}` has no version {version} of this component")]
    VersionUnknown {
        /// The plugin.
        name: String,
        /// The version asked for.
        version: String,
    },
    /// The network has a plugin of the name that an organisation chose.
    #[error("the network has a plugin called `{0}`: give yours another name")]
    NameTaken(String),
    /// No plugin was installed by this event.
    #[error("no plugin was installed by the event {0}")]
    InstallationUnknown(EventId),
    /// The version is installed already.
    #[error("version {version} of `{name}` is installed already")]
    VersionTaken {
        /// The plugin.
        name: String,
        /// Its version.
        version: String,
    },
    /// Only an organisation's own tokens install its plugins.
    #[error("a plugin of scope organisation needs a token with an organisation")]
    NoOrganisation,
    /// The owner has as many plugins as it may have.
    #[error("{} plugins, which is the limit: remove one first", had_by(.0))]
    TooMany(PluginOwner),
    /// It is already in the requested state.
    #[error("`{0}` is already in that state")]
    Unchanged(String),
}

impl PluginOwner {
    /// The owner of a plugin of this scope that somebody of an organisation installs.
    pub fn of(scope: Scope, organisation: Option<&OrganisationId>) -> Result<Self, PluginRefusal> {
        match scope {
            Scope::Network => Ok(Self::Network),
            Scope::Organisation => organisation.cloned().map(Self::Organisation).ok_or(PluginRefusal::NoOrganisation),
        }
    }
}

impl PluginOwner {
    /// Whether members of this organisation see its plugins: it is the organisation itself or the network.
    pub fn is_seen_by(&self, organisation: Option<&OrganisationId>) -> bool {
        match self {
            Self::Network => true,
            Self::Organisation(owner) => organisation == Some(owner),
        }
    }

    /// Scope of the events that change its plugins.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Network => Scope::Network,
            Self::Organisation(_) => Scope::Organisation,
        }
    }

    fn plugins_max(&self) -> usize {
        match self {
            Self::Network => PLUGINS_MAX,
            Self::Organisation(_) => ORGANISATION_PLUGINS_MAX,
        }
    }

    /// Where a name is looked up for somebody of an organisation: among that organisation's plugins, then the
    /// network's.
    pub fn in_order_of_lookup(organisation: Option<&OrganisationId>) -> impl Iterator<Item = Self> {
        organisation.cloned().map(Self::Organisation).into_iter().chain([Self::Network])
    }
}

fn had_by(owner: &PluginOwner) -> String {
    match owner {
        PluginOwner::Network => format!("the network has {PLUGINS_MAX}"),
        PluginOwner::Organisation(_) => format!("the organisation has {ORGANISATION_PLUGINS_MAX}"),
    }
}

impl PluginKey {
    /// The plugin of a name that an owner has.
    pub fn new(owner: PluginOwner, name: impl Into<String>) -> Self {
        Self { owner, name: name.into() }
    }
}

impl Plugins {
    /// Applies an event, if it is an administration event. Events must be applied in order of position.
    pub fn apply(&mut self, event: &Event, entry: &Entry) {
        let Fact::Administration(fact) = &event.fact else { return };
        if self.check(fact, event.scope, entry.organisation.as_ref()).is_ok() {
            self.change(fact, event, entry);
        }
    }

    /// Checks whether a fact that somebody of this organisation wants to record in a scope obeys the rules. Facts that
    /// are not about plugins always do.
    pub fn check(
        &self,
        fact: &Administration,
        scope: Scope,
        organisation: Option<&OrganisationId>,
    ) -> Result<(), PluginRefusal> {
        let key = |name: &String| Ok(PluginKey::new(PluginOwner::of(scope, organisation)?, name.clone()));
        match fact {
            Administration::PluginInstalled { name, version, .. } => self.check_install(&key(name)?, version),
            Administration::PluginActivated { name, version, component } => {
                let plugin = self.known(&key(name)?)?;
                let is_it = |found: &&PluginVersion| found.component == *component;
                plugin
                    .version(version)
                    .filter(is_it)
                    .ok_or_else(|| PluginRefusal::VersionUnknown { name: name.clone(), version: version.clone() })?;
                refuse_if(plugin.activated.last() == Some(version), || PluginRefusal::Unchanged(name.clone()))
            }
            Administration::PluginPaused { name, paused } => {
                refuse_if(self.known(&key(name)?)?.is_paused() == *paused, || PluginRefusal::Unchanged(name.clone()))
            }
            Administration::PluginRemoved { plugin: RemovedPlugin::Named(name) } => self.known(&key(name)?).map(drop),
            Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id) } => {
                let is_there = scope == Scope::Network && self.find_installed(id).is_some();
                refuse_if(!is_there, || PluginRefusal::InstallationUnknown(*id))
            }
            Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PolicyChanged { .. }
            | Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::DetailsErased { .. }
            | Administration::LogRestored { .. } => Ok(()),
        }
    }

    fn check_install(&self, key: &PluginKey, version: &str) -> Result<(), PluginRefusal> {
        let Some(plugin) = self.get(key) else {
            let of_network = PluginKey::new(PluginOwner::Network, key.name.clone());
            refuse_if(self.get(&of_network).is_some(), || PluginRefusal::NameTaken(key.name.clone()))?;
            let count = self.0.keys().filter(|known| known.owner == key.owner).count();
            return refuse_if(count >= key.owner.plugins_max(), || PluginRefusal::TooMany(key.owner.clone()));
        };
        refuse_if(plugin.version(version).is_some(), || PluginRefusal::VersionTaken {
            name: key.name.clone(),
            version: version.to_owned(),
        })
    }

    fn known(&self, key: &PluginKey) -> Result<&Plugin, PluginRefusal> {
        self.get(key).ok_or_else(|| PluginRefusal::Unknown(key.name.clone()))
    }

    /// Makes a change that has been checked.
    fn change(&mut self, fact: &Administration, event: &Event, entry: &Entry) {
        let owner = || PluginOwner::of(event.scope, entry.organisation.as_ref()).expect("the fact was checked");
        let key = |name: &String| PluginKey::new(owner(), name.clone());
        match fact {
            Administration::PluginInstalled { name, version, component, settings } => {
                let installed = PluginVersion {
                    version: version.clone(),
                    component: *component,
                    settings: settings.clone(),
                    installed_at: entry.position,
                    installed_on: entry.recorded_at,
                    installed_by: entry.recorded_by.clone(),
                };
                let new = Plugin { installed: event.id, versions: Vec::new(), activated: Vec::new(), paused_at: None };
                self.0.entry(key(name)).or_insert(new).install(installed);
            }
            Administration::PluginActivated { name, version, .. } => self.known_mut(&key(name)).activate(version),
            Administration::PluginPaused { name, paused } => {
                self.known_mut(&key(name)).paused_at = paused.then_some(entry.position);
            }
            Administration::PluginRemoved { plugin: RemovedPlugin::Named(name) } => drop(self.0.remove(&key(name))),
            Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id) } => {
                self.0.retain(|_, plugin| plugin.installed != *id);
            }
            Administration::MemberChanged { .. }
            | Administration::TokenIssued { .. }
            | Administration::TokenRevoked { .. }
            | Administration::PolicyChanged { .. }
            | Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::DetailsErased { .. }
            | Administration::LogRestored { .. } => {}
        }
    }

    fn known_mut(&mut self, key: &PluginKey) -> &mut Plugin {
        self.0.get_mut(key).expect("the fact was checked")
    }

    /// A plugin by its owner and name.
    pub fn get(&self, key: &PluginKey) -> Option<&Plugin> {
        self.0.get(key)
    }

    /// The plugin that a name means for somebody of an organisation: that organisation's own, or else the network's.
    pub fn find(&self, name: &str, organisation: Option<&OrganisationId>) -> Option<(&PluginKey, &Plugin)> {
        PluginOwner::in_order_of_lookup(organisation)
            .find_map(|owner| self.0.get_key_value(&PluginKey::new(owner, name)))
    }

    /// The plugin whose first version was installed by an event.
    pub fn find_installed(&self, id: &EventId) -> Option<(&PluginKey, &Plugin)> {
        self.iter().find(|(_, plugin)| plugin.installed == *id)
    }

    /// Every plugin, in the order of owners and names.
    pub fn iter(&self) -> impl Iterator<Item = (&PluginKey, &Plugin)> {
        self.0.iter()
    }

    /// The plugins that somebody of an organisation may see.
    #[must_use]
    pub fn seen_by(&self, organisation: Option<&OrganisationId>) -> Self {
        let seen = self.iter().filter(|(key, _)| key.owner.is_seen_by(organisation));
        Self(seen.map(|(key, plugin)| (key.clone(), plugin.clone())).collect())
    }

    /// Whether some version of some plugin is this component, so that its bytes must be kept.
    pub fn uses(&self, component: &[u8; 32]) -> bool {
        self.0.values().flat_map(|plugin| &plugin.versions).any(|version| version.component == *component)
    }
}

impl Plugin {
    /// The event that installed its first version: it identifies the plugin to those who may see nothing else of it.
    pub fn installed(&self) -> EventId {
        self.installed
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> &[PluginVersion] {
        &self.versions
    }

    /// Whether it is paused: its rows still answer but are not updated.
    pub fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// Position of the entry that paused it, if it is paused: its rows are as of that position, or an earlier one if it
    /// lagged.
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

    /// Adds a version. If there are too many, removes the oldest that neither answers nor is next in a rollback.
    fn install(&mut self, version: PluginVersion) {
        if self.versions.len() >= PLUGIN_VERSIONS_MAX {
            let needed = [self.active(), self.before()].map(|kept| kept.map(|kept| kept.version.clone()));
            let spare = self.versions.iter().position(|old| !needed.contains(&Some(old.version.clone())));
            let gone = self.versions.remove(spare.expect("only two versions are needed"));
            self.activated.retain(|known| *known != gone.version);
        }
        self.versions.push(version);
    }

    /// Makes a version answer. Returning to the previous version removes the current one from the list, so that the
    /// next rollback goes further back; the list names each version once.
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
