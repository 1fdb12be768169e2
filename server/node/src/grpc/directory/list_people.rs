//! `ListPeople`: people in the order they were added, with their names.

use crate::{
    grpc::{Call, Failure, convert, enter, page::Page},
    limits::NAMES_AT_ONCE,
    node::Node,
};
use kith_core::{
    directory::Person,
    id::{OrganisationId, PersonId},
};
use kith_log::Network;
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_people(
    node: &Node,
    request: Request<v1::ListPeopleRequest>,
) -> Result<v1::ListPeopleResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    let organisation = convert::id_or_none(&message.organisation, "organisation", OrganisationId::parse_field)?;
    let page = node.reads(&caller.principal, &network).run(move || fill(&network, page, organisation.as_ref())).await?;
    let (people, next_page_token) = page.finish();
    Ok(v1::ListPeopleResponse { people, next_page_token })
}

/// Fills a page, a few names at a time.
fn fill(
    network: &Network,
    mut page: Page<v1::Person>,
    organisation: Option<&OrganisationId>,
) -> Result<Page<v1::Person>, Failure> {
    let (directory, erasures) = (network.directory(), network.erasures());
    let belongs =
        |(_, person): &(usize, &Person)| organisation.is_none() || person.organisation.as_ref() == organisation;
    let mut left = directory.people().iter().enumerate().skip(page.start()).filter(belongs);
    loop {
        // One more than fits shows whether there is another page.
        let some: Vec<_> = left.by_ref().take(NAMES_AT_ONCE.min(page.room() + 1)).collect();
        let ids: Vec<PersonId> = some.iter().map(|(_, person)| person.id.clone()).collect();
        let names = network.names(&ids)?;
        let message = |person: &Person| convert::person(&directory, &erasures, person, names.get(&person.id));
        let taken = some.iter().all(|(index, person)| page.take(*index, message(person)));
        if !taken || some.is_empty() {
            return Ok(page);
        }
    }
}
