//! The rules of plugins, one change after the other.

use super::*;
use bytes::Bytes;

/// A network of which only the administration matters.
#[derive(Default)]
struct World {
    plugins: Plugins,
    head: u64,
}

impl World {
    /// Records a fact as the writer would: only if it obeys the rules.
    fn record(&mut self, fact: &Administration, organisation: Option<&str>) -> Result<(), PluginRefusal> {
        let organisation: Option<OrganisationId> = organisation.map(|id| id.parse().unwrap());
        let checked = self.plugins.check(fact, organisation.as_ref());
        let before = self.plugins.clone();
        self.head += 1;
        let entry = Entry {
            position: Position::new(self.head),
            recorded_at: Timestamp::from_millis(i64::try_from(self.head).unwrap()),
            recorded_by: PrincipalId::parse_field("token:owner", "principal").unwrap(),
            organisation,
            event_bytes: Bytes::new(),
            signature: None,
        };
        self.plugins.apply(fact, &entry);
        assert_eq!(checked.is_err(), before == self.plugins, "a refused fact changes nothing, any other does");
        checked
    }

    fn install(&mut self, name: &str, version: &str) -> Result<(), PluginRefusal> {
        self.record(&installed(name, version, Scope::Network), None)
    }

    fn activate(&mut self, name: &str, version: &str) -> Result<(), PluginRefusal> {
        self.record(&activated(name, version, digest(version)), None)
    }

    fn pause(&mut self, name: &str, paused: bool) -> Result<(), PluginRefusal> {
        self.record(&Administration::PluginPaused { name: name.into(), paused }, None)
    }

    fn remove(&mut self, name: &str) -> Result<(), PluginRefusal> {
        self.record(&Administration::PluginRemoved { name: name.into() }, None)
    }

    /// The version that answers, and the one before it.
    fn answers(&self, name: &str) -> (Option<&str>, Option<&str>) {
        let plugin = self.plugins.get(name).unwrap();
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

fn installed(name: &str, version: &str, scope: Scope) -> Administration {
    let (name, version, component) = (name.to_owned(), version.to_owned(), digest(version));
    Administration::PluginInstalled { name, version, component, settings: "{}".into(), scope }
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
    let second = &world.plugins.get("ties").unwrap().versions()[1];
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
    assert_eq!(world.record(&activated("ties", "1", digest("2")), None), Err(unknown("1")));
    world.activate("ties", "1").unwrap();
    assert_eq!(world.activate("ties", "1"), Err(PluginRefusal::Unchanged(name())));
    assert_eq!(world.pause("ties", false), Err(PluginRefusal::Unchanged(name())));
    world.pause("ties", true).unwrap();
    assert!(world.plugins.get("ties").unwrap().is_paused());
    assert_eq!(world.pause("ties", true), Err(PluginRefusal::Unchanged(name())));
}

#[test]
fn a_name_has_one_scope_until_it_is_removed() {
    let mut world = World::default();
    let of_organisation = |version: &str| installed("ties", version, Scope::Organisation);
    assert_eq!(world.record(&of_organisation("1"), None), Err(PluginRefusal::NoOrganisation));
    world.record(&of_organisation("1"), Some("riverside")).unwrap();
    let riverside = PluginOwner::Organisation("riverside".parse().unwrap());
    assert_eq!(*world.plugins.get("ties").unwrap().owner(), riverside);
    let taken = Err(PluginRefusal::NameTaken("ties".into()));
    assert_eq!(world.record(&of_organisation("2"), Some("hillside")), taken);
    assert_eq!(world.record(&installed("ties", "2", Scope::Network), Some("riverside")), taken);
    world.record(&of_organisation("2"), Some("riverside")).unwrap();
    world.remove("ties").unwrap();
    world.record(&installed("ties", "1", Scope::Network), Some("hillside")).unwrap();
    assert_eq!(*world.plugins.get("ties").unwrap().owner(), PluginOwner::Network);
    assert_eq!(world.plugins.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ties"]);
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
        let versions = world.plugins.get("ties").unwrap().versions();
        versions.iter().map(|version| version.version.clone()).collect::<Vec<_>>()
    };
    assert_eq!(versions(&world), ["0", "1", "3", "4", "5", "6", "7", "more"]);
    assert_eq!(world.answers("ties"), (Some("0"), Some("1")));
    world.activate("ties", "3").unwrap();
    world.install("ties", "even more").unwrap();
    assert_eq!(versions(&world), ["0", "3", "4", "5", "6", "7", "more", "even more"]);
    assert_eq!(world.answers("ties"), (Some("3"), Some("0")));
    let followed = world.plugins.get("ties").unwrap().followed();
    assert_eq!(followed.iter().map(|version| version.version.as_str()).collect::<Vec<_>>(), ["3", "0", "even more"]);
}

#[test]
fn plugins_are_limited() {
    let mut world = World::default();
    for other in 0..PLUGINS_MAX {
        world.install(&format!("view_{other}"), "1").unwrap();
    }
    assert_eq!(world.install("more", "1"), Err(PluginRefusal::TooMany));
    world.remove("view_0").unwrap();
    world.install("more", "1").unwrap();
}
