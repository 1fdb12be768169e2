//! `TraceRow`: the rows of one key on many days.

use crate::{
    grpc::{Call, Failure, rows},
    node::Node,
    views::ServedView,
};
use kith_proto::v1;
use kith_views::{Trace, question, trace_of_view};
use tonic::Request;

pub(super) async fn trace_row(
    node: &Node,
    request: Request<v1::TraceRowRequest>,
) -> Result<v1::TraceRowResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller, view) = rows::enter_view(node, &visitor, &message.network, &message.view).await?;
    let (trace, known_at) = question::trace(&message, &rows::Of(&network))?;
    let known_at = rows::known_at(node, &network, &caller.principal, known_at).await?;
    let trace = Trace { as_of: known_at.or(trace.as_of), ..trace };
    rows::catch_up(&network, &view).await?;
    let call = node.slow_call(&caller, &network)?;
    let ServedView { handle: view, retired, .. } = view;
    let tracing = call.run(move |cancel| trace_of_view(&view, &trace, cancel));
    Ok(rows::unless_retired(&retired, tracing).await??)
}
