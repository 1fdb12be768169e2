//! Components of plugins: stored in pieces under the SHA-256 of their bytes, each once for all networks.
//!
//! Invariant: a component is in the table whole or not at all, and its key is its digest.

use crate::{
    error::{Damage, ReadError},
    limits::COMPONENT_PIECE_BYTES_MAX,
    rows::tables::COMPONENTS,
};
use bytes::Bytes;
use redb::{ReadTransaction, WriteTransaction};
use sha2::{Digest, Sha256};
use std::ops::Bound;

/// SHA-256 of a component.
pub type ComponentDigest = [u8; 32];

/// A change of the table.
pub(crate) enum Change {
    Put(ComponentDigest, Bytes),
    Remove(ComponentDigest),
}

/// The digest of a component, its key.
pub(crate) fn digest(component: &[u8]) -> ComponentDigest {
    Sha256::digest(component).into()
}

/// Makes changes in order. A component that is already stored is not changed.
pub(crate) fn write(transaction: &WriteTransaction, changes: &[Change]) -> Result<(), ReadError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(COMPONENTS)?;
    for change in changes {
        match change {
            Change::Put(digest, component) => {
                for (piece, bytes) in (0_u32..).zip(component.chunks(COMPONENT_PIECE_BYTES_MAX)) {
                    table.insert((*digest, piece), bytes)?;
                }
            }
            Change::Remove(digest) => table.retain_in((*digest, 0)..=(*digest, u32::MAX), |_, _| false)?,
        }
    }
    Ok(())
}

/// A component's bytes; `None` if it is not kept.
pub(crate) fn read(transaction: &ReadTransaction, digest: &ComponentDigest) -> Result<Option<Bytes>, ReadError> {
    let mut component = Vec::new();
    for row in transaction.open_table(COMPONENTS)?.range((*digest, 0)..=(*digest, u32::MAX))? {
        component.extend_from_slice(row?.1.value());
    }
    if component.is_empty() {
        return Ok(None);
    }
    if self::digest(&component) != *digest {
        return Err(Damage { table: "components", what: "a component does not match its digest" }.into());
    }
    Ok(Some(component.into()))
}

/// Size of a component in bytes, computed from its last piece; `None` if it is not kept.
pub(crate) fn size(transaction: &ReadTransaction, digest: &ComponentDigest) -> Result<Option<u64>, ReadError> {
    let table = transaction.open_table(COMPONENTS)?;
    let Some(last) = table.range((*digest, 0)..=(*digest, u32::MAX))?.next_back() else { return Ok(None) };
    let (key, piece) = last?;
    Ok(Some(u64::from(key.value().1) * COMPONENT_PIECE_BYTES_MAX as u64 + piece.value().len() as u64))
}

/// One piece of a component, from zero; `None` if it is not kept, or has no such piece.
pub(crate) fn piece(
    transaction: &ReadTransaction,
    digest: &ComponentDigest,
    number: u32,
) -> Result<Option<Bytes>, ReadError> {
    let piece = transaction.open_table(COMPONENTS)?.get((*digest, number))?;
    Ok(piece.map(|piece| Bytes::copy_from_slice(piece.value())))
}

/// The digests of all components.
pub(crate) fn list(transaction: &ReadTransaction) -> Result<Vec<ComponentDigest>, ReadError> {
    let table = transaction.open_table(COMPONENTS)?;
    let (mut digests, mut after) = (Vec::new(), Bound::Unbounded);
    // Goes from one component to the next, skipping its pieces.
    while let Some(row) = table.range::<([u8; 32], u32)>((after, Bound::Unbounded))?.next() {
        let digest = row?.0.value().0;
        after = Bound::Excluded((digest, u32::MAX));
        digests.push(digest);
    }
    Ok(digests)
}
