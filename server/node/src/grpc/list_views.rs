//! `ListViews`: the views of a network and how they are doing.

use super::{Call, Failure, enter, page::Page, reports};
use crate::{
    node::Node,
    views::{Served, ServedView},
};
use kith_proto::v1;
use kith_views::wire;
use tonic::Request;

pub(super) async fn list_views(
    node: &Node,
    request: Request<v1::ListViewsRequest>,
) -> Result<v1::ListViewsResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    let views = node.views().list(network.name(), &caller.principal);
    let head = network.head().get();
    let page = Page::begin(message.page_size, &message.page_token)?;
    let page = node
        .reads(&caller.principal, &network)
        .run(move || page.fill(views.iter().map(|(name, one)| served(name, one))))
        .await?;
    let (views, next_page_token) = page.finish();
    Ok(v1::ListViewsResponse { views, head, next_page_token })
}

/// A view or report as clients see it.
pub(super) fn served(name: &str, served: &Served) -> Result<v1::View, Failure> {
    match served {
        Served::View(served) => view(name, served),
        Served::Report(served) => reports::view(name, served),
    }
}

/// A view as clients see it.
pub(crate) fn view(name: &str, served: &ServedView) -> Result<v1::View, Failure> {
    let mut view = wire::view(name, served.handle.status()?);
    if served.paused && view.state() == v1::ViewState::Running {
        view.set_state(v1::ViewState::Paused);
    }
    Ok(view)
}
