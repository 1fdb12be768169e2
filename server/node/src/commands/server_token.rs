//! `kithd owner` and `kithd operator`: make and end tokens for the whole server while no server runs.

use super::{exit, out::say};
use clap::{Args, Subcommand};
use kith_core::timestamp::{DAY_MS, Timestamp};
use kith_log::Clock;
use kith_node::{
    Config,
    server_token::{self, Change, ServerToken},
};
use std::process::ExitCode;

/// Make or end the owner token of a data folder that no server uses
///
/// The owner may do everything in every network of the server.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd owner rotate --data ./data\n  \
                        kithd owner issue --data ./data --expires-days 90\n  kithd owner retire --data ./data")]
pub(crate) struct OwnerArgs {
    #[command(subcommand)]
    change: TokenCommand,
}

/// Make or end the operator token of a data folder that no server uses
///
/// The operator sees the server's status and the names and heads of its networks, takes backups, and enters no network.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kithd operator issue --data ./data --expires-days 90\n  \
                        kithd operator retire --data ./data")]
pub(crate) struct OperatorArgs {
    #[command(subcommand)]
    change: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token if there is no valid one
    Issue(Validity),
    /// Replace the token: the previous one stops working
    Rotate(Validity),
    /// End the token and remove its file; the owner's only if a network has an owner of its own
    Retire,
}

#[derive(Debug, Args)]
struct Validity {
    /// Days until it ends [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    expires_days: Option<u16>,
}

pub(crate) fn owner(config: &Config, clock: Clock, args: &OwnerArgs) -> anyhow::Result<ExitCode> {
    run(config, clock, ServerToken::Owner, &args.change)
}

pub(crate) fn operator(config: &Config, clock: Clock, args: &OperatorArgs) -> anyhow::Result<ExitCode> {
    run(config, clock, ServerToken::Operator, &args.change)
}

fn run(config: &Config, clock: Clock, of: ServerToken, command: &TokenCommand) -> anyhow::Result<ExitCode> {
    let now = clock();
    let end = |validity: &Validity| {
        if config.production && validity.expires_days.is_none() {
            anyhow::bail!("production = true: every token expires, so say when: --expires-days 90");
        }
        Ok(validity.expires_days.map(|days| Timestamp::from_millis(now.millis() + i64::from(days) * DAY_MS)))
    };
    let change = match command {
        TokenCommand::Issue(validity) => Change::Issue(end(validity)?),
        TokenCommand::Rotate(validity) => Change::Rotate(end(validity)?),
        TokenCommand::Retire => Change::Retire,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(server_token::change(&config.log, clock, of, change));
    Ok(match (done, command) {
        (Ok(path), TokenCommand::Issue(_) | TokenCommand::Rotate(_)) => {
            say(ExitCode::SUCCESS, &format!("the {of} token is in {}; it was shown nowhere else", path.display()))
        }
        (Ok(path), TokenCommand::Retire) => {
            say(ExitCode::SUCCESS, &format!("the {of} token has ended, and {} is removed", path.display()))
        }
        (Err(error), _) => exit::failed(&error),
    })
}
