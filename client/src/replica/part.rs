//! What the server sent and no checkpoint vouches for yet, and how it is committed to the replica.
//!
//! Invariant: entries, details, gaps, directory, cursor and the outbox change in one transaction, and only after a
//! signed checkpoint vouched for them.

use super::{
    alarm::Finding,
    erase::erase_all,
    error::StoreError,
    rows::State,
    settle::settle_up_to,
    stale::note_policy,
    store::{Writing, change_state},
    tables::{COMMON, DETAILS, ENTRIES, GAPS, IDS, NETWORK, NEWER},
};
use crate::{checkpoints::SignedHead, entries::Recorded, error::Error, partial_tree::PartialTree, subscribe::Update};
use kith_blocks::{BlockEdge, StoredEntries};
use kith_core::{
    event::{Administration, Fact},
    header::Header,
    id::EventId,
    position::Position,
    tree::Subtree,
};
use kith_proto::v1;
use redb::{ReadableTable, WriteTransaction};

/// Entries in log order that follow those in the replica.
pub(super) struct Part {
    pub(super) tree: PartialTree,
    pub(super) entries: Vec<Recorded>,
    pub(super) left_out: Vec<Subtree>,
    pub(super) incarnation: Vec<u8>,
    pub(super) size_bytes: usize,
    /// The state that it follows.
    after: Basis,
    /// With the fault of that name.
    #[cfg(feature = "faults")]
    pub(super) forgets_erasures: bool,
}

/// The state of a replica that a part follows. If another process has changed it in the meantime, the part is
/// discarded.
#[derive(Debug, Clone, PartialEq)]
struct Basis {
    incarnation: Vec<u8>,
    frontier: Vec<u8>,
    filter: Option<v1::Filter>,
    generation: u64,
}

impl Basis {
    fn of(state: &State) -> Self {
        Self {
            incarnation: state.incarnation.clone(),
            frontier: state.frontier.clone(),
            filter: state.filter.clone(),
            generation: state.generation,
        }
    }
}

/// Why an update is rejected.
pub(super) enum Untaken {
    Finding(Finding),
    Answer(Error),
}

impl Part {
    /// An empty part that follows a state and its tree.
    pub(super) fn after(state: &State, tree: PartialTree) -> Self {
        let after = Basis::of(state);
        Self {
            tree,
            entries: Vec::new(),
            left_out: Vec::new(),
            incarnation: Vec::new(),
            size_bytes: 0,
            after,
            #[cfg(feature = "faults")]
            forgets_erasures: false,
        }
    }

    /// The last position that it covers.
    pub(super) fn until(&self) -> Position {
        Position::new(self.tree.size())
    }

    /// Whether it erases words.
    pub(super) fn erases(&self) -> bool {
        self.entries.iter().any(|recorded| {
            matches!(
                recorded.event.fact,
                Fact::Administration(Administration::PersonErased { .. } | Administration::DetailsErased { .. })
            )
        })
    }

    /// Adds the update that follows. After an error the part must be discarded.
    pub(super) fn take(&mut self, update: &Update) -> Result<(), Untaken> {
        let verified = self.tree.size();
        let altered = |why: String| Untaken::Finding(Finding::Altered { verified, why });
        self.tree.take_update(update).map_err(|error| altered(error.to_string()))?;
        for recorded in update.entries.decode().map_err(Untaken::Answer)? {
            check_words(&recorded).map_err(altered)?;
            self.size_bytes += recorded.bytes.len();
            self.entries.push(recorded);
        }
        self.left_out.extend_from_slice(&update.left_out);
        self.incarnation.clone_from(&update.cursor.incarnation);
        Ok(())
    }

    /// Makes it follow another state.
    #[cfg(feature = "faults")]
    pub(super) fn follow(&mut self, state: &State) {
        self.after = Basis::of(state);
    }

    /// Empties a committed part to follow what it contained, keeping its capacity while more is coming.
    pub(super) fn clear(&mut self, caught_up: bool) {
        self.entries.clear();
        self.left_out.clear();
        self.size_bytes = 0;
        self.after.incarnation.clone_from(&self.incarnation);
        self.after.frontier = self.tree.frontier().encode();
        if caught_up {
            self.entries.shrink_to_fit();
        }
    }

    /// Commits it to the replica. `head` vouches for all of it. Returns the waiting and refused events of this device from
    /// which it erased words.
    pub(super) fn write(&self, transaction: &Writing<'_>, head: &SignedHead) -> Result<Vec<EventId>, StoreError> {
        if change_state(transaction, |state| Basis::of(state))? != self.after {
            return Err(StoreError::Moved);
        }
        write_entries(transaction, &self.entries)?;
        note_policy(transaction, &self.entries)?;
        #[cfg(feature = "faults")]
        let erased = if self.forgets_erasures { Vec::new() } else { erase_all(transaction, &self.entries)? };
        #[cfg(not(feature = "faults"))]
        let erased = erase_all(transaction, &self.entries)?;
        let mut gaps = transaction.open_table(GAPS)?;
        for subtree in &self.left_out {
            gaps.insert(subtree.start, (subtree.level, *subtree.hash.as_bytes()))?;
        }
        settle_up_to(transaction, &self.entries, self.until())?;
        drop(gaps);
        self.write_cursor(transaction, head)?;
        Ok(erased)
    }

