//! `ExplainRow`: the evidence of a row, limited to entries that the caller may see.

use crate::{
    grpc::{Call, Failure, enter, reports, rows},
    node::Node,
    views::ServedView,
};
use kith_proto::v1;
use kith_views::{explanation_of_view, question};
use tonic::Request;

pub(super) async fn explain_row(
    node: &Node,
    request: Request<v1::ExplainRowRequest>,
) -> Result<v1::ExplainRowResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    if let Some(report) = reports::find(node, &network, &message.view, &caller.principal)? {
        return reports::explain(node, &network, report, Call { caller, message }).await;
    }
    let (network, view) = rows::enter_view(node, &caller, &message.network, &message.view)?;
    let explain = question::explain(&message, &rows::Of(&network))?;
    rows::catch_up(&network, &view).await?;
    let call = node.slow_call(&caller, &network)?;
    let ServedView { handle: view, retired, .. } = view;
    let answering = call.run(move |cancel| {
        let may_see = |position| Ok::<_, Failure>(network.entry(&caller.principal, position)?.is_some());
        explanation_of_view(&view, &explain, cancel, may_see)
    });
    rows::unless_retired(&retired, answering).await?
}
