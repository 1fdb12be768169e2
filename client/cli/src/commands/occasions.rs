//! What imports of occasions have in common on the command line: a preview, a yes, a list of what is left open.

use crate::{
    context::Context,
    failure::Failure,
    import::{
        consent::{ask, refused_if, unasked},
        occasions::{
            preview::{Preview, sentence},
            sending::send_plan,
        },
        refusals,
    },
    show::{
        destination::Destination,
        output::{Format, remark},
    },
};
use clap::Args;
use kith_import::{Refusal, occasions::review};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Whether to record.
#[derive(Debug, Args)]
pub(crate) struct ConsentArgs {
    /// Write what stays open into a new file, which only you can read, and record nothing: entries of others that say
    /// otherwise, refused records, addresses of nobody here
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    review: Option<PathBuf>,
    /// Record without a question
    #[arg(long)]
    yes: bool,
    /// Record nothing: show what would be recorded and withdrawn, and what is refused
    #[arg(long, conflicts_with_all = ["yes", "review"])]
    dry_run: bool,
}

/// Shows what would be recorded and, after a yes, records it.
pub(crate) async fn record(context: &mut Context, args: &ConsentArgs, preview: &Preview<'_>) -> Result<(), Failure> {
    let is_json = context.output.format() == Format::Json;
    if let Some(path) = &args.review {
        return write_review(context, path, preview).await;
    }
    if !is_json {
        preview.tell(&context.place, &mut context.output).await?;
    }
    let refusals = preview.refusals.clone();
    if args.dry_run || (is_json && !args.yes) {
        if is_json {
            context.output.json(&preview.json(None, args.dry_run, &refusals))?;
        }
        return if args.dry_run { refused_if(!refusals.is_empty()) } else { Err(unasked()) };
    }
    if !preview.plan.is_empty() {
        context.output.flush()?;
        if !args.yes && !ask()? {
            return context.output.line("nothing was recorded");
        }
    }
    let sent = send_plan(&context.place, preview.plan).await?;
    // Those that are no events were refused already.
    let server: Vec<Refusal> = sent.refusals.iter().filter(|refusal| !refusals.contains(refusal)).cloned().collect();
    let mut all: Vec<Refusal> = refusals.into_iter().chain(server.iter().cloned()).collect();
    all.sort_by_key(|refusal| refusal.spot);
    if is_json {
        context.output.json(&preview.json(Some(&sent), false, &all))?;
    } else {
        context.output.line(&sentence(&sent, &context.place))?;
        refusals::told(&server).iter().try_for_each(|line| context.output.line(line))?;
    }
    refused_if(!all.is_empty())
}

/// Writes the list into a new file that only its owner can read. What would be recorded is shown beside it, unless the
/// list itself goes to standard output.
async fn write_review(context: &mut Context, path: &Path, preview: &Preview<'_>) -> Result<(), Failure> {
    let mut list = Destination::open(path, true)?;
    let is_file = list.is_file();
    let text = review(&preview.plan.open, &preview.refusals, preview.strangers);
    list.write_all(&text).map_err(|error| list.failed(error))?;
    list.finish()?;
    if is_file && context.output.format() == Format::Json {
        context.output.json(&preview.json(None, true, &preview.refusals))?;
    } else if is_file {
        preview.tell(&context.place, &mut context.output).await?;
    }
    if is_file {
        remark(&format!("what stays open is in {}", path.display()));
    }
    refused_if(!preview.refusals.is_empty())
}
