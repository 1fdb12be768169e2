//! `kith audit verify`: verifies a file against the log's public key, without a server.
//!
//! Invariant: whatever cannot be verified ends with exit code 6, even if the key is missing.

use super::{
    audit::checkpoint_json,
    audit_bundle::{Summary, failed, is_bundle, key_of, read_all},
};
use crate::{
    failure::Failure,
    limits,
    place::{
        known_logs::KnownLogs,
        profile::{Profile, profile_path},
        settings::{GlobalArgs, Settings},
    },
    show::{
        output::{Output, clean_lines},
        people::Names,
        sentences::sentence,
    },
};
use clap::Args;
use kith_client::BundleReader;
use kith_core::counted::counted;
use kith_core::{
    checkpoint::{Growth, LogOrigin, Receipt, SignedCheckpoint, VerifierKey},
    entry::Entry,
    text::{self, NotText},
};
use kith_json::{event_json, time_text};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Verify a checkpoint, a receipt, a proof of growth or evidence; needs no server
///
/// The key is the one given, else the one remembered from an earlier `kith audit checkpoint` or `prove`, else the one
/// that the server shows. To prove that a log only grew, give the earlier checkpoint and a proof that starts from it:
/// `kith audit prove --since FILE`. Of a bundle of evidence it says which positions, people and pairs its entries show,
/// and what of its first line is proved. Exits with 6 if anything does not verify.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith audit verify met.tlog-proof\n  kith audit verify pair.evidence\n  \
                        kith audit verify monday.checkpoint --key 'kith/default/6f...+1a2b3c4d+AQ...'\n  \
                        kith audit verify week.growth --consistent-with monday.checkpoint")]
pub(crate) struct VerifyArgs {
    /// What `kith audit checkpoint`, `prove`, `export` or `redact` printed; - for standard input
    file: PathBuf,
    /// The log's public key, in the form NAME+ID+KEY
    #[arg(long, value_name = "KEY")]
    key: Option<VerifierKey>,
    /// An earlier checkpoint that the log must continue
    #[arg(long, value_name = "FILE")]
    consistent_with: Option<PathBuf>,
}

/// What can be verified.
enum Evidence {
    Checkpoint(SignedCheckpoint),
    Receipt(Receipt),
    Growth(Growth),
}

impl Evidence {
    fn parse(text: &str) -> Result<Self, Failure> {
        let parsed = match text.split(['\n', ' ']).next() {
            Some("c2sp.org/tlog-proof@v1") => Receipt::parse(text).map(Self::Receipt).map_err(not_verified),
            Some("old") => Growth::parse(text).map(Self::Growth).map_err(not_verified),
            Some(_) | None => SignedCheckpoint::parse(text).map(Self::Checkpoint).map_err(not_verified),
        };
        parsed.map_err(|failure| match failure {
            Failure::NotVerified(why) => Failure::NotVerified(format!("the file is damaged, or not from Kith: {why}")),
            other => other,
        })
    }

    fn checkpoint(&self) -> &SignedCheckpoint {
        match self {
            Self::Checkpoint(checkpoint) => checkpoint,
            Self::Receipt(receipt) => &receipt.checkpoint,
            Self::Growth(growth) => &growth.checkpoint,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Checkpoint(_) => "checkpoint",
            Self::Receipt(_) => "receipt",
            Self::Growth(_) => "growth",
        }
    }
}

/// Where the key comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeySource {
    /// It was given on the command line.
    Given,
    /// It was remembered.
    Known,
    /// The server showed it.
    Server,
}

impl KeySource {
    /// As JSON.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Known => "known",
            Self::Server => "server",
        }
    }

    /// For people.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Given => "as given",
            Self::Known => "as remembered",
            Self::Server => "as the server shows it now; use --key to trust nobody",
        }
    }
}

fn not_verified(why: impl std::fmt::Display) -> Failure {
    Failure::NotVerified(why.to_string())
}

pub(crate) async fn run(args: &VerifyArgs, global: &GlobalArgs, output: &mut Output) -> Result<(), Failure> {
    let mut source = open(&args.file)?;
    let head = source.fill_buf().map_err(|error| Failure::file("read", &args.file, error))?;
    if is_bundle(head) {
        return verify_bundle(args, source, global, output).await;
    }
    let evidence = Evidence::parse(&text_of(&args.file, source)?)?;
    let earlier = match &args.consistent_with {
        Some(path) => Some(SignedCheckpoint::parse(&read_text(path)?).map_err(not_verified)?),
        None => None,
    };
    let (key, source) = match &args.key {
        Some(key) => (key.clone(), KeySource::Given),
        None => find_key(&evidence.checkpoint().unverified().origin, global).await?,
    };
    let entry = verify(&evidence, earlier.as_ref(), &key)?;
    let mut answer = checkpoint_json(evidence.checkpoint(), &key);
    answer["kind"] = evidence.kind().into();
    answer["key_from"] = source.as_str().into();
    answer["consistent_with"] = earlier.as_ref().map(|earlier| earlier.unverified().size).into();
    answer["entry"] = entry.as_ref().map(entry_json).transpose()?.unwrap_or(Value::Null);
    output.tell(&answer, || sentences(&evidence, entry.as_ref(), earlier.as_ref(), &key, source))
}

