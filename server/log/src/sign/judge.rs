//! Judges whether a log still contains what was signed: a restored backup, a disk that lost writes and a copied file do
//! not.
//!
//! Invariant: no checkpoint is signed and no event accepted while a verdict is against the log.

use crate::{
    error::{OpenError, ReadError},
    rows::row::read_networks,
    sign::checkpoint_file::SignedByOrigin,
    state::snapshot::Snapshot,
};
use kith_core::{
    checkpoint::{LogOrigin, SignedCheckpoint, SigningKey},
    tree,
};
use redb::ReadableDatabase;
use std::fmt;

/// What the newest signed checkpoint of a log says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was signed yet.
    Unsigned,
    /// The log begins with what was signed.
    Sound,
    /// The log ends before what was signed.
    Behind {
        /// Entries that were signed.
        signed: u64,
        /// The log's last position.
        head: u64,
    },
    /// The log's entries are not those that were signed.
    Differs {
        /// Entries that were signed.
        signed: u64,
    },
    /// The server no longer has this log.
    Missing {
        /// Entries that were signed.
        signed: u64,
    },
    /// Another key signed it, so the log cannot be judged.
    OtherKey,
}

/// A verdict on a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The log, by the name in its checkpoints.
    pub origin: LogOrigin,
    /// The verdict.
    pub verdict: Verdict,
}

/// Every judgement against the logs of a data folder; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback(Vec<Judgement>);

impl Verdict {
    /// Whether the log may accept events.
    pub fn is_sound(self) -> bool {
        match self {
            Self::Unsigned | Self::Sound => true,
            Self::Behind { .. } | Self::Differs { .. } | Self::Missing { .. } | Self::OtherKey => false,
        }
    }
}

impl Rollback {
    /// The judgements that are against their log, if there are any.
    pub(crate) fn of(judgements: Vec<Judgement>) -> Option<Self> {
        let against: Vec<_> = judgements.into_iter().filter(|judgement| !judgement.verdict.is_sound()).collect();
        (!against.is_empty()).then_some(Self(against))
    }

    /// The judgements.
    pub fn judgements(&self) -> &[Judgement] {
        &self.0
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, verdict } = self;
        match verdict {
            Verdict::Unsigned => write!(f, "{origin}: nothing was signed yet"),
            Verdict::Sound => write!(f, "{origin}: all that was signed is present"),
            Verdict::Behind { signed, head } => {
                write!(f, "{origin}: {signed} entries were signed, and the log ends at position {head}")
            }
            Verdict::Differs { signed } => write!(f, "{origin}: the first {signed} entries are not those signed"),
            Verdict::Missing { signed } => {
                write!(f, "{origin}: {signed} entries were signed, and the log no longer exists")
            }
            Verdict::OtherKey => write!(f, "{origin}: its checkpoint was signed by a key other than the one in keys/"),
        }
    }
}

impl fmt::Display for Rollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, judgement) in self.0.iter().enumerate() {
            write!(f, "{}{judgement}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Judges every log that exists or was signed.
pub(crate) fn judge_all(
    database: &dyn ReadableDatabase,
    key: &SigningKey,
    signed: &SignedByOrigin,
) -> Result<Vec<Judgement>, OpenError> {
    let mut judgements = Vec::new();
    let transaction = database.begin_read()?;
    for (name, row) in read_networks(&transaction)? {
        let origin = LogOrigin::of(&name, &row.incarnation);
        let verdict = match signed.get(&origin) {
            Some(checkpoint) => judge_log(&Snapshot::stored(database, row.ordinal)?, key, checkpoint)?,
            None => Verdict::Unsigned,
        };
        judgements.push(Judgement { origin, verdict });
    }
    for (origin, checkpoint) in signed {
        if judgements.iter().all(|judgement| judgement.origin != *origin) {
            let verdict = Verdict::Missing { signed: checkpoint.unverified().size };
            judgements.push(Judgement { origin: origin.clone(), verdict });
        }
    }
    judgements.sort_by(|left, right| left.origin.cmp(&right.origin));
    Ok(judgements)
}

/// Compares a log's tree with a checkpoint that names the log.
pub(crate) fn judge_log(
    snapshot: &Snapshot,
    key: &SigningKey,
    checkpoint: &SignedCheckpoint,
) -> Result<Verdict, ReadError> {
    let key = key.verifier(&checkpoint.unverified().origin);
    let Ok(checkpoint) = checkpoint.verify(&key) else { return Ok(Verdict::OtherKey) };
    let head = snapshot.last_position()?.get();
    if checkpoint.size > head {
        return Ok(Verdict::Behind { signed: checkpoint.size, head });
    }
    let root = tree::root_at(&snapshot.nodes()?, checkpoint.size)?;
    Ok(if root == checkpoint.root { Verdict::Sound } else { Verdict::Differs { signed: checkpoint.size } })
}
