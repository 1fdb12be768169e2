//! `QueryView`: rows of a view, now or as of a day, a position or a time.

use crate::{
    grpc::{Call, Failure, enter, reports, rows},
    node::Node,
    views::ServedView,
};
use kith_proto::v1;
use kith_views::{Cancel, Question, rows_of_view};
use tonic::Request;

pub(super) async fn query_view(
    node: &Node,
    request: Request<v1::QueryViewRequest>,
) -> Result<v1::QueryViewResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    if let Some(report) = reports::find(node, &network, &message.view, &caller.principal).await? {
        return reports::query(node, &caller, &network, report, &message).await;
    }
    let view = rows::served(node, &caller, &network, &message.view).await?;
    let question = Question::read(&message, &rows::Of(&network))?;
    let is_now = question.is_about_now();
    let known_at = rows::known_at(node, &network, &caller.principal, question.known_at()).await?;
    if !question.is_continued() {
        rows::catch_up(&network, &view).await?;
    }
    let (query, ServedView { handle: view, retired, .. }) = (question.of_view(known_at), view);
    if is_now {
        let reads = node.reads(&caller.principal, &network);
        return Ok(reads.run(move || rows_of_view(&view, &query, &Cancel::default())).await?);
    }
    let call = node.slow_call(&caller, &network)?;
    Ok(rows::unless_retired(&retired, call.run(move |cancel| rows_of_view(&view, &query, cancel))).await??)
}
