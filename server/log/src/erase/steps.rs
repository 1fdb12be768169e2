//! The steps of erasures, for all that are pending at once.

use super::again::{Lost, lines_of};
use crate::{
    error::{AppendError, KeptFileError, ReadError, Unavailable},
    keys::erasures_file::Lines,
    limits,
    read::restricted::Restricted,
    rows::erased::{ErasedPeople, erased_by},
    state::{health::Health, live::Live, snapshot::Snapshot, token},
    store::Store,
    write::{
        administration,
        queue::{NetworkRequest, Queue, Request, ServerRequest, Size},
    },
};
use kith_core::{
    erasures::{Erasure, RESTORED},
    event::{Administration, Scope},
    id::PersonId,
    position::Position,
};
use kith_words::{Doomed, KeysError, Stored};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Why an erasure could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EraseError {
    #[error(transparent)]
    File(#[from] KeptFileError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What is pending in a network.
struct Pending {
    live: Arc<Live>,
    people: Vec<(PersonId, Erasure)>,
}

/// Records the erasures that the log lacks, then completes every erasure that is pending.
pub(crate) async fn erase_all(store: &Store, queue: &Queue, lost: &mut Vec<Lost>) -> Result<(), EraseError> {
    if *store.health.borrow() != Health::Serving {
        return Ok(());
    }
    while let Some(Lost { live, person }) = lost.last().cloned() {
        // Nobody can add somebody of this id either, so there is nothing to erase without them.
        if live.directory().person(&person).is_some() {
            let reason = RESTORED.parse().expect("it is a word");
            append(store, queue, &live, Administration::PersonErased { person, reason, reference: None }).await?;
        }
        lost.pop();
    }
    let pending = pending(store);
    if pending.is_empty() {
        return Ok(());
    }
    if let Some(file) = &store.erasures {
        let mut lines = Lines::new();
        for Pending { live, .. } in &pending {
            lines.extend(lines_of(live));
        }
        file.add(lines)?;
    }
    let doomed: Vec<_> = pending.iter().flat_map(doomed).collect();
    store.keys.destroy(&doomed)?;
    for Pending { live, people } in pending {
        erase_rows(store, queue, &live, &people).await?;
        let counts = count_erased(store, &live)?;
        for (person, erasure) in people {
            let details_erased = counts.get(&erasure.position).copied().unwrap_or(0);
            let erasure = erasure.event;
            let fact = Administration::ErasureCompleted { person, erasure, details_erased, keys_destroyed: 1 };
            append(store, queue, &live, fact).await?;
        }
    }
    Ok(())
}

fn pending(store: &Store) -> Vec<Pending> {
    let of_network = |live: &Arc<Live>| {
        let erasures = live.erasures();
        let people: Vec<_> = erasures.pending().map(|(person, erasure)| (person.clone(), erasure.clone())).collect();
        (!people.is_empty()).then(|| Pending { live: live.clone(), people })
    };
    store.networks().values().filter_map(of_network).collect()
}

fn doomed(pending: &Pending) -> impl Iterator<Item = Doomed> {
    pending.people.iter().map(|(person, erasure)| Doomed {
        incarnation: pending.live.key_incarnation,
        person: person.clone(),
        position: erasure.position,
    })
}

/// Erases the details about people from their rows, in commits of a bounded number of rows. Subjects need not take part
/// in the event, so that no index knows where they are: all details of the network are read.
async fn erase_rows(
    store: &Store,
    queue: &Queue,
    live: &Arc<Live>,
    people: &[(PersonId, Erasure)],
) -> Result<(), EraseError> {
    let directory = live.directory();
    let names: Vec<_> = people.iter().filter_map(|(person, _)| Some(directory.person(person)?.handle)).collect();
    drop(directory);
    let of = |(person, erasure): &(PersonId, Erasure)| (person.clone(), erasure.position);
    let people: Arc<HashMap<_, _>> = Arc::new(people.iter().map(of).collect());
    let rows = {
        let snapshot = Snapshot::begin(&store.database, live)?;
        let mut rows = Vec::new();
        for row in snapshot.all_details()? {
            let (position, details) = row?;
            if details.iter().filter_map(Stored::sealed).any(|sealed| erased_by(&people, sealed).is_some()) {
                rows.push(position);
            }
        }
        rows
    };
    let mut parts: Vec<_> = rows.chunks(limits::ERASED_ROWS_AT_ONCE).map(<[Position]>::to_vec).collect();
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    for rows in parts {
        let erased = ErasedPeople { n: live.ordinal, rows, people: people.clone(), names: names.clone() };
        queue
            .ask::<(), Unavailable>(Size::default(), |reply| {
                Request::Server(ServerRequest::EraseRows { erased, reply })
            })
            .await?;
    }
    Ok(())
}

/// How many details of scope network each entry has erased.
fn count_erased(store: &Store, live: &Live) -> Result<BTreeMap<Position, u64>, ReadError> {
    let snapshot = Snapshot::begin(&store.database, live)?;
    let restricted = Restricted::begin(&snapshot, &token::program())?;
    let mut counts = BTreeMap::new();
    for row in snapshot.all_details()? {
        let (position, details) = row?;
        let mut erased = details
            .iter()
            .filter_map(|detail| match detail {
                Stored::Erased { by, .. } => Some(*by),
                Stored::Sealed(_) => None,
            })
            .peekable();
        if erased.peek().is_some() && !restricted.hides(position.get())? {
            erased.for_each(|by| *counts.entry(by).or_default() += 1);
        }
    }
    Ok(counts)
}

/// Records a fact of the server itself.
async fn append(store: &Store, queue: &Queue, live: &Arc<Live>, fact: Administration) -> Result<(), EraseError> {
    let command = administration::command(token::program(), Scope::Network, vec![fact], (store.clock)());
    let command = command.map_err(AppendError::Refused)?;
    let (live, size) = (live.clone(), Size::of(&command.events));
    let request = |reply| Request::Network(live, NetworkRequest::Append { command, reply });
    queue.ask::<_, AppendError>(size, request).await?;
    Ok(())
}
