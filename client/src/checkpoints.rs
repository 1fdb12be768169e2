//! Signed checkpoints, receipts and proofs of growth, verified by the client before they are returned.
//!
//! Invariant: nothing here is taken on trust. What is returned verifies with the key returned beside it; compare that
//! key with one kept from before.

use crate::{client::Client, error::Error, proofs::hashes, retry::Repeat};
use kith_core::{
    checkpoint::{CheckpointInvalid, Growth, Receipt, SignedCheckpoint, VerifierKey},
    id::EventId,
    tree::{Hash, ProofInvalid, verify_consistency},
};
use kith_proto::v1;

/// A signed checkpoint with the key that verifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// The checkpoint.
    pub checkpoint: SignedCheckpoint,
    /// The log's public key, as reported by the server.
    pub key: VerifierKey,
    /// SHA-256 over the built-in plugins that the server answers with; empty if it does not say.
    pub builtins: Vec<u8>,
}

/// A checkpoint sent with a subscription, and the proof that what was read continues it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointUpdate {
    /// The checkpoint; its size is at most the update's position.
    pub checkpoint: SignedCheckpoint,
    /// Consistency proof from the checkpoint to the update's position (RFC 6962, 2.1.2).
    pub hashes: Vec<Hash>,
}

/// Why a checkpoint does not vouch for what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// It is not a checkpoint of this log signed by the key.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointInvalid),
    /// What was read does not continue it.
    #[error("what was read does not continue the checkpoint: {0}")]
    Proof(#[from] ProofInvalid),
}

impl CheckpointUpdate {
    pub(crate) fn from_proto(update: &v1::CheckpointUpdate) -> Result<Self, Error> {
        let checkpoint = SignedCheckpoint::parse(&update.checkpoint).map_err(Error::answer)?;
        Ok(Self { checkpoint, hashes: hashes(&update.hashes)? })
    }

    /// Checks that the key signed the checkpoint, and that the tree read so far, of this size and root, continues it.
    pub fn verify(&self, key: &VerifierKey, size: u64, root: Hash) -> Result<(), NotVouched> {
        let checkpoint = self.checkpoint.verify(key)?;
        Ok(verify_consistency(checkpoint.size, checkpoint.root, size, root, &self.hashes)?)
    }
}

impl Client {
    /// The signed head of the log. It verifies with the key beside it.
    pub async fn checkpoint(&self) -> Result<SignedHead, Error> {
        let request = v1::GetCheckpointRequest { network: self.network_name() };
        let audit = self.audit();
        let send = |request| {
            let mut audit = audit.clone();
            async move { audit.get_checkpoint(request).await }
        };
        let response = self.call(Repeat::Safe, request, send).await?;
        let checkpoint = SignedCheckpoint::parse(&response.checkpoint).map_err(Error::answer)?;
        let key: VerifierKey = response.key.parse().map_err(Error::answer)?;
        checkpoint.verify(&key).map_err(Error::unverified)?;
        Ok(SignedHead { checkpoint, key, builtins: response.builtins })
    }

    /// The receipt of an event: its entry, with the proof that it is covered by a checkpoint signed now.
    pub async fn receipt(&self, event: &EventId) -> Result<(Receipt, VerifierKey), Error> {
        let SignedHead { checkpoint, key, .. } = self.checkpoint().await?;
        let proof = self.prove_inclusion(event, checkpoint.unverified().size).await?;
        let index = proof.position.leaf_index().ok_or_else(|| Error::answer("an entry has no position"))?;
        let receipt = Receipt { entry: proof.entry, index, hashes: proof.hashes, checkpoint };
        receipt.verify(&key).map_err(Error::unverified)?;
        Ok((receipt, key))
    }

    /// The proof that the log, up to a checkpoint signed now, continues an earlier checkpoint.
    pub async fn growth(&self, earlier: &SignedCheckpoint) -> Result<(Growth, VerifierKey), Error> {
        let SignedHead { checkpoint, key, .. } = self.checkpoint().await?;
        let (from, to) = (earlier.unverified().size, checkpoint.unverified().size);
        if from > to {
            let shrunk = ProofInvalid::Shrunk { from_size: from, to_size: to };
            return Err(Error::unverified(shrunk));
        }
        let hashes = if to == 0 { Vec::new() } else { self.prove_consistency(from, to).await?.hashes };
        let growth = Growth { from, hashes, checkpoint };
        growth.verify(earlier, &key).map_err(Error::unverified)?;
        Ok((growth, key))
    }
}
