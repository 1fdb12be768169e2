//! `kithd owner`: makes a new token for the whole server while no server runs.

use super::{exit, out::say};
use clap::{Args, Subcommand};
use kith_core::timestamp::{DAY_MS, Timestamp};
use kith_log::Clock;
use kith_node::{
    Config,
    owner_token::{self, Change},
};
use std::process::ExitCode;

/// Make the owner token of a data folder that no server uses
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd owner rotate --data ./data\n  \
                        kithd owner issue --data ./data --expires-days 90")]
pub(crate) struct OwnerArgs {
    #[command(subcommand)]
    change: OwnerCommand,
}

#[derive(Debug, Subcommand)]
enum OwnerCommand {
    /// Make an owner token if there is no valid one
    #[command(after_help = "Example:\n  kithd owner issue --data ./data")]
    Issue(Validity),
    /// Replace the owner token: the previous one stops working
    #[command(after_help = "Example:\n  kithd owner rotate --data ./data --expires-days 90")]
    Rotate(Validity),
}

#[derive(Debug, Args)]
struct Validity {
    /// Days until it ends [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_days: Option<u16>,
}

pub(crate) fn owner(config: &Config, clock: Clock, args: &OwnerArgs) -> anyhow::Result<ExitCode> {
    let (change, validity) = match &args.change {
        OwnerCommand::Issue(validity) => (Change::Issue, validity),
        OwnerCommand::Rotate(validity) => (Change::Rotate, validity),
    };
    if config.production && validity.expires_days.is_none() {
        anyhow::bail!("production = true: every token expires, so say when: --expires-days 90");
    }
    let now = clock();
    let expires_at = validity.expires_days.map(|days| Timestamp::from_millis(now.millis() + i64::from(days) * DAY_MS));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(match runtime.block_on(owner_token::change(&config.log, clock, change, expires_at)) {
        Ok(path) => {
            say(ExitCode::SUCCESS, &format!("the owner token is in {}; it was shown nowhere else", path.display()))
        }
        Err(error) => exit::failed(&error),
    })
}
