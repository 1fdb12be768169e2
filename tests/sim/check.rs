//! The rules, held against the history of a simulation when everybody agrees again.
//!
//! Invariant: what should be visible to a device is worked out here from the log's bytes, not by asking the server's
//! indexes or the replica.

use crate::{
    history::{History, ServerLog, Told},
    world::{Device, World, lock},
};
use bytes::Bytes;
use kith_core::{
    checkpoint::LogOrigin,
    entry::Entry,
    event::{Administration, Event, Fact, Scope},
    filter::{Filter, PeopleMatch},
    header::Header,
    id::{EventId, PersonId},
    tree::{Frontier, Hash, leaf_hash},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    convert::Infallible,
};

/// A log of the server, opened.
struct Opened {
    origin: LogOrigin,
    key: String,
    entries: Vec<(Entry, Event, Header)>,
    /// Root of the tree over so many entries, for every size.
    roots: Vec<Hash>,
    places: HashMap<EventId, Vec<u64>>,
}

/// What is wrong; empty if nothing is.
pub(crate) fn check(world: &World) -> Vec<String> {
    let history = world.history();
    let mut wrong = history.problems.clone();
    let logs: Result<Vec<_>, _> = history.logs.iter().map(open).collect();
    let logs = match logs {
        Ok(logs) => logs,
        Err(problem) => {
            wrong.push(problem);
            return wrong;
        }
    };
    let Some(last) = logs.last() else {
        wrong.push("there is no log".to_owned());
        return wrong;
    };
    check_once_each(&history, last, world, &mut wrong);
    check_answers(&history, &logs, &mut wrong);
    check_order(&history, last, logs.len() - 1, &mut wrong);
    check_claims(&history, &logs, &world.devices, &mut wrong);
    check_ends(last, &world.devices, &mut wrong);
    wrong
}

/// People who are erased in the last log.
pub(crate) fn erased(world: &World) -> BTreeSet<String> {
    let history = world.history();
    let entries = history.logs.last().into_iter().flat_map(|log| &log.entries);
    let events = entries.filter_map(|bytes| decode(bytes).ok());
    let erased = |(_, event): (Entry, Event)| match event.fact {
        Fact::Administration(Administration::PersonErased { person, .. }) => Some(person.to_string()),
        _ => None,
    };
    events.filter_map(erased).collect()
}

/// Decodes a log. Positions must be dense, times must not go back, and the tree is computed from the bytes.
fn open(log: &ServerLog) -> Result<Opened, String> {
    let mut tree = Frontier::new();
    let mut opened = Opened {
        origin: log.origin.clone(),
        key: log.key.clone(),
        entries: Vec::new(),
        roots: vec![tree.root()],
        places: HashMap::new(),
    };
    for (place, bytes) in log.entries.iter().enumerate() {
        let (entry, event) = decode(bytes)?;
        let expected = place as u64 + 1;
        if entry.position.get() != expected {
            return Err(format!("position {} stands where {expected} should", entry.position));
        }
        if opened.entries.last().is_some_and(|(before, ..)| before.recorded_at > entry.recorded_at) {
            return Err(format!("the time of recording goes back at position {expected}"));
        }
        let header = Header::resolve(&entry, &event, |id| Ok::<_, Infallible>(opened.find(id)));
        let Ok(header) = header;
        opened.places.entry(event.id).or_default().push(expected);
        opened.entries.push((entry, event, header));
        // Subtrees that become complete are not kept here.
        let _ = tree.push(leaf_hash(bytes));
        opened.roots.push(tree.root());
    }
    Ok(opened)
}

fn decode(bytes: &Bytes) -> Result<(Entry, Event), String> {
    let entry = Entry::decode(bytes).map_err(|error| error.to_string())?;
    let event = entry.event().map_err(|error| error.to_string())?;
    Ok((entry, event))
}

impl Opened {
    fn find(&self, id: &EventId) -> Option<(Entry, Event)> {
        let place = usize::try_from(*self.places.get(id)?.first()?).expect("logs in memory are small");
        let (entry, event, _) = &self.entries[place - 1];
        Some((entry.clone(), event.clone()))
    }

    fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Positions of what a device is to hold of the first so many entries.
    fn visible(&self, device: &Device, size: u64) -> Vec<u64> {
        let visible = |header: &&Header| {
            let in_scope = match header.scope {
                Scope::Network => true,
                Scope::Organisation => header.organisation.as_ref() == Some(&device.organisation),
            };
            in_scope && device.filter.passes(header)
        };
        let headers = self.entries.iter().map(|(.., header)| header);
        headers
            .take_while(|header| header.position.get() <= size)
            .filter(visible)
            .map(|header| header.position.get())
            .collect()
    }
}

