//! People and organisations of a network's directory.

use kith_proto::v1::{Organisation, Person};
use serde_json::{Value, json};

/// A person: `{"id", "name", "organisation", "role", "handle", "position", "merged_into", "erased"}`, with `null`
/// for what is missing or may not be seen.
pub fn person_json(person: &Person) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "id": person.id,
        "name": given(&person.name),
        "organisation": given(&person.organisation),
        "role": given(&person.role),
        "handle": person.handle,
        "position": person.position,
        "merged_into": given(&person.merged_into),
        "erased": person.erased,
    })
}

/// An organisation: `{"id", "name", "position"}`.
pub fn organisation_json(organisation: &Organisation) -> Value {
    json!({ "id": organisation.id, "name": organisation.name, "position": organisation.position })
}
