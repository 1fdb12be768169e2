//! Administration facts from the wire, with their rules.

use super::{
    fact::{organisation, person, person_or_none},
    fixed, scope, time,
};
use crate::{
    event::{Administration, Role},
    id::{EventId, TokenId},
    invalid::{Invalid, Problem, check_text_or_empty},
    limits,
};
use kith_proto::v1;

/// Reads a role from the wire; `None` for unspecified and unknown numbers.
pub(crate) fn role_from_proto(number: i32) -> Option<Role> {
    role_or_none("role", number).ok().flatten()
}

/// Reads a fact that is none of those that clients record.
pub(super) fn administration(proto: &v1::event::Fact) -> Result<Administration, Invalid> {
    use v1::event::Fact as Proto;
    let text = |field: &str, text: &str| {
        check_text_or_empty(field, text, limits::ADMINISTRATION_TEXT_BYTES_MAX).map(|()| text.to_owned())
    };
    let digest = |field: &str, bytes: &[u8]| fixed(field, bytes, "a SHA-256 digest of 32 bytes");
    Ok(match proto {
        Proto::PluginInstalled(plugin) => {
            let field = "event.plugin_installed.settings";
            check_text_or_empty(field, &plugin.settings, limits::SETTINGS_BYTES_MAX)?;
            Administration::PluginInstalled {
                name: text("event.plugin_installed.name", &plugin.name)?,
                version: text("event.plugin_installed.version", &plugin.version)?,
                component: digest("event.plugin_installed.component", &plugin.component)?,
                settings: plugin.settings.clone(),
                scope: scope("event.plugin_installed.scope", plugin.scope)?,
            }
        }
        Proto::PluginActivated(plugin) => Administration::PluginActivated {
            name: text("event.plugin_activated.name", &plugin.name)?,
            version: text("event.plugin_activated.version", &plugin.version)?,
            component: digest("event.plugin_activated.component", &plugin.component)?,
        },
        Proto::PluginPaused(plugin) => Administration::PluginPaused {
            name: text("event.plugin_paused.name", &plugin.name)?,
            paused: plugin.paused,
        },
        Proto::PluginRemoved(plugin) => {
            Administration::PluginRemoved { name: text("event.plugin_removed.name", &plugin.name)? }
        }
        Proto::MemberChanged(member) => Administration::MemberChanged {
            principal: text("event.member_changed.principal", &member.principal)?,
            role: role_or_none("event.member_changed.role", member.role)?,
            organisation: organisation("event.member_changed.organisation", &member.organisation)?,
        },
        Proto::TokenIssued(token) => Administration::TokenIssued {
            token: TokenId::parse_field(&token.token, "event.token_issued.token")?,
            role: role_or_none("event.token_issued.role", token.role)?
                .ok_or_else(|| Invalid::new("event.token_issued.role", Problem::Missing))?,
            person: person_or_none("event.token_issued.person", &token.person)?,
            organisation: organisation("event.token_issued.organisation", &token.organisation)?,
            expires_at: token.expires_at.as_ref().map(|at| time("event.token_issued.expires_at", at)).transpose()?,
        },
        Proto::TokenRevoked(token) => {
            Administration::TokenRevoked { token: TokenId::parse_field(&token.token, "event.token_revoked.token")? }
        }
        Proto::PersonErased(erased) => Administration::PersonErased {
            person: person("event.person_erased.person", &erased.person)?,
            ground: text("event.person_erased.ground", &erased.ground)?,
        },
        Proto::ErasureCompleted(erased) => Administration::ErasureCompleted {
            person: person("event.erasure_completed.person", &erased.person)?,
            erasure: EventId::parse_field(&erased.erasure, "event.erasure_completed.erasure")?,
        },
        Proto::HoldChanged(hold) => Administration::HoldChanged {
            person: person("event.hold_changed.person", &hold.person)?,
            held: hold.held,
            reason: text("event.hold_changed.reason", &hold.reason)?,
        },
        Proto::LogRestored(restored) => Administration::LogRestored {
            incarnation: fixed("event.log_restored.incarnation", &restored.incarnation, "16 bytes")?,
            lost_head: restored.lost_head,
            lost_root: digest("event.log_restored.lost_root", &restored.lost_root)?,
        },
        Proto::Met(_)
        | Proto::FollowedUp(_)
        | Proto::Asked(_)
        | Proto::Helped(_)
        | Proto::Referred(_)
        | Proto::Answered(_)
        | Proto::Custom(_)
        | Proto::Retracted(_)
        | Proto::OrganisationAdded(_)
        | Proto::PersonAdded(_)
        | Proto::PersonChanged(_)
        | Proto::PeopleMerged(_) => unreachable!("the caller matched these facts"),
    })
}

fn role_or_none(field: &str, number: i32) -> Result<Option<Role>, Invalid> {
    match v1::Role::try_from(number) {
        Ok(v1::Role::Unspecified) => Ok(None),
        Ok(v1::Role::Reader) => Ok(Some(Role::Reader)),
        Ok(v1::Role::Recorder) => Ok(Some(Role::Recorder)),
        Ok(v1::Role::Analyst) => Ok(Some(Role::Analyst)),
        Ok(v1::Role::Auditor) => Ok(Some(Role::Auditor)),
        Ok(v1::Role::RecordsOfficer) => Ok(Some(Role::RecordsOfficer)),
        Ok(v1::Role::Owner) => Ok(Some(Role::Owner)),
        Err(_) => Err(Invalid::new(field, Problem::MustBe("a role"))),
    }
}
