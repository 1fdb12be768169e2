//! `kith status`: what a user must know about a replica, in five lines.

use crate::{
    failure::Failure,
    place::last_recorded_at,
    show::{
        log_clock::standstill,
        output::{Format, Output, remark},
    },
};
use clap::Args;
use kith_client::replica::{Replica, Status};
use kith_core::counted::counted;
use kith_core::filter::Filter;
use kith_json::time_text;
use serde_json::json;

/// Show the replica's status: its position, its outbox, its last contact with the server, and whether it is verified
#[derive(Debug, Args)]
#[command(after_help = "Example: kith status")]
pub(crate) struct StatusArgs {}

pub(crate) fn run(replica: &Replica, output: &mut Output, _: &StatusArgs) -> Result<(), Failure> {
    let status = replica.status()?;
    let standstill = standstill(last_recorded_at(replica)?, kith_client::now());
    if let Some(words) = &standstill {
        remark(words);
    }
    match output.format() {
        Format::Json => output.json(&json!({
            "network": replica.network().as_str(),
            "position": status.position.get(),
            "root": status.root.to_string(),
            "server_position": status.server_head.get(),
            "complete": status.filter.is_all() && !status.has_gaps,
            "filter": words_of(&status.filter),
            "newer": status.newer,
            "pending": status.pending,
            "refused": status.refused,
            "synced_at": status.synced_at.map(time_text),
            "hides_words": status.hides_words,
            "failed_at": status.failure.as_ref().map(|(at, _)| time_text(*at)),
            "failure": status.failure.as_ref().map(|(_, why)| why),
            "alarm": status.alarm.as_ref().map(|(why, _)| why),
            "evidence": status.alarm.as_ref().map(|(_, file)| file),
            "clock": standstill,
            "key": status.key.as_ref().map(ToString::to_string),
        })),
        Format::Table => {
            for line in lines(replica, &status) {
                output.line(&line)?;
            }
            Ok(())
        }
    }
}

fn lines(replica: &Replica, status: &Status) -> [String; 5] {
    let what = match (status.filter.is_all(), status.has_gaps) {
        (true, false) => "everything".to_owned(),
        (true, true) => "everything that your token may see".to_owned(),
        (false, _) => words_of(&status.filter),
    };
    let behind = match status.server_head.since(status.position) {
        0 => String::new(),
        count => format!(", {count} behind the server"),
    };
    let newer = match status.newer {
        0 => String::new(),
        count => format!("; {} of a later version of Kith", counted(count, "entry is", "entries are")),
    };
    let outbox = match (status.pending, status.refused) {
        (0, 0) => "nothing is waiting".to_owned(),
        (pending, 0) => format!("{} waiting to be sent", counted(pending, "event is", "events are")),
        (pending, refused) => {
            let pending = counted(pending, "event is", "events are");
            format!("{pending} waiting to be sent, {}: `kith outbox`", counted(refused, "was refused", "were refused"))
        }
    };
    let synced = status.synced_at.map_or_else(|| "never".to_owned(), time_text);
    let hidden = if status.hides_words {
        "; longer ago than the network allows, so words are not shown: `kith sync`"
    } else {
        ""
    };
    let failed = status.failure.as_ref().map(|(at, why)| format!("; failed at {}: {why}", time_text(*at)));
    let verified = match (&status.alarm, &status.key) {
        (Some((why, _)), _) => format!("NO: {why}"),
        (None, None) => "nothing to verify yet".to_owned(),
        (None, Some(key)) => format!("yes, by {key}"),
    };
    [
        format!("network   {}: {what}", replica.network()),
        format!("position  {}{behind}, root {}{newer}", status.position, status.root),
        format!("outbox    {outbox}"),
        format!("synced    {synced}{hidden}{}", failed.unwrap_or_default()),
        format!("verified  {verified}"),
    ]
}

/// A filter in words.
pub(super) fn words_of(filter: &Filter) -> String {
    fn list<T: ToString>(what: &str, items: &[T]) -> Option<String> {
        let items: Vec<String> = items.iter().map(ToString::to_string).collect();
        (!items.is_empty()).then(|| format!("{what} {}", items.join(", ")))
    }
    let parts =
        [list("people", &filter.people), list("kinds", &filter.kinds), list("organisations", &filter.organisations)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "everything".to_owned() } else { parts.join("; ") }
}
