//! `ListDeadLetters`: the events that a webhook's receiver refused.

use super::own;
use crate::{
    grpc::{Call, Failure, enter, page::Page},
    node::Node,
};
use kith_core::position::Position;
use kith_log::{DeadLetter, blocking};
use kith_proto::v1;
use tonic::Request;

pub(super) async fn list_dead_letters(
    node: &Node,
    request: Request<v1::ListDeadLettersRequest>,
) -> Result<v1::ListDeadLettersResponse, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let own = own(node, enter(node, &visitor, &message.network)?, &message.webhook)?;
    let page = Page::begin(message.page_size, &message.page_token)?;
    // What was refused just now is in the file after this.
    node.webhooks().write().await?;
    let file = node.webhooks().file();
    let letters = blocking(move || file.letters(&own.key)).await?;
    let (dead_letters, next_page_token) =
        page.fill(letters.into_iter().map(|letter| Ok::<_, Failure>(describe(letter))))?.finish();
    Ok(v1::ListDeadLettersResponse { dead_letters, next_page_token })
}

fn describe((position, DeadLetter { status, at }): (Position, DeadLetter)) -> v1::DeadLetter {
    v1::DeadLetter { position: position.get(), status: status.into(), refused_at: Some(at.to_proto()) }
}
