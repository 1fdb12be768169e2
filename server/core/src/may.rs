//! Who may do what. [`may`] is the only function that decides; the default is to deny.

use crate::{
    event::{AdministrationKind, Kind, Role, Scope},
    header::Header,
    id::{CertificateUri, NetworkName, OrganisationId, PersonId, PrincipalId, TokenId},
    plugins::PluginOwner,
};
use sha2::{Digest, Sha256};

/// What a digest of a scope begins with.
const SCOPE_CONTEXT: &[u8] = b"kith/scope/1";

/// An authenticated caller: a person's app, a service, an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// How entries name it.
    pub id: PrincipalId,
    /// What authenticated it. Recording checks that it is still valid.
    pub credential: Credential,
    /// The networks it may enter.
    pub reach: Reach,
    /// What it may do there.
    pub role: Role,
    /// The person it speaks for.
    pub person: Option<PersonId>,
    /// The organisation it belongs to.
    pub organisation: Option<OrganisationId>,
}

/// What authenticated a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing: the program itself acts, or somebody who may change the files in the data folder.
    Program,
    /// A token of the principal's network, or of the server for a principal that reaches all of it.
    Token(TokenId),
    /// A client certificate with this URI.
    Certificate(CertificateUri),
}

impl Credential {
    /// The token.
    pub fn token(&self) -> Option<&TokenId> {
        match self {
            Self::Token(id) => Some(id),
            Self::Program | Self::Certificate(_) => None,
        }
    }
}

/// The networks that a principal may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every network of the server, including new ones.
    Server,
    /// One network.
    Network(NetworkName),
}

