//! `Export`: a part of the log as the lines of an evidence bundle, made as they are sent.
//!
//! Invariant: what it holds does not grow with the bundle: a bit for each person of the directory, and the positions of
//! erasures that details named and that are still to come. Where lines end and what is in them depends on positions and on what the caller may see.

mod lines;
mod wanted;

use crate::{
    bounds::reads::Reads,
    door::authenticator::Caller,
    grpc::{
        Call, Failure, allow, enter,
        entries::read_kept,
        stream::{Messages, Sender, Stop, fill, while_allowed},
    },
    limits,
    node::Node,
};
use kith_core::{
    checkpoint::SignedCheckpoint,
    evidence::{About, Completeness, Heading},
    history::Budget,
    may::Action,
    position::Position,
};
use kith_log::{Direction, Network, Selection};
use kith_proto::v1;
use lines::{Composed, Found, Task};
use prost::Message;
use std::{collections::BTreeSet, sync::Arc};
use tonic::Request;
use wanted::{Involved, Reading, Wanted};

/// An export under way.
struct Export {
    node: Node,
    network: Network,
    reads: Reads,
    caller: Caller,
    wanted: Arc<Wanted>,
    checkpoint: Arc<SignedCheckpoint>,
    /// Size of the checkpoint.
    size: Position,
    /// Whose entries in the directory are wanted.
    involved: Arc<Involved>,
    at: Reached,
}

/// How far an export has come.
#[derive(Debug, Clone, Default)]
struct Reached {
    /// Lines cover everything up to here.
    covered: Position,
    /// What is wanted was looked for up to here.
    read: Position,
    /// Entries further on that details name as those that erased them.
    erasing: BTreeSet<Position>,
}

pub(super) async fn export(
    node: &Node,
    request: Request<v1::ExportRequest>,
) -> Result<Messages<v1::ExportResponse>, Failure> {
    let Call { visitor, message } = Call::new(request)?;
    let (network, caller) = enter(node, &visitor, &message.network)?;
    allow(&caller, &Action::Export)?;
    let counted = (node.streams().open(&visitor.key())?, node.streams().open_in(network.name())?);
    let reads = node.reads(&caller.principal, &network);
    let signing = network.clone();
    let (checkpoint, directory) = reads
        .run(move || {
            let checkpoint = signing.checkpoint()?;
            let directory = signing.directory_at(Position::new(checkpoint.unverified().size))?;
            Ok::<_, Failure>((checkpoint, directory))
        })
        .await?;
    let size = Position::new(checkpoint.unverified().size);
    let wanted = Arc::new(Wanted::read(&directory, &message, size)?);
    let outgoing = node.outgoing(visitor.key());
    let (involved, at) = (Arc::default(), Reached::default());
    let export = Export { node: node.clone(), network, reads, caller, wanted, checkpoint, size, involved, at };
    Ok(fill(outgoing, counted, |sender| export.run(sender)))
}

impl Export {
    async fn run(mut self, sender: Sender<v1::ExportResponse>) -> Result<(), Stop> {
        let (node, caller) = (self.node.clone(), self.caller.clone());
        while_allowed(&node, &caller, async {
            let complete = tokio::select! {
                complete = self.completeness() => complete?,
                () = sender.closed() => return Err(Stop::Gone),
            };
            let heading = self.heading(complete).to_string();
            sender.send(v1::ExportResponse { lines: vec![heading] }).await?;
            self.involved = tokio::select! {
                involved = self.survey() => Arc::new(involved?),
                () = sender.closed() => return Err(Stop::Gone),
            };
            while self.at.covered < self.size {
                self.send_more(&sender).await?;
            }
            Ok(())
        })
        .await
    }

    /// What the bundle is complete for. Looks at a bounded number of positions at a time.
    async fn completeness(&self) -> Result<Completeness, Failure> {
        let principal = &self.caller.principal;
        let as_seen = || Completeness::AsSeenBy { role: principal.role, organisation: principal.organisation.clone() };
        let About::Range { first, last } = self.wanted.about else { return Ok(as_seen()) };
        let mut after = first.previous();
        while after < last {
            let until = last.min(after.plus(limits::EXPORT_POSITIONS_AT_ONCE));
            let (network, principal) = (self.network.clone(), principal.clone());
            if self.reads.run(move || network.hides_any(&principal, after, until)).await? {
                return Ok(as_seen());
            }
            after = until;
        }
        Ok(Completeness::Range)
    }

