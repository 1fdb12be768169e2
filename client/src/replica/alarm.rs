//! What verification found to be wrong, and the evidence: both checkpoints, in a file that anybody can check.
//!
//! Invariant: an alarm changes nothing in the replica except that it is recorded there.

use kith_core::counted::counted;
use kith_core::{
    checkpoint::{SignedCheckpoint, VerifierKey},
    timestamp::Timestamp,
    tree::Hash,
};
use std::{fmt, fs, io, io::Write as _, path::Path, path::PathBuf};

/// The server's log is not the one that this replica holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// What is wrong.
    pub finding: Finding,
    /// The file with the evidence, if it could be written.
    pub evidence: Option<PathBuf>,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Another key signs for the log.
    KeyChanged {
        /// The known key.
        known: Box<VerifierKey>,
        /// The key that the server shows.
        found: Box<VerifierKey>,
    },
    /// The log ends before entries that it was known to hold.
    Shrunk {
        /// Entries held here.
        held: u64,
        /// Entries that the server signs for now.
        found: u64,
    },
    /// Entries held here differ from those on the server.
    Rewritten {
        /// Entries held here.
        held: u64,
        /// Why the proof of growth fails.
        why: String,
    },
    /// What the server sends is not what it signed.
    Altered {
        /// The last position that was verified.
        verified: u64,
        /// What does not fit.
        why: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyChanged { known, found } => {
                write!(f, "the log's key changed from {known} to {found}: another server, or somebody in between")
            }
            Self::Shrunk { held, found } => write!(
                f,
                "the server's log ends at position {found}, although it had sent {}: it was rolled back, for example by \
                 restoring an old backup",
                counted(*held, "entry", "entries")
            ),
            Self::Rewritten { held, why } => {
                write!(
                    f,
                    "the server's log does not continue the {} held here: history was rewritten ({why})",
                    counted(*held, "entry", "entries")
                )
            }
            Self::Altered { verified, why } => {
                write!(f, "what the server sends after position {verified} is not what it signed: {why}")
            }
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.finding.fmt(f)?;
        match &self.evidence {
            Some(path) => write!(f, "; nothing from it was applied, and both checkpoints are in {}", path.display()),
            None => f.write_str("; nothing from it was applied"),
        }
    }
}

impl std::error::Error for Alarm {}

/// The contents of an evidence file.
pub(super) struct Evidence<'a> {
    pub(super) finding: &'a Finding,
    pub(super) at: Timestamp,
    /// Size and root of the tree held here.
    pub(super) held: (u64, Hash),
    pub(super) known_key: Option<&'a VerifierKey>,
    pub(super) known: Option<&'a SignedCheckpoint>,
    pub(super) found_key: Option<&'a VerifierKey>,
    pub(super) found: Option<&'a SignedCheckpoint>,
}

impl Evidence<'_> {
    /// Writes a new file into a folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}.txt", self.at.millis()));
        let mut file = fs::File::create(&path)?;
        file.write_all(self.text().as_bytes())?;
        file.sync_all()?;
        Ok(path)
    }

    fn text(&self) -> String {
        let missing = || "none\n".to_owned();
        let key = |key: Option<&VerifierKey>| key.map_or_else(missing, |key| format!("{key}\n"));
        let note = |note: Option<&SignedCheckpoint>| note.map_or_else(missing, ToString::to_string);
        format!(
            "{}\n\nFound at {} ms since 1970. The tree held here has {} and the root {}.\n\n\
             == Key known before\n{}\n== Checkpoint held here\n{}\n== Key given now\n{}\n== Checkpoint given now\n{}",
            self.finding,
            self.at.millis(),
            counted(self.held.0, "entry", "entries"),
            self.held.1,
            key(self.known_key),
            note(self.known),
            key(self.found_key),
            note(self.found),
        )
    }
}
