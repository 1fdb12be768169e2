//! Settings of the log. Every field has a default; unknown keys in a file are errors.

use kith_core::{limits, timestamp::Timestamp};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

/// Returns the current time. The log reads no other clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data folder: it contains `log.redb` and `keys/`. Created if it does not exist.
    pub data: PathBuf,
    /// The file of the newest signed checkpoints, ideally on another disk than the log; `checkpoint` in the data folder
    /// if not set. Its folder must exist.
    pub checkpoint: Option<PathBuf>,
    /// The file of the root key, which wraps all other keys; `keys/root.key` in the data folder if not set.
    pub root_key: Option<PathBuf>,
    /// How a commit reaches the disk.
    pub commit_mode: CommitMode,
    /// Requests that may wait for the writer; further ones are answered with `Busy`.
    pub queue_requests_max: usize,
    /// Bytes of events that may wait for the writer; more are answered with `Busy`.
    pub queue_bytes_max: usize,
    /// Events after which a commit takes no further request; the request that reaches the limit is taken whole.
    pub batch_events_max: usize,
    /// Bytes after which a commit takes no further request; the request that reaches the limit is taken whole.
    pub batch_bytes_max: usize,
    /// Bytes of a network's newest entries that are kept in memory.
    pub tail_bytes_max: usize,
    /// Bytes that redb may use to cache pages of `log.redb`.
    pub redb_cache_bytes: usize,
    /// Bytes to keep free on the data folder's disk: below this the log accepts no events until there is room. 0 =
    /// none.
    pub disk_reserve_bytes: u64,
    /// The same reserve as a percentage of the disk; the larger of the two applies.
    pub disk_reserve_per_cent: u8,
    /// How many milliseconds in the future an event may be.
    pub future_ms_max: i64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            checkpoint: None,
            root_key: None,
            commit_mode: CommitMode::default(),
            queue_requests_max: 4_096,
            queue_bytes_max: 64 * 1024 * 1024,
            batch_events_max: 4_096,
            batch_bytes_max: 4 * 1024 * 1024,
            tail_bytes_max: 8 * 1024 * 1024,
            redb_cache_bytes: 32 * 1024 * 1024,
            disk_reserve_bytes: 1024 * 1024 * 1024,
            disk_reserve_per_cent: 5,
            future_ms_max: limits::FUTURE_MS_MAX_DEFAULT,
        }
    }
}

/// Name of the root key's file in the folder of keys.
pub(crate) const ROOT_KEY_FILE: &str = "root.key";

/// A setting's name, minimum and maximum.
pub type Range = (&'static str, i64, i64);

const MIB: i64 = 1024 * 1024;
const GIB: i64 = 1024 * MIB;
const YEAR_MS: i64 = 365 * 86_400_000;

impl Config {
    /// The allowed range of each setting.
    pub const RANGES: &[Range] = &[
        ("queue_requests_max", 1, 1_000_000),
        ("queue_bytes_max", 1, 4 * GIB - 1),
        ("batch_events_max", 1, 1_000_000),
        ("batch_bytes_max", 1, GIB),
        ("tail_bytes_max", 0, 64 * GIB),
        ("redb_cache_bytes", 0, 1024 * GIB),
        ("disk_reserve_bytes", 0, 1024 * GIB),
        ("disk_reserve_per_cent", 0, 50),
        ("future_ms_max", 0, YEAR_MS),
    ];

    /// The folder of keys.
    pub fn keys_path(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// The file of the root key.
    pub fn root_key_path(&self) -> PathBuf {
        self.root_key.clone().unwrap_or_else(|| self.keys_path().join(ROOT_KEY_FILE))
    }

    /// Where it is kept who was erased: beside the checkpoints, so that a restored log meets it.
    pub fn erasures_path(&self) -> PathBuf {
        let beside = self.checkpoint_path().with_file_name("erasures");
        if beside == self.checkpoint_path() { beside.with_file_name("erasures.people") } else { beside }
    }

    /// Where the newest signed checkpoints are.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.checkpoint.clone().unwrap_or_else(|| self.data.join("checkpoint"))
    }
}

/// How a commit reaches the disk. Every mode waits for the disk before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitMode {
    /// Two syncs, with the free pages saved in each commit: after a kill the server starts at once.
    #[default]
    QuickRepair,
    /// Two syncs; after a kill the next start reads the whole file.
    TwoPhase,
    /// One sync, with checksums to detect torn commits; after a kill the next start reads the whole file.
    OnePhase,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::{Error, MapDeserializer};

    fn read(keys: &[(&'static str, usize)]) -> Result<Config, Error> {
        Config::deserialize(MapDeserializer::new(keys.iter().copied()))
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        assert_eq!(read(&[]).unwrap(), Config::default());
        let expected = Config { tail_bytes_max: 5, ..Config::default() };
        assert_eq!(read(&[("tail_bytes_max", 5)]).unwrap(), expected);
    }

    #[test]
    fn erasures_lie_beside_the_checkpoints_whatever_those_are_called() {
        let at = |checkpoint: Option<&str>| {
            let checkpoint = checkpoint.map(PathBuf::from);
            Config { data: "data".into(), checkpoint, ..Config::default() }.erasures_path()
        };
        assert_eq!(at(None), PathBuf::from("data/erasures"));
        assert_eq!(at(Some("/disk/kith")), PathBuf::from("/disk/erasures"));
        assert_eq!(at(Some("/disk/erasures")), PathBuf::from("/disk/erasures.people"));
    }

    #[test]
    fn unknown_keys_are_errors() {
        assert!(read(&[("tail_bytes", 5)]).unwrap_err().to_string().contains("tail_bytes"));
    }
}
