//! Who is let in, by whom, and what the network demands of new events.
//!
//! Invariant: an organisation that has an owner of its own is closed: nobody else lets anybody in, so that its own
//! events are never one token away from others.

use super::{Batch, Origin, Refusal, State, ownership::demand};
use crate::{
    authority::may_speak_for,
    event::{Administration, AttributeValue, DirectoryFact, Event, Fact, Grant, Role},
    id::{CertificateUri, EventId, MemberId, OrganisationId, PersonId},
    invalid::{Invalid, Problem, check_count},
    limits,
    may::{Action, Principal, may},
    position::Position,
};

/// Refusal for issuing tokens.
const ISSUE: &str = "issue tokens of another organisation, or of none: the network's owners may, and an organisation \
                     with an owner of its own lets people in itself";
/// Refusal for making or changing members.
const LET_IN: &str = "make members of another organisation, or of none: the network's owners may, and an organisation \
                      with an owner of its own lets people in itself";
/// Refusal for ending memberships.
const END: &str = "change members of another organisation: that organisation's owners may, and the network's owners \
                   may end memberships";
/// Refusal for inviting whoever is a member, or has tokens, elsewhere.
const INVITE: &str = "invite somebody who is a member of another organisation, or of none, or has tokens there: they \
                      would lose that";
/// Refusal for changing the policy.
const CHANGE_POLICY: &str = "change the network's policy: an owner of the network may";
/// What random ids begin with, except UUIDs.
const RANDOM_ID_PREFIX: &str = "p-";
/// Characters of a random id after its prefix.
const RANDOM_ID_DIGITS: usize = 10;