/// What a principal wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<'a> {
    /// Enter a network at all.
    Enter(&'a NetworkName),
    /// Create a network, or administer the server's tokens.
    AdministerServer,
    /// See the server's status, and the names and heads of all networks, and take backups.
    OperateServer,
    /// Issue, list and revoke tokens at all.
    AdministerTokens,
    /// See an entry, through any call: read, subscription, proof, view, error text.
    See(&'a Header),
    /// Record an event of a kind in a scope.
    Record(&'a Kind, Scope),
    /// Add an organisation to the directory.
    AddOrganisation,
    /// Add a person to the directory, or change or merge people in it.
    ChangePerson(PersonChange<'a>),
    /// See or end a token or a membership of an organisation, or of none.
    AdministerTokenOf(Option<&'a OrganisationId>),
    /// Issue a token of an organisation, or of none, or make a member of it.
    LetIn {
        /// The organisation.
        organisation: Option<&'a OrganisationId>,
        /// Whether it has an owner of its own.
        has_owner: bool,
    },
    /// Issue or end a feed of a person, in an organisation or in none: whoever speaks for the person there does so without
    /// an owner.
    KeepFeedOf {
        /// The person.
        person: Option<&'a PersonId>,
        /// The organisation.
        organisation: Option<&'a OrganisationId>,
    },
    /// List, change, remove or redeliver a webhook of an organisation, or of none: it sends what that organisation keeps
    /// to itself, so nobody else has a say in where it is and when it sends.
    KeepWebhookOf(Option<&'a OrganisationId>),
    /// Change what the network demands of new events.
    ChangePolicy,
    /// Withdraw an event.
    Retract(&'a Header),
    /// Let the server write events of the kinds that clients record.
    Administer,
    /// See a plugin: its versions, and the rows of its view.
    Ask(&'a PluginOwner),
    /// Change a plugin, or install one for this owner.
    ChangePlugin(&'a PluginOwner),
    /// Remove a plugin of an organisation that the principal may not see, named by its installation.
    EndPlugin,
    /// Let the server write an administration event of a kind, about a person of an organisation if it is about one.
    Write(&'a Kind, Option<&'a OrganisationId>),
    /// Erase single details of an entry.
    EraseDetailsOf(&'a Header),
    /// Take a part of the log away as evidence: of what the principal may see.
    Export,
    /// Know of the replicas of an organisation's callers, or of those without one, and how far each is.
    SeeReplicasOf(Option<&'a OrganisationId>),
    /// Lift a hold that an organisation set, or the network.
    LiftHold(Option<&'a OrganisationId>),
}

/// A change of the directory's people, by the organisations that they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonChange<'a> {
    /// A person joins the directory, in an organisation or in none.
    Add(Option<&'a OrganisationId>),
    /// A person is described again, perhaps in another organisation.
    Describe {
        /// Their organisation so far.
        from: Option<&'a OrganisationId>,
        /// Their new organisation.
        to: Option<&'a OrganisationId>,
    },
    /// Ids are merged into one person, or separated again. Checked for each person concerned.
    Merge(Option<&'a OrganisationId>),
}

/// Whether a principal may do something.
pub fn may(principal: &Principal, action: &Action<'_>) -> bool {
    match action {
        Action::Enter(network) => match &principal.reach {
            Reach::Server => principal.role != Role::Operator,
            Reach::Network(own) => own == *network,
        },
        Action::AdministerServer => principal.reach == Reach::Server && principal.role == Role::Owner,
        Action::OperateServer => {
            principal.reach == Reach::Server && matches!(principal.role, Role::Operator | Role::Owner)
        }
        Action::AdministerTokens | Action::Administer | Action::EndPlugin => principal.role == Role::Owner,
        Action::See(header) => sees(principal, header),
        Action::Record(kind, scope) => records(principal, kind, *scope),
        Action::AddOrganisation | Action::ChangePolicy => {
            principal.organisation.is_none() && principal.role == Role::Owner
        }
        Action::ChangePerson(change) => changes_person(principal, *change),
        Action::AdministerTokenOf(organisation) => {
            let is_outside = principal.organisation.is_some() && principal.organisation.as_ref() != *organisation;
            principal.role == Role::Owner && !is_outside
        }
        Action::LetIn { organisation, has_owner } => lets_in(principal, *organisation, *has_owner),
        Action::KeepFeedOf { person, organisation } => {
            person.is_some() && principal.person.as_ref() == *person && principal.organisation.as_ref() == *organisation
        }
        Action::KeepWebhookOf(organisation) => {
            principal.role == Role::Owner && principal.organisation.as_ref() == *organisation
        }
        Action::Retract(header) => retracts(principal, header),
        Action::Ask(owner) => asks(principal, owner),
        Action::ChangePlugin(owner) => asks(principal, owner) && matches!(principal.role, Role::Analyst | Role::Owner),
        Action::Write(kind, organisation) => writes(principal, kind, *organisation),
        Action::Export => audits(principal),
        Action::SeeReplicasOf(organisation) => {
            let is_theirs = principal.organisation.is_none() || principal.organisation.as_ref() == *organisation;
            audits(principal) && is_theirs
        }
        Action::LiftHold(set_by) => {
            let is_networks_owner = principal.organisation.is_none() && principal.role == Role::Owner;
            keeps_records(principal) && (is_networks_owner || principal.organisation.as_ref() == *set_by)
        }
        Action::EraseDetailsOf(header) => {
            let is_theirs = principal.organisation.is_none() || principal.organisation == header.organisation;
            keeps_records(principal) && is_theirs && sees(principal, header)
        }
    }
}

fn writes(principal: &Principal, kind: &Kind, organisation: Option<&OrganisationId>) -> bool {
    let Kind::Administration(kind) = kind else { return false };
    let is_owner = principal.role == Role::Owner;
    match kind {
        AdministrationKind::PluginInstalled
        | AdministrationKind::PluginActivated
        | AdministrationKind::PluginPaused
        | AdministrationKind::PluginRemoved => is_owner || principal.role == Role::Analyst,
        // Erasing is for those who answer for the person; anybody who keeps records may be obliged to keep theirs, and
        // which details they may erase depends on the entry.
        AdministrationKind::PersonErased | AdministrationKind::ErasureCompleted => {
            let of_network = principal.organisation.is_none();
            keeps_records(principal) && (of_network || principal.organisation.as_ref() == organisation)
        }
        AdministrationKind::HoldChanged | AdministrationKind::DetailsErased => keeps_records(principal),
        AdministrationKind::MemberChanged
        | AdministrationKind::TokenIssued
        | AdministrationKind::TokenRevoked
        | AdministrationKind::PolicyChanged
        | AdministrationKind::LogRestored => is_owner,
    }
}

/// Whether a principal answers for what is kept and erased, in its organisation or in the network.
fn keeps_records(principal: &Principal) -> bool {
    matches!(principal.role, Role::RecordsOfficer | Role::Owner)
}

/// Whether a principal looks after what was done with the records, in its organisation or in the network.
fn audits(principal: &Principal) -> bool {
    match principal.role {
        Role::Auditor | Role::RecordsOfficer | Role::Owner => true,
        Role::Reader | Role::Recorder | Role::Analyst | Role::Operator => false,
    }
}

/// An organisation's owners let people into it; those of the network only until it has an owner of its own. The program
/// acts for whoever holds an invitation, which was checked when it was issued.
fn lets_in(principal: &Principal, organisation: Option<&OrganisationId>, has_owner: bool) -> bool {
    let is_theirs = match &principal.organisation {
        Some(own) => organisation == Some(own),
        None => !has_owner || principal.credential == Credential::Program,
    };
    principal.role == Role::Owner && is_theirs
}

fn asks(principal: &Principal, owner: &PluginOwner) -> bool {
    owner.is_seen_by(principal.organisation.as_ref())
}

fn sees(principal: &Principal, header: &Header) -> bool {
    match header.scope {
        Scope::Network => true,
        Scope::Organisation => principal.organisation.is_some() && principal.organisation == header.organisation,
    }
}

/// Tells callers apart who may see other entries of a log: equal for all who see the same. It changes with what decides
/// in `sees`.
pub fn scope_digest(principal: &Principal, incarnation: &[u8; 16]) -> [u8; 32] {
    let organisation = principal.organisation.as_ref().map_or("", OrganisationId::as_str);
    let digest = Sha256::new_with_prefix(SCOPE_CONTEXT).chain_update(incarnation);
    digest.chain_update(organisation).finalize().into()
}

fn records(principal: &Principal, kind: &Kind, scope: Scope) -> bool {
    let in_scope = match scope {
        Scope::Network => true,
        Scope::Organisation => principal.organisation.is_some() && !kind.is_common(),
    };
    is_recorder(principal) && in_scope && !kind.is_administration()
}

fn is_recorder(principal: &Principal) -> bool {
    match principal.role {
        Role::Reader | Role::Analyst | Role::Auditor | Role::Operator => false,
        Role::Recorder | Role::RecordsOfficer | Role::Owner => true,
    }
}

/// People are changed by their own organisation, or by principals without an organisation. People without an
/// organisation are left to the network's officers and owners, or any organisation could claim them. Only the network's
/// owners move people, because an organisation's officer may do more to its people than anybody may to those of others.
fn changes_person(principal: &Principal, change: PersonChange<'_>) -> bool {
    let of_network = principal.organisation.is_none();
    let answers_for = |organisation: Option<&OrganisationId>| match organisation {
        Some(_) => of_network || principal.organisation.as_ref() == organisation,
        None => of_network && matches!(principal.role, Role::RecordsOfficer | Role::Owner),
    };
    let is_theirs = match change {
        PersonChange::Add(None) => true,
        PersonChange::Add(organisation) | PersonChange::Merge(organisation) => answers_for(organisation),
        PersonChange::Describe { from: Some(from), to: Some(to) } if from != to => {
            of_network && principal.role == Role::Owner
        }
        PersonChange::Describe { from, .. } => answers_for(from),
    };
    is_recorder(principal) && is_theirs
}

fn retracts(principal: &Principal, header: &Header) -> bool {
    let by_role = match principal.role {
        Role::Reader | Role::Analyst | Role::Auditor | Role::Operator => false,
        Role::Recorder => principal.id == header.recorded_by,
        Role::RecordsOfficer => {
            principal.id == header.recorded_by
                || (principal.organisation.is_some() && principal.organisation == header.organisation)
        }
        Role::Owner => true,
    };
    by_role && sees(principal, header) && header.kind.is_retractable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{DirectoryKind, HabitKind},
        position::Position,
        timestamp::Timestamp,
    };

    fn principal(role: Role, organisation: Option<&str>) -> Principal {
        Principal {
            id: "person:amina".parse().unwrap(),
            credential: Credential::Program,
            reach: Reach::Network("north".parse().unwrap()),
            role,
            person: None,
            organisation: organisation.map(|id| id.parse().unwrap()),
        }
    }

    fn header(scope: Scope, organisation: Option<&str>, recorded_by: &str) -> Header {
        Header {
            position: Position::new(1),
            id: "018f0000-0000-7000-8000-000000000001".parse().unwrap(),
            kind: Kind::Habit(HabitKind::Met),
            scope,
            organisation: organisation.map(|id| id.parse().unwrap()),
            recorded_by: recorded_by.parse().unwrap(),
            occurred_at: Timestamp::from_millis(0),
            kinds: vec![Kind::Habit(HabitKind::Met)],
            people: Vec::new(),
        }
    }

    #[test]
    fn an_organisations_events_are_seen_by_its_own_only() {
        let event = header(Scope::Organisation, Some("riverside"), "person:ben");
        for role in Role::ALL {
            assert!(may(&principal(role, Some("riverside")), &Action::See(&event)), "{role:?}");
            assert!(!may(&principal(role, Some("hillside")), &Action::See(&event)), "{role:?}");
            assert!(!may(&principal(role, None), &Action::See(&event)), "{role:?}");
        }
        let orphan = header(Scope::Organisation, None, "person:ben");
        assert!(!may(&principal(Role::Owner, None), &Action::See(&orphan)));
    }

    #[test]
    fn a_scope_has_one_digest_whoever_has_it() {
        let digest = |role, organisation| scope_digest(&principal(role, organisation), &[1; 16]);
        for role in Role::ALL {
            assert_eq!(digest(role, Some("riverside")), digest(Role::Reader, Some("riverside")), "{role:?}");
            assert_eq!(digest(role, None), digest(Role::Owner, None), "{role:?}");
        }
        assert_ne!(digest(Role::Reader, Some("riverside")), digest(Role::Reader, Some("hillside")));
        assert_ne!(digest(Role::Reader, Some("riverside")), digest(Role::Reader, None));
        assert_ne!(digest(Role::Reader, None), scope_digest(&principal(Role::Reader, None), &[2; 16]));
    }

    #[test]
    fn networks_are_closed_to_others() {
        let (north, south) = ("north".parse().unwrap(), "south".parse().unwrap());
        assert!(may(&principal(Role::Reader, None), &Action::Enter(&north)));
        assert!(!may(&principal(Role::Owner, None), &Action::Enter(&south)));
        assert!(!may(&principal(Role::Owner, None), &Action::AdministerServer));
    }

    #[test]
    fn recording_needs_a_role_and_for_organisation_scope_an_organisation() {
        let record =
            |role, organisation, kind: &Kind, scope| may(&principal(role, organisation), &Action::Record(kind, scope));
        assert!(record(Role::Recorder, None, &Kind::Habit(HabitKind::Met), Scope::Network));
        assert!(!record(Role::Reader, None, &Kind::Habit(HabitKind::Met), Scope::Network));
        assert!(!record(Role::Recorder, None, &Kind::Habit(HabitKind::Met), Scope::Organisation));
        assert!(record(Role::Recorder, Some("riverside"), &Kind::Habit(HabitKind::Met), Scope::Organisation));
        assert!(!record(
            Role::Owner,
            Some("riverside"),
            &Kind::Directory(DirectoryKind::PersonAdded),
            Scope::Organisation
        ));
        assert!(!record(Role::Owner, None, &Kind::Administration(AdministrationKind::TokenIssued), Scope::Network));
    }

    #[test]
    fn people_are_changed_by_their_own_organisation_or_by_the_network() {
        let (riverside, hillside) = (&"riverside".parse().unwrap(), &"hillside".parse().unwrap());
        let (own, other) = (Some(riverside), Some(hillside));
        let describe = |from, to| PersonChange::Describe { from, to };
        // Riverside's recorder, officer and owner come first, then those of no organisation.
        for (change, by_riverside, [recorder, officer, owner]) in [
            (PersonChange::Add(None), true, [true; 3]),
            (PersonChange::Add(own), true, [true; 3]),
            (PersonChange::Add(other), false, [true; 3]),
            (describe(own, own), true, [true; 3]),
            (describe(own, None), true, [true; 3]),
            (describe(own, other), false, [false, false, true]),
            (describe(other, own), false, [false, false, true]),
            (describe(other, other), false, [true; 3]),
            (describe(other, None), false, [true; 3]),
            (describe(None, None), false, [false, true, true]),
            (describe(None, own), false, [false, true, true]),
            (PersonChange::Merge(own), true, [true; 3]),
            (PersonChange::Merge(other), false, [true; 3]),
            (PersonChange::Merge(None), false, [false, true, true]),
        ] {
            let may = |role, organisation| may(&principal(role, organisation), &Action::ChangePerson(change));
            let recorders = [Role::Recorder, Role::RecordsOfficer, Role::Owner];
            assert_eq!(recorders.map(|role| may(role, Some("riverside"))), [by_riverside; 3], "{change:?}");
            assert_eq!(recorders.map(|role| may(role, None)), [recorder, officer, owner], "{change:?}");
            for role in [Role::Reader, Role::Analyst, Role::Auditor] {
                assert!(!may(role, None) && !may(role, Some("riverside")), "{change:?}");
            }
        }
    }

    #[test]
    fn organisations_are_added_by_the_networks_owner_and_give_tokens_of_their_own() {
        let add = |role, organisation| may(&principal(role, organisation), &Action::AddOrganisation);
        assert!(add(Role::Owner, None));
        assert!(!add(Role::Recorder, None) && !add(Role::RecordsOfficer, None) && !add(Role::Owner, Some("riverside")));
        let (riverside, hillside) = ("riverside".parse().unwrap(), "hillside".parse().unwrap());
        let issue = |role, organisation, of| may(&principal(role, organisation), &Action::AdministerTokenOf(of));
        assert!(issue(Role::Owner, None, None) && issue(Role::Owner, None, Some(&hillside)));
        assert!(issue(Role::Owner, Some("riverside"), Some(&riverside)));
        assert!(!issue(Role::Owner, Some("riverside"), Some(&hillside)));
        assert!(!issue(Role::Owner, Some("riverside"), None), "it would be of the network");
        assert!(!issue(Role::RecordsOfficer, None, None));
    }

    #[test]
    fn analysts_write_plugins_and_only_owners_write_the_rest() {
        let write = |role, organisation, kind| {
            may(&principal(role, organisation), &Action::Write(&Kind::Administration(kind), None))
        };
        assert!(write(Role::Analyst, None, AdministrationKind::PluginInstalled));
        assert!(!write(Role::RecordsOfficer, Some("riverside"), AdministrationKind::PluginInstalled));
        for kind in [AdministrationKind::LogRestored, AdministrationKind::TokenIssued] {
            for role in Role::ALL {
                assert_eq!(write(role, None, kind), role == Role::Owner, "{role:?} {kind:?}");
            }
        }
        assert!(!may(&principal(Role::Owner, None), &Action::Write(&Kind::Habit(HabitKind::Met), None)));
    }

    #[test]
    fn those_who_answer_for_a_person_erase_them_and_whoever_keeps_records_holds_them() {
        let (riverside, hillside) = (&"riverside".parse().unwrap(), &"hillside".parse().unwrap());
        let write = |role, organisation, kind, person_of: Option<&OrganisationId>| {
            may(&principal(role, organisation), &Action::Write(&Kind::Administration(kind), person_of))
        };
        for role in Role::ALL {
            let keeps = matches!(role, Role::RecordsOfficer | Role::Owner);
            for person_of in [None, Some(riverside), Some(hillside)] {
                let is_theirs = person_of == Some(riverside);
                let erased = AdministrationKind::PersonErased;
                assert_eq!(write(role, Some("riverside"), erased, person_of), keeps && is_theirs, "{role:?}");
                assert_eq!(write(role, None, erased, person_of), keeps, "{role:?}");
                assert_eq!(
                    write(role, Some("riverside"), AdministrationKind::HoldChanged, person_of),
                    keeps,
                    "{role:?}"
                );
            }
            let erase =
                |organisation, header: &Header| may(&principal(role, organisation), &Action::EraseDetailsOf(header));
            let own = header(Scope::Network, Some("riverside"), "person:ben");
            assert_eq!(erase(Some("riverside"), &own), keeps, "{role:?}");
            assert_eq!(erase(None, &own), keeps, "{role:?}");
            assert!(!erase(Some("hillside"), &own), "{role:?}");
            let hidden = header(Scope::Organisation, Some("riverside"), "person:ben");
            assert!(!erase(None, &hidden), "{role:?}: it may not see it");
        }
    }

    #[test]
    fn evidence_is_taken_by_those_who_audit_or_answer_for_records() {
        for (role, expected) in [
            (Role::Reader, false),
            (Role::Recorder, false),
            (Role::Analyst, false),
            (Role::Auditor, true),
            (Role::RecordsOfficer, true),
            (Role::Owner, true),
        ] {
            for organisation in [None, Some("riverside")] {
                assert_eq!(may(&principal(role, organisation), &Action::Export), expected, "{role:?} {organisation:?}");
            }
        }
    }

    #[test]
    fn a_feed_is_kept_by_whoever_speaks_for_its_person_there() {
        let (amina, ben) = ("amina".parse().unwrap(), "ben".parse().unwrap());
        let (riverside, hillside) = ("riverside".parse().unwrap(), "hillside".parse().unwrap());
        for role in Role::ALL {
            let own = Principal { person: Some("amina".parse().unwrap()), ..principal(role, Some("riverside")) };
            let keeps = |person, organisation| may(&own, &Action::KeepFeedOf { person, organisation });
            assert!(keeps(Some(&amina), Some(&riverside)), "{role:?}");
            assert!(!keeps(Some(&ben), Some(&riverside)) && !keeps(None, Some(&riverside)), "{role:?}");
            assert!(!keeps(Some(&amina), Some(&hillside)) && !keeps(Some(&amina), None), "{role:?}: no other scope");
            let nobody = Action::KeepFeedOf { person: None, organisation: None };
            assert!(!may(&principal(role, None), &nobody), "{role:?}");
        }
    }

    #[test]
    fn a_webhook_is_kept_by_owners_of_its_own_organisation_alone() {
        let (riverside, hillside) = ("riverside".parse().unwrap(), "hillside".parse().unwrap());
        for role in Role::ALL {
            let keeps = |own, of| may(&principal(role, own), &Action::KeepWebhookOf(of));
            let is_owner = role == Role::Owner;
            assert_eq!(keeps(None, None), is_owner, "{role:?}");
            assert_eq!(keeps(Some("riverside"), Some(&riverside)), is_owner, "{role:?}");
            assert!(!keeps(Some("riverside"), Some(&hillside)) && !keeps(Some("riverside"), None), "{role:?}");
            assert!(!keeps(None, Some(&riverside)), "{role:?}: the network's owners may only end it, as any token");
        }
    }

    #[test]
    fn replicas_of_an_organisation_are_known_to_its_own_auditors_and_the_networks() {
        let (riverside, hillside) = ("riverside".parse().unwrap(), "hillside".parse().unwrap());
        for role in Role::ALL {
            let audits = may(&principal(role, None), &Action::Export);
            let of = |own, of| may(&principal(role, own), &Action::SeeReplicasOf(of));
            assert_eq!(of(None, Some(&hillside)), audits, "{role:?}");
            assert_eq!(of(None, None), audits, "{role:?}");
            assert_eq!(of(Some("riverside"), Some(&riverside)), audits, "{role:?}");
            assert!(!of(Some("riverside"), Some(&hillside)) && !of(Some("riverside"), None), "{role:?}");
        }
    }

    #[test]
    fn an_organisations_plugin_is_its_own_and_changed_by_analysts_and_owners() {
        let own = PluginOwner::Organisation("riverside".parse().unwrap());
        let ask = |role, organisation, owner: &PluginOwner| may(&principal(role, organisation), &Action::Ask(owner));
        let change =
            |role, organisation, owner: &PluginOwner| may(&principal(role, organisation), &Action::ChangePlugin(owner));
        assert!(ask(Role::Reader, Some("riverside"), &own) && ask(Role::Reader, None, &PluginOwner::Network));
        assert!(!ask(Role::Owner, Some("hillside"), &own) && !ask(Role::Owner, None, &own));
        assert!(change(Role::Analyst, Some("riverside"), &own) && change(Role::Owner, None, &PluginOwner::Network));
        assert!(!change(Role::Recorder, Some("riverside"), &own) && !change(Role::Owner, Some("hillside"), &own));
    }

    #[test]
    fn retraction_is_for_the_recorder_the_officer_of_the_organisation_and_the_owner() {
        let own = header(Scope::Network, Some("riverside"), "person:amina");
        let other = header(Scope::Network, Some("riverside"), "person:ben");
        let retract = |role, organisation, event| may(&principal(role, organisation), &Action::Retract(event));
        assert!(retract(Role::Recorder, Some("riverside"), &own));
        assert!(!retract(Role::Recorder, Some("riverside"), &other));
        assert!(retract(Role::RecordsOfficer, Some("riverside"), &other));
        assert!(!retract(Role::RecordsOfficer, Some("hillside"), &other));
        assert!(retract(Role::Owner, None, &other));
        assert!(!retract(Role::Reader, Some("riverside"), &own));
        let hidden = header(Scope::Organisation, Some("riverside"), "person:ben");
        assert!(!retract(Role::Owner, None, &hidden));
    }
}
