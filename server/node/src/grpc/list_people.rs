//! `ListPeople`: people in the order they were added, with their names.

use super::{Call, Failure, blocking, convert, enter};
use crate::node::Node;
use kith_core::{
    directory::Person,
    id::{OrganisationId, PersonId},
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_people(
    node: &Node,
    request: Request<v1::ListPeopleRequest>,
) -> Result<v1::ListPeopleResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let (default, max) = convert::DIRECTORY_PAGE;
    let size = convert::page_size("page_size", message.page_size, default, max)?;
    let start = convert::page_start(&message.page_token)?;
    let organisation = convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?;
    let directory = network.directory();
    let total = directory.people().len();
    let belongs = |person: &&Person| organisation.is_none() || person.organisation == organisation;
    let page: Vec<&Person> = directory.people().iter().skip(start).filter(belongs).take(size).collect();
    let next = if page.len() < size { total } else { page.last().map_or(total, |person| person.handle as usize) };
    let ids: Vec<PersonId> = page.iter().map(|person| person.id.clone()).collect();
    let names = blocking(move || network.names(&ids)).await?;
    let people = page.into_iter().map(|person| convert::person(&directory, person, names.get(&person.id)));
    Ok(v1::ListPeopleResponse { people: people.collect(), next_page_token: convert::next_page(next, total) })
}
