//! The life cycle of plugins: each change is an entry of the network's log first, and then what the log says is so.
//!
//! Invariant: changes of all networks are made one after the other, so that what was checked still holds when it is
//! recorded, and no component is forgotten that somebody just named.

mod error;

pub(crate) use self::error::{Misfit, PluginChangeError};

use crate::{
    compile::CompileError,
    limits::{VIEW_WAIT, VIEWS_RETRY},
    node::Node,
    views::{Served, ServedView, is_builtin},
};
use bytes::Bytes;
use kith_bundle::BUILTINS;
use kith_core::{
    event::{Administration, RemovedPlugin, Scope},
    id::EventId,
    may::{Action, Principal, may},
    plugins::{Plugin, PluginKey, PluginOwner, PluginRefusal, PluginSettings, PluginVersion, Plugins},
    position::Position,
};
use kith_log::{ComponentDigest, Network};
use kith_views::Declared;
use tokio::sync::{Mutex, MutexGuard};

/// Held by whoever changes plugins.
#[derive(Default)]
pub(crate) struct Changes(Mutex<()>);

impl Changes {
    async fn begin(&self) -> MutexGuard<'_, ()> {
        self.0.lock().await
    }
}

/// A plugin to install.
pub(crate) struct NewPlugin {
    /// The view's name; the manifest's if there is none.
    pub(crate) name: Option<String>,
    /// JSON text; no settings if it is empty.
    pub(crate) settings: String,
    pub(crate) scope: Scope,
    pub(crate) component: Bytes,
}

/// What became of it.
pub(crate) struct Installed {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) component: ComponentDigest,
    pub(crate) position: Position,
    /// Whether it was installed before, and nothing had to change.
    pub(crate) before: bool,
    pub(crate) active: bool,
}

/// Whose plugin it is that a principal installs in a scope, if the principal may.
pub(crate) fn owner_to_change(principal: &Principal, scope: Scope) -> Result<PluginOwner, PluginChangeError> {
    let owner = PluginOwner::of(scope, principal.organisation.as_ref())?;
    if may(principal, &Action::ChangePlugin(&owner)) {
        return Ok(owner);
    }
    Err(PluginChangeError::Forbidden)
}

impl Node {
    /// Starts the built-in views that could not be started, now and then, for as long as the server runs.
    pub(crate) async fn keep_views(&self) {
        loop {
            tokio::time::sleep(VIEWS_RETRY).await;
            for network in self.log().networks() {
                if !self.views().have_started(&network) {
                    let _alone = self.plugin_changes().begin().await;
                    self.views().follow(&network).await;
                }
            }
        }
    }

    /// Checks a component, records it, and lets its view follow beside the one that answers. Compiling it stops when
    /// its caller is `gone`.
    pub(crate) async fn install_plugin(
        &self,
        network: &Network,
        principal: &Principal,
        new: NewPlugin,
        gone: impl Future<Output = ()>,
    ) -> Result<Installed, PluginChangeError> {
        let owner = owner_to_change(principal, new.scope)?;
        let settings = String::from(new.settings.parse::<PluginSettings>()?);
        // The code is held until the view that is made of it holds it, too.
        let (declared, _compiled) = tokio::select! {
            inspected = self.views().inspect(principal, new.component.clone(), settings.clone()) => inspected?,
            () = gone => return Err(CompileError::Gone.into()),
        };
        let name = new.name.unwrap_or_else(|| declared.name().to_owned());
        check_name(&name)?;

        if let (PluginOwner::Network, "{}", Some(builtin)) = (&owner, settings.as_str(), builtin_of(&new.component)) {
            return Err(PluginChangeError::SameAsBuiltIn(builtin));
        }
        let key = PluginKey::new(owner, name);
        let _turn = self.plugin_changes().begin().await;
        self.check_fits(network, principal, &key, &declared)?;
        let digest = self.log().put_component(new.component).await?;
        let plugins = network.plugins();
        if let Some(installed) = same(&plugins, &key.owner, &digest, &settings) {
            let installed = Same { wanted: &key.name, ..installed }.answer();
            self.forget_components().await?;
            return installed;
        }
        let version = free_version(plugins.get(&key), declared.version());
        let name = key.name.clone();
        let install = Administration::PluginInstalled {
            name: name.clone(),
            version: version.clone(),
            component: digest,
            settings,
        };
        if let Err(refusal) = plugins.check(&install, new.scope, principal.organisation.as_ref()) {
            self.forget_components().await?;
            return Err(refusal.into());
        }
        let active = plugins.get(&key).is_none();
        let activate =
            Administration::PluginActivated { name: name.clone(), version: version.clone(), component: digest };
        let facts = if active { vec![install, activate] } else { vec![install] };
        let position = match network.administer(principal, new.scope, facts).await {
            Ok(position) => position,
            Err(error) => {
                self.forget_components().await?;
                return Err(error.into());
            }
        };
        tracing::info!(network = %network.name(), plugin = name, version, "plugin installed");
        self.views().follow(network).await;
        self.forget_components().await?;
        Ok(Installed { name, version, component: digest, position, before: false, active })
    }

