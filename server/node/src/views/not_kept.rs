//! Why a version of a plugin is not running.

use crate::compile::CompileError;
use kith_log::ReadError;
use kith_views::{FollowError, Refused};

/// Why a version is not running.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// The log has no such component.
    #[error("its component is missing: install it again")]
    ComponentGone,
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The component was not compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The view does not follow the log.
    #[error(transparent)]
    Follow(#[from] FollowError),
}
