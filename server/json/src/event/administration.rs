//! Facts of administration: written but never read, because only the server records them.

use crate::{name::role_name, time::time_text, values::text};
use kith_core::event::{Administration, Grant, Policy, RemovedPlugin};
use serde_json::json;

/// Every fact that only the server records.
pub(super) const ADMINISTRATION: [&str; 13] = [
    "plugin_installed",
    "plugin_activated",
    "plugin_paused",
    "plugin_removed",
    "member_changed",
    "token_issued",
    "token_revoked",
    "policy_changed",
    "person_erased",
    "erasure_completed",
    "hold_changed",
    "details_erased",
    "log_restored",
];

/// The field of a fact of administration and its content: `null` for empty values.
pub(super) fn administration_json(administration: &Administration) -> (&'static str, serde_json::Value) {
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
        Administration::MemberChanged { member, role, organisation, identity } => (
            "member_changed",
            json!({
                "principal": member.to_string(),
                "role": role.map(role_name),
                "organisation": text(organisation.as_ref()),
                "identity": text(identity.as_ref()),
            }),
        ),
        Administration::PolicyChanged { policy: Policy { random_ids, token_attributes, replica_days } } => (
            "policy_changed",
            json!({ "random_ids": random_ids, "token_attributes": token_attributes, "replica_days": replica_days }),
        ),
        Administration::TokenIssued { token, grant, person, organisation, expires_at, secret_digest } => (
            "token_issued",
            json!({
                "token": token.as_str(),
                "role": grant.role().map(role_name),
                "invitation": matches!(grant, Grant::Invitation(_)),
                "person": text(person.as_ref()),
                "organisation": text(organisation.as_ref()),
                "expires_at": expires_at.map(time_text),
                "secret_digest": secret_digest.map(hex::encode),
            }),
        ),
        Administration::TokenRevoked { token } => ("token_revoked", json!({ "token": token.as_str() })),
        Administration::PersonErased { person, reason, reference } => (
            "person_erased",
            json!({
                "person": person.as_str(),
                "reason": reason.as_str(),
                "reference": text(reference.as_ref()),
            }),
        ),
        Administration::ErasureCompleted { person, erasure, details_erased, keys_destroyed } => (
            "erasure_completed",
            json!({
                "person": person.as_str(),
                "erasure": erasure.to_string(),
                "details_erased": details_erased,
                "keys_destroyed": keys_destroyed,
            }),
        ),
        Administration::HoldChanged { person, held, reason, reference } => (
            "hold_changed",
            json!({
                "person": person.as_str(),
                "held": held,
                "reason": reason.as_str(),
                "reference": reference.as_str(),
            }),
        ),
        Administration::DetailsErased { event, details, reason, reference } => (
            "details_erased",
            json!({
                "event": event.to_string(),
                "details": details,
                "reason": reason.as_str(),
                "reference": text(reference.as_ref()),
            }),
        ),
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
