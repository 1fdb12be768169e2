//! `kith asked`: a person asked others for help.

use super::recording::{EventArgs, append};
use crate::{context::Context, failure::Failure};
use clap::Args;
use kith_core::{
    event::{Asked, Fact, Habit},
    id::Category,
};
use serde_json::Map;

/// Record that somebody asked for help
#[derive(Debug, Args)]
#[command(after_help = "Example: kith asked amina ben --for discharge-letters")]
pub(crate) struct AskedArgs {
    /// Who asked
    #[arg(value_name = "PERSON", allow_negative_numbers = true)]
    by: String,
    /// Who was asked
    #[arg(required = true, value_name = "PERSON", allow_negative_numbers = true)]
    of: Vec<String>,
    /// What for: up to 32 of a-z, 0-9, _ and -
    #[arg(long = "for", value_name = "CATEGORY", allow_hyphen_values = true)]
    category: String,
    #[command(flatten)]
    event: EventArgs,
}

pub(crate) async fn run(context: &mut Context, args: &AskedArgs) -> Result<(), Failure> {
    let category = Category::parse_field(&args.category, "event.asked.category")?;
    let mut resolver = context.participants();
    let by = resolver.person(&args.by).await?;
    let of = resolver.people(&args.of).await?;
    let mut subjects = of.clone();
    subjects.push(by.clone());
    let fact = Fact::Habit(Habit::Asked(Asked { by, of, category }));
    append(context, &args.event.when, &args.event.builder(fact, None, subjects).build()?, Map::new()).await
}
