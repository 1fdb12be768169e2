//! Details: personal words beside an event. They are written without salts, and read with or without.

use crate::{
    name::{detail_kind_name, take_detail_kind},
    value::Value,
    values::{self, ids},
};
use kith_core::{
    detail::{Detail, DetailKind},
    id::PersonId,
    invalid::Invalid,
    limits::DETAIL_SALT_BYTES,
};
use serde_json::json;

/// A list of details, each `{"kind", "subjects", "text"}`, as [`read_record`](crate::read_record) reads them.
pub fn details_json(details: &[Detail]) -> serde_json::Value {
    details.iter().map(detail_json).collect()
}

/// A detail: `{"kind", "subjects", "text"}`.
pub fn detail_json(detail: &Detail) -> serde_json::Value {
    json!({ "kind": detail_kind_name(detail.kind), "subjects": ids(&detail.subjects), "text": detail.text })
}

/// A detail whose salt may be missing.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    kind: DetailKind,
    subjects: Vec<PersonId>,
    text: String,
    /// The salt, if the record gives one.
    pub(crate) salt: Option<[u8; DETAIL_SALT_BYTES]>,
}

impl Draft {
    /// The detail with a salt.
    pub(crate) fn salted(self, salt: [u8; DETAIL_SALT_BYTES]) -> Detail {
        Detail { kind: self.kind, subjects: self.subjects, text: self.text, salt }
    }
}

/// Reads details. Subjects are sorted here.
pub(crate) fn read_drafts(values: Vec<Value>) -> Result<Vec<Draft>, Invalid> {
    values.into_iter().map(read_draft).collect()
}

fn read_draft(value: Value) -> Result<Draft, Invalid> {
    let mut fields = value.object()?;
    let kind = take_detail_kind(&mut fields)?;
    let subjects = fields.need("subjects")?.list()?.into_iter();
    let subjects = subjects.map(|subject| values::id(subject, PersonId::parse_field));
    let mut subjects = subjects.collect::<Result<Vec<_>, _>>()?;
    subjects.sort_unstable();
    let text = fields.need("text")?.text()?;
    let salt = fields.take("salt").map(|value| values::bytes(value, "32 random bytes")).transpose()?;
    fields.finish()?;
    Ok(Draft { kind, subjects, text, salt })
}
