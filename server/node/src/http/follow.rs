//! `GET /v1/{network}/entries` with `Accept: text/event-stream`: the history, then new entries as they are appended
//! (HTML, 9.2).
//!
//! Each entry has the cursor that reaches it as its id, so that whoever connects again with `Last-Event-ID` misses nothing
//! and gets nothing twice. In between, comments say that the stream goes on, and move the cursor over what the filter
//! leaves out.

use super::{
    Parts,
    answer::{Answer, stream},
    asked::Asked,
    entries::{Form, filter, open},
    problem::problem_within,
};
use crate::{
    grpc::{
        Failure,
        stream::{Messages, Sender, Stop, fill},
    },
    limits::LINES_AT_ONCE_BYTES,
};
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderName;
use kith_proto::v1;
use serde_json::{Map, Value};

/// The media type of streams of events.
pub(super) const MEDIA_TYPE: &str = "text/event-stream";
/// The cursor of the last event that a reader has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) fn follow(door: &Parts, mut asked: Asked) -> Answer {
    let mut query = std::mem::take(&mut asked.query);
    let after = query.number("after")?;
    let filter = filter(&mut query)?.to_proto();
    query.finish()?;
    let cursor = match asked.header(&LAST_EVENT_ID)?.filter(|id| !id.is_empty()) {
        Some(id) => read_cursor(id).ok_or_else(|| Failure::request(LAST_EVENT_ID.as_str(), "is no id of an event"))?,
        None => v1::Cursor { position: after, ..v1::Cursor::default() },
    };
    let request = v1::SubscribeRequest {
        network: asked.network.clone(),
        cursor: Some(cursor),
        filter: Some(filter),
        with_left_out: false,
        with_checkpoints: false,
        replica: Vec::new(),
    };
    let messages = door.services.subscribe_matching(asked.call(request))?.into_inner();
    let outgoing = door.node.outgoing(asked.key());
    Ok(stream(MEDIA_TYPE, fill(outgoing, (), |sender| pass_on(messages, sender))))
}

/// A cursor as an event's id: the incarnation of the log in hexadecimal, and the position.
fn cursor_text(incarnation: &[u8], position: u64) -> String {
    format!("{}.{position}", hex::encode(incarnation))
}

fn read_cursor(text: &str) -> Option<v1::Cursor> {
    let (incarnation, position) = text.split_once('.')?;
    let incarnation: [u8; 16] = hex::decode(incarnation).ok()?.try_into().ok()?;
    let position = position.parse().ok()?;
    Some(v1::Cursor { incarnation: incarnation.to_vec(), position, filter: Vec::new() })
}

/// Writes what a subscription sends, until it ends; why it ends is its last event.
async fn pass_on(mut messages: Messages<v1::SubscribeResponse>, sender: Sender<Bytes>) -> Result<(), Stop> {
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = sender.closed() => return Err(Stop::Gone),
        };
        match message {
            Some(Ok(message)) => {
                send(&message, &sender).await?;
                messages.on_its_way().left();
            }
            Some(Err(status)) => {
                let text = format!("event: problem\n{}", data(problem_within(&status)));
                sender.part_of(text.len()).await?.send(text.into(), None);
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

async fn send(message: &v1::SubscribeResponse, sender: &Sender<Bytes>) -> Result<(), Stop> {
    let cursor = message.cursor.clone().unwrap_or_default();
    let mut text = String::new();
    for opened in open(&message.entries, &message.details) {
        let opened = opened?;
        let id = cursor_text(&cursor.incarnation, opened.entry.position.get());
        text.extend(["id: ", &id, "\n", &data(opened.json(&Form::Entries))]);
        if text.len() >= LINES_AT_ONCE_BYTES {
            let text = std::mem::take(&mut text);
            sender.part_of(text.len()).await?.send(text.into(), None);
        }
    }
    let state = if message.caught_up { "caught up" } else { "more follows" };
    text.extend([": ", state, "\nid: ", &cursor_text(&cursor.incarnation, cursor.position), "\n\n"]);
    sender.part_of(text.len()).await?.send(text.into(), None);
    Ok(())
}

/// The data of an event, and its end. JSON has no line ends.
fn data(value: Map<String, Value>) -> String {
    format!("data: {}\n\n", Value::Object(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_read_back_and_nothing_else_is_one() {
        let text = cursor_text(&[7; 16], 12);
        let cursor = read_cursor(&text).unwrap();
        assert_eq!((cursor.incarnation.as_slice(), cursor.position), ([7; 16].as_slice(), 12));
        for wrong in ["", "12", ".12", "07.12", &text[1..], &format!("{text}x"), &format!("{text}.1")] {
            assert!(read_cursor(wrong).is_none(), "{wrong}");
        }
    }
}
