//! Whatever is wrong is refused with a reason, a field and an exit code; nothing is lost and nothing half done.

mod commands;
mod files;
mod lines;
mod requests;
mod tokens;
