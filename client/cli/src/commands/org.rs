//! `kith org`: organisations of the network.

use super::recording::{WhenArgs, append, parse_name};
use crate::{
    context::Context,
    failure::Failure,
    show::output::{Column, Format},
};
use clap::{Args, Subcommand};
use kith_core::{
    event::{DirectoryFact, Fact, OrganisationAdded},
    id::OrganisationId,
};
use kith_import::names::slug;
use kith_json::organisation_json;
use serde_json::Map;

/// Organisations of the network
#[derive(Debug, Subcommand)]
pub(crate) enum OrgCommand {
    /// Add an organisation
    Add(AddArgs),
    /// List the organisations
    #[command(after_help = "Example: kith org list -o json")]
    List,
}

/// Add an organisation
#[derive(Debug, Args)]
#[command(after_help = "Example: kith org add 'Riverside Practice' --id riverside")]
pub(crate) struct AddArgs {
    /// Its name
    #[arg(allow_hyphen_values = true, value_parser = parse_name)]
    name: String,
    /// Its id [default: derived from the name]
    #[arg(long, allow_hyphen_values = true)]
    id: Option<String>,
    #[command(flatten)]
    when: WhenArgs,
}

pub(crate) async fn run(context: &mut Context, command: OrgCommand) -> Result<(), Failure> {
    match command {
        OrgCommand::Add(args) => add(context, args).await,
        OrgCommand::List => list(context).await,
    }
}

async fn add(context: &mut Context, args: AddArgs) -> Result<(), Failure> {
    let organisation = match args.id {
        Some(id) => OrganisationId::parse_field(&id, "event.organisation_added.organisation")?,
        None => slug(&args.name).ok_or_else(|| {
            Failure::Usage(format!("no id can be derived from all letters of {:?}: give one with --id", args.name))
        })?,
    };
    let extra = Map::from_iter([("organisation".to_owned(), organisation.as_str().into())]);
    let fact = Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded { organisation, name: args.name }));
    append(context, &args.when, &args.when.builder(fact).build()?, extra).await
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let organisations = context.place.organisations().await?;
    match context.output.format() {
        Format::Json => organisations.iter().try_for_each(|one| context.output.json(&organisation_json(one))),
        Format::Table => {
            let rows = organisations.into_iter().map(|one| vec![one.id, one.name]);
            context.output.table(&[Column::text("id"), Column::text("name")], rows.collect())
        }
    }
}
