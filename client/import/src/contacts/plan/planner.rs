//! Makes a plan, record by record.
//!
//! Invariant: what an earlier record of the file adds to a known person is no longer new in a later one.

use super::{Connections, Counts, Plan, Settings, Step, StepKind, Tally};
use crate::{
    contacts::{
        card::{Card, Omitted},
        date::{NotDate, parse_day},
        decisions::{Decided, Decision, Decisions},
        directory::{Directory, Known},
        matching::{Candidate, Match, Verdict, knows, name_key},
        taken::{Identity, Sort, Taken, Word, taken},
    },
    names::{folded, slug},
    refusal::Refusal,
    spot::Spot,
};
use kith_client::{Error, EventBuilder, NewEvent, random_person_id};
use kith_core::{
    detail::DetailKind,
    event::{Fact, OrganisationAdded, PersonAdded, PersonChanged},
    id::{OrganisationId, PersonId},
    invalid::Invalid,
    limits::DETAILS_MAX,
    may::{Action, PersonChange, may},
};
use std::collections::{HashMap, HashSet};

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
pub(super) struct Planner<'p> {
    directory: &'p Directory,
    settings: &'p Settings,
    pub(super) plan: Plan,
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
    pub(super) fn new(
        directory: &'p Directory,
        settings: &'p Settings,
        refusals: Vec<Refusal>,
        omitted: Omitted,
    ) -> Self {
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

    pub(super) fn finish(mut self) -> Plan {
        self.plan.counts.connections = self.plan.connections.len() as u64;
        self.plan.refusals.sort_by_key(|refusal| refusal.spot);
        self.plan.steps.sort_by_key(|step| step.kind != StepKind::Organisation);
        self.plan
    }

    /// Decides about a record and plans what follows.
    pub(super) fn decide(&mut self, spot: Spot, card: &Card, found: Match, decisions: &Decisions) -> Decided {
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
    pub(super) fn connect(&mut self, spot: Spot, card: &Card, person: &PersonId) {
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
