//! One sync: check that the server's log continues the one here, send the outbox, fetch and verify new entries.
//!
//! Invariant: the order of these steps. Nothing is sent to a log other than the known one, and nothing is applied
//! before a checkpoint signed by the known key vouches for it.

use super::{
    Inner, SyncError,
    alarm::{Alarm, Evidence, Finding},
    error::StoreError,
    events::Happening,
    limits,
    part::{Part, Untaken},
    reading::decode_frontier,
    reset::Outbox,
    rows::State,
    store::change_state,
};
use crate::{
    append_stream::{EventResult, Window},
    batch::Batcher,
    builder::NewEvent,
    checkpoints::SignedHead,
    client::Client,
    error::{Error, Kind},
    options::Retry,
    partial_tree::PartialTree,
    subscribe::{Cursor, Subscription},
};
use futures_util::{StreamExt, stream};
use kith_core::reason::{Reason, meaning};
use kith_core::{
    checkpoint::{LogOrigin, SignedCheckpoint, VerifierKey},
    decide::Outcome,
    filter::Filter,
    id::EventId,
    position::Position,
    tree::{Frontier, verify_consistency},
};
use std::collections::BTreeSet;

/// The result of a sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncReport {
    /// The last position here.
    pub position: Position,
    /// Number of entries fetched.
    pub fetched: u64,
    /// Events that the server accepted.
    pub accepted: u64,
    /// Events that the server already had.
    pub duplicates: u64,
    /// Events that the server refused this time: see [`super::Replica::refused`].
    pub refused: u64,
    /// Events that are still waiting, because the server was busy or its answer proved wrong.
    pub waiting: u64,
    /// Events of this device that lost words before the log had them, because somebody they are about was erased.
    pub without_words: u64,
    /// Entries removed because this token may no longer see them.
    pub removed: u64,
    /// Set if the server's log is not the same as before.
    pub reset: Option<Reset>,
    /// The events that `refused` counts.
    refused_events: BTreeSet<EventId>,
}

impl SyncReport {
    /// Counts the outcomes of events.
    fn count(&mut self, results: &[EventResult]) {
        for result in results {
            match result.result {
                Ok(Outcome::Accepted(_)) => self.accepted += 1,
                Ok(Outcome::Duplicate(_)) => self.duplicates += 1,
                Err(_) => drop(self.refused_events.insert(result.id)),
            }
        }
        self.refused = self.refused_events.len() as u64;
    }

    /// Counts events that lost words; those of them that were refused are sent again.
    fn count_without_words(&mut self, events: &[EventId]) {
        self.without_words += events.len() as u64;
        self.refused_events.retain(|event| !events.contains(event));
        self.refused = self.refused_events.len() as u64;
    }
}

/// The server's log is not the same as before, for example after an old backup was restored. It was fetched again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reset {
    /// The previous log.
    pub before: LogOrigin,
    /// How many of its entries were here.
    pub held: u64,
    /// The current log.
    pub now: LogOrigin,
    /// Events of this device that returned to the outbox. Those that the new log already has leave it again.
    pub returned: u64,
}

impl Inner {
    pub(super) async fn sync(&self, client: &Client) -> Result<SyncReport, SyncError> {
        let Ok(_alone) = self.syncing.try_lock() else { return Err(SyncError::Running) };
        let synced = self.sync_alone(client).await;
        match &synced {
            Ok(report) => self.note_success(report.clone()),
            Err(error) => self.note_failure(error),
        }
        synced
    }

    /// The same for a caller that holds the lock.
    pub(super) async fn sync_alone(&self, client: &Client) -> Result<SyncReport, SyncError> {
        let client = &client.with_retry(Retry { attempts_max: 2, ..self.options.retry });
        self.end_stale_words()?;
        let mut report = SyncReport::default();
        let mut round = 1;
        let served = loop {
            match self.sync_round(client, &mut report).await {
                Ok(head) => break head,
                Err(error) if round == limits::SYNC_ROUNDS_MAX => return Err(error),
                Err(SyncError::Call(error)) if error.reason() == Some(Reason::ResetRequired) => {}
                Err(SyncError::Store(StoreError::Moved)) => {}
                Err(error) => report.removed += self.look_after_scope(client, error).await?,
            }
            round += 1;
        };
        self.fetch_words_again(client).await?;
        report.position = Position::new(self.frontier()?.size());
        #[cfg(feature = "views")]
        self.fetch_components(client, &served.builtins).await;
        #[cfg(not(feature = "views"))]
        drop(served);
        Ok(report)
    }

