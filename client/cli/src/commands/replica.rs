//! Commands on the offline replica itself, one file each.

use crate::{failure::Failure, show::output::Output};
use clap::Subcommand;
use kith_client::{Client, replica::Replica};

pub(crate) mod explain;
pub(crate) mod leave;
pub(crate) mod outbox;
pub(crate) mod reset;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod verify;

/// Commands on the offline replica itself.
#[derive(Debug, Subcommand)]
pub(crate) enum ReplicaCommand {
    Sync(sync::SyncArgs),
    Status(status::StatusArgs),
    Verify(verify::VerifyArgs),
    Explain(explain::ExplainArgs),
    Outbox(outbox::OutboxArgs),
    Reset(reset::ResetArgs),
    Leave(leave::LeaveArgs),
}

impl ReplicaCommand {
    /// Runs on a replica; only a sync needs a server.
    pub(crate) async fn run(
        self,
        replica: Replica,
        connect: impl FnOnce() -> Result<Client, Failure>,
        output: &mut Output,
    ) -> Result<(), Failure> {
        match self {
            Self::Sync(args) => sync::run(replica, &connect()?, output, &args).await,
            Self::Status(args) => status::run(&replica, output, &args),
            Self::Verify(args) => verify::run(&replica, output, &args),
            Self::Explain(args) => explain::run(&replica, output, &args),
            Self::Outbox(args) => outbox::run(&replica, output, &args),
            Self::Reset(args) => reset::run(&replica, output, &args),
            Self::Leave(args) => leave::run(replica, output, &args),
        }
    }
}
