//! Turns contacts into events, adding unknown people first.
//!
//! Invariant: ids are derived from kind, scope, time, people and the repetition number; salts from id and file. Two
//! fresh servers get the same event bytes in the same order.

use super::{contacts::Contact, members::Member};
use crate::{limits::LONE_ORGANISATIONS_MAX, spot::Spot};
use kith_client::{EventBuilder, NewEvent, v1};
use kith_core::{
    event::{DirectoryFact, Fact, FollowedUp, Habit, Met, OrganisationAdded, PersonAdded, PersonChanged, Scope},
    id::{EventId, OrganisationId, PersonId},
    invalid::Invalid,
    timestamp::Timestamp,
};
use kith_json::{
    derived::{FileDigest, Repeats, digest_parts, event_id, event_salt},
    scope_name,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::BuildHasher,
};

/// Separates the content of contacts from all other hashes.
const CONTACT_DOMAIN: &[u8] = b"kith/import/contact/1";
/// Separates the content of directory events from all other hashes.
const DIRECTORY_DOMAIN: &[u8] = b"kith/import/directory/2";

/// How contacts are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EdgeHabit {
    /// The two met.
    Met,
    /// The first followed up with the others.
    FollowedUp,
}

/// What all events of an import have in common.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// Digest of the list of contacts.
    pub file: FileDigest,
    /// When people and organisations are added: the list's time zero, or its first contact.
    pub epoch: Timestamp,
    /// How contacts are recorded.
    pub habit: EdgeHabit,
    /// Who may see contacts.
    pub scope: Scope,
}

/// Builds the events of an import.
#[derive(Debug)]
pub struct Plan {
    source: Source,
    repeats: Repeats,
}

impl Plan {
    /// Starts without any events.
    pub fn new(source: Source) -> Self {
        Self { source, repeats: Repeats::default() }
    }

    /// Adds an organisation, with its id as its name.
    pub fn organisation(&self, organisation: &OrganisationId) -> Result<NewEvent, Invalid> {
        let name = organisation.to_string();
        let content = digest_parts(
            DIRECTORY_DOMAIN,
            [b"organisation".as_slice(), name.as_bytes(), &self.source.epoch.millis().to_be_bytes()],
        );
        let fact = Fact::Directory(DirectoryFact::OrganisationAdded(OrganisationAdded {
            organisation: organisation.clone(),
            name,
        }));
        self.directory_event(&content, fact)
    }

    /// Adds a person.
    pub fn person(&self, member: &Member) -> Result<NewEvent, Invalid> {
        let Member { person, organisation, role, .. } = member.clone();
        let organisation_id = organisation.as_ref().map(ToString::to_string).unwrap_or_default();
        let (organisation_id, role_bytes) = (organisation_id.as_bytes(), role.as_bytes());
        let epoch = self.source.epoch.millis().to_be_bytes();
        let parts = [b"person", person.as_str().as_bytes(), organisation_id, role_bytes, &epoch];
        let content = digest_parts(DIRECTORY_DOMAIN, parts);
        self.directory_event(
            &content,
            Fact::Directory(DirectoryFact::PersonAdded(PersonAdded { person, organisation, role })),
        )
    }

    fn directory_event(&self, content: &[u8; 32], fact: Fact) -> Result<NewEvent, Invalid> {
        self.build(event_id(content, 0), fact, self.source.epoch, Scope::Network)
    }

    /// Records a contact.
    pub fn contact(&mut self, contact: Contact) -> Result<NewEvent, Invalid> {
        let Contact { time, from, to, .. } = contact;
        let (kind, people, fact) = match self.source.habit {
            EdgeHabit::Met => {
                let mut people = to;
                people.push(from);
                people.sort_unstable();
                ("met", people.clone(), Fact::Habit(Habit::Met(Met { people })))
            }
            EdgeHabit::FollowedUp => {
                let people = std::iter::once(&from).chain(&to).cloned().collect();
                ("followed_up", people, Fact::Habit(Habit::FollowedUp(FollowedUp { by: from, with: to, about: None })))
            }
        };
        let id = self.repeats.next_id(self.content(kind, time, &people));
        self.build(id, fact, time, self.source.scope)
    }

    fn content(&self, kind: &str, time: Timestamp, people: &[PersonId]) -> [u8; 32] {
        let millis = time.millis().to_be_bytes();
        let head = [kind.as_bytes(), scope_name(self.source.scope).as_bytes(), &millis];
        digest_parts(CONTACT_DOMAIN, head.into_iter().chain(people.iter().map(|person| person.as_str().as_bytes())))
    }

    fn build(&self, id: EventId, fact: Fact, time: Timestamp, scope: Scope) -> Result<NewEvent, Invalid> {
        EventBuilder::new(fact, time).id(id).salt(event_salt(&self.source.file, &id)).scope(scope).build()
    }
}

/// The people in a directory, by id.
pub type People = HashMap<String, v1::Person>;

