//! Components are kept whole and can be read a piece at a time.

use crate::support::*;
use bytes::Bytes;
use kith_log::{ComponentDigest, Log};

/// The size of a piece in the disk format.
const PIECE_BYTES: usize = 256 * 1024;

fn pieces(log: &Log, digest: &ComponentDigest) -> Vec<Bytes> {
    (0..).map_while(|number| log.component_piece(digest, number).unwrap()).collect()
}

#[tokio::test]
async fn pieces_joined_are_the_component_and_none_is_larger_than_it_should_be() {
    let place = Place::new();
    let log = place.open();
    for size in [1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES, 3 * PIECE_BYTES + 5] {
        let component: Bytes = (0..size).map(|at| (at / 1_000).to_le_bytes()[0]).collect();
        let digest = log.put_component(component.clone()).await.unwrap();
        let pieces = pieces(&log, &digest);
        assert_eq!(pieces.concat(), component, "{size} bytes");
        assert_eq!(pieces.len(), size.div_ceil(PIECE_BYTES), "{size} bytes");
        assert!(pieces.iter().all(|piece| piece.len() <= PIECE_BYTES), "{size} bytes");
        assert_eq!(log.component_size(&digest).unwrap(), Some(size as u64));
        assert_eq!(log.component(&digest).unwrap(), Some(component));
    }
    log.shutdown().await;
}

#[tokio::test]
async fn a_component_that_is_not_kept_has_neither_size_nor_pieces() {
    let place = Place::new();
    let log = place.open();
    let digest = log.put_component(vec![7; PIECE_BYTES + 1].into()).await.unwrap();
    let other = log.put_component(b"other".as_slice().into()).await.unwrap();
    let has = |digest| (log.component_size(digest).unwrap().is_some(), !pieces(&log, digest).is_empty());
    assert_eq!((has(&digest), has(&other), has(&[0; 32])), ((true, true), (true, true), (false, false)));
    log.remove_component(&digest).await.unwrap();
    assert_eq!((has(&digest), has(&other)), ((false, false), (true, true)));
    log.shutdown().await;
}