    /// Whether a report finds what it reads, and a further version is what the ones before it are.
    fn check_fits(
        &self,
        network: &Network,
        principal: &Principal,
        key: &PluginKey,
        declared: &Declared,
    ) -> Result<(), Misfit> {
        let (views, PluginKey { owner, name }) = (self.views(), key);
        let answering = views.answering(network.name(), key);
        let is_report = matches!(answering, Some(Served::Report(_)));
        let Declared::Report(report) = declared else {
            return if is_report { Err(Misfit::NameOfReport(name.clone())) } else { Ok(()) };
        };
        let is_view = matches!(answering, Some(Served::View(_)));
        if is_view {
            return Err(Misfit::NameOfView(name.clone()));
        }
        for input in &report.inputs {
            let view = &input.view;
            let Some(found) = views.input(network.name(), view, owner) else {
                let is_own = views.find(network.name(), view, principal).is_some();
                let view = view.clone();
                return Err(if is_own { Misfit::InputOfOrganisation(view) } else { Misfit::InputMissing(view) });
            };
            let has = |field: &&String| found.handle.fields().iter().any(|known| known.name == **field);
            if let Some(field) = input.fields.iter().find(|field| !has(field)) {
                return Err(Misfit::FieldMissing { view: view.clone(), field: field.clone() });
            }
        }
        Ok(())
    }

    /// Lets a version answer, if its view is built; position 0 if it did before.
    pub(crate) async fn activate_plugin(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
        version: &str,
    ) -> Result<Position, PluginChangeError> {
        let _turn = self.plugin_changes().begin().await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let Some(version) = plugin.version(version) else { return Err(version_unknown(name, version)) };
        if plugin.active() == Some(version) {
            return Ok(Position::ZERO);
        }
        self.activate(network, principal, (key, plugin), version).await
    }

    /// Lets the version answer again that did before.
    pub(crate) async fn rollback_plugin(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
    ) -> Result<(String, Position), PluginChangeError> {
        let _turn = self.plugin_changes().begin().await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let Some(version) = plugin.before() else {
            return Err(PluginChangeError::NothingBefore(name.to_owned()));
        };
        let position = self.activate(network, principal, (key, plugin), version).await?;
        Ok((version.version.clone(), position))
    }

    async fn activate(
        &self,
        network: &Network,
        principal: &Principal,
        (key, plugin): (&PluginKey, &Plugin),
        version: &PluginVersion,
    ) -> Result<Position, PluginChangeError> {
        self.views().keep_version(network, key, plugin, version).await;
        self.await_built(network, key, version).await?;
        let (name, scope) = (&key.name, key.owner.scope());
        let fact = Administration::PluginActivated {
            name: name.clone(),
            version: version.version.clone(),
            component: version.component,
        };
        let position = network.administer(principal, scope, vec![fact]).await?;
        tracing::info!(network = %network.name(), plugin = name, version = version.version, "plugin activated");
        self.views().follow(network).await;
        Ok(position)
    }

