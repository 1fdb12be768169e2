//! `kith network`: networks of the server.

use super::recording::patiently;
use crate::{
    context::Context,
    failure::Failure,
    place::settings::parse_network,
    show::output::{Column, Format},
};
use clap::{Args, Subcommand};
use kith_client::v1;
use kith_core::counted::counted;
use kith_core::{event::Policy, limits::POLICY_REPLICA_DAYS_MAX, timestamp::Timestamp};
use kith_json::time_text;
use serde_json::{Value, json};

/// Networks of the server
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Create a network; needs an owner of the server
    #[command(after_help = "Example: kith network add north-district")]
    Add {
        /// Its name: up to 64 of a-z, 0-9, _ and -
        name: String,
    },
    /// List the networks that your token gives access to
    #[command(after_help = "Example: kith network list")]
    List,
    Policy(PolicyArgs),
}

/// Show what the network demands of new events, or change it; changing needs an owner of the network
///
/// What was recorded before stays as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith network policy\n  \
                        kith network policy --random-ids true --token-attributes true --replica-days 90")]
pub(crate) struct PolicyArgs {
    /// New people have random ids, `p-` and 10 characters or a UUID: an id that somebody chose cannot be erased
    #[arg(long, value_name = "true|false")]
    random_ids: Option<bool>,
    /// Attributes that are text have up to 64 of a-z, 0-9 and _ . : -, so that nobody writes about people in them
    #[arg(long, value_name = "true|false")]
    token_attributes: Option<bool>,
    /// Replicas that have not synced for so many days show no words, and after twice as many destroy their keys; 0 =
    /// never
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=i64::from(POLICY_REPLICA_DAYS_MAX)))]
    replica_days: Option<u32>,
}

pub(crate) async fn run(context: &mut Context, command: NetworkCommand) -> Result<(), Failure> {
    match command {
        NetworkCommand::Add { name } => {
            let network = parse_network(&name)?;
            let made = patiently(context.server()?.create_network(&network)).await;
            let again = "repeat it: a network that is there already is refused";
            let network = made.map_err(|error| Failure::of_change(error, None, again))?;
            context
                .output
                .tell(&network_json(&network), || format!("network {name} was created; use it with --network {name}"))
        }
        NetworkCommand::List => list(context).await,
        NetworkCommand::Policy(args) => policy(context, &args).await,
    }
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let networks = context.server()?.list_networks().await?;
    match context.output.format() {
        Format::Json => networks.iter().try_for_each(|network| context.output.json(&network_json(network))),
        Format::Table => {
            let rows = networks.iter().map(|network| {
                vec![network.name.clone(), network.head.to_string(), created_at(network).unwrap_or_default()]
            });
            let columns = [Column::text("name"), Column::number("head"), Column::text("made")];
            context.output.table(&columns, rows.collect())
        }
    }
}

async fn policy(context: &mut Context, args: &PolicyArgs) -> Result<(), Failure> {
    let client = context.server()?.clone();
    let (now, mut position) = client.policy().await?;
    let policy = Policy {
        random_ids: args.random_ids.unwrap_or(now.random_ids),
        token_attributes: args.token_attributes.unwrap_or(now.token_attributes),
        replica_days: args.replica_days.unwrap_or(now.replica_days),
    };
    if policy != now {
        position = client.change_policy(policy).await?;
    }
    let Policy { random_ids, token_attributes, replica_days } = policy;
    let answer = json!({
        "random_ids": random_ids,
        "token_attributes": token_attributes,
        "replica_days": replica_days,
        "position": position.get(),
    });
    context.output.tell(&answer, || {
        let stated = match position.get() {
            0 => "as in every new network".to_owned(),
            position => format!("stated at position {position}"),
        };
        format!(
            "random ids: {}; tokens as attributes: {}; replicas: {}; {stated}",
            demanded(random_ids),
            demanded(token_attributes),
            match replica_days {
                0 => "keep their words".to_owned(),
                days => format!("sync within {}", counted(days, "day", "days")),
            }
        )
    })
}

fn demanded(is_demanded: bool) -> &'static str {
    if is_demanded { "demanded" } else { "not demanded" }
}

fn network_json(network: &v1::Network) -> Value {
    json!({ "name": network.name, "head": network.head, "created_at": created_at(network) })
}

fn created_at(network: &v1::Network) -> Option<String> {
    network.created_at.as_ref().and_then(Timestamp::from_proto).map(time_text)
}
