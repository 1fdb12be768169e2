//! Facts from the wire, with their rules.

use super::administration;
use crate::{
    event::{
        Answer, Answered, Asked, Custom, Fact, FollowedUp, Helped, Met, OrganisationAdded, PeopleMerged, PersonAdded,
        PersonChanged, Referred, Retracted, RetractionReason,
    },
    id::{Category, EventId, OrganisationId, PersonId},
    invalid::{Invalid, Problem, check_count, check_text, check_text_or_empty, check_unique},
    limits,
};
use kith_proto::v1;

/// Reads a fact.
pub(super) fn fact(proto: &v1::event::Fact) -> Result<Fact, Invalid> {
    use v1::event::Fact as Proto;
    Ok(match proto {
        Proto::Met(met) => Fact::Met(Met { people: people("event.met.people", &met.people, 2, limits::PEOPLE_MAX)? }),
        Proto::FollowedUp(followed) => Fact::FollowedUp(followed_up(followed)?),
        Proto::Asked(asked) => Fact::Asked(self::asked(asked)?),
        Proto::Helped(helped) => Fact::Helped(self::helped(helped)?),
        Proto::Referred(referred) => Fact::Referred(self::referred(referred)?),
        Proto::Answered(answered) => Fact::Answered(Answered {
            referral: EventId::parse_field(&answered.referral, "event.answered.referral")?,
            by: person("event.answered.by", &answered.by)?,
            answer: answer(answered.answer)?,
        }),
        Proto::Custom(custom) => Fact::Custom(self::custom(custom)?),
        Proto::Retracted(retracted) => Fact::Retracted(Retracted {
            event: EventId::parse_field(&retracted.event, "event.retracted.event")?,
            reason: retraction_reason(retracted.reason)?,
        }),
        Proto::OrganisationAdded(added) => {
            let field = "event.organisation_added.name";
            check_text(field, &added.name, limits::ORGANISATION_NAME_BYTES_MAX)?;
            Fact::OrganisationAdded(OrganisationAdded {
                organisation: OrganisationId::parse_field(
                    &added.organisation,
                    "event.organisation_added.organisation",
                )?,
                name: added.name.clone(),
            })
        }
        Proto::PersonAdded(added) => Fact::PersonAdded(PersonAdded {
            person: person("event.person_added.person", &added.person)?,
            organisation: organisation("event.person_added.organisation", &added.organisation)?,
            role: person_role("event.person_added.role", &added.role)?,
        }),
        Proto::PersonChanged(changed) => Fact::PersonChanged(PersonChanged {
            person: person("event.person_changed.person", &changed.person)?,
            organisation: organisation("event.person_changed.organisation", &changed.organisation)?,
            role: person_role("event.person_changed.role", &changed.role)?,
        }),
        Proto::PeopleMerged(merge) => {
            let kept = person("event.people_merged.kept", &merge.kept)?;
            let merged = person("event.people_merged.merged", &merge.merged)?;
            differ("event.people_merged", &[&kept, &merged])?;
            Fact::PeopleMerged(PeopleMerged { kept, merged })
        }
        administration => Fact::Administration(administration::administration(administration)?),
    })
}

pub(super) fn person(field: &str, id: &str) -> Result<PersonId, Invalid> {
    PersonId::parse_field(id, field)
}

pub(super) fn organisation(field: &str, id: &str) -> Result<Option<OrganisationId>, Invalid> {
    if id.is_empty() {
        return Ok(None);
    }
    OrganisationId::parse_field(id, field).map(Some)
}

pub(super) fn person_or_none(field: &str, id: &str) -> Result<Option<PersonId>, Invalid> {
    if id.is_empty() {
        return Ok(None);
    }
    person(field, id).map(Some)
}

fn person_role(field: &str, role: &str) -> Result<String, Invalid> {
    check_text_or_empty(field, role, limits::PERSON_ROLE_BYTES_MAX)?;
    Ok(role.to_owned())
}

fn people(field: &str, ids: &[String], min: usize, max: usize) -> Result<Vec<PersonId>, Invalid> {
    check_count(field, ids.len(), min, max)?;
    let people = ids.iter().map(|id| person(field, id)).collect::<Result<Vec<_>, _>>()?;
    check_unique(field, &people)?;
    Ok(people)
}

