//! `ExplainRow`: the entries that a row stands on, of those the caller may see.

use crate::{
    grpc::{Call, Failure, enter, reports, rows},
    limits::READ_BYTES_MAX,
    node::Node,
    views::ServedView,
};
use kith_core::{may::Principal, position::Position};
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::{Cancel, Evidence, Explain, Explanation, ViewHandle, wire};
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
    let explain = Explain {
        key: rows::key(&network, &message.key)?,
        item: (message.item > 0).then(|| Position::new(message.item)),
        day: rows::day(message.at)?,
        as_of: rows::as_of(&network, message.as_of)?,
    };
    if explain.key.is_empty() {
        return Err(Failure::request("key", "is missing"));
    }
    rows::catch_up(&network, &view).await?;
    let call = node.slow_call(&caller, &network)?;
    let ServedView { handle, retired, .. } = view;
    let answering = call.run(move |cancel| answer(&network, &caller.principal, &handle, (&explain, cancel)));
    rows::unless_retired(&retired, answering).await?
}

fn answer(
    network: &Network,
    principal: &Principal,
    view: &ViewHandle,
    (explain, cancel): (&Explain, &Cancel),
) -> Result<v1::ExplainRowResponse, Failure> {
    let Explanation { rows, evidence, share_of, position, day, .. } = view.explain_until(explain, cancel)?;
    let (evidence, hidden) = visible(network, principal, evidence, cancel)?;
    Ok(v1::ExplainRowResponse {
        fields: wire::fields(view.fields()),
        rows: rows::rows(rows),
        evidence,
        hidden,
        share_of: share_of.unwrap_or_default(),
        position: position.get(),
        day,
        inputs: Vec::new(),
    })
}

/// The entries that the principal may see, newest first as far as one message goes, and the number of the others.
fn visible(
    network: &Network,
    principal: &Principal,
    evidence: Vec<Evidence>,
    cancel: &Cancel,
) -> Result<(Vec<v1::Evidence>, u64), Failure> {
    let (mut shown, mut hidden, mut bytes) = (Vec::new(), 0, 0);
    for Evidence { position, entry, share, .. } in evidence {
        if cancel.is_cancelled() {
            return Err(Failure::new(ErrorReason::DeadlineExceeded));
        }
        if network.entry(principal, position)?.is_none() {
            hidden += 1;
            continue;
        }
        bytes += entry.len();
        if bytes <= READ_BYTES_MAX {
            shown.push(v1::Evidence { entry, share });
        }
    }
    Ok((shown, hidden))
}
