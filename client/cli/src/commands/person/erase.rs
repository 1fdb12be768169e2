//! `kith person erase` and `kith person erasure`: erasing all words about a person, and the receipt of it.

use crate::{
    commands::records::{ErasureGroundsArgs, time_of},
    context::Context,
    failure::Failure,
    show::output::{Column, Format, remark},
};
use clap::Args;
use kith_client::v1;
use kith_core::counted::counted;
use kith_core::{
    id::{EventId, PersonId},
    timestamp::Timestamp,
};
use kith_json::time_text;
use serde_json::{Value, json};
use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

/// Erase all words about a person, for good
///
/// Names, contacts, notes and places about the person go, under every id that means them, and so do words that are
/// about others, too. That somebody with this id met or helped others stays. Tokens that speak for the person end.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith person erase amina --reason withdrawn --dry-run     (only counts)\n  \
                        kith person erase amina --reason withdrawn --reference IG-2026-0142 --receipt amina.tlog-proof")]
pub(crate) struct EraseArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
    #[command(flatten)]
    grounds: ErasureGroundsArgs,
    /// Only say what would be erased
    #[arg(long, conflicts_with_all = ["wait", "receipt"])]
    dry_run: bool,
    /// Wait until nothing of the words can be read on the server
    #[arg(long)]
    wait: bool,
    /// Wait, and write the receipt that `kith audit verify` verifies into a new file
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// Show how far the erasure of a person has come
#[derive(Debug, Args)]
#[command(after_help = "Example: kith person erasure amina --receipt amina.tlog-proof")]
pub(crate) struct ErasureArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
    /// Write the receipt that `kith audit verify` verifies into a new file
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

pub(super) async fn erase(context: &mut Context, args: &EraseArgs) -> Result<(), Failure> {
    let person = context.resolver().person(&args.person).await?;
    let grounds = args.grounds.read()?;
    let server = context.server()?.clone();
    let about = server.preview_erasure(&person, &grounds).await?;
    if args.dry_run {
        return context.output.tell(&preview_json(&about), || format!("{} would be erased", amounts(&about)));
    }
    remark(&format!("erasing {}", amounts(&about)));
    let erased = server.erase_person(&person, &grounds).await?;
    if !args.wait && args.receipt.is_none() {
        let mut answer = preview_json(&erased);
        answer["position"] = erased.position.into();
        return context.output.tell(&answer, || {
            let position = erased.position;
            format!("{person} is erased, recorded at position {position}; `kith person erasure {person}` shows when nothing is left")
        });
    }
    let erasures = completed(context, &person).await?;
    show(context, &erasures, args.receipt.as_deref()).await
}

pub(super) async fn erasure(context: &mut Context, args: &ErasureArgs) -> Result<(), Failure> {
    let person = context.resolver().person(&args.person).await?;
    let erasures = context.server()?.erasure(&person, false).await?;
    if erasures.is_empty() {
        return Err(Failure::NotFound(format!("nobody has erased {person}")));
    }
    show(context, &erasures, args.receipt.as_deref()).await
}

