//! Events that break a rule, with the reason and field that a server gives.

use crate::events;
use kith_core::{
    detail::Detail,
    prepare::Prepared,
    reason::{self, of_event},
};
use kith_proto::v1::{
    self,
    attribute::Value as Attribute,
    event::Fact::{
        self, Answered, Asked, Custom, FollowedUp, Helped, Met, OrganisationAdded, PeopleMerged, PersonAdded, Referred,
        Retracted,
    },
};
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A change that breaks a rule.
type Break = fn(&mut v1::Event, &mut Vec<v1::Detail>);

pub(crate) fn refused() -> Vec<Value> {
    let heads = HEADS.into_iter().map(|breaks| {
        let (mut event, mut details) = base();
        breaks(&mut event, &mut details);
        refusal(&event, details)
    });
    let facts = habits().into_iter().chain(others()).chain(directory()).map(|fact| {
        let (event, _) = base();
        refusal(&v1::Event { fact: Some(fact), details: Vec::new(), ..event }, Vec::new())
    });
    heads.chain(facts).collect()
}

/// The first of the edges: a meeting with a note and a place, which breaks no rule.
fn base() -> (v1::Event, Vec<v1::Detail>) {
    let prepared = events::edges().next().unwrap();
    let event = v1::Event::decode(&prepared.bytes[..]).unwrap();
    (event, prepared.details.iter().map(Detail::to_proto).collect())
}

fn refusal(event: &v1::Event, details: Vec<v1::Detail>) -> Value {
    let new = v1::NewEvent { event: event.encode_to_vec().into(), details, signature: Vec::new() };
    let invalid = Prepared::new(&new).unwrap_err();
    json!({
        "event": hex::encode(&new.event),
        "details": new.details.iter().map(|detail| hex::encode(detail.encode_to_vec())).collect::<Vec<_>>(),
        "reason": reason::name(of_event(&invalid)),
        "field": invalid.field,
        "message": invalid.to_string(),
    })
}

/// Whatever is wrong outside the fact.
const HEADS: [Break; 25] = [
    |event, _| event.id[8] = 0,
    |event, _| event.occurred_at = Some(prost_types::Timestamp { seconds: -2_208_988_801, nanos: 0 }),
    |event, _| event.caused_by = vec![event.id.clone(), event.id.clone()],
    |event, _| event.caused_by = vec![vec![0; 16]],
    |event, _| event.caused_by = (0..17).map(|last| [&event.id[..15], &[last]].concat()).collect(),
    |event, _| event.attributes = vec![attribute("Key", text("x"))],
    |event, _| event.attributes = vec![attribute("9", text("x"))],
    |event, _| event.attributes = vec![attribute(&"k".repeat(65), text("x"))],
    |event, _| event.attributes = vec![attribute("key", text(&"é".repeat(129)))],
    |event, _| event.attributes = vec![attribute("key", text("a\u{7f}"))],
    |event, _| event.attributes = vec![attribute("key", Attribute::Number(f64::NAN))],
    |event, _| event.attributes = (10..43).map(|number| attribute(&format!("k{number}"), text("x"))).collect(),
    |_, details| details[0].text.push('.'),
    |_, details| drop(details.pop()),
    |event, details| change(event, details, |detail| detail.text.clear()),
    |event, details| change(event, details, |detail| detail.text = "é".repeat(2_049)),
    |event, details| change(event, details, |detail| detail.text = "a\u{0}b".into()),
    |event, details| change(event, details, |detail| detail.subjects.clear()),
    |event, details| change(event, details, |detail| detail.subjects.reverse()),
    |event, details| change(event, details, |detail| detail.subjects[1] = "amina".into()),
    |event, details| change(event, details, |detail| detail.kind = v1::DetailKind::Name.into()),
    |event, details| change(event, details, |detail| detail.salt.truncate(31)),
    |event, details| {
        *details = vec![details[0].clone(); 9];
        commit(event, details);
    },
    |event, details| {
        event.fact = Some(person("amina", ""));
        change(event, details, |detail| detail.kind = v1::DetailKind::Contact.into());
    },
    |event, details| {
        event.fact = Some(person("amina", ""));
        change(event, details, |detail| {
            detail.kind = v1::DetailKind::Name.into();
            detail.subjects = vec!["amina".into()];
            detail.text = "Amina\tShah".into();
        });
    },
];

