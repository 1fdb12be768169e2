//! What is asked of a view or a report: the fields of `QueryView`, read and looked up.

use super::{Failure, convert, rows};
use crate::node::Node;
use kith_core::{
    id::{OrganisationId, PersonId},
    limits,
    may::Principal,
    position::Position,
};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{OrderBy, Query};

/// Rows in a page unless asked otherwise.
const PAGE_ROWS_DEFAULT: u32 = 100;

/// Reads a question; what does not fit a report is not asked of one.
pub(super) async fn query(
    node: &Node,
    network: &Network,
    principal: &Principal,
    message: &v1::QueryViewRequest,
) -> Result<Query, Failure> {
    let page_rows = convert::page_size("page_size", message.page_size, PAGE_ROWS_DEFAULT, limits::PAGE_ROWS_MAX)?;
    Ok(Query {
        person: person(network, &message.person)?,
        organisation: organisation(network, &message.organisation)?,
        key: if message.key.is_empty() { None } else { Some(rows::key(network, &message.key)?) },
        day: rows::day(message.at)?,
        as_of: as_of(node, network, principal, message).await?,
        order: OrderBy::parse(&message.sort),
        page_rows,
        page_token: (!message.page_token.is_empty()).then(|| message.page_token.clone()),
    })
}

fn person(network: &Network, text: &str) -> Result<Option<PersonId>, Failure> {
    let Some(id) = convert::id_or_none(text, "person", PersonId::parse_field)? else { return Ok(None) };
    rows::known(network, &id, "person")?;
    Ok(Some(id))
}

fn organisation(network: &Network, text: &str) -> Result<Option<OrganisationId>, Failure> {
    let Some(id) = convert::id_or_none(text, "organisation", OrganisationId::parse_field)? else { return Ok(None) };
    if network.directory().organisation(&id).is_none() {
        let message = format_args!("there is no organisation {id}");
        return Err(Failure::because(ErrorReason::OrganisationUnknown, message).at("organisation"));
    }
    Ok(Some(id))
}

/// The position asked about. A time means the last entry by then that the principal may see, so that it tells nothing of
/// when others were recorded.
async fn as_of(
    node: &Node,
    network: &Network,
    principal: &Principal,
    message: &v1::QueryViewRequest,
) -> Result<Option<Position>, Failure> {
    let Some(time) = convert::time("as_of_time", message.as_of_time.as_ref())? else {
        return rows::as_of(network, message.as_of);
    };
    if message.as_of > 0 {
        return Err(Failure::request("as_of_time", "excludes as_of"));
    }
    let reads = node.reads(principal, network);
    let (network, principal) = (network.clone(), principal.clone());
    Ok(Some(reads.run(move || network.last_seen_by(&principal, time)).await?))
}
