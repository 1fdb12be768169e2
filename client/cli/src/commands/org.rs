//! `kith org`: organisations of the network.

use super::recording::{WhenArgs, append, parse_name};
use crate::{
    context::Context,
    failure::Failure,
    place::names::bare,
    show::output::{Column, Format},
};
use clap::{Args, Subcommand};
use kith_core::{
    event::{DirectoryFact, Fact, OrganisationAdded},
    id::OrganisationId,
    limits::ORGANISATION_ID_BYTES_MAX,
};
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

/// An id derived from a name's letters and digits, without accents: `Riverside Practice` becomes `riverside-practice`.
/// `None` if a letter would be lost: ids are permanent, and one derived from half a name could be mistaken for
/// another's.
fn slug(name: &str) -> Option<OrganisationId> {
    let name = bare(name);
    if name.chars().any(|letter| letter.is_alphanumeric() && !letter.is_ascii()) {
        return None;
    }
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let slug = parts.collect::<Vec<_>>().join("-");
    let end = slug.len().min(ORGANISATION_ID_BYTES_MAX);
    slug[..end].trim_end_matches('-').parse().ok()
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
        check("Ärztehaus Köln", Some("arztehaus-koln"));
        check("Großer Weg", Some("grosser-weg"));
        check("Клиника № 3", None);
        check("Sygehus Ærø", None);
        check("", None);
        assert_eq!(slug(&"long name ".repeat(20)).unwrap().as_str().len(), 64);
    }
}
