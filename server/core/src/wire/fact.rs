//! Facts from the wire, with their rules.

use super::{administration::administration, fields::Fields};
use crate::{
    event::{
        Answer, Answered, Asked, Custom, DirectoryFact, Fact, FollowedUp, Habit, Helped, Met, Newer, OrganisationAdded,
        PeopleMerged, PersonAdded, PersonChanged, Referred, Retracted, RetractionReason,
    },
    id::{Category, EventId, OrganisationId, PersonId},
    invalid::{Invalid, Problem, check_count, check_text, check_text_or_empty, check_unique},
    limits,
};
use kith_proto::v1;

/// Reads the fact of an event, its only remaining field.
pub(super) fn fact(event: &mut Fields<'_>) -> Result<Fact, Invalid> {
    let missing = || Invalid::new("event.fact", Problem::Missing);
    let number = event.peek().ok_or_else(missing)?;
    let fields = event.message(number)?.ok_or_else(missing)?;
    match known(number, fields) {
        Ok(Some(fact)) => Ok(fact),
        Ok(None) | Err(_) if fields.is_of_later_version() => {
            Ok(Fact::Newer(Newer { number, bytes: fields.rest().to_vec() }))
        }
        Ok(None) => Err(missing()),
        Err(invalid) => Err(invalid),
    }
}

