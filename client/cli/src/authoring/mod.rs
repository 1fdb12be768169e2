//! Plugins as their authors work on them: the folder, the compilers, and folding a log here, without a server.

pub(crate) mod case;
mod chance;
pub(crate) mod compiler;
mod javascript;
pub(crate) mod language;
pub(crate) mod local;
pub(crate) mod project;
mod python;
pub(crate) mod report;
mod rust;
pub(crate) mod sample;
pub(crate) mod scaffold;
pub(crate) mod spool;
pub(crate) mod templates;
mod tool;
