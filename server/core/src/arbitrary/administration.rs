//! Generators of administration facts.

use super::{Names, parsed, time};
use crate::limits::POLICY_REPLICA_DAYS_MAX;
use crate::{
    event::{Administration, Grant, Policy, RemovedPlugin, Role},
    id::{CertificateUri, MemberId},
};
use proptest::{collection::btree_set, option, prelude::*, sample::select};

/// Any valid administration fact that names these ids.
pub(super) fn administration(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    prop_oneof![plugin(names), access(names), erasure(names), restored()]
}

fn plugin(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    let component = any::<[u8; 32]>();
    prop_oneof![
        (text(), text(), component, "\\PC{0,200}").prop_map(|(name, version, component, settings)| {
            Administration::PluginInstalled { name, version, component, settings }
        }),
        (text(), text(), any::<[u8; 32]>()).prop_map(|(name, version, component)| Administration::PluginActivated {
            name,
            version,
            component
        }),
        (text(), any::<bool>()).prop_map(|(name, paused)| Administration::PluginPaused { name, paused }),
        removed_plugin(names).prop_map(|plugin| Administration::PluginRemoved { plugin }),
    ]
}

fn removed_plugin(names: &Names) -> impl Strategy<Value = RemovedPlugin> + use<> {
    prop_oneof!["\\PC{1,40}".prop_map(RemovedPlugin::Named), names.event.clone().prop_map(RemovedPlugin::Installed),]
}

fn access(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    prop_oneof![
        member(names),
        issued(names),
        parsed("[a-z0-9_-]{1,64}").prop_map(|token| Administration::TokenRevoked { token }),
        (any::<bool>(), any::<bool>(), 0..=POLICY_REPLICA_DAYS_MAX).prop_map(
            |(random_ids, token_attributes, replica_days)| Administration::PolicyChanged {
                policy: Policy { random_ids, token_attributes, replica_days }
            }
        ),
    ]
}

fn member(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    let uri = "[a-z]{1,8}:[a-z/.]{1,40}";
    let identity = uri.prop_map(|text| CertificateUri::parse_field(&text, "identity").expect("it is a URI"));
    let service = || parsed("[a-z0-9_-]{1,32}").prop_map(MemberId::Service);
    let organisation = || option::of(names.organisation.clone());
    let person = || names.person.clone().prop_map(MemberId::Person);
    prop_oneof![
        (person(), role(), organisation()).prop_map(|(member, role, organisation)| {
            Administration::MemberChanged { member, role: Some(role), organisation, identity: None }
        }),
        (service(), role(), organisation(), identity).prop_map(|(member, role, organisation, identity)| {
            Administration::MemberChanged { member, role: Some(role), organisation, identity: Some(identity) }
        }),
        prop_oneof![service(), person()].prop_map(|member| {
            Administration::MemberChanged { member, role: None, organisation: None, identity: None }
        }),
    ]
}

fn grant() -> impl Strategy<Value = Grant> {
    prop_oneof![role().prop_map(Grant::Role), Just(Grant::Membership), role().prop_map(Grant::Invitation)]
}

fn issued(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    let token = (parsed("[a-z0-9_-]{1,64}"), grant(), option::of(any::<[u8; 32]>()));
    let whose = (
        (option::of(names.person.clone()), names.person.clone()),
        option::of(names.organisation.clone()),
        option::of(time()),
    );
    (token, whose).prop_map(|((token, grant, secret_digest), ((person, member), organisation, expires_at))| {
        let (person, organisation) = match grant {
            Grant::Role(_) => (person, organisation),
            Grant::Membership => (Some(member), None),
            Grant::Invitation(_) => (Some(member), organisation),
        };
        Administration::TokenIssued { token, grant, person, organisation, expires_at, secret_digest }
    })
}

fn erasure(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    let (person, event) = (names.person.clone(), names.event.clone());
    let why = || (parsed("[a-z-]{1,32}"), option::of(parsed("[A-Za-z0-9/_.-]{1,64}")));
    let held = (any::<bool>(), parsed("[a-z-]{1,32}"), parsed("[A-Za-z0-9/_.-]{1,64}"));
    prop_oneof![
        (person.clone(), why()).prop_map(|(person, (reason, reference))| Administration::PersonErased {
            person,
            reason,
            reference
        }),
        (person.clone(), event.clone(), any::<u64>(), any::<u32>()).prop_map(
            |(person, erasure, details_erased, keys_destroyed)| Administration::ErasureCompleted {
                person,
                erasure,
                details_erased,
                keys_destroyed
            }
        ),
        (person, held).prop_map(|(person, (held, reason, reference))| Administration::HoldChanged {
            person,
            held,
            reason,
            reference
        }),
        (event, sorted_indexes(), why()).prop_map(|(event, details, (reason, reference))| {
            Administration::DetailsErased { event, details, reason, reference }
        }),
    ]
}

fn sorted_indexes() -> impl Strategy<Value = Vec<u32>> {
    btree_set(0_u32..8, 1..=8).prop_map(|indexes| indexes.into_iter().collect())
}

fn restored() -> impl Strategy<Value = Administration> {
    (any::<[u8; 16]>(), any::<u64>(), any::<[u8; 32]>(), any::<bool>()).prop_map(
        |(incarnation, lost_head, lost_root, unverified)| Administration::LogRestored {
            incarnation,
            lost_head,
            lost_root,
            unverified,
        },
    )
}

fn role() -> impl Strategy<Value = Role> {
    select(&Role::ALL[..])
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,40}"
}
