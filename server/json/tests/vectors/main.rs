//! Vectors for other languages: bytes of events, refusals, reasons, proofs and notes, each computed by this program.
//!
//! `tests/fixtures/vectors.json` is what this test computes, byte for byte. After a change that is meant to be seen,
//! `KITH_VECTORS_TO=tests/fixtures/vectors.json cargo test --workspace --all-features --test vectors` writes it anew.
//! Bytes are hexadecimal.

mod events;
mod proofs;
mod refused;

use kith_core::reason::{self, Reason, meaning};
use serde_json::{Value, json};
use std::path::PathBuf;

#[test]
fn vectors_are_those_of_the_fixture() {
    let vectors = json!({
        "events": events::events(),
        "refused": refused::refused(),
        "reasons": reasons(),
        "inclusion": proofs::inclusion(),
        "consistency": proofs::consistency(),
        "notes": proofs::notes(),
    });
    let text = format!("{}\n", serde_json::to_string_pretty(&vectors).unwrap());
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    if let Some(to) = std::env::var_os("KITH_VECTORS_TO") {
        std::fs::write(root.join(to), &text).unwrap();
    }
    let fixture = std::fs::read_to_string(root.join("tests/fixtures/vectors.json")).unwrap();
    assert!(text == fixture, "the vectors changed: if that is meant, write them anew as the head of this file says");
}

/// What every reason means.
fn reasons() -> Vec<Value> {
    let all = (0..=i32::from(u8::MAX)).filter_map(|number| Reason::try_from(number).ok());
    let meant = all.map(|reason| {
        let meaning = meaning(reason);
        json!({
            "number": reason as i32,
            "name": reason::name(reason),
            "code": meaning.code as i32,
            "is_retryable": meaning.is_retryable,
            "had_no_effect": meaning.had_no_effect,
        })
    });
    meant.collect()
}
