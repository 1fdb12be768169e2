//! The life cycle of plugins: each change is an entry of the network's log first, and then what the log says is so.
//!
//! Invariant: changes of all networks are made one after the other, so that what was checked still holds when it is
//! recorded, and no component is forgotten that somebody just named.

use crate::{
    compile::CompileError,
    grpc::Failure,
    limits::{VIEW_WAIT, VIEWS_RETRY},
    node::Node,
    views::{Served, ServedView, is_builtin},
};
use bytes::Bytes;
use kith_bundle::{BUILTINS, REPORTS};
use kith_core::{
    event::{Administration, RemovedPlugin, Scope},
    id::EventId,
    may::{Action, Principal, may},
    plugins::{Plugin, PluginKey, PluginOwner, PluginRefusal, PluginSettings, PluginVersion, Plugins, SettingsInvalid},
    position::Position,
};
use kith_log::{ComponentDigest, Network};
use kith_proto::v1::ErrorReason;
use kith_views::{Declared, Refused};
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};

/// When to ask again for a version whose view is being built.
const RETRY_BUILDING: Duration = Duration::from_millis(500);

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
pub(crate) fn owner_to_change(principal: &Principal, scope: Scope) -> Result<PluginOwner, Failure> {
    let owner = PluginOwner::of(scope, principal.organisation.as_ref()).map_err(Failure::from)?;
    if may(principal, &Action::ChangePlugin(&owner)) {
        return Ok(owner);
    }
    Err(Failure::new(ErrorReason::PermissionDenied))
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
    ) -> Result<Installed, Failure> {
        let owner = owner_to_change(principal, new.scope)?;
        let settings = String::from(parse_settings(&new.settings)?);
        // The code is held until the view that is made of it holds it, too.
        let (declared, _compiled) = tokio::select! {
            inspected = self.views().inspect(principal, new.component.clone(), settings.clone()) => inspected?,
            () = gone => return Err(CompileError::Gone.into()),
        };
        let name = new.name.unwrap_or_else(|| declared.name().to_owned());
        check_name(&name)?;

        if let (PluginOwner::Network, "{}", Some(builtin)) = (&owner, settings.as_str(), builtin_of(&new.component)) {
            let message = format_args!("this is the built-in plugin `{builtin}`: give it settings of its own");
            return Err(Failure::because(ErrorReason::AlreadyExists, message).at("settings"));
        }
        let key = PluginKey::new(owner, name);
        let _turn = self.plugin_changes().begin().await;
        self.check_fits(network, principal, &key, &declared)?;
        let digest = self.log().put_component(new.component).await.map_err(Failure::from)?;
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
    ) -> Result<(), Failure> {
        let (views, PluginKey { owner, name }) = (self.views(), key);
        let answering = views.answering(network.name(), key);
        let is_report = matches!(answering, Some(Served::Report(_)));
        let refused = |message: String| Failure::because(ErrorReason::PluginRefused, message);
        let Declared::Report(report) = declared else {
            return refuse_if(is_report, || refused(format!("`{name}` is a report: give the view another name")));
        };
        let is_view = matches!(answering, Some(Served::View(_)));
        refuse_if(is_view, || refused(format!("`{name}` is a view: give the report another name")))?;
        for input in &report.inputs {
            let view = &input.view;
            let Some(found) = views.input(network.name(), view, owner) else {
                let is_own = views.find(network.name(), view, principal).is_some();
                return Err(refused(if is_own {
                    format!("the view `{view}` is your organisation's: install the report with that scope, too")
                } else {
                    format!("the report reads the view `{view}`, which is not there: install it first")
                }));
            };
            let has = |field: &&String| found.handle.fields().iter().any(|known| known.name == **field);
            if let Some(field) = input.fields.iter().find(|field| !has(field)) {
                return Err(refused(format!("the view `{view}` has no field `{field}`, which the report reads")));
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
    ) -> Result<Position, Failure> {
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
    ) -> Result<(String, Position), Failure> {
        let _turn = self.plugin_changes().begin().await;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        let Some(version) = plugin.before() else {
            return Err(Failure::request("name", format_args!("`{name}` has no version to go back to")));
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
    ) -> Result<Position, Failure> {
        self.views().keep_version(network, key, plugin, version).await;
        self.await_built(network, key, version).await?;
        let (name, scope) = (&key.name, key.owner.scope());
        let fact = Administration::PluginActivated {
            name: name.clone(),
            version: version.version.clone(),
            component: version.component,
        };
        let position = network.administer(principal, scope, vec![fact]).await.map_err(Failure::from)?;
        tracing::info!(network = %network.name(), plugin = name, version = version.version, "plugin activated");
        self.views().follow(network).await;
        Ok(position)
    }

    /// Waits a little for a version's view to be level with the log: nobody is to see a half-built one.
    async fn await_built(&self, network: &Network, key: &PluginKey, version: &PluginVersion) -> Result<(), Failure> {
        let wanted = (key, version.version.as_str());
        let ServedView { handle, paused, .. } = match self.views().version(network.name(), wanted) {
            Some(Ok(Served::View(view))) => view,
            Some(Ok(Served::Report(_))) => return Ok(()),
            Some(Err(problem)) => return Err(Failure::because(ErrorReason::ViewStopped, problem)),
            None => return Err(Failure::new(ErrorReason::ViewStopped)),
        };
        if paused && handle.cursor().day.is_some() {
            return Ok(());
        }
        let head = network.head();
        match tokio::time::timeout(VIEW_WAIT, handle.wait_for(head)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) if !paused => Err(Failure::new(ErrorReason::ViewStopped)),
            Ok(Err(_)) | Err(_) => {
                let cursor = handle.cursor().position;
                let message = format_args!("`{}` {} is being built: at {cursor} of {head}", key.name, version.version);
                let failure = Failure::because(ErrorReason::ViewBuilding, message);
                Err(failure.with("cursor", cursor).with("head", head).retry_after(RETRY_BUILDING))
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
    ) -> Result<Position, Failure> {
        let _turn = self.plugin_changes().begin().await;
        let paused = pause == Pause::Hold;
        let plugins = network.plugins();
        let (key, plugin) = changeable(&plugins, principal, name)?;
        if plugin.is_paused() == paused {
            return Ok(Position::ZERO);
        }
        if matches!(self.views().answering(network.name(), key), Some(Served::Report(_))) {
            let message = format_args!("`{name}` is a report: it is computed when it is asked, so nothing is to pause");
            return Err(Failure::request("name", message));
        }
        let (fact, scope) = (Administration::PluginPaused { name: name.to_owned(), paused }, key.owner.scope());
        let position = network.administer(principal, scope, vec![fact]).await.map_err(Failure::from)?;
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
    ) -> Result<Position, Failure> {
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
    ) -> Result<Position, Failure> {
        if !may(principal, &Action::EndPlugin) {
            return Err(Failure::new(ErrorReason::PermissionDenied));
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
    ) -> Result<Position, Failure> {
        let fact = Administration::PluginRemoved { plugin };
        let position = network.administer(principal, scope, vec![fact]).await.map_err(Failure::from)?;
        tracing::info!(network = %network.name(), %position, "plugin removed");
        self.views().follow(network).await;
        self.forget_components().await?;
        Ok(position)
    }

    /// Forgets components that no plugin of any network names any more.
    async fn forget_components(&self) -> Result<(), Failure> {
        let log = self.log().clone();
        let kept = crate::blocking(move || log.components()).await.map_err(Failure::from)?;
        let used: Vec<_> = self.log().networks().iter().map(Network::plugins).collect();
        for digest in kept.iter().filter(|digest| !used.iter().any(|plugins| plugins.uses(digest))) {
            self.log().remove_component(digest).await.map_err(Failure::from)?;
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
) -> Result<(&'a PluginKey, &'a Plugin), Failure> {
    if is_builtin(name) {
        return Err(Failure::request("name", format_args!("`{name}` is built in: it is always there")));
    }
    let found = plugins.find(name, principal.organisation.as_ref());
    let Some((key, plugin)) = found else { return Err(PluginRefusal::Unknown(name.to_owned()).into()) };
    if may(principal, &Action::ChangePlugin(&key.owner)) {
        Ok((key, plugin))
    } else {
        Err(Failure::new(ErrorReason::PermissionDenied))
    }
}

/// The built-in view or report that has this component.
fn builtin_of(component: &[u8]) -> Option<&'static str> {
    BUILTINS.iter().chain(REPORTS).find(|builtin| builtin.component == component).map(|builtin| builtin.name)
}

fn refuse_if(refused: bool, why: impl FnOnce() -> Failure) -> Result<(), Failure> {
    if refused { Err(why()) } else { Ok(()) }
}

fn version_unknown(name: &str, version: &str) -> Failure {
    let refusal = PluginRefusal::VersionUnknown { name: name.to_owned(), version: version.to_owned() };
    Failure::from(refusal)
}

/// Names are those of manifests, and built-in views keep theirs.
fn check_name(name: &str) -> Result<(), Failure> {
    kith_views::check_name(name).map_err(|invalid| Failure::request("name", invalid))?;
    if is_builtin(name) {
        let message = format_args!("`{name}` is built in: give the plugin another name");
        return Err(Failure::because(ErrorReason::AlreadyExists, message).at("name"));
    }
    Ok(())
}

fn parse_settings(text: &str) -> Result<PluginSettings, Failure> {
    text.parse().map_err(|invalid: SettingsInvalid| match &invalid {
        SettingsInvalid::TooLong { .. } => Failure::because(ErrorReason::LimitExceeded, &invalid).at("settings"),
        SettingsInvalid::NotJson(_) | SettingsInvalid::NotObject | SettingsInvalid::Repeated(_) => {
            Failure::request("settings", &invalid)
        }
    })
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
    fn answer(self) -> Result<Installed, Failure> {
        let Self { wanted, name, version, active } = self;
        if wanted != name {
            let message =
                format_args!("this component with these settings is installed as `{name}` {} already", version.version);
            return Err(Failure::because(ErrorReason::AlreadyExists, message).at("name"));
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

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        let delay = error.retry_after();
        match &error {
            CompileError::Busy(_) | CompileError::Gone | CompileError::Refused(Refused::Busy { .. }) => {
                let failure = Self::because(ErrorReason::ViewBuilding, &error);
                delay.into_iter().fold(failure, Self::retry_after)
            }
            CompileError::Refused(refused) => Self::because(ErrorReason::PluginRefused, refused).at("data"),
            CompileError::Child(_) | CompileError::Unbounded(_) => Self::internal(&error),
        }
    }
}

impl From<PluginRefusal> for Failure {
    fn from(refusal: PluginRefusal) -> Self {
        let (reason, field) = match &refusal {
            PluginRefusal::Unknown(_) => (ErrorReason::ViewUnknown, "name"),
            PluginRefusal::VersionUnknown { .. } => (ErrorReason::ViewUnknown, "version"),
            PluginRefusal::NameTaken(_) | PluginRefusal::Unchanged(_) => (ErrorReason::AlreadyExists, "name"),
            PluginRefusal::VersionTaken { .. } => (ErrorReason::AlreadyExists, "version"),
            PluginRefusal::NoOrganisation => (ErrorReason::RequestInvalid, "scope"),
            PluginRefusal::TooMany(_) => (ErrorReason::LimitExceeded, "name"),
            PluginRefusal::InstallationUnknown(_) => (ErrorReason::EventUnknown, "installed"),
        };
        Self::because(reason, refusal).at(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::limits::SETTINGS_BYTES_MAX;

    #[test]
    fn settings_that_cannot_be_meant_are_refused_at_their_field() {
        let check = |text: &str, reason: ErrorReason, part: &str| {
            let failure = parse_settings(text).unwrap_err();
            assert_eq!((failure.reason(), failure.field()), (reason, Some("settings")), "{text}");
            assert!(failure.message().contains(part), "{text}: {}", failure.message());
        };
        check("[1]", ErrorReason::RequestInvalid, "no JSON object");
        check(r#"{"days":1,"days":2}"#, ErrorReason::RequestInvalid, "`days` is there twice");
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(SETTINGS_BYTES_MAX));
        check(&long, ErrorReason::LimitExceeded, "are allowed");
    }

    #[test]
    fn names_are_those_of_manifests_and_not_of_built_in_views() {
        check_name("ties_2").unwrap();
        assert_eq!(check_name("Ties!").unwrap_err().reason(), ErrorReason::RequestInvalid);
        assert_eq!(check_name("strength").unwrap_err().reason(), ErrorReason::AlreadyExists);
    }
}
