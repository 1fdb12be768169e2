//! What is recorded of a file: organisations and people who are new, and what is new of people who are known.
//!
//! Invariant: only what the token may record is planned; what stays out is counted. Nothing that is known of a person
//! is changed but by adding words, and an organisation or a role where there is none.

mod planner;

use super::{
    card::{Card, Omitted},
    date::{DateOrder, NotDate, parse_day},
    decisions::{Decided, Decisions},
    directory::Directory,
    format::Contacts,
    keys::Country,
    matching::{join_repeated, match_cards},
    roles::Roles,
    taken::{Extra, Sort},
};
use crate::{refusal::Refusal, spot::Spot};
use kith_client::{Error, EventBuilder, NewEvent};
use kith_core::{event::Custom, id::PersonId, invalid::Invalid, may::Principal, timestamp::Timestamp};
use kith_json::derived::{digest_parts, event_id};
use planner::Planner;
use std::collections::{BTreeMap, HashMap};

/// The type of the event that a service connected two people.
const CONNECTED: &str = "com.linkedin/connected.v1";
/// Separates the content of connections from all other hashes.
const CONNECTED_DOMAIN: &[u8] = b"kith/import/connected/1";

/// How records are to be recorded.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who records, whose rights count.
    pub principal: Principal,
    /// What is taken besides names, e-mail addresses, links and ids.
    pub extras: Vec<Extra>,
    /// Roles for job titles.
    pub roles: Roles,
    /// The country of telephone numbers that name none.
    pub country: Option<Country>,
    /// Whether organisations that the network has not are added.
    pub adds_organisations: bool,
    /// How connections are recorded; `None` if they are not.
    pub connections: Option<Connections>,
    /// When people are added and changed.
    pub now: Timestamp,
}

/// How connections are recorded.
#[derive(Debug, Clone)]
pub struct Connections {
    /// Whose connections they are.
    pub me: PersonId,
    /// Whether day or month comes first in their dates.
    pub order: Option<DateOrder>,
}

/// The records of a file, each person once.
#[derive(Debug, Clone)]
pub struct Planned {
    cards: Vec<(Spot, Card)>,
    refusals: Vec<Refusal>,
    omitted: Omitted,
    groups: u64,
    repeated: usize,
}

/// What an event of a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// It adds an organisation.
    Organisation,
    /// It adds a person.
    Person,
    /// It adds words to a known person.
    Change,
}

/// Events that are recorded together.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where the record stands in its file.
    pub spot: Spot,
    /// What they do.
    pub kind: StepKind,
    /// The person, if it is about one.
    pub person: Option<PersonId>,
    /// The events, in order.
    pub events: Vec<NewEvent>,
}

/// How many details of each sort.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally(BTreeMap<Sort, u64>);

impl Tally {
    fn add(&mut self, sort: Sort, count: u64) {
        *self.0.entry(sort).or_default() += count;
    }

    /// How many of a sort.
    pub fn of(&self, sort: Sort) -> u64 {
        self.0.get(&sort).copied().unwrap_or_default()
    }
}

/// How many records became what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// People who are known.
    pub known: u64,
    /// New people.
    pub new: u64,
    /// Records that somebody has to decide.
    pub to_decide: u64,
    /// Records that somebody decided to skip.
    pub skipped: u64,
    /// Records that cannot be read.
    pub unreadable: u64,
    /// Records that repeat an earlier one of the file.
    pub repeated: u64,
    /// Groups, organisations and things.
    pub groups: u64,
    /// Known people who get more words.
    pub changed: u64,
    /// Known people who would get more words, but whom the token may not change.
    pub kept_out: u64,
    /// New people whom the token may not add to their organisation, and who are added without one.
    pub without_organisation: u64,
    /// Words that would be too long, or more than the token may record about a person.
    pub cut: u64,
    /// Dates of connections that are not recorded.
    pub dates: u64,
    /// Connections to record.
    pub connections: u64,
}

/// What is recorded of a file.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every record that could be read, and what becomes of it.
    pub rows: Vec<Decided>,
    /// What is recorded, in order.
    pub steps: Vec<Step>,
    /// Records that are refused: those that cannot be read, and decisions that cannot be followed.
    pub refusals: Vec<Refusal>,
    /// How many records became what.
    pub counts: Counts,
    /// What would be seen.
    pub seen: Tally,
    /// What would be seen if somebody asked for it.
    pub left_out: Tally,
    /// What is never taken.
    pub omitted: Omitted,
    /// Organisations to add.
    pub organisations: Vec<String>,
    /// Organisations of records that the network has not, and that are not added.
    pub unknown_organisations: Vec<String>,
    /// Connections to record once their people are: where each stands, with whom, and when.
    connections: Vec<(Spot, PersonId, Timestamp)>,
    me: Option<PersonId>,
}

