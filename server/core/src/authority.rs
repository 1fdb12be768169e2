//! Who may act in a network, and what the network demands of new events, as its entries say: members, tokens, policy.
//!
//! Invariant: it follows from the entries alone, so that a replica or an auditor comes to the same result. No fact needs
//! to be checked here: the decision has refused those that break a rule.

use crate::{
    entry::Entry,
    event::{Administration, Event, Fact, Grant, Policy, Role},
    id::{CertificateUri, MemberId, OrganisationId, PersonId, PrincipalId, TokenId},
    position::Position,
    timestamp::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Members, tokens and policy at some position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authority {
    members: BTreeMap<MemberId, Member>,
    /// The services, by what they sign in with.
    services: BTreeMap<CertificateUri, MemberId>,
    /// What services signed in with whose membership ended.
    former: BTreeSet<CertificateUri>,
    tokens: BTreeMap<TokenId, KnownToken>,
    policy: Policy,
    policy_at: Position,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What the member may do.
    pub role: Role,
    /// The member's organisation.
    pub organisation: Option<OrganisationId>,
    /// What a service signs in with.
    pub identity: Option<CertificateUri>,
    /// Position of the entry that made the membership what it is.
    pub position: Position,
    /// When that was recorded.
    pub changed_at: Timestamp,
    /// Who recorded it.
    pub changed_by: PrincipalId,
}

/// A token that was issued, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownToken {
    /// What it gives whoever holds it.
    pub grant: Grant,
    /// The person it speaks for.
    pub person: Option<PersonId>,
    /// The organisation it belongs to.
    pub organisation: Option<OrganisationId>,
    /// When it was issued, by the clock of the server.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// SHA-256 of the SHA-256 of its secret, if its entry has it.
    pub secret_digest: Option<[u8; 32]>,
    /// The organisation of whoever had it issued.
    pub issued_by: Option<OrganisationId>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// The end of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Position of the entry that ended it.
    pub position: Position,
    /// What its holder has to let go of, unless they are let in as somebody else.
    pub lost: Option<Lost>,
}

/// What somebody who is no longer let in has to let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// What only the organisation may see.
    Organisation,
    /// Everything.
    Network,
}

impl Authority {
    /// Applies an event. Events must be applied in order of position.
    pub fn apply(&mut self, event: &Event, entry: &Entry) {
        let Fact::Administration(fact) = &event.fact else { return };
        match fact {
            Administration::MemberChanged { member, role, organisation, identity } => {
                let changed = role.map(|role| Member {
                    role,
                    organisation: organisation.clone(),
                    identity: identity.clone(),
                    position: entry.position,
                    changed_at: entry.recorded_at,
                    changed_by: entry.recorded_by.clone(),
                });
                self.change_member(member, changed.as_ref(), entry.position);
            }
            Administration::TokenIssued { token, grant, person, organisation, expires_at, secret_digest } => {
                let issued = KnownToken {
                    grant: *grant,
                    person: person.clone(),
                    organisation: organisation.clone(),
                    issued_at: event.occurred_at,
                    expires_at: *expires_at,
                    secret_digest: *secret_digest,
                    issued_by: entry.organisation.clone(),
                    ended: None,
                };
                self.tokens.insert(token.clone(), issued);
            }
            Administration::TokenRevoked { token } => {
                let of_organisation =
                    self.tokens.get(token).is_some_and(|issued| self.organisation_of(issued).is_some());
                let lost = of_organisation.then_some(Lost::Organisation);
                if let Some(issued) = self.tokens.get_mut(token) {
                    issued.ended.get_or_insert(Ended { position: entry.position, lost });
                }
            }
            Administration::PersonErased { person, .. } => {
                self.change_member(&MemberId::Person(person.clone()), None, entry.position);
            }
            Administration::PolicyChanged { policy } => (self.policy, self.policy_at) = (*policy, entry.position),
            Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::DetailsErased { .. }
            | Administration::LogRestored { .. } => {}
        }
    }

    fn change_member(&mut self, id: &MemberId, changed: Option<&Member>, at: Position) {
        let before = match changed {
            Some(member) => self.members.insert(id.clone(), member.clone()),
            None => self.members.remove(id),
        };
        if let Some(identity) = before.as_ref().and_then(|member| member.identity.as_ref()) {
            self.services.remove(identity);
            if changed.is_none() {
                self.former.insert(identity.clone());
            }
        }
        if let Some(identity) = changed.and_then(|member| member.identity.as_ref()) {
            self.former.remove(identity);
            self.services.insert(identity.clone(), id.clone());
        }
        if let MemberId::Person(person) = id {
            self.end_tokens(person, before.as_ref(), changed, at);
        }
    }

