//! A network of a case, and what is in it.

use base64::{Engine, prelude::BASE64_STANDARD};
use kith_client::{Client, ReadOptions, Recorded};
use kith_core::{detail::Detail, event::Event};
use kith_json::{details_json, entry_json, event_json};
use serde_json::{Value, json};

/// A network with a few people.
pub(crate) struct Village {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Village {
    pub(crate) fn name(&self) -> &str {
        self.client.network().as_str()
    }

    /// Its entries as the server stored them and the rules read them, filtered as the options say.
    pub(crate) async fn entries(&self, options: &ReadOptions) -> Vec<Value> {
        let page = self.client.read(options).await.expect("the server answers");
        page.entries.decode().expect("entries can be read").iter().map(shown).collect()
    }
}

/// An entry as `kith log -o json` writes it.
pub(crate) fn shown(recorded: &Recorded) -> Value {
    let Recorded { entry, event, details, erased, .. } = recorded;
    entry_json(entry, event, details, erased).into()
}

/// An event and its details as `kith record` reads them, with their salts.
pub(crate) fn record(event: &Event, details: &[Detail]) -> Value {
    let mut record = json!({ "event": event_json(event), "details": details_json(details) });
    record["event"]["salt"] = BASE64_STANDARD.encode(event.salt).into();
    for (at, detail) in details.iter().enumerate() {
        record["details"][at]["salt"] = BASE64_STANDARD.encode(detail.salt).into();
    }
    record
}
