//! What is refused before it is sent: each rule and limit, with the reason, the field and the words of the server.

use super::bytes::vectors;
use crate::case::Case;
use serde_json::json;

pub(super) fn cases() -> Vec<Case> {
    let vectors = vectors();
    let refused = vectors["refused"].as_array().expect("there are refusals");
    refused
        .iter()
        .enumerate()
        .map(|(at, vector)| {
            let (vector, field) = (vector.clone(), vector["field"].as_str().unwrap_or_default());
            Case::new(format!("refused: {field} {at}"), &[], move |talk| {
                let command = json!({ "do": "check", "event": vector["event"], "details": vector["details"] });
                let expected = json!({
                    "kind": "refused",
                    "reason": vector["reason"],
                    "field": vector["field"],
                    "message": vector["message"],
                    "retryable": false,
                    "had_no_effect": true,
                });
                talk.fails_with(command, &expected).map(drop)
            })
        })
        .collect()
}
