//! `kith referred`: a person introduced one to another.

use super::recording::{EventArgs, append};
use crate::{context::Context, failure::Failure};
use clap::Args;
use kith_core::event::{Fact, Habit, Referred};
use serde_json::Map;

/// Record that somebody introduced one person to another
#[derive(Debug, Args)]
#[command(after_help = "Example: kith referred carol amina --to ben     (carol introduces amina to ben)")]
pub(crate) struct ReferredArgs {
    /// Who introduces
    #[arg(value_name = "REFERRER", allow_negative_numbers = true)]
    referrer: String,
    /// Who is introduced
    #[arg(value_name = "PERSON", allow_negative_numbers = true)]
    person: String,
    /// To whom
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    to: String,
    #[command(flatten)]
    event: EventArgs,
}

pub(crate) async fn run(context: &mut Context, args: &ReferredArgs) -> Result<(), Failure> {
    let mut resolver = context.participants();
    let referrer = resolver.person(&args.referrer).await?;
    let person = resolver.person(&args.person).await?;
    let to = resolver.person(&args.to).await?;
    let subjects = vec![referrer.clone(), person.clone(), to.clone()];
    let fact = Fact::Habit(Habit::Referred(Referred { referrer, person, to }));
    append(context, &args.event.when, &args.event.builder(fact, None, subjects).build()?, Map::new()).await
}
