//! Proofs over small trees, and what is signed.

use crate::events;
use kith_core::{
    checkpoint::{Checkpoint, Growth, LogOrigin, Receipt, SignedCheckpoint, SigningKey},
    entry::Entry,
    position::Position,
    timestamp::Timestamp,
    tree::{Frontier, Hash, Nodes, consistency_proof, inclusion_proof, leaf_hash, root_at},
};
use serde_json::{Value, json};
use std::convert::Infallible;

/// A tree in memory.
struct Tree(Vec<Hash>);

impl Tree {
    /// The tree over the entries `entry 0`, `entry 1` ...
    fn of(size: u64) -> Self {
        Self((0..size).map(|index| leaf_hash(format!("entry {index}").as_bytes())).collect())
    }

    fn root(&self, size: u64) -> String {
        hex::encode(root_at(self, size).unwrap().as_bytes())
    }
}

impl Nodes for Tree {
    type Error = Infallible;

    fn leaves(&self, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
        Ok(part(&self.0, from, to))
    }

    fn subtrees(&self, from: u64, to: u64) -> Result<Vec<Hash>, Infallible> {
        let mut frontier = Frontier::new();
        let complete = self.0.iter().filter_map(|leaf| frontier.push(*leaf));
        Ok(part(&complete.map(|subtree| subtree.hash).collect::<Vec<_>>(), from, to))
    }
}

fn part(hashes: &[Hash], from: u64, to: u64) -> Vec<Hash> {
    let [from, to] = [from, to].map(|index| usize::try_from(index).expect("it is in memory"));
    hashes[from..to].to_vec()
}

fn text(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex::encode(hash.as_bytes())).collect()
}

/// Proofs that `entry INDEX` is in trees of some sizes.
pub(crate) fn inclusion() -> Vec<Value> {
    let tree = Tree::of(1_000);
    let small = (1..=9).flat_map(|size| (0..size).map(move |index| (index, size)));
    let large = [(0, 256), (255, 257), (256, 257), (299, 300), (511, 1_000), (999, 1_000)];
    let proofs = small.chain(large).map(|(index, size)| {
        let hashes = inclusion_proof(&tree, index, size).unwrap();
        json!({ "index": index, "size": size, "root": tree.root(size), "hashes": text(&hashes) })
    });
    proofs.collect()
}

/// Proofs that trees of some sizes continue smaller ones.
pub(crate) fn consistency() -> Vec<Value> {
    let tree = Tree::of(1_000);
    let small = (0..=9).flat_map(|to| (0..=to).map(move |from| (from, to)));
    let large = [(1, 1_000), (256, 1_000), (257, 1_000), (300, 1_000), (999, 1_000)];
    let proofs = small.chain(large).map(|(from, to)| {
        let hashes = consistency_proof(&tree, from, to).unwrap();
        let (from_root, to_root) = (tree.root(from), tree.root(to));
        json!({ "from": from, "from_root": from_root, "to": to, "to_root": to_root, "hashes": text(&hashes) })
    });
    proofs.collect()
}

/// A log's key, its checkpoints, a receipt and a growth.
pub(crate) fn notes() -> Value {
    let origin = LogOrigin::of(&"north".parse().unwrap(), &[7; 16]);
    let [key, other] = [[9; 32], [8; 32]].map(|seed| SigningKey::from_seed(&seed));
    let entries = (1..=5).map(entry).collect::<Vec<_>>();
    let tree = Tree(entries.iter().map(|entry| leaf_hash(entry)).collect());
    let sign = |size, key| {
        let root = root_at(&tree, size).unwrap();
        SignedCheckpoint::sign(Checkpoint { origin: origin.clone(), size, root }, key)
    };
    let (earlier, later) = (sign(2, &key), sign(5, &key));
    let cosignature = sign(5, &other).to_string().lines().last().map(|line| format!("{line}\n"));
    let receipt = Receipt {
        entry: entries[3].clone(),
        index: 3,
        hashes: inclusion_proof(&tree, 3, 5).unwrap(),
        checkpoint: later.clone(),
    };
    let growth = Growth { from: 2, hashes: consistency_proof(&tree, 2, 5).unwrap(), checkpoint: later.clone() };
    json!({
        "key": key.verifier(&origin).to_string(),
        "other_key": other.verifier(&origin).to_string(),
        "earlier": earlier.to_string(),
        "later": later.to_string(),
        "cosigned": format!("{later}{}", cosignature.unwrap()),
        "receipt": receipt.to_string(),
        "growth": growth.to_string(),
    })
}

/// The bytes of an entry whose event is the first of the edges.
fn entry(position: u64) -> bytes::Bytes {
    let entry = Entry {
        position: Position::new(position),
        recorded_at: Timestamp::from_millis(1_772_620_200_000),
        recorded_by: "person:amina".parse().unwrap(),
        organisation: Some("riverside".parse().unwrap()),
        event_bytes: events::edges().next().unwrap().bytes,
        signature: None,
    };
    entry.encode()
}