fn others(field: &str, ids: &[String], by: &PersonId) -> Result<Vec<PersonId>, Invalid> {
    let others = people(field, ids, 1, limits::OTHERS_MAX)?;
    if others.contains(by) {
        return Err(Invalid::new(field, Problem::Repeated(by.to_string())));
    }
    Ok(others)
}

fn differ(field: &str, people: &[&PersonId]) -> Result<(), Invalid> {
    check_unique(field, people)
}

fn event_or_none(field: &str, id: &[u8]) -> Result<Option<EventId>, Invalid> {
    if id.is_empty() {
        return Ok(None);
    }
    EventId::parse_field(id, field).map(Some)
}

fn followed_up(proto: &v1::FollowedUp) -> Result<FollowedUp, Invalid> {
    let by = person("event.followed_up.by", &proto.by)?;
    Ok(FollowedUp {
        with: others("event.followed_up.with", &proto.with, &by)?,
        about: event_or_none("event.followed_up.about", &proto.about)?,
        by,
    })
}

fn asked(proto: &v1::Asked) -> Result<Asked, Invalid> {
    let by = person("event.asked.by", &proto.by)?;
    Ok(Asked {
        of: others("event.asked.of", &proto.of, &by)?,
        category: Category::parse_field(&proto.category, "event.asked.category")?,
        by,
    })
}

fn helped(proto: &v1::Helped) -> Result<Helped, Invalid> {
    let category = match proto.category.as_str() {
        "" => None,
        text => Some(Category::parse_field(text, "event.helped.category")?),
    };
    let fact = Helped {
        helper: person("event.helped.helper", &proto.helper)?,
        helped: person("event.helped.helped", &proto.helped)?,
        category,
        about: event_or_none("event.helped.about", &proto.about)?,
    };
    differ("event.helped", &[&fact.helper, &fact.helped])?;
    Ok(fact)
}

fn referred(proto: &v1::Referred) -> Result<Referred, Invalid> {
    let referrer = person("event.referred.referrer", &proto.referrer)?;
    let person_ = person("event.referred.person", &proto.person)?;
    let to = person("event.referred.to", &proto.to)?;
    differ("event.referred", &[&referrer, &person_, &to])?;
    Ok(Referred { referrer, person: person_, to })
}

fn custom(proto: &v1::Custom) -> Result<Custom, Invalid> {
    let field = "event.custom.type";
    check_text(field, &proto.r#type, limits::CUSTOM_TYPE_BYTES_MAX)?;
    if !is_custom_type(&proto.r#type) {
        return Err(Invalid::new(field, Problem::MustBe("such as org.example/visit.v1")));
    }
    Ok(Custom {
        type_name: proto.r#type.clone(),
        people: people("event.custom.people", &proto.people, 0, limits::PEOPLE_MAX)?,
    })
}

/// Whether text is a custom type's name: `[a-z0-9._-]+/[a-z0-9._-]+`, at most 64 bytes.
pub(crate) fn is_custom_type(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
    };
    text.len() <= limits::CUSTOM_TYPE_BYTES_MAX
        && text.split_once('/').is_some_and(|(domain, name)| part(domain) && part(name))
}

fn answer(number: i32) -> Result<Answer, Invalid> {
    let field = "event.answered.answer";
    match v1::Answer::try_from(number) {
        Ok(v1::Answer::Accepted) => Ok(Answer::Accepted),
        Ok(v1::Answer::Declined) => Ok(Answer::Declined),
        Ok(v1::Answer::Met) => Ok(Answer::Met),
        Ok(v1::Answer::Unspecified) => Err(Invalid::new(field, Problem::Missing)),
        Err(_) => Err(Invalid::new(field, Problem::MustBe("accepted, declined or met"))),
    }
}

fn retraction_reason(number: i32) -> Result<RetractionReason, Invalid> {
    use v1::RetractionReason as Proto;
    let field = "event.retracted.reason";
    match Proto::try_from(number) {
        Ok(Proto::Mistake) => Ok(RetractionReason::Mistake),
        Ok(Proto::Duplicate) => Ok(RetractionReason::Duplicate),
        Ok(Proto::Consent) => Ok(RetractionReason::Consent),
        Ok(Proto::Other) => Ok(RetractionReason::Other),
        Ok(Proto::Unspecified) => Err(Invalid::new(field, Problem::Missing)),
        Err(_) => Err(Invalid::new(field, Problem::MustBe("mistake, duplicate, consent or other"))),
    }
}
