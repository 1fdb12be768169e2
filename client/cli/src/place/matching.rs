//! Entries that match a filter.
//!
//! Directory and administration entries pass every filter on their way here, since a replica needs them; these are left out
//! again where they were not asked for.

use super::Place;
use crate::failure::Failure;
use kith_client::{ReadOptions, Recorded};
use kith_core::{
    entry::Entry,
    event::{Event, Fact},
    filter::Filter,
    header::Header,
    id::EventId,
    limits::READ_ENTRIES_MAX,
    position::Position,
};
use std::{collections::HashMap, convert::Infallible};

/// The entries of a place that match, page after page, oldest first.
pub(crate) struct Matching<'p> {
    place: &'p Place,
    options: ReadOptions,
    is_over: bool,
}

impl<'p> Matching<'p> {
    /// Those after a position.
    pub(crate) fn after(place: &'p Place, filter: Filter, after: Position) -> Self {
        let options = ReadOptions { after, filter, limit: READ_ENTRIES_MAX, ..ReadOptions::default() };
        Self { place, options, is_over: false }
    }

    /// The next page, which may be empty; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Recorded>>, Failure> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.place.read(&self.options).await?;
        let (mut matching, filter) = (Vec::new(), &self.options.filter);
        for recorded in page.entries.decode()? {
            let targets = match recorded.event.fact {
                Fact::Retracted(_) if !filter.is_all() => Targets::find(self.place, &recorded.event).await?,
                _ => Targets::default(),
            };
            if is_wanted(filter, &recorded, &targets) {
                matching.push(recorded);
            }
        }
        self.is_over = page.end;
        self.options.after = page.next;
        Ok(Some(matching))
    }

    /// The last position that was looked at.
    pub(crate) fn reached(&self) -> Position {
        self.options.after
    }
}

/// Whether an entry of the log matches: directory entries and their retractions pass every filter, everything else was
/// sent because it matches. `targets` are the events that it is about.
pub(crate) fn is_wanted(filter: &Filter, recorded: &Recorded, targets: &Targets) -> bool {
    let header = targets.header(recorded);
    filter.is_all() || !header.passes_every_filter() || filter.matches(&header)
}

/// The events that an entry refers to, and those that these refer to.
#[derive(Debug, Default)]
pub(crate) struct Targets(HashMap<EventId, (Entry, Event)>);

impl Targets {
    /// Looks them up, as far as they exist.
    pub(crate) async fn find(place: &Place, event: &Event) -> Result<Self, Failure> {
        let mut found = HashMap::new();
        let mut next = event.target().map(|(id, _)| id);
        while let Some(id) = next.take()
            && found.len() < 2
            && let Some(target) = place.find_recorded(&id).await?
        {
            next = target.event.target().map(|(id, _)| id);
            found.insert(id, (target.entry, target.event));
        }
        Ok(Self(found))
    }

    pub(crate) fn header(&self, recorded: &Recorded) -> Header {
        let find = |id: &EventId| Ok::<_, Infallible>(self.0.get(id).cloned());
        let Ok(header) = Header::resolve(&recorded.entry, &recorded.event, find);
        header
    }
}
