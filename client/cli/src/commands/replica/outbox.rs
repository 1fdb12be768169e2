//! `kith outbox`: events that are not in the log yet, and those that the server refused.

use crate::{
    failure::Failure,
    show::output::{Column, Format, Output},
};
use clap::{Args, Subcommand};
use kith_client::replica::{Dropped, Pending, Refusal, Replica, Stage};
use kith_core::counted::counted;
use kith_core::id::EventId;
use kith_core::reason;
use kith_json::{details_json, event_json, time_text};
use serde_json::{Value, json};

/// Show, resend or drop events that are waiting to be sent, and those that the server refused
///
/// In JSON, each has its event and details, including personal words, as `kith record` reads them: a refused event can
/// be corrected and recorded again under its id.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith outbox\n  kith outbox retry --all\n  \
                        kith outbox drop 019d0000-0000-7000-8000-000000000000\n  \
                        kith outbox -o json | jq -c '{event,details}' | kith record -")]
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
    /// Queue refused events to be sent again
    #[command(
        after_help = "Examples:\n  kith outbox retry --all\n  kith outbox retry 019d0000-0000-7000-8000-000000000000"
    )]
    Retry(Which),
    /// Drop one event, or all that the server refused, for good
    #[command(
        after_help = "Examples:\n  kith outbox drop 019d0000-0000-7000-8000-000000000000\n  kith outbox drop --all"
    )]
    Drop(Which),
}

/// One event, or all that the server refused.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The event's id
    event: Option<EventId>,
    /// All that the server refused
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(replica: &Replica, output: &mut Output, args: &OutboxArgs) -> Result<(), Failure> {
    match &args.command {
        None | Some(OutboxCommand::List) => list(replica, output),
        Some(OutboxCommand::Retry(which)) => retry(replica, output, which),
        Some(OutboxCommand::Drop(Which { event: Some(event), .. })) => give_up(replica, output, event),
        Some(OutboxCommand::Drop(Which { event: None, .. })) => {
            let dropped = replica.drop_refused()?;
            output.tell(&json!({ "dropped": dropped }), || format!("{dropped} refused events were dropped"))
        }
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
        "recorded_at": time_text(pending.recorded_at),
        "reason": null,
        "field": null,
        "message": null,
        "event": event_json(pending.event.event()),
        "details": details_json(pending.event.details()),
    })
}

fn refusal_json(refusal: &Refusal) -> Value {
    json!({
        "id": refusal.event.id().to_string(),
        "state": "refused",
        "position": null,
        "recorded_at": time_text(refusal.recorded_at),
        "reason": refusal.why.reason.map(reason::name),
        "field": refusal.why.field,
        "message": refusal.why.message,
        "event": event_json(refusal.event.event()),
        "details": details_json(refusal.event.details()),
    })
}

fn pending_row(pending: &Pending) -> Vec<String> {
    let (id, kind) = (pending.event.id().to_string(), pending.event.event().kind().to_string());
    let why = match pending.stage {
        Stage::Queued => String::new(),
        Stage::Returned => "the log lost it".to_owned(),
        Stage::Accepted(position) => format!("comes back at position {position}"),
    };
    vec![id, kind, time_text(pending.recorded_at), stage_name(pending.stage).to_owned(), why]
}

fn refusal_row(refusal: &Refusal) -> Vec<String> {
    let (id, kind) = (refusal.event.id().to_string(), refusal.event.event().kind().to_string());
    vec![id, kind, time_text(refusal.recorded_at), "refused".to_owned(), refusal.why.message.clone()]
}

fn retry(replica: &Replica, output: &mut Output, which: &Which) -> Result<(), Failure> {
    let returned = match &which.event {
        Some(event) if !replica.retry_event(event)? => {
            return Err(Failure::NotFound(format!("there is no refused event {event} in the outbox")));
        }
        Some(_) => 1,
        None => replica.retry_refused()?,
    };
    output.tell(&json!({ "queued": returned }), || {
        let events = counted(returned, "event is", "events are");
        format!("{events} waiting to be sent: `kith sync` sends what waits")
    })
}

fn give_up(replica: &Replica, output: &mut Output, event: &EventId) -> Result<(), Failure> {
    match replica.drop_event(event)? {
        Dropped::Gone => {
            output.tell(&json!({ "id": event.to_string(), "dropped": true }), || format!("{event} was dropped"))
        }
        Dropped::Accepted => {
            Err(Failure::Usage(format!("the server already has {event}: `kith retract {event}` withdraws it")))
        }
        Dropped::Unknown => Err(Failure::NotFound(format!("there is no event {event} in the outbox"))),
    }
}
