//! `kith reset`: forgets the log that is here, to fetch it again.

use crate::{failure::Failure, show::output::Output};
use clap::Args;
use kith_client::replica::{Outbox, Replica};
use serde_json::json;

/// Forget the log that is here, to fetch it again with the next sync; the key it is verified by is forgotten, too
#[derive(Debug, Args)]
#[command(after_help = "Example: kith reset --keep-outbox")]
pub(crate) struct ResetArgs {
    /// Keep what this device recorded, to be sent again where the log does not have it
    #[arg(long, required_unless_present = "discard_outbox")]
    keep_outbox: bool,
    /// Give up what was not sent yet, too
    #[arg(long, conflicts_with = "keep_outbox")]
    discard_outbox: bool,
}

pub(crate) fn run(replica: &Replica, output: &mut Output, args: &ResetArgs) -> Result<(), Failure> {
    let outbox = if args.keep_outbox { Outbox::Keep } else { Outbox::Discard };
    replica.reset(outbox)?;
    let kept = replica.status()?.pending;
    output.tell(&json!({ "pending": kept }), || {
        format!("the log is forgotten, {kept} events wait in the outbox: `kith sync` fetches it again")
    })
}
