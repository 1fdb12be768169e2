//! What is recorded of a file: organisations and people who are new, and what is new of people who are known.
//!
//! Invariant: only what the token may record is planned; what stays out is counted. Nothing that is known of a person
//! is changed but by adding words, and an organisation or a role where there is none.

use super::{
    card::{Card, Omitted},
    date::{DateOrder, NotDate, parse_day},
    decisions::{Decided, Decision, Decisions},
    directory::{Directory, Known},
    format::Contacts,
    keys::Country,
    matching::{Candidate, Match, Verdict, join_repeated, knows, match_cards, name_key},
    roles::Roles,
    taken::{Extra, Identity, Sort, Taken, Word, taken},
};
use crate::{
    names::{folded, slug},
    refusal::Refusal,
    spot::Spot,
};
use kith_client::{Error, EventBuilder, NewEvent, random_person_id};
use kith_core::{
    detail::DetailKind,
    event::{Custom, Fact, OrganisationAdded, PersonAdded, PersonChanged},
    id::{OrganisationId, PersonId},
    invalid::Invalid,
    limits::DETAILS_MAX,
    may::{Action, PersonChange, Principal, may},
    timestamp::Timestamp,
};
use kith_json::derived::{digest_parts, event_id};
use std::collections::{BTreeMap, HashMap, HashSet};

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

/// What becomes of a record.
enum Fate {
    New,
    Same(usize),
    Skip,
    Ask,
    /// Somebody decided what cannot be done, in words.
    Refused(String),
}

/// A plan that is being made.
struct Planner<'p> {
    directory: &'p Directory,
    settings: &'p Settings,
    plan: Plan,
    /// Organisations to add, by their folded names.
    adding: HashMap<String, OrganisationId>,
    unknown: HashSet<String>,
    /// Known people as they are after what earlier records of the file add to them.
    after: HashMap<usize, After>,
}

/// A known person after earlier records of the file.
#[derive(Debug, Clone)]
struct After {
    has_name: bool,
    organisation: Option<OrganisationId>,
    role: String,
    /// Words that are added.
    words: Vec<Identity>,
}

impl<'p> Planner<'p> {
    fn new(directory: &'p Directory, settings: &'p Settings, refusals: Vec<Refusal>, omitted: Omitted) -> Self {
        let plan = Plan {
            rows: Vec::new(),
            steps: Vec::new(),
            refusals,
            counts: Counts::default(),
            seen: Tally::default(),
            left_out: Tally::default(),
            omitted,
            organisations: Vec::new(),
            unknown_organisations: Vec::new(),
            connections: Vec::new(),
            me: settings.connections.as_ref().map(|connections| connections.me.clone()),
        };
        let (adding, unknown, after) = (HashMap::new(), HashSet::new(), HashMap::new());
        Self { directory, settings, plan, adding, unknown, after }
    }

    fn finish(mut self) -> Plan {
        self.plan.counts.connections = self.plan.connections.len() as u64;
        self.plan.refusals.sort_by_key(|refusal| refusal.spot);
        self.plan.steps.sort_by_key(|step| step.kind != StepKind::Organisation);
        self.plan
    }

    /// Decides about a record and plans what follows.
    fn decide(&mut self, spot: Spot, card: &Card, found: Match, decisions: &Decisions) -> Decided {
        let Match { verdict, mut candidates, mut why, namesakes } = found;
        let fate = match decisions.of(spot.record) {
            None => Fate::of(verdict),
            Some(choice) => {
                "as decided".clone_into(&mut why);
                match (choice.decision, &choice.people[..]) {
                    (Decision::New, others) => self.new_unless_added(&namesakes, others),
                    (Decision::Skip, _) => Fate::Skip,
                    (Decision::Ask, _) => Fate::Ask,
                    (Decision::Same, [person]) => match self.directory.find(person) {
                        Some(index) => Fate::Same(index),
                        None => Fate::Refused(format!("{person} is nobody of this network, or erased")),
                    },
                    (Decision::Same, _) => Fate::Refused("the column match names one person, by id".to_owned()),
                }
            }
        };
        let decision = match fate {
            Fate::New => {
                candidates.clear();
                if let Err(refusal) = self.add(spot, card) {
                    self.refuse(refusal);
                }
                Decision::New
            }
            Fate::Same(index) => {
                let known = &self.directory.people()[index];
                candidates = vec![Candidate { person: known.id.clone(), name: known.name.clone() }];
                match self.describe(spot, card, index) {
                    Ok(None) => {}
                    Ok(Some(remark)) => why = format!("{why}; {remark}"),
                    Err(refusal) => self.refuse(refusal),
                }
                Decision::Same
            }
            Fate::Skip => {
                self.plan.counts.skipped += 1;
                Decision::Skip
            }
            Fate::Ask => {
                self.plan.counts.to_decide += 1;
                Decision::Ask
            }
            Fate::Refused(message) => {
                self.refuse(Refusal::unreadable(spot, "match", message));
                Decision::Same
            }
        };
        let (name, organisation) = (card.name.clone(), card.organisation.clone());
        Decided { spot, decision, name, organisation, keys: card.keys(self.settings.country), candidates, why }
    }

