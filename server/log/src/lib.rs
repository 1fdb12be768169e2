//! The event log of Kith in one redb file: one thread writes, anybody reads.
//!
//! Invariant: nobody hears of an entry that is not on disk, and no position is ever given twice.

mod administration;
mod backup;
mod candidates;
mod check;
mod checkpoint_file;
mod checkpoints;
mod chunk;
mod cipher;
mod clock_watch;
mod column;
mod commit;
mod components;
mod config;
mod decision;
mod entry_rows;
mod error;
mod ids;
mod keys;
mod live;
mod log;
mod measures;
mod network;
mod outline;
mod packed;
mod place;
mod place_of_work;
mod proof;
mod queue;
mod reader;
mod restricted;
mod rollback;
mod root_key;
mod row;
mod seal;
mod select;
mod signer;
mod signing_key;
mod snapshot;
mod space;
mod spending;
mod state;
mod store;
mod tables;
mod token;
mod tree_rows;
mod version;
mod writer;

pub use backup::{
    BackedUp, Backup, BackupError, Copied, Heading, KeysCopied, RestoreError, Restored, Step, Trust, Verified, backup,
    backup_into, backup_keys, backup_keys_into, restore, restore_keys, verify_backup,
};
pub use candidates::Direction;
#[cfg(feature = "faults")]
pub use check::check_on;
pub use check::{CheckError, Problem, Progress, Report, check};
pub use checkpoint_file::CheckpointFileError;
pub use checkpoints::CheckpointError;
pub use clock_watch::clock_behind_ms;
pub use components::ComponentDigest;
pub use config::{Clock, CommitMode, Config, Range};
pub use error::{
    AppendError, ComponentError, CreateNetworkError, Damage, OpenError, Poison, PutTokenError, ReadError,
    RevokeTokenError, StorageFailure, Versioned,
};
pub use keys::KEYS_PAGES_BYTES_MAX;
pub use live::Head;
pub use log::Log;
#[cfg(feature = "faults")]
pub use log::Secrets;
pub use measures::Measures;
pub use network::Network;
pub use place::write_new;
#[cfg(feature = "faults")]
pub use place_of_work::work_in_place;
pub use place_of_work::{blocking, in_place as works_in_place};
pub use proof::{ConsistencyProof, InclusionProof};
pub use reader::Weighed;
#[cfg(feature = "faults")]
pub use rollback::restart_on;
pub use rollback::{AcceptError, Accepted, Judgement, Restarted, Rollback, Verdict, accept_rollback, judge};
pub use select::{Selected, Selection};
pub use store::Health;
pub use token::{IssuedToken, NewServerToken, NewToken, Token, is_secret, new_secret};
