//! Public keys of logs seen before, so that a changed key is noticed and files can be verified without a server.
//!
//! Invariant: a known key is never replaced here; to trust another one, the user removes the line.

use super::profile::profile_path;
use crate::{failure::Failure, input::files::read_own_text};
use kith_core::checkpoint::{LogOrigin, VerifierKey};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Keys by log, one per line, in a file next to the profile.
#[derive(Debug)]
pub(crate) struct KnownLogs {
    path: PathBuf,
    keys: Vec<VerifierKey>,
}

/// The result of remembering a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Remembered {
    /// The log was not known.
    Now,
    /// The same key was already known.
    Before,
}

impl KnownLogs {
    /// Reads this account's file.
    pub(crate) fn open() -> Result<Self, Failure> {
        Self::read(profile_path()?.with_file_name("known_logs"))
    }

    fn read(path: PathBuf) -> Result<Self, Failure> {
        let text = read_own_text(&path)?.unwrap_or_default();
        let malformed = |line: usize| {
            let path = path.display();
            Failure::NotVerified(format!("line {line} of {path} is not a key: fix or remove it"))
        };
        let keys = text.lines().zip(1..).map(|(text, line)| text.parse().map_err(|_| malformed(line)));
        Ok(Self { keys: keys.collect::<Result<_, _>>()?, path })
    }

    /// The key of a log.
    pub(crate) fn find(&self, origin: &LogOrigin) -> Option<&VerifierKey> {
        self.keys.iter().find(|key| key.origin() == origin)
    }

    /// Where the keys are stored.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Remembers the key of an unknown log; refuses a key other than the known one.
    pub(crate) fn remember(&mut self, key: &VerifierKey) -> Result<Remembered, Failure> {
        match self.find(key.origin()) {
            Some(known) if known == key => Ok(Remembered::Before),
            Some(known) => Err(Failure::NotVerified(format!(
                "the key of this log changed from {known} to {key}; if whoever runs the server confirms it, remove the \
                 line from {}",
                self.path.display()
            ))),
            None => {
                self.append(key).map_err(|error| Failure::file("write the known logs", &self.path, error))?;
                self.keys.push(key.clone());
                Ok(Remembered::Now)
            }
        }
    }

    fn append(&self, key: &VerifierKey) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        // One write per line, so that two concurrent commands do not mix their lines.
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        file.write_all(format!("{key}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::checkpoint::SigningKey;

    #[test]
    fn a_key_is_kept_once_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kith/known_logs");
        let open = || KnownLogs::read(path.clone()).unwrap();
        let (north, south) = ("kith/north/0".parse().unwrap(), "kith/south/0".parse().unwrap());
        let (key, other) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        assert_eq!(open().remember(&key.verifier(&north)).unwrap(), Remembered::Now);
        assert_eq!(open().remember(&other.verifier(&south)).unwrap(), Remembered::Now);
        assert_eq!(open().remember(&key.verifier(&north)).unwrap(), Remembered::Before);
        let changed = open().remember(&other.verifier(&north)).unwrap_err();
        assert_eq!(changed.exit_code(), 6, "{changed}");
        assert_eq!(open().find(&north), Some(&key.verifier(&north)));
        fs::write(&path, "nonsense\n").unwrap();
        assert!(matches!(KnownLogs::read(path.clone()), Err(Failure::NotVerified(_))));
    }
}