    /// Moves the replica's cursor to its end.
    pub(super) fn write_cursor(&self, transaction: &WriteTransaction, head: &SignedHead) -> Result<(), StoreError> {
        change_state(transaction, |state| {
            state.incarnation.clone_from(&self.incarnation);
            state.frontier = self.tree.frontier().encode();
            state.checkpoint = head.checkpoint.to_string();
            state.key = head.key.to_string();
            state.server_head = head.checkpoint.unverified().size.max(self.tree.size());
        })
    }
}

/// Checks that the words of an entry are those that it commits to.
pub(super) fn check_words(recorded: &Recorded) -> Result<(), String> {
    let commitments = &recorded.event.details;
    let committed = recorded.details.iter().all(|detail| commitments.contains(&detail.commitment()))
        && recorded.erased.iter().all(|(index, _)| *index < commitments.len());
    if committed {
        return Ok(());
    }
    let position = recorded.entry.position;
    Err(format!("the words of the entry at {position} do not match their commitments"))
}

/// Event ids as keys.
pub(super) fn id_key(id: &EventId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

/// Stores new entries, in order of position.
pub(super) fn write_entries(transaction: &Writing<'_>, entries: &[Recorded]) -> Result<(), StoreError> {
    write_blocks(transaction, entries)?;
    write_ids(transaction, entries)?;
    write_words(transaction, entries)?;
    write_common(transaction, entries)?;
    write_newer(transaction, entries)
}

fn write_blocks(transaction: &WriteTransaction, entries: &[Recorded]) -> Result<(), StoreError> {
    for run in entries.chunk_by(|one, next| one.entry.position.next() == next.entry.position) {
        let stored = StoredEntries { network: NETWORK, table: transaction.open_table(ENTRIES)? };
        let follows = stored.last_position()?.next() == run[0].entry.position;
        let mut edge = if follows { BlockEdge::read(&stored)? } else { BlockEdge::default() };
        let mut table = stored.table;
        edge.append(NETWORK, run.iter().map(|recorded| (recorded.entry.position, &*recorded.bytes)), &mut table)?;
    }
    Ok(())
}

/// In key order, so that neighbouring rows are written together.
fn write_ids(transaction: &WriteTransaction, entries: &[Recorded]) -> Result<(), StoreError> {
    let mut rows: Vec<(u128, u64)> =
        entries.iter().map(|recorded| (id_key(&recorded.event.id), recorded.entry.position.get())).collect();
    rows.sort_unstable();
    let mut ids = transaction.open_table(IDS)?;
    for (id, position) in rows {
        ids.insert(id, position)?;
    }
    Ok(())
}

fn write_words(transaction: &Writing<'_>, entries: &[Recorded]) -> Result<(), StoreError> {
    let rows = transaction.words()?.seal_entries(entries)?;
    let mut table = transaction.open_table(DETAILS)?;
    for (position, row) in rows {
        table.insert(position.get(), row.as_slice())?;
    }
    Ok(())
}

/// Records which entries the directory and the plugins are built from, including retractions of merges.
fn write_common(transaction: &WriteTransaction, entries: &[Recorded]) -> Result<(), StoreError> {
    let ids = transaction.open_table(IDS)?;
    let stored = StoredEntries { network: NETWORK, table: transaction.open_table(ENTRIES)? };
    let mut common = transaction.open_table(COMMON)?;
    for Recorded { entry, event, .. } in entries {
        let is_common = if event.target().is_none() {
            event.kind().is_common()
        } else {
            let header = Header::resolve(entry, event, |id| {
                let Some(position) = ids.get(id_key(id))?.map(|position| position.value()) else { return Ok(None) };
                let bytes = stored.find(Position::new(position))?;
                Ok::<_, StoreError>(bytes.as_ref().and_then(open))
            })?;
            header.is_common()
        };
        if is_common {
            common.insert(entry.position.get(), ())?;
        }
    }
    Ok(())
}

/// Records which entries contain facts that this version does not know.
fn write_newer(transaction: &WriteTransaction, entries: &[Recorded]) -> Result<(), StoreError> {
    let mut newer = transaction.open_table(NEWER)?;
    for recorded in entries.iter().filter(|recorded| matches!(recorded.event.fact, Fact::Newer(_))) {
        newer.insert(recorded.entry.position.get(), ())?;
    }
    Ok(())
}

fn open(bytes: &bytes::Bytes) -> Option<(kith_core::entry::Entry, kith_core::event::Event)> {
    Recorded::decode(bytes).ok().map(|recorded| (recorded.entry, recorded.event))
}
