//! `ListOrganisations`: organisations in the order they were added.

use crate::{
    grpc::{Call, Failure, convert, enter, page::Page},
    node::Node,
};
use kith_proto::v1;
use tonic::Request;

pub(super) fn list_organisations(
    node: &Node,
    request: Request<v1::ListOrganisationsRequest>,
) -> Result<v1::ListOrganisationsResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let directory = enter(node, &visitor, &message.network)?.0.directory();
    let page = Page::begin(message.page_size, &message.page_token)?;
    let all = directory.organisations().iter().map(|one| Ok::<_, Failure>(convert::organisation(one)));
    let (organisations, next_page_token) = page.fill(all)?.finish();
    Ok(v1::ListOrganisationsResponse { organisations, next_page_token })
}
