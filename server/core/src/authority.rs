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
use std::collections::BTreeMap;

/// Members, tokens and policy at some position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authority {
    members: BTreeMap<MemberId, Member>,
    /// Those whose membership ended, with the position of its end.
    former: BTreeMap<MemberId, Position>,
    /// The services, by what they sign in with.
    services: BTreeMap<CertificateUri, MemberId>,
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
    /// Position of the entry that ended it.
    pub ended: Option<Position>,
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
                self.change_member(member, changed, entry.position);
            }
            Administration::TokenIssued { token, grant, person, organisation, expires_at, secret_digest } => {
                let issued = KnownToken {
                    grant: *grant,
                    person: person.clone(),
                    organisation: organisation.clone(),
                    issued_at: event.occurred_at,
                    expires_at: *expires_at,
                    secret_digest: *secret_digest,
                    ended: None,
                };
                self.tokens.insert(token.clone(), issued);
            }
            Administration::TokenRevoked { token } => {
                if let Some(issued) = self.tokens.get_mut(token) {
                    issued.ended.get_or_insert(entry.position);
                }
            }
            Administration::PersonErased { person, .. } => {
                self.change_member(&MemberId::Person(person.clone()), None, entry.position);
                self.end_tokens(person, entry.position, |_| true);
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

    fn change_member(&mut self, id: &MemberId, changed: Option<Member>, at: Position) {
        let goes_on = changed.is_some();
        if let Some(identity) = self.members.get(id).and_then(|member| member.identity.as_ref()) {
            self.services.remove(identity);
        }
        match changed {
            Some(member) => {
                if let Some(identity) = &member.identity {
                    self.services.insert(identity.clone(), id.clone());
                }
                self.former.remove(id);
                self.members.insert(id.clone(), member);
            }
            None => {
                if self.members.remove(id).is_some() {
                    self.former.insert(id.clone(), at);
                }
            }
        }
        if let MemberId::Person(person) = id {
            self.end_tokens(person, at, |grant| !goes_on || matches!(grant, Grant::Role(_)));
        }
    }

    /// Ends tokens that speak for a person, those with certain grants.
    fn end_tokens(&mut self, person: &PersonId, at: Position, ends: impl Fn(Grant) -> bool) {
        let theirs = self.tokens.values_mut().filter(|token| token.person.as_ref() == Some(person));
        for token in theirs.filter(|token| ends(token.grant)) {
            token.ended.get_or_insert(at);
        }
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

    /// What was lost with a token that ended; `None` if nothing was that its holder may not see as somebody else, or if
    /// it goes on.
    pub fn lost_with(&self, token: &KnownToken) -> Option<Lost> {
        token.ended?;
        let person = token.person.as_ref().map(|person| MemberId::Person(person.clone()));
        match person {
            Some(person) if self.former.contains_key(&person) => Some(Lost::Network),
            Some(_) | None => token.organisation.is_some().then_some(Lost::Organisation),
        }
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
