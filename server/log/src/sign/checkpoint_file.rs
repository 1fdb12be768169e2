//! The file of the newest signed checkpoint of each network, ideally on another disk than the log.
//!
//! The file is text: a first line, and the signed notes, each after an empty line. Invariant: it is replaced as a whole
//! or not at all, and only by a process that has read it (a lock file beside it, which only the owner can open, ensures
//! this across processes).

use crate::{
    error::CheckpointFileError,
    files::{folder_of, write_private},
    limits,
};
use kith_core::checkpoint::{LogOrigin, SignedCheckpoint};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
    time::{Duration, Instant},
};

/// The pause between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// The bits of a file's mode for users other than its owner.
const OTHERS: u32 = 0o077;

/// First line of the file.
const HEADER: &str = "kith checkpoints, version 1";

/// Signed checkpoints by their log.
pub(crate) type SignedByOrigin = BTreeMap<LogOrigin, SignedCheckpoint>;

/// The file at a path.
#[derive(Debug, Clone)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
}

impl CheckpointFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Reads the file; empty if it does not exist. Its folder must exist: a missing folder means that its disk is
    /// missing.
    pub(crate) fn read(&self) -> Result<SignedByOrigin, CheckpointFileError> {
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| self.damaged("it is not UTF-8"))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder_of(&self.path).is_dir() => {
                return Ok(SignedByOrigin::new());
            }
            Err(source) => return Err(self.io(source)),
        };
        parse(&text).map_err(|what| self.damaged(what))
    }

    /// Reads the file, applies `change` and replaces the file; on disk when this returns. Nothing is written if
    /// `change` fails or changes nothing.
    pub(crate) fn swap<T, E: From<CheckpointFileError>>(
        &self,
        change: impl FnOnce(&mut SignedByOrigin) -> Result<T, E>,
    ) -> Result<T, E> {
        let _locked = self.lock()?;
        let before = self.read()?;
        let mut after = before.clone();
        let changed = change(&mut after)?;
        if after != before {
            write_private(&self.path, render(&after).as_bytes()).map_err(|source| self.io(source))?;
        }
        Ok(changed)
    }

    /// Waits a few seconds for another process that is changing the file.
    fn lock(&self) -> Result<File, CheckpointFileError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let io = |source| CheckpointFileError::Io { path: path.clone(), source };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(io)?;
        if file.metadata().map_err(io)?.mode() & OTHERS != 0 {
            return Err(io(io::Error::other("others may open this lock file: set its mode to 0600")));
        }
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(io(source)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < limits::CHECKPOINT_LOCK_WAIT_MAX => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(io(io::Error::other("another process has held the lock for several seconds")));
                }
            }
        }
    }

    fn io(&self, source: io::Error) -> CheckpointFileError {
        CheckpointFileError::Io { path: self.path.clone(), source }
    }

    fn damaged(&self, what: &'static str) -> CheckpointFileError {
        CheckpointFileError::Damaged { path: self.path.clone(), what }
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

    fn signed(network: &str, size: u64) -> SignedCheckpoint {
        let origin = LogOrigin::of(&network.parse().unwrap(), &[1; 16]);
        SignedCheckpoint::sign(Checkpoint { origin, size, root: EMPTY_ROOT }, &SigningKey::from_seed(&[2; 32]))
    }

    fn put(file: &CheckpointFile, checkpoint: &SignedCheckpoint) {
        file.swap(|all| {
            all.insert(checkpoint.unverified().origin.clone(), checkpoint.clone());
            Ok::<_, CheckpointFileError>(())
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
            Err::<(), _>(CheckpointFileError::Damaged { path: PathBuf::new(), what: "refused" })
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

    #[test]
    fn a_lock_on_the_folder_keeps_nobody_and_one_on_the_lock_file_only_for_seconds() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::new(folder.path().join("checkpoint"));
        let of_somebody = File::open(folder.path()).unwrap();
        of_somebody.lock().unwrap();
        put(&file, &signed("north", 1));
        let path = folder.path().join("checkpoint.lock");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let begun = Instant::now();
        let refused = file.swap(|_| Ok::<_, CheckpointFileError>(()));
        assert!(matches!(refused, Err(CheckpointFileError::Io { .. })), "{refused:?}");
        assert!(
            (limits::CHECKPOINT_LOCK_WAIT_MAX..limits::CHECKPOINT_LOCK_WAIT_MAX * 4).contains(&begun.elapsed()),
            "{:?}",
            begun.elapsed()
        );
        drop(held);
        put(&file, &signed("north", 2));

        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = file.swap(|_| Ok::<_, CheckpointFileError>(())).unwrap_err();
        assert!(refused.to_string().contains("others may open"), "{refused}");
    }

    #[test]
    fn a_folder_that_is_missing_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile::new(folder.path().join("disk/checkpoint"));
        let swapped = file.swap(|_| Ok::<_, CheckpointFileError>(()));
        assert!(matches!(swapped, Err(CheckpointFileError::Io { .. })), "{swapped:?}");
        assert!(matches!(file.read(), Err(CheckpointFileError::Io { .. })));
        assert!(!folder.path().join("disk").exists());
    }
}
