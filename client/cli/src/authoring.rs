//! What the command line adds to `kith_authoring`: reading logs from files and networks, and exit codes for its
//! failures.

mod failure;
pub(crate) mod inputs;
pub(crate) mod log_file;
pub(crate) mod whole_log;
