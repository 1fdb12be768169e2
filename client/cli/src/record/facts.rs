//! Facts of records: exactly one, of those that clients record.

use super::values::{self, id, id_or_none};
use crate::json::{Object, Value};
use kith_core::{
    event::{
        Answered, Asked, Custom, DirectoryFact, Fact, FollowedUp, Habit, Helped, Met, OrganisationAdded, PeopleMerged,
        PersonAdded, PersonChanged, Referred, Retracted,
    },
    id::{Category, EventId, OrganisationId, PersonId},
    invalid::{Invalid, Problem},
};

/// Reads a fact's fields.
type Reader = fn(&mut Object) -> Result<Fact, Invalid>;

/// Every fact that clients record, by its field.
const FACTS: [(&str, Reader); 12] = [
    ("met", met),
    ("followed_up", followed_up),
    ("asked", asked),
    ("helped", helped),
    ("referred", referred),
    ("answered", answered),
    ("custom", custom),
    ("retracted", retracted),
    ("organisation_added", organisation_added),
    ("person_added", person_added),
    ("person_changed", person_changed),
    ("people_merged", people_merged),
];

/// Every fact that only the server records.
const ADMINISTRATION: [&str; 11] = [
    "plugin_installed",
    "plugin_activated",
    "plugin_paused",
    "plugin_removed",
    "member_changed",
    "token_issued",
    "token_revoked",
    "person_erased",
    "erasure_completed",
    "hold_changed",
    "log_restored",
];

/// Takes the fact out of an event's fields.
pub(super) fn fact(event: &mut Object) -> Result<Fact, Invalid> {
    if let Some(value) = ADMINISTRATION.iter().find_map(|name| event.take(name)) {
        let rule = Problem::MustBe("left out: the server records administration itself");
        return Err(Invalid::new(value.path(), rule));
    }
    let mut found = FACTS.iter().filter_map(|(name, read)| Some((event.take(name)?, read)));
    match (found.next(), found.next()) {
        (Some((value, read)), None) => {
            let mut fields = value.object()?;
            let fact = read(&mut fields)?;
            fields.finish()?;
            Ok(fact)
        }
        _ => Err(Invalid::new("event", Problem::MustBe("an event with exactly one fact, such as met or helped"))),
    }
}

fn person(fields: &mut Object, name: &str) -> Result<PersonId, Invalid> {
    id(fields.need(name)?, PersonId::parse_field)
}

fn people(fields: &mut Object, name: &str) -> Result<Vec<PersonId>, Invalid> {
    let all = fields.list_or_empty(name)?.into_iter();
    all.map(|value: Value| id(value, PersonId::parse_field)).collect()
}

fn organisation(fields: &mut Object) -> Result<Option<OrganisationId>, Invalid> {
    id_or_none(fields.take("organisation"), OrganisationId::parse_field)
}

fn event_or_none(fields: &mut Object, name: &str) -> Result<Option<EventId>, Invalid> {
    id_or_none(fields.take(name), values::parse_event_id)
}

fn met(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Habit(Habit::Met(Met { people: people(fields, "people")? })))
}

fn followed_up(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Habit(Habit::FollowedUp(FollowedUp {
        by: person(fields, "by")?,
        with: people(fields, "with")?,
        about: event_or_none(fields, "about")?,
    })))
}

fn asked(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Habit(Habit::Asked(Asked {
        by: person(fields, "by")?,
        of: people(fields, "of")?,
        category: id(fields.need("category")?, Category::parse_field)?,
    })))
}

fn helped(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Habit(Habit::Helped(Helped {
        helper: person(fields, "helper")?,
        helped: person(fields, "helped")?,
        category: id_or_none(fields.take("category"), Category::parse_field)?,
        about: event_or_none(fields, "about")?,
    })))
}

fn referred(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Habit(Habit::Referred(Referred {
        referrer: person(fields, "referrer")?,
        person: person(fields, "person")?,
        to: person(fields, "to")?,
    })))
}

fn answered(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Habit(Habit::Answered(Answered {
        referral: values::event_id(fields.need("referral")?)?,
        by: person(fields, "by")?,
        answer: values::answer(fields.need("answer")?)?,
    })))
}

fn custom(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Custom(Custom { type_name: fields.need("type")?.text()?, people: people(fields, "people")? }))
}

fn retracted(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Retracted(Retracted {
        event: values::event_id(fields.need("event")?)?,
        reason: values::retraction_reason(fields.need("reason")?)?,
    }))
}

fn organisation_added(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
        organisation: id(fields.need("organisation")?, OrganisationId::parse_field)?,
        name: fields.need("name")?.text()?,
    })))
}

fn person_added(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
        person: person(fields, "person")?,
        organisation: organisation(fields)?,
        role: fields.text_or_empty("role")?,
    })))
}

fn person_changed(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Directory(DirectoryFact::PersonChanged(PersonChanged {
        person: person(fields, "person")?,
        organisation: organisation(fields)?,
        role: fields.text_or_empty("role")?,
    })))
}

fn people_merged(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Directory(DirectoryFact::PeopleMerged(PeopleMerged {
        kept: person(fields, "kept")?,
        merged: person(fields, "merged")?,
    })))
}
