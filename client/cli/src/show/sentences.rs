//! Describes events in a sentence, for people. `tests/fixtures/sentences.json` lists the sentences: pages say the same.

use super::people::Names;
use kith_core::counted::counted;
use kith_core::{
    event::{Administration, Answer, DirectoryFact, Event, Fact, Grant, Habit, Policy, RemovedPlugin},
    id::{CaseReference, PersonId, RecordsReason},
};
use kith_json::{retraction_reason_name, role_name};

/// What happened, in a few words.
pub(crate) fn sentence(event: &Event, names: &Names) -> String {
    let name = |person: &PersonId| names.of(person.as_str()).to_owned();
    let all = |people: &[PersonId]| listed(&people.iter().map(name).collect::<Vec<_>>());
    match &event.fact {
        Fact::Habit(Habit::Met(met)) => format!("{} met", all(&met.people)),
        Fact::Habit(Habit::FollowedUp(followed)) => {
            let about = followed.about.map(|id| format!(" on {id}")).unwrap_or_default();
            format!("{} followed up with {}{about}", name(&followed.by), all(&followed.with))
        }
        Fact::Habit(Habit::Asked(asked)) => {
            format!("{} asked {} for help with {}", name(&asked.by), all(&asked.of), asked.category)
        }
        Fact::Habit(Habit::Helped(helped)) => {
            let category = helped.category.as_ref().map(|category| format!(" with {category}")).unwrap_or_default();
            let about = helped.about.map(|id| format!(", after {id}")).unwrap_or_default();
            format!("{} helped {}{category}{about}", name(&helped.helper), name(&helped.helped))
        }
        Fact::Habit(Habit::Referred(referred)) => {
            format!("{} introduced {} to {}", name(&referred.referrer), name(&referred.person), name(&referred.to))
        }
        Fact::Habit(Habit::Answered(answered)) => {
            let verb = match answered.answer {
                Answer::Accepted => "accepted",
                Answer::Declined => "declined",
                Answer::Met => "met after",
            };
            format!("{} {verb} {}", name(&answered.by), answered.referral)
        }
        Fact::Custom(custom) => all(&custom.people),
        Fact::Retracted(retracted) => {
            format!("{} because of {}", retracted.event, retraction_reason_name(retracted.reason))
        }
        Fact::Directory(DirectoryFact::OrganisationAdded(added)) => format!("{} ({})", added.name, added.organisation),
        Fact::Directory(DirectoryFact::PersonAdded(added)) => {
            belongs(&name(&added.person), &added.role, added.organisation.as_ref())
        }
        Fact::Directory(DirectoryFact::PersonChanged(changed)) => {
            belongs(&name(&changed.person), &changed.role, changed.organisation.as_ref())
        }
        Fact::Directory(DirectoryFact::PeopleMerged(merge)) => {
            format!("{} is {}", name(&merge.merged), name(&merge.kept))
        }
        Fact::Administration(administration) => administration_sentence(administration, name),
        Fact::Newer(_) => "recorded by a later version of Kith, which this one cannot read".to_owned(),
    }
}

/// Names as a list: `Amina, Ben and Carol`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn belongs<T: ToString>(name: &str, role: &str, organisation: Option<&T>) -> String {
    let organisation = organisation.map(ToString::to_string).unwrap_or_default();
    let parts: Vec<&str> = [name, role, &organisation].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn grounds(reason: &RecordsReason, reference: Option<&CaseReference>) -> String {
    reference.map_or_else(|| reason.to_string(), |reference| format!("{reason}, case {reference}"))
}

fn counted_details(count: u64) -> String {
    counted(count, "detail", "details")
}

/// What a network demands of new events.
fn demands(policy: Policy) -> String {
    let Policy { random_ids, token_attributes, replica_days } = policy;
    let days = |days| format!("replicas sync within {}", counted(days, "day", "days"));
    let demands = [
        random_ids.then(|| "random ids".to_owned()),
        token_attributes.then(|| "tokens as attributes".to_owned()),
        (replica_days > 0).then(|| days(replica_days)),
    ];
    let demands: Vec<_> = demands.into_iter().flatten().collect();
    if demands.is_empty() { "no demands".to_owned() } else { demands.join(", ") }
}

fn administration_sentence(administration: &Administration, name: impl Fn(&PersonId) -> String) -> String {
    match administration {
        Administration::PluginInstalled { name, version, .. }
        | Administration::PluginActivated { name, version, .. } => format!("{name} {version}"),
        Administration::PluginPaused { name, paused } => {
            format!("{name} {}", if *paused { "paused" } else { "resumed" })
        }
        Administration::PluginRemoved { plugin: RemovedPlugin::Named(name) } => name.clone(),
        Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id) } => format!("installed by event {id}"),
        Administration::MemberChanged { member, role, .. } => {
            format!("{member} {}", role.map_or("left", role_name))
        }
        Administration::PolicyChanged { policy } => demands(*policy),
        Administration::TokenIssued { token, grant, person, .. } => {
            let person = person.as_ref().map(name).unwrap_or_default();
            match grant {
                Grant::Role(role) => format!("{token} for {}", role_name(*role)),
                Grant::Membership => format!("{token} for {person}, a member"),
                Grant::Invitation(role) => format!("{token} invites {person} as {}", role_name(*role)),
            }
        }
        Administration::TokenRevoked { token } => token.to_string(),
        Administration::PersonErased { person, reason, reference } => {
            format!("{}, {}", name(person), grounds(reason, reference.as_ref()))
        }
        Administration::ErasureCompleted { person, details_erased, .. } => {
            format!("{}, {}", name(person), counted_details(*details_erased))
        }
        Administration::HoldChanged { person, held, reason, reference } => {
            let change = if *held { "held" } else { "released" };
            format!("{} {change}, {}", name(person), grounds(reason, Some(reference)))
        }
        Administration::DetailsErased { event, details, reason, reference } => {
            let count = counted_details(details.len() as u64);
            format!("{count} of event {event}, {}", grounds(reason, reference.as_ref()))
        }
        Administration::LogRestored { lost_head, unverified: false, .. } => {
            format!("{lost_head} entries were known before")
        }
        Administration::LogRestored { lost_head, unverified: true, .. } => {
            format!("from a backup that nobody vouches for, with {lost_head} entries; earlier tokens are revoked")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::v1;
    use kith_json::event_json;
    use serde_json::Value;
    use std::collections::{BTreeMap, BTreeSet};

    /// What events say, for every language: one of each kind, with its bytes.
    const SENTENCES: &str = include_str!("../../../../tests/fixtures/sentences.json");

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sentences {
        names: BTreeMap<String, String>,
        cases: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        event: Value,
        bytes: String,
        sentence: String,
    }

    #[test]
    fn events_say_what_the_fixture_lists() {
        let Sentences { names, cases } = serde_json::from_str(SENTENCES).unwrap();
        let people = names.into_iter().map(|(id, name)| v1::Person { id, name, ..v1::Person::default() });
        let names = Names::of_people(people.collect());
        let mut kinds = BTreeSet::new();
        for Case { event: json, bytes, sentence: expected } in &cases {
            let event = Event::read(&hex::decode(bytes).unwrap()).unwrap();
            assert_eq!(event_json(&event), *json);
            assert_eq!(sentence(&event, &names), *expected);
            kinds.insert(event.kind().to_string());
        }
        assert_eq!(kinds.len(), 26, "one of each kind");
    }
}
