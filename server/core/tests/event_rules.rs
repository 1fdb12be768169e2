//! Every rule and limit of the event model, at its edge.

use kith_core::{
    event::Event,
    invalid::Problem::{self, Missing, MustBe, Repeated, TooFew, TooLong, TooMany, Unsorted},
    limits,
};
use kith_proto::v1::{self, event::Fact};
use prost::Message;

const ANSWERED: [u8; 16] = [1, 2, 3, 4, 5, 6, 0x71, 8, 0x89, 10, 11, 12, 13, 14, 15, 16];

fn event(fact: Fact) -> v1::Event {
    v1::Event {
        id: id(0),
        occurred_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        scope: v1::Scope::Network.into(),
        salt: vec![9; 16],
        fact: Some(fact),
        ..v1::Event::default()
    }
}

fn id(number: u8) -> Vec<u8> {
    let mut id = ANSWERED.to_vec();
    id[15] = number;
    id
}

fn met(people: Vec<String>) -> Fact {
    Fact::Met(v1::Met { people })
}

fn people(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p-{number}")).collect()
}

fn base() -> v1::Event {
    event(met(people(2)))
}

fn accepts(event: &v1::Event) {
    assert_eq!(Event::decode(&event.encode_to_vec()).err(), None);
}

fn refuses(event: &v1::Event, field: &str, problem: Problem) {
    let refused = Event::decode(&event.encode_to_vec()).expect_err(field);
    assert_eq!((refused.field.as_str(), refused.problem), (field, problem));
}

/// Refused with a rule in words, whatever its text.
fn refuses_form(event: &v1::Event, field: &str) {
    let refused = Event::decode(&event.encode_to_vec()).expect_err(field);
    assert_eq!(refused.field, field);
    assert!(matches!(refused.problem, MustBe(_)), "{refused}");
}

/// A list may have `min..=max` items.
fn counts(min: usize, max: usize, field: &str, make: impl Fn(usize) -> v1::Event) {
    accepts(&make(min));
    accepts(&make(max));
    refuses(&make(max + 1), field, TooMany { max, found: max + 1 });
    if min > 0 {
        refuses(&make(min - 1), field, TooFew { min, found: min - 1 });
    }
}

/// Text may have up to `max` bytes.
fn lengths(max: usize, field: &str, make: impl Fn(String) -> v1::Event) {
    accepts(&make("x".repeat(max)));
    refuses(&make("x".repeat(max + 1)), field, TooLong { max, found: max + 1 });
}

/// Text is required, with up to `max` bytes.
fn needed(max: usize, field: &str, make: impl Fn(String) -> v1::Event) {
    refuses(&make(String::new()), field, Missing);
    lengths(max, field, make);
}

fn text(value: impl Into<String>) -> v1::attribute::Value {
    v1::attribute::Value::Text(value.into())
}

fn attribute(key: impl Into<String>, value: impl Into<Option<v1::attribute::Value>>) -> v1::Attribute {
    v1::Attribute { key: key.into(), value: value.into() }
}

fn with_attributes(attributes: Vec<v1::Attribute>) -> v1::Event {
    v1::Event { attributes, ..base() }
}

#[test]
fn ids_are_uuids() {
    let with_id = |id| v1::Event { id, ..base() };
    refuses(&with_id(vec![]), "event.id", Missing);
    for wrong in [vec![0; 16], vec![0xff; 16], id(0)[..15].to_vec(), [id(0), vec![0]].concat()] {
        refuses_form(&with_id(wrong), "event.id");
    }
    for version in 0..16_u8 {
        let mut versioned = id(0);
        versioned[6] = version << 4;
        if (1..=8).contains(&version) {
            accepts(&with_id(versioned));
        } else {
            refuses_form(&with_id(versioned), "event.id");
        }
    }
    for variant in [0x00, 0x40, 0xc0, 0xe0] {
        let mut other = id(0);
        other[8] = variant;
        refuses_form(&with_id(other), "event.id");
    }
}

