//! Events and entries as output: JSON whose event can be recorded again, and sentences for people.

use crate::{dates::show_time, people::Names};
use kith_client::Recorded;
use kith_core::{
    detail::{Detail, DetailKind},
    event::{
        Administration, Answer, Attribute, AttributeValue, DirectoryFact, Event, Fact, Habit, RemovedPlugin,
        RetractionReason, Role, Scope,
    },
    id::PersonId,
};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// An entry as JSON: what is asked for most often first, then the event in full.
pub(crate) fn entry_json(recorded: &Recorded) -> Map<String, Value> {
    let Recorded { entry, event, details, .. } = recorded;
    object(json!({
        "position": entry.position.get(),
        "id": event.id.to_string(),
        "kind": event.kind().to_string(),
        "occurred_at": show_time(event.occurred_at),
        "recorded_at": show_time(entry.recorded_at),
        "recorded_by": entry.recorded_by.as_str(),
        "organisation": entry.organisation.as_ref().map(ToString::to_string),
        "scope": scope_name(event.scope),
        "people": ids(&event.people().into_iter().cloned().collect::<Vec<_>>()),
        "event": event_json(event),
        "details": details_json(details),
    }))
}

/// The fields of an object that was just written down.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("only objects are taken apart"),
    }
}

/// An event as `kith record` reads it, without salt and commitments: they are not part of its content.
pub(crate) fn event_json(event: &Event) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), event.id.to_string().into());
    object.insert("occurred_at".into(), show_time(event.occurred_at).into());
    object.insert("scope".into(), scope_name(event.scope).into());
    if !event.caused_by.is_empty() {
        object.insert("caused_by".into(), event.caused_by.iter().map(ToString::to_string).collect());
    }
    if !event.attributes.is_empty() {
        object.insert("attributes".into(), event.attributes.iter().map(attribute_json).collect());
    }
    let (name, fact) = fact_json(&event.fact);
    let given = self::object(fact).into_iter().filter(|(_, value)| !value.is_null());
    object.insert(name.into(), Value::Object(given.collect()));
    Value::Object(object)
}

fn attribute_json(attribute: &Attribute) -> Value {
    let key = &attribute.key;
    match &attribute.value {
        AttributeValue::Text(text) => json!({ "key": key, "text": text }),
        AttributeValue::Integer(integer) => json!({ "key": key, "integer": integer_json(*integer) }),
        AttributeValue::Number(number) => json!({ "key": key, "number": number }),
        AttributeValue::Flag(flag) => json!({ "key": key, "flag": flag }),
    }
}

/// The words of an event as `kith record` reads them.
pub(crate) fn details_json(details: &[Detail]) -> Value {
    details.iter().map(detail_json).collect()
}

/// A whole number as every reader of JSON gets it: beyond 2^53, where many round, as text, which proto3 JSON reads too.
fn integer_json(integer: i64) -> Value {
    const EXACT_MAX: u64 = 1 << 53;
    if integer.unsigned_abs() <= EXACT_MAX { integer.into() } else { integer.to_string().into() }
}

fn detail_json(detail: &Detail) -> Value {
    json!({ "kind": detail_kind_name(detail.kind), "subjects": ids(&detail.subjects), "text": detail.text })
}

fn ids(people: &[PersonId]) -> Vec<&str> {
    people.iter().map(PersonId::as_str).collect()
}

fn text<T: ToString>(id: Option<&T>) -> Option<String> {
    id.map(ToString::to_string)
}

