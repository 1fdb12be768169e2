//! `kith reset`: discards the log here, so that it is fetched again.

use crate::{failure::Failure, show::output::Output};
use clap::Args;
use kith_client::replica::{Outbox, Replica};
use kith_core::counted::counted;
use serde_json::json;

/// Discard the log here and the key that verifies it; the next sync fetches them again
#[derive(Debug, Args)]
#[command(after_help = "Example: kith reset --keep-outbox")]
pub(crate) struct ResetArgs {
    /// Keep what this device recorded, to be sent again if the log does not have it
    #[arg(long, required_unless_present = "discard_outbox")]
    keep_outbox: bool,
    /// Discard what was not sent yet, too
    #[arg(long, conflicts_with = "keep_outbox")]
    discard_outbox: bool,
}

pub(crate) fn run(replica: &Replica, output: &mut Output, args: &ResetArgs) -> Result<(), Failure> {
    let outbox = if args.keep_outbox { Outbox::Keep } else { Outbox::Discard };
    replica.reset(outbox)?;
    let kept = replica.status()?.pending;
    output.tell(&json!({ "pending": kept }), || {
        let events = counted(kept, "event is", "events are");
        format!("the log was discarded, {events} waiting in the outbox: `kith sync` fetches it again")
    })
}
