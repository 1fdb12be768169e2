//! `kith outbox`: events that are not in the log yet, and those that the server refused.

use crate::{dates::show_time, failure::Failure, output::Column, output::Output, render::event_json, settings::Format};
use clap::{Args, Subcommand};
use kith_client::{
    reason_name,
    replica::{Dropped, Pending, Refusal, Replica, Stage},
};
use kith_core::id::EventId;
use serde_json::{Value, json};

/// Show or give up events that wait to be sent, and those that the server refused
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith outbox\n  kith outbox drop 019d0000-0000-7000-8000-000000000000")]
pub(crate) struct OutboxArgs {
    #[command(subcommand)]
    command: Option<OutboxCommand>,
}

/// What to do with the outbox.
#[derive(Debug, Subcommand)]
enum OutboxCommand {
    /// List them, in the order of recording
    #[command(after_help = "Example: kith outbox list -o json")]
    List,
    /// Give one up, for good
    #[command(after_help = "Example: kith outbox drop 019d0000-0000-7000-8000-000000000000")]
    Drop {
        /// The event's id
        event: EventId,
    },
}

pub(crate) fn run(replica: &Replica, output: &mut Output, args: &OutboxArgs) -> Result<(), Failure> {
    match &args.command {
        None | Some(OutboxCommand::List) => list(replica, output),
        Some(OutboxCommand::Drop { event }) => give_up(replica, output, event),
    }
}

fn list(replica: &Replica, output: &mut Output) -> Result<(), Failure> {
    let (pending, refused) = (replica.pending()?, replica.refused()?);
    match output.format() {
        Format::Json => {
            let values = pending.iter().map(pending_json).chain(refused.iter().map(refusal_json));
            for value in values {
                output.json(&value)?;
            }
            Ok(())
        }
        Format::Table => {
            let columns = ["event", "kind", "recorded", "state", "why"].map(Column::text);
            let rows = pending.iter().map(pending_row).chain(refused.iter().map(refusal_row));
            output.table(&columns, rows.collect())
        }
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Queued => "queued",
        Stage::Returned => "returned",
        Stage::Accepted(_) => "accepted",
    }
}

fn pending_json(pending: &Pending) -> Value {
    let position = match pending.stage {
        Stage::Queued | Stage::Returned => Value::Null,
        Stage::Accepted(position) => position.get().into(),
    };
    json!({
        "id": pending.event.id().to_string(),
        "state": stage_name(pending.stage),
        "position": position,
        "recorded_at": show_time(pending.recorded_at),
        "reason": null,
        "field": null,
        "message": null,
        "event": event_json(pending.event.event()),
    })
}

fn refusal_json(refusal: &Refusal) -> Value {
    json!({
        "id": refusal.event.id().to_string(),
        "state": "refused",
        "position": null,
        "recorded_at": show_time(refusal.recorded_at),
        "reason": refusal.why.reason.map(reason_name),
        "field": refusal.why.field,
        "message": refusal.why.message,
        "event": event_json(refusal.event.event()),
    })
}

fn pending_row(pending: &Pending) -> Vec<String> {
    let (id, kind) = (pending.event.id().to_string(), pending.event.event().kind().to_string());
    let why = match pending.stage {
        Stage::Queued => String::new(),
        Stage::Returned => "the log lost it".to_owned(),
        Stage::Accepted(position) => format!("comes back at position {position}"),
    };
    vec![id, kind, show_time(pending.recorded_at), stage_name(pending.stage).to_owned(), why]
}

fn refusal_row(refusal: &Refusal) -> Vec<String> {
    let (id, kind) = (refusal.event.id().to_string(), refusal.event.event().kind().to_string());
    vec![id, kind, show_time(refusal.recorded_at), "refused".to_owned(), refusal.why.message.clone()]
}

fn give_up(replica: &Replica, output: &mut Output, event: &EventId) -> Result<(), Failure> {
    match replica.drop_event(event)? {
        Dropped::Gone => {
            output.tell(&json!({ "id": event.to_string(), "dropped": true }), || format!("{event} is gone"))
        }
        Dropped::Accepted => {
            Err(Failure::Usage(format!("the server has {event} already: `kith retract {event}` withdraws it")))
        }
        Dropped::Unknown => Err(Failure::NotFound(format!("there is no event {event} in the outbox"))),
    }
}
