//! Verifies the whole replica against the checkpoint that vouched for it, trusting nothing but the key.

use super::{
    Inner,
    error::StoreError,
    limits,
    reading::{Reader, decode_frontier},
    store::read_state,
    tables::GAPS,
};
use crate::partial_tree::PartialTree;
use kith_core::counted::counted;
use kith_core::{
    checkpoint::{SignedCheckpoint, VerifierKey},
    position::Position,
    tree::{Hash, Subtree},
};

/// The result of checking the whole replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Entries that were hashed.
    pub entries: u64,
    /// The last position.
    pub position: Position,
    /// Root of the tree as computed.
    pub root: Hash,
    /// What is wrong; empty if nothing.
    pub problems: Vec<String>,
}

impl Inner {
    pub(super) fn check(&self) -> Result<Checked, StoreError> {
        self.store.read(|transaction| {
            let state = read_state(transaction)?;
            let frontier = decode_frontier(&state.frontier)?;
            let position = Position::new(frontier.size());
            let mut problems = Vec::new();
            let gaps = transaction.open_table(GAPS)?;
            let gaps = gaps.range(0..)?.map(|row| {
                let (start, value) = row?;
                let (level, hash) = value.value();
                Ok(Subtree { start: start.value(), level, hash: Hash::new(hash) })
            });
            let gaps = gaps.collect::<Result<Vec<_>, StoreError>>()?;
            let (tree, entries) = match hash_all(&Reader::new(transaction)?, &gaps, position)? {
                Ok(hashed) => hashed,
                Err(problem) => {
                    problems.push(problem);
                    (PartialTree::new(), 0)
                }
            };
            if problems.is_empty() && tree.root() != frontier.root() {
                problems.push("the entries here are not those that were verified when they came".to_owned());
            }
            problems.extend(check_note(&state.checkpoint, &state.key, &frontier.root(), position));
            Ok(Checked { entries, position, root: tree.root(), problems })
        })
    }
}

type Hashed = Result<(PartialTree, u64), String>;

fn hash_all(reader: &Reader, gaps: &[Subtree], position: Position) -> Result<Hashed, StoreError> {
    let (mut tree, mut count) = (PartialTree::new(), 0);
    let mut gaps = gaps.iter().copied().peekable();
    while tree.size() < position.get() {
        if let Some(gap) = gaps.next_if(|gap| gap.start <= tree.size()) {
            if let Err(error) = tree.skip(gap) {
                return Ok(Err(error.to_string()));
            }
            continue;
        }
        let after = Position::new(tree.size());
        let next_gap = gaps.peek().map_or(position.get(), |gap| gap.start);
        let until = Position::new(next_gap.min(after.get() + limits::CHECKED_ENTRIES_AT_ONCE));
        let entries = reader.range(after, until)?.map(|entry| Ok(entry?.1));
        let entries = entries.collect::<Result<Vec<_>, StoreError>>()?;
        count += entries.len() as u64;
        if let Err(error) = tree.take(&entries, &[], until) {
            return Ok(Err(error.to_string()));
        }
    }
    Ok(Ok((tree, count)))
}

/// Checks the checkpoint's signature, and its root if the tree has the same size.
fn check_note(note: &str, key: &str, root: &Hash, position: Position) -> Option<String> {
    if position == Position::ZERO && note.is_empty() {
        return None;
    }
    let (Ok(note), Ok(key)) = (SignedCheckpoint::parse(note), key.parse::<VerifierKey>()) else {
        return Some("the checkpoint or the key that vouched for it cannot be read".to_owned());
    };
    match note.verify(&key) {
        Err(error) => Some(error.to_string()),
        Ok(checkpoint) if checkpoint.size < position.get() => {
            let entries = counted(checkpoint.size, "entry", "entries");
            Some(format!("the checkpoint vouches for {entries} of {position}"))
        }
        Ok(checkpoint) if checkpoint.size == position.get() && checkpoint.root != *root => {
            Some("the checkpoint signs another tree".to_owned())
        }
        Ok(_) => None,
    }
}
