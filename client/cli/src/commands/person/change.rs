//! `kith person change`: a new name, another organisation, another role.
//!
//! Invariant: what is not given stays as it is; the change is refused if the person was changed in the meantime.

use crate::{
    commands::recording::{WhenArgs, append_if, parse_name},
    context::Context,
    failure::Failure,
};
use clap::Args;
use kith_client::v1;
use kith_core::{
    condition::Condition,
    detail::DetailKind,
    event::{DirectoryFact, DirectoryKind, Fact, Kind, PersonChanged},
    filter::Filter,
    id::OrganisationId,
};
use serde_json::{Map, Value, json};

/// Change what is known about a person
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith person change amina --name 'Amina Khan'\n  kith person change ben --org \
                        hillside --role 'practice nurse'     (an owner's token moves people)")]
pub(crate) struct ChangeArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
    #[command(flatten)]
    to: Changes,
    #[command(flatten)]
    when: WhenArgs,
}

/// What changes.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Their name from now on; can be erased later
    #[arg(long, allow_hyphen_values = true, value_parser = parse_name)]
    name: Option<String>,
    /// Their organisation from now on, by id or part of its name
    #[arg(long, visible_alias = "organisation", value_name = "ORGANISATION", allow_hyphen_values = true)]
    org: Option<String>,
    /// Remove them from their organisation
    #[arg(long, conflicts_with = "org")]
    no_org: bool,
    /// Their role there from now on; '' for none
    #[arg(long, allow_hyphen_values = true)]
    role: Option<String>,
}

pub(super) async fn change(context: &mut Context, args: ChangeArgs) -> Result<(), Failure> {
    let ChangeArgs { person, to, when } = args;
    let person = context.resolver().person(&person).await?;
    let head = context.place.head().await?.position;
    let now = context.place.find_person(&person).await?;
    let now = now.ok_or_else(|| Failure::NotFound(format!("there is no person {person}")))?;
    let organisation = context.resolver().organisation(to.org.as_ref()).await?;
    let organisation = match organisation {
        None if !to.no_org && !now.organisation.is_empty() => {
            Some(OrganisationId::parse_field(&now.organisation, "organisation")?)
        }
        organisation => organisation,
    };
    let changed = PersonChanged { person: person.clone(), organisation, role: to.role.unwrap_or(now.role.clone()) };
    let name = to.name.filter(|name| *name != now.name);
    if name.is_none() && is_so(&now, &changed) {
        let answer = json!({ "person": person.as_str(), "changed": false });
        return context.output.tell(&answer, || format!("{person} already matches: nothing was recorded"));
    }
    let filter = Filter {
        kinds: vec![Kind::Directory(DirectoryKind::PersonChanged)],
        people: vec![person.clone()],
        ..Filter::default()
    };
    let unchanged = Condition::NoneMatch { after: head, filter };
    let mut builder = when.builder(Fact::Directory(DirectoryFact::PersonChanged(changed)));
    if let Some(name) = name {
        builder = builder.detail(DetailKind::Name, vec![person.clone()], name);
    }
    let extra =
        Map::from_iter([("person".to_owned(), person.as_str().into()), ("changed".to_owned(), Value::Bool(true))]);
    append_if(context, &when, Some(unchanged), &builder.build()?, extra).await
}

/// Whether a person already is as a change would make them.
fn is_so(person: &v1::Person, changed: &PersonChanged) -> bool {
    let organisation = changed.organisation.as_ref().map_or("", OrganisationId::as_str);
    person.organisation == organisation && person.role == changed.role
}
