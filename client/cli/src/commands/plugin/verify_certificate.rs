//! `kith plugin verify-certificate`: recomputes rows from the log and compares them with a certificate.
//!
//! Invariant: whatever cannot be verified ends with exit code 6.

use super::certify::{Certificate, FORMAT};
use crate::{
    authoring::whole_log, commands::audit_verify::read_text, context::Context, failure::Failure,
    input::files::read_component, place::known_logs::KnownLogs, show::output::remark,
};
use clap::Args;
use kith_authoring::host::{Fold, Host};
use kith_core::counted::{counted, noun};
use kith_core::{
    checkpoint::{SignedCheckpoint, VerifierKey},
    history::{Budget, History},
    id::OrganisationId,
    position::Position,
    tree::{Frontier, leaf_hash},
};
use kith_json::read_day;
use kith_views::ViewScope;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{path::PathBuf, sync::Arc};

/// Recompute a view's rows and compare them with a certificate
///
/// Reads the log up to the certificate's checkpoint, checks that it is the log that was signed, folds it locally with
/// the certified component and settings, and compares the digest over all rows. Needs a token that may see every entry
/// that the view folds. Exits with 6 if anything does not verify.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith plugin verify-certificate strength.certificate")]
pub(crate) struct VerifyCertificateArgs {
    /// What `kith plugin certify` printed; - for standard input
    file: PathBuf,
    /// The component, instead of fetching it by its digest
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The log's public key, instead of the one remembered
    #[arg(long, value_name = "KEY")]
    key: Option<VerifierKey>,
}

pub(super) async fn run(context: &mut Context, args: VerifyCertificateArgs) -> Result<(), Failure> {
    let certificate = parse(&read_text(&args.file)?)?;
    let signed = SignedCheckpoint::parse(&certificate.checkpoint).map_err(not_verified)?;
    let key = find_key(context, &signed, args.key).await?;
    let checkpoint = signed.verify(&key).map_err(not_verified)?.clone();
    let component = component(context, args.component.as_ref(), &certificate).await?;
    let head = Position::new(checkpoint.size);
    let log = Arc::new(whole_log::read(&context.place, Some(head)).await?);
    let root = root(&*log, head)?;
    if root != checkpoint.root {
        return Err(not_verified(format!(
            "the entries read here have the root {root}, and the signed one is {}; a token that may not see every entry \
             cannot verify",
            checkpoint.root
        )));
    }
    let day = read_day(&certificate.day).map_err(not_verified)?;
    let scope = match &certificate.organisation {
        None => ViewScope::Network,
        Some(id) => ViewScope::Organisation(id.parse::<OrganisationId>().map_err(not_verified)?),
    };
    let fold = Fold {
        component,
        settings: certificate.settings.to_string(),
        network: context.place.network().clone(),
        scope,
        log,
        clock: Arc::new(move || day.noon().millis()),
    };
    let digest = Host::open()?.fold(fold).await?.digest(day).await?;
    if (digest.rows, digest.sha256) != (certificate.rows, certificate.rows_digest) {
        return Err(not_verified(format!(
            "{} with digest {} follow from the log, and {} with {} are certified",
            counted(digest.rows, "row", "rows"),
            hex::encode(digest.sha256),
            certificate.rows,
            hex::encode(certificate.rows_digest)
        )));
    }
    let (view, rows) = (&certificate.view, certificate.rows);
    let answer = json!({
        "verified": true,
        "view": view,
        "rows": rows,
        "position": checkpoint.size,
        "day": certificate.day,
        "key": key.to_string(),
    });
    context.output.tell(&answer, || {
        let (day, size) = (&certificate.day, checkpoint.size);
        let rows = format!("{} {}", noun(rows, "this", "these"), counted(rows, "row", "rows"));
        format!("verified: {view} has {rows} as of {day} UTC, position {size}")
    })?;
    context.output.flush()?;
    remark(&format!("signed by {key}"));
    Ok(())
}

/// The given key, else the remembered one, else the one that the server shows.
async fn find_key(
    context: &Context,
    signed: &SignedCheckpoint,
    given: Option<VerifierKey>,
) -> Result<VerifierKey, Failure> {
    if let Some(key) = given {
        return Ok(key);
    }
    if let Some(key) = KnownLogs::open()?.find(&signed.unverified().origin) {
        return Ok(key.clone());
    }
    Ok(context.server()?.checkpoint().await?.key)
}

fn parse(text: &str) -> Result<Certificate, Failure> {
    let certificate: Certificate = serde_json::from_str(text)
        .map_err(|error| not_verified(format!("the file is damaged, or not a certificate: {error}")))?;
    if certificate.format != FORMAT {
        return Err(not_verified(format!(
            "the file has the format {}; {FORMAT} is understood here",
            certificate.format
        )));
    }
    Ok(certificate)
}

async fn component(context: &Context, file: Option<&PathBuf>, certificate: &Certificate) -> Result<Vec<u8>, Failure> {
    let component = match file {
        Some(file) => read_component(file)?,
        None => context.server()?.fetch_component(&certificate.component).await?.to_vec(),
    };
    if Sha256::digest(&component)[..] != certificate.component[..] {
        return Err(not_verified("the component is not the certified one"));
    }
    Ok(component)
}

/// Root of the hash tree over the entries up to a position.
fn root(log: &dyn History, head: Position) -> Result<kith_core::tree::Hash, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Unexpected(error.to_string());
    let (mut frontier, mut after) = (Frontier::new(), Position::ZERO);
    while after < head {
        let read = log.read(after, head, Budget { entries: 4_096, bytes: 4 << 20 }).map_err(|error| failed(&error))?;
        for entry in &read {
            frontier.push(leaf_hash(entry));
        }
        if read.is_empty() {
            break;
        }
        after = Position::new(frontier.size());
    }
    Ok(frontier.root())
}

fn not_verified(why: impl std::fmt::Display) -> Failure {
    Failure::NotVerified(why.to_string())
}
