//! Converts failures of authoring into failures of a command.

use crate::failure::Failure;
use kith_authoring::Failure as Authoring;

impl From<Authoring> for Failure {
    fn from(failure: Authoring) -> Self {
        match failure {
            Authoring::Usage(message) => Self::Usage(message),
            Authoring::NotFound(message) => Self::NotFound(message),
            Authoring::PluginRefused(message) => Self::PluginRefused(message),
            Authoring::NotVerified(why) => Self::NotVerified(why),
            Authoring::Invalid(invalid) => invalid.into(),
            Authoring::File { action, path, error } => Self::file(action, &path, error),
            Authoring::Unexpected(message) => Self::Unexpected(message),
        }
    }
}
