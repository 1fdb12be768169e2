//! Facts: exactly one per event. All are written; only those that clients record are read.

use super::administration::{ADMINISTRATION, administration_json};
use crate::{
    name::{answer_name, retraction_reason_name, take_answer, take_retraction_reason},
    value::{Object, Value},
    values::{self, id, id_or_none, ids, text},
};
use kith_core::{
    event::{
        Answered, Asked, Custom, DirectoryFact, Fact, FollowedUp, Habit, Helped, Met, OrganisationAdded, PeopleMerged,
        PersonAdded, PersonChanged, Referred, Retracted,
    },
    id::{Category, EventId, OrganisationId, PersonId},
    invalid::{Invalid, Problem},
};
use serde_json::json;

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

/// A fact's field in `kith.v1.Event` and its content: `null` for empty values.
pub(super) fn fact_json(fact: &Fact) -> (&'static str, serde_json::Value) {
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

/// Takes the fact out of an event's fields.
pub(super) fn read_fact(event: &mut Object) -> Result<Fact, Invalid> {
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
        answer: take_answer(fields)?,
    })))
}

fn custom(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Custom(Custom { type_name: fields.need("type")?.text()?, people: people(fields, "people")? }))
}

fn retracted(fields: &mut Object) -> Result<Fact, Invalid> {
    Ok(Fact::Retracted(Retracted {
        event: values::event_id(fields.need("event")?)?,
        reason: take_retraction_reason(fields)?,
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
