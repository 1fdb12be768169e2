//! Why a plugin was not changed.

use crate::{compile::CompileError, views::NotKept};
use kith_core::{
    plugins::{PluginRefusal, SettingsInvalid},
    position::Position,
};
use kith_log::{AppendError, ReadError, Unavailable};
use kith_views::ManifestInvalid;
use std::sync::Arc;

/// Why a plugin was not installed, activated, paused or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PluginChangeError {
    /// The principal may not.
    #[error("the principal may not change it")]
    Forbidden,
    /// The network's plugins do not allow it.
    #[error(transparent)]
    Refused(#[from] PluginRefusal),
    /// The settings are no settings.
    #[error(transparent)]
    Settings(#[from] SettingsInvalid),
    /// The name is no name.
    #[error(transparent)]
    Name(#[from] ManifestInvalid),
    /// The name is that of a built-in plugin.
    #[error("`{0}` is built in: give the plugin another name")]
    NameBuiltIn(String),
    /// A built-in plugin is not changed.
    #[error("`{0}` is built in: it is always there")]
    BuiltIn(String),
    /// It is a built-in plugin with the settings that that has.
    #[error("this is the built-in plugin `{0}`: give it settings of its own")]
    SameAsBuiltIn(&'static str),
    /// It is installed under another name.
    #[error("this component with these settings is installed as `{name}` {version} already")]
    SameAs {
        /// The name.
        name: String,
        /// The version.
        version: String,
    },
    /// It does not go with what the network has.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// No version answered before.
    #[error("`{0}` has no version to go back to")]
    NothingBefore(String),
    /// A report does not follow the log.
    #[error("`{0}` is a report: it is computed when it is asked, so nothing is to pause")]
    NothingToPause(String),
    /// The component has no code.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The version's view is not kept.
    #[error(transparent)]
    NotKept(#[from] Arc<NotKept>),
    /// The version's view stopped.
    #[error("the view stopped")]
    Stopped,
    /// The version's view has not caught up.
    #[error("`{name}` {version} is being built: at {cursor} of {head}")]
    Building {
        /// The plugin.
        name: String,
        /// The version.
        version: String,
        /// How far it has come.
        cursor: Position,
        /// How far it has to come.
        head: Position,
    },
    /// Another change came in between.
    #[error("`{0}` was changed while its view was being built: try again")]
    Overtaken(String),
    /// The change was not recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The component was not stored, or another one not removed.
    #[error(transparent)]
    Component(#[from] Unavailable),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Why a plugin does not go with what the network has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    /// The versions before it are of a report.
    #[error("`{0}` is a report: give the view another name")]
    NameOfReport(String),
    /// The versions before it are of a view.
    #[error("`{0}` is a view: give the report another name")]
    NameOfView(String),
    /// A view that the report reads is not the network's.
    #[error("the view `{0}` is your organisation's: install the report with that scope, too")]
    InputOfOrganisation(String),
    /// A view that the report reads is not there.
    #[error("the report reads the view `{0}`, which is not there: install it first")]
    InputMissing(String),
    /// A view has no field that the report reads.
    #[error("the view `{view}` has no field `{field}`, which the report reads")]
    FieldMissing {
        /// The view.
        view: String,
        /// The field.
        field: String,
    },
}
