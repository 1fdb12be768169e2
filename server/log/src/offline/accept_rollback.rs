//! Continues logs that were rolled back, once an operator has decided to.
//!
//! Invariant: such a log continues under a new incarnation, and an entry records what it was rolled back from, so that
//! every client that knows more must start over instead of being shown another history.

use crate::{
    config::{Clock, Config},
    error::{OpenError, ReadError},
    files::open_database,
    keys::{key_file, place::KeyPlace, signing_key},
    offline::backup::forget_views,
    rows::{
        row::{NetworkRow, Revoked, TokenRow},
        tables,
    },
    sign::{
        checkpoint_file::{CheckpointFile, SignedByOrigin},
        checkpoints::{Checkpoints, origin},
        judge::Judgement,
    },
    state::{
        live::{Common, Head, Live},
        token::{self, Owner},
    },
    store::Store,
    write::{
        CommitFailure, administration,
        commit::{self, Staged, StagedNetwork},
        log_state::LogState,
    },
};
use kith_core::{
    checkpoint::{Checkpoint, LogOrigin},
    decide::{Batch, Refused, Undecided},
    event::{Administration, Scope},
    id::NetworkName,
    position::Position,
    timestamp::Timestamp,
};
use kith_words::Keys;
use std::{path::Path, sync::Arc};

/// The outcome for a log that was not the one that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The evidence against it.
    pub judgement: Judgement,
    /// How it continues; `None` if the log no longer exists, so that only its checkpoint was removed.
    pub restarted: Option<Restarted>,
}

/// A log that continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// The network.
    pub network: NetworkName,
    /// The log's new name in its checkpoints.
    pub origin: LogOrigin,
    /// Position of its `log_restored` entry.
    pub position: Position,
}

/// Why a rollback was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The files could not be opened, read or written.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The log refuses the entry that records it.
    #[error("the log refuses the entry that records it: {0}")]
    Refused(#[from] Refused),
    /// The log could not be written.
    #[error("the log could not be written: {0}")]
    Write(String),
}

impl From<ReadError> for AcceptError {
    fn from(error: ReadError) -> Self {
        Self::Open(error.into())
    }
}

/// Accepts that logs in a data folder are not those that were signed: each continues under a new incarnation, with a
/// `log_restored` entry, and their old checkpoints are removed. No server may have the folder open. Returns an empty
/// list if the logs are sound.
pub fn accept_rollback(config: &Config, clock: Clock) -> Result<Vec<Accepted>, AcceptError> {
    let (store, edges) = Store::open(config, clock)?;
    let Some(rollback) = store.checkpoints.rollback() else { return Ok(Vec::new()) };
    let checkpoints = CheckpointFile::new(config.checkpoint_path());
    let signed = checkpoints.read().map_err(OpenError::from)?;
    let logs: Vec<_> = store.networks().values().cloned().collect();
    let (mut staged, mut accepted) = (Staged::default(), Vec::new());
    for judgement in rollback.judgements().iter().cloned() {
        let log = logs.iter().find(|live| origin(live) == judgement.origin);
        let restarted = match (log, signed.get(&judgement.origin)) {
            (Some(live), Some(lost)) => Some(restart(&store, live, lost.unverified(), Vouched::Yes, &mut staged)?),
            (Some(_) | None, _) => None,
        };
        accepted.push(Accepted { judgement, restarted });
    }
    forget_views(&config.data)?;
    if !staged.is_empty() {
        commit::write(&store, &edges, staged).map_err(|failure| failed(&failure))?;
    }
    // In this order: a crash in between leaves checkpoints of missing logs, which the next run detects and accepts.
    let forget = |signed: &mut SignedByOrigin| {
        signed.retain(|origin, _| accepted.iter().all(|accepted| accepted.judgement.origin != *origin));
        Ok(())
    };
    checkpoints.swap::<_, crate::error::KeptFileError>(forget).map_err(OpenError::from)?;
    Ok(accepted)
}

/// Continues logs on the caller's storage under a new incarnation, in place of those that these checkpoints were of. No
/// server may have the storage open.
#[cfg(feature = "faults")]
pub fn restart_on(
    log: impl redb::StorageBackend,
    keys: impl redb::StorageBackend,
    secrets: &crate::store::Secrets,
    config: &Config,
    clock: Clock,
    lost: &[Checkpoint],
) -> Result<Vec<Restarted>, AcceptError> {
    let (store, edges) = crate::store::load_on(log, keys, secrets, config, clock)?;
    let logs: Vec<_> = store.networks().values().cloned().collect();
    let (mut staged, mut restarted) = (Staged::default(), Vec::new());
    for live in &logs {
        if let Some(lost) = lost.iter().find(|lost| lost.origin == origin(live)) {
            restarted.push(restart(&store, live, lost, Vouched::Yes, &mut staged)?);
        }
    }
    if !staged.is_empty() {
        commit::write(&store, &edges, staged).map_err(|failure| failed(&failure))?;
    }
    Ok(restarted)
}

