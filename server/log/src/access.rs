//! Who reads the logs of this server. It is about this server and not about a log, so it lies beside the log, in a folder
//! of its own: no backup of the log carries it.

pub(crate) mod replicas;
pub(crate) mod webhooks;