    /// Returns the head that the server signed before.
    async fn sync_round(&self, client: &Client, report: &mut SyncReport) -> Result<SignedHead, SyncError> {
        let head = self.check_server(client, report).await?;
        if report.reset.is_some() {
            // What the new log already has must not be sent again.
            self.pull(client, Some(&head), report).await?;
        }
        self.look_again_with_other_token(client, report).await?;
        let (sent, before) = (report.accepted + report.duplicates, report.without_words);
        self.push(client, report).await?;
        let vouching = (sent == report.accepted + report.duplicates).then_some(&head);
        self.pull(client, vouching, report).await?;
        if report.without_words > before {
            // What was refused because of words about people who are erased goes again without them.
            self.push(client, report).await?;
            self.pull(client, None, report).await?;
        }
        self.deny_beyond_head()?;
        report.waiting = self.waiting_count()?;
        Ok(head)
    }

    /// Records the success. A failing disk is ignored here: what matters is already on it.
    pub(super) fn note_success(&self, report: SyncReport) {
        let now = self.environment.now().millis();
        drop(self.store.write(|transaction| {
            change_state(transaction, |state| {
                state.synced_at = now;
                state.failed_at = 0;
                state.failure.clear();
                state.alarm.clear();
                state.evidence.clear();
            })
        }));
        self.tell(Happening::Synced(report));
    }

    /// Records the failure. A failing disk is ignored.
    pub(super) fn note_failure(&self, error: &SyncError) {
        let now = self.environment.now().millis();
        drop(self.store.write(|transaction| {
            change_state(transaction, |state| {
                state.failed_at = now;
                state.failure = error.to_string();
            })
        }));
    }

    /// Checks that the server's log continues the one here; returns its signed head.
    pub(super) async fn check_server(&self, client: &Client, report: &mut SyncReport) -> Result<SignedHead, SyncError> {
        let state = self.store.state()?;
        let frontier = decode_frontier(&state.frontier)?;
        let head = match client.checkpoint().await {
            Ok(head) => head,
            Err(error) if error.kind() == Kind::NotVerified => {
                return Err(self.raise(altered(frontier.size(), &error), &state, None));
            }
            Err(error) => return Err(error.into()),
        };
        let known = state.key.parse::<VerifierKey>().ok();
        #[cfg(feature = "faults")]
        let known = known.and_then(|known| self.planted_key(Some(known), &head));
        let given = self.options.key.as_ref();
        match known.as_ref() {
            Some(known) if known == &head.key => {}
            Some(known) if given.is_none() && is_other_incarnation(known, &head.key) => {
                self.begin_anew(known.origin(), &frontier, &state, &head, report)?;
                return Ok(head);
            }
            Some(known) => return Err(self.key_changed(known, &head, &state)),
            None => {}
        }
        if let Some(given) = given
            && *given != head.key
        {
            return Err(self.key_changed(given, &head, &state));
        }
        self.vouch(client, &frontier, &head, &state).await?;
        if known.is_none() {
            // Before anything is sent: an event accepted by one log must not count as accepted by a log that replaces
            // it.
            let key = head.key.to_string();
            self.store.write(|transaction| change_state(transaction, |state| state.key = key))?;
        }
        Ok(head)
    }

    fn key_changed(&self, known: &VerifierKey, head: &SignedHead, state: &State) -> SyncError {
        let finding = Finding::KeyChanged { known: Box::new(known.clone()), found: Box::new(head.key.clone()) };
        self.raise(finding, state, Some(head))
    }

    /// Discards the log here in favour of another one, and keeps both checkpoints as evidence.
    fn begin_anew(
        &self,
        before: &LogOrigin,
        frontier: &Frontier,
        state: &State,
        head: &SignedHead,
        report: &mut SyncReport,
    ) -> Result<(), SyncError> {
        let size = frontier.size();
        let gone = Finding::Shrunk { held: size, found: head.checkpoint.unverified().size };
        drop(self.keep_evidence(&gone, state, Some(head)));
        let outbox = Outbox::Keep;
        #[cfg(feature = "faults")]
        let outbox = self.planted_outbox(outbox);
        let returned = self.reset(outbox)?;
        let now = head.key.origin().clone();
        report.reset = Some(Reset { before: before.clone(), held: size, now, returned });
        Ok(())
    }

