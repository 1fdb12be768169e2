//! Proof: what is true is accepted, and nothing that was altered is.

use super::{append::connected, bytes::vectors};
use crate::case::{Case, Talk, equal, items, table};
use anyhow::{Result, ensure};
use kith_core::checkpoint::{Growth, Receipt, SignedCheckpoint, VerifierKey};
use kith_tests::events::met;
use serde_json::{Value, json};

const PROOFS: &[&str] = &["proofs"];
/// Every so many bytes one is altered, which lies in each part of the texts.
const STEP: usize = 7;

pub(super) fn cases() -> Vec<Case> {
    table(
        "proof",
        &[
            ("entries are in trees of every shape", PROOFS, entries_are_in_trees_of_every_shape),
            ("an altered proof of an entry", PROOFS, an_altered_proof_of_an_entry),
            ("trees continue smaller ones", PROOFS, trees_continue_smaller_ones),
            ("an altered proof of growth", PROOFS, an_altered_proof_of_growth),
            ("signed notes", PROOFS, signed_notes),
            ("the key of another log", PROOFS, the_key_of_another_log),
            ("an altered note", PROOFS, an_altered_note),
            ("an altered key", PROOFS, an_altered_key),
            ("a receipt", PROOFS, a_receipt),
            ("an altered receipt", PROOFS, an_altered_receipt),
            ("a growth", PROOFS, a_growth),
            ("an altered growth", PROOFS, an_altered_growth),
            ("a growth from another checkpoint", PROOFS, a_growth_from_another_checkpoint),
            ("weak keys", PROOFS, weak_keys),
            ("a server's checkpoint, receipt and growth", PROOFS, a_servers_proofs),
        ],
    )
}

fn refused() -> Value {
    json!({ "kind": "not_verified", "retryable": false })
}

fn proofs(name: &str) -> Vec<Value> {
    vectors()[name].as_array().cloned().unwrap_or_default()
}

fn inclusion(vector: &Value) -> Value {
    let mut command = vector.clone();
    command["do"] = "verify_inclusion".into();
    command["entry"] = hex::encode(format!("entry {}", vector["index"])).into();
    command
}

fn consistency(vector: &Value) -> Value {
    let mut command = vector.clone();
    command["do"] = "verify_consistency".into();
    command
}

fn entries_are_in_trees_of_every_shape(talk: &mut Talk) -> Result<()> {
    for vector in proofs("inclusion") {
        talk.ask(inclusion(&vector))?;
    }
    Ok(())
}

/// Proofs with one hash altered, one missing, one too many, and another root.
fn altered(command: &Value, root: &str) -> Result<Vec<Value>> {
    let hashes = items(command, "hashes")?;
    let mut all = vec![json!({ root: flipped(&command[root]) })];
    for at in 0..hashes.len() {
        let mut other = hashes.to_vec();
        other[at] = flipped(&other[at]);
        all.push(json!({ "hashes": other }));
        let mut fewer = hashes.to_vec();
        fewer.remove(at);
        all.push(json!({ "hashes": fewer }));
    }
    let mut more = hashes.to_vec();
    more.push(json!("00".repeat(32)));
    all.push(json!({ "hashes": more }));
    Ok(all)
}

fn flipped(hex: &Value) -> Value {
    let mut bytes = hex::decode(hex.as_str().unwrap_or_default()).unwrap_or_default();
    bytes[5] ^= 0x10;
    hex::encode(bytes).into()
}

fn with(command: &Value, change: &Value) -> Value {
    let mut command = command.clone();
    for (name, value) in change.as_object().into_iter().flatten() {
        command[name] = value.clone();
    }
    command
}

fn an_altered_proof_of_an_entry(talk: &mut Talk) -> Result<()> {
    for vector in proofs("inclusion").iter().step_by(5) {
        let command = inclusion(vector);
        for change in altered(&command, "root")? {
            talk.fails_with(with(&command, &change), &refused())?;
        }
        talk.fails_with(with(&command, &json!({ "entry": hex::encode("entry 5000") })), &refused())?;
    }
    Ok(())
}

fn trees_continue_smaller_ones(talk: &mut Talk) -> Result<()> {
    for vector in proofs("consistency") {
        talk.ask(consistency(&vector))?;
    }
    Ok(())
}

fn an_altered_proof_of_growth(talk: &mut Talk) -> Result<()> {
    let grown = |vector: &&Value| vector["from"] != 0 && vector["from"] != vector["to"];
    for vector in proofs("consistency").iter().filter(grown).step_by(4) {
        let command = consistency(vector);
        for change in altered(&command, "to_root")? {
            talk.fails_with(with(&command, &change), &refused())?;
        }
        talk.fails_with(with(&command, &json!({ "from_root": flipped(&command["from_root"]) })), &refused())?;
    }
    Ok(())
}

/// A text of the vectors.
fn note(name: &str) -> String {
    vectors()["notes"][name].as_str().unwrap_or_default().to_owned()
}

fn verify_note(name: &str) -> Value {
    json!({ "do": "verify_note", "note": note(name), "key": note("key") })
}

fn verify_receipt() -> Value {
    json!({ "do": "verify_receipt", "receipt": note("receipt"), "key": note("key") })
}