    /// Somebody new, unless the record was added before: then somebody of its name is there who was not among the people
    /// that it was decided not to be.
    fn new_unless_added(&self, namesakes: &[usize], others: &[String]) -> Fate {
        let others: HashSet<usize> = others.iter().filter_map(|id| self.directory.find(id)).collect();
        namesakes.iter().copied().find(|person| !others.contains(person)).map_or(Fate::New, Fate::Same)
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.plan.counts.unreadable += 1;
        self.plan.refusals.push(refusal);
    }

    /// Plans to add somebody.
    fn add(&mut self, spot: Spot, card: &Card) -> Result<(), Refusal> {
        let wanted = self.organisation(spot, card);
        let may_add = |organisation| self.may(PersonChange::Add(organisation));
        let is_outside = wanted.is_some() && !may_add(wanted.as_ref());
        let organisation = wanted.filter(|_| !is_outside);
        let person = random_person_id();
        let role = self.role(card).unwrap_or_default();
        let mut words = self.take(card);
        let first: Vec<Word> = words.drain(..words.len().min(DETAILS_MAX - 1)).collect();
        let may_describe = self.may(PersonChange::Describe { from: organisation.as_ref(), to: organisation.as_ref() });
        if !may_describe {
            self.plan.counts.cut += words.len() as u64;
            words.clear();
        }
        let fact = PersonAdded { person: person.clone(), organisation: organisation.clone(), role: role.clone() };
        let builder = EventBuilder::new(fact, self.settings.now);
        let builder = builder.detail(DetailKind::Name, vec![person.clone()], card.name.clone());
        let changed = PersonChanged { person: person.clone(), organisation, role };
        let events = std::iter::once(with_words(builder, &person, &first).build());
        let events: Result<Vec<NewEvent>, Invalid> = events.chain(self.changes(&changed, &words)).collect();
        let events = events.map_err(|invalid| Refusal::local(spot, &Error::from(invalid)))?;
        self.plan.seen.add(Sort::Name, 1);
        first.iter().chain(&words).for_each(|word| self.plan.seen.add(word.sort, 1));
        self.plan.counts.new += 1;
        self.plan.counts.without_organisation += u64::from(is_outside);
        self.connect(spot, card, &person);
        self.plan.steps.push(Step { spot, kind: StepKind::Person, person: Some(person), events });
        Ok(())
    }