/// A bundle is read line by line, however long it is.
async fn verify_bundle(
    args: &VerifyArgs,
    source: impl BufRead,
    global: &GlobalArgs,
    output: &mut Output,
) -> Result<(), Failure> {
    if args.consistent_with.is_some() {
        let advice = "evidence has one checkpoint: --consistent-with is for checkpoints, receipts and proofs of growth";
        return Err(Failure::Usage(advice.to_owned()));
    }
    let bundle = BundleReader::open(source).map_err(|error| failed(&args.file, error))?;
    let heading = bundle.heading().clone();
    let (key, source) = key_of(&heading, args.key.as_ref(), global).await?;
    let mut summary = Summary::default();
    let checkpoint = read_all(&args.file, bundle, &key, |line| {
        summary.take(line);
        Ok(())
    })?;
    let answer = summary.json(&heading, &key, source);
    output.tell(&answer, || clean_lines(&summary.sentences(&heading, &checkpoint, &key, source)))
}

/// Checks everything that can be checked. Returns the entry of a receipt.
fn verify(
    evidence: &Evidence,
    earlier: Option<&SignedCheckpoint>,
    key: &VerifierKey,
) -> Result<Option<Entry>, Failure> {
    let later = evidence.checkpoint().verify(key).map_err(not_verified)?;
    match (evidence, earlier) {
        (Evidence::Growth(growth), Some(earlier)) => growth.verify(earlier, key).map_err(not_verified)?,
        (Evidence::Growth(_), None) => {
            let advice = "a proof of growth needs the checkpoint that it starts from: add --consistent-with FILE";
            return Err(not_verified(advice));
        }
        (Evidence::Checkpoint(_) | Evidence::Receipt(_), Some(earlier)) => {
            let earlier = earlier.verify(key).map_err(not_verified)?;
            if earlier.size != later.size {
                let advice = "two checkpoints alone do not show that the log only grew: verify the file that \
                              `kith audit prove --since FILE` gives for the earlier one";
                return Err(not_verified(advice));
            }
            if earlier.root != later.root {
                return Err(not_verified("two checkpoints of one size have different roots: keep both as evidence"));
            }
        }
        (Evidence::Checkpoint(_) | Evidence::Receipt(_), None) => {}
    }
    match evidence {
        Evidence::Receipt(receipt) => receipt.verify(key).map(Some).map_err(not_verified),
        Evidence::Checkpoint(_) | Evidence::Growth(_) => Ok(None),
    }
}

/// The key of a log if none was given: the remembered one, else the one that the server shows.
pub(super) async fn find_key(origin: &LogOrigin, global: &GlobalArgs) -> Result<(VerifierKey, KeySource), Failure> {
    if let Some(key) = KnownLogs::open()?.find(origin) {
        return Ok((key.clone(), KeySource::Known));
    }
    let unknown = |why: &dyn std::fmt::Display| {
        not_verified(format_args!("the key of {origin} is not known here, and {why}: give it with --key"))
    };
    let network = origin.network().ok_or_else(|| unknown(&"it is not a log of Kith"))?;
    let profile = Profile::read(&profile_path()?)?;
    let settings = Settings::resolve(global, |name| std::env::var_os(name), profile.as_ref());
    let client = settings.map_err(|_| unknown(&"no server is named"))?.connect().await;
    let client = client.map_err(|error| unknown(&error))?.with_network(network);
    let key = client.checkpoint().await.map_err(|error| unknown(&error))?.key;
    if key.origin() != origin {
        return Err(unknown(&"the server's log is a different one"));
    }
    Ok((key, KeySource::Server))
}

fn entry_json(entry: &Entry) -> Result<Value, Failure> {
    let event = entry.event().map_err(not_verified)?;
    Ok(json!({
        "position": entry.position.get(),
        "recorded_at": time_text(entry.recorded_at),
        "recorded_by": entry.recorded_by.as_str(),
        "id": event.id.to_string(),
        "kind": event.kind().to_string(),
        "occurred_at": time_text(event.occurred_at),
        "event": event_json(&event),
    }))
}

fn sentences(
    evidence: &Evidence,
    entry: Option<&Entry>,
    earlier: Option<&SignedCheckpoint>,
    key: &VerifierKey,
    source: KeySource,
) -> String {
    let checkpoint = evidence.checkpoint().unverified();
    let mut lines = Vec::new();
    if let Some(entry) = entry {
        let event = entry.event().ok();
        let what = event.as_ref().map(|event| format!("{} {}", event.kind(), event.id)).unwrap_or_default();
        let (position, at, by) = (entry.position, time_text(entry.recorded_at), &entry.recorded_by);
        lines.push(format!("verified: {what} is at position {position}, recorded {at} by {by}"));
        // A receipt holds no names.
        lines.extend(event.map(|event| format!("it says: {}", sentence(&event, &Names::of_people(Vec::new())))));
    }
    let (origin, size, root) = (&checkpoint.origin, checkpoint.size, checkpoint.root);
    lines.push(format!("verified: {origin} had {}, root {root}", counted(size, "entry", "entries")));
    if let Some(earlier) = earlier {
        let entries = counted(earlier.unverified().size, "entry", "entries");
        lines.push(format!("verified: it continues the checkpoint of {entries}"));
    }
    lines.push(format!("signed by {key}, {}", source.sentence()));
    lines.join("\n")
}

/// The text of a file or of standard input. A file that is not text counts as damaged.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    text_of(path, open(path)?)
}

fn open(path: &Path) -> Result<BufReader<Box<dyn Read + Send>>, Failure> {
    let source: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| Failure::file("read", path, error))?)
    };
    Ok(BufReader::new(source))
}

fn text_of(path: &Path, source: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = source.take(limits::PROOF_FILE_BYTES_MAX).read_to_end(&mut bytes);
    read.map_err(|error| Failure::file("read", path, error))?;
    text::decode(bytes).map_err(|why| match why {
        NotText::Utf16 => not_verified(format_args!("{} {why}", path.display())),
        NotText::NotUtf8 => not_verified(format_args!("{} is damaged: it is not text", path.display())),
    })
}
