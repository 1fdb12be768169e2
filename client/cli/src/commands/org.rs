//! `kith org`: organisations of the network.

use crate::{
    context::Context,
    failure::Failure,
    output::Column,
    recording::{WhenArgs, append},
    settings::Format,
};
use clap::{Args, Subcommand};
use kith_core::{
    event::{Fact, OrganisationAdded},
    id::OrganisationId,
    limits::ORGANISATION_ID_BYTES_MAX,
};
use serde_json::{Map, json};

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
    name: String,
    /// Its id [default: made from the name]
    #[arg(long)]
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
        None => slug(&args.name)
            .ok_or_else(|| Failure::Usage(format!("no id can be made from {:?}: give one with --id", args.name)))?,
    };
    let extra = Map::from_iter([("organisation".to_owned(), organisation.as_str().into())]);
    let fact = Fact::OrganisationAdded(OrganisationAdded { organisation, name: args.name });
    append(context, &args.when, &args.when.builder(fact).build()?, extra).await
}

/// An id made of a name's letters and digits: `Riverside Practice` gives `riverside-practice`.
fn slug(name: &str) -> Option<OrganisationId> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let slug = parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    let end = slug.len().min(ORGANISATION_ID_BYTES_MAX);
    slug[..end].trim_end_matches('-').parse().ok()
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let organisations = context.place.organisations().await?;
    match context.output.format() {
        Format::Json => organisations.iter().try_for_each(|one| {
            context.output.json(&json!({ "id": one.id, "name": one.name, "position": one.position }))
        }),
        Format::Table => {
            let rows = organisations.into_iter().map(|one| vec![one.id, one.name]);
            context.output.table(&[Column::text("id"), Column::text("name")], rows.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_from_names() {
        let check = |name: &str, id: Option<&str>| {
            assert_eq!(slug(name).as_ref().map(OrganisationId::as_str), id, "{name}");
        };
        check("Riverside Practice", Some("riverside-practice"));
        check("  St. Anne's (North) ", Some("st-anne-s-north"));
        check("東京", None);
        check("", None);
        assert_eq!(slug(&"long name ".repeat(20)).unwrap().as_str().len(), 64);
    }
}