/// Changes a known person to what a list says. The event is new each time: the directory decides whether it is needed,
/// and a person may return to an earlier state.
pub fn changed(member: &Member, now: Timestamp) -> Result<NewEvent, Invalid> {
    let Member { person, organisation, role, .. } = member.clone();
    EventBuilder::new(Fact::Directory(DirectoryFact::PersonChanged(PersonChanged { person, organisation, role })), now)
        .build()
}

/// The members of a list who differ from the directory, updated with what the list says. Empty fields say nothing.
pub fn differing(members: &[Member], known: &People) -> Vec<Member> {
    let described = members.iter().filter_map(|member| {
        let now = known.get(member.person.as_str())?;
        let mut wanted = member.clone();
        if wanted.organisation.is_none() {
            wanted.organisation = now.organisation.parse().ok();
        }
        if wanted.role.is_empty() {
            wanted.role.clone_from(&now.role);
        }
        let organisation = wanted.organisation.as_ref().map_or("", OrganisationId::as_str);
        let is_so = organisation == now.organisation && wanted.role == now.role;
        (!is_so).then_some(wanted)
    });
    described.collect()
}

/// Who must be added before contacts can be recorded: the listed members, then other participants in order of
/// appearance, without those already known.
pub fn newcomers(members: Vec<Member>, contacts: &[Contact], known: &People) -> Vec<Member> {
    let everybody = contacts.iter().flat_map(|contact| {
        let people = std::iter::once(&contact.from).chain(&contact.to);
        people.map(|person| Member {
            spot: contact.spot,
            person: person.clone(),
            organisation: None,
            role: String::new(),
        })
    });
    let mut seen = HashSet::new();
    let members = members.into_iter().chain(everybody);
    members.filter(|member| !known.contains_key(member.person.as_str()) && seen.insert(member.person.clone())).collect()
}

/// The organisations of newcomers, in order of appearance, without those already known.
pub fn new_organisations<S: BuildHasher>(
    members: &[Member],
    known: &HashSet<String, S>,
) -> Vec<(Spot, OrganisationId)> {
    let mut seen = HashSet::new();
    let all = members.iter().filter_map(|member| Some((member.spot, member.organisation.clone()?)));
    all.filter(|(_, id)| !known.contains(id.as_str()) && seen.insert(id.clone())).collect()
}

/// New organisations that look like something else, such as the surnames of their people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoneOrganisations {
    /// How many have one person each.
    pub lone: usize,
    /// How many the list names in total.
    pub all: usize,
    /// One of them.
    pub example: OrganisationId,
}