#[test]
fn times_are_whole_milliseconds_between_1900_and_9999() {
    let at = |seconds, nanos| v1::Event { occurred_at: Some(prost_types::Timestamp { seconds, nanos }), ..base() };
    let field = "event.occurred_at";
    refuses(&v1::Event { occurred_at: None, ..base() }, field, Missing);
    accepts(&at(-2_208_988_800, 0));
    refuses_form(&at(-2_208_988_801, 999_000_000), field);
    accepts(&at(253_402_300_799, 999_000_000));
    refuses_form(&at(253_402_300_800, 0), field);
    accepts(&at(0, 1_000_000));
    refuses_form(&at(0, 1), field);
    refuses_form(&at(0, -1_000_000), field);
    refuses_form(&at(0, 1_000_000_000), field);
    refuses_form(&at(i64::MIN, 0), field);
}

#[test]
fn scope_salt_and_fact_are_needed() {
    refuses(&v1::Event { scope: 0, ..base() }, "event.scope", Missing);
    refuses_form(&v1::Event { scope: 3, ..base() }, "event.scope");
    accepts(&v1::Event { scope: v1::Scope::Organisation.into(), ..base() });
    refuses(&v1::Event { salt: vec![], ..base() }, "event.salt", Missing);
    refuses_form(&v1::Event { salt: vec![1; 15], ..base() }, "event.salt");
    refuses_form(&v1::Event { salt: vec![1; 17], ..base() }, "event.salt");
    refuses(&v1::Event { fact: None, ..base() }, "event.fact", Missing);
}

#[test]
fn causes_are_up_to_16_different_ids() {
    let caused_by = |caused_by| v1::Event { caused_by, ..base() };
    let ids = |count: usize| (0..count).map(|number| id(u8::try_from(number).unwrap())).collect();
    counts(0, limits::CAUSED_BY_MAX, "event.caused_by", |count| caused_by(ids(count)));
    let twice = Event::decode(&caused_by(vec![id(1), id(2), id(1)]).encode_to_vec()).unwrap_err();
    assert_eq!(twice.field, "event.caused_by");
    assert!(matches!(twice.problem, Repeated(_)));
    refuses_form(&caused_by(vec![vec![1; 15]]), "event.caused_by");
    refuses(&caused_by(vec![vec![]]), "event.caused_by", Missing);
}

#[test]
fn commitments_are_up_to_8_of_32_bytes() {
    let with_details = |details| v1::Event { details, ..base() };
    counts(0, limits::DETAILS_MAX, "event.details", |count| with_details(vec![vec![1; 32]; count]));
    refuses_form(&with_details(vec![vec![1; 31]]), "event.details");
    refuses_form(&with_details(vec![vec![1; 33]]), "event.details");
    refuses(&with_details(vec![vec![]]), "event.details", Missing);
}

#[test]
fn attributes_are_sorted_and_up_to_32() {
    let keys = |keys: &[&str]| with_attributes(keys.iter().map(|key| attribute(*key, text(""))).collect());
    counts(0, limits::ATTRIBUTES_MAX, "event.attributes", |count| {
        with_attributes((0..count).map(|number| attribute(format!("k{number:02}"), text("x"))).collect())
    });
    accepts(&keys(&["a", "a.b", "a0", "aa", "b"]));
    refuses(&keys(&["b", "a"]), "event.attributes", Unsorted);
    refuses(&keys(&["a", "b", "b"]), "event.attributes", Repeated("b".into()));
    for key in ["9", "_a", ".a", "-a", "A", "aB", "a b", "é", "a/b"] {
        refuses_form(&keys(&[key]), "event.attributes.key");
    }
    needed(limits::ATTRIBUTE_KEY_BYTES_MAX, "event.attributes.key", |key| {
        with_attributes(vec![attribute(key, text(""))])
    });
}

#[test]
fn attribute_values_are_short_text_or_finite_numbers() {
    use v1::attribute::Value;
    let value = |value: Value| with_attributes(vec![attribute("key", value)]);
    let field = "event.attributes.value";
    refuses(&with_attributes(vec![attribute("key", None)]), field, Missing);
    lengths(limits::ATTRIBUTE_TEXT_BYTES_MAX, field, |long| value(text(long)));
    accepts(&value(text("")));
    accepts(&value(text("line\n\ttab")));
    refuses_form(&value(text("\u{7}")), field);
    refuses_form(&value(text("\u{85}")), field);
    for number in [0.0, -0.0, f64::MIN, f64::MAX, f64::MIN_POSITIVE / 2.0] {
        accepts(&value(Value::Number(number)));
    }
    for number in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refuses_form(&value(Value::Number(number)), field);
    }
    for integer in [0, i64::MIN, i64::MAX] {
        accepts(&value(Value::Integer(integer)));
    }
    accepts(&value(Value::Flag(false)));
}