impl Planned {
    /// The records of a file. Those of the same person are joined.
    pub fn new(contacts: Contacts) -> Self {
        let Contacts { cards, mut refusals, groups, omitted, .. } = contacts;
        let (cards, repeated, too_large) = join_repeated(cards);
        refusals.extend(too_large);
        Self { cards, refusals, omitted, groups, repeated }
    }

    /// The number and the name of each record that could be read.
    pub fn names(&self) -> impl Iterator<Item = (u64, &str)> {
        self.cards.iter().map(|(spot, card)| (spot.record, card.name.as_str()))
    }

    /// The first date of a connection in which day and month cannot be told apart, and where it stands.
    pub fn ambiguous_date(&self, order: Option<DateOrder>) -> Option<(Spot, &str)> {
        let dates = self.cards.iter().map(|(spot, card)| (*spot, card.connected_on.as_str()));
        dates.into_iter().find(|(_, date)| parse_day(date, order) == Err(NotDate::Ambiguous))
    }
}

/// Plans what to record. Records in `done` are recorded already, each as a person: they count in comparisons, but
/// nothing is planned for them.
pub fn plan<S: std::hash::BuildHasher>(
    records: &Planned,
    directory: &Directory,
    decisions: &Decisions,
    settings: &Settings,
    done: &HashMap<u64, PersonId, S>,
) -> Plan {
    let Planned { cards, refusals, omitted, groups, repeated } = records;
    let matches = match_cards(cards, directory, &settings.extras, settings.country);
    let mut planner = Planner::new(directory, settings, refusals.clone(), *omitted);
    planner.plan.counts.groups = *groups;
    planner.plan.counts.repeated = *repeated as u64;
    planner.plan.counts.unreadable = refusals.len() as u64;
    for ((spot, card), found) in cards.iter().zip(matches) {
        if let Some(person) = done.get(&spot.record) {
            planner.connect(*spot, card, person);
            continue;
        }
        let row = planner.decide(*spot, card, found, decisions);
        planner.plan.rows.push(row);
    }
    planner.finish()
}

impl Plan {
    /// The events of the connections.
    pub fn connections(&self) -> Vec<(Spot, Result<NewEvent, Refusal>)> {
        let Some(me) = &self.me else { return Vec::new() };
        let event = |(spot, person, time): &(Spot, PersonId, Timestamp)| {
            let event = connected(me, person, *time);
            (*spot, event.map_err(|invalid| Refusal::local(*spot, &Error::from(invalid))))
        };
        self.connections.iter().map(event).collect()
    }
}

