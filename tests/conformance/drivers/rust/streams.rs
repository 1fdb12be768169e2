//! Logs that are followed and views that are watched.

use crate::{
    answers::{Failure, entries_json},
    commands::{bytes, filter, millis, position, text},
};
use futures_util::StreamExt;
use kith_client::{Client, Cursor, Subscription, Update, WatchView, v1};
use kith_json::{removed_row_json, row_json};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::time::{Instant, timeout_at};

/// Streams by the names that the runner gave them.
#[derive(Default)]
pub(crate) struct Streams(HashMap<String, Open>);

enum Open {
    Log(Subscription),
    View(WatchView, Vec<v1::Field>),
}

impl Streams {
    pub(crate) fn follow(&mut self, client: &Client, command: &Value) -> Value {
        let cursor = match &command["cursor"] {
            Value::Null => Cursor::after(position(command, "after")),
            kept => Cursor {
                incarnation: bytes(&kept["incarnation"]),
                position: position(kept, "position"),
                filter: bytes(&kept["filter"]),
            },
        };
        let followed = client.subscribe(filter(&command["filter"]), cursor);
        self.0.insert(text(command, "as").to_owned(), Open::Log(followed));
        json!({})
    }

    pub(crate) fn watch(&mut self, client: &Client, command: &Value) -> Value {
        let watched = client.watch_view(text(command, "view"), position(command, "after"));
        self.0.insert(text(command, "as").to_owned(), Open::View(watched, Vec::new()));
        json!({})
    }

    /// The next message, and how often the connection broke before it.
    pub(crate) async fn next(&mut self, command: &Value) -> Result<Value, Failure> {
        let open = self.0.get_mut(text(command, "of")).expect("the stream is open");
        let end = Instant::now() + millis(command, "ms").expect("it says how long");
        let mut interruptions = 0_u32;
        loop {
            let Ok(item) = timeout_at(end, open.next()).await else {
                return Ok(json!({ "silent": true, "interruptions": interruptions }));
            };
            match item {
                Ok(mut told) => {
                    told["interruptions"] = json!(interruptions);
                    return Ok(told);
                }
                Err(Ended::Interrupted) => interruptions += 1,
                Err(Ended::Failed(failure)) => return Err(failure),
            }
        }
    }

    pub(crate) fn stop(&mut self, command: &Value) -> Value {
        self.0.remove(text(command, "of"));
        json!({})
    }
}

/// Why there is no message.
enum Ended {
    Interrupted,
    Failed(Failure),
}

impl From<kith_client::Error> for Ended {
    fn from(error: kith_client::Error) -> Self {
        if error.is_retryable() { Self::Interrupted } else { Self::Failed(error.into()) }
    }
}

impl Open {
    async fn next(&mut self) -> Result<Value, Ended> {
        match self {
            Self::Log(followed) => {
                let update = followed.next().await.expect("an error is its last item")?;
                update_json(&update).map_err(Ended::Failed)
            }
            Self::View(watched, fields) => {
                let change = watched.next().await.expect("an error is its last item")?;
                if !change.fields.is_empty() {
                    fields.clone_from(&change.fields);
                }
                Ok(change_json(&change, fields))
            }
        }
    }
}

fn update_json(update: &Update) -> Result<Value, Failure> {
    let Cursor { incarnation, position, filter } = &update.cursor;
    Ok(json!({
        "entries": entries_json(&update.entries)?,
        "cursor": {
            "incarnation": hex::encode(incarnation),
            "position": position.get(),
            "filter": hex::encode(filter),
        },
        "caught_up": update.caught_up,
    }))
}

fn change_json(change: &v1::WatchViewResponse, fields: &[v1::Field]) -> Value {
    json!({
        "rows": change.rows.iter().map(|row| row_json(fields, row)).collect::<Vec<_>>(),
        "removed": change.removed.iter().map(removed_row_json).collect::<Vec<_>>(),
        "position": change.position,
        "reset": change.reset,
    })
}
