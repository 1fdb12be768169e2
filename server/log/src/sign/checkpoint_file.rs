//! The file of the newest signed checkpoint of each network.
//!
//! The file is text: a first line, and the signed notes, each after an empty line.

use crate::{error::KeptFileError, files::kept::KeptFile};
use kith_core::checkpoint::{LogOrigin, SignedCheckpoint};
use std::{collections::BTreeMap, path::PathBuf};

/// First line of the file.
const HEADER: &str = "kith checkpoints, version 1";

/// Signed checkpoints by their log.
pub(crate) type SignedByOrigin = BTreeMap<LogOrigin, SignedCheckpoint>;

/// The file at a path.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointFile(KeptFile);

impl CheckpointFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(KeptFile::new(path))
    }

    /// Reads the file; empty if it does not exist.
    pub(crate) fn read(&self) -> Result<SignedByOrigin, KeptFileError> {
        Ok(self.0.read(parse)?.unwrap_or_default())
    }

    /// Reads the file, applies `change` and replaces the file; on disk when this returns. Nothing is written if
    /// `change` fails or changes nothing.
    pub(crate) fn swap<T, E: From<KeptFileError>>(
        &self,
        change: impl FnOnce(&mut SignedByOrigin) -> Result<T, E>,
    ) -> Result<T, E> {
        let locked = self.0.lock()?;
        let before = self.read()?;
        let mut after = before.clone();
        let changed = change(&mut after)?;
        if after != before {
            self.0.replace(&locked, &render(&after))?;
        }
        Ok(changed)
    }
}

fn render(signed: &SignedByOrigin) -> String {
    signed.values().fold(format!("{HEADER}\n"), |text, checkpoint| text + "\n" + &checkpoint.to_string())
}

fn parse(text: &str) -> Result<SignedByOrigin, &'static str> {
    let text = text.strip_prefix(HEADER).ok_or("its first line is wrong")?;
    let text = text.strip_suffix('\n').ok_or("its end is missing")?;
    let mut parts = text.split("\n\n");
    if parts.next() != Some("") {
        return Err("its first line is wrong");
    }
    let mut signed = SignedByOrigin::new();
    while let Some(body) = parts.next() {
        let signatures = parts.next().ok_or("its end is missing")?;
        let checkpoint = SignedCheckpoint::parse(&format!("{body}\n\n{signatures}\n"));
        let checkpoint = checkpoint.map_err(|_| "a checkpoint is malformed")?;
        if signed.insert(checkpoint.unverified().origin.clone(), checkpoint).is_some() {
            return Err("two checkpoints are of the same log");
        }
    }
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{
        checkpoint::{Checkpoint, SigningKey},
        tree::EMPTY_ROOT,
    };
    use std::fs;

    fn signed(network: &str, size: u64) -> SignedCheckpoint {
        let origin = LogOrigin::of(&network.parse().unwrap(), &[1; 16]);
        SignedCheckpoint::sign(Checkpoint { origin, size, root: EMPTY_ROOT }, &SigningKey::from_seed(&[2; 32]))
    }

    fn put(file: &CheckpointFile, checkpoint: &SignedCheckpoint) {
        file.swap(|all| {
            all.insert(checkpoint.unverified().origin.clone(), checkpoint.clone());
            Ok::<_, KeptFileError>(())
        })
        .unwrap();
    }

    #[test]
    fn what_is_swapped_in_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::new(folder.path().join("checkpoint"));
        assert!(file.read().unwrap().is_empty());
        for checkpoint in [signed("north", 1), signed("south", 5), signed("north", 2)] {
            put(&file, &checkpoint);
        }
        let all: Vec<_> = file.read().unwrap().into_values().collect();
        assert_eq!(all, [signed("north", 2), signed("south", 5)]);
        let text = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
        assert_eq!(text, format!("{HEADER}\n\n{}\n{}", all[0], all[1]));
        let refused = file.swap(|all| {
            all.clear();
            Err::<(), _>(KeptFileError::Damaged { path: PathBuf::new(), what: "refused" })
        });
        assert!(refused.is_err());
        assert_eq!(file.read().unwrap().len(), 2);
    }

    #[test]
    fn a_file_cut_short_is_damaged() {
        let whole = render(&BTreeMap::from(
            [signed("north", 1), signed("south", 2)]
                .map(|checkpoint| (checkpoint.unverified().origin.clone(), checkpoint)),
        ));
        assert_eq!(parse(&whole).unwrap().len(), 2);
        let one = render(&BTreeMap::from([(signed("north", 1).unverified().origin.clone(), signed("north", 1))]));
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            let cut = &whole[..end];
            let is_whole_too = cut == one || cut == format!("{HEADER}\n");
            assert_eq!(parse(cut).is_ok(), is_whole_too, "cut at {end}");
        }
        assert!(parse(&format!("{whole}\n{}", signed("north", 3))).is_err());
        assert!(parse(&whole.replace("version 1", "version 2")).is_err());
    }
}