    /// Checks that a signed head continues a tree.
    async fn vouch(&self, client: &Client, tree: &Frontier, head: &SignedHead, state: &State) -> Result<(), SyncError> {
        #[cfg(feature = "faults")]
        if self.vouches_blindly() {
            return Ok(());
        }
        let (size, found) = (tree.size(), head.checkpoint.unverified());
        if found.size < size {
            return Err(self.raise(Finding::Shrunk { held: size, found: found.size }, state, Some(head)));
        }
        if size == 0 {
            return Ok(());
        }
        let hashes =
            if size == found.size { Vec::new() } else { client.prove_consistency(size, found.size).await?.hashes };
        verify_consistency(size, tree.root(), found.size, found.root, &hashes).map_err(|error| {
            let verified = decode_frontier(&state.frontier).map_or(0, |frontier| frontier.size());
            let why = error.to_string();
            let finding = if verified == size {
                Finding::Rewritten { held: size, why }
            } else {
                Finding::Altered { verified, why }
            };
            self.raise(finding, state, Some(head))
        })
    }

    /// Sends the queued events, in order.
    pub(super) async fn push(&self, client: &Client, report: &mut SyncReport) -> Result<(), SyncError> {
        let mut after = 0;
        loop {
            let queued = self.queued(after, limits::QUEUED_EVENTS_AT_ONCE)?;
            let Some((last, _)) = queued.last() else { return Ok(()) };
            after = *last;
            let mut results = client.append_stream(stream::iter(messages(queued)), Window::default());
            while let Some(answered) = results.next().await {
                let answered = answered?;
                let (taken, stopped) = up_to_first_to_repeat(&answered);
                self.take_answers(taken)?;
                report.count(taken);
                if stopped {
                    // Later events may depend on one that the server could not accept now: all are sent again, in
                    // order.
                    report.waiting += (answered.len() - taken.len()) as u64;
                    return Ok(());
                }
            }
        }
    }

    /// Fetches new entries up to the head. `head` vouches for those that it covers.
    async fn pull(&self, client: &Client, head: Option<&SignedHead>, report: &mut SyncReport) -> Result<(), SyncError> {
        let mut pulling = self.begin_pull(client)?;
        loop {
            let update = pulling.updates.next().await.ok_or_else(|| SyncError::Call(ended()))??;
            let caught_up = update.caught_up;
            self.take_update(client, &mut pulling, &update, head, report).await?;
            if caught_up {
                return Ok(());
            }
        }
    }

    /// Subscribes after the replica's last position.
    pub(super) fn begin_pull(&self, client: &Client) -> Result<Pulling, SyncError> {
        let state = self.store.state()?;
        let frontier = decode_frontier(&state.frontier)?;
        let filter = self.filter()?;
        let cursor = cursor(&state, &frontier, &filter);
        let updates = client.subscribe_as_replica(filter, cursor, state.replica.clone());
        Ok(Pulling { updates, part: Part::after(&state, PartialTree::from_frontier(frontier)), has_erased: false })
    }

    /// Tells the server that what was to be erased is gone from here, rather than with the next sync. Whatever keeps it
    /// from being told, the next sync does so.
    async fn confirm(&self, client: &Client) -> Result<(), SyncError> {
        drop(self.begin_pull(client)?.updates.next().await);
        Ok(())
    }

    /// Adds an update to the part, and applies the part when it is complete.
    pub(super) async fn take_update(
        &self,
        client: &Client,
        pulling: &mut Pulling,
        update: &crate::subscribe::Update,
        head: Option<&SignedHead>,
        report: &mut SyncReport,
    ) -> Result<(), SyncError> {
        let part = &mut pulling.part;
        if let Err(untaken) = part.take(update) {
            return Err(match untaken {
                Untaken::Answer(error) => error.into(),
                Untaken::Finding(finding) => {
                    let state = self.store.state()?;
                    let found = client.checkpoint().await.ok();
                    self.raise(finding, &state, found.as_ref())
                }
            });
        }
        if update.caught_up || part.size_bytes >= limits::PART_BYTES_MAX {
            let without_words = self.apply(client, part, head).await?;
            report.count_without_words(&without_words);
            report.fetched += part.entries.len() as u64;
            pulling.has_erased |= part.erases();
            part.clear(update.caught_up);
        }
        if update.caught_up && std::mem::take(&mut pulling.has_erased) {
            self.confirm(client).await?;
        }
        Ok(())
    }

