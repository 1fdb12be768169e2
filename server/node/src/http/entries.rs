//! `GET /v1/{network}/entries`: a part of the log as lines; `GET /v1/{network}/entries/{event}`: the entry of one event.

use super::{
    Parts,
    answer::{Answer, Lines, apart, as_map, json},
    asked::Asked,
    query::Query,
};
use crate::grpc::{Failure, OneEvent};
use bytes::Bytes;
use kith_core::{
    checkpoint::LogOrigin,
    day::Day,
    detail::Detail,
    entry::Entry,
    event::{Event, Kind},
    filter::Filter,
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem},
    position::Position,
    timestamp::Timestamp,
};
use kith_json::{cloud_event_json, entry_json};
use kith_proto::v1::{self, log_service_server::LogService};
use serde_json::{Map, Value, json as object};
use std::collections::HashMap;

/// What a caller accepts who wants entries as CloudEvents.
const CLOUD_EVENTS: &str = "application/cloudevents+json";

/// An entry, with its event and the details that its reader may see.
pub(super) struct Opened {
    pub(super) entry: Entry,
    event: Event,
    details: Vec<Detail>,
    erased: Vec<(usize, Position)>,
}

/// How entries are written.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// As `kith log -o json` prints them.
    Entries,
    /// As CloudEvents of a log.
    CloudEvents(LogOrigin),
}

pub(super) async fn list(door: &Parts, mut asked: Asked) -> Answer {
    let form = Form::of(door, &asked).await?;
    let mut query = std::mem::take(&mut asked.query);
    let request = v1::ReadRequest {
        network: asked.network.clone(),
        after: query.number("after")?,
        filter: Some(filter(&mut query)?.to_proto()),
        limit: query.number("limit")?,
        direction: direction(&mut query)?.into(),
        with_left_out: false,
        matching_only: true,
    };
    query.finish()?;
    let (page, answered) = apart(LogService::read(&door.services, asked.call(request)).await?);
    let mut lines = Lines::of(door, &asked, &answered).await?;
    let (mut next, mut end) = (page.next, page.end);
    let mut last = None;
    for opened in open(&page.entries, &page.details) {
        let opened = opened?;
        if !lines.push(opened.json(&form)).await {
            (next, end) = (last.unwrap_or(next), false);
            break;
        }
        last = Some(opened.entry.position.get());
    }
    Ok(lines.finish(as_map(object!({ "next": next, "head": page.head, "end": end })), answered))
}

pub(super) async fn get(door: &Parts, mut asked: Asked) -> Answer {
    let form = Form::of(door, &asked).await?;
    std::mem::take(&mut asked.query).finish()?;
    let event = asked.name.parse().map_err(|_| Failure::request("event", "must be a UUID"))?;
    let request = OneEvent { network: asked.network.clone(), event };
    let (page, answered) = apart(door.services.read_event(asked.call(request)).await?);
    let mut found = open(&page.entries, &page.details).collect::<Result<Vec<_>, _>>()?.into_iter();
    let entry = found.next().map(|opened| Value::Object(opened.json(&form))).unwrap_or_default();
    Ok(json(&entry, answered))
}

/// Which entries the parameters ask for.
pub(super) fn filter(query: &mut Query) -> Result<Filter, Failure> {
    let kind = |text: &str, field: &str| {
        Kind::parse(text).ok_or_else(|| Invalid::new(field, Problem::MustBe("a kind, such as met or helped")))
    };
    Ok(Filter {
        kinds: query.each("kind", kind)?,
        people: query.each("person", PersonId::parse_field)?,
        organisations: query.each("organisation", OrganisationId::parse_field)?,
        occurred_from: query.time("from", |day| behind(Day::new(day.number() - 1)))?,
        occurred_until: query.time("until", behind)?,
        ..Filter::default()
    })
}

/// The first millisecond after a day.
fn behind(day: Day) -> Timestamp {
    Timestamp::from_millis(day.end().millis() + 1)
}

fn direction(query: &mut Query) -> Result<v1::Direction, Failure> {
    match query.one("order")?.as_deref() {
        None | Some("oldest") => Ok(v1::Direction::Forward),
        Some("newest") => Ok(v1::Direction::Backward),
        Some(_) => Err(Failure::request("order", "must be oldest or newest, whichever comes first")),
    }
}

impl Form {
    /// What the caller accepts.
    pub(super) async fn of(door: &Parts, asked: &Asked) -> Result<Self, Failure> {
        if !asked.accepts(CLOUD_EVENTS) {
            return Ok(Self::Entries);
        }
        let request = v1::HeadRequest { network: asked.network.clone() };
        let head = LogService::head(&door.services, asked.call(request)).await;
        let head = head.map_err(|status| Failure::of_status(&status))?.into_inner();
        let named = asked.network.parse().ok().zip(head.incarnation.try_into().ok());
        let (network, incarnation) = named.expect("a network that was entered has a name, and its log an incarnation");
        Ok(Self::CloudEvents(LogOrigin::of(&network, &incarnation)))
    }
}

impl Opened {
    /// An entry with its event, without details.
    pub(super) fn read(bytes: &Bytes) -> Result<Self, Failure> {
        let entry = Entry::decode(bytes).map_err(|error| Failure::internal(&error))?;
        let event = entry.event().map_err(|error| Failure::internal(&error))?;
        Ok(Self { entry, event, details: Vec::new(), erased: Vec::new() })
    }

    /// The same with details.
    pub(super) fn with_details(self, details: &[v1::Detail]) -> Result<Self, Failure> {
        let details: Result<_, _> = details.iter().map(Detail::read).collect();
        Ok(Self { details: details.map_err(|error: Invalid| Failure::internal(&error))?, ..self })
    }

    /// The entry in a form.
    pub(super) fn json(&self, form: &Form) -> Map<String, Value> {
        let Self { entry, event, details, erased } = self;
        match form {
            Form::Entries => entry_json(entry, event, details, erased),
            Form::CloudEvents(log) => cloud_event_json(log, entry, event, details),
        }
    }
}

/// Entries as a call returns them, each with its details.
pub(super) fn open(
    entries: &[Bytes],
    details: &[v1::EntryDetails],
) -> impl Iterator<Item = Result<Opened, Failure>> + Send {
    let details: HashMap<_, _> = details.iter().map(|of_entry| (of_entry.position, of_entry)).collect();
    entries.iter().map(move |bytes| {
        let opened = Opened::read(bytes)?;
        let Some(found) = details.get(&opened.entry.position.get()) else { return Ok(opened) };
        let erased = found.erased.iter().map(|one| (one.index as usize, Position::new(one.position)));
        Ok(Opened { erased: erased.collect(), ..opened.with_details(&found.details)? })
    })
}
