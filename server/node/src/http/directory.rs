//! `GET /v1/{network}/people` and `GET /v1/{network}/organisations`, page by page.

use super::{
    Parts,
    answer::{Answer, Lines, apart, as_map},
    asked::Asked,
};
use kith_json::{organisation_json, person_json};
use kith_proto::v1::{self, directory_service_server::DirectoryService};
use serde_json::json;

pub(super) async fn people(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let request = v1::ListPeopleRequest {
        network: asked.network.clone(),
        organisation: query.text("organisation")?,
        page_size: query.number("limit")?,
        page_token: query.text("page")?,
    };
    query.finish()?;
    let (page, answered) = apart(DirectoryService::list_people(&door.services, asked.call(request)).await?);
    let mut lines = Lines::of(door, &asked, &answered).await?;
    lines.push_all(page.people.iter().map(|person| as_map(person_json(person)))).await?;
    Ok(lines.finish(as_map(json!({ "next": token(page.next_page_token) })), answered))
}

pub(super) async fn organisations(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let request = v1::ListOrganisationsRequest {
        network: asked.network.clone(),
        page_size: query.number("limit")?,
        page_token: query.text("page")?,
    };
    query.finish()?;
    let (page, answered) = apart(DirectoryService::list_organisations(&door.services, asked.call(request)).await?);
    let mut lines = Lines::of(door, &asked, &answered).await?;
    lines.push_all(page.organisations.iter().map(|one| as_map(organisation_json(one)))).await?;
    Ok(lines.finish(as_map(json!({ "next": token(page.next_page_token) })), answered))
}

/// What `page` is for the next page; `None` after the last.
pub(super) fn token(next_page_token: String) -> Option<String> {
    Some(next_page_token).filter(|token| !token.is_empty())
}