fn fact_json(fact: &Fact) -> (&'static str, Value) {
    match fact {
        Fact::Habit(Habit::Met(met)) => ("met", json!({ "people": ids(&met.people) })),
        Fact::Habit(Habit::FollowedUp(followed)) => (
            "followed_up",
            json!({ "by": followed.by.as_str(), "with": ids(&followed.with), "about": text(followed.about.as_ref()) }),
        ),
        Fact::Habit(Habit::Asked(asked)) => {
            ("asked", json!({ "by": asked.by.as_str(), "of": ids(&asked.of), "category": asked.category.as_str() }))
        }
        Fact::Habit(Habit::Helped(helped)) => (
            "helped",
            json!({
                "helper": helped.helper.as_str(),
                "helped": helped.helped.as_str(),
                "category": text(helped.category.as_ref()),
                "about": text(helped.about.as_ref()),
            }),
        ),
        Fact::Habit(Habit::Referred(referred)) => (
            "referred",
            json!({
                "referrer": referred.referrer.as_str(),
                "person": referred.person.as_str(),
                "to": referred.to.as_str(),
            }),
        ),
        Fact::Habit(Habit::Answered(answered)) => (
            "answered",
            json!({
                "referral": answered.referral.to_string(),
                "by": answered.by.as_str(),
                "answer": answer_name(answered.answer),
            }),
        ),
        Fact::Custom(custom) => ("custom", json!({ "type": custom.type_name, "people": ids(&custom.people) })),
        Fact::Retracted(retracted) => (
            "retracted",
            json!({ "event": retracted.event.to_string(), "reason": retraction_reason_name(retracted.reason) }),
        ),
        Fact::Directory(DirectoryFact::OrganisationAdded(added)) => {
            ("organisation_added", json!({ "organisation": added.organisation.to_string(), "name": added.name }))
        }
        Fact::Directory(DirectoryFact::PersonAdded(added)) => (
            "person_added",
            json!({
                "person": added.person.as_str(),
                "organisation": text(added.organisation.as_ref()),
                "role": added.role,
            }),
        ),
        Fact::Directory(DirectoryFact::PersonChanged(changed)) => (
            "person_changed",
            json!({
                "person": changed.person.as_str(),
                "organisation": text(changed.organisation.as_ref()),
                "role": changed.role,
            }),
        ),
        Fact::Directory(DirectoryFact::PeopleMerged(merge)) => {
            ("people_merged", json!({ "kept": merge.kept.as_str(), "merged": merge.merged.as_str() }))
        }
        Fact::Administration(administration) => administration_json(administration),
        Fact::Newer(newer) => ("newer", json!({ "number": newer.number, "bytes": hex::encode(&newer.bytes) })),
    }
}

fn administration_json(administration: &Administration) -> (&'static str, Value) {
    match administration {
        Administration::PluginInstalled { name, version, component, settings } => (
            "plugin_installed",
            json!({
                "name": name,
                "version": version,
                "component": hex::encode(component),
                "settings": settings,
            }),
        ),
        Administration::PluginActivated { name, version, component } => {
            ("plugin_activated", json!({ "name": name, "version": version, "component": hex::encode(component) }))
        }
        Administration::PluginPaused { name, paused } => ("plugin_paused", json!({ "name": name, "paused": paused })),
        Administration::PluginRemoved { plugin } => (
            "plugin_removed",
            match plugin {
                RemovedPlugin::Named(name) => json!({ "name": name }),
                RemovedPlugin::Installed(id) => json!({ "installed": id.to_string() }),
            },
        ),
        Administration::MemberChanged { principal, role, organisation } => (
            "member_changed",
            json!({
                "principal": principal,
                "role": role.map(role_name),
                "organisation": text(organisation.as_ref()),
            }),
        ),
        Administration::TokenIssued { token, role, person, organisation, expires_at, secret_digest } => (
            "token_issued",
            json!({
                "token": token.as_str(),
                "role": role_name(*role),
                "person": text(person.as_ref()),
                "organisation": text(organisation.as_ref()),
                "expires_at": expires_at.map(show_time),
                "secret_digest": secret_digest.map(hex::encode),
            }),
        ),
        Administration::TokenRevoked { token } => ("token_revoked", json!({ "token": token.as_str() })),
        Administration::PersonErased { person, ground } => {
            ("person_erased", json!({ "person": person.as_str(), "ground": ground }))
        }
        Administration::ErasureCompleted { person, erasure } => {
            ("erasure_completed", json!({ "person": person.as_str(), "erasure": erasure.to_string() }))
        }
        Administration::HoldChanged { person, held, reason } => {
            ("hold_changed", json!({ "person": person.as_str(), "held": held, "reason": reason }))
        }
        Administration::LogRestored { incarnation, lost_head, lost_root, unverified } => (
            "log_restored",
            json!({
                "incarnation": hex::encode(incarnation),
                "lost_head": lost_head,
                "lost_root": hex::encode(lost_root),
                "unverified": unverified,
            }),
        ),
    }
}

