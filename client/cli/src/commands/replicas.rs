//! `kith replica`: the replicas that the server has heard of.

use crate::{
    context::Context,
    failure::Failure,
    show::output::{Column, Format, remark},
};
use clap::{Args, Subcommand};
use kith_client::v1;
use kith_core::{position::Position, timestamp::Timestamp};
use kith_json::time_text;
use serde_json::{Value, json};

/// Replicas of the network on people's devices, as the server knows them
#[derive(Debug, Subcommand)]
pub(crate) enum ReplicasCommand {
    List(ListArgs),
}

/// List the replicas that have asked for entries; needs an auditor, records officer or owner
///
/// A replica that has confirmed a position holds what it may see up to there, and what was to be erased up to there is gone
/// from its device. Confirmations are what `kith` and other programs with a replica say of themselves.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith replica list\n  kith replica list --behind 1200")]
pub(crate) struct ListArgs {
    /// Only those that have not confirmed this position, such as that of an erasure
    #[arg(long, value_name = "POSITION", default_value_t = 0, hide_default_value = true)]
    behind: u64,
}

pub(crate) async fn run(context: &mut Context, command: ReplicasCommand) -> Result<(), Failure> {
    match command {
        ReplicasCommand::List(args) => list(context, &args).await,
    }
}

async fn list(context: &mut Context, args: &ListArgs) -> Result<(), Failure> {
    let replicas = context.server()?.list_replicas(Position::new(args.behind)).await?;
    match context.output.format() {
        Format::Json => replicas.iter().try_for_each(|replica| context.output.json(&replica_json(replica))),
        Format::Table => {
            if replicas.is_empty() {
                remark(match args.behind {
                    0 => "no replica has asked for entries",
                    _ => "no replica is behind that position",
                });
            }
            let [replica, principal, organisation] = ["replica", "principal", "organisation"].map(Column::text);
            let [confirmed, sent] = ["confirmed", "sent"].map(Column::number);
            let columns = [replica, principal, organisation, confirmed, sent, Column::text("heard")];
            let rows = replicas.iter().map(|one| {
                let heard = heard_at(one).unwrap_or_default();
                let (confirmed, sent) = (one.confirmed.to_string(), one.sent.to_string());
                vec![id_of(one), one.principal.clone(), one.organisation.clone(), confirmed, sent, heard]
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

fn replica_json(replica: &v1::Replica) -> Value {
    let organisation = &replica.organisation;
    json!({
        "replica": id_of(replica),
        "principal": replica.principal,
        "organisation": if organisation.is_empty() { Value::Null } else { organisation.as_str().into() },
        "confirmed": replica.confirmed,
        "sent": replica.sent,
        "heard_at": heard_at(replica),
    })
}

fn id_of(replica: &v1::Replica) -> String {
    hex::encode(&replica.id)
}

fn heard_at(replica: &v1::Replica) -> Option<String> {
    replica.heard_at.as_ref().and_then(Timestamp::from_proto).map(time_text)
}
