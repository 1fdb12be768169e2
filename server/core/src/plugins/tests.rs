//! The rules of plugins, one change after the other.

use super::*;
use crate::arbitrary;
use bytes::Bytes;
use proptest::prelude::*;

const NETWORK: PluginOwner = PluginOwner::Network;

/// A network with nothing but administration.
#[derive(Default)]
struct World {
    plugins: Plugins,
    head: u64,
}

impl World {
    /// Records a fact as the writer would: only if it obeys the rules.
    fn record(&mut self, fact: &Administration, owner: &PluginOwner) -> Result<(), PluginRefusal> {
        let organisation = match owner {
            PluginOwner::Network => None,
            PluginOwner::Organisation(id) => Some(id.clone()),
        };
        let checked = self.plugins.check(fact, owner.scope(), organisation.as_ref());
        let before = self.plugins.clone();
        self.head += 1;
        let entry = entry(self.head, owner);
        self.plugins.apply(&event(self.head, owner.scope(), fact.clone()), &entry);
        assert_eq!(checked.is_err(), before == self.plugins, "a refused fact changes nothing, any other does");
        checked
    }

    fn install(&mut self, name: &str, version: &str) -> Result<(), PluginRefusal> {
        self.record(&installed(name, version), &NETWORK)
    }

    fn activate(&mut self, name: &str, version: &str) -> Result<(), PluginRefusal> {
        self.record(&activated(name, version, digest(version)), &NETWORK)
    }

    fn pause(&mut self, name: &str, paused: bool) -> Result<(), PluginRefusal> {
        self.record(&Administration::PluginPaused { name: name.into(), paused }, &NETWORK)
    }

    fn remove(&mut self, name: &str) -> Result<(), PluginRefusal> {
        self.record(&removed(name), &NETWORK)
    }

    /// The network's plugin of a name.
    fn plugin(&self, name: &str) -> &Plugin {
        self.plugins.get(&PluginKey::new(NETWORK, name)).unwrap()
    }

    /// The version that answers, and the one before it.
    fn answers(&self, name: &str) -> (Option<&str>, Option<&str>) {
        let plugin = self.plugin(name);
        let name = |version: Option<&'_ PluginVersion>| version.map(|version| version.version.clone());
        let found = |wanted: Option<String>| wanted.map(|wanted| plugin.version(&wanted).unwrap().version.as_str());
        (found(name(plugin.active())), found(name(plugin.before())))
    }
}

fn digest(version: &str) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..version.len()].copy_from_slice(version.as_bytes());
    digest
}

fn entry(number: u64, owner: &PluginOwner) -> Entry {
    Entry {
        position: Position::new(number),
        recorded_at: Timestamp::from_millis(i64::try_from(number).unwrap()),
        recorded_by: PrincipalId::parse_field("token:owner", "principal").unwrap(),
        organisation: match owner {
            PluginOwner::Network => None,
            PluginOwner::Organisation(id) => Some(id.clone()),
        },
        event_bytes: Bytes::new(),
        signature: None,
    }
}

fn event(number: u64, scope: Scope, fact: Administration) -> Event {
    Event {
        id: arbitrary::numbered_event(number),
        occurred_at: Timestamp::from_millis(0),
        scope,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: [0; 16],
        details: Vec::new(),
        fact: Fact::Administration(fact),
    }
}

fn of(organisation: &str) -> PluginOwner {
    PluginOwner::Organisation(organisation.parse().unwrap())
}

fn installed(name: &str, version: &str) -> Administration {
    let (name, version, component) = (name.to_owned(), version.to_owned(), digest(version));
    Administration::PluginInstalled { name, version, component, settings: "{}".into() }
}

fn removed(name: &str) -> Administration {
    Administration::PluginRemoved { plugin: RemovedPlugin::Named(name.to_owned()) }
}

fn activated(name: &str, version: &str, component: [u8; 32]) -> Administration {
    Administration::PluginActivated { name: name.into(), version: version.into(), component }
}

#[test]
fn a_version_answers_from_its_activation_and_can_be_gone_back_from() {
    let mut world = World::default();
    world.install("ties", "1").unwrap();
    assert_eq!(world.answers("ties"), (None, None));
    world.activate("ties", "1").unwrap();
    world.install("ties", "2").unwrap();
    assert_eq!(world.answers("ties"), (Some("1"), None));
    world.activate("ties", "2").unwrap();
    assert_eq!(world.answers("ties"), (Some("2"), Some("1")));
    world.activate("ties", "1").unwrap();
    assert_eq!(world.answers("ties"), (Some("1"), None));
    let second = &world.plugin("ties").versions()[1];
    assert_eq!((second.installed_at.get(), second.installed_on.millis()), (3, 3));
    assert_eq!(second.installed_by.as_str(), "token:owner");
}