/// Whether most organisations of a list are new and have one of its people each. Real directories are not like that,
/// but a wrong column is, and the log never forgets an organisation.
pub fn lone_organisations<S: BuildHasher>(members: &[Member], known: &HashSet<String, S>) -> Option<LoneOrganisations> {
    let mut sizes: BTreeMap<&OrganisationId, usize> = BTreeMap::new();
    for organisation in members.iter().filter_map(|member| member.organisation.as_ref()) {
        *sizes.entry(organisation).or_default() += 1;
    }
    let is_lone = |(id, size): &(&&OrganisationId, &usize)| **size == 1 && !known.contains(id.as_str());
    let (example, _) = sizes.iter().find(is_lone)?;
    let (lone, all) = (sizes.iter().filter(is_lone).count(), sizes.len());
    let example = (*example).clone();
    (lone > LONE_ORGANISATIONS_MAX && 2 * lone > all).then_some(LoneOrganisations { lone, all, example })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spot::File;

    const SPOT: Spot = Spot { file: File::Records, record: 1, line: 1 };

    fn source() -> Source {
        Source { file: [7; 32], epoch: Timestamp::from_millis(0), habit: EdgeHabit::Met, scope: Scope::Network }
    }

    fn contact(from: &str, to: &[&str]) -> Contact {
        let to = to.iter().map(|id| id.parse().unwrap()).collect();
        Contact { spot: SPOT, time: Timestamp::from_millis(5_000), from: from.parse().unwrap(), to }
    }

    fn id(source: Source, contact: &Contact) -> EventId {
        Plan::new(source).contact(contact.clone()).unwrap().id()
    }

    #[test]
    fn the_same_contact_gives_the_same_bytes_every_time() {
        let make = || Plan::new(source()).contact(contact("a", &["b"])).unwrap();
        assert_eq!(make().to_proto(), make().to_proto());
    }

    #[test]
    fn everything_that_tells_contacts_apart_changes_the_id() {
        let base = contact("a", &["b"]);
        assert_eq!(id(source(), &base), id(source(), &contact("b", &["a"])), "who comes first does not matter");
        let mut ids = vec![
            id(source(), &base),
            id(Source { habit: EdgeHabit::FollowedUp, ..source() }, &base),
            id(Source { habit: EdgeHabit::FollowedUp, ..source() }, &contact("b", &["a"])),
            id(Source { scope: Scope::Organisation, ..source() }, &base),
            id(source(), &Contact { time: Timestamp::from_millis(6_000), ..base.clone() }),
            id(source(), &contact("a", &["c"])),
        ];
        let mut plan = Plan::new(source());
        ids.extend((0..2).map(|_| plan.contact(base.clone()).unwrap().id()).skip(1));
        let distinct: HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    }

    #[test]
    fn people_of_lists_with_another_time_zero_have_other_ids() {
        let member = Member { spot: SPOT, person: "b".parse().unwrap(), organisation: None, role: String::new() };
        let later = Source { epoch: Timestamp::from_millis(1), ..source() };
        let id = |source| Plan::new(source).person(&member).unwrap().id();
        assert_ne!(id(source()), id(later), "one id would stand for two events");
        let id = |source| Plan::new(source).organisation(&"ward".parse().unwrap()).unwrap().id();
        assert_ne!(id(source()), id(later));
    }

    #[test]
    fn salts_need_the_file() {
        let salt = |file| Plan::new(Source { file, ..source() }).contact(contact("a", &["b"])).unwrap().event().salt;
        assert_ne!(salt([1; 32]), salt([2; 32]));
    }

    #[test]
    fn newcomers_are_added_once_and_with_what_is_known_of_them() {
        let member = |person: &str, organisation: Option<&str>| Member {
            spot: SPOT,
            person: person.parse().unwrap(),
            organisation: organisation.map(|id| id.parse().unwrap()),
            role: String::new(),
        };
        let known = People::from([("c".to_owned(), v1::Person::default())]);
        let contacts = [contact("d", &["b", "c"]), contact("b", &["d"])];
        let found = newcomers(vec![member("b", Some("ward")), member("c", Some("desk"))], &contacts, &known);
        let shown: Vec<_> =
            found.iter().map(|member| (member.person.as_str(), member.organisation.is_some())).collect();
        assert_eq!(shown, [("b", true), ("d", false)]);
        let organisations = new_organisations(&found, &HashSet::new());
        assert_eq!(organisations, [(SPOT, "ward".parse().unwrap())]);
        assert!(new_organisations(&found, &HashSet::from(["ward".to_owned()])).is_empty());
        let plan = Plan::new(source());
        let added = plan.person(&found[0]).unwrap();
        assert_eq!(added.event().occurred_at, source().epoch);
        assert_eq!(added, plan.person(&found[0]).unwrap());
        assert_ne!(added.id(), plan.organisation(&organisations[0].1).unwrap().id());
    }

    #[test]
    fn what_a_list_says_of_people_who_are_known_otherwise_is_recorded() {
        let known = |id: &str, organisation: &str, role: &str| {
            let (organisation, role) = (organisation.to_owned(), role.to_owned());
            (id.to_owned(), v1::Person { id: id.to_owned(), organisation, role, ..v1::Person::default() })
        };
        let people =
            People::from([known("amina", "", "GP"), known("ben", "ward", "nurse"), known("carol", "ward", "")]);
        let member = |person: &str, organisation: &str, role: &str| Member {
            spot: SPOT,
            person: person.parse().unwrap(),
            organisation: organisation.parse().ok(),
            role: role.to_owned(),
        };
        let listed = [member("amina", "desk", ""), member("ben", "", ""), member("carol", "ward", "porter")];
        let found = differing(&[&listed[..], &[member("new", "ward", "")]].concat(), &people);
        assert_eq!(found, [member("amina", "desk", "GP"), member("carol", "ward", "porter")]);
        let once = changed(&found[0], Timestamp::from_millis(0)).unwrap();
        assert_ne!(once.id(), changed(&found[0], Timestamp::from_millis(0)).unwrap().id());
        let Fact::Directory(DirectoryFact::PersonChanged(change)) = &once.event().fact else { panic!("another fact") };
        assert_eq!((change.person.as_str(), change.role.as_str()), ("amina", "GP"));
    }

    #[test]
    fn organisations_of_one_person_each_are_noticed() {
        let members = |organisations: &[String]| -> Vec<Member> {
            let member = |(number, organisation): (usize, &String)| Member {
                spot: SPOT,
                person: format!("p{number}").parse().unwrap(),
                organisation: organisation.parse().ok(),
                role: String::new(),
            };
            organisations.iter().enumerate().map(member).collect()
        };
        let names: Vec<String> = (0..30).map(|number| format!("surname-{number}")).collect();
        let nobody = HashSet::new();
        let everybody: HashSet<String> = names.iter().cloned().collect();
        let found = lone_organisations(&members(&names), &nobody).unwrap();
        assert_eq!((found.lone, found.all, found.example.as_str()), (30, 30, "surname-0"));
        assert_eq!(lone_organisations(&members(&names[..LONE_ORGANISATIONS_MAX]), &nobody), None, "a few are possible");
        assert_eq!(lone_organisations(&members(&names), &everybody), None, "they are known");
        let pairs = [&names[..], &names[..15]].concat();
        assert_eq!(lone_organisations(&members(&pairs), &nobody), None, "half of them have two people");
    }
}
