//! `kith record`: records events from JSON lines, answering each as it arrives.

use super::recording::{Recorded, sentence};
use crate::{
    context::Context,
    failure::Failure,
    import::upload::{Answer, Feed, Item, Role, Unwanted, upload},
    input::files::{Line, Lines, open},
    place::Place,
    show::output::Output,
};
use clap::Args;
use kith_client::replica::Replica;
use kith_core::limits::APPEND_BYTES_MAX;
use kith_import::{Random, Refusal, read_record};
use kith_json::{Missing, outcome_json};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Record events from a file of JSON lines; every line is answered, and valid ones are recorded
///
/// Each line is a kith.v1.NewEvent: {"event": {...}, "details": [...]}. Missing ids, salts and commitments are filled
/// in. An answer begins with the number of its line. Recording a line twice records two events, unless it has an id; use `kith import` to avoid that.
#[derive(Debug, Args)]
#[command(after_help = "Example: echo '{\"event\":{\"occurred_at\":\"2026-03-04T10:00:00Z\",\"scope\":\"network\",\
                  \"met\":{\"people\":[\"amina\",\"ben\"]}}}' | kith record -")]
pub(crate) struct RecordArgs {
    /// The file; - for standard input
    file: PathBuf,
}

pub(crate) async fn run(context: &mut Context, args: RecordArgs) -> Result<(), Failure> {
    let lines = Lines::new(open(&args.file)?);
    if let Place::Replica(replica) = &context.place {
        return record_here(replica, &mut context.output, lines, &args.file);
    }
    let prepare = move |feed: &mut Feed| feed_lines(lines, &args.file, &mut Random, feed, Flush::WhenDrained);
    let mut refused = false;
    let output = &mut context.output;
    upload(&context.place, prepare, |answers| {
        for answer in answers {
            refused |= answer.result.is_err();
            let Answer { spot, result, .. } = answer;
            let (line, mut shown) = (spot.line, spot.fields());
            match result {
                Ok((id, outcome)) => {
                    shown.extend(outcome_json(id, outcome));
                    output.tell(&Value::Object(shown), || format!("{line}: {}", sentence(id, outcome)))?;
                }
                Err(refusal) => {
                    output.tell(&refusal.to_json(), || format!("{line}: refused, {}", refusal.message))?;
                }
            }
        }
        output.flush()
    })
    .await?;
    if refused { Err(Failure::PartlyRefused) } else { Ok(()) }
}

/// Adds each line's event to the outbox.
fn record_here(replica: &Replica, output: &mut Output, mut lines: Lines, path: &Path) -> Result<(), Failure> {
    let (mut missing, mut refused) = (Random, false);
    while let Some(line) = lines.next_line().map_err(|error| Failure::file("read", path, error))? {
        let Item { spot, event, .. } = item(line, &mut missing);
        let line = spot.line;
        let event = match event {
            Ok(event) => event,
            Err(refusal) => {
                refused = true;
                output.tell(&refusal.to_json(), || format!("{line}: refused, {}", refusal.message))?;
                continue;
            }
        };
        let recorded = Recorded::from(replica.record(&event)?);
        let mut shown = spot.fields();
        shown.extend(recorded.fields(event.id()));
        output.tell(&Value::Object(shown), || format!("{line}: {}", recorded.sentence(event.id())))?;
        output.flush()?;
    }
    if refused { Err(Failure::PartlyRefused) } else { Ok(()) }
}

/// When collected events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flush {
    /// When a message is full.
    WhenFull,
    /// Also when the next line is not available yet.
    WhenDrained,
}

/// Sends each line's event, or why there is none.
pub(crate) fn feed_lines(
    mut lines: Lines,
    path: &Path,
    missing: &mut impl Missing,
    feed: &mut Feed,
    flush: Flush,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::file("read", path, error);
    while let Some(line) = lines.next_line().map_err(failed)? {
        let handed = feed.push(item(line, missing)).and_then(|()| match flush {
            Flush::WhenDrained if lines.is_drained() => feed.flush(),
            Flush::WhenDrained | Flush::WhenFull => Ok(()),
        });
        if let Err(Unwanted) = handed {
            return Ok(());
        }
    }
    Ok(())
}

/// A line's event, or why there is none.
pub(crate) fn item(line: Line, missing: &mut impl Missing) -> Item {
    let Line { spot, text } = line;
    let event = match text {
        Some(text) => read_record(&text, missing).map_err(|why| Refusal::unread(spot, why)),
        None => Err(Refusal {
            spot,
            reason: "LIMIT_EXCEEDED",
            field: String::new(),
            message: format!("the line is longer than {APPEND_BYTES_MAX} bytes"),
        }),
    };
    Item { spot, role: Role::Record, event }
}
