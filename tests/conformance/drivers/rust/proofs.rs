//! Verification, which asks nobody.

use crate::{
    answers::{Failure, not_verified},
    commands::{bytes, list, number, text},
};
use kith_core::{
    checkpoint::{Growth, Receipt, SignedCheckpoint, VerifierKey},
    tree::{self, Hash, leaf_hash},
};
use serde_json::{Value, json};

pub(crate) fn verify_note(command: &Value) -> Result<Value, Failure> {
    let signed = SignedCheckpoint::parse(text(command, "note")).map_err(not_verified)?;
    let checkpoint = signed.verify(&key(command)?).map_err(not_verified)?;
    Ok(json!({
        "origin": checkpoint.origin.as_str(),
        "size": checkpoint.size,
        "root": hex::encode(checkpoint.root.as_bytes()),
    }))
}

pub(crate) fn verify_inclusion(command: &Value) -> Result<Value, Failure> {
    let leaf = leaf_hash(&bytes(&command["entry"]));
    let [index, size] = ["index", "size"].map(|name| number(command, name).expect("proofs have it"));
    let checked = tree::verify_inclusion(leaf, index, size, &hashes(command)?, hash(&command["root"])?);
    checked.map_err(not_verified)?;
    Ok(json!({}))
}

pub(crate) fn verify_consistency(command: &Value) -> Result<Value, Failure> {
    let [from, to] = ["from", "to"].map(|name| number(command, name).expect("proofs have it"));
    let [from_root, to_root] = [hash(&command["from_root"])?, hash(&command["to_root"])?];
    tree::verify_consistency(from, from_root, to, to_root, &hashes(command)?).map_err(not_verified)?;
    Ok(json!({}))
}

pub(crate) fn verify_receipt(command: &Value) -> Result<Value, Failure> {
    let receipt = Receipt::parse(text(command, "receipt")).map_err(not_verified)?;
    let entry = receipt.verify(&key(command)?).map_err(not_verified)?;
    let event = entry.event().map_err(not_verified)?;
    Ok(json!({
        "position": entry.position.get(),
        "id": event.id.to_string(),
        "kind": event.kind().to_string(),
        "recorded_by": entry.recorded_by.as_str(),
    }))
}

pub(crate) fn verify_growth(command: &Value) -> Result<Value, Failure> {
    let growth = Growth::parse(text(command, "growth")).map_err(not_verified)?;
    let earlier = SignedCheckpoint::parse(text(command, "earlier")).map_err(not_verified)?;
    growth.verify(&earlier, &key(command)?).map_err(not_verified)?;
    Ok(json!({}))
}

/// The log's key.
pub(crate) fn key(command: &Value) -> Result<VerifierKey, Failure> {
    text(command, "key").parse().map_err(not_verified)
}

fn hash(value: &Value) -> Result<Hash, Failure> {
    Hash::try_from(bytes(value).as_slice()).map_err(not_verified)
}

fn hashes(command: &Value) -> Result<Vec<Hash>, Failure> {
    list(command, "hashes").iter().map(hash).collect()
}
