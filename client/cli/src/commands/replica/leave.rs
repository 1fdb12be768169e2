//! `kith leave`: removes a replica from this device.

use crate::{failure::Failure, show::output::Output};
use clap::Args;
use kith_client::replica::{LeaveError, Outbox, Replica};
use serde_json::json;

/// Remove the replica from this device: entries, notes, outbox and views
///
/// The network keeps what was sent. Nothing is removed while there are events that are waiting to be sent or were
/// refused.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith leave --replica ~/kith-replica")]
pub(crate) struct LeaveArgs {
    /// Discard events that were not sent or were refused, too
    #[arg(long)]
    discard_outbox: bool,
}

pub(crate) fn run(replica: Replica, output: &mut Output, args: &LeaveArgs) -> Result<(), Failure> {
    let network = replica.network().clone();
    let outbox = if args.discard_outbox { Outbox::Discard } else { Outbox::Keep };
    let left = replica.leave(outbox)?;
    let evidence = left.evidence.map(|path| path.display().to_string());
    output.tell(&json!({ "left": network.to_string(), "evidence": evidence }), || match &evidence {
        Some(path) => format!("left {network}; evidence of a changed log stays in {path}"),
        None => format!("left {network}: nothing of it is left here"),
    })
}

impl From<LeaveError> for Failure {
    fn from(error: LeaveError) -> Self {
        match error {
            LeaveError::Unsent { .. } => Self::Usage(format!(
                "{error}: `kith sync` sends the outbox, `kith outbox` shows the rest, and --discard-outbox discards it"
            )),
            LeaveError::InUse => Self::Unavailable(error.to_string()),
            LeaveError::Store(error) => error.into(),
            LeaveError::Io { path, source } => Self::file("remove", &path, source),
        }
    }
}
