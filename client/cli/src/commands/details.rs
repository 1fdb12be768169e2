//! `kith details`: single details of events.

use super::records::ErasureGroundsArgs;
use crate::{context::Context, failure::Failure};
use clap::{Args, Subcommand};
use kith_core::counted::counted;
use kith_core::{id::EventId, limits::DETAILS_MAX};
use serde_json::json;

/// Personal words of single events
#[derive(Debug, Subcommand)]
pub(crate) enum DetailsCommand {
    /// Erase details of an event, for good; needs a records officer or owner
    Erase(EraseArgs),
}

/// Erase details of an event, for good
///
/// For words that are plainly wrong, or about somebody who is not in the directory. The event stays. Backups from before
/// still hold the words: `deploy/privacy.md` says for how long.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith details erase 019d0000-0000-7000-8000-000000000000 --detail 1 --reason error")]
pub(crate) struct EraseArgs {
    /// The event's id, as `kith log -o json` shows it
    event: EventId,
    /// Which of its details, counted from 1; repeat it for several [default: all]
    #[arg(long = "detail", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=DETAILS_MAX as i64))]
    details: Vec<u32>,
    #[command(flatten)]
    grounds: ErasureGroundsArgs,
}

pub(crate) async fn run(context: &mut Context, command: DetailsCommand) -> Result<(), Failure> {
    match command {
        DetailsCommand::Erase(args) => erase(context, &args).await,
    }
}

async fn erase(context: &mut Context, args: &EraseArgs) -> Result<(), Failure> {
    let indexes: Vec<u32> = args.details.iter().map(|number| number - 1).collect();
    let server = context.server()?;
    let (position, erased) = server.erase_details(&args.event, &indexes, &args.grounds.read()?).await?;
    let position = position.get();
    let answer = json!({ "event": args.event.to_string(), "erased": erased, "position": position });
    context.output.tell(&answer, || match erased {
        0 => format!("nothing was left to erase: it was erased at position {position}"),
        some => {
            let details = counted(some, "detail is", "details are");
            format!("{details} erased, recorded at position {position}")
        }
    })
}
