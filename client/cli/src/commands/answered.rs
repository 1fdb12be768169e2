//! `kith answered`: an introduction was answered.

use super::recording::{EventArgs, EventRef, append};
use crate::{context::Context, failure::Failure};
use clap::{Args, ValueEnum};
use kith_core::event::{Answer, Answered, Fact, Habit};
use serde_json::Map;

/// Record how an introduction was answered
#[derive(Debug, Args)]
#[command(after_help = "Example: kith answered 42 --by ben accepted")]
pub(crate) struct AnsweredArgs {
    /// The introduction: its id or position
    #[arg(value_name = "EVENT")]
    referral: EventRef,
    /// Who answered
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    by: String,
    /// The answer
    #[arg(value_enum)]
    answer: AnswerArg,
    #[command(flatten)]
    event: EventArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AnswerArg {
    /// Welcome
    Accepted,
    /// Not wanted
    Declined,
    /// The two have met
    Met,
}

impl From<AnswerArg> for Answer {
    fn from(answer: AnswerArg) -> Self {
        match answer {
            AnswerArg::Accepted => Self::Accepted,
            AnswerArg::Declined => Self::Declined,
            AnswerArg::Met => Self::Met,
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: &AnsweredArgs) -> Result<(), Failure> {
    let by = context.resolver().person(&args.by).await?;
    let target = args.referral.find(&context.place, "event.answered.referral").await?;
    let subjects = vec![by.clone()];
    let fact = Fact::Habit(Habit::Answered(Answered { referral: target.id, by, answer: args.answer.into() }));
    let event = args.event.builder(fact, Some(&target), subjects).build()?;
    append(context, &args.event.when, &event, Map::new()).await
}