/// Reads the fact of an event's field; `None` if no known fact has that number.
fn known(number: u32, mut fields: Fields<'_>) -> Result<Option<Fact>, Invalid> {
    let fact = match number {
        8 => Fact::Habit(Habit::Met(Met {
            people: people("event.met.people", &fields.texts(1)?, 2, limits::PEOPLE_MAX)?,
        })),
        9 => Fact::Habit(Habit::FollowedUp(followed_up(&mut fields)?)),
        10 => Fact::Habit(Habit::Asked(asked(&mut fields)?)),
        11 => Fact::Habit(Habit::Helped(helped(&mut fields)?)),
        12 => Fact::Habit(Habit::Referred(referred(&mut fields)?)),
        13 => Fact::Habit(Habit::Answered(answered(&mut fields)?)),
        14 => Fact::Custom(custom(&mut fields)?),
        15 => Fact::Retracted(retracted(&mut fields)?),
        16 => Fact::Directory(DirectoryFact::OrganisationAdded(organisation_added(&mut fields)?)),
        17 => Fact::Directory(DirectoryFact::PersonAdded(person_added(&mut fields)?)),
        18 => Fact::Directory(DirectoryFact::PersonChanged(person_changed(&mut fields)?)),
        19 => Fact::Directory(DirectoryFact::PeopleMerged(people_merged(&mut fields)?)),
        number => match administration(number, &mut fields)? {
            Some(fact) => Fact::Administration(fact),
            None => return Ok(None),
        },
    };
    fields.end()?;
    Ok(Some(fact))
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

fn people(field: &str, ids: &[&str], min: usize, max: usize) -> Result<Vec<PersonId>, Invalid> {
    check_count(field, ids.len(), min, max)?;
    let people = ids.iter().map(|id| person(field, id)).collect::<Result<Vec<_>, _>>()?;
    check_unique(field, &people)?;
    Ok(people)
}

fn others(field: &str, ids: &[&str], by: &PersonId) -> Result<Vec<PersonId>, Invalid> {
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

fn followed_up(fields: &mut Fields<'_>) -> Result<FollowedUp, Invalid> {
    let by = person("event.followed_up.by", fields.text(1)?)?;
    Ok(FollowedUp {
        with: others("event.followed_up.with", &fields.texts(2)?, &by)?,
        about: event_or_none("event.followed_up.about", fields.bytes(3)?)?,
        by,
    })
}

fn asked(fields: &mut Fields<'_>) -> Result<Asked, Invalid> {
    let by = person("event.asked.by", fields.text(1)?)?;
    Ok(Asked {
        of: others("event.asked.of", &fields.texts(2)?, &by)?,
        category: Category::parse_field(fields.text(3)?, "event.asked.category")?,
        by,
    })
}

fn helped(fields: &mut Fields<'_>) -> Result<Helped, Invalid> {
    let fact = Helped {
        helper: person("event.helped.helper", fields.text(1)?)?,
        helped: person("event.helped.helped", fields.text(2)?)?,
        category: match fields.text(3)? {
            "" => None,
            text => Some(Category::parse_field(text, "event.helped.category")?),
        },
        about: event_or_none("event.helped.about", fields.bytes(4)?)?,
    };
    differ("event.helped", &[&fact.helper, &fact.helped])?;
    Ok(fact)
}

fn referred(fields: &mut Fields<'_>) -> Result<Referred, Invalid> {
    let referrer = person("event.referred.referrer", fields.text(1)?)?;
    let person_ = person("event.referred.person", fields.text(2)?)?;
    let to = person("event.referred.to", fields.text(3)?)?;
    differ("event.referred", &[&referrer, &person_, &to])?;
    Ok(Referred { referrer, person: person_, to })
}

fn answered(fields: &mut Fields<'_>) -> Result<Answered, Invalid> {
    Ok(Answered {
        referral: EventId::parse_field(fields.bytes(1)?, "event.answered.referral")?,
        by: person("event.answered.by", fields.text(2)?)?,
        answer: answer(fields.small(3)?)?,
    })
}

fn custom(fields: &mut Fields<'_>) -> Result<Custom, Invalid> {
    let (field, type_name) = ("event.custom.type", fields.text(1)?);
    check_text(field, type_name, limits::CUSTOM_TYPE_BYTES_MAX)?;
    if !is_custom_type(type_name) {
        return Err(Invalid::new(field, Problem::MustBe("such as org.example/visit.v1")));
    }
    Ok(Custom {
        type_name: type_name.to_owned(),
        people: people("event.custom.people", &fields.texts(2)?, 0, limits::PEOPLE_MAX)?,
    })
}

fn retracted(fields: &mut Fields<'_>) -> Result<Retracted, Invalid> {
    Ok(Retracted {
        event: EventId::parse_field(fields.bytes(1)?, "event.retracted.event")?,
        reason: retraction_reason(fields.small(2)?)?,
    })
}

fn organisation_added(fields: &mut Fields<'_>) -> Result<OrganisationAdded, Invalid> {
    let organisation = OrganisationId::parse_field(fields.text(1)?, "event.organisation_added.organisation")?;
    let name = fields.text(2)?;
    check_text("event.organisation_added.name", name, limits::ORGANISATION_NAME_BYTES_MAX)?;
    Ok(OrganisationAdded { organisation, name: name.to_owned() })
}

fn person_added(fields: &mut Fields<'_>) -> Result<PersonAdded, Invalid> {
    Ok(PersonAdded {
        person: person("event.person_added.person", fields.text(1)?)?,
        organisation: organisation("event.person_added.organisation", fields.text(2)?)?,
        role: person_role("event.person_added.role", fields.text(3)?)?,
    })
}

fn person_changed(fields: &mut Fields<'_>) -> Result<PersonChanged, Invalid> {
    Ok(PersonChanged {
        person: person("event.person_changed.person", fields.text(1)?)?,
        organisation: organisation("event.person_changed.organisation", fields.text(2)?)?,
        role: person_role("event.person_changed.role", fields.text(3)?)?,
    })
}

fn people_merged(fields: &mut Fields<'_>) -> Result<PeopleMerged, Invalid> {
    let kept = person("event.people_merged.kept", fields.text(1)?)?;
    let merged = person("event.people_merged.merged", fields.text(2)?)?;
    differ("event.people_merged", &[&kept, &merged])?;
    Ok(PeopleMerged { kept, merged })
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
