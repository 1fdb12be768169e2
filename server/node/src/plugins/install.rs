//! Installs a plugin: checks it, records it, and starts it alongside the version that answers.

use super::{Misfit, PluginChangeError, PluginChanges, owner_to_change};
use crate::{
    compile::CompileError,
    views::{OpenViews, Served, is_builtin},
};
use bytes::Bytes;
use kith_bundle::BUILTINS;
use kith_core::{
    event::{Administration, Scope},
    may::Principal,
    plugins::{Plugin, PluginKey, PluginOwner, PluginSettings, PluginVersion, Plugins},
    position::Position,
};
use kith_log::{ComponentDigest, Network};
use kith_views::Declared;

/// A plugin to install.
pub(crate) struct NewPlugin {
    /// The name of the view; by default the manifest's.
    pub(crate) name: Option<String>,
    /// JSON text; empty for no settings.
    pub(crate) settings: String,
    pub(crate) scope: Scope,
    pub(crate) component: Bytes,
}

/// A version to record.
struct Candidate<'a> {
    key: &'a PluginKey,
    /// The version in the manifest.
    version: &'a str,
    component: Bytes,
    settings: String,
}

/// The result of an installation.
pub(crate) struct Installed {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) component: ComponentDigest,
    pub(crate) position: Position,
    /// Whether it was installed already and nothing was changed.
    pub(crate) before: bool,
    pub(crate) active: bool,
}

impl PluginChanges {
    /// Checks a component, records it, and starts its view alongside the one that answers. Compilation stops when the
    /// caller is `gone`.
    pub(crate) async fn install(
        &self,
        network: &Network,
        principal: &Principal,
        new: NewPlugin,
        gone: impl Future<Output = ()>,
    ) -> Result<Installed, PluginChangeError> {
        let owner = owner_to_change(principal, new.scope)?;
        let settings = String::from(new.settings.parse::<PluginSettings>()?);
        // The code is kept alive until the view made from it holds it.
        let (declared, _compiled) = tokio::select! {
            inspected = self.views.inspect(network.name(), principal, new.component.clone(), settings.clone()) => inspected?,
            () = gone => return Err(CompileError::Gone.into()),
        };
        let name = new.name.unwrap_or_else(|| declared.name().to_owned());
        check_name(&name)?;

        if let (PluginOwner::Network, "{}", Some(builtin)) = (&owner, settings.as_str(), builtin_of(&new.component)) {
            return Err(PluginChangeError::SameAsBuiltIn(builtin));
        }
        let key = PluginKey::new(owner, name);
        let views = self.views.of(network).await?;
        let _turn = self.turn(network).await;
        check_fits(&views, principal, &key, &declared)?;
        let candidate = Candidate { key: &key, version: declared.version(), component: new.component, settings };
        let installed = self.record(network, principal, candidate).await;
        if installed.as_ref().is_ok_and(|installed| !installed.before) {
            views.follow().await;
        }
        let forgotten = self.forget_components().await;
        let installed = installed?;
        forgotten?;
        Ok(installed)
    }

    /// Stores a component and records a version that names it, unless it is installed already.
    async fn record(
        &self,
        network: &Network,
        principal: &Principal,
        candidate: Candidate<'_>,
    ) -> Result<Installed, PluginChangeError> {
        let Candidate { key, version, component, settings } = candidate;
        let _alone = self.components.lock().await;
        let component = self.log.put_component(component).await?;
        let plugins = network.plugins();
        if let Some(installed) = same(&plugins, &key.owner, &component, &settings) {
            return Same { wanted: &key.name, ..installed }.answer();
        }
        let (name, scope) = (key.name.clone(), key.owner.scope());
        let version = free_version(plugins.get(key), version);
        let install =
            Administration::PluginInstalled { name: name.clone(), version: version.clone(), component, settings };
        plugins.check(&install, scope, principal.organisation.as_ref())?;
        let active = plugins.get(key).is_none();
        let activate = Administration::PluginActivated { name: name.clone(), version: version.clone(), component };
        let facts = if active { vec![install, activate] } else { vec![install] };
        let position = network.administer(principal, scope, facts).await?;
        tracing::info!(network = %network.name(), plugin = name, version, "plugin installed");
        Ok(Installed { name, version, component, position, before: false, active })
    }
}

/// Checks that what a report reads exists, and that a view has not become a report or vice versa.
fn check_fits(views: &OpenViews, principal: &Principal, key: &PluginKey, declared: &Declared) -> Result<(), Misfit> {
    let PluginKey { owner, name } = key;
    let report = match (declared, views.answering(key)) {
        (Declared::View(_), Some(Served::Report(_))) => return Err(Misfit::NameOfReport(name.clone())),
        (Declared::Report(_), Some(Served::View(_))) => return Err(Misfit::NameOfView(name.clone())),
        (Declared::View(_), Some(Served::View(_)) | None) => return Ok(()),
        (Declared::Report(report), Some(Served::Report(_)) | None) => report,
    };
    for input in &report.inputs {
        let view = &input.view;
        let Some(found) = views.input(view, owner) else {
            let is_own = views.find(view, principal).is_some();
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

/// The built-in view or report with this component.
fn builtin_of(component: &[u8]) -> Option<&'static str> {
    BUILTINS.iter().find(|builtin| builtin.component == component).map(|builtin| builtin.name)
}

/// Checks that a name is well formed and not that of a built-in plugin.
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
    /// Installing it again under the same name changes nothing; another name is refused, since both would be one view.
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

/// The manifest's version, with the first free number appended if it is taken.
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
