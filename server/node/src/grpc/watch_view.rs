//! `WatchView`: rows as they change, in order of the positions that changed them.

use super::{
    Call, Failure, blocking,
    convert::RETRY_LAGGING,
    rows,
    stream::{Messages, Sender, Stop, fill, until_closing},
};
use crate::{auth::Caller, limits::SUBSCRIBE_BYTES_MAX, node::Node, views::ServedView};
use kith_core::position::Position;
use kith_log::Network;
use kith_proto::v1::{self, ErrorReason};
use kith_views::Changes;
use prost::Message;
use tonic::Request;

/// Rows that are read at once.
const ROWS_MAX: usize = 1_000;

/// A reader of a view's changes. When another version takes the view's place, it hears all rows of that one.
struct Watch {
    node: Node,
    caller: Caller,
    network: Network,
    name: String,
    view: ServedView,
    /// Whether another version took the place of the one that rows were told of.
    replaced: bool,
    /// How far the reader has come; none before the first message.
    told: Option<Told>,
    after: Position,
}

/// What the last message stood for.
#[derive(Clone, Copy)]
struct Told {
    position: Position,
    day: i32,
}

pub(super) fn watch_view(
    node: &Node,
    request: Request<v1::WatchViewRequest>,
) -> Result<Messages<v1::WatchViewResponse>, Failure> {
    let Call { caller, message } = Call::new(request)?;
    let (network, view) = rows::enter_view(node, &caller, &message.network, &message.view)?;
    let (after, head) = (Position::new(message.after), network.head());
    if after > head {
        let failure = Failure::new(ErrorReason::PositionAhead).with("head", head);
        return Err(failure.retry_after(RETRY_LAGGING));
    }
    let watch =
        Watch { node: node.clone(), caller, network, name: message.view, view, replaced: false, told: None, after };
    Ok(fill(node.limits().stall(), |sender| watch.run(sender)))
}

impl Watch {
    async fn run(mut self, sender: Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        let node = self.node.clone();
        until_closing(&node, async {
            loop {
                self.tell_one_version(&sender).await?;
                self.view = rows::served(&self.node, &self.caller, &self.network, &self.name)?;
                (self.told, self.after, self.replaced) = (None, Position::ZERO, true);
            }
        })
        .await
    }

    /// Tells changes until another version answers.
    async fn tell_one_version(&mut self, sender: &Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        let (view, retired) = (self.view.handle.clone(), self.view.retired.clone());
        let mut cursor = view.cursor_watch();
        loop {
            let now = *cursor.borrow_and_update();
            if let Some(day) = now.day
                && has_news(self.told, self.after, now.position, day)
            {
                self.send_changes(day, sender).await?;
                continue;
            }
            let further = self.told.map_or(self.after, |told| told.position.next());
            tokio::select! {
                () = retired.cancelled() => return Ok(()),
                moved = cursor.changed() => moved.map_err(|_| Failure::new(ErrorReason::ViewStopped))?,
                reached = view.wait_for(further), if !self.view.paused => {
                    reached.map_err(|_| Failure::new(ErrorReason::ViewStopped))?;
                }
                () = tokio::time::sleep(self.node.limits().heartbeat()) => {
                    self.send_heartbeat(now.position, sender).await?;
                }
                () = sender.closed() => return Err(Stop::Gone),
            }
        }
    }

    async fn send_changes(&mut self, day: i32, sender: &Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        self.node.authenticator().check(&self.caller)?;
        let after = match self.told {
            Some(told) if told.day == day => told.position,
            Some(_) => Position::ZERO,
            None => self.after,
        };
        let view = self.view.handle.clone();
        let changes = blocking(move || view.changed_since(after, ROWS_MAX)).await.map_err(Failure::from)?;
        let told = Told { position: changes.position.max(after), day: changes.day };
        let fields = if self.told.is_none() { rows::fields(self.view.handle.fields()) } else { Vec::new() };
        for mut message in messages(fields, changes, after) {
            message.reset = std::mem::take(&mut self.replaced);
            sender.send(message).await?;
        }
        self.told = Some(told);
        Ok(())
    }

    async fn send_heartbeat(&self, reached: Position, sender: &Sender<v1::WatchViewResponse>) -> Result<(), Stop> {
        self.node.authenticator().check(&self.caller)?;
        let position = self.told.map_or(reached, |told| told.position).get();
        sender.send(v1::WatchViewResponse { position, ..v1::WatchViewResponse::default() }).await
    }
}

/// Whether there is something to tell: first that the view is where the reader is, then a later position, or a new day,
/// which may change any row.
fn has_news(told: Option<Told>, after: Position, position: Position, day: i32) -> bool {
    match told {
        None => position >= after,
        Some(told) => position > told.position || day != told.day,
    }
}

/// Changes in messages of bounded size. Only the last one says how far they go, so that a reader who misses some of
/// them asks for all again.
fn messages(fields: Vec<v1::Field>, changes: Changes, after: Position) -> Vec<v1::WatchViewResponse> {
    let mut messages = vec![v1::WatchViewResponse { fields, ..v1::WatchViewResponse::default() }];
    let mut bytes = 0;
    for row in rows::rows(changes.rows) {
        bytes += row.encoded_len();
        if bytes > SUBSCRIBE_BYTES_MAX {
            bytes = row.encoded_len();
            messages.push(v1::WatchViewResponse::default());
        }
        messages.last_mut().expect("there is always a message").rows.push(row);
    }
    for message in &mut messages {
        message.position = after.get();
    }
    let last = messages.last_mut().expect("there is always a message");
    last.removed = rows::removed(&changes.removed);
    last.position = changes.position.max(after).get();
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_hears_of_what_it_does_not_know() {
        let at = Position::new;
        let told = Some(Told { position: at(7), day: 3 });
        assert!(has_news(None, at(0), at(0), 3), "that there is nothing");
        assert!(!has_news(None, at(7), at(6), 3), "the view is not yet where the reader is");
        assert!(has_news(None, at(7), at(7), 3));
        assert!(!has_news(told, at(0), at(7), 3));
        assert!(has_news(told, at(0), at(8), 3) && has_news(told, at(0), at(7), 4));
    }
}
