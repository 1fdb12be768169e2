//! `ListViews`: the views of a network and how they are doing.

use crate::{
    grpc::{Call, Failure, enter, listed, page::Page},
    node::Node,
};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_views(
    node: &Node,
    request: Request<v1::ListViewsRequest>,
) -> Result<v1::ListViewsResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    let views = node.views().of(&network).await?.list(&caller.principal);
    let head = network.head().get();
    let page = Page::begin(message.page_size, &message.page_token)?;
    let page = node
        .reads(&caller.principal, &network)
        .run(move || page.fill(views.iter().map(|(name, one)| listed::served(name, one))))
        .await?;
    let (views, next_page_token) = page.finish();
    Ok(v1::ListViewsResponse { views, head, next_page_token })
}