fn verify_growth() -> Value {
    json!({ "do": "verify_growth", "growth": note("growth"), "earlier": note("earlier"), "key": note("key") })
}

fn key() -> Result<VerifierKey> {
    Ok(note("key").parse()?)
}

fn signed_notes(talk: &mut Talk) -> Result<()> {
    for name in ["earlier", "later", "cosigned"] {
        let signed = SignedCheckpoint::parse(&note(name))?;
        let checkpoint = signed.verify(&key()?)?;
        let expected = json!({
            "origin": checkpoint.origin.as_str(),
            "size": checkpoint.size,
            "root": hex::encode(checkpoint.root.as_bytes()),
        });
        equal(&talk.ask(verify_note(name))?, &expected)?;
    }
    Ok(())
}

fn the_key_of_another_log(talk: &mut Talk) -> Result<()> {
    talk.fails_with(with(&verify_note("later"), &json!({ "key": note("other_key") })), &refused())?;
    talk.ask(with(&verify_note("cosigned"), &json!({ "key": note("other_key") }))).map(drop)
}

/// Checks that no text in which a byte is another is accepted in the place of a part of a command.
fn no_altered_byte(talk: &mut Talk, command: &Value, part: &str) -> Result<()> {
    let text = command[part].as_str().unwrap_or_default();
    for at in (0..text.len()).step_by(STEP) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1 << (at % 7);
        let Ok(other) = String::from_utf8(bytes) else { continue };
        talk.fails_with(with(command, &json!({ part: other })), &refused())?;
    }
    talk.fails_with(with(command, &json!({ part: text[..text.len() - 1] })), &refused())?;
    talk.fails_with(with(command, &json!({ part: "" })), &refused()).map(drop)
}

fn an_altered_note(talk: &mut Talk) -> Result<()> {
    no_altered_byte(talk, &verify_note("later"), "note")
}

fn an_altered_key(talk: &mut Talk) -> Result<()> {
    no_altered_byte(talk, &verify_note("later"), "key")
}

fn a_receipt(talk: &mut Talk) -> Result<()> {
    let entry = Receipt::parse(&note("receipt"))?.verify(&key()?)?;
    let event = entry.event()?;
    let expected = json!({
        "position": entry.position.get(),
        "id": event.id.to_string(),
        "kind": event.kind().to_string(),
        "recorded_by": entry.recorded_by.as_str(),
    });
    equal(&talk.ask(verify_receipt())?, &expected)
}

fn an_altered_receipt(talk: &mut Talk) -> Result<()> {
    no_altered_byte(talk, &verify_receipt(), "receipt")
}

fn a_growth(talk: &mut Talk) -> Result<()> {
    talk.ask(verify_growth()).map(drop)
}

fn an_altered_growth(talk: &mut Talk) -> Result<()> {
    no_altered_byte(talk, &verify_growth(), "growth")
}

fn a_growth_from_another_checkpoint(talk: &mut Talk) -> Result<()> {
    talk.fails_with(with(&verify_growth(), &json!({ "earlier": note("later") })), &refused()).map(drop)
}

/// Points of small order: with such a key anything can be signed.
const WEAK: [&str; 3] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
];

fn weak_keys(talk: &mut Talk) -> Result<()> {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use sha2::{Digest, Sha256};
    for hex in WEAK {
        let typed = [&[1][..], &hex::decode(hex)?].concat();
        let id = Sha256::new().chain_update("kith/north/00\n").chain_update(&typed).finalize();
        let weak = format!("kith/north/00+{}+{}", hex::encode(&id[..4]), BASE64_STANDARD.encode(typed));
        ensure!(weak.parse::<VerifierKey>().is_err(), "the rule refuses it");
        talk.fails_with(with(&verify_note("later"), &json!({ "key": weak })), &refused())?;
    }
    Ok(())
}

fn a_servers_proofs(talk: &mut Talk) -> Result<()> {
    let village = connected(talk)?;
    let first = talk.ask(json!({ "do": "checkpoint", "on": "c" }))?;
    let event = met(&["amina", "ben"]);
    talk.world.record(&village, &[met(&["ben", "chidi"]), event.clone()]);
    let key: VerifierKey = first["key"].as_str().unwrap_or_default().parse()?;
    let earlier = SignedCheckpoint::parse(first["note"].as_str().unwrap_or_default())?;
    ensure!(earlier.verify(&key)?.size == 6, "the checkpoint is of another size");
    let command = json!({ "do": "receipt", "on": "c", "event": event.id.to_string(), "key": first["key"] });
    let receipt = talk.ask(command.clone())?;
    let entry = Receipt::parse(receipt["receipt"].as_str().unwrap_or_default())?.verify(&key)?;
    ensure!(entry.position.get() == 8 && entry.event()?.id == event.id, "the receipt is of another entry");
    let growth = talk.ask(json!({ "do": "growth", "on": "c", "earlier": first["note"], "key": first["key"] }))?;
    Growth::parse(growth["growth"].as_str().unwrap_or_default())?.verify(&earlier, &key)?;
    talk.fails_with(with(&command, &json!({ "key": note("key") })), &refused()).map(drop)
}
