//! Replaces a file whose creation was interrupted by a crash or a full disk: it had no contents yet.
//!
//! Invariant: a file that was ever complete is never emptied, nor one that another process is creating.

use redb::{BackendError, Database, DatabaseError, StorageBackend};
use std::{io, ops::Bound};

/// The start of a complete file. The storage engine writes it last when it creates one (redb, docs/design.md, "Database
/// header").
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";

/// Opens or creates a file.
pub(super) fn open_or_make(builder: &redb::Builder, backend: impl StorageBackend) -> Result<Database, DatabaseError> {
    empty_if_half_made(&backend)?;
    builder.create_with_backend(backend)
}

fn empty_if_half_made(backend: &impl StorageBackend) -> io::Result<()> {
    let all = (Bound::Unbounded, Bound::Unbounded);
    if !is_half_made(backend)? {
        return Ok(());
    }
    let locked = match backend.try_lock_range(all.0, all.1) {
        Ok(true) => true,
        // Another process is creating it, and the storage engine will report that.
        Ok(false) => return Ok(()),
        // Storage that no other process can open.
        Err(BackendError::Unsupported) => false,
        Err(error) => return Err(error.into()),
    };
    if is_half_made(backend)? {
        backend.set_len(0)?;
        backend.sync_data()?;
    }
    if locked {
        backend.unlock_range(all.0, all.1)?;
    }
    Ok(())
}

/// Whether the start of the file is an incomplete magic number with nothing but zeros after it.
fn is_half_made(backend: &impl StorageBackend) -> io::Result<bool> {
    let length = usize::try_from(backend.len()?).unwrap_or(usize::MAX).min(MAGIC.len());
    let mut found = [0; MAGIC.len()];
    backend.read(0, &mut found[..length])?;
    let same = found.iter().zip(MAGIC).take_while(|(found, magic)| **found == *magic).count();
    Ok(length > 0 && same < MAGIC.len() && found[same..].iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::backends::InMemoryBackend;

    fn with(bytes: &[u8]) -> InMemoryBackend {
        let backend = InMemoryBackend::new();
        backend.set_len(bytes.len() as u64).unwrap();
        backend.write(0, bytes).unwrap();
        backend
    }

    #[test]
    fn only_what_was_never_whole_is_made_anew() {
        let check = |bytes: &[u8], expected: bool| {
            assert_eq!(is_half_made(&with(bytes)).unwrap(), expected, "{bytes:?}");
            assert_eq!(open_or_make(&Database::builder(), with(bytes)).is_ok(), expected || bytes.is_empty());
        };
        check(&[], false);
        check(&[0; 3], true);
        check(&[0; 8_192], true);
        check(b"redb\x1A\0\0\0\0\0\0\0", true);
        check(b"a letter to somebody", false);
        check(b"redbull", false);
        assert!(!is_half_made(&with(&MAGIC)).unwrap());
    }
}
