//! `kith network`: networks of the server.

use super::recording::patiently;
use crate::{
    context::Context,
    failure::Failure,
    place::settings::parse_network,
    show::output::{Column, Format},
};
use clap::Subcommand;
use kith_client::v1;
use kith_core::timestamp::Timestamp;
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

fn network_json(network: &v1::Network) -> Value {
    json!({ "name": network.name, "head": network.head, "created_at": created_at(network) })
}

fn created_at(network: &v1::Network) -> Option<String> {
    network.created_at.as_ref().and_then(Timestamp::from_proto).map(time_text)
}