    /// Waits a little for a version's view to be level with the log: nobody is to see a half-built one.
    async fn await_built(
        &self,
        network: &Network,
        key: &PluginKey,
        version: &PluginVersion,
    ) -> Result<(), PluginChangeError> {
        let wanted = (key, version.version.as_str());
        let ServedView { handle, paused, .. } = match self.views().version(network.name(), wanted) {
            Some(Ok(Served::View(view))) => view,
            Some(Ok(Served::Report(_))) => return Ok(()),
            Some(Err(problem)) => return Err(problem.into()),
            None => return Err(PluginChangeError::Stopped),
        };
        if paused && handle.cursor().day.is_some() {
            return Ok(());
        }
        let head = network.head();
        match tokio::time::timeout(VIEW_WAIT, handle.wait_for(head)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) if !paused => Err(PluginChangeError::Stopped),
            Ok(Err(_)) | Err(_) => {
                let cursor = handle.cursor().position;
                let (name, version) = (key.name.clone(), version.version.clone());
                Err(PluginChangeError::Building { name, version, cursor, head })
            }
        }
    }

    /// Holds a plugin where it is, or lets it go on; position 0 if it is so already.
    pub(crate) async fn pause_plugin(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
        pause: Pause,
    ) -> Result<Position, PluginChangeError> {
        let _turn = self.plugin_changes().begin().await;
        let paused = pause == Pause::Hold;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        if plugin.is_paused() == paused {
            return Ok(Position::ZERO);
        }
        if matches!(self.views().answering(network.name(), key), Some(Served::Report(_))) {
            return Err(PluginChangeError::NothingToPause(name.to_owned()));
        }
        let (fact, scope) = (Administration::PluginPaused { name: name.to_owned(), paused }, key.owner.scope());
        let position = network.administer(principal, scope, vec![fact]).await?;
        tracing::info!(network = %network.name(), plugin = name, paused, "plugin paused or resumed");
        self.views().follow(network).await;
        Ok(position)
    }

    /// Removes a plugin with its rows, and its components unless another plugin names them.
    pub(crate) async fn remove_plugin(
        &self,
        network: &Network,
        principal: &Principal,
        name: &str,
    ) -> Result<Position, PluginChangeError> {
        let _turn = self.plugin_changes().begin().await;
        let plugins = network.plugins();
        let (key, _) = changeable(&plugins, principal, name)?;
        let removed = RemovedPlugin::Named(name.to_owned());
        self.remove(network, principal, key.owner.scope(), removed).await
    }

    /// Removes a plugin that the principal need not be able to see, by the event that installed its first version.
    pub(crate) async fn end_plugin(
        &self,
        network: &Network,
        principal: &Principal,
        installed: EventId,
    ) -> Result<Position, PluginChangeError> {
        if !may(principal, &Action::EndPlugin) {
            return Err(PluginChangeError::Forbidden);
        }
        let _turn = self.plugin_changes().begin().await;
        let removed = RemovedPlugin::Installed(installed);
        let fact = Administration::PluginRemoved { plugin: removed.clone() };
        network.plugins().check(&fact, Scope::Network, None)?;
        self.remove(network, principal, Scope::Network, removed).await
    }

    async fn remove(
        &self,
        network: &Network,
        principal: &Principal,
        scope: Scope,
        plugin: RemovedPlugin,
    ) -> Result<Position, PluginChangeError> {
        let fact = Administration::PluginRemoved { plugin };
        let position = network.administer(principal, scope, vec![fact]).await?;
        tracing::info!(network = %network.name(), %position, "plugin removed");
        self.views().follow(network).await;
        self.forget_components().await?;
        Ok(position)
    }

    /// Forgets components that no plugin of any network names any more.
    async fn forget_components(&self) -> Result<(), PluginChangeError> {
        let log = self.log().clone();
        let kept = crate::blocking(move || log.components()).await?;
        let used: Vec<_> = self.log().networks().iter().map(Network::plugins).collect();
        for digest in kept.iter().filter(|digest| !used.iter().any(|plugins| plugins.uses(digest))) {
            self.log().remove_component(digest).await?;
        }
        self.views().forget_code().await;
        Ok(())
    }
}

