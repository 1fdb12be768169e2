//! The commands, one file each: what can be typed, and what it does.

pub(crate) mod admin;
pub(crate) mod answered;
pub(crate) mod asked;
pub(crate) mod audit;
pub(crate) mod audit_verify;
pub(crate) mod completions;
pub(crate) mod followed_up;
pub(crate) mod head;
pub(crate) mod helped;
pub(crate) mod import;
pub(crate) mod import_edges;
pub(crate) mod log;
pub(crate) mod login;
pub(crate) mod man;
pub(crate) mod met;
pub(crate) mod network;
pub(crate) mod org;
pub(crate) mod person;
pub(crate) mod plugin;
pub(crate) mod record;
pub(crate) mod referred;
pub(crate) mod retract;
pub(crate) mod token;
pub(crate) mod view;
pub(crate) mod watch;
pub(crate) mod why;
