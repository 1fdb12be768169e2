//! The event log of Kith in one redb file: one thread writes, any thread reads.
//!
//! Invariant: no entry is visible before it is on disk, and no position is ever assigned twice.

mod access;
mod blocking;
mod config;
mod erase;
mod error;
mod files;
mod inner;
mod keys;
mod limits;
mod log;
mod measures;
mod network;
mod offline;
mod read;
mod rows;
mod sign;
mod space;
mod state;
mod store;
mod worker;
mod write;

pub use access::{
    replicas::{Replica, ReplicaId, Replicas},
    webhooks::{
        DeadLetter, KeptWebhook, Redelivery, StoredWebhook, WebhookCursor, WebhookFile, WebhookKey, WebhookResult,
        WebhookState, WebhookStop, WebhookTries, WebhookWritten,
    },
};
#[cfg(feature = "faults")]
pub use blocking::work_in_place;
pub use blocking::{blocking, in_place as works_in_place};
pub use config::{Clock, CommitMode, Config, Range};
pub use error::{
    AppendError, CreateNetworkError, Damage, JoinError, KeptFileError, OpenError, Poison, ReadError, RevokeTokenError,
    StorageFailure, Unavailable, Versioned,
};
pub use files::{FileError, is_exposed, write_new};
pub use kith_words::KEYS_PAGES_BYTES_MAX;
pub use limits::{COMPONENT_PIECE_BYTES_MAX, DEAD_LETTERS_MAX};
pub use log::Log;
pub use measures::Measures;
pub use network::{JoinedMember, Network};
#[cfg(feature = "faults")]
pub use offline::accept_rollback::restart_on;
pub use offline::backup::{
    BackedUp, Backup, BackupError, Copied, Heading, KeysCopied, RestoreError, Restored, Step, Trust, Verified, backup,
    backup_into, backup_keys, backup_keys_into, restore, restore_keys, verify_backup,
};
#[cfg(feature = "faults")]
pub use offline::check::check_on;
pub use offline::check::{CheckError, Problem, Progress, Report, check};
pub use offline::{
    accept_rollback::{AcceptError, Accepted, Restarted, accept_rollback},
    judge::judge,
    rewrite::{RewriteError, Rewritten, rewrite},
    rotate::rotate_root_key,
};
pub use read::candidates::Direction;
pub use read::proof::{ConsistencyProof, InclusionProof};
pub use read::reader::{Details, Weighed, WordsAbout};
pub use read::{
    candidates::Mode,
    select::{Selected, Selection},
};
pub use rows::components::ComponentDigest;
pub use sign::checkpoints::{CheckpointError, Signed};
pub use sign::judge::{Judgement, Rollback, Verdict};
pub use space::DiskSpace;
pub use state::clock_watch::clock_behind_ms;
pub use state::health::Health;
pub use state::live::Head;
pub use state::token::{IssuedToken, NewServerToken, NewToken, Standing, Token, is_secret, new_secret};
#[cfg(feature = "faults")]
pub use store::Secrets;
