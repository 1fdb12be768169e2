//! `kith explain`: where an event is, and why.

use crate::{failure::Failure, show::output::Output};
use clap::Args;
use kith_client::replica::{Explanation, Replica, Stage};
use kith_core::id::EventId;
use kith_core::reason;
use kith_json::{details_json, event_json, time_text};
use serde_json::{Value, json};

/// Say why an event is in the replica, or why it is not
#[derive(Debug, Args)]
#[command(after_help = "Example: kith explain 019d0000-0000-7000-8000-000000000000")]
pub(crate) struct ExplainArgs {
    /// The event's id
    event: EventId,
}

pub(crate) fn run(replica: &Replica, output: &mut Output, args: &ExplainArgs) -> Result<(), Failure> {
    let id = args.event;
    let explained = replica.explain(&id)?;
    let own = match &explained {
        Explanation::OnItsWay { pending, .. } => Some(&pending.event),
        Explanation::Refused { refusal } => Some(&refusal.event),
        Explanation::Here { .. } | Explanation::Unknown { .. } => None,
    };
    let (event, details) = match &explained {
        Explanation::Here { recorded } => (event_json(&recorded.event), details_json(&recorded.details)),
        Explanation::OnItsWay { .. } | Explanation::Refused { .. } | Explanation::Unknown { .. } => {
            own.map_or((Value::Null, Value::Null), |own| (event_json(own.event()), details_json(own.details())))
        }
    };
    let words: Vec<String> =
        own.iter().flat_map(|own| own.details()).map(|detail| format!("“{}”", detail.text)).collect();
    let (state, position, why) = match explained {
        Explanation::Here { recorded } => {
            let entry = recorded.entry;
            let when = time_text(entry.recorded_at);
            let why =
                format!("it is in the log at position {}, recorded {when} by {}", entry.position, entry.recorded_by);
            ("here", Some(entry.position), why)
        }
        Explanation::OnItsWay { pending, failure } => {
            let since = time_text(pending.recorded_at);
            match pending.stage {
                Stage::Queued => ("queued", None, format!("it has been waiting since {since}{}", because(&failure))),
                Stage::Returned => {
                    ("returned", None, format!("the log lost it, so it will be sent again{}", because(&failure)))
                }
                Stage::Accepted(position) => {
                    let why = format!("the server has it at position {position}: the next sync fetches it");
                    ("accepted", Some(position), why)
                }
            }
        }
        Explanation::Refused { refusal } => {
            let reason = refusal.why.reason.map_or("UNKNOWN", reason::name);
            ("refused", None, format!("the server refused it ({reason}): {}", refusal.why.message))
        }
        Explanation::Unknown { has_gaps, behind } => ("unknown", None, unknown(has_gaps, behind)),
    };
    let position = position.map_or(Value::Null, |position| position.get().into());
    let answer = json!({
        "id": id.to_string(),
        "state": state,
        "position": position,
        "why": why,
        "event": event,
        "details": details,
    });
    output.tell(&answer, || if words.is_empty() { why } else { format!("{why}\n{}", words.join("\n")) })?;
    if state == "unknown" { Err(Failure::NotFound(format!("there is no event {id} here"))) } else { Ok(()) }
}

fn because(failure: &str) -> String {
    if failure.is_empty() { String::new() } else { format!("; the last attempt failed: {failure}") }
}

fn unknown(has_gaps: bool, behind: u64) -> String {
    let mut reasons = vec!["it was recorded elsewhere and not sent yet"];
    if has_gaps {
        reasons.push("it does not pass this replica's filter, or your token may not see it");
    }
    if behind > 0 {
        reasons.push("it is newer than the last sync");
    }
    format!("it is neither in the log here nor in the outbox: {}, or there is no such event", reasons.join(", or "))
}