    /// Verifies a part against a signed head and commits it. Returns the events of this device that lost words.
    async fn apply(
        &self,
        client: &Client,
        part: &mut Part,
        head: Option<&SignedHead>,
    ) -> Result<Vec<EventId>, SyncError> {
        let state = self.store.state()?;
        let after = Position::new(decode_frontier(&state.frontier)?.size());
        if part.until() == after && state.incarnation == part.incarnation && !state.key.is_empty() {
            return Ok(Vec::new());
        }
        let fresh;
        let head = match head {
            Some(head) if head.checkpoint.unverified().size >= part.until().get() => head,
            Some(_) | None => {
                fresh = client.checkpoint().await?;
                let known = state.key.parse::<VerifierKey>().ok().or_else(|| self.options.key.clone());
                #[cfg(feature = "faults")]
                let known = self.planted_key(known, &fresh);
                if let Some(known) = known.filter(|known| *known != fresh.key) {
                    return Err(self.key_changed(&known, &fresh, &state));
                }
                &fresh
            }
        };
        self.vouch(client, part.tree.frontier(), head, &state).await?;
        #[cfg(feature = "faults")]
        self.spoil(part, head)?;
        let without_words = self.store.write(|transaction| part.write(transaction, head))?;
        self.publish_head()?;
        self.tell(Happening::Entries { after, until: part.until(), count: part.entries.len() });
        self.tell_dropped(&without_words);
        Ok(without_words)
    }

    /// Records an alarm and keeps the evidence.
    pub(super) fn raise(&self, finding: Finding, state: &State, head: Option<&SignedHead>) -> SyncError {
        let evidence = self.keep_evidence(&finding, state, head);
        let alarm = Alarm { finding, evidence };
        let noted = self.store.write(|transaction| {
            change_state(transaction, |state| {
                state.alarm = alarm.finding.to_string();
                let path = alarm.evidence.as_ref().map(|path| path.display().to_string());
                state.evidence = path.unwrap_or_default();
            })
        });
        // The alarm is raised below even if it could not be recorded.
        drop(noted);
        self.tell(Happening::Alarm(alarm.clone()));
        SyncError::Alarm(Box::new(alarm))
    }

    fn keep_evidence(&self, finding: &Finding, state: &State, head: Option<&SignedHead>) -> Option<std::path::PathBuf> {
        let folder = self.folder.as_ref()?.join("evidence");
        let frontier = decode_frontier(&state.frontier).unwrap_or_default();
        let key = state.key.parse().ok().or_else(|| self.options.key.clone());
        let known = SignedCheckpoint::parse(&state.checkpoint).ok();
        let evidence = Evidence {
            finding,
            at: self.environment.now(),
            held: (frontier.size(), frontier.root()),
            known_key: key.as_ref(),
            known: known.as_ref(),
            found_key: head.map(|head| &head.key),
            found: head.map(|head| &head.checkpoint),
        };
        evidence.write(&folder).ok()
    }
}

/// A subscription, and what it delivered that is not applied yet.
pub(super) struct Pulling {
    pub(super) updates: Subscription,
    part: Part,
    /// Whether something was erased by what was applied, and the server does not know yet.
    has_erased: bool,
}

fn altered(verified: u64, why: &Error) -> Finding {
    Finding::Altered { verified, why: why.to_string() }
}

pub(super) fn ended() -> Error {
    Error::new(Kind::Unreachable, "the server ended the stream")
}

/// Whether two keys belong to one network whose log was started again.
fn is_other_incarnation(known: &VerifierKey, found: &VerifierKey) -> bool {
    known.origin() != found.origin() && known.origin().network() == found.origin().network()
}

fn cursor(state: &State, frontier: &Frontier, filter: &Filter) -> Cursor {
    if state.incarnation.is_empty() {
        return Cursor::default();
    }
    Cursor {
        incarnation: state.incarnation.clone(),
        position: Position::new(frontier.size()),
        filter: filter.digest().to_vec(),
    }
}

fn messages(queued: Vec<(u64, NewEvent)>) -> Vec<Vec<NewEvent>> {
    let (mut batcher, mut messages) = (Batcher::default(), Vec::new());
    for (_, event) in queued {
        let size = event.size_bytes();
        messages.extend(batcher.push(event, size));
    }
    messages.extend(batcher.take());
    messages
}

/// The results before the first one that a retry could change.
fn up_to_first_to_repeat(results: &[EventResult]) -> (&[EventResult], bool) {
    let repeat = |result: &EventResult| match &result.result {
        Ok(_) => false,
        Err(refused) => refused.reason.is_some_and(|reason| meaning(reason).is_retryable),
    };
    match results.iter().position(repeat) {
        Some(first) => (&results[..first], true),
        None => (results, false),
    }
}
