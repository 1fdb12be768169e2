//! `ChangeWebhook`: pauses, resumes, or gives another secret.

use super::{Own, describe, own};
use crate::{
    grpc::{Call, Failure, enter},
    node::Node,
    webhooks::secrets::Secrets,
};
use kith_core::{position::Position, timestamp::Timestamp};
use kith_log::{Network, StoredWebhook, WebhookCursor, WebhookState, WebhookStop, WebhookTries};
use kith_proto::v1::{self, ErrorReason, change_webhook_request::Change as Wanted};
use tonic::Request;

/// What to change.
enum Change {
    Pause,
    /// From the first position to send, if it is not where it was.
    Resume(Option<Position>),
    Rotate,
}

pub(super) async fn change_webhook(
    node: &Node,
    request: Request<v1::ChangeWebhookRequest>,
) -> Result<v1::ChangeWebhookResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let own = own(node, enter(node, &visitor, &message.network)?, &message.webhook)?;
    let change = match message.change {
        Some(Wanted::Pause(v1::PauseWebhook {})) => Change::Pause,
        Some(Wanted::Resume(v1::ResumeWebhook { from })) => Change::Resume(read_from(&own.network, from)?),
        Some(Wanted::Rotate(v1::RotateWebhook {})) => Change::Rotate,
        None => return Err(Failure::request("change", "is missing")),
    };
    let (mut secret, mut refused, now) = (String::new(), None, node.now());
    let changed = node.webhooks().change(&own.key, |webhook, cursor| match change {
        Change::Pause => webhook.state = WebhookState::Paused,
        Change::Resume(from) => refused = resume(&own, webhook, cursor, from, now).err(),
        Change::Rotate => match rotate(&own, webhook, now) {
            Ok(shown) => secret = shown,
            Err(failure) => refused = Some(failure),
        },
    });
    let Some((webhook, slot)) = changed.await? else { return Err(Failure::new(ErrorReason::TokenUnknown)) };
    if let Some(failure) = refused {
        return Err(failure);
    }
    Ok(v1::ChangeWebhookResponse { webhook: Some(describe(node, &own, &webhook, &slot).await?), secret })
}

fn read_from(network: &Network, from: Option<u64>) -> Result<Option<Position>, Failure> {
    let next = network.head().next().get();
    match from {
        Some(from) if from == 0 || from > next => {
            Err(Failure::request("change.resume.from", format_args!("must be between 1 and {next}")))
        }
        Some(from) => Ok(Some(Position::new(from))),
        None => Ok(None),
    }
}

fn resume(
    own: &Own,
    webhook: &mut StoredWebhook,
    cursor: &mut WebhookCursor,
    from: Option<Position>,
    now: Timestamp,
) -> Result<(), Failure> {
    let is_lost = webhook.state == WebhookState::Stopped(WebhookStop::History);
    match from {
        Some(from) => (cursor.incarnation, cursor.position) = (own.network.incarnation(), from.previous()),
        None if is_lost => {
            let text = "is missing: the log is not the one that the webhook was sending";
            return Err(Failure::request("change.resume.from", text));
        }
        None => {}
    }
    webhook.state = WebhookState::Running;
    (cursor.tries, cursor.due_at) = (WebhookTries::default(), now);
    Ok(())
}

/// Returns the new secret as it is shown.
fn rotate(own: &Own, webhook: &mut StoredWebhook, now: Timestamp) -> Result<String, Failure> {
    let Some(mut secrets) = Secrets::open(&own.network, &own.key.id, &webhook.sealed) else {
        return Err(Failure::request("webhook", "cannot be opened with the network's key: add it again"));
    };
    secrets.rotate(now);
    webhook.sealed = secrets.seal(&own.network, &own.key.id);
    Ok(secrets.shown())
}
