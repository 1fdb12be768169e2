//! `kith hold`: legal holds, which keep words from being erased.

use super::records::time_of;
use crate::{
    context::Context,
    failure::Failure,
    show::output::{Column, Format},
};
use clap::{Args, Subcommand, builder::PossibleValuesParser};
use kith_core::{
    erasures::HOLD_REASONS,
    id::{CaseReference, PersonId},
    position::Position,
    timestamp::Timestamp,
};
use serde_json::json;

/// Legal holds, which keep words from being erased; need a records officer or owner
#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Keep a person's words until the hold is lifted
    Set(SetArgs),
    /// Lift a hold
    Lift(LiftArgs),
    /// List the holds that are set
    List(ListArgs),
}

/// Keep a person's words until the hold is lifted
#[derive(Debug, Args)]
#[command(after_help = "Example: kith hold set ben --reason inquiry --reference INQ-7")]
pub(crate) struct SetArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
    /// Why
    #[arg(long, value_parser = PossibleValuesParser::new(HOLD_REASONS))]
    reason: String,
    /// The case, such as INQ-7: it stays in the log, so it must not be personal
    #[arg(long, value_name = "CASE")]
    reference: CaseReference,
}

/// Lift a hold
#[derive(Debug, Args)]
#[command(after_help = "Example: kith hold lift ben --reference INQ-7")]
pub(crate) struct LiftArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
    /// The case that the hold was set for
    #[arg(long, value_name = "CASE")]
    reference: CaseReference,
}

/// List the holds that are set
#[derive(Debug, Args)]
#[command(after_help = "Example: kith hold list")]
pub(crate) struct ListArgs {
    /// Only those of this person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: Option<String>,
}

pub(crate) async fn run(context: &mut Context, command: HoldCommand) -> Result<(), Failure> {
    match command {
        HoldCommand::Set(args) => set(context, &args).await,
        HoldCommand::Lift(args) => lift(context, &args).await,
        HoldCommand::List(args) => list(context, &args).await,
    }
}

async fn set(context: &mut Context, args: &SetArgs) -> Result<(), Failure> {
    let person = context.resolver().person(&args.person).await?;
    let position = context.server()?.set_hold(&person, &args.reason.parse()?, &args.reference).await?;
    tell(context, &person, true, &args.reference, position)
}

async fn lift(context: &mut Context, args: &LiftArgs) -> Result<(), Failure> {
    let person = context.resolver().person(&args.person).await?;
    let position = context.server()?.lift_hold(&person, &args.reference).await?;
    tell(context, &person, false, &args.reference, position)
}

fn tell(
    context: &mut Context,
    person: &PersonId,
    held: bool,
    reference: &CaseReference,
    position: Position,
) -> Result<(), Failure> {
    let (reference, position) = (reference.as_str(), position.get());
    let answer = json!({ "person": person.as_str(), "held": held, "reference": reference, "position": position });
    context.output.tell(&answer, || {
        let what = if held { "are held" } else { "are no longer held" };
        format!("the words about {person} {what} for {reference}, recorded at position {position}")
    })
}

async fn list(context: &mut Context, args: &ListArgs) -> Result<(), Failure> {
    let person = context.resolver().person_or_none(args.person.as_ref()).await?;
    let holds = context.server()?.list_holds(person.as_ref()).await?;
    match context.output.format() {
        Format::Json => holds.iter().try_for_each(|hold| {
            let organisation = Some(&hold.organisation).filter(|id| !id.is_empty());
            context.output.json(&json!({
                "person": hold.person,
                "reason": hold.reason,
                "reference": hold.reference,
                "organisation": organisation,
                "position": hold.position,
                "recorded_at": time_of(hold.recorded_at.as_ref().and_then(Timestamp::from_proto)),
            }))
        }),
        Format::Table => {
            let columns = ["person", "reference", "reason", "organisation", "since"].map(Column::text);
            let rows = holds.into_iter().map(|hold| {
                let since = time_of(hold.recorded_at.as_ref().and_then(Timestamp::from_proto));
                vec![hold.person, hold.reference, hold.reason, hold.organisation, since]
            });
            context.output.table(&columns, rows.collect())
        }
    }
}
