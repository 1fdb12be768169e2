//! Describes events in a few words, for people.

use super::people::Names;
use kith_core::{
    event::{Administration, DirectoryFact, Event, Fact, Habit, RemovedPlugin},
    id::PersonId,
};
use kith_json::{answer_name, retraction_reason_name, role_name};

/// What happened, in a few words.
pub(crate) fn sentence(event: &Event, names: &Names) -> String {
    let name = |person: &PersonId| names.of(person.as_str()).to_owned();
    let list = |people: &[PersonId]| people.iter().map(name).collect::<Vec<_>>().join(", ");
    match &event.fact {
        Fact::Habit(Habit::Met(met)) => list(&met.people),
        Fact::Habit(Habit::FollowedUp(followed)) => {
            let about = followed.about.map(|id| format!(" about {id}")).unwrap_or_default();
            format!("{} with {}{about}", name(&followed.by), list(&followed.with))
        }
        Fact::Habit(Habit::Asked(asked)) => {
            format!("{} asked {} for {}", name(&asked.by), list(&asked.of), asked.category)
        }
        Fact::Habit(Habit::Helped(helped)) => {
            let category = helped.category.as_ref().map(|category| format!(" with {category}")).unwrap_or_default();
            format!("{} helped {}{category}", name(&helped.helper), name(&helped.helped))
        }
        Fact::Habit(Habit::Referred(referred)) => {
            format!("{} introduced {} to {}", name(&referred.referrer), name(&referred.person), name(&referred.to))
        }
        Fact::Habit(Habit::Answered(answered)) => {
            format!("{}: {} to {}", name(&answered.by), answer_name(answered.answer), answered.referral)
        }
        Fact::Custom(custom) => list(&custom.people),
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
        Fact::Administration(administration) => administration_sentence(administration),
        Fact::Newer(_) => "recorded by a later version of Kith, which this one cannot read".to_owned(),
    }
}

fn belongs<T: ToString>(name: &str, role: &str, organisation: Option<&T>) -> String {
    let organisation = organisation.map(ToString::to_string).unwrap_or_default();
    let parts: Vec<&str> = [name, role, &organisation].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

fn administration_sentence(administration: &Administration) -> String {
    match administration {
        Administration::PluginInstalled { name, version, .. }
        | Administration::PluginActivated { name, version, .. } => format!("{name} {version}"),
        Administration::PluginPaused { name, paused } => {
            format!("{name} {}", if *paused { "paused" } else { "resumed" })
        }
        Administration::PluginRemoved { plugin: RemovedPlugin::Named(name) } => name.clone(),
        Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id) } => format!("installed by event {id}"),
        Administration::MemberChanged { principal, role, .. } => {
            format!("{principal} {}", role.map_or("left", role_name))
        }
        Administration::TokenIssued { token, role, .. } => format!("{token} for {}", role_name(*role)),
        Administration::TokenRevoked { token } => token.to_string(),
        Administration::PersonErased { person, .. } | Administration::ErasureCompleted { person, .. } => {
            person.to_string()
        }
        Administration::HoldChanged { person, held, .. } => {
            format!("{person} {}", if *held { "held" } else { "released" })
        }
        Administration::LogRestored { lost_head, unverified: false, .. } => {
            format!("{lost_head} entries were known before")
        }
        Administration::LogRestored { lost_head, unverified: true, .. } => {
            format!("from a backup that nobody vouches for, with {lost_head} entries; earlier tokens are revoked")
        }
    }
}
