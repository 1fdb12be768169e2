//! What a reader of a part of a log needs to compute its root: hashes in place of entries, and checkpoints.
//!
//! Only for readers that ask for it; others pay nothing.

use super::Failure;
use crate::bounds::reads::Reads;
use bytes::Bytes;
use kith_core::{checkpoint::SignedCheckpoint, entry::Entry, position::Position, tree::Subtree};
use kith_log::Network;
use kith_proto::v1;
use std::sync::Arc;
use tokio::sync::watch;

/// The subtrees that replace those entries after `after` and up to `until` that are not among `given`.
pub(super) async fn read_left_out(
    reads: &Reads,
    network: &Network,
    after: Position,
    given: &[Bytes],
    until: Position,
) -> Result<Vec<v1::Subtree>, Failure> {
    let (network, given) = (network.clone(), given.to_vec());
    let read = move || {
        let position = |bytes| Entry::decode(bytes).expect("stored entries decode").position;
        let given: Vec<Position> = given.iter().map(position).collect();
        network.left_out(after, &given, until)
    };
    Ok(reads.run(read).await?.into_iter().map(subtree).collect())
}

fn subtree(subtree: Subtree) -> v1::Subtree {
    v1::Subtree { start: subtree.start, level: subtree.level.into(), hash: subtree.hash.as_bytes().to_vec() }
}

/// What a subscription adds to its messages.
#[derive(Clone)]
pub(super) struct Additions {
    /// The position up to which hashes were sent, if they are wanted.
    left_out_after: Option<Position>,
    /// The source of checkpoints, if they are wanted.
    checkpoints: Option<watch::Receiver<Option<Arc<SignedCheckpoint>>>>,
    /// Size of the checkpoint that was sent last.
    told: Option<u64>,
}

impl Additions {
    /// The additions that a request asks for, from a position on.
    pub(super) fn new(request: &v1::SubscribeRequest, network: &Network, from: Position) -> Self {
        Self {
            left_out_after: request.with_left_out.then_some(from),
            checkpoints: request.with_checkpoints.then(|| network.watch_checkpoint()),
            told: None,
        }
    }

    /// Adds what belongs to a message that reaches a position.
    pub(super) async fn add_to(
        &mut self,
        message: &mut v1::SubscribeResponse,
        reads: &Reads,
        network: &Network,
        position: Position,
    ) -> Result<(), Failure> {
        if let Some(after) = self.left_out_after {
            message.left_out = read_left_out(reads, network, after, &message.entries, position).await?;
            self.left_out_after = Some(position);
        }
        if let Some(checkpoint) = self.due(position) {
            self.told = Some(checkpoint.unverified().size);
            message.checkpoint = Some(continued(reads, network, checkpoint, position).await?);
        }
        Ok(())
    }

    /// Waits until a checkpoint is due for the reader at a position; pending for ever if checkpoints are not wanted.
    pub(super) async fn checkpoint_due(&mut self, position: Position) {
        while self.due(position).is_none() {
            let Some(newest) = &mut self.checkpoints else { return std::future::pending().await };
            if newest.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// The newest checkpoint, if the reader has reached it and has not received it.
    fn due(&mut self, position: Position) -> Option<Arc<SignedCheckpoint>> {
        let newest = self.checkpoints.as_mut()?.borrow_and_update().clone()?;
        let size = newest.unverified().size;
        (size <= position.get() && self.told != Some(size)).then_some(newest)
    }
}

/// A checkpoint with the proof that the log up to a position continues it.
async fn continued(
    reads: &Reads,
    network: &Network,
    checkpoint: Arc<SignedCheckpoint>,
    position: Position,
) -> Result<v1::CheckpointUpdate, Failure> {
    let (network, size) = (network.clone(), checkpoint.unverified().size);
    let proof = reads.run(move || network.consistency_proof(size, position.get())).await?;
    Ok(v1::CheckpointUpdate {
        checkpoint: checkpoint.to_string(),
        hashes: proof.hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
    })
}
