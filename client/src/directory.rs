//! Reads people and organisations. They are added by appending events.

use crate::{client::Client, error::Error, retry::Repeat};
use kith_core::{
    id::{OrganisationId, PersonId},
    limits::PAGE_ROWS_MAX,
};
use kith_proto::v1;

impl Client {
    /// All people, or those of one organisation, in the order in which they were added.
    pub async fn people(&self, organisation: Option<&OrganisationId>) -> Result<Vec<v1::Person>, Error> {
        let directory = self.directory();
        let mut request = v1::ListPeopleRequest {
            network: self.network_name(),
            organisation: organisation.map(ToString::to_string).unwrap_or_default(),
            page_size: PAGE_ROWS_MAX,
            page_token: String::new(),
        };
        let mut people = Vec::new();
        loop {
            let send = |request| {
                let mut directory = directory.clone();
                async move { directory.list_people(request).await }
            };
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            people.extend(page.people);
            if page.next_page_token.is_empty() {
                return Ok(people);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// One person.
    pub async fn person(&self, person: &PersonId) -> Result<v1::Person, Error> {
        let request = v1::GetPersonRequest { network: self.network_name(), person: person.to_string() };
        let directory = self.directory();
        let send = |request| {
            let mut directory = directory.clone();
            async move { directory.get_person(request).await }
        };
        let response = self.call(Repeat::Safe, request, send).await?;
        response.person.ok_or_else(|| Error::answer("it has no person"))
    }

    /// All organisations, in the order in which they were added.
    pub async fn organisations(&self) -> Result<Vec<v1::Organisation>, Error> {
        let directory = self.directory();
        let (network, page_token) = (self.network_name(), String::new());
        let mut request = v1::ListOrganisationsRequest { network, page_size: PAGE_ROWS_MAX, page_token };
        let mut organisations = Vec::new();
        loop {
            let send = |request| {
                let mut directory = directory.clone();
                async move { directory.list_organisations(request).await }
            };
            let page = self.call(Repeat::Safe, request.clone(), send).await?;
            organisations.extend(page.organisations);
            if page.next_page_token.is_empty() {
                return Ok(organisations);
            }
            request.page_token = page.next_page_token;
        }
    }
}