impl<S: State> Batch<'_, S> {
    /// Checks an event that changes who may act in the network. Everybody in the event is known.
    pub(super) fn check_admission(&self, principal: &Principal, event: &Event) -> Result<(), Refusal> {
        let Fact::Administration(fact) = &event.fact else { return Ok(()) };
        match fact {
            Administration::TokenIssued { token, grant, person, organisation, .. } => {
                if token.is_feed() {
                    self.check_feed(*grant, person.as_ref())?;
                }
                if token.is_webhook() {
                    self.check_webhook(*grant, person.as_ref())?;
                }
                let keeps = self.keeping_of_feed(event).is_some_and(|keeping| may(principal, &keeping));
                self.check_issued(principal, *grant, person.as_ref(), organisation.as_ref(), keeps)
            }
            Administration::MemberChanged { member, role, organisation, identity } => {
                self.check_member(principal, member, *role, organisation.as_ref(), identity.as_ref())
            }
            Administration::PolicyChanged { .. } => demand(principal, &Action::ChangePolicy, CHANGE_POLICY),
            Administration::TokenRevoked { .. }
            | Administration::PluginInstalled { .. }
            | Administration::PluginActivated { .. }
            | Administration::PluginPaused { .. }
            | Administration::PluginRemoved { .. }
            | Administration::PersonErased { .. }
            | Administration::ErasureCompleted { .. }
            | Administration::HoldChanged { .. }
            | Administration::DetailsErased { .. }
            | Administration::LogRestored { .. } => Ok(()),
        }
    }

    /// The entry that already says what an event asks for.
    pub(super) fn admitted(&self, event: &Event) -> Option<Position> {
        let Fact::Administration(fact) = &event.fact else { return None };
        let authority = self.pending.authority();
        if let Administration::PolicyChanged { policy } = fact {
            return (authority.policy() == *policy).then_some(authority.policy_at());
        }
        let Administration::MemberChanged { member, role: Some(role), organisation, identity } = fact else {
            return None;
        };
        let now = authority.member(member)?;
        let is_same = now.role == *role && now.organisation == *organisation && now.identity == *identity;
        is_same.then_some(now.position)
    }

    fn check_issued(
        &self,
        principal: &Principal,
        grant: Grant,
        person: Option<&PersonId>,
        organisation: Option<&OrganisationId>,
        keeps_own_feed: bool,
    ) -> Result<(), Refusal> {
        let authority = self.pending.authority();
        let member = person.and_then(|person| authority.person(person));
        let organisation = match (grant, person, member) {
            (Grant::Membership, Some(person), None) => {
                let member = MemberId::Person(person.clone());
                return Err(Refusal::MemberUnknown { field: "event.token_issued.person", member });
            }
            (Grant::Membership, _, Some(member)) => member.organisation.as_ref(),
            (Grant::Role(_), _, Some(_)) => {
                let rule = "unspecified: the person is a member, and their tokens carry what the membership gives";
                return Err(Invalid::new("event.token_issued.role", Problem::MustBe(rule)).into());
            }
            _ => organisation,
        };
        self.check_organisation("event.token_issued.organisation", organisation)?;
        if !keeps_own_feed {
            demand(principal, &self.letting_in(organisation), ISSUE)?;
        }
        self.check_speaker("event.token_issued.person", person, organisation)?;
        if matches!(grant, Grant::Invitation(_)) {
            self.check_invited(principal, person)?;
        }
        let open = authority
            .tokens()
            .filter(|(_, token)| token.opens_at(self.clock) && authority.organisation_of(token) == organisation);
        Ok(check_count("event.token_issued.organisation", open.count() + 1, 1, limits::TOKENS_OPEN_MAX)?)
    }

    /// Issuing or ending a feed of somebody, if that is what an event does.
    pub(super) fn keeping_of_feed<'a>(&'a self, event: &'a Event) -> Option<Action<'a>> {
        let authority = self.pending.authority();
        let (person, organisation) = match &event.fact {
            Fact::Administration(Administration::TokenIssued { token, grant, person, organisation, .. })
                if token.is_feed() =>
            {
                let member = person.as_ref().and_then(|person| authority.person(person));
                let organisation = match (grant, member) {
                    (Grant::Membership, Some(member)) => member.organisation.as_ref(),
                    _ => organisation.as_ref(),
                };
                (person.as_ref(), organisation)
            }
            Fact::Administration(Administration::TokenRevoked { token }) if token.is_feed() => {
                let issued = authority.token(token)?;
                (issued.person.as_ref(), authority.organisation_of(issued))
            }
            _ => return None,
        };
        Some(Action::KeepFeedOf { person, organisation })
    }

    /// A feed shows what its person may read, and nothing else.
    fn check_feed(&self, grant: Grant, person: Option<&PersonId>) -> Result<(), Invalid> {
        let Some(person) = person else { return Err(Invalid::new("event.token_issued.person", Problem::Missing)) };
        if !matches!(grant, Grant::Membership | Grant::Role(Role::Reader)) {
            return Err(Invalid::new("event.token_issued.role", Problem::MustBe("reader, for a feed")));
        }
        let open =
            self.pending.authority().tokens().filter(|(id, token)| {
                id.is_feed() && token.person.as_ref() == Some(person) && token.opens_at(self.clock)
            });
        check_count("event.token_issued.person", open.count() + 1, 1, limits::FEEDS_OPEN_MAX)
    }

    /// A webhook sends what a reader of its organisation may read, and speaks for nobody.
    fn check_webhook(&self, grant: Grant, person: Option<&PersonId>) -> Result<(), Invalid> {
        if grant != Grant::Role(Role::Reader) {
            return Err(Invalid::new("event.token_issued.role", Problem::MustBe("reader, for a webhook")));
        }
        if person.is_some() {
            return Err(Invalid::new("event.token_issued.person", Problem::MustBe("empty, for a webhook")));
        }
        let tokens = self.pending.authority().tokens();
        let open = tokens.filter(|(id, token)| id.is_webhook() && token.opens_at(self.clock));
        check_count("event.token_issued.token", open.count() + 1, 1, limits::WEBHOOKS_OPEN_MAX)
    }

    /// Whoever joins loses what they were before, so that is the inviter's to end.
    fn check_invited(&self, principal: &Principal, person: Option<&PersonId>) -> Result<(), Refusal> {
        let authority = self.pending.authority();
        let member = person.and_then(|person| authority.person(person));
        let theirs = authority.tokens().filter(|(_, token)| {
            token.person.as_ref() == person && token.opens_at(self.clock) && matches!(token.grant, Grant::Role(_))
        });
        let of_tokens = theirs.map(|(_, token)| token.organisation.as_ref());
        for organisation in member.map(|member| member.organisation.as_ref()).into_iter().chain(of_tokens) {
            demand(principal, &Action::AdministerTokenOf(organisation), INVITE)?;
        }
        Ok(())
    }

    fn check_member(
        &self,
        principal: &Principal,
        member: &MemberId,
        role: Option<Role>,
        organisation: Option<&OrganisationId>,
        identity: Option<&CertificateUri>,
    ) -> Result<(), Refusal> {
        let authority = self.pending.authority();
        let now = authority.member(member);
        if let Some(now) = now
            && (role.is_none() || now.organisation.as_ref() != organisation)
        {
            demand(principal, &Action::AdministerTokenOf(now.organisation.as_ref()), END)?;
        }
        if role.is_none() {
            let field = "event.member_changed.principal";
            let unknown = || Refusal::MemberUnknown { field, member: member.clone() };
            return now.map(|_| ()).ok_or_else(unknown);
        }
        self.check_organisation("event.member_changed.organisation", organisation)?;
        demand(principal, &self.letting_in(organisation), LET_IN)?;
        // Whoever was moved in the directory since keeps a membership that nobody has ended.
        if now.is_none_or(|now| now.organisation.as_ref() != organisation) {
            self.check_speaker("event.member_changed.principal", member.person(), organisation)?;
        }
        let taken = identity.filter(|identity| authority.service(identity).is_some_and(|(id, _)| id != member));
        match taken {
            Some(identity) => {
                let field = "event.member_changed.identity";
                Err(Refusal::AlreadyExists { field, id: identity.to_string() })
            }
            None => Ok(()),
        }
    }

    /// Letting somebody into an organisation, or into the network without one.
    fn letting_in<'a>(&self, organisation: Option<&'a OrganisationId>) -> Action<'a> {
        let authority = self.pending.authority();
        let has_owner = organisation.is_some_and(|organisation| authority.has_owner(organisation, self.clock));
        Action::LetIn { organisation, has_owner }
    }

    /// Members and tokens of an organisation may only speak for somebody of that organisation.
    fn check_speaker(
        &self,
        field: &'static str,
        person: Option<&PersonId>,
        organisation: Option<&OrganisationId>,
    ) -> Result<(), Refusal> {
        let Some(person) = person else { return Ok(()) };
        if may_speak_for(self.pending.organisation_of(person), organisation) {
            return Ok(());
        }
        Err(Invalid::new(field, Problem::MustBe("somebody of that organisation")).into())
    }

    /// Checks a client's event against the network's policy.
    pub(super) fn check_policy(&self, origin: Origin, event: &Event) -> Result<(), Invalid> {
        let policy = self.pending.authority().policy();
        if let (true, Fact::Directory(DirectoryFact::PersonAdded(added))) = (policy.random_ids, &event.fact)
            && !is_random(&added.person)
        {
            let rule = "random, as this network demands: `p-` and 10 characters of a-z and 2-7, or a UUID";
            return Err(Invalid::new("event.person_added.person", Problem::MustBe(rule)));
        }
        let is_token = |value: &AttributeValue| match value {
            AttributeValue::Text(text) => is_token(text),
            AttributeValue::Integer(_) | AttributeValue::Number(_) | AttributeValue::Flag(_) => true,
        };
        let demands_tokens = policy.token_attributes && origin == Origin::Client;
        if demands_tokens && !event.attributes.iter().all(|attribute| is_token(&attribute.value)) {
            let rule =
                "tokens where they are text, as this network demands: up to 64 characters of a-z, 0-9 and _ . : -";
            return Err(Invalid::new("event.attributes", Problem::MustBe(rule)));
        }
        Ok(())
    }
}

/// Whether nobody chose an id: it has the form of one that a program makes of random bits.
fn is_random(person: &PersonId) -> bool {
    let text = person.as_str();
    let digits = text.strip_prefix(RANDOM_ID_PREFIX).unwrap_or_default();
    let is_short = digits.len() == RANDOM_ID_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte));
    is_short || text.parse::<EventId>().is_ok()
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.:-".contains(&byte);
    text.len() <= limits::TOKEN_ATTRIBUTE_BYTES_MAX && text.bytes().all(allowed)
}
