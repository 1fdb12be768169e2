//! `ListOrganisations`: organisations in the order they were added.

use super::{Call, Failure, convert, enter};
use crate::node::Node;
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_organisations(
    node: &Node,
    request: Request<v1::ListOrganisationsRequest>,
) -> Result<v1::ListOrganisationsResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let directory = enter(node, &caller, &message.network)?.directory();
    let (default, max) = convert::DIRECTORY_PAGE;
    let size = convert::page_size("page_size", message.page_size, default, max)?;
    let start = convert::page_start(&message.page_token)?;
    let all = directory.organisations();
    let page = all.iter().skip(start).take(size).map(convert::organisation);
    Ok(v1::ListOrganisationsResponse {
        organisations: page.collect(),
        next_page_token: convert::next_page(start.saturating_add(size), all.len()),
    })
}
