//! Administration facts from the wire, with their rules.

use super::{
    fact::{organisation, person, person_or_none},
    fields::Fields,
    fixed, time,
};
use crate::{
    event::{Administration, Grant, Policy, RemovedPlugin, Role},
    id::{CaseReference, CertificateUri, EventId, MemberId, RecordsReason, TokenId},
    invalid::{Invalid, Problem, check_count, check_text_or_empty},
    limits,
};
use kith_proto::v1;

/// Reads a role from the wire; `None` for unspecified and unknown numbers.
pub(crate) fn role_from_proto(number: i32) -> Option<Role> {
    match v1::Role::try_from(number).ok()? {
        v1::Role::Unspecified => None,
        v1::Role::Reader => Some(Role::Reader),
        v1::Role::Recorder => Some(Role::Recorder),
        v1::Role::Analyst => Some(Role::Analyst),
        v1::Role::Auditor => Some(Role::Auditor),
        v1::Role::RecordsOfficer => Some(Role::RecordsOfficer),
        v1::Role::Owner => Some(Role::Owner),
        v1::Role::Operator => Some(Role::Operator),
    }
}

/// Reads the fact of an event's field; `None` if no administration fact has that number.
pub(super) fn administration(number: u32, fields: &mut Fields<'_>) -> Result<Option<Administration>, Invalid> {
    let text = |field: &str, text: &str| {
        check_text_or_empty(field, text, limits::ADMINISTRATION_TEXT_BYTES_MAX).map(|()| text.to_owned())
    };
    Ok(Some(match number {
        24 => Administration::PluginInstalled {
            name: text("event.plugin_installed.name", fields.text(1)?)?,
            version: text("event.plugin_installed.version", fields.text(2)?)?,
            component: digest("event.plugin_installed.component", fields.bytes(3)?)?,
            settings: settings("event.plugin_installed.settings", fields.text(4)?)?,
        },
        25 => Administration::PluginActivated {
            name: text("event.plugin_activated.name", fields.text(1)?)?,
            version: text("event.plugin_activated.version", fields.text(2)?)?,
            component: digest("event.plugin_activated.component", fields.bytes(3)?)?,
        },
        26 => Administration::PluginPaused {
            name: text("event.plugin_paused.name", fields.text(1)?)?,
            paused: fields.flag(2)?,
        },
        27 => Administration::PluginRemoved {
            plugin: removed_plugin(text("event.plugin_removed.name", fields.text(1)?)?, fields.bytes(2)?)?,
        },
        28 => member_changed(fields)?,
        29 => token_issued(fields)?,
        30 => {
            Administration::TokenRevoked { token: TokenId::parse_field(fields.text(1)?, "event.token_revoked.token")? }
        }
        31 => Administration::PersonErased {
            person: person("event.person_erased.person", fields.text(1)?)?,
            reason: RecordsReason::parse_field(fields.text(2)?, "event.person_erased.reason")?,
            reference: reference("event.person_erased.reference", fields.text(3)?)?,
        },
        32 => Administration::ErasureCompleted {
            person: person("event.erasure_completed.person", fields.text(1)?)?,
            erasure: EventId::parse_field(fields.bytes(2)?, "event.erasure_completed.erasure")?,
            details_erased: fields.unsigned(3)?,
            keys_destroyed: count("event.erasure_completed.keys_destroyed", fields.unsigned(4)?)?,
        },
        33 => Administration::HoldChanged {
            person: person("event.hold_changed.person", fields.text(1)?)?,
            held: fields.flag(2)?,
            reason: RecordsReason::parse_field(fields.text(3)?, "event.hold_changed.reason")?,
            reference: CaseReference::parse_field(fields.text(4)?, "event.hold_changed.reference")?,
        },
        34 => Administration::LogRestored {
            incarnation: fixed("event.log_restored.incarnation", fields.bytes(1)?, "16 bytes")?,
            lost_head: fields.unsigned(2)?,
            lost_root: digest("event.log_restored.lost_root", fields.bytes(3)?)?,
            unverified: fields.flag(4)?,
        },
        37 => Administration::DetailsErased {
            event: EventId::parse_field(fields.bytes(1)?, "event.details_erased.event")?,
            details: indexes("event.details_erased.details", fields.packed(2)?)?,
            reason: RecordsReason::parse_field(fields.text(3)?, "event.details_erased.reason")?,
            reference: reference("event.details_erased.reference", fields.text(4)?)?,
        },
        38 => Administration::PolicyChanged {
            policy: Policy {
                random_ids: fields.flag(1)?,
                token_attributes: fields.flag(2)?,
                replica_days: replica_days(fields.unsigned(3)?)?,
            },
        },
        _ => return Ok(None),
    }))
}

