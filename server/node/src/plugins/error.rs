//! Why a plugin was not changed.

use crate::{
    compile::CompileError,
    views::{AllInUse, NotKept},
};
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
    /// The principal lacks permission.
    #[error("the principal may not change it")]
    Forbidden,
    /// The network's plugins do not allow it.
    #[error(transparent)]
    Refused(#[from] PluginRefusal),
    /// The settings are malformed.
    #[error(transparent)]
    Settings(#[from] SettingsInvalid),
    /// The name is malformed.
    #[error(transparent)]
    Name(#[from] ManifestInvalid),
    /// The name is that of a built-in plugin.
    #[error("`{0}` is built in: give the plugin another name")]
    NameBuiltIn(String),
    /// Built-in plugins cannot be changed.
    #[error("`{0}` is built in and cannot be changed")]
    BuiltIn(String),
    /// The component and settings are those of a built-in plugin.
    #[error("this is the built-in plugin `{0}`: give it settings of its own")]
    SameAsBuiltIn(&'static str),
    /// The plugin is installed under another name.
    #[error("this component with these settings is already installed as `{name}` {version}")]
    SameAs {
        /// The name.
        name: String,
        /// The version.
        version: String,
    },
    /// The plugin does not fit the network's other plugins.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// There is no previous version.
    #[error("`{0}` has no version to go back to")]
    NothingBefore(String),
    /// Reports cannot be paused, since they do not follow the log.
    #[error("`{0}` is a report: it is computed when it is queried, so there is nothing to pause")]
    NothingToPause(String),
    /// The component was not compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The network's views could not be opened.
    #[error(transparent)]
    Views(#[from] AllInUse),
    /// The version's view is not running.
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
        /// The view's position.
        cursor: Position,
        /// The position that it has to reach.
        head: Position,
    },
    /// The plugin was changed in the meantime.
    #[error("`{0}` was changed while its view was being built: try again")]
    Overtaken(String),
    /// The change was not recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The component could not be stored, or an unused one could not be removed.
    #[error(transparent)]
    Component(#[from] Unavailable),
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Why a plugin does not fit the network's other plugins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misfit {
    /// The earlier versions are of a report.
    #[error("`{0}` is a report: give the view another name")]
    NameOfReport(String),
    /// The earlier versions are of a view.
    #[error("`{0}` is a view: give the report another name")]
    NameOfView(String),
    /// A view that the report reads does not belong to the network.
    #[error("the view `{0}` is your organisation's: install the report with that scope, too")]
    InputOfOrganisation(String),
    /// A view that the report reads does not exist.
    #[error("the report reads the view `{0}`, which does not exist: install it first")]
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
