//! Proofs: those of the log verify against its own roots, and only for what is in it.

use crate::support::*;
use kith_core::{
    position::Position,
    tree::{leaf_hash, verify_consistency, verify_inclusion},
};
use kith_log::ReadError;

#[tokio::test]
async fn every_proof_verifies() {
    let place = Place::new();
    let (log, network) = place.network().await;
    three_join(&network).await;
    let mut roots = vec![network.summary()];
    for part in [1, 2, 117, 150, 300] {
        let from = network.head().get() + 10;
        append(&network, (from..from + part).map(|number| meets(number, &["amina", "ben"])).collect()).await;
        roots.push(network.summary());
    }
    drop((log, network));
    let (_log, network) = place.network().await;
    let entries = network.history().read(Position::ZERO, END, ALL).unwrap();
    for head in &roots {
        let size = head.position.get();
        for position in (1..=size).step_by(37).chain([size]) {
            let proof = network.inclusion_proof(Position::new(position), size).unwrap();
            assert_eq!(proof.root, head.root);
            let leaf = leaf_hash(&entries[usize::try_from(position).unwrap() - 1]);
            verify_inclusion(leaf, position - 1, size, &proof.hashes, head.root).unwrap();
            let other = leaf_hash(b"another entry");
            assert!(verify_inclusion(other, position - 1, size, &proof.hashes, head.root).is_err());
        }
        for earlier in roots.iter().filter(|earlier| earlier.position <= head.position) {
            let proof = network.consistency_proof(earlier.position.get(), size).unwrap();
            assert_eq!((proof.from_root, proof.to_root), (earlier.root, head.root));
            verify_consistency(earlier.position.get(), earlier.root, size, head.root, &proof.hashes).unwrap();
        }
    }
}

#[tokio::test]
async fn nothing_outside_of_the_log_is_proved() {
    let place = Place::new();
    let (_log, network) = place.network().await;
    three_join(&network).await;
    let at = Position::new;
    assert!(matches!(network.inclusion_proof(at(1), 4), Err(ReadError::PositionAhead { head }) if head == at(3)));
    assert!(matches!(network.inclusion_proof(at(3), 2), Err(ReadError::OutsideTree { at: 3, size: 2 })));
    assert!(matches!(network.inclusion_proof(at(0), 2), Err(ReadError::OutsideTree { at: 0, size: 2 })));
    assert!(matches!(network.consistency_proof(1, 4), Err(ReadError::PositionAhead { .. })));
    assert!(matches!(network.consistency_proof(3, 2), Err(ReadError::OutsideTree { at: 3, size: 2 })));
    assert!(network.consistency_proof(0, 3).unwrap().hashes.is_empty());
}
