//! `QueryView`: rows of a view, now or as of a day, a position or a time.

use crate::{
    grpc::{Call, Failure, enter, question, reports, rows},
    node::Node,
    views::ServedView,
};
use kith_proto::v1;
use kith_views::wire;
use tonic::Request;

pub(super) async fn query_view(
    node: &Node,
    request: Request<v1::QueryViewRequest>,
) -> Result<v1::QueryViewResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let network = enter(node, &caller, &message.network)?;
    if let Some(report) = reports::find(node, &network, &message.view, &caller.principal)? {
        return reports::query(node, &caller, &network, report, &message).await;
    }
    let (network, view) = rows::enter_view(node, &caller, &message.network, &message.view)?;
    let query = question::query(node, &network, &caller.principal, &message).await?;
    if query.page_token.is_none() {
        rows::catch_up(&network, &view).await?;
    }
    let is_now = query.day.is_none() && query.as_of.is_none() && query.page_token.is_none();
    let ServedView { handle: view, retired, .. } = view;
    let fields = wire::fields(view.fields());
    let answer = if is_now {
        node.reads(&caller.principal, &network).run(move || view.query(&query)).await?
    } else {
        let call = node.slow_call(&caller, &network)?;
        rows::unless_retired(&retired, call.run(move |cancel| view.query_until(&query, cancel))).await??
    };
    Ok(v1::QueryViewResponse {
        fields,
        rows: rows::rows(answer.rows),
        next_page_token: answer.next_page_token.unwrap_or_default(),
        position: answer.position.get(),
        day: answer.day,
        total: answer.total,
    })
}
