//! Details of records, whose salts may be missing.

use super::values;
use crate::json::Value;
use kith_core::{
    detail::{Detail, DetailKind},
    id::PersonId,
    invalid::Invalid,
    limits::DETAIL_SALT_BYTES,
};

/// A detail whose salt may be missing.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    kind: DetailKind,
    subjects: Vec<PersonId>,
    text: String,
    /// The salt, if the record gives one.
    pub(super) salt: Option<[u8; DETAIL_SALT_BYTES]>,
}

impl Draft {
    /// The detail with a salt.
    pub(super) fn salted(self, salt: [u8; DETAIL_SALT_BYTES]) -> Detail {
        Detail { kind: self.kind, subjects: self.subjects, text: self.text, salt }
    }
}

/// Reads details. Subjects are sorted here.
pub(super) fn drafts(values: Vec<Value>) -> Result<Vec<Draft>, Invalid> {
    values.into_iter().map(draft).collect()
}

fn draft(value: Value) -> Result<Draft, Invalid> {
    let mut fields = value.object()?;
    let kind = values::detail_kind(fields.need("kind")?)?;
    let subjects = fields.need("subjects")?.list()?.into_iter();
    let subjects = subjects.map(|subject| values::id(subject, PersonId::parse_field));
    let mut subjects = subjects.collect::<Result<Vec<_>, _>>()?;
    subjects.sort_unstable();
    let text = fields.need("text")?.text()?;
    let salt = fields.take("salt").map(|value| values::bytes(value, "32 random bytes")).transpose()?;
    fields.finish()?;
    Ok(Draft { kind, subjects, text, salt })
}
