//! `ListViews`: the views of a network and how they are doing.

use super::{Call, Failure, blocking, enter, reports};
use crate::{node::Node, views::ServedView};
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
    let reports = node.views().reports(network.name(), &caller.principal);
    let views = blocking(move || {
        let views = views.iter().map(|(name, served)| view(name, served));
        views
            .chain(reports.iter().map(|(name, served)| reports::view(name, served)))
            .collect::<Result<Vec<_>, Failure>>()
    });
    let mut views = views.await?;
    views.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(v1::ListViewsResponse { views, head })
}

/// A view as clients see it.
pub(crate) fn view(name: &str, served: &ServedView) -> Result<v1::View, Failure> {
    let mut view = wire::view(name, served.handle.status()?);
    if served.paused && view.state() == v1::ViewState::Running {
        view.set_state(v1::ViewState::Paused);
    }
    Ok(view)
}
