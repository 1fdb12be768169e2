//! `kith retract`: withdraws an event.

use super::recording::{EventArgs, EventRef, append};
use crate::{context::Context, failure::Failure};
use clap::{Args, ValueEnum};
use kith_core::event::{Fact, Retracted, RetractionReason};
use serde_json::Map;

/// Withdraw an event: it stays in the log but no longer counts
#[derive(Debug, Args)]
#[command(after_help = "Example: kith retract 42 --reason mistake")]
pub(crate) struct RetractArgs {
    /// The event: its id or position
    #[arg(value_name = "EVENT")]
    target: EventRef,
    /// Why
    #[arg(long, value_enum)]
    reason: ReasonArg,
    #[command(flatten)]
    event: EventArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ReasonArg {
    /// It was wrong
    Mistake,
    /// It was recorded twice
    Duplicate,
    /// Somebody in it did not agree to its recording
    Consent,
    /// Another reason: give it in a note
    Other,
}

impl From<ReasonArg> for RetractionReason {
    fn from(reason: ReasonArg) -> Self {
        match reason {
            ReasonArg::Mistake => Self::Mistake,
            ReasonArg::Duplicate => Self::Duplicate,
            ReasonArg::Consent => Self::Consent,
            ReasonArg::Other => Self::Other,
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: &RetractArgs) -> Result<(), Failure> {
    let target = args.target.find(&context.place, "event.retracted.event").await?;
    // A retraction itself names nobody: a note on it is about the people in the withdrawn event.
    let subjects = target.people().into_iter().cloned().collect();
    let fact = Fact::Retracted(Retracted { event: target.id, reason: args.reason.into() });
    let event = args.event.builder(fact, Some(&target), subjects).build()?;
    append(context, &args.event.when, &event, Map::new()).await
}