    /// Ends the tokens that speak for a person whose membership has changed: all of them, unless it goes on in the same
    /// organisation, and then what gives anything else than the membership does.
    fn end_tokens(&mut self, person: &PersonId, before: Option<&Member>, now: Option<&Member>, at: Position) {
        let organisation = |member: Option<&Member>| member.and_then(|member| member.organisation.clone());
        let stays = before.is_some() && now.is_some() && organisation(before) == organisation(now);
        for token in self.tokens.values_mut().filter(|token| token.person.as_ref() == Some(person)) {
            if stays && token.grant == Grant::Membership {
                continue;
            }
            let had = match token.grant {
                Grant::Membership => organisation(before),
                Grant::Role(_) | Grant::Invitation(_) => token.organisation.clone(),
            };
            let lost = match now {
                None if before.is_some() => Some(Lost::Network),
                None => had.is_some().then_some(Lost::Organisation),
                Some(now) => (had.is_some() && had != now.organisation).then_some(Lost::Organisation),
            };
            token.ended.get_or_insert(Ended { position: at, lost });
        }
    }

    /// The organisation that a token belongs to: that of the membership for a token of a member.
    pub fn organisation_of<'a>(&'a self, token: &'a KnownToken) -> Option<&'a OrganisationId> {
        match (token.grant, &token.person) {
            (Grant::Membership, Some(person)) => self.person(person)?.organisation.as_ref(),
            _ => token.organisation.as_ref(),
        }
    }

    /// Whether a service signed in with this whose membership has ended.
    pub fn is_former(&self, identity: &CertificateUri) -> bool {
        self.former.contains(identity)
    }

    /// A member.
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        self.members.get(id)
    }

    /// The membership of a person.
    pub fn person(&self, person: &PersonId) -> Option<&Member> {
        self.members.get(&MemberId::Person(person.clone()))
    }

    /// The service that signs in with this.
    pub fn service(&self, identity: &CertificateUri) -> Option<(&MemberId, &Member)> {
        let id = self.services.get(identity)?;
        Some((id, self.members.get(id)?))
    }

    /// All members, people first, by id.
    pub fn members(&self) -> impl Iterator<Item = (&MemberId, &Member)> {
        self.members.iter()
    }

    /// All tokens that were ever issued, by id.
    pub fn tokens(&self) -> impl Iterator<Item = (&TokenId, &KnownToken)> {
        self.tokens.iter()
    }

    /// A token that was issued.
    pub fn token(&self, id: &TokenId) -> Option<&KnownToken> {
        self.tokens.get(id)
    }

    /// Whether an organisation has an owner of its own at some time: a member, or whoever holds a token. It then decides
    /// alone whom it lets in.
    pub fn has_owner(&self, organisation: &OrganisationId, now: Timestamp) -> bool {
        self.has_owner_of(Some(organisation), now)
    }

    fn has_owner_of(&self, organisation: Option<&OrganisationId>, now: Timestamp) -> bool {
        let is_theirs = |of: &Option<OrganisationId>| of.as_ref() == organisation;
        let member = |member: &Member| member.role == Role::Owner && is_theirs(&member.organisation);
        self.members.values().any(member)
            || self.tokens.values().any(|token| {
                token.grant == Grant::Role(Role::Owner) && is_theirs(&token.organisation) && token.opens_at(now)
            })
    }

    /// Whether the network itself has an owner, of no organisation: a member, or whoever holds a token of the network.
    pub fn has_own_owner(&self, now: Timestamp) -> bool {
        self.has_owner_of(None, now)
    }

    /// What the network demands of new events.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Position of the entry that stated the policy; 0 if none did.
    pub fn policy_at(&self) -> Position {
        self.policy_at
    }
}

impl KnownToken {
    /// Whether it opens anything at some time.
    pub fn opens_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Whether somebody of the directory may be a member, or hold a token, of an organisation: a person speaks for their own
/// organisation only.
pub fn may_speak_for(directory_of: Option<&OrganisationId>, organisation: Option<&OrganisationId>) -> bool {
    organisation.is_none() || directory_of == organisation
}
