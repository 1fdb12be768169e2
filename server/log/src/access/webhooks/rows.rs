//! The tables of the file of webhooks, and what their rows mean.

use super::{StoredWebhook, WebhookCursor, WebhookKey, WebhookResult, WebhookState, WebhookStop, WebhookTries};
use kith_core::{filter::Filter, position::Position, timestamp::Timestamp};
use kith_words::Incarnation;
use prost::Message;
use redb::TableDefinition;
use std::ops::RangeInclusive;

pub(super) type Key<'a> = (&'a str, &'a str);
pub(super) type Row<'a> = (&'a str, &'a [u8], &'a [u8], bool, i64, u8);
pub(super) type CursorRow<'a> = (&'a Incarnation, u64, (u32, u32), i64, (u8, u16, i64));
pub(super) type LetterKey<'a> = (&'a str, &'a str, u64);

/// By network and id: name, sealed address and secrets, filter as a message, whether words are sent, when it was added, and
/// its state.
pub(super) const WEBHOOKS: TableDefinition<'_, Key<'static>, Row<'static>> = TableDefinition::new("webhooks 1");
/// By network and id: the log's incarnation, how far it is, tries that found the receiver down or were refused, when to try
/// again, and the last try with its result, status and time. Times are milliseconds since 1970.
pub(super) const CURSORS: TableDefinition<'_, Key<'static>, CursorRow<'static>> = TableDefinition::new("cursors 1");
/// By network, id and position: the status of the answer, 0 if the event was never sent, and when.
pub(super) const DEAD_LETTERS: TableDefinition<'_, LetterKey<'static>, (u16, i64)> =
    TableDefinition::new("dead_letters 1");
/// Those of them that are to be sent again.
pub(super) const REDELIVERIES: TableDefinition<'_, LetterKey<'static>, ()> = TableDefinition::new("redeliveries 1");

pub(super) fn texts(key: &WebhookKey) -> Key<'_> {
    (key.network.as_str(), key.id.as_str())
}

pub(super) fn letter_key(key: &WebhookKey, position: Position) -> LetterKey<'_> {
    (key.network.as_str(), key.id.as_str(), position.get())
}

pub(super) fn letters_of(key: &WebhookKey) -> RangeInclusive<LetterKey<'_>> {
    letter_key(key, Position::ZERO)..=letter_key(key, Position::new(u64::MAX))
}

pub(super) fn read_key((network, id): Key<'_>) -> Option<WebhookKey> {
    Some(WebhookKey { network: network.parse().ok()?, id: id.parse().ok()? })
}

pub(super) fn row<'a>(webhook: &'a StoredWebhook, filter: &'a [u8]) -> Row<'a> {
    let StoredWebhook { name, sealed, filter: _, with_words, added_at, state } = webhook;
    (name, sealed, filter, *with_words, added_at.millis(), state_number(*state))
}

pub(super) fn read_webhook((name, sealed, filter, with_words, added_at, state): Row<'_>) -> Option<StoredWebhook> {
    Some(StoredWebhook {
        name: name.to_owned(),
        sealed: sealed.to_vec(),
        filter: Filter::from_proto(&Message::decode(filter).ok()?).ok()?,
        with_words,
        added_at: Timestamp::from_millis(added_at),
        state: state_of(state)?,
    })
}

fn state_number(state: WebhookState) -> u8 {
    match state {
        WebhookState::Running => 1,
        WebhookState::Paused => 2,
        WebhookState::Stopped(WebhookStop::Down) => 3,
        WebhookState::Stopped(WebhookStop::Gone) => 4,
        WebhookState::Stopped(WebhookStop::History) => 5,
        WebhookState::Stopped(WebhookStop::Sealed) => 6,
    }
}

fn state_of(number: u8) -> Option<WebhookState> {
    Some(match number {
        1 => WebhookState::Running,
        2 => WebhookState::Paused,
        3 => WebhookState::Stopped(WebhookStop::Down),
        4 => WebhookState::Stopped(WebhookStop::Gone),
        5 => WebhookState::Stopped(WebhookStop::History),
        6 => WebhookState::Stopped(WebhookStop::Sealed),
        _ => return None,
    })
}

pub(super) fn cursor_row(cursor: &WebhookCursor) -> CursorRow<'_> {
    let WebhookCursor { incarnation, position, tries, due_at, last } = cursor;
    let last = last.map_or((0, 0, 0), |(result, at)| {
        let (number, status) = result_number(result);
        (number, status, at.millis())
    });
    (incarnation, position.get(), (tries.down, tries.refused), due_at.millis(), last)
}

pub(super) fn read_cursor(
    (incarnation, position, (down, refused), due_at, (result, status, at)): CursorRow<'_>,
) -> WebhookCursor {
    WebhookCursor {
        incarnation: *incarnation,
        position: Position::new(position),
        tries: WebhookTries { down, refused },
        due_at: Timestamp::from_millis(due_at),
        last: result_of(result, status).map(|result| (result, Timestamp::from_millis(at))),
    }
}

fn result_number(result: WebhookResult) -> (u8, u16) {
    match result {
        WebhookResult::Delivered(status) => (1, status),
        WebhookResult::Refused(status) => (2, status),
        WebhookResult::Down(status) => (3, status),
        WebhookResult::Gone => (4, 0),
        WebhookResult::Unreachable => (5, 0),
        WebhookResult::TimedOut => (6, 0),
        WebhookResult::NotAllowed => (7, 0),
        WebhookResult::TooLarge => (8, 0),
    }
}

fn result_of(number: u8, status: u16) -> Option<WebhookResult> {
    Some(match number {
        1 => WebhookResult::Delivered(status),
        2 => WebhookResult::Refused(status),
        3 => WebhookResult::Down(status),
        4 => WebhookResult::Gone,
        5 => WebhookResult::Unreachable,
        6 => WebhookResult::TimedOut,
        7 => WebhookResult::NotAllowed,
        8 => WebhookResult::TooLarge,
        _ => return None,
    })
}