    /// Who is involved in what was asked for: their entries in the directory lie before it, so they must be known first.
    async fn survey(&self) -> Result<Involved, Failure> {
        let mut involved = Involved::default();
        let directory = self.network.directory();
        self.wanted.people.iter().flatten().for_each(|person| involved.add(&directory, person));
        drop(directory);
        let (mut after, Reading { mode, filter, until }) = self.wanted.asked_for(self.size);
        while after < until {
            let budget = Budget { entries: limits::EXPORT_ENTRIES_AT_ONCE, bytes: limits::EXPORT_MESSAGE_BYTES };
            let (filter, direction) = (filter.clone(), Direction::Forward);
            let principal = self.caller.principal.clone();
            let selection = Selection { principal, filter, mode, after, until, direction, budget };
            let (network, wanted) = (self.network.clone(), Arc::clone(&self.wanted));
            let look = move || {
                let selected = network.select(&selection)?;
                for (position, bytes) in &selected.entries {
                    wanted.involve(&network, &selection.principal, (*position, bytes), &mut involved)?;
                }
                Ok::<_, Failure>((selected.next, involved))
            };
            (after, involved) = self.reads.run(look).await?;
        }
        Ok(involved)
    }

    fn heading(&self, complete: Completeness) -> Heading {
        Heading {
            network: self.network.name().clone(),
            about: self.wanted.about.clone(),
            people: self.wanted.people.clone(),
            disclosed: self.wanted.disclosure.clone(),
            checkpoint: SignedCheckpoint::clone(&self.checkpoint),
            key: self.network.verifier_key(),
            made_at: self.node.now(),
            complete,
        }
    }

    /// Reads on, and sends the lines that this yields, if any.
    async fn send_more(&mut self, sender: &Sender<v1::ExportResponse>) -> Result<(), Stop> {
        let mut part = sender.part(limits::EXPORT_MESSAGE_BYTES).await?;
        let most = part.bytes();
        let Composed { mut message, mut reached } = self.compose(most).await?;
        let bytes = message.encoded_len();
        if bytes > most {
            // One entry with its hashes and words exceeds the room: the lines are dropped while waiting for more room.
            message.lines.clear();
            part.fit(bytes).await?;
            Composed { message, reached } = self.compose(most).await?;
        }
        self.at = reached;
        if !message.lines.is_empty() {
            part.fit(message.encoded_len()).await?;
            part.send(message, None);
        }
        Ok(())
    }

    /// Makes the next lines, of about `bytes` bytes at most or with one entry.
    async fn compose(&self, bytes: usize) -> Result<Composed, Failure> {
        let found = self.find(bytes).await?;
        let task = Task {
            network: self.network.clone(),
            principal: self.caller.principal.clone(),
            wanted: Arc::clone(&self.wanted),
            size: self.size,
            reached: self.at.clone(),
            bytes,
        };
        self.reads.run(move || task.compose(&found)).await
    }

    /// Looks for the next entries that are wanted for themselves.
    async fn find(&self, bytes: usize) -> Result<Found, Failure> {
        if self.at.read >= self.size {
            return Ok(Found { entries: Vec::new(), details: Vec::new(), until: self.size, _held: None });
        }
        let Reading { mode, filter, until } = self.wanted.next(self.at.read, self.size);
        let selection = Selection {
            principal: self.caller.principal.clone(),
            filter,
            mode,
            after: self.at.read,
            until,
            direction: Direction::Forward,
            budget: Budget { entries: entries_of(bytes), bytes: bytes / 2 },
        };
        let (wanted, involved) = (Arc::clone(&self.wanted), Arc::clone(&self.involved));
        let principal = self.caller.principal.clone();
        let keep = move |network: &Network, position| wanted.keeps(network, &principal, position, &involved);
        let read = read_kept(&self.node, &self.network, &self.reads, selection, bytes / 2, keep).await?;
        Ok(Found { entries: read.encoded, details: read.details, until: read.next, _held: read.held })
    }
}

/// How many entries are looked at for a message of so many bytes: more than fit would be read in vain.
fn entries_of(bytes: usize) -> usize {
    (bytes / limits::EXPORT_ENTRY_BYTES).clamp(1, limits::EXPORT_ENTRIES_AT_ONCE)
}