#[test]
fn rollbacks_go_further_and_further_back() {
    let mut world = World::default();
    for version in ["1", "2", "3"] {
        world.install("ties", version).unwrap();
        world.activate("ties", version).unwrap();
    }
    world.activate("ties", "2").unwrap();
    assert_eq!(world.answers("ties"), (Some("2"), Some("1")));
    world.activate("ties", "3").unwrap();
    world.activate("ties", "1").unwrap();
    assert_eq!(world.answers("ties"), (Some("1"), Some("3")));
    world.activate("ties", "3").unwrap();
    assert_eq!(world.answers("ties"), (Some("3"), Some("2")));
}

#[test]
fn each_broken_rule_is_named() {
    let mut world = World::default();
    let name = || "ties".to_owned();
    assert_eq!(world.activate("ties", "1"), Err(PluginRefusal::Unknown(name())));
    assert_eq!(world.pause("ties", true), Err(PluginRefusal::Unknown(name())));
    assert_eq!(world.remove("ties"), Err(PluginRefusal::Unknown(name())));
    world.install("ties", "1").unwrap();
    let taken = PluginRefusal::VersionTaken { name: name(), version: "1".into() };
    assert_eq!(world.install("ties", "1"), Err(taken));
    let unknown = |version: &str| PluginRefusal::VersionUnknown { name: name(), version: version.into() };
    assert_eq!(world.activate("ties", "2"), Err(unknown("2")));
    assert_eq!(world.record(&activated("ties", "1", digest("2")), &NETWORK), Err(unknown("1")));
    world.activate("ties", "1").unwrap();
    assert_eq!(world.activate("ties", "1"), Err(PluginRefusal::Unchanged(name())));
    assert_eq!(world.pause("ties", false), Err(PluginRefusal::Unchanged(name())));
    world.pause("ties", true).unwrap();
    assert!(world.plugin("ties").is_paused());
    assert_eq!(world.pause("ties", true), Err(PluginRefusal::Unchanged(name())));
}

#[test]
fn every_owner_has_plugins_and_names_of_its_own() {
    let mut world = World::default();
    let (riverside, hillside) = (of("riverside"), of("hillside"));
    assert_eq!(PluginOwner::of(Scope::Organisation, None), Err(PluginRefusal::NoOrganisation));
    world.record(&installed("ties", "1"), &riverside).unwrap();
    world.record(&installed("ties", "2"), &hillside).unwrap();
    world.record(&activated("ties", "2", digest("2")), &hillside).unwrap();
    let unknown = Err(PluginRefusal::VersionUnknown { name: "ties".into(), version: "2".into() });
    assert_eq!(world.record(&activated("ties", "2", digest("2")), &riverside), unknown);
    assert_eq!(world.pause("ties", true), Err(PluginRefusal::Unknown("ties".into())));

    world.install("ties", "3").unwrap();
    let means = |world: &World, organisation: Option<&str>| {
        let organisation = organisation.map(|id| id.parse().unwrap());
        world.plugins.find("ties", organisation.as_ref()).map(|(key, _)| key.owner.clone())
    };
    assert_eq!(means(&world, Some("riverside")), Some(riverside.clone()), "a name means the own plugin first");
    assert_eq!((means(&world, None), means(&world, Some("lakeside"))), (Some(NETWORK), Some(NETWORK)));
    world.record(&installed("ties", "4"), &riverside).expect("a plugin that was there first goes on");
    let taken = Err(PluginRefusal::NameTaken("ties".into()));
    assert_eq!(world.record(&installed("ties", "1"), &of("lakeside")), taken);

    world.record(&removed("ties"), &riverside).unwrap();
    assert_eq!(means(&world, Some("riverside")), Some(NETWORK));
    assert_eq!(means(&world, Some("hillside")), Some(hillside));
}

#[test]
fn an_owner_of_the_network_ends_a_plugin_by_its_installation() {
    let mut world = World::default();
    let riverside = of("riverside");
    world.record(&installed("ties", "1"), &riverside).unwrap();
    world.record(&installed("ties", "2"), &riverside).unwrap();
    let id = world.plugins.iter().next().unwrap().1.installed();
    assert_eq!(id, arbitrary::numbered_event(1), "the event that installed the first version");
    let ended = |id| Administration::PluginRemoved { plugin: RemovedPlugin::Installed(id) };
    let other = arbitrary::numbered_event(2);
    assert_eq!(world.record(&ended(other), &NETWORK), Err(PluginRefusal::InstallationUnknown(other)));
    assert_eq!(world.record(&ended(id), &riverside), Err(PluginRefusal::InstallationUnknown(id)));
    world.record(&ended(id), &NETWORK).unwrap();
    assert_eq!(world.plugins, Plugins::default());
}