fn member_changed(fields: &mut Fields<'_>) -> Result<Administration, Invalid> {
    let member = MemberId::parse_field(fields.text(1)?, "event.member_changed.principal")?;
    let role = role_or_none("event.member_changed.role", fields.small(2)?)?;
    let organisation = organisation("event.member_changed.organisation", fields.text(3)?)?;
    let identity = match fields.text(4)? {
        "" => None,
        text => Some(CertificateUri::parse_field(text, "event.member_changed.identity")?),
    };
    let needs_identity = role.is_some() && member.person().is_none();
    if role.is_none() && organisation.is_some() {
        let wrong = Problem::MustBe("empty where the membership ends");
        return Err(Invalid::new("event.member_changed.organisation", wrong));
    }
    if needs_identity != identity.is_some() {
        let wrong = Problem::MustBe("the URI in the certificate of a service, and empty for people and at the end");
        return Err(Invalid::new("event.member_changed.identity", wrong));
    }
    Ok(Administration::MemberChanged { member, role, organisation, identity })
}

fn token_issued(fields: &mut Fields<'_>) -> Result<Administration, Invalid> {
    let token = TokenId::parse_field(fields.text(1)?, "event.token_issued.token")?;
    let role = role_or_none("event.token_issued.role", fields.small(2)?)?;
    let person = person_or_none("event.token_issued.person", fields.text(3)?)?;
    let organisation = organisation("event.token_issued.organisation", fields.text(4)?)?;
    let expires_at = time("event.token_issued.expires_at", fields.message(5)?)?;
    let secret_digest = digest_or_none("event.token_issued.secret_digest", fields.bytes(6)?)?;
    let grant = match (role, fields.flag(7)?) {
        (Some(role), false) => Grant::Role(role),
        (Some(role), true) => Grant::Invitation(role),
        (None, false) => Grant::Membership,
        (None, true) => return Err(Invalid::new("event.token_issued.role", Problem::Missing)),
    };
    let (has_role, of_member) = (matches!(grant, Grant::Role(_)), grant == Grant::Membership);
    if !has_role && person.is_none() {
        return Err(Invalid::new("event.token_issued.person", Problem::Missing));
    }
    if of_member && organisation.is_some() {
        let wrong = Problem::MustBe("empty for a token of a member, which has the organisation of the membership");
        return Err(Invalid::new("event.token_issued.organisation", wrong));
    }
    Ok(Administration::TokenIssued { token, grant, person, organisation, expires_at, secret_digest })
}

fn replica_days(days: u64) -> Result<u32, Invalid> {
    let max = limits::POLICY_REPLICA_DAYS_MAX;
    let days = u32::try_from(days).ok().filter(|days| *days <= max);
    days.ok_or_else(|| Invalid::new("event.policy_changed.replica_days", Problem::MustBe("at most 3650")))
}

fn reference(field: &str, text: &str) -> Result<Option<CaseReference>, Invalid> {
    if text.is_empty() { Ok(None) } else { CaseReference::parse_field(text, field).map(Some) }
}

fn count(field: &str, count: u64) -> Result<u32, Invalid> {
    u32::try_from(count).map_err(|_| Invalid::new(field, Problem::MustBe("a number of 32 bits")))
}

/// Indexes of details, ascending.
fn indexes(field: &str, numbers: Vec<u64>) -> Result<Vec<u32>, Invalid> {
    check_count(field, numbers.len(), 1, limits::DETAILS_MAX)?;
    if !numbers.is_sorted_by(|one, next| one < next) {
        return Err(Invalid::new(field, Problem::Unsorted));
    }
    let index = |number: u64| u32::try_from(number).ok().filter(|index| (*index as usize) < limits::DETAILS_MAX);
    let indexes = numbers.into_iter().map(index).collect::<Option<_>>();
    indexes.ok_or_else(|| Invalid::new(field, Problem::MustBe("an index among the event's details")))
}

fn removed_plugin(name: String, installed: &[u8]) -> Result<RemovedPlugin, Invalid> {
    if installed.is_empty() {
        let is_named = !name.is_empty();
        return if is_named {
            Ok(RemovedPlugin::Named(name))
        } else {
            Err(Invalid::new("event.plugin_removed.name", Problem::Missing))
        };
    }
    let id = EventId::parse_field(installed, "event.plugin_removed.installed")?;
    if name.is_empty() {
        Ok(RemovedPlugin::Installed(id))
    } else {
        Err(Invalid::new("event.plugin_removed.name", Problem::MustBe("empty where the installation is named")))
    }
}

fn digest(field: &str, bytes: &[u8]) -> Result<[u8; 32], Invalid> {
    fixed(field, bytes, "a SHA-256 digest of 32 bytes")
}

fn digest_or_none(field: &str, bytes: &[u8]) -> Result<Option<[u8; 32]>, Invalid> {
    if bytes.is_empty() { Ok(None) } else { digest(field, bytes).map(Some) }
}

fn settings(field: &str, text: &str) -> Result<String, Invalid> {
    check_text_or_empty(field, text, limits::SETTINGS_BYTES_MAX)?;
    Ok(text.to_owned())
}

/// Reads a role in a network.
fn role_or_none(field: &str, number: i32) -> Result<Option<Role>, Invalid> {
    match role_from_proto(number) {
        None if number == 0 => Ok(None),
        Some(Role::Operator) | None => Err(Invalid::new(field, Problem::MustBe("a role in a network"))),
        Some(role) => Ok(Some(role)),
    }
}
