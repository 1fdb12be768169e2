//! `DirectoryService`: the people and organisations of a network.

mod get_person;
mod list_organisations;
mod list_people;

use super::{Answer, Services};
use kith_proto::v1::{self, directory_service_server::DirectoryService};
use tonic::Request;

#[tonic::async_trait]
impl DirectoryService for Services {
    async fn list_people(&self, request: Request<v1::ListPeopleRequest>) -> Answer<v1::ListPeopleResponse> {
        self.answer(list_people::list_people(&self.node, request).await)
    }

    async fn get_person(&self, request: Request<v1::GetPersonRequest>) -> Answer<v1::GetPersonResponse> {
        self.answer(get_person::get_person(&self.node, request).await)
    }

    async fn list_organisations(
        &self,
        request: Request<v1::ListOrganisationsRequest>,
    ) -> Answer<v1::ListOrganisationsResponse> {
        self.answer(list_organisations::list_organisations(&self.node, request))
    }
}