/// Every event that a device kept is in the log once with the bytes it had, or on that device's list of refused ones;
/// and nothing is in the log that nobody recorded.
fn check_once_each(history: &History, log: &Opened, world: &World, wrong: &mut Vec<String>) {
    let mut refused: BTreeMap<usize, BTreeSet<EventId>> = BTreeMap::new();
    for device in &world.devices {
        let shown = lock(&device.shown);
        let Some(all) = &shown.all else {
            wrong.push(format!("{} does not show what it holds", device.name));
            continue;
        };
        refused.insert(device.number, all.refused.iter().map(|refusal| refusal.event.id()).collect());
        for pending in &all.pending {
            wrong.push(format!("{} still has {} in its outbox, {:?}", device.name, pending.event.id(), pending.stage));
        }
    }
    for (id, told) in &history.told {
        // Who holds a part of the log has only the answer for what the part leaves out.
        let device = &world.devices[told.device];
        if history.misled.contains(id) && !log.places.contains_key(id) && !passes(device, &told.bytes) {
            continue;
        }
        check_event(id, told, log, refused.get(&told.device), wrong);
    }
    for (entry, event, _) in &log.entries {
        let by_device = entry.organisation.is_some();
        if by_device && !history.told.contains_key(&event.id) {
            wrong.push(format!("nobody recorded {} at position {}", event.id, entry.position));
        }
    }
}

/// Whether an event is one that a device's filter surely lets pass.
fn passes(device: &Device, bytes: &Bytes) -> bool {
    Event::decode(bytes).is_ok_and(|event| {
        let people = event.people();
        let Filter { kinds, people: wanted, people_match, .. } = &device.filter;
        let takes_part = |person: &PersonId| people.contains(&person);
        event.scope == Scope::Network
            && (kinds.is_empty() || kinds.contains(&event.kind()))
            && match people_match {
                PeopleMatch::Any => wanted.is_empty() || wanted.iter().any(takes_part),
                PeopleMatch::All => wanted.iter().all(takes_part),
            }
    })
}

fn check_event(id: &EventId, told: &Told, log: &Opened, refused: Option<&BTreeSet<EventId>>, wrong: &mut Vec<String>) {
    let places = log.places.get(id).map_or(&[][..], Vec::as_slice);
    let is_refused = refused.is_some_and(|refused| refused.contains(id));
    match places {
        [] if told.kept && !is_refused => wrong.push(format!("{id} of device {} is lost", told.device)),
        [] => {}
        [_] if is_refused => wrong.push(format!("{id} is in the log and was refused")),
        [place] => {
            let entry = &log.entries[usize::try_from(*place).expect("logs in memory are small") - 1].0;
            if entry.event_bytes != told.bytes && !is_without_words(&entry.event_bytes, &told.bytes) {
                wrong.push(format!("{id} is in the log with other bytes"));
            }
        }
        places => wrong.push(format!("{id} is in the log at {places:?}")),
    }
}

/// Whether an event is another one without some of its words.
fn is_without_words(event: &[u8], whole: &[u8]) -> bool {
    let (Ok(event), Ok(whole)) = (Event::decode(event), Event::decode(whole)) else { return false };
    event.content_hash() == whole.content_hash()
        && event.details.len() < whole.details.len()
        && event.details.iter().all(|commitment| whole.details.contains(commitment))
}

/// What the server said that it has is where it said, in the log it had then.
fn check_answers(history: &History, logs: &[Opened], wrong: &mut Vec<String>) {
    for answer in &history.answers {
        let earliest = if answer.late { answer.log - 1 } else { answer.log };
        let is_there =
            |log: &Opened| log.places.get(&answer.id).is_some_and(|places| places == &[answer.position.get()]);
        if !logs[earliest..=answer.log].iter().any(is_there) {
            wrong.push(format!("{} was answered for at {}, and is not there", answer.id, answer.position));
        }
    }
}

/// Who recorded after somebody had heard of an entry comes after that entry.
fn check_order(history: &History, log: &Opened, number: usize, wrong: &mut Vec<String>) {
    for (id, told) in history.told.iter().filter(|(_, told)| told.log == number) {
        let place = log.places.get(id).and_then(|places| places.first());
        if place.is_some_and(|place| *place <= told.after) {
            wrong.push(format!("{id} was recorded after {} was answered for, and comes before", told.after));
        }
    }
}

/// After every sync a replica held the part of a log of the server that its filter and its token let pass.
fn check_claims(history: &History, logs: &[Opened], devices: &[std::sync::Arc<Device>], wrong: &mut Vec<String>) {
    for claim in &history.claims {
        let device = &devices[claim.device];
        let say = |what: &str| format!("at {} ms {} at position {}: {what}", claim.at_ms, device.name, claim.size);
        let Some(log) = logs.iter().find(|log| log.key == claim.key) else {
            wrong.push(say("it holds a log under a key that is not the server's"));
            continue;
        };
        let Some(root) = usize::try_from(claim.size).ok().and_then(|size| log.roots.get(size)) else {
            wrong.push(say("the server's log never came that far"));
            continue;
        };
        if *root != claim.root {
            wrong.push(say("it holds another history than the server"));
        }
        if log.visible(device, claim.size) != claim.positions {
            wrong.push(say("it does not hold what its filter lets pass"));
        }
    }
}

/// At the end everybody has come as far as the server.
fn check_ends(log: &Opened, devices: &[std::sync::Arc<Device>], wrong: &mut Vec<String>) {
    for device in devices {
        let looked = lock(&device.shown).looked.clone();
        if looked != Some((log.key.clone(), log.size())) {
            let held = looked.map_or_else(|| "nothing".to_owned(), |(_, size)| format!("{size} entries"));
            wrong.push(format!("{} ends with {held} of {} in {}", device.name, log.size(), log.origin));
        }
    }
}
