//! `kith person`: people of the network.

mod change;
mod erase;

use super::recording::{WhenArgs, append, parse_name};
use crate::{
    context::Context,
    failure::Failure,
    place::lookalikes,
    show::output::{Column, Format},
};
use change::ChangeArgs;
use clap::{Args, Subcommand};
use erase::{EraseArgs, ErasureArgs};
use kith_client::{random_person_id, v1};
use kith_core::{
    detail::DetailKind,
    event::{DirectoryFact, Fact, PeopleMerged, PersonAdded},
    id::PersonId,
};
use kith_json::person_json;
use serde_json::Map;

/// People of the network
#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// Add a person
    Add(AddArgs),
    /// List the people
    List(ListArgs),
    /// Show one person
    Show(ShowArgs),
    /// Change a person's name, organisation or role
    Change(ChangeArgs),
    /// Declare that two ids are the same person
    Merge(MergeArgs),
    /// Erase all words about a person, for good
    Erase(EraseArgs),
    /// Show how far the erasure of a person has come
    Erasure(ErasureArgs),
}

/// Add a person
#[derive(Debug, Args)]
#[command(after_help = "Example: kith person add 'Amina Shah' --org riverside --role GP --id amina")]
pub(crate) struct AddArgs {
    /// Their name; can be erased later
    #[arg(allow_hyphen_values = true, value_parser = parse_name)]
    name: String,
    /// Their organisation, by id or part of its name
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    org: Option<String>,
    /// Their role there
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    role: String,
    /// Their id, which is permanent [default: a random pseudonym]
    #[arg(long, allow_hyphen_values = true)]
    id: Option<String>,
    #[command(flatten)]
    when: WhenArgs,
}

/// List the people
#[derive(Debug, Args)]
#[command(after_help = "Example: kith person list --org riverside")]
pub(crate) struct ListArgs {
    /// Only people of this organisation
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    org: Option<String>,
}

/// Show one person
#[derive(Debug, Args)]
#[command(after_help = "Example: kith person show amina")]
pub(crate) struct ShowArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
}

/// Declare that two ids are the same person
#[derive(Debug, Args)]
#[command(after_help = "Example: kith person merge p-abcdefghij --into amina     (both are amina from now on)")]
pub(crate) struct MergeArgs {
    /// The person whose id refers to the other one from now on
    #[arg(value_name = "PERSON", allow_negative_numbers = true)]
    merged: String,
    /// The person whose id stays
    #[arg(long = "into", value_name = "PERSON", allow_hyphen_values = true)]
    kept: String,
    #[command(flatten)]
    when: WhenArgs,
}

pub(crate) async fn run(context: &mut Context, command: PersonCommand) -> Result<(), Failure> {
    match command {
        PersonCommand::Add(args) => add(context, args).await,
        PersonCommand::List(args) => list(context, &args).await,
        PersonCommand::Show(args) => show(context, &args).await,
        PersonCommand::Change(args) => change::change(context, args).await,
        PersonCommand::Merge(args) => merge(context, &args).await,
        PersonCommand::Erase(args) => erase::erase(context, &args).await,
        PersonCommand::Erasure(args) => erase::erasure(context, &args).await,
    }
}

async fn add(context: &mut Context, args: AddArgs) -> Result<(), Failure> {
    let person = match args.id {
        Some(id) => PersonId::parse_field(&id, "event.person_added.person")?,
        None => random_person_id(),
    };
    let organisation = context.resolver().organisation(args.org.as_ref()).await?;
    let extra = Map::from_iter([("person".to_owned(), person.as_str().into())]);
    let fact = Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
        person: person.clone(),
        organisation,
        role: args.role,
    }));
    let event = args.when.builder(fact).detail(DetailKind::Name, vec![person.clone()], args.name).build()?;
    append(context, &args.when, &event, extra).await?;
    if context.output.format() == Format::Table {
        context.output.line(&format!("their id is {person}"))?;
    }
    lookalikes::tell_of(&context.place, &person).await;
    Ok(())
}

async fn list(context: &mut Context, args: &ListArgs) -> Result<(), Failure> {
    let organisation = context.resolver().organisation(args.org.as_ref()).await?;
    let people = context.place.people(organisation.as_ref()).await?;
    match context.output.format() {
        Format::Json => people.iter().try_for_each(|person| context.output.json(&person_json(person))),
        Format::Table => {
            let columns = ["id", "name", "organisation", "role", "is now"].map(Column::text);
            let rows = people.into_iter().map(|one| {
                let name = name_text(&one);
                vec![one.id, name, one.organisation, one.role, one.merged_into]
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

async fn show(context: &mut Context, args: &ShowArgs) -> Result<(), Failure> {
    let id = context.resolver().person(&args.person).await?;
    let person = context.place.find_person(&id).await?;
    let person = person.ok_or_else(|| Failure::NotFound(format!("there is no person {id}")))?;
    match context.output.format() {
        Format::Json => context.output.json(&person_json(&person)),
        Format::Table => {
            let name = name_text(&person);
            let rows = [
                ("id", person.id),
                ("name", name),
                ("organisation", person.organisation),
                ("role", person.role),
                ("is now", person.merged_into),
                ("added at position", person.position.to_string()),
            ];
            let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
            let rows = rows.map(|(name, value)| vec![name.to_owned(), value]).collect();
            context.output.table(&[Column::text("person"), Column::text("")], rows)
        }
    }
}

/// The person's name, or that it is erased.
fn name_text(person: &v1::Person) -> String {
    if person.erased { "(erased)".to_owned() } else { person.name.clone() }
}

async fn merge(context: &mut Context, args: &MergeArgs) -> Result<(), Failure> {
    let mut resolver = context.resolver();
    let kept = resolver.person(&args.kept).await?;
    let merged = resolver.person(&args.merged).await?;
    let extra =
        Map::from_iter([("kept".to_owned(), kept.as_str().into()), ("merged".to_owned(), merged.as_str().into())]);
    let event =
        args.when.builder(Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged { kept, merged }))).build()?;
    append(context, &args.when, &event, extra).await
}