/// Waits for the end, for longer than a call may take.
async fn completed(context: &mut Context, person: &PersonId) -> Result<Vec<v1::Erasure>, Failure> {
    let server = context.server()?;
    loop {
        match server.erasure(person, true).await {
            Ok(erasures) => return Ok(erasures),
            Err(error) if error.is_retryable() => remark(&format!("still waiting: {error}")),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn show(context: &mut Context, erasures: &[v1::Erasure], receipt: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = receipt {
        write_receipt(context, &erasures[0], path).await?;
    }
    match context.output.format() {
        Format::Json => erasures.iter().try_for_each(|erasure| context.output.json(&erasure_json(erasure))),
        Format::Table => {
            let columns = ["person", "erased", "reason", "reference", "completed", "details", "keys"].map(Column::text);
            let rows = erasures.iter().map(|one| {
                let completed = completed_at(one).map_or("not yet".to_owned(), time_text);
                let (details, keys) = (one.details_erased.to_string(), one.keys_destroyed.to_string());
                let erased = time_of(recorded_at(one));
                vec![one.person.clone(), erased, one.reason.clone(), one.reference.clone(), completed, details, keys]
            });
            context.output.table(&columns, rows.collect())?;
            if let Some(told) = told(erasures) {
                remark(&told);
            }
            if let Some(end) = erasures.iter().filter_map(completed_at).max().map(time_text) {
                remark(&format!(
                    "backups of the keys from before {end} open what a backup of the log from then holds: destroy them"
                ));
            }
            Ok(())
        }
    }
}

/// How many replicas have confirmed that the words are gone from their devices, if the caller may know of any.
fn told(erasures: &[v1::Erasure]) -> Option<String> {
    let last = erasures.iter().max_by_key(|erasure| erasure.position).filter(|erasure| erasure.replicas > 0)?;
    let (all, told, position) = (last.replicas, last.replicas_told, last.position);
    let of_all = format!("{told} of {}", counted(all, "replica", "replicas"));
    if told == all {
        return Some(format!("{of_all} confirmed that the words are gone"));
    }
    Some(format!("{of_all} confirmed that the words are gone: see `kith replica list --behind {position}`"))
}

/// Writes the receipt of an erasure: the proof that the entry which completed it is in the log.
async fn write_receipt(context: &mut Context, erasure: &v1::Erasure, path: &Path) -> Result<(), Failure> {
    if erasure.completed_event.is_empty() {
        return Err(Failure::Unavailable(format!("the erasure of {} is not completed yet", erasure.person)));
    }
    let event = EventId::parse_field(&erasure.completed_event, "completed_event")?;
    let (receipt, key) = context.server()?.receipt(&event).await?;
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(receipt.to_string().as_bytes()));
    written.map_err(|error| Failure::file("write", path, error))?;
    remark(&format!("the receipt is in {}, signed by {key}", path.display()));
    Ok(())
}

fn recorded_at(erasure: &v1::Erasure) -> Option<Timestamp> {
    erasure.recorded_at.as_ref().and_then(Timestamp::from_proto)
}

fn completed_at(erasure: &v1::Erasure) -> Option<Timestamp> {
    erasure.completed_at.as_ref().and_then(Timestamp::from_proto)
}

fn amounts(about: &v1::ErasePersonResponse) -> String {
    let v1::ErasePersonResponse { people, details, shared_details, others, .. } = about;
    let mut parts = vec![counted(*details, "detail", "details")];
    if *shared_details > 0 {
        parts.push(format!("{shared_details} of them also about {}", counted(*others, "other", "others")));
    }
    if people.len() > 1 {
        parts.push(format!("under {} ids: {}", people.len(), people.join(", ")));
    }
    parts.join(", ")
}

fn preview_json(about: &v1::ErasePersonResponse) -> Value {
    json!({
        "people": about.people,
        "details": about.details,
        "shared_details": about.shared_details,
        "others": about.others,
    })
}

fn erasure_json(erasure: &v1::Erasure) -> Value {
    let id = |bytes: &[u8]| EventId::parse_field(bytes, "event").ok().map(|id| id.to_string());
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let is_completed = erasure.completed_at.is_some();
    json!({
        "person": erasure.person,
        "event": id(&erasure.event),
        "position": erasure.position,
        "recorded_at": recorded_at(erasure).map(time_text),
        "reason": erasure.reason,
        "reference": given(&erasure.reference),
        "replicas": erasure.replicas,
        "replicas_told": erasure.replicas_told,
        "completed": is_completed.then(|| json!({
            "event": id(&erasure.completed_event),
            "position": erasure.completed_position,
            "recorded_at": completed_at(erasure).map(time_text),
            "details_erased": erasure.details_erased,
            "keys_destroyed": erasure.keys_destroyed,
        })),
    })
}