/// Continues the logs in a file that nobody vouches for: each under a new incarnation, with a `log_restored` entry, and
/// with every token revoked. Returns how many tokens were.
pub(crate) fn end_tokens(config: &Config, clock: &Clock, file: &Path) -> Result<u64, AcceptError> {
    let place = KeyPlace::of(config);
    let (keys, database) = (key_file::open(&place, false)?, open_database(config, file)?);
    let signing = |keys: &Keys| Ok(Checkpoints::new(signing_key::read_or_make(place.folder(), keys)?, None));
    let (store, edges) = Store::load(database, keys, signing, config, clock.clone())?;
    let logs: Vec<_> = store.networks().values().cloned().collect();
    let (mut staged, mut ended) = (Staged::default(), 0);
    for live in &logs {
        let lost = Checkpoint { origin: origin(live), size: live.head().position.get(), root: live.head().root };
        restart(&store, live, &lost, Vouched::No, &mut staged)?;
    }
    let tokens = staged.networks.iter().map(|network| network.tokens.len() as u64);
    ended += tokens.sum::<u64>() + drop_server_tokens(&store)?;
    commit::write(&store, &edges, staged).map_err(|failure| failed(&failure))?;
    Ok(ended)
}

/// Removes the tokens of the server, which no entry records; returns how many there were.
fn drop_server_tokens(store: &Store) -> Result<u64, ReadError> {
    let transaction = store.begin_write()?;
    let mut count = 0;
    transaction.open_table(tables::SERVER_TOKENS)?.retain(|_, _| {
        count += 1;
        false
    })?;
    transaction.commit()?;
    Ok(count)
}

/// Whether somebody vouches for what a log held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vouched {
    Yes,
    No,
}

fn failed(failure: &CommitFailure) -> AcceptError {
    AcceptError::Write(failure.to_string())
}

/// Stages the new incarnation of a log and the entry that records it, for one commit. If nobody vouches for the log,
/// its tokens are revoked in the same commit.
fn restart(
    store: &Store,
    live: &Live,
    lost: &Checkpoint,
    vouched: Vouched,
    staged: &mut Staged,
) -> Result<Restarted, AcceptError> {
    let now = (store.clock)();
    let live = Arc::new(with_incarnation(store, live, kith_words::random()));
    let fact = Administration::LogRestored {
        incarnation: live.incarnation,
        lost_head: lost.size,
        lost_root: *lost.root.as_bytes(),
        unverified: vouched == Vouched::No,
    };
    let state = LogState::new(store, &live);
    let mut batch = Batch::new(&state, now, store.config.future_ms_max);
    let (position, _) = record(&mut batch, fact, now)?;
    let tokens = match vouched {
        Vouched::Yes => Vec::new(),
        Vouched::No => revoke_all(store, &live, &mut batch, now)?,
    };
    let accepted = batch.into_accepted();
    staged.created.push(live.clone());
    let restarted = Restarted { network: live.name.clone(), origin: origin(&live), position };
    let (retractions, erased) = (Vec::new(), Vec::new());
    staged.networks.push(StagedNetwork { live: live.clone(), accepted, retractions, erased, tokens });
    Ok(restarted)
}

/// Ends every membership of a network and revokes every token that is not revoked yet, with an entry for each.
fn revoke_all(
    store: &Store,
    live: &Live,
    batch: &mut Batch<'_, LogState<'_>>,
    now: Timestamp,
) -> Result<Vec<TokenRow>, AcceptError> {
    let members: Vec<_> = live.authority().members().map(|(id, _)| id.clone()).collect();
    for member in members {
        record(batch, Administration::MemberChanged { member, role: None, organisation: None, identity: None }, now)?;
    }
    let rows: Vec<_> = store.tokens().rows(Owner::Network(live.ordinal)).cloned().collect();
    let mut revoked = Vec::new();
    for row in rows.into_iter().filter(|row| row.revoked.is_none()) {
        // The tokens of members have ended with the membership.
        let ended = batch.authority().token(&row.id).and_then(|token| token.ended);
        let (position, at) = match ended {
            Some(ended) => (ended.position, now),
            None => record(batch, Administration::TokenRevoked { token: row.id.clone() }, now)?,
        };
        revoked.push(TokenRow { revoked: Some(Revoked { at, position }), ..row });
    }
    Ok(revoked)
}

/// Records a fact of the server; returns its position and when it happened.
fn record(
    batch: &mut Batch<'_, LogState<'_>>,
    fact: Administration,
    now: Timestamp,
) -> Result<(Position, Timestamp), AcceptError> {
    // Whoever may run this on the data folder could change any file there.
    let command = administration::command(token::program(), Scope::Network, vec![fact], now)?;
    match batch.decide(command) {
        Ok(_) => {}
        Err(Undecided::Refused(refused)) => return Err(refused.into()),
        Err(Undecided::Unreadable(error)) => return Err(error.into()),
    }
    let accepted = batch.accepted().last().expect("one event was accepted");
    Ok((accepted.entry.position, accepted.event.occurred_at))
}

fn with_incarnation(store: &Store, live: &Live, incarnation: [u8; 16]) -> Live {
    let row = NetworkRow { incarnation, ..live.row() };
    let head = Head { incarnation, ..live.head() };
    let (directory, plugins) = ((*live.directory()).clone(), (*live.plugins()).clone());
    let (erasures, authority) = ((*live.erasures()).clone(), (*live.authority()).clone());
    let common = Common { directory, plugins, erasures, authority };
    Live::new(live.name.clone(), &row, head, common, live.open_chunk(), store.config.tail_bytes_max)
}
