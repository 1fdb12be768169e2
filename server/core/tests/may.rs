//! Who may do what, exported for pages that hide what cannot be done.
//!
//! `tests/fixtures/may.json` is what this test computes, byte for byte: each role, of no organisation and of one, in
//! one network and on the whole server, each with a token. After a change that is meant to be seen,
//! `KITH_RENEW=1 cargo test -p kith-core --test may` writes it anew.

use kith_core::{
    event::{AdministrationKind, HabitKind, Kind, Role, Scope},
    header::Header,
    id::OrganisationId,
    may::{Action, Credential, Principal, Reach, may},
    plugins::PluginOwner,
    position::Position,
    timestamp::Timestamp,
};
use std::{fs, path::Path};

#[test]
fn cases_are_those_of_the_fixture() {
    let (actions, retractions, members) = (actions().join(",\n"), retractions().join(",\n"), members().join(",\n"));
    let text = format!(
        "{{\n\"actions\": [\n{actions}\n],\n\"retractions\": [\n{retractions}\n],\n\"members\": [\n{members}\n]\n}}\n"
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/may.json");
    if std::env::var_os("KITH_RENEW").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept == text, "who may do what changed: if that is meant, write it anew as the head of this file says");
}

/// What pages offer, named as `client/web/src/state/access.ts` names it, for each principal. What concerns an
/// organisation concerns Riverside.
fn actions() -> Vec<String> {
    let riverside: OrganisationId = "riverside".parse().unwrap();
    let met = Kind::Habit(HabitKind::Met);
    let erased = Kind::Administration(AdministrationKind::PersonErased);
    let (of_network, of_riverside) = (PluginOwner::Network, PluginOwner::Organisation(riverside.clone()));
    let named = [
        ("administer server", Action::AdministerServer),
        ("operate server", Action::OperateServer),
        ("administer tokens", Action::AdministerTokens),
        ("administer tokens of network", Action::AdministerTokenOf(None)),
        ("record", Action::Record(&met, Scope::Network)),
        ("record for organisation", Action::Record(&met, Scope::Organisation)),
        ("add organisation", Action::AddOrganisation),
        ("change plugin of network", Action::ChangePlugin(&of_network)),
        ("change plugin of organisation", Action::ChangePlugin(&of_riverside)),
        ("erase", Action::Write(&erased, Some(&riverside))),
    ];
    let mut cases = Vec::new();
    for (name, action) in &named {
        for principal in principals() {
            let may = may(&principal, action);
            cases.push(format!(r#"{{"action":"{name}",{},"may":{may}}}"#, described(&principal)));
        }
    }
    cases
}

/// Entries that are withdrawn, for each principal: its own and others', of each organisation, and of a kind that nobody
/// withdraws.
fn retractions() -> Vec<String> {
    let kinds = [Kind::Habit(HabitKind::Met), Kind::Administration(AdministrationKind::TokenIssued)];
    let mut cases = Vec::new();
    for principal in principals() {
        for recorded_by in ["person:amina", "person:ben"] {
            for of in ["", "riverside", "hillside"] {
                for kind in &kinds {
                    let may = may(&principal, &Action::Retract(&header(kind, recorded_by, of)));
                    let who = described(&principal);
                    let entry = format!(r#""recorded_by":"{recorded_by}","of":"{of}""#);
                    let is_retractable = kind.is_retractable();
                    cases.push(format!(r#"{{{who},{entry},"is_retractable":{is_retractable},"may":{may}}}"#));
                }
            }
        }
    }
    cases
}

/// Whom principals let into each organisation, or into the network without one, with and without an owner of its own, and
/// whose memberships and tokens they end.
fn members() -> Vec<String> {
    let mut cases = Vec::new();
    for principal in principals() {
        for of in ["", "riverside", "hillside"] {
            let organisation: Option<OrganisationId> = (!of.is_empty()).then(|| of.parse().unwrap());
            let organisation = organisation.as_ref();
            let (who, end) = (described(&principal), may(&principal, &Action::AdministerTokenOf(organisation)));
            for has_owner in [false, true] {
                let let_in = may(&principal, &Action::LetIn { organisation, has_owner });
                cases.push(format!(r#"{{{who},"of":"{of}","has_owner":{has_owner},"let_in":{let_in},"end":{end}}}"#));
            }
        }
    }
    cases
}

/// Principals that differ in what `may` looks at: all of them are Amina.
fn principals() -> Vec<Principal> {
    let mut all = Vec::new();
    for role in Role::ALL.into_iter().chain([Role::Operator]) {
        for organisation in [None, Some("riverside")] {
            for reach in [Reach::Network("north".parse().unwrap()), Reach::Server] {
                all.push(Principal {
                    id: "person:amina".parse().unwrap(),
                    credential: Credential::Token("t-amina".parse().unwrap()),
                    reach,
                    role,
                    person: None,
                    organisation: organisation.map(|id| id.parse().unwrap()),
                });
            }
        }
    }
    all
}

/// A principal, as part of a case.
fn described(principal: &Principal) -> String {
    let role = principal.role.as_str();
    let organisation = principal.organisation.as_ref().map_or("", OrganisationId::as_str);
    let whole_server = principal.reach == Reach::Server;
    format!(r#""role":"{role}","organisation":"{organisation}","whole_server":{whole_server}"#)
}

fn header(kind: &Kind, recorded_by: &str, organisation: &str) -> Header {
    Header {
        position: Position::new(1),
        id: "018f0000-0000-7000-8000-000000000001".parse().unwrap(),
        kind: kind.clone(),
        scope: Scope::Network,
        organisation: Some(organisation).filter(|id| !id.is_empty()).map(|id| id.parse().unwrap()),
        recorded_by: recorded_by.parse().unwrap(),
        occurred_at: Timestamp::from_millis(0),
        kinds: vec![kind.clone()],
        people: Vec::new(),
    }
}