fn habits() -> Vec<Fact> {
    vec![
        met(people(1)),
        met(people(65)),
        met(vec!["amina".into(), "amina".into()]),
        met(vec!["amina".into(), "bén".into()]),
        met(vec!["amina".into(), "b".repeat(65)]),
        met(vec!["amina".into(), String::new()]),
        followed_up("amina", people(0)),
        followed_up("amina", people(64)),
        followed_up("amina", vec!["amina".into()]),
        followed_up("", people(1)),
        asked(""),
        asked("Time"),
        asked(&"c".repeat(33)),
        helped("amina", ""),
        helped("ben", "a b"),
        referred("ben", "ben"),
        referred("ben", ""),
        Answered(v1::Answered { referral: Vec::new(), by: "ben".into(), answer: v1::Answer::Met.into() }),
    ]
}

fn others() -> Vec<Fact> {
    let long = format!("org.example/{}", "x".repeat(60));
    let custom = |name: &str| Custom(v1::Custom { r#type: name.into(), people: Vec::new() });
    let mistake = v1::RetractionReason::Mistake.into();
    vec![
        custom("org.example"),
        custom("org.example/a/b"),
        custom(""),
        custom(&long),
        Custom(v1::Custom { r#type: "a/b".into(), people: people(65) }),
        Retracted(v1::Retracted { event: Vec::new(), reason: mistake }),
    ]
}

fn directory() -> Vec<Fact> {
    vec![
        organisation("", "Riverside"),
        organisation("river side", "Riverside"),
        organisation("riverside", ""),
        organisation("riverside", "River\nside"),
        organisation("riverside", "---"),
        organisation("riverside", "\u{3164}"),
        organisation("riverside", "River\u{202e}side"),
        organisation("riverside", "a\u{2028}b"),
        organisation("riverside", &"é".repeat(65)),
        person("", "GP"),
        person("amina", &"r".repeat(33)),
        person("amina", "G\u{1b}P"),
        PeopleMerged(v1::PeopleMerged { kept: "amina".into(), merged: "amina".into() }),
    ]
}

fn people(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p-{number}")).collect()
}

fn attribute(key: &str, value: Attribute) -> v1::Attribute {
    v1::Attribute { key: key.into(), value: Some(value) }
}

fn text(text: &str) -> Attribute {
    Attribute::Text(text.into())
}

fn met(people: Vec<String>) -> Fact {
    Met(v1::Met { people })
}

fn followed_up(by: &str, with: Vec<String>) -> Fact {
    FollowedUp(v1::FollowedUp { by: by.into(), with, about: Vec::new() })
}

fn asked(category: &str) -> Fact {
    Asked(v1::Asked { by: "amina".into(), of: people(1), category: category.into() })
}

fn helped(helped: &str, category: &str) -> Fact {
    Helped(v1::Helped { helper: "amina".into(), helped: helped.into(), category: category.into(), about: Vec::new() })
}

fn referred(person: &str, to: &str) -> Fact {
    Referred(v1::Referred { referrer: "amina".into(), person: person.into(), to: to.into() })
}

fn organisation(id: &str, name: &str) -> Fact {
    OrganisationAdded(v1::OrganisationAdded { organisation: id.into(), name: name.into() })
}

fn person(id: &str, role: &str) -> Fact {
    PersonAdded(v1::PersonAdded { person: id.into(), organisation: String::new(), role: role.into() })
}

fn change(event: &mut v1::Event, details: &mut [v1::Detail], change: impl FnOnce(&mut v1::Detail)) {
    change(&mut details[0]);
    commit(event, details);
}

/// Makes the commitments match, whatever the details are.
fn commit(event: &mut v1::Event, details: &[v1::Detail]) {
    let commitment = |detail: &v1::Detail| {
        let unsalted = v1::Detail { salt: Vec::new(), ..detail.clone() };
        let salted = Sha256::new().chain_update("kith/detail/1").chain_update(&detail.salt);
        salted.chain_update(unsalted.encode_to_vec()).finalize().to_vec()
    };
    event.details = details.iter().map(commitment).collect();
}