/// What happened, in a few words.
pub(crate) fn sentence(event: &Event, names: &Names) -> String {
    let name = |person: &PersonId| names.of(person.as_str()).to_owned();
    let list = |people: &[PersonId]| people.iter().map(name).collect::<Vec<_>>().join(", ");
    match &event.fact {
        Fact::Habit(Habit::Met(met)) => list(&met.people),
        Fact::Habit(Habit::FollowedUp(followed)) => {
            let about = followed.about.map(|id| format!(" about {id}")).unwrap_or_default();
            format!("{} with {}{about}", name(&followed.by), list(&followed.with))
        }
        Fact::Habit(Habit::Asked(asked)) => {
            format!("{} asked {} for {}", name(&asked.by), list(&asked.of), asked.category)
        }
        Fact::Habit(Habit::Helped(helped)) => {
            let category = helped.category.as_ref().map(|category| format!(" with {category}")).unwrap_or_default();
            format!("{} helped {}{category}", name(&helped.helper), name(&helped.helped))
        }
        Fact::Habit(Habit::Referred(referred)) => {
            format!("{} introduced {} to {}", name(&referred.referrer), name(&referred.person), name(&referred.to))
        }
        Fact::Habit(Habit::Answered(answered)) => {
            format!("{}: {} to {}", name(&answered.by), answer_name(answered.answer), answered.referral)
        }
        Fact::Custom(custom) => list(&custom.people),
        Fact::Retracted(retracted) => {
            format!("{} because of {}", retracted.event, retraction_reason_name(retracted.reason))
        }
        Fact::Directory(DirectoryFact::OrganisationAdded(added)) => format!("{} ({})", added.name, added.organisation),
        Fact::Directory(DirectoryFact::PersonAdded(added)) => {
            belongs(&name(&added.person), &added.role, added.organisation.as_ref())
        }
        Fact::Directory(DirectoryFact::PersonChanged(changed)) => {
            belongs(&name(&changed.person), &changed.role, changed.organisation.as_ref())
        }
        Fact::Directory(DirectoryFact::PeopleMerged(merge)) => {
            format!("{} is {}", name(&merge.merged), name(&merge.kept))
        }
        Fact::Administration(administration) => administration_sentence(administration),
        Fact::Newer(_) => "recorded by a later version of Kith, which this one cannot read".to_owned(),
    }
}

fn belongs<T: ToString>(name: &str, role: &str, organisation: Option<&T>) -> String {
    let organisation = organisation.map(ToString::to_string).unwrap_or_default();
    let parts: Vec<&str> = [name, role, &organisation].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn administration_sentence(administration: &Administration) -> String {
    match administration {
        Administration::PluginInstalled { name, version, .. }
        | Administration::PluginActivated { name, version, .. } => format!("{name} {version}"),
        Administration::PluginPaused { name, paused } => {
            format!("{name} {}", if *paused { "paused" } else { "resumed" })
        }
        Administration::PluginRemoved { plugin: RemovedPlugin::Named(name) } => name.clone(),
        Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id) } => format!("installed by event {id}"),
        Administration::MemberChanged { principal, role, .. } => {
            format!("{principal} {}", role.map_or("left", role_name))
        }
        Administration::TokenIssued { token, role, .. } => format!("{token} for {}", role_name(*role)),
        Administration::TokenRevoked { token } => token.to_string(),
        Administration::PersonErased { person, .. } | Administration::ErasureCompleted { person, .. } => {
            person.to_string()
        }
        Administration::HoldChanged { person, held, .. } => {
            format!("{person} {}", if *held { "held" } else { "released" })
        }
        Administration::LogRestored { lost_head, unverified: false, .. } => {
            format!("{lost_head} entries were known before")
        }
        Administration::LogRestored { lost_head, unverified: true, .. } => {
            format!("from a backup that nobody vouches for, with {lost_head} entries; tokens of before are revoked")
        }
    }
}

/// A scope's name.
pub(crate) fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Network => "network",
        Scope::Organisation => "organisation",
    }
}

fn answer_name(answer: Answer) -> &'static str {
    match answer {
        Answer::Accepted => "accepted",
        Answer::Declined => "declined",
        Answer::Met => "met",
    }
}

fn retraction_reason_name(reason: RetractionReason) -> &'static str {
    match reason {
        RetractionReason::Mistake => "mistake",
        RetractionReason::Duplicate => "duplicate",
        RetractionReason::Consent => "consent",
        RetractionReason::Other => "other",
    }
}

/// A role's name on the command line.
pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Reader => "reader",
        Role::Recorder => "recorder",
        Role::Analyst => "analyst",
        Role::Auditor => "auditor",
        Role::RecordsOfficer => "records-officer",
        Role::Owner => "owner",
    }
}

fn detail_kind_name(kind: DetailKind) -> Cow<'static, str> {
    Cow::Borrowed(match kind {
        DetailKind::Name => "name",
        DetailKind::Contact => "contact",
        DetailKind::Note => "note",
        DetailKind::Place => "place",
        DetailKind::Words => "words",
        DetailKind::Newer(number) => return Cow::Owned(format!("newer:{number}")),
    })
}
