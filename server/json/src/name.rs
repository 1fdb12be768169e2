//! Names of enums: those of `kith.v1`, in lower case and without the enum's prefix.
//!
//! They are read in upper or lower case, with or without the prefix.

use crate::value::Object;
use kith_core::{
    detail::DetailKind,
    event::{Answer, RetractionReason, Role, Scope},
    invalid::{Invalid, Problem},
};
use std::borrow::Cow;

/// A scope's name: `network` or `organisation`.
pub fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Network => "network",
        Scope::Organisation => "organisation",
    }
}

/// Takes the name of a scope, which has no default.
pub(crate) fn take_scope(fields: &mut Object) -> Result<Scope, Invalid> {
    choice(fields, "scope", "SCOPE_", &[Scope::Network, Scope::Organisation], scope_name, "network or organisation")
}

/// An answer's name: `accepted`, `declined` or `met`.
pub fn answer_name(answer: Answer) -> &'static str {
    match answer {
        Answer::Accepted => "accepted",
        Answer::Declined => "declined",
        Answer::Met => "met",
    }
}

/// Takes the name of an answer.
pub(crate) fn take_answer(fields: &mut Object) -> Result<Answer, Invalid> {
    let answers = [Answer::Accepted, Answer::Declined, Answer::Met];
    choice(fields, "answer", "ANSWER_", &answers, answer_name, "accepted, declined or met")
}

/// The name of a reason to retract: `mistake`, `duplicate`, `consent` or `other`.
pub fn retraction_reason_name(reason: RetractionReason) -> &'static str {
    match reason {
        RetractionReason::Mistake => "mistake",
        RetractionReason::Duplicate => "duplicate",
        RetractionReason::Consent => "consent",
        RetractionReason::Other => "other",
    }
}

/// Takes the name of a reason to retract.
pub(crate) fn take_retraction_reason(fields: &mut Object) -> Result<RetractionReason, Invalid> {
    let reasons =
        [RetractionReason::Mistake, RetractionReason::Duplicate, RetractionReason::Consent, RetractionReason::Other];
    let rule = "mistake, duplicate, consent or other";
    choice(fields, "reason", "RETRACTION_REASON_", &reasons, retraction_reason_name, rule)
}

/// The name of a kind of detail, such as `note`; `newer:N` for one of a later version, which cannot be read back.
pub(crate) fn detail_kind_name(kind: DetailKind) -> Cow<'static, str> {
    kind.name()
}

/// Takes the name of a kind of detail.
pub(crate) fn take_detail_kind(fields: &mut Object) -> Result<DetailKind, Invalid> {
    let kinds = [DetailKind::Name, DetailKind::Contact, DetailKind::Note, DetailKind::Place, DetailKind::Words];
    choice(fields, "kind", "DETAIL_KIND_", &kinds, detail_kind_name, "name, contact, note, place or words")
}

/// A role's name, such as `records-officer`.
pub fn role_name(role: Role) -> &'static str {
    role.as_str()
}

/// The one of several choices that a required field names. Where it is missing, the error lists them, too.
fn choice<T: Copy, N: AsRef<str>>(
    fields: &mut Object,
    field: &str,
    prefix: &str,
    all: &[T],
    name_of: impl Fn(T) -> N,
    rule: &'static str,
) -> Result<T, Invalid> {
    let invalid = Invalid::new(fields.path_of(field), Problem::MustBe(rule));
    let Some(value) = fields.take(field) else { return Err(invalid) };
    let name = value.text()?;
    let short = name.strip_prefix(prefix).unwrap_or(&name).to_lowercase();
    all.iter().copied().find(|one| name_of(*one).as_ref() == short).ok_or(invalid)
}
