//! Events to the wire.

use crate::{
    event::{
        Administration, Answer, Attribute, AttributeValue, DirectoryFact, Event, Fact, Grant, Habit, RemovedPlugin,
        RetractionReason, Role, Scope,
    },
    id::{EventId, PersonId},
    timestamp::Timestamp,
};
use kith_proto::v1;
use prost::Message;

/// The canonical bytes of an event.
pub(crate) fn encode_event(event: &Event) -> Vec<u8> {
    with_newer(event, event_to_proto(event).encode_to_vec())
}

/// The canonical bytes of an event without salt and commitments.
pub(crate) fn encode_content(event: &Event) -> Vec<u8> {
    let content = v1::Event { salt: Vec::new(), details: Vec::new(), ..event_to_proto(event) };
    with_newer(event, content.encode_to_vec())
}

/// Adds a fact that has no message in this version; facts come last, because their numbers are above all others.
fn with_newer(event: &Event, mut bytes: Vec<u8>) -> Vec<u8> {
    if let Fact::Newer(newer) = &event.fact {
        prost::encoding::bytes::encode(newer.number, &newer.bytes, &mut bytes);
    }
    bytes
}

fn event_to_proto(event: &Event) -> v1::Event {
    v1::Event {
        id: event.id.as_bytes().to_vec(),
        occurred_at: Some(event.occurred_at.to_proto()),
        scope: scope_to_proto(event.scope).into(),
        caused_by: event.caused_by.iter().map(|id| id.as_bytes().to_vec()).collect(),
        attributes: event.attributes.iter().map(attribute_to_proto).collect(),
        salt: event.salt.to_vec(),
        details: event.details.iter().map(|commitment| commitment.to_vec()).collect(),
        fact: fact_to_proto(&event.fact),
    }
}

pub(crate) fn scope_to_proto(scope: Scope) -> v1::Scope {
    match scope {
        Scope::Network => v1::Scope::Network,
        Scope::Organisation => v1::Scope::Organisation,
    }
}

fn attribute_to_proto(attribute: &Attribute) -> v1::Attribute {
    use v1::attribute::Value;
    let value = match &attribute.value {
        AttributeValue::Text(text) => Value::Text(text.clone()),
        AttributeValue::Integer(integer) => Value::Integer(*integer),
        AttributeValue::Number(number) => Value::Number(*number),
        AttributeValue::Flag(flag) => Value::Flag(*flag),
    };
    v1::Attribute { key: attribute.key.clone(), value: Some(value) }
}