#[test]
fn two_to_64_different_people_meet() {
    let field = "event.met.people";
    counts(2, limits::PEOPLE_MAX, field, |count| event(met(people(count))));
    refuses(&event(met(vec!["amina".into(), "ben".into(), "amina".into()])), field, Repeated("amina".into()));
    needed(limits::PERSON_ID_BYTES_MAX, field, |id| event(met(vec!["amina".into(), id])));
    accepts(&event(met(vec!["Amina.O_2@north-1".into(), "ben".into()])));
    for wrong in ["a b", "amína", "a/b", "a:b", "a\n"] {
        refuses_form(&event(met(vec!["amina".into(), wrong.into()])), field);
    }
}

#[test]
fn one_follows_up_with_1_to_63_others() {
    let followed = |by: &str, with, about| event(Fact::FollowedUp(v1::FollowedUp { by: by.into(), with, about }));
    let field = "event.followed_up.with";
    counts(1, limits::OTHERS_MAX, field, |count| followed("amina", people(count), vec![]));
    refuses(&followed("p-1", people(3), vec![]), field, Repeated("p-1".into()));
    refuses(&followed("amina", vec!["ben".into(), "ben".into()], vec![]), field, Repeated("ben".into()));
    refuses(&followed("", people(1), vec![]), "event.followed_up.by", Missing);
    accepts(&followed("amina", people(1), id(1)));
    refuses_form(&followed("amina", people(1), vec![1]), "event.followed_up.about");
}

#[test]
fn one_asks_1_to_63_others_for_something() {
    let asked =
        |by: &str, of, category: &str| event(Fact::Asked(v1::Asked { by: by.into(), of, category: category.into() }));
    counts(1, limits::OTHERS_MAX, "event.asked.of", |count| asked("amina", people(count), "lift"));
    refuses(&asked("p-1", people(3), "lift"), "event.asked.of", Repeated("p-1".into()));
    refuses(&asked("", people(1), "lift"), "event.asked.by", Missing);
    needed(limits::CATEGORY_BYTES_MAX, "event.asked.category", |category| asked("amina", people(1), &category));
    accepts(&asked("amina", people(1), "a_lift-2"));
    for wrong in ["Lift", "a lift", "lift.", "lïft"] {
        refuses_form(&asked("amina", people(1), wrong), "event.asked.category");
    }
}

#[test]
fn one_helps_another() {
    let helped = |by: &str, whom: &str, category: &str, about| {
        event(Fact::Helped(v1::Helped { helper: by.into(), helped: whom.into(), category: category.into(), about }))
    };
    accepts(&helped("amina", "ben", "", vec![]));
    accepts(&helped("amina", "ben", "lift", id(1)));
    lengths(limits::CATEGORY_BYTES_MAX, "event.helped.category", |category| helped("amina", "ben", &category, vec![]));
    refuses_form(&helped("amina", "ben", "a lift", vec![]), "event.helped.category");
    refuses(&helped("amina", "amina", "", vec![]), "event.helped", Repeated("amina".into()));
    refuses(&helped("", "ben", "", vec![]), "event.helped.helper", Missing);
    refuses(&helped("amina", "", "", vec![]), "event.helped.helped", Missing);
    refuses_form(&helped("amina", "ben", "", vec![0; 16]), "event.helped.about");
}

#[test]
fn three_different_people_are_in_an_introduction() {
    let referred = |referrer: &str, person: &str, to: &str| {
        event(Fact::Referred(v1::Referred { referrer: referrer.into(), person: person.into(), to: to.into() }))
    };
    accepts(&referred("amina", "ben", "chidi"));
    for (referrer, person, to) in [("amina", "amina", "ben"), ("amina", "ben", "amina"), ("ben", "amina", "amina")] {
        refuses(&referred(referrer, person, to), "event.referred", Repeated("amina".into()));
    }
    refuses(&referred("", "ben", "chidi"), "event.referred.referrer", Missing);
    refuses(&referred("amina", "", "chidi"), "event.referred.person", Missing);
    refuses(&referred("amina", "ben", ""), "event.referred.to", Missing);
}

