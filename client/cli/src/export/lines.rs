//! Entries as JSON lines, which an import takes back: the same events under the same ids.

use super::Written;
use crate::{
    failure::Failure,
    place::{Place, matching::Matching},
    show::destination::Destination,
};
use kith_core::{
    detail::{Detail, DetailKind},
    filter::Filter,
    position::Position,
};
use kith_json::entry_json;
use serde_json::Value;
use std::io::Write;

/// Which words about people are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    None,
    Names,
    All,
}

impl Words {
    /// What was asked for.
    pub(crate) fn of(names: bool, all: bool) -> Self {
        match (names, all) {
            (_, true) => Self::All,
            (true, false) => Self::Names,
            (false, false) => Self::None,
        }
    }

    fn keep(self, detail: &Detail) -> bool {
        match self {
            Self::None => false,
            Self::Names => detail.kind == DetailKind::Name,
            Self::All => true,
        }
    }
}

/// Writes entries that match, but for those that only a server records.
pub(crate) async fn write(
    place: &Place,
    filter: Filter,
    after: Position,
    words: Words,
    out: &mut Destination,
) -> Result<Written, Failure> {
    let mut written = Written::of(0, ("entry", "entries"));
    written.position = Some(after);
    let mut pages = Matching::after(place, filter, after);
    while let Some(page) = pages.next().await? {
        for recorded in &page {
            written.position = Some(recorded.entry.position);
            if recorded.event.kind().is_administration() {
                written.left_out += 1;
                continue;
            }
            let details: Vec<Detail> = recorded.details.iter().filter(|detail| words.keep(detail)).cloned().collect();
            let line = entry_json(&recorded.entry, &recorded.event, &details, &recorded.erased);
            writeln!(out, "{}", Value::Object(line)).map_err(|error| out.failed(error))?;
            written.count += 1;
        }
    }
    written.position = Some(pages.reached());
    Ok(written)
}
