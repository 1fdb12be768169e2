//! `DigestView`: one digest over the rows of a view: all of them, or those that a partial replica knows completely.

use crate::{
    grpc::{Call, Failure, rows},
    node::Node,
    views::ServedView,
};
use kith_proto::v1;
use kith_views::{digest_of_view, question};
use tonic::Request;

pub(super) async fn digest_view(
    node: &Node,
    request: Request<v1::DigestViewRequest>,
) -> Result<v1::DigestViewResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller, view) = rows::enter_view(node, &visitor, &message.network, &message.view).await?;
    let (held, as_of) = question::digest(&message, &rows::Of(&network))?;
    rows::catch_up(&network, &view).await?;
    let call = node.slow_call(&caller, &network)?;
    let ServedView { handle: view, retired, .. } = view;
    let digesting = call.run(move |cancel| digest_of_view(&view, &held, as_of, cancel));
    Ok(rows::unless_retired(&retired, digesting).await??)
}