/// A change of some plugin by somebody of some organisation.
fn change() -> impl Strategy<Value = (Administration, PluginOwner)> {
    let name = || prop::sample::select(&["ties", "silence"][..]);
    let version = || prop::sample::select(&["1", "2"][..]);
    let fact = prop_oneof![
        4 => (name(), version()).prop_map(|(name, version)| installed(name, version)),
        2 => (name(), version()).prop_map(|(name, version)| activated(name, version, digest(version))),
        1 => (name(), any::<bool>()).prop_map(|(name, paused)| Administration::PluginPaused { name: name.into(), paused }),
        1 => name().prop_map(removed),
        2 => (1_u64..40).prop_map(|number| Administration::PluginRemoved {
            plugin: RemovedPlugin::Installed(arbitrary::numbered_event(number))
        }),
    ];
    (fact, prop::sample::select(vec![NETWORK, of("riverside"), of("hillside")]))
}

proptest! {
    #[test]
    fn who_sees_fewer_entries_has_the_same_plugins_as_far_as_it_may_see_them(
        changes in prop::collection::vec(change(), 0..40),
    ) {
        let mut world = World::default();
        let viewers = [None, Some("riverside"), Some("hillside"), Some("lakeside")];
        let viewers = viewers.map(|viewer| viewer.map(|id| id.parse::<OrganisationId>().unwrap()));
        let mut seen = viewers.clone().map(|_| Plugins::default());
        for (fact, owner) in changes {
            let _ = world.record(&fact, &owner);
            let (event, entry) = (event(world.head, owner.scope(), fact), entry(world.head, &owner));
            for (viewer, plugins) in viewers.iter().zip(&mut seen) {
                if owner.is_seen_by(viewer.as_ref()) {
                    plugins.apply(&event, &entry);
                }
                prop_assert_eq!(&*plugins, &world.plugins.seen_by(viewer.as_ref()));
            }
        }
    }
}

#[test]
fn a_component_is_used_as_long_as_a_version_names_it() {
    let mut world = World::default();
    world.install("ties", "1").unwrap();
    world.install("silence", "1").unwrap();
    world.remove("ties").unwrap();
    assert!(world.plugins.uses(&digest("1")));
    world.remove("silence").unwrap();
    assert!(!world.plugins.uses(&digest("1")));
    assert_eq!(world.plugins, Plugins::default());
}

#[test]
fn the_oldest_version_that_nobody_needs_makes_room_for_a_new_one() {
    let mut world = World::default();
    for version in 0..PLUGIN_VERSIONS_MAX {
        world.install("ties", &version.to_string()).unwrap();
    }
    world.activate("ties", "1").unwrap();
    world.activate("ties", "0").unwrap();
    world.install("ties", "more").unwrap();
    let versions = |world: &World| {
        let versions = world.plugin("ties").versions();
        versions.iter().map(|version| version.version.clone()).collect::<Vec<_>>()
    };
    assert_eq!(versions(&world), ["0", "1", "3", "4", "5", "6", "7", "more"]);
    assert_eq!(world.answers("ties"), (Some("0"), Some("1")));
    world.activate("ties", "3").unwrap();
    world.install("ties", "even more").unwrap();
    assert_eq!(versions(&world), ["0", "3", "4", "5", "6", "7", "more", "even more"]);
    assert_eq!(world.answers("ties"), (Some("3"), Some("0")));
    let followed = world.plugin("ties").followed();
    assert_eq!(followed.iter().map(|version| version.version.as_str()).collect::<Vec<_>>(), ["3", "0", "even more"]);
}

#[test]
fn plugins_are_limited_for_each_owner() {
    let mut world = World::default();
    let (riverside, hillside) = (of("riverside"), of("hillside"));
    for owner in [&riverside, &hillside, &NETWORK] {
        for other in 0..owner.plugins_max() {
            world.record(&installed(&format!("{}_{other}", name_of(owner)), "1"), owner).unwrap();
        }
        assert_eq!(world.record(&installed("more", "1"), owner), Err(PluginRefusal::TooMany(owner.clone())));
    }
    assert_eq!(
        PluginRefusal::TooMany(riverside).to_string(),
        "the organisation has 16 plugins, which is the limit: remove one first"
    );
    assert_eq!(
        PluginRefusal::TooMany(NETWORK).to_string(),
        "the network has 64 plugins, which is the limit: remove one first"
    );
    world.remove("network_0").unwrap();
    world.install("more", "1").unwrap();
}

fn name_of(owner: &PluginOwner) -> &str {
    match owner {
        PluginOwner::Network => "network",
        PluginOwner::Organisation(id) => id.as_str(),
    }
}
