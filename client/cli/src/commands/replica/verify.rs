//! `kith verify`: verifies the whole replica against the checkpoint that vouched for it.

use crate::{failure::Failure, show::output::Output};
use clap::Args;
use kith_client::replica::Replica;
use kith_core::counted::counted;
use serde_json::json;

/// Recompute the hash tree of everything here and compare it with the signed checkpoint; needs no server
#[derive(Debug, Args)]
#[command(after_help = "Example: kith verify")]
pub(crate) struct VerifyArgs {}

pub(crate) fn run(replica: &Replica, output: &mut Output, _: &VerifyArgs) -> Result<(), Failure> {
    let checked = replica.check()?;
    let status = replica.status()?;
    let key = status.key.as_ref().map(ToString::to_string);
    let answer = json!({
        "verified": checked.problems.is_empty(),
        "position": checked.position.get(),
        "entries": checked.entries,
        "root": checked.root.to_string(),
        "key": key,
        "problems": checked.problems,
    });
    output.tell(&answer, || {
        let signed = key.map_or_else(|| "nothing was fetched yet".to_owned(), |key| format!("signed by {key}"));
        let entries = counted(checked.entries, "entry", "entries");
        format!("{entries} up to position {}, root {}\n{signed}", checked.position, checked.root)
    })?;
    if checked.problems.is_empty() { Ok(()) } else { Err(Failure::NotVerified(checked.problems.join("; "))) }
}