/// Whether a plugin stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    Hold,
    GoOn,
}

/// The plugin that a name means to the principal, if it may change that; one that it may not even see is not there.
fn changeable<'a>(
    plugins: &'a Plugins,
    principal: &Principal,
    name: &str,
) -> Result<(&'a PluginKey, &'a Plugin), PluginChangeError> {
    if is_builtin(name) {
        return Err(PluginChangeError::BuiltIn(name.to_owned()));
    }
    let found = plugins.find(name, principal.organisation.as_ref());
    let Some((key, plugin)) = found else { return Err(PluginRefusal::Unknown(name.to_owned()).into()) };
    if may(principal, &Action::ChangePlugin(&key.owner)) {
        Ok((key, plugin))
    } else {
        Err(PluginChangeError::Forbidden)
    }
}

/// The built-in view or report that has this component.
fn builtin_of(component: &[u8]) -> Option<&'static str> {
    BUILTINS.iter().find(|builtin| builtin.component == component).map(|builtin| builtin.name)
}

fn version_unknown(name: &str, version: &str) -> PluginChangeError {
    PluginRefusal::VersionUnknown { name: name.to_owned(), version: version.to_owned() }.into()
}

/// Names are those of manifests, and built-in views keep theirs.
fn check_name(name: &str) -> Result<(), PluginChangeError> {
    kith_views::check_name(name)?;
    if is_builtin(name) {
        return Err(PluginChangeError::NameBuiltIn(name.to_owned()));
    }
    Ok(())
}

/// The same component with the same settings, installed for the same owner.
struct Same<'a> {
    wanted: &'a str,
    name: &'a str,
    version: &'a PluginVersion,
    active: bool,
}

fn same<'a>(plugins: &'a Plugins, owner: &PluginOwner, digest: &ComponentDigest, settings: &str) -> Option<Same<'a>> {
    plugins.iter().filter(|(key, _)| key.owner == *owner).find_map(|(PluginKey { name, .. }, plugin)| {
        let is_same = |version: &&PluginVersion| version.component == *digest && version.settings == settings;
        let version = plugin.versions().iter().find(is_same)?;
        Some(Same { wanted: name, name, version, active: plugin.active() == Some(version) })
    })
}

impl Same<'_> {
    /// Installing it again under its name changes nothing; another name is refused, since both would be one view.
    fn answer(self) -> Result<Installed, PluginChangeError> {
        let Self { wanted, name, version, active } = self;
        if wanted != name {
            return Err(PluginChangeError::SameAs { name: name.to_owned(), version: version.version.clone() });
        }
        Ok(Installed {
            name: name.to_owned(),
            version: version.version.clone(),
            component: version.component,
            position: version.installed_at,
            before: true,
            active,
        })
    }
}

/// The manifest's version, or that with the first number behind it that is free.
fn free_version(plugin: Option<&Plugin>, version: &str) -> String {
    let is_taken = |version: &str| plugin.is_some_and(|plugin| plugin.version(version).is_some());
    if !is_taken(version) {
        return version.to_owned();
    }
    let numbered = (2_u32..).map(|number| format!("{version}+{number}"));
    numbered.into_iter().find(|version| !is_taken(version)).expect("a plugin has few versions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_manifests_and_not_of_built_in_views() {
        check_name("ties_2").unwrap();
        assert!(matches!(check_name("Ties!"), Err(PluginChangeError::Name(_))));
        assert!(matches!(check_name("strength"), Err(PluginChangeError::NameBuiltIn(_))));
    }
}
