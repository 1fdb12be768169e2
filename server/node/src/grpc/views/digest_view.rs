//! `DigestView`: one digest over the rows of a view, of all of them or of those that a replica of a part knows whole.

use crate::{
    grpc::{Call, Failure, convert, rows},
    node::Node,
    views::ServedView,
};
use kith_proto::v1;
use kith_views::wire;
use tonic::Request;

pub(super) async fn digest_view(
    node: &Node,
    request: Request<v1::DigestViewRequest>,
) -> Result<v1::DigestViewResponse, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let (network, view) = rows::enter_view(node, &caller, &message.network, &message.view)?;
    let (day, as_of) = (rows::day(message.at)?, rows::as_of(&network, message.as_of)?);
    let held = convert::filter(message.filter.as_ref())?;
    rows::catch_up(&network, &view).await?;
    let call = node.slow_call(&caller, &network)?;
    let ServedView { handle: view, retired, .. } = view;
    let digesting = call.run(move |cancel| {
        let digest = view.digest_until(&held, day, as_of, cancel)?;
        Ok(wire::digest(digest, view.component(), view.settings()))
    });
    rows::unless_retired(&retired, digesting).await?
}