fn strings(ids: &[PersonId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn text_or_empty<T: ToString>(id: Option<&T>) -> String {
    id.map(ToString::to_string).unwrap_or_default()
}

fn bytes_or_empty(id: Option<&EventId>) -> Vec<u8> {
    id.map(|id| id.as_bytes().to_vec()).unwrap_or_default()
}

fn fact_to_proto(fact: &Fact) -> Option<v1::event::Fact> {
    use v1::event::Fact as Proto;
    Some(match fact {
        Fact::Habit(habit) => habit_to_proto(habit),
        Fact::Custom(custom) => {
            Proto::Custom(v1::Custom { r#type: custom.type_name.clone(), people: strings(&custom.people) })
        }
        Fact::Retracted(retracted) => Proto::Retracted(v1::Retracted {
            event: retracted.event.as_bytes().to_vec(),
            reason: match retracted.reason {
                RetractionReason::Mistake => v1::RetractionReason::Mistake,
                RetractionReason::Duplicate => v1::RetractionReason::Duplicate,
                RetractionReason::Consent => v1::RetractionReason::Consent,
                RetractionReason::Other => v1::RetractionReason::Other,
            }
            .into(),
        }),
        Fact::Directory(change) => directory_to_proto(change),
        Fact::Administration(administration) => administration_to_proto(administration),
        Fact::Newer(_) => return None,
    })
}

fn habit_to_proto(habit: &Habit) -> v1::event::Fact {
    use v1::event::Fact as Proto;
    match habit {
        Habit::Met(met) => Proto::Met(v1::Met { people: strings(&met.people) }),
        Habit::FollowedUp(followed) => Proto::FollowedUp(v1::FollowedUp {
            by: followed.by.to_string(),
            with: strings(&followed.with),
            about: bytes_or_empty(followed.about.as_ref()),
        }),
        Habit::Asked(asked) => Proto::Asked(v1::Asked {
            by: asked.by.to_string(),
            of: strings(&asked.of),
            category: asked.category.to_string(),
        }),
        Habit::Helped(helped) => Proto::Helped(v1::Helped {
            helper: helped.helper.to_string(),
            helped: helped.helped.to_string(),
            category: text_or_empty(helped.category.as_ref()),
            about: bytes_or_empty(helped.about.as_ref()),
        }),
        Habit::Referred(referred) => Proto::Referred(v1::Referred {
            referrer: referred.referrer.to_string(),
            person: referred.person.to_string(),
            to: referred.to.to_string(),
        }),
        Habit::Answered(answered) => Proto::Answered(v1::Answered {
            referral: answered.referral.as_bytes().to_vec(),
            by: answered.by.to_string(),
            answer: match answered.answer {
                Answer::Accepted => v1::Answer::Accepted,
                Answer::Declined => v1::Answer::Declined,
                Answer::Met => v1::Answer::Met,
            }
            .into(),
        }),
    }
}

fn directory_to_proto(change: &DirectoryFact) -> v1::event::Fact {
    use v1::event::Fact as Proto;
    match change {
        DirectoryFact::OrganisationAdded(added) => Proto::OrganisationAdded(v1::OrganisationAdded {
            organisation: added.organisation.to_string(),
            name: added.name.clone(),
        }),
        DirectoryFact::PersonAdded(added) => Proto::PersonAdded(v1::PersonAdded {
            person: added.person.to_string(),
            organisation: text_or_empty(added.organisation.as_ref()),
            role: added.role.clone(),
        }),
        DirectoryFact::PersonChanged(changed) => Proto::PersonChanged(v1::PersonChanged {
            person: changed.person.to_string(),
            organisation: text_or_empty(changed.organisation.as_ref()),
            role: changed.role.clone(),
        }),
        DirectoryFact::PeopleMerged(merge) => {
            Proto::PeopleMerged(v1::PeopleMerged { kept: merge.kept.to_string(), merged: merge.merged.to_string() })
        }
    }
}

/// The wire form of a role.
pub(crate) fn role_to_proto(role: Role) -> v1::Role {
    match role {
        Role::Reader => v1::Role::Reader,
        Role::Recorder => v1::Role::Recorder,
        Role::Analyst => v1::Role::Analyst,
        Role::Auditor => v1::Role::Auditor,
        Role::RecordsOfficer => v1::Role::RecordsOfficer,
        Role::Owner => v1::Role::Owner,
        Role::Operator => v1::Role::Operator,
    }
}

fn plugin_removed(plugin: RemovedPlugin) -> v1::PluginRemoved {
    match plugin {
        RemovedPlugin::Named(name) => v1::PluginRemoved { name, installed: Vec::new() },
        RemovedPlugin::Installed(id) => v1::PluginRemoved { name: String::new(), installed: id.as_bytes().to_vec() },
    }
}

fn administration_to_proto(administration: &Administration) -> v1::event::Fact {
    use v1::event::Fact as Proto;
    match administration.clone() {
        Administration::PluginInstalled { name, version, component, settings } => {
            Proto::PluginInstalled(v1::PluginInstalled { name, version, component: component.to_vec(), settings })
        }
        Administration::PluginActivated { name, version, component } => {
            Proto::PluginActivated(v1::PluginActivated { name, version, component: component.to_vec() })
        }
        Administration::PluginPaused { name, paused } => Proto::PluginPaused(v1::PluginPaused { name, paused }),
        Administration::PluginRemoved { plugin } => Proto::PluginRemoved(plugin_removed(plugin)),
        Administration::MemberChanged { member, role, organisation, identity } => {
            Proto::MemberChanged(v1::MemberChanged {
                principal: member.to_string(),
                role: role.map_or(v1::Role::Unspecified, role_to_proto).into(),
                organisation: text_or_empty(organisation.as_ref()),
                identity: text_or_empty(identity.as_ref()),
            })
        }
        Administration::TokenIssued { token, grant, person, organisation, expires_at, secret_digest } => {
            Proto::TokenIssued(v1::TokenIssued {
                token: token.to_string(),
                role: grant.role().map_or(v1::Role::Unspecified, role_to_proto).into(),
                invitation: matches!(grant, Grant::Invitation(_)),
                person: text_or_empty(person.as_ref()),
                organisation: text_or_empty(organisation.as_ref()),
                expires_at: expires_at.map(Timestamp::to_proto),
                secret_digest: secret_digest.map(|digest| digest.to_vec()).unwrap_or_default(),
            })
        }
        Administration::PolicyChanged { policy } => Proto::PolicyChanged(policy.to_proto()),
        Administration::TokenRevoked { token } => Proto::TokenRevoked(v1::TokenRevoked { token: token.to_string() }),
        Administration::PersonErased { person, reason, reference } => Proto::PersonErased(v1::PersonErased {
            person: person.to_string(),
            reason: reason.to_string(),
            reference: text_or_empty(reference.as_ref()),
        }),
        Administration::ErasureCompleted { person, erasure, details_erased, keys_destroyed } => {
            Proto::ErasureCompleted(v1::ErasureCompleted {
                person: person.to_string(),
                erasure: erasure.as_bytes().to_vec(),
                details_erased,
                keys_destroyed,
            })
        }
        Administration::HoldChanged { person, held, reason, reference } => Proto::HoldChanged(v1::HoldChanged {
            person: person.to_string(),
            held,
            reason: reason.to_string(),
            reference: reference.to_string(),
        }),
        Administration::DetailsErased { event, details, reason, reference } => {
            Proto::DetailsErased(v1::DetailsErased {
                event: event.as_bytes().to_vec(),
                details,
                reason: reason.to_string(),
                reference: text_or_empty(reference.as_ref()),
            })
        }
        Administration::LogRestored { incarnation, lost_head, lost_root, unverified } => {
            Proto::LogRestored(v1::LogRestored {
                incarnation: incarnation.to_vec(),
                lost_head,
                lost_root: lost_root.to_vec(),
                unverified,
            })
        }
    }
}
