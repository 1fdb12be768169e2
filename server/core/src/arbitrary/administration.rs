//! Generators of administration facts.

use super::{Names, parsed, time};
use crate::event::{Administration, RemovedPlugin, Role};
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
    let organisation = option::of(names.organisation.clone());
    prop_oneof![
        (text(), option::of(role()), organisation).prop_map(|(principal, role, organisation)| {
            Administration::MemberChanged { principal, role, organisation }
        }),
        issued(names),
        parsed("[a-z0-9_-]{1,64}").prop_map(|token| Administration::TokenRevoked { token }),
    ]
}

fn issued(names: &Names) -> impl Strategy<Value = Administration> + use<> {
    let token = (parsed("[a-z0-9_-]{1,64}"), role(), option::of(any::<[u8; 32]>()));
    let whose = (option::of(names.person.clone()), option::of(names.organisation.clone()), option::of(time()));
    (token, whose).prop_map(|((token, role, secret_digest), (person, organisation, expires_at))| {
        Administration::TokenIssued { token, role, person, organisation, expires_at, secret_digest }
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
