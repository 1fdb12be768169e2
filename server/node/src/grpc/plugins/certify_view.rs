//! `CertifyView`: states a view's rows as of a signed checkpoint, so that anybody with the log can recompute them.

use crate::{
    grpc::{Call, Failure, rows},
    limits::VIEW_WAIT,
    node::Node,
    views::ServedView,
};
use kith_core::{day::Day, filter::Filter, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Cancel, ViewScope};
use tonic::Request;

pub(super) async fn certify_view(
    node: &Node,
    request: Request<v1::CertifyViewRequest>,
) -> Result<v1::CertifyViewResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller, view) = rows::enter_view(node, &visitor, &message.network, &message.view).await?;
    let day = kith_views::question::day(message.day)?;
    let signing = network.clone();
    let signed = node.reads(&caller.principal, &network).run(move || signing.checkpoint()).await?;
    let position = Position::new(signed.unverified().size);
    await_position(&network, &view, position).await?;
    let call = node.slow_call(&caller, &network)?;
    let retired = view.retired.clone();
    let certifying =
        call.run(move |cancel| certify(message.view, &view, (signed.to_string(), position), (day, cancel)));
    let certificate = rows::unless_retired(&retired, certifying).await??;
    Ok(v1::CertifyViewResponse { certificate: Some(certificate) })
}

/// Waits a short while for the view to reach the checkpoint; fails if it does not.
async fn await_position(network: &Network, view: &ServedView, position: Position) -> Result<(), Failure> {
    rows::catch_up(network, view).await?;
    let cursor = view.handle.cursor().position;
    if cursor >= position {
        return Ok(());
    }
    if view.paused {
        let message = format_args!("the view is paused at position {cursor}: resume it first");
        return Err(Failure::because(ErrorReason::ViewStopped, message));
    }
    let message = format_args!("the view is at position {cursor} of {position}: try again shortly");
    Err(Failure::because(ErrorReason::ViewBuilding, message).with("cursor", cursor).retry_after(VIEW_WAIT))
}

fn certify(
    name: String,
    view: &ServedView,
    (checkpoint, position): (String, Position),
    (day, cancel): (Option<Day>, &Cancel),
) -> Result<v1::ViewCertificate, Failure> {
    let view = &view.handle;
    let digest = view.digest_until(&Filter::default(), day, Some(position), cancel)?;
    let (scope, organisation) = match view.scope() {
        ViewScope::Network => (v1::Scope::Network, String::new()),
        ViewScope::Organisation(organisation) => (v1::Scope::Organisation, organisation.to_string()),
    };
    Ok(v1::ViewCertificate {
        view: name,
        component: view.component().to_vec(),
        contract: view.contract().to_owned(),
        settings: view.settings().to_owned(),
        scope: scope.into(),
        organisation,
        checkpoint,
        day: digest.day.number(),
        rows: digest.rows,
        rows_digest: digest.sha256.to_vec(),
    })
}
