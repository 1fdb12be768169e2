//! Wrong input is refused with a reason, a field and an exit code; nothing is lost and nothing is half done.

mod commands;
mod files;
mod lines;
mod requests;
mod tokens;