    /// Plans to add what a record has more than a known person. Returns what has to be said about it.
    fn describe(&mut self, spot: Spot, card: &Card, index: usize) -> Result<Option<&'static str>, Refusal> {
        let directory = self.directory;
        let known = &directory.people()[index];
        let taken = self.take(card);
        let mut after = self.after.get(&index).cloned().unwrap_or_else(|| After::of(known));
        let is_new =
            |word: &Word| !after.words.contains(&word.identity) && !knows(known, &word.identity, self.settings.country);
        let words: Vec<Word> = taken.into_iter().filter(is_new).collect();
        let has_name = after.has_name;
        self.plan.counts.known += 1;
        self.connect(spot, card, &known.id);
        let Some(changed) = self.changed(spot, card, known, &after) else {
            let is_more = !words.is_empty() || !has_name;
            self.plan.counts.kept_out += u64::from(is_more);
            return Ok(is_more.then_some("stays as it is: this token may not change the person"));
        };
        let is_elsewhere = changed.organisation != after.organisation || changed.role != after.role;
        if words.is_empty() && has_name && !is_elsewhere {
            return Ok(None);
        }
        let person = known.id.clone();
        let room = if has_name { DETAILS_MAX } else { DETAILS_MAX - 1 };
        let (first, rest) = words.split_at(words.len().min(room));
        let mut builder = EventBuilder::new(changed.clone(), self.settings.now);
        if !has_name {
            builder = builder.detail(DetailKind::Name, vec![person.clone()], card.name.clone());
        }
        let events = std::iter::once(with_words(builder, &person, first).build());
        let events: Result<Vec<NewEvent>, Invalid> = events.chain(self.changes(&changed, rest)).collect();
        let events = events.map_err(|invalid| Refusal::local(spot, &Error::from(invalid)));
        let events = events.inspect_err(|_| self.plan.counts.known -= 1)?;
        self.plan.seen.add(Sort::Name, u64::from(!has_name));
        for word in &words {
            self.plan.seen.add(word.sort, 1);
        }
        self.plan.counts.changed += 1;
        after.has_name = true;
        (after.organisation, after.role) = (changed.organisation, changed.role);
        after.words.extend(words.into_iter().map(|word| word.identity));
        self.after.insert(index, after);
        self.plan.steps.push(Step { spot, kind: StepKind::Change, person: Some(person), events });
        Ok(None)
    }

    /// A known person with an organisation and a role where there was none; `None` if the token may not change them.
    fn changed(&mut self, spot: Spot, card: &Card, known: &Known, after: &After) -> Option<PersonChanged> {
        let from = after.organisation.as_ref();
        let wanted = if from.is_none() { self.organisation(spot, card) } else { None };
        let role = if after.role.is_empty() { self.role(card).unwrap_or_default() } else { after.role.clone() };
        let may_become = |to: Option<&OrganisationId>| self.may(PersonChange::Describe { from, to });
        let organisation = match wanted {
            Some(wanted) if may_become(Some(&wanted)) => Some(wanted),
            Some(_) | None => after.organisation.clone(),
        };
        let is_allowed = may_become(organisation.as_ref());
        is_allowed.then(|| PersonChanged { person: known.id.clone(), organisation, role })
    }

    /// What is taken of a card; counts what is not.
    fn take(&mut self, card: &Card) -> Vec<Word> {
        let Taken { words, left_out, too_long } = taken(card, &self.settings.extras, self.settings.country);
        let has_role = self.role(card).is_some();
        let left_out = left_out.into_iter().filter(|sort| *sort != Sort::Title || !has_role);
        left_out.for_each(|sort| self.plan.left_out.add(sort, 1));
        self.plan.counts.cut += too_long;
        words
    }

    fn role(&self, card: &Card) -> Option<String> {
        self.settings.roles.of(&card.title).map(str::to_owned)
    }

    fn may(&self, change: PersonChange<'_>) -> bool {
        may(&self.settings.principal, &Action::ChangePerson(change))
    }

    /// The organisation of a record; adds it if somebody wants that.
    fn organisation(&mut self, spot: Spot, card: &Card) -> Option<OrganisationId> {
        let name = &card.organisation;
        if let Some(known) = self.directory.organisation(name) {
            return Some(known.clone());
        }
        let folded = folded(name);
        if folded.is_empty() {
            return None;
        }
        if let Some(adding) = self.adding.get(&folded) {
            return Some(adding.clone());
        }
        let event = self.settings.adds_organisations.then(|| self.organisation_event(name)).flatten();
        let Some((id, event)) = event else {
            if self.unknown.insert(folded) {
                self.plan.unknown_organisations.push(name.clone());
            }
            return None;
        };
        self.adding.insert(folded, id.clone());
        self.plan.organisations.push(name.clone());
        self.plan.steps.push(Step { spot, kind: StepKind::Organisation, person: None, events: vec![event] });
        Some(id)
    }

    /// An organisation with an id made of its name, if the token may add it and the id is free.
    fn organisation_event(&self, name: &str) -> Option<(OrganisationId, NewEvent)> {
        let id = slug(name).filter(|id| self.directory.organisation(id.as_str()).is_none())?;
        let is_free = self.adding.values().all(|adding| *adding != id);
        let fact = OrganisationAdded { organisation: id.clone(), name: name.to_owned() };
        let event = EventBuilder::new(fact, self.settings.now).build().ok()?;
        (is_free && may(&self.settings.principal, &Action::AddOrganisation)).then_some((id, event))
    }

    /// The events with the words that did not fit into a first one.
    fn changes<'w>(
        &'w self,
        changed: &'w PersonChanged,
        words: &'w [Word],
    ) -> impl Iterator<Item = Result<NewEvent, Invalid>> + 'w {
        words.chunks(DETAILS_MAX).map(|words| {
            let builder = EventBuilder::new(Fact::from(changed.clone()), self.settings.now);
            with_words(builder, &changed.person, words).build()
        })
    }

    /// Plans to record a connection, if the record has one.
    fn connect(&mut self, spot: Spot, card: &Card, person: &PersonId) {
        if card.connected_on.is_empty() {
            return;
        }
        let Some(Connections { me, order }) = &self.settings.connections else {
            self.plan.counts.dates += 1;
            return;
        };
        if me == person {
            return;
        }
        match parse_day(&card.connected_on, *order) {
            Ok(time) => self.plan.connections.push((spot, person.clone(), time)),
            Err(NotDate::Ambiguous | NotDate::Unreadable) => {
                let message = format!("{:?} is no date: the person is recorded without it", card.connected_on);
                self.plan.refusals.push(Refusal::unreadable(spot, "connected_on", message));
            }
        }
    }
}

impl After {
    fn of(known: &Known) -> Self {
        Self {
            has_name: !name_key(&known.name).is_empty(),
            organisation: known.organisation.clone(),
            role: known.role.clone(),
            words: Vec::new(),
        }
    }
}

impl Fate {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::New => Self::New,
            Verdict::Same(index) => Self::Same(index),
            Verdict::Ask => Self::Ask,
        }
    }
}

fn with_words(builder: EventBuilder, person: &PersonId, words: &[Word]) -> EventBuilder {
    words.iter().fold(builder, |builder, word| builder.detail(word.kind, vec![person.clone()], word.text.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::format::{Reading, read_contacts};
    use kith_client::v1;
    use kith_core::{
        event::{DirectoryFact, Role},
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