#[test]
fn answers_and_retractions_name_an_event_and_say_what() {
    let answered = |referral, answer| event(Fact::Answered(v1::Answered { referral, by: "amina".into(), answer }));
    let retracted = |event_id, reason| event(Fact::Retracted(v1::Retracted { event: event_id, reason }));
    for answer in 1..=3 {
        accepts(&answered(id(1), answer));
    }
    for reason in 1..=4 {
        accepts(&retracted(id(1), reason));
    }
    refuses(&answered(id(1), 0), "event.answered.answer", Missing);
    refuses_form(&answered(id(1), 4), "event.answered.answer");
    refuses(&answered(vec![], 1), "event.answered.referral", Missing);
    refuses_form(&answered(vec![1; 3], 1), "event.answered.referral");
    refuses(&retracted(id(1), 0), "event.retracted.reason", Missing);
    refuses_form(&retracted(id(1), 5), "event.retracted.reason");
    refuses(&retracted(vec![], 1), "event.retracted.event", Missing);
}

#[test]
fn custom_facts_have_a_type_and_up_to_64_people() {
    let custom = |name: &str, people| event(Fact::Custom(v1::Custom { r#type: name.into(), people }));
    let field = "event.custom.type";
    counts(0, limits::PEOPLE_MAX, "event.custom.people", |count| custom("org.example/visit.v1", people(count)));
    refuses(&custom("a/b", vec!["ben".into(), "ben".into()]), "event.custom.people", Repeated("ben".into()));
    accepts(&custom(&format!("a/{}", "x".repeat(62)), vec![]));
    refuses(&custom(&format!("a/{}", "x".repeat(63)), vec![]), field, TooLong { max: 64, found: 65 });
    refuses(&custom("", vec![]), field, Missing);
    for wrong in ["visit", "/visit", "org/", "a/b/c", "Org/visit", "org example/visit"] {
        refuses_form(&custom(wrong, vec![]), field);
    }
}

#[test]
fn directory_facts_have_short_names_and_roles() {
    let organisation = |organisation: String, name: String| {
        event(Fact::OrganisationAdded(v1::OrganisationAdded { organisation, name }))
    };
    let added = |person: String, organisation: String, role: String| {
        event(Fact::PersonAdded(v1::PersonAdded { person, organisation, role }))
    };
    let changed = |person: String, organisation: String, role: String| {
        event(Fact::PersonChanged(v1::PersonChanged { person, organisation, role }))
    };
    let (id_max, role_max) = (limits::ORGANISATION_ID_BYTES_MAX, limits::PERSON_ROLE_BYTES_MAX);
    needed(id_max, "event.organisation_added.organisation", |id| organisation(id, "Riverside".into()));
    needed(limits::ORGANISATION_NAME_BYTES_MAX, "event.organisation_added.name", |name| organisation("o".into(), name));
    refuses_form(&organisation("a b".into(), "A".into()), "event.organisation_added.organisation");
    needed(limits::PERSON_ID_BYTES_MAX, "event.person_added.person", |id| added(id, String::new(), String::new()));
    lengths(id_max, "event.person_added.organisation", |id| added("a".into(), id, String::new()));
    lengths(role_max, "event.person_added.role", |role| added("a".into(), String::new(), role));
    needed(limits::PERSON_ID_BYTES_MAX, "event.person_changed.person", |id| changed(id, String::new(), String::new()));
    lengths(id_max, "event.person_changed.organisation", |id| changed("a".into(), id, String::new()));
    lengths(role_max, "event.person_changed.role", |role| changed("a".into(), String::new(), role));
}

#[test]
fn two_people_are_merged() {
    let merged = |kept: &str, merged: &str| {
        event(Fact::PeopleMerged(v1::PeopleMerged { kept: kept.into(), merged: merged.into() }))
    };
    accepts(&merged("amina", "ben"));
    refuses(&merged("amina", "amina"), "event.people_merged", Repeated("amina".into()));
    refuses(&merged("", "ben"), "event.people_merged.kept", Missing);
    refuses(&merged("amina", ""), "event.people_merged.merged", Missing);
}

#[test]
fn erasures_and_holds_have_words_of_a_list_and_no_sentences() {
    let (person, why) = (|| "amina".to_owned(), || "withdrawn".to_owned());
    let erased = |reason: &str, reference: &str| {
        let (reason, reference) = (reason.to_owned(), reference.to_owned());
        event(Fact::PersonErased(v1::PersonErased { person: person(), reason, reference }))
    };
    accepts(&erased("withdrawn", ""));
    accepts(&erased("legal-duty", "IG/2026_0142.b"));
    refuses(&erased("", ""), "event.person_erased.reason", Missing);
    refuses_form(&erased("Asked", ""), "event.person_erased.reason");
    refuses_form(&erased("withdrawn", "asked for by Amina Shah"), "event.person_erased.reference");
    let held = |reason: &str, reference: &str| {
        let (reason, reference) = (reason.to_owned(), reference.to_owned());
        event(Fact::HoldChanged(v1::HoldChanged { person: person(), held: true, reason, reference }))
    };
    accepts(&held("inquiry", "INQ-7"));
    refuses(&held("inquiry", ""), "event.hold_changed.reference", Missing);
    refuses(&held("", "INQ-7"), "event.hold_changed.reason", Missing);
    let gone = |details: &[u32]| {
        let (details, event_id) = (details.to_vec(), vec![0x17; 16]);
        let mut id = event_id;
        (id[6], id[8]) = (0x70, 0x80);
        event(Fact::DetailsErased(v1::DetailsErased { event: id, details, reason: why(), reference: String::new() }))
    };
    accepts(&gone(&[0]));
    accepts(&gone(&[0, 1, 7]));
    refuses(&gone(&[]), "event.details_erased.details", TooFew { min: 1, found: 0 });
    for wrong in [&[1, 0][..], &[1, 1]] {
        refuses(&gone(wrong), "event.details_erased.details", Unsorted);
    }
    refuses_form(&gone(&[8]), "event.details_erased.details");
    refuses_form(&gone(&[u32::MAX]), "event.details_erased.details");
}

#[test]
fn administration_texts_and_digests_have_their_lengths() {
    let installed = |plugin: v1::PluginInstalled| {
        event(Fact::PluginInstalled(v1::PluginInstalled { component: vec![1; 32], ..plugin }))
    };
    let text_max = limits::ADMINISTRATION_TEXT_BYTES_MAX;
    lengths(text_max, "event.plugin_installed.name", |name| {
        installed(v1::PluginInstalled { name, ..Default::default() })
    });
    lengths(limits::SETTINGS_BYTES_MAX, "event.plugin_installed.settings", |settings| {
        installed(v1::PluginInstalled { settings, ..Default::default() })
    });
    let activated = |component| event(Fact::PluginActivated(v1::PluginActivated { component, ..Default::default() }));
    accepts(&activated(vec![1; 32]));
    refuses(&activated(vec![]), "event.plugin_activated.component", Missing);
    refuses_form(&activated(vec![1; 31]), "event.plugin_activated.component");
    let restored = |incarnation, lost_root| {
        event(Fact::LogRestored(v1::LogRestored { incarnation, lost_head: u64::MAX, lost_root, unverified: true }))
    };
    accepts(&restored(vec![1; 16], vec![1; 32]));
    refuses_form(&restored(vec![1; 15], vec![1; 32]), "event.log_restored.incarnation");
    refuses_form(&restored(vec![1; 16], vec![1; 33]), "event.log_restored.lost_root");
}

#[test]
fn tokens_have_a_role_of_their_own_or_speak_for_a_member() {
    let issued = |token: &str, role| {
        event(Fact::TokenIssued(v1::TokenIssued { token: token.into(), role, ..Default::default() }))
    };
    for role in 1..=6 {
        accepts(&issued("t-1", role));
    }
    refuses_form(&issued("t-1", 7), "event.token_issued.role");
    refuses_form(&issued("t-1", 8), "event.token_issued.role");
    needed(64, "event.token_issued.token", |token| issued(&token, 1));
    refuses_form(&issued("T", 1), "event.token_issued.token");
    let with_digest = |secret_digest| {
        let (token, role) = ("t-1".into(), 1);
        event(Fact::TokenIssued(v1::TokenIssued { token, role, secret_digest, ..Default::default() }))
    };
    accepts(&with_digest(vec![7; 32]));
    refuses_form(&with_digest(vec![7; 31]), "event.token_issued.secret_digest");
    let of_person = |person: &str, role, organisation: &str, invitation| {
        let (token, person, organisation) = ("t-1".into(), person.into(), organisation.into());
        event(Fact::TokenIssued(v1::TokenIssued {
            token,
            role,
            person,
            organisation,
            invitation,
            ..Default::default()
        }))
    };
    accepts(&of_person("amina", 0, "", false));
    accepts(&of_person("amina", 2, "riverside", true));
    refuses(&of_person("", 0, "", false), "event.token_issued.person", Missing);
    refuses(&of_person("", 2, "", true), "event.token_issued.person", Missing);
    refuses(&of_person("amina", 0, "", true), "event.token_issued.role", Missing);
    refuses_form(&of_person("amina", 0, "riverside", false), "event.token_issued.organisation");
}

#[test]
fn members_are_people_or_services_with_a_certificate() {
    let member = |principal: &str, role, organisation: &str, identity: &str| {
        let (principal, organisation, identity) = (principal.into(), organisation.into(), identity.into());
        event(Fact::MemberChanged(v1::MemberChanged { principal, role, organisation, identity }))
    };
    let uri = "spiffe://example.org/feeds";
    for role in 1..=6 {
        accepts(&member("person:amina", role, "riverside", ""));
        accepts(&member("service:feeds", role, "", uri));
    }
    accepts(&member("person:amina", 0, "", ""));
    accepts(&member("service:feeds", 0, "", ""));
    refuses_form(&member("person:amina", 7, "", ""), "event.member_changed.role");
    for nobody in ["", "amina", "token:t-1", "Person:amina"] {
        refuses_form(&member(nobody, 1, "", ""), "event.member_changed.principal");
    }
    refuses(&member("person:", 1, "", ""), "event.member_changed.principal", Missing);
    refuses_form(&member("service:Feeds", 1, "", uri), "event.member_changed.principal");
    refuses_form(&member("person:amina", 0, "riverside", ""), "event.member_changed.organisation");
    refuses_form(&member("person:amina", 1, "", uri), "event.member_changed.identity");
    refuses_form(&member("service:feeds", 1, "", ""), "event.member_changed.identity");
    refuses_form(&member("service:feeds", 0, "", uri), "event.member_changed.identity");
    for malformed in ["feeds", ":feeds", "spiffe:", "1a:b", "urn:a b", "urn:\u{e9}"] {
        refuses_form(&member("service:feeds", 1, "", malformed), "event.member_changed.identity");
    }
    accepts(&member("service:feeds", 1, "", &format!("urn:{}", "a".repeat(252))));
    let long = Problem::TooLong { max: 256, found: 257 };
    refuses(
        &member("service:feeds", 1, "", &format!("urn:{}", "a".repeat(253))),
        "event.member_changed.identity",
        long,
    );
}

#[test]
fn a_policy_waits_at_most_ten_years() {
    let policy = |replica_days| {
        event(Fact::PolicyChanged(v1::PolicyChanged { replica_days, random_ids: true, token_attributes: true }))
    };
    for days in [0, 1, 3_650] {
        accepts(&policy(days));
    }
    refuses_form(&policy(3_651), "event.policy_changed.replica_days");
}

#[test]
fn an_event_has_16_kib_at_most() {
    let sized = |settings: usize| v1::Event {
        attributes: (0..32).map(|number| attribute(format!("k{number:02}"), text("x".repeat(256)))).collect(),
        ..event(Fact::PluginInstalled(v1::PluginInstalled {
            name: "strength".into(),
            component: vec![1; 32],
            settings: "x".repeat(settings),
            ..Default::default()
        }))
    };
    let without = sized(1_000).encoded_len() - 1_000;
    let settings = limits::EVENT_BYTES_MAX - without;
    assert_eq!(sized(settings).encoded_len(), limits::EVENT_BYTES_MAX);
    accepts(&sized(settings));
    refuses(
        &sized(settings + 1),
        "event",
        TooLong { max: limits::EVENT_BYTES_MAX, found: limits::EVENT_BYTES_MAX + 1 },
    );
}
