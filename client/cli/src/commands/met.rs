//! `kith met`: people met.

use super::recording::{EventArgs, append};
use crate::{context::Context, failure::Failure};
use clap::Args;
use kith_core::{
    detail::DetailKind,
    event::{Fact, Habit, Met},
};
use serde_json::Map;

/// Record that people met
#[derive(Debug, Args)]
#[command(after_help = "Example: kith met amina ben --on yesterday --place 'frailty board'")]
pub(crate) struct MetArgs {
    /// The people, by id or part of their name
    #[arg(required = true, num_args = 2.., value_name = "PERSON", allow_negative_numbers = true)]
    people: Vec<String>,
    /// Where; can be erased later
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    place: Option<String>,
    #[command(flatten)]
    event: EventArgs,
}

pub(crate) async fn run(context: &mut Context, args: &MetArgs) -> Result<(), Failure> {
    let people = context.participants().people(&args.people).await?;
    let mut builder = args.event.builder(Fact::Habit(Habit::Met(Met { people: people.clone() })), None, people.clone());
    if let Some(place) = args.place.as_ref().filter(|place| !place.trim().is_empty()) {
        builder = builder.detail(DetailKind::Place, people, place);
    }
    append(context, &args.event.when, &builder.build()?, Map::new()).await
}
