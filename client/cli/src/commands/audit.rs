//! `kith audit`: signed checkpoints, proofs and evidence, in formats that third-party tools can verify.

use super::{
    audit_export::{self, ExportArgs},
    audit_history::HistoryArgs,
    audit_redact::{self, RedactArgs},
    audit_verify::{self, VerifyArgs, read_text},
};
use crate::{
    context::Context,
    failure::Failure,
    place::{
        known_logs::{KnownLogs, Remembered},
        settings::GlobalArgs,
    },
    show::output::{Format, Output, remark},
};
use clap::{Args, Subcommand};
use kith_core::{
    checkpoint::{SignedCheckpoint, VerifierKey},
    id::EventId,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Signed checkpoints, proofs and evidence that anybody can verify
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    #[command(flatten)]
    Server(AuditServerCommand),
    History(HistoryArgs),
    #[command(flatten)]
    Alone(AuditAloneCommand),
}

/// Commands that need the server.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditServerCommand {
    /// Print the signed head of the log: a C2SP tlog-checkpoint
    ///
    /// Keep some of them: a later proof of growth shows that nothing before them was changed or removed. The log's
    /// public key is printed to standard error and remembered, so that a changed key is noticed.
    #[command(after_help = "Example: kith audit checkpoint > monday.checkpoint")]
    Checkpoint,
    Prove(ProveArgs),
    Export(ExportArgs),
}

/// Commands that need no server.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAloneCommand {
    Verify(Box<VerifyArgs>),
    Redact(Box<RedactArgs>),
}

/// Print the receipt of an event, or a proof that the log only grew
///
/// A receipt is a C2SP tlog-proof: the entry, its place, a proof, and a signed checkpoint. With --since it is a proof
/// that the log continues an earlier checkpoint, in the form that is sent to C2SP witnesses.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith audit prove 019d0000-0000-7000-8000-000000000000 > met.tlog-proof\n  \
                        kith audit prove --since monday.checkpoint > week.growth")]
pub(crate) struct ProveArgs {
    /// The event's id
    #[arg(required_unless_present = "since", conflicts_with = "since", value_name = "EVENT")]
    event: Option<EventId>,
    /// An earlier checkpoint that the log continues
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
}

impl AuditServerCommand {
    /// Runs at the server.
    pub(crate) async fn run(self, context: &mut Context) -> Result<(), Failure> {
        match self {
            Self::Checkpoint => checkpoint(context).await,
            Self::Prove(ProveArgs { event: Some(event), .. }) => receipt(context, &event).await,
            Self::Prove(ProveArgs { since: Some(earlier), .. }) => growth(context, &earlier).await,
            Self::Export(args) => audit_export::run(context, &args).await,
            Self::Prove(ProveArgs { event: None, since: None }) => {
                Err(Failure::Usage("name an event, or an earlier checkpoint with --since".to_owned()))
            }
        }
    }
}

impl AuditAloneCommand {
    /// Runs without a server.
    pub(crate) async fn run(self, global: &GlobalArgs, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Verify(args) => audit_verify::run(&args, global, output).await,
            Self::Redact(args) => audit_redact::run(&args, global, output).await,
        }
    }
}

async fn checkpoint(context: &mut Context) -> Result<(), Failure> {
    let head = context.server()?.checkpoint().await?;
    let mut answer = checkpoint_json(&head.checkpoint, &head.key);
    answer["checkpoint"] = head.checkpoint.to_string().into();
    give(context, &answer, &head.checkpoint.to_string(), &head.key)
}

async fn receipt(context: &mut Context, event: &EventId) -> Result<(), Failure> {
    let (receipt, key) = context.server()?.receipt(event).await?;
    let mut answer = checkpoint_json(&receipt.checkpoint, &key);
    answer["event"] = event.to_string().into();
    answer["position"] = (receipt.index + 1).into();
    answer["proof"] = receipt.to_string().into();
    give(context, &answer, &receipt.to_string(), &key)
}

async fn growth(context: &mut Context, earlier: &Path) -> Result<(), Failure> {
    let malformed = |why| Failure::NotVerified(format!("{}: {why}", earlier.display()));
    let earlier = SignedCheckpoint::parse(&read_text(earlier)?).map_err(malformed)?;
    let (growth, key) = context.server()?.growth(&earlier).await?;
    let mut answer = checkpoint_json(&growth.checkpoint, &key);
    answer["from"] = growth.from.into();
    answer["proof"] = growth.to_string().into();
    give(context, &answer, &growth.to_string(), &key)
}

/// A checkpoint as JSON.
pub(super) fn checkpoint_json(checkpoint: &SignedCheckpoint, key: &VerifierKey) -> Value {
    let checkpoint = checkpoint.unverified();
    json!({
        "origin": checkpoint.origin.as_str(),
        "size": checkpoint.size,
        "root": checkpoint.root.to_string(),
        "key": key.to_string(),
    })
}

/// Prints a text meant for a file, after checking that its key is the known one or remembering it.
fn give(context: &mut Context, answer: &Value, text: &str, key: &VerifierKey) -> Result<(), Failure> {
    remember(key)?;
    match context.output.format() {
        Format::Json => context.output.json(answer),
        Format::Table => {
            remark(&format!("signed by {key}"));
            context.output.bytes(text.as_bytes())
        }
    }
}

/// Checks that a key is the known one, or remembers it.
pub(super) fn remember(key: &VerifierKey) -> Result<(), Failure> {
    let mut known = KnownLogs::open()?;
    match known.remember(key) {
        Ok(Remembered::Before) => {}
        Ok(Remembered::Now) => remark(&format!("the key is remembered in {}", known.path().display())),
        Err(Failure::File { action, path, error }) => remark(&format!("cannot {action} {path}: {error}")),
        Err(failure) => return Err(failure),
    }
    Ok(())
}