/// The event that a service connected two people. Its id follows from what it shows, so that it is recorded once.
fn connected(me: &PersonId, person: &PersonId, time: Timestamp) -> Result<NewEvent, Invalid> {
    let parts = [me.as_str().as_bytes(), person.as_str().as_bytes(), &time.millis().to_be_bytes()];
    let id = event_id(&digest_parts(CONNECTED_DOMAIN, parts), 0);
    let people = vec![me.clone(), person.clone()];
    EventBuilder::new(Custom { type_name: CONNECTED.to_owned(), people }, time).id(id).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::{
        decisions::Decision,
        format::{Reading, read_contacts},
    };
    use kith_client::v1;
    use kith_core::{
        detail::DetailKind,
        event::{DirectoryFact, Fact, PersonAdded, PersonChanged, Role},
        id::OrganisationId,
        may::{Credential, Reach},
    };

    const HEADER: &str = "First Name,Last Name,URL,Email Address,Company,Position,Connected On\n";

    fn principal(role: Role, organisation: Option<&str>) -> Principal {
        Principal {
            id: "token:a".parse().unwrap(),
            credential: Credential::Program,
            reach: Reach::Server,
            role,
            person: None,
            organisation: organisation.map(|id| id.parse().unwrap()),
        }
    }

    fn settings(principal: Principal) -> Settings {
        Settings {
            principal,
            extras: Vec::new(),
            roles: Roles::default(),
            country: None,
            adds_organisations: false,
            connections: None,
            now: Timestamp::from_millis(1_700_000_000_000),
        }
    }

    fn directory() -> Directory {
        let person = |id: &str, name: &str, organisation: &str| v1::Person {
            id: id.into(),
            name: name.into(),
            organisation: organisation.into(),
            ..v1::Person::default()
        };
        let organisation = |id: &str, name: &str| v1::Organisation { id: id.into(), name: name.into(), position: 1 };
        let people = [
            person("ada", "Ada Quill", "riverside"),
            person("percy", "Percy Moss", "hillside"),
            person("nell", "", ""),
        ];
        Directory::new(
            &people,
            &[organisation("riverside", "Riverside Practice"), organisation("hillside", "Hillside")],
        )
    }

    fn records(rows: &str) -> Planned {
        Planned::new(read_contacts(&format!("{HEADER}{rows}"), &Reading::default()).unwrap())
    }

    fn planned(rows: &str, decisions: &str, settings: &Settings) -> Plan {
        let decisions = format!("decision,record,name,match\n{decisions}");
        let decisions = Decisions::parse(decisions.into_bytes()).unwrap();
        plan(&records(rows), &directory(), &decisions, settings, &HashMap::new())
    }

    fn added(step: &Step) -> &PersonAdded {
        match &step.events[0].event().fact {
            Fact::Directory(DirectoryFact::PersonAdded(added)) => added,
            other => panic!("{other:?}"),
        }
    }

    fn changed(step: &Step) -> &PersonChanged {
        match &step.events[0].event().fact {
            Fact::Directory(DirectoryFact::PersonChanged(changed)) => changed,
            other => panic!("{other:?}"),
        }
    }

    const ROW: &str = "Otto,Plum,https://social.example/in/otto,otto@x.example,riverside practice,Porter,12 Mar 2024\n";

    #[test]
    fn new_people_have_random_ids_a_name_and_contacts() {
        let plan = planned(ROW, "", &settings(principal(Role::Owner, None)));
        let [step] = &plan.steps[..] else { panic!("{:?}", plan.steps) };
        let person = added(step);
        assert!(person.person.as_str().starts_with("p-"), "{person:?}");
        assert_eq!(
            (person.organisation.as_ref().map(OrganisationId::as_str), person.role.as_str()),
            (Some("riverside"), "")
        );
        let details: Vec<_> = step.events[0].details().iter().map(|one| (one.kind, one.text.as_str())).collect();
        let expected = [
            (DetailKind::Name, "Otto Plum"),
            (DetailKind::Contact, "mailto:otto@x.example"),
            (DetailKind::Contact, "https://social.example/in/otto"),
        ];
        assert_eq!(details, expected);
        assert_eq!((plan.counts.new, plan.counts.dates, plan.seen.of(Sort::Email)), (1, 1, 1));
        assert_eq!(plan.left_out.of(Sort::Title), 1);
    }

    #[test]
    fn more_than_eight_details_are_several_events() {
        let card = Card {
            name: "Otto".into(),
            emails: (0..20).map(|number| format!("o{number}@x.example")).collect(),
            ..Card::default()
        };
        let contacts =
            Contacts { cards: vec![(Spot::new(1, 1), card)], ..Contacts::of(crate::contacts::Format::Vcard) };
        let records = Planned::new(contacts);
        let events = |principal| {
            let plan = plan(&records, &directory(), &Decisions::default(), &settings(principal), &HashMap::new());
            let counts: Vec<usize> = plan.steps[0].events.iter().map(|event| event.details().len()).collect();
            (counts, plan.counts.cut)
        };
        assert_eq!(events(principal(Role::Owner, None)), (vec![8, 8, 5], 0));
        assert_eq!(events(principal(Role::Recorder, Some("riverside"))), (vec![8], 13));
    }

    #[test]
    fn an_organisation_s_recorder_adds_others_without_organisation_and_changes_none_of_them() {
        let settings = settings(principal(Role::Recorder, Some("riverside")));
        let rows = "Ida,Reed,,ida@y.example,Hillside,,\nPercy,Moss,,percy@y.example,Hillside,,\nAda,Quill,,ada@x.example,riverside,,\n";
        let plan = planned(rows, "same,2,Percy Moss,percy\nsame,3,Ada Quill,ada\n", &settings);
        assert_eq!((plan.counts.new, plan.counts.without_organisation), (1, 1));
        assert_eq!((plan.counts.known, plan.counts.changed, plan.counts.kept_out), (2, 1, 1));
        assert_eq!(added(&plan.steps[0]).organisation, None);
        assert_eq!(plan.steps[1].person.as_ref().map(PersonId::as_str), Some("ada"));
        assert!(plan.rows[1].why.ends_with("this token may not change the person"), "{:?}", plan.rows[1]);
        assert_eq!(plan.refusals, []);
    }

    #[test]
    fn known_people_get_what_they_have_not_and_keep_the_rest() {
        let rows = "Nell,Kettle,,nell@x.example,Hillside,Porter,\nPercy,Other,,percy@y.example,riverside,,\n";
        let owner = settings(principal(Role::Owner, None));
        let plan = planned(rows, "same,1,Nell Kettle,nell\nsame,2,Percy Other,percy\n", &owner);
        let nell = &plan.steps[0];
        assert_eq!(changed(nell).organisation.as_ref().map(OrganisationId::as_str), Some("hillside"));
        assert_eq!(
            nell.events[0].details().iter().map(|one| one.text.as_str()).collect::<Vec<_>>(),
            ["Nell Kettle", "mailto:nell@x.example"]
        );
        let percy = &plan.steps[1];
        assert_eq!(changed(percy).organisation.as_ref().map(OrganisationId::as_str), Some("hillside"), "nobody moves");
        assert_eq!(percy.events[0].details().len(), 1, "the name stays");
    }

    #[test]
    fn organisations_are_added_only_if_somebody_says_so_and_may() {
        let rows = "Ida,Reed,,ida@y.example,Fernhollow Clinic,,\nUma,Reed,,uma@y.example,FERNHOLLOW  clinic,,\n";
        let owner = settings(principal(Role::Owner, None));
        let plan = planned(rows, "", &owner);
        assert_eq!((plan.unknown_organisations.len(), plan.organisations.len()), (1, 0));
        let adding = Settings { adds_organisations: true, ..owner };
        let plan = planned(rows, "", &adding);
        assert_eq!((plan.steps.len(), plan.organisations.as_slice()), (3, &["Fernhollow Clinic".to_owned()][..]));
        assert_eq!(plan.steps[0].kind, StepKind::Organisation);
        assert_eq!(added(&plan.steps[2]).organisation.as_ref().map(OrganisationId::as_str), Some("fernhollow-clinic"));
        let recorder = Settings { principal: principal(Role::Recorder, None), ..adding };
        assert_eq!(planned(rows, "", &recorder).unknown_organisations.len(), 1);
    }

    #[test]
    fn titles_are_roles_only_by_a_map() {
        let roles = Roles::parse("porter,support\n").unwrap();
        let plan = planned(ROW, "", &Settings { roles, ..settings(principal(Role::Owner, None)) });
        assert_eq!((added(&plan.steps[0]).role.as_str(), plan.left_out.of(Sort::Title)), ("support", 0));
        let extras = vec![Extra::Titles];
        let plan = planned(ROW, "", &Settings { extras, ..settings(principal(Role::Owner, None)) });
        assert_eq!(plan.steps[0].events[0].details().last().map(|one| one.kind), Some(DetailKind::Words));
    }

    #[test]
    fn decisions_hold_and_those_that_cannot_be_followed_are_refused() {
        let owner = settings(principal(Role::Owner, None));
        let rows = "Ada,Quill,,,riverside,,\nIda,Reed,,ida@y.example,,,\nUma,Reed,,uma@y.example,,,\n";
        let plan = planned(rows, "", &owner);
        assert_eq!((plan.counts.to_decide, plan.counts.new, plan.rows[0].decision), (1, 2, Decision::Ask));
        let plan = planned(rows, "new,1,Ada Quill,ada\nskip,2,Ida Reed,\nsame,3,Uma Reed,nobody\n", &owner);
        assert_eq!((plan.counts.new, plan.counts.skipped, plan.counts.unreadable), (1, 1, 1));
        assert_eq!(plan.refusals[0].message, "nobody is nobody of this network, or erased");
        let plan = planned(rows, "same,1,Ada Quill,ada percy\n", &owner);
        assert_eq!(plan.refusals[0].field, "match");
    }

    #[test]
    fn connections_are_recorded_once_and_never_as_meetings() {
        let mut owner = settings(principal(Role::Owner, None));
        owner.connections = Some(Connections { me: "ada".parse().unwrap(), order: None });
        let rows = format!("{ROW}Percy,Moss,,percy@y.example,,,soon\nAda,Quill,,ada@x.example,,,12 Mar 2024\n");
        let plan = planned(&rows, "same,2,Percy Moss,percy\nsame,3,Ada Quill,ada\n", &owner);
        assert_eq!((plan.counts.connections, plan.refusals.len()), (1, 1));
        let events = plan.connections();
        let event = events[0].1.as_ref().unwrap();
        assert!(matches!(&event.event().fact, Fact::Custom(custom) if custom.type_name == CONNECTED));
        let person = plan.steps[0].person.clone().unwrap();
        let done = HashMap::from([(1, person)]);
        let again = super::plan(&records(&rows), &directory(), &Decisions::default(), &owner, &done);
        assert_eq!(again.connections()[0].1.as_ref().unwrap().id(), event.id());
        assert!(again.steps.iter().all(|step| step.spot.record != 1));
        assert_eq!(records("A,B,,,,,03/04/2024\n").ambiguous_date(None).map(|(spot, _)| spot.line), Some(2));
    }

    #[test]
    fn two_records_of_one_person_take_nothing_from_each_other() {
        let owner = settings(principal(Role::Owner, None));
        let rows = "Nell,Kettle,,nell@x.example,Hillside,,\nN.,Kettle,,kettle@x.example,,,\n";
        let plan = planned(rows, "same,1,Nell Kettle,nell\nsame,2,N. Kettle,nell\n", &owner);
        let organisations: Vec<_> = plan.steps.iter().map(|step| changed(step).organisation.clone()).collect();
        assert_eq!(organisations, [Some("hillside".parse().unwrap()), Some("hillside".parse().unwrap())]);
        let details: Vec<_> = plan.steps[1].events[0].details().iter().map(|one| one.text.as_str()).collect();
        assert_eq!(details, ["mailto:kettle@x.example"], "the name is added once");
    }

    /// A directory after a plan was followed.
    fn directory_after(plan: &Plan) -> Directory {
        let mut people: Vec<v1::Person> = [("ada", "Ada Quill", "riverside"), ("percy", "Percy Moss", "hillside")]
            .map(|(id, name, organisation)| v1::Person {
                id: id.into(),
                name: name.into(),
                organisation: organisation.into(),
                ..v1::Person::default()
            })
            .to_vec();
        for step in &plan.steps {
            let PersonAdded { person, organisation, .. } = added(step);
            people.push(v1::Person {
                id: person.to_string(),
                name: step.events[0].details()[0].text.clone(),
                organisation: organisation.as_ref().map(OrganisationId::to_string).unwrap_or_default(),
                ..v1::Person::default()
            });
        }
        let organisation = v1::Organisation { id: "riverside".into(), name: "Riverside".into(), position: 1 };
        let mut directory = Directory::new(&people, &[organisation]);
        plan.steps.iter().flat_map(|step| &step.events).for_each(|event| directory.learn(&recorded(event)));
        directory
    }

    fn recorded(event: &NewEvent) -> kith_client::Recorded {
        let entry = kith_core::entry::Entry {
            position: kith_core::position::Position::new(1),
            recorded_at: Timestamp::from_millis(0),
            recorded_by: "token:a".parse().unwrap(),
            organisation: None,
            event_bytes: event.to_proto().event,
            signature: None,
        };
        let decoded = kith_client::Recorded::decode(&entry.encode()).unwrap();
        kith_client::Recorded { details: event.details().to_vec(), ..decoded }
    }

    #[test]
    fn decisions_that_are_followed_twice_add_nobody_twice() {
        let owner = settings(principal(Role::Owner, None));
        let rows = "Ada,Quill,,,riverside,,\nIda,Reed,,ida@y.example,,,\nSam,Green,,,,,\n";
        let list = "decision,record,name,match\nnew,1,Ada Quill,ada\nnew,2,Ida Reed,\nnew,3,Sam Green,\n";
        let decisions = Decisions::parse(list.as_bytes().to_vec()).unwrap();
        let first = planned(rows, &list[27..], &owner);
        assert_eq!((first.counts.new, first.steps.len()), (3, 3));
        let again = plan(&records(rows), &directory_after(&first), &decisions, &owner, &HashMap::new());
        assert_eq!((again.counts.new, again.counts.known, again.steps.len()), (0, 3, 0));
        assert_ne!(again.rows[0].candidates[0].person.as_str(), "ada", "not the one that it was decided not to be");
    }

    #[test]
    fn two_records_of_one_person_add_a_word_once() {
        let owner = settings(principal(Role::Owner, None));
        let rows = "Ada,Quill,,ada@x.example,,,\nA.,Quill,,ada@x.example,,,\n";
        let plan = planned(rows, "same,1,Ada Quill,ada\nsame,2,A. Quill,ada\n", &owner);
        assert_eq!((plan.counts.known, plan.counts.changed, plan.steps.len()), (2, 1, 1));
    }
}
