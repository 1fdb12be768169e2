//! Administration facts from the wire, with their rules.

use super::{
    fact::{organisation, person, person_or_none},
    fields::Fields,
    fixed, time,
};
use crate::{
    event::{Administration, RemovedPlugin, Role},
    id::{CaseReference, EventId, RecordsReason, TokenId},
    invalid::{Invalid, Problem, check_count, check_text_or_empty},
    limits,
};
use kith_proto::v1;

/// Reads a role from the wire; `None` for unspecified and unknown numbers.
pub(crate) fn role_from_proto(number: i32) -> Option<Role> {
    role_or_none("role", number).ok().flatten()
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
        28 => Administration::MemberChanged {
            principal: text("event.member_changed.principal", fields.text(1)?)?,
            role: role_or_none("event.member_changed.role", fields.small(2)?)?,
            organisation: organisation("event.member_changed.organisation", fields.text(3)?)?,
        },
        29 => Administration::TokenIssued {
            token: TokenId::parse_field(fields.text(1)?, "event.token_issued.token")?,
            role: role_or_none("event.token_issued.role", fields.small(2)?)?
                .ok_or_else(|| Invalid::new("event.token_issued.role", Problem::Missing))?,
            person: person_or_none("event.token_issued.person", fields.text(3)?)?,
            organisation: organisation("event.token_issued.organisation", fields.text(4)?)?,
            expires_at: time("event.token_issued.expires_at", fields.message(5)?)?,
            secret_digest: digest_or_none("event.token_issued.secret_digest", fields.bytes(6)?)?,
        },
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
        _ => return Ok(None),
    }))
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
