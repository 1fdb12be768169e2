//! `kith helped`: a person helped another.

use super::recording::{EventArgs, EventRef, append};
use crate::{context::Context, failure::Failure};
use clap::Args;
use kith_core::{
    event::{Fact, Habit, Helped},
    id::Category,
};
use serde_json::Map;

/// Record that somebody helped another
#[derive(Debug, Args)]
#[command(after_help = "Example: kith helped ben amina --category discharge-letters --about 42")]
pub(crate) struct HelpedArgs {
    /// Who helped
    #[arg(value_name = "HELPER", allow_negative_numbers = true)]
    helper: String,
    /// Who was helped
    #[arg(value_name = "HELPED", allow_negative_numbers = true)]
    helped: String,
    /// What with: up to 32 of a-z, 0-9, _ and -
    #[arg(long, value_name = "CATEGORY", allow_hyphen_values = true)]
    category: Option<String>,
    /// The event helped with, often an ask: its id or position
    #[arg(long, value_name = "EVENT")]
    about: Option<EventRef>,
    #[command(flatten)]
    event: EventArgs,
}

pub(crate) async fn run(context: &mut Context, args: &HelpedArgs) -> Result<(), Failure> {
    let category = args.category.as_deref().map(|text| Category::parse_field(text, "event.helped.category"));
    let category = category.transpose()?;
    let mut resolver = context.participants();
    let by = resolver.person(&args.helper).await?;
    let helped = resolver.person(&args.helped).await?;
    let target = match args.about {
        Some(event) => Some(event.find(&context.place, "event.helped.about").await?),
        None => None,
    };
    let subjects = vec![by.clone(), helped.clone()];
    let about = target.as_ref().map(|event| event.id);
    let fact = Fact::Habit(Habit::Helped(Helped { helper: by, helped, category, about }));
    let event = args.event.builder(fact, target.as_ref(), subjects).build()?;
    append(context, &args.event.when, &event, Map::new()).await
}
