//! `kith followed-up`: a person followed up with others.

use super::recording::{EventArgs, EventRef, append};
use crate::{context::Context, failure::Failure};
use clap::Args;
use kith_core::event::{Fact, FollowedUp, Habit};
use serde_json::Map;

/// Record that somebody followed up after a contact
#[derive(Debug, Args)]
#[command(after_help = "Example: kith followed-up amina ben --about 42 --on today")]
pub(crate) struct FollowedUpArgs {
    /// Who followed up
    #[arg(value_name = "PERSON", allow_negative_numbers = true)]
    by: String,
    /// With whom
    #[arg(required = true, value_name = "PERSON", allow_negative_numbers = true)]
    with: Vec<String>,
    /// The event followed up on: its id or position
    #[arg(long, value_name = "EVENT")]
    about: Option<EventRef>,
    #[command(flatten)]
    event: EventArgs,
}

pub(crate) async fn run(context: &mut Context, args: &FollowedUpArgs) -> Result<(), Failure> {
    let mut resolver = context.participants();
    let by = resolver.person(&args.by).await?;
    let with = resolver.people(&args.with).await?;
    let target = match args.about {
        Some(event) => Some(event.find(&context.place, "event.followed_up.about").await?),
        None => None,
    };
    let mut subjects = with.clone();
    subjects.push(by.clone());
    let fact = Fact::Habit(Habit::FollowedUp(FollowedUp { by, with, about: target.as_ref().map(|event| event.id) }));
    let event = args.event.builder(fact, target.as_ref(), subjects).build()?;
    append(context, &args.event.when, &event, Map::new()).await
}
