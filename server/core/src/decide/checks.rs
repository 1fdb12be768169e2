//! The rules that an event must obey to be accepted: permission, the event it names, time, directory, people.
//!
//! Invariant: naming an event that the principal may not see is refused exactly as naming one that does not exist.

use super::{Batch, Origin, Refusal, State, Stop, Target};
use crate::{
    event::{Administration, DirectoryFact, Event, Fact, Habit, HabitKind, Kind, PeopleMerged, RemovedPlugin, Scope},
    id::{OrganisationId, PersonId},
    invalid::{Invalid, Problem},
    may::{Action, Principal, may},
    prepare::Prepared,
};

impl<S: State> Batch<'_, S> {
    /// Checks a new event of a principal against everything accepted before it.
    pub(super) fn check(
        &self,
        principal: &Principal,
        origin: Origin,
        prepared: &Prepared,
        target: Option<&Target>,
    ) -> Result<(), Stop<S::Error>> {
        let event = &prepared.event;
        self.check_permission(principal, origin, event)?;
        check_target(principal, event, target)?;
        self.check_time(event)?;
        self.check_directory(event)?;
        self.check_apart(event)?;
        self.check_ownership(principal, event, target)?;
        self.check_admission(principal, event)?;
        self.check_policy(origin, event)?;
        self.check_details(prepared)?;
        self.check_erased(prepared)?;
        self.check_records(principal, event, target)
    }

    fn check_permission(&self, principal: &Principal, origin: Origin, event: &Event) -> Result<(), Refusal> {
        let kind = event.kind();
        if origin == Origin::Client && kind.is_administration() {
            let rule = "a fact that clients record; the server writes administration events";
            return Err(Invalid::new("event.fact", Problem::MustBe(rule)).into());
        }
        check_scope(event, &kind)?;
        let (action, what) = match (origin, event.scope) {
            (Origin::Server, _) => (self.server_action(principal, event, &kind), "administer the network"),
            (Origin::Client, Scope::Network) => (Action::Record(&kind, event.scope), "record events"),
            (Origin::Client, Scope::Organisation) => {
                (Action::Record(&kind, event.scope), "record events of scope organisation")
            }
        };
        // An event of scope organisation belongs to the recorder's organisation.
        let has_scope = event.scope == Scope::Network || principal.organisation.is_some();
        if has_scope && may(principal, &action) { Ok(()) } else { Err(Refusal::PermissionDenied { what }) }
    }

    fn server_action<'a>(&'a self, principal: &Principal, event: &'a Event, kind: &'a Kind) -> Action<'a> {
        if !kind.is_administration() {
            return Action::Administer;
        }
        if let Some(keeping) = self.keeping_of_feed(event).filter(|keeping| may(principal, keeping)) {
            return keeping;
        }
        if ends_a_plugin_unseen(event) {
            return Action::EndPlugin;
        }
        let person = event.people().first().copied();
        Action::Write(kind, person.and_then(|person| self.pending.organisation_of(person)))
    }

    fn check_time(&self, event: &Event) -> Result<(), Refusal> {
        if event.occurred_at.millis() > self.clock.millis().saturating_add(self.future_ms_max) {
            let problem = Problem::InFuture { max_ms: self.future_ms_max };
            return Err(Invalid::new("event.occurred_at", problem).into());
        }
        Ok(())
    }

    fn check_directory(&self, event: &Event) -> Result<(), Refusal> {
        match &event.fact {
            Fact::Directory(change) => self.check_directory_fact(event, change),
            Fact::Habit(_) | Fact::Custom(_) | Fact::Retracted(_) | Fact::Administration(_) | Fact::Newer(_) => {
                self.check_people(event)
            }
        }
    }

    fn check_directory_fact(&self, event: &Event, change: &DirectoryFact) -> Result<(), Refusal> {
        match change {
            DirectoryFact::OrganisationAdded(added) => {
                let known = self.pending.has_organisation(&added.organisation);
                absent("event.organisation_added.organisation", &added.organisation, known)
            }
            DirectoryFact::PersonAdded(added) => {
                absent("event.person_added.person", &added.person, self.pending.has_person(&added.person))?;
                self.check_organisation("event.person_added.organisation", added.organisation.as_ref())
            }
            DirectoryFact::PersonChanged(changed) => {
                self.check_people(event)?;
                self.check_organisation("event.person_changed.organisation", changed.organisation.as_ref())
            }
            DirectoryFact::PeopleMerged(merge) => {
                self.check_people(event)?;
                self.check_merge(merge)
            }
        }
    }

    fn check_people(&self, event: &Event) -> Result<(), Refusal> {
        match event.people().into_iter().find(|person| !self.pending.has_person(person)) {
            Some(person) => Err(Refusal::PersonUnknown { field: person_field(event, person), person: person.clone() }),
            None => Ok(()),
        }
    }

    pub(super) fn check_organisation(
        &self,
        field: &'static str,
        organisation: Option<&OrganisationId>,
    ) -> Result<(), Refusal> {
        match organisation {
            Some(organisation) if !self.pending.has_organisation(organisation) => {
                Err(Refusal::OrganisationUnknown { field, organisation: organisation.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Every id has at most one merge, and no chain of merges leads back to its start.
    fn check_merge(&self, merge: &PeopleMerged) -> Result<(), Refusal> {
        if self.pending.merge(&merge.merged).is_some() {
            let rule = Problem::MustBe("a person who is not merged already");
            return Err(Invalid::new("event.people_merged.merged", rule).into());
        }
        if *self.pending.root(&merge.kept) == merge.merged {
            let rule = Problem::MustBe("a person who is not merged into the other already");
            return Err(Invalid::new("event.people_merged.kept", rule).into());
        }
        Ok(())
    }

    fn check_details(&self, prepared: &Prepared) -> Result<(), Refusal> {
        let own = prepared.event.people();
        for person in prepared.details.iter().flat_map(|detail| &detail.subjects) {
            if !own.contains(&person) && !self.pending.has_person(person) {
                return Err(Refusal::PersonUnknown { field: "details.subjects", person: person.clone() });
            }
        }
        Ok(())
    }
}

/// Directory and administration events belong to the network, except changes of an organisation's own plugins.
fn check_scope(event: &Event, kind: &Kind) -> Result<(), Invalid> {
    let is_the_networks = !kind.can_be_of_organisation() || ends_a_plugin_unseen(event);
    if event.scope == Scope::Organisation && is_the_networks {
        let rule = "network for directory and administration events, except those about an organisation's own plugins \
                    and details";
        return Err(Invalid::new("event.scope", Problem::MustBe(rule)));
    }
    Ok(())
}

/// Whether it removes a plugin of an organisation that the recorder may not see.
fn ends_a_plugin_unseen(event: &Event) -> bool {
    let Fact::Administration(Administration::PluginRemoved { plugin }) = &event.fact else { return false };
    matches!(plugin, RemovedPlugin::Installed(_))
}

fn check_target(principal: &Principal, event: &Event, target: Option<&Target>) -> Result<(), Refusal> {
    let Some((id, field)) = event.target() else { return Ok(()) };
    let visible = target.map(|target| &target.header).filter(|header| may(principal, &Action::See(header)));
    let Some(header) = visible else { return Err(Refusal::EventUnknown { field, id }) };
    if header.scope != event.scope {
        return Err(Refusal::ScopeMismatch { field, id });
    }
    if let Some(rule) = broken_target_rule(&event.fact, &header.kind) {
        return Err(Invalid::new(field, Problem::MustBe(rule)).into());
    }
    if matches!(event.fact, Fact::Retracted(_)) && !may(principal, &Action::Retract(header)) {
        return Err(Refusal::PermissionDenied { what: "retract this event" });
    }
    Ok(())
}

fn absent(field: &'static str, id: &impl ToString, known: bool) -> Result<(), Refusal> {
    if known { Err(Refusal::AlreadyExists { field, id: id.to_string() }) } else { Ok(()) }
}

/// The rule that the event's target breaks, if it breaks one.
fn broken_target_rule(fact: &Fact, target: &Kind) -> Option<&'static str> {
    match fact {
        Fact::Habit(Habit::Answered(_)) => (*target != Kind::Habit(HabitKind::Referred)).then_some("a referred event"),
        Fact::Retracted(_) => (!target.is_retractable()).then_some("an event that can be withdrawn"),
        Fact::Habit(Habit::FollowedUp(_) | Habit::Helped(_)) => {
            let habit = target.is_retractable() && !target.is_directory();
            (!habit).then_some("an event of a habit")
        }
        Fact::Habit(Habit::Met(_) | Habit::Asked(_) | Habit::Referred(_))
        | Fact::Custom(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => None,
    }
}

/// The field of an event that names a person.
pub(super) fn person_field(event: &Event, person: &PersonId) -> &'static str {
    match &event.fact {
        Fact::Habit(habit) => habit_person_field(habit, person),
        Fact::Custom(_) => "event.custom.people",
        Fact::Directory(change) => directory_person_field(change, person),
        Fact::Administration(administration) => administration_person_field(administration),
        Fact::Retracted(_) | Fact::Newer(_) => "event",
    }
}

fn habit_person_field(habit: &Habit, person: &PersonId) -> &'static str {
    match habit {
        Habit::Met(_) => "event.met.people",
        Habit::FollowedUp(followed) if followed.by == *person => "event.followed_up.by",
        Habit::FollowedUp(_) => "event.followed_up.with",
        Habit::Asked(asked) if asked.by == *person => "event.asked.by",
        Habit::Asked(_) => "event.asked.of",
        Habit::Helped(helped) if helped.helper == *person => "event.helped.helper",
        Habit::Helped(_) => "event.helped.helped",
        Habit::Referred(referred) if referred.referrer == *person => "event.referred.referrer",
        Habit::Referred(referred) if referred.person == *person => "event.referred.person",
        Habit::Referred(_) => "event.referred.to",
        Habit::Answered(_) => "event.answered.by",
    }
}

fn directory_person_field(change: &DirectoryFact, person: &PersonId) -> &'static str {
    match change {
        DirectoryFact::PersonAdded(_) => "event.person_added.person",
        DirectoryFact::PersonChanged(_) => "event.person_changed.person",
        DirectoryFact::PeopleMerged(merge) if merge.kept == *person => "event.people_merged.kept",
        DirectoryFact::PeopleMerged(_) => "event.people_merged.merged",
        DirectoryFact::OrganisationAdded(_) => "event",
    }
}

fn administration_person_field(administration: &Administration) -> &'static str {
    match administration {
        Administration::TokenIssued { .. } => "event.token_issued.person",
        Administration::MemberChanged { .. } => "event.member_changed.principal",
        Administration::PersonErased { .. } => "event.person_erased.person",
        Administration::ErasureCompleted { .. } => "event.erasure_completed.person",
        Administration::HoldChanged { .. } => "event.hold_changed.person",
        Administration::PluginInstalled { .. }
        | Administration::PluginActivated { .. }
        | Administration::PluginPaused { .. }
        | Administration::PluginRemoved { .. }
        | Administration::TokenRevoked { .. }
        | Administration::PolicyChanged { .. }
        | Administration::DetailsErased { .. }
        | Administration::LogRestored { .. } => "event",
    }
}
