//! `ExplainRow`: the evidence of a row with its words, limited to what the caller may see.

use crate::{
    bounds::{budget::Room, call_rate::key},
    grpc::{Call, Failure, enter, reports, rows},
    node::Node,
    views::ServedView,
};
use bytes::Bytes;
use kith_core::{detail::Detail, entry::Entry, may::Principal, position::Position};
use kith_log::{Details, Network};
use kith_proto::v1;
use kith_views::{Explain, explanation_of_view, limits::EVIDENCE_BYTES_MAX, question};
use std::collections::HashMap;
use tonic::Request;

/// An answer, and the room held for its details until it is sent.
type Held = (v1::ExplainRowResponse, Option<Room>);

pub(super) async fn explain_row(node: &Node, request: Request<v1::ExplainRowRequest>) -> Result<Held, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    if let Some(report) = reports::find(node, &network, &message.view, &caller.principal).await? {
        return Ok((reports::explain(node, &caller, &network, report, message).await?, None));
    }
    let view = rows::served(node, &caller, &network, &message.view).await?;
    let (explain, known_at) = question::explain(&message, &rows::Of(&network))?;
    let known_at = rows::known_at(node, &network, &caller.principal, known_at).await?;
    let explain = Explain { as_of: known_at.or(explain.as_of), ..explain };
    rows::catch_up(&network, &view).await?;
    let call = node.slow_call(&caller, &network)?;
    let ServedView { handle: view, retired, .. } = view;
    let (seeing, principal) = (network.clone(), caller.principal.clone());
    let answering = call.run(move |cancel| {
        let may_see = |position| Ok::<_, Failure>(seeing.entry(&principal, position)?.is_some());
        explanation_of_view(&view, &explain, cancel, may_see)
    });
    let answer = rows::unless_retired(&retired, answering).await??;
    with_details(node, &network, &caller.principal, answer).await
}

/// Adds the details of the evidence, as far as entries and details fit together: what does not is left out.
async fn with_details(
    node: &Node,
    network: &Network,
    principal: &Principal,
    mut answer: v1::ExplainRowResponse,
) -> Result<Held, Failure> {
    let entries = answer.evidence.iter().map(|one| (position(&one.entry), one.entry.clone()));
    let entries: Vec<(Position, Bytes)> = entries.collect();
    let reads = node.reads(principal, network);
    let (weighing, of) = (network.clone(), principal.clone());
    let weighed = reads.run(move || weighing.weigh(&of, &entries, EVIDENCE_BYTES_MAX)).await?;
    answer.evidence.truncate(weighed.fitting);
    if weighed.with_details.is_empty() {
        return Ok((answer, None));
    }
    let room = node.details().hold(&key(principal), weighed.details_bytes).await;
    let (reading, of) = (network.clone(), principal.clone());
    let details = reads.run(move || reading.details(&of, &weighed.with_details)).await?;
    let mut details: HashMap<Position, Details> = details.into_iter().collect();
    for one in &mut answer.evidence {
        let found = details.remove(&position(&one.entry)).unwrap_or_default();
        one.details = found.opened.iter().map(Detail::to_proto).collect();
    }
    Ok((answer, Some(room)))
}

fn position(entry: &Bytes) -> Position {
    Entry::decode(entry).expect("evidence is made of the log's entries").position
}
