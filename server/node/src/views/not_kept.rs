//! Why a version of a plugin is not kept.

use crate::compile::CompileError;
use kith_log::ReadError;
use kith_views::{FollowError, Refused};

/// Why a version is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// The log has no such component.
    #[error("its component is not here: install it again")]
    ComponentGone,
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The component has no code.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The component is refused.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The view does not follow the log.
    #[error(transparent)]
    Follow(#[from] FollowError),
}
