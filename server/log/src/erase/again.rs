//! Erasures that restored files would undo: what is known of them outlasts both the log and the keys.

use crate::{
    error::OpenError,
    keys::erasures_file::{self, Line, Lines},
    state::live::Live,
    store::Store,
};
use kith_core::{erasures::Erasure, id::PersonId};
use kith_words::Doomed;
use std::sync::Arc;

/// Somebody whose erasure the log lacks.
#[derive(Clone)]
pub(crate) struct Lost {
    pub(crate) live: Arc<Live>,
    pub(crate) person: PersonId,
}

/// Destroys the keys of everybody who is known to be erased and has one, as after the restore of old keys or of an old
/// log, before anything is served. Adds to the file of erasures what it lacks. Those whose erasure a log lacks count as
/// erased from now on, and are returned.
pub(crate) fn destroy_again(store: &Store) -> Result<Vec<Lost>, OpenError> {
    let networks: Vec<_> = store.networks().values().cloned().collect();
    let mut recorded = Lines::new();
    for live in &networks {
        recorded.extend(lines_of(live));
    }
    let mut known: Vec<Doomed> = erasures_file::doomed(&recorded).collect();
    if let Some(file) = &store.erasures {
        file.add(recorded.clone())?;
        known.extend(erasures_file::doomed(&file.read()?).filter(|doomed| !is_in(&recorded, doomed)));
    }
    let in_keys = store.keys.erased()?;
    known.extend(in_keys.into_iter().filter(|doomed| !is_in(&recorded, doomed)));
    known.sort_by(|one, other| (one.incarnation, &one.person).cmp(&(other.incarnation, &other.person)));
    known.dedup_by(|one, other| (one.incarnation, &one.person) == (other.incarnation, &other.person));
    let back = store.keys.with_keys(known.clone())?;
    if !back.is_empty() {
        tracing::warn!(people = back.len(), "keys of people who were erased were back, and are destroyed again");
        store.keys.destroy(&back)?;
    }
    let lost = known.into_iter().filter(|doomed| !is_in(&recorded, doomed));
    let of_network = |doomed: Doomed| {
        let live = networks.iter().find(|live| live.key_incarnation == doomed.incarnation)?;
        Some(Lost { live: live.clone(), person: doomed.person })
    };
    let lost: Vec<Lost> = lost.filter_map(of_network).collect();
    for Lost { live, person } in &lost {
        live.add_lost(person.clone());
    }
    Ok(lost)
}

/// The erasures of a network's log.
pub(crate) fn lines_of(live: &Live) -> Lines {
    let erasures = live.erasures();
    let of_person = |(person, erasure): (&PersonId, &Erasure)| {
        let (event, position, recorded_at) = (erasure.event, erasure.position, erasure.recorded_at);
        ((live.key_incarnation, person.clone()), Line { event, position, recorded_at })
    };
    erasures.people().map(of_person).collect()
}

fn is_in(lines: &Lines, doomed: &Doomed) -> bool {
    lines.contains_key(&(doomed.incarnation, doomed.person.clone()))
}
