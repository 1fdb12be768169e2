//! The handle to a network's log.
//!
//! Invariant: reads never wait for the writer, and a read sees only what is on disk.

use crate::{
    error::{AppendError, JoinError, ReadError, RevokeTokenError},
    inner::Inner,
    read::{
        candidates::{Direction, Span},
        proof::{self, ConsistencyProof, InclusionProof},
        reader::{self, Details, Weighed, WordsAbout},
        restricted::{Kept, Restricted},
        select::{self, Selected, Selection},
    },
    sign::checkpoints::{self, CheckpointError, Signed},
    state::{
        live::{Head, Live},
        member,
        snapshot::Snapshot,
        token::{IssuedToken, NewSecret, NewToken, Owner, Token},
    },
    store::load_common,
    write::{
        administration,
        log_state::first_match,
        queue::{NetworkRequest, Request, Size},
    },
};
use bytes::Bytes;
use kith_core::{
    authority::{Authority, Member},
    checkpoint::{LogOrigin, SignedCheckpoint, VerifierKey},
    condition::Condition,
    decide::{Command, Outcome, Refusal, Refused, check_append_size},
    directory::Directory,
    erasures::Erasures,
    event::{Administration, AdministrationKind, Grant, Kind, Role, Scope},
    filter::Filter,
    header::Header,
    history::{Budget, History, HistoryId, Unreadable},
    id::{CertificateUri, EventId, MemberId, NetworkName, OrganisationId, PersonId, TokenId},
    may::{Action, Principal, Reach, may},
    plugins::Plugins,
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
    tree::Subtree,
};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};
use tokio::sync::watch;

/// A network's log; cheap to clone.
#[derive(Clone)]
pub struct Network {
    live: Arc<Live>,
    inner: Arc<Inner>,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("name", &self.live.name).finish_non_exhaustive()
    }
}

impl Network {
    pub(crate) fn new(live: Arc<Live>, inner: Arc<Inner>) -> Self {
        Self { live, inner }
    }

    /// Its name.
    pub fn name(&self) -> &NetworkName {
        &self.live.name
    }

    /// When it was created.
    pub fn created_at(&self) -> Timestamp {
        self.live.created_at
    }

    /// Random id of its log; a different id means a different history.
    pub fn incarnation(&self) -> [u8; 16] {
        self.live.incarnation
    }

    /// Appends a command's events: all or none. They are on disk when this returns, with an outcome for each event, in
    /// order.
    pub async fn append(&self, mut command: Command) -> Result<Vec<Outcome>, AppendError> {
        let size = check_size(&command.events)?;
        if let Some(condition) = command.condition.take() {
            command.condition = Some(self.narrow(condition, &command.principal).await);
        }
        let live = self.live.clone();
        self.inner.queue.ask(size, |reply| Request::Network(live, NetworkRequest::Append { command, reply })).await
    }

    /// Appends events independently of each other in one commit: a refused event does not affect the rest.
    pub async fn append_each(
        &self,
        principal: Principal,
        events: Vec<Prepared>,
    ) -> Result<Vec<Result<Outcome, Refusal>>, AppendError> {
        let size = check_size(&events)?;
        let live = self.live.clone();
        self.inner
            .queue
            .ask(size, |reply| Request::Network(live, NetworkRequest::AppendEach { principal, events, reply }))
            .await
    }

    /// The last position.
    pub fn head(&self) -> Position {
        self.live.head().position
    }

    /// Reports each change of the last position. All entries up to the value are on disk and readable.
    pub fn watch_head(&self) -> watch::Receiver<Position> {
        self.live.watch_head()
    }

    /// The last position with its root, incarnation and time, consistent with each other.
    pub fn summary(&self) -> Head {
        self.live.head()
    }

    /// Reads the entries that a principal asks for and may see. Looks at a bounded number of entries, so a call may
    /// return none without having reached the end.
    pub fn select(&self, selection: &Selection) -> Result<Selected, ReadError> {
        select::select(&self.inner.store, &self.live, selection)
    }

    /// The position of an event, if the principal may see it.
    pub fn position_of(&self, principal: &Principal, id: &EventId) -> Result<Option<Position>, ReadError> {
        let snapshot = self.snapshot()?;
        let Some(position) = snapshot.recorded(id)? else { return Ok(None) };
        Ok((!Restricted::begin(&snapshot, principal)?.hides(position.get())?).then_some(position))
    }

    /// The bytes and the outline of an entry; `None` outside the log or if the principal may not see it.
    pub fn entry(&self, principal: &Principal, position: Position) -> Result<Option<(Bytes, Header)>, ReadError> {
        let entry = reader::entry(&self.inner.store, &self.live, position)?;
        Ok(entry.filter(|(_, header)| may(principal, &Action::See(header))))
    }

    /// The position of the first retraction of an entry, if it is withdrawn and the principal may see it.
    pub fn retracted_at(&self, principal: &Principal, position: Position) -> Result<Option<Position>, ReadError> {
        let snapshot = self.snapshot()?;
        if Restricted::begin(&snapshot, principal)?.hides(position.get())? {
            return Ok(None);
        }
        snapshot.retracted_at(position)
    }

    /// The details of entries that the principal may see. Omits other positions, entries without details, and details of
    /// which a key is lost.
    pub fn details(
        &self,
        principal: &Principal,
        positions: &[Position],
    ) -> Result<Vec<(Position, Details)>, ReadError> {
        reader::details(&self.inner.store, &self.live, principal, positions)
    }

    /// How many of the entries, counted from the first, fit into `bytes_max` with their details, and the size of those
    /// details. The first always fits. Opens no details.
    pub fn weigh(
        &self,
        principal: &Principal,
        entries: &[(Position, Bytes)],
        bytes_max: usize,
    ) -> Result<Weighed, ReadError> {
        reader::weigh(&self.inner.store, &self.live, principal, (entries, bytes_max))
    }

    /// Whether the entries after `after` up to `until` are in memory, and none of them has details.
    pub fn are_recent_without_details(&self, after: Position, until: Position) -> bool {
        self.live.published().are_without_details(after, until)
    }

    /// The last entry recorded up to a time that the principal may see; 0 if there is none. Times of recording never
    /// decrease along the log.
    pub fn last_seen_by(&self, principal: &Principal, time: Timestamp) -> Result<Position, ReadError> {
        let (snapshot, head) = (self.snapshot()?, self.head());
        let (mut known, mut beyond) = (0, head.get() + 1);
        while beyond - known > 1 {
            let middle = known + (beyond - known) / 2;
            let recorded_at = snapshot.entry(Position::new(middle))?.recorded_at;
            if recorded_at <= time { known = middle } else { beyond = middle }
        }
        let restricted = Restricted::begin(&snapshot, principal)?;
        while known > 0 && restricted.hides(known)? {
            known -= 1;
        }
        Ok(Position::new(known))
    }

    /// Whether there is an entry after `after` up to `until` that a principal may not see.
    pub fn hides_any(&self, principal: &Principal, after: Position, until: Position) -> Result<bool, ReadError> {
        let restricted = Restricted::begin(&self.snapshot()?, principal)?;
        let rows = restricted.range(Span { after, until, direction: Direction::Forward })?;
        for row in rows {
            if row?.1 == Kept::FromUs {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The newest names of people, as the directory shows them to everybody; people without a name, or with an erased
    /// one, are omitted.
    pub fn names(&self, people: &[PersonId]) -> Result<HashMap<PersonId, String>, ReadError> {
        reader::names(&self.inner.store, &self.live, people)
    }

    /// The directory at the head: a snapshot. Drop it soon; otherwise the next change of the directory has to copy it.
    pub fn directory(&self) -> Arc<Directory> {
        self.live.directory()
    }

    /// Whose words are erased and held at the head: a snapshot.
    pub fn erasures(&self) -> Arc<Erasures> {
        self.live.erasures()
    }

    /// Counts the details about people that a principal may see. Reads all details of the log.
    pub fn words_about(&self, principal: &Principal, people: &HashSet<PersonId>) -> Result<WordsAbout, ReadError> {
        reader::words_about(&self.inner.store, &self.live, principal, people)
    }

    /// The network's plugins at the head, without the built-in views.
    pub fn plugins(&self) -> Arc<Plugins> {
        self.live.plugins()
    }

    /// Records in a scope what the server itself did on behalf of a principal: all facts or none. The caller has
    /// checked that the principal may do so, and that the facts are valid.
    pub async fn administer(
        &self,
        principal: &Principal,
        scope: Scope,
        facts: Vec<Administration>,
    ) -> Result<Position, AppendError> {
        Ok(last(&self.append(self.command(principal, scope, facts)?).await?))
    }

    /// The directory as it was at a position. Blocks on the disk unless it is the head.
    pub fn directory_at(&self, position: Position) -> Result<Arc<Directory>, ReadError> {
        let (head, directory) = {
            let published = self.live.published();
            (published.head.position, published.directory.clone())
        };
        if position == head {
            return Ok(directory);
        }
        let common = load_common(&self.snapshot_of(position.get())?, position)?;
        Ok(Arc::new(common.directory))
    }

    /// Proves that an entry is in the tree of `size` leaves.
    pub fn inclusion_proof(&self, position: Position, size: u64) -> Result<InclusionProof, ReadError> {
        proof::inclusion(&self.snapshot_of(size)?, position, size)
    }

    /// Proves that the tree of `from` leaves is the beginning of the tree of `to` leaves.
    pub fn consistency_proof(&self, from: u64, to: u64) -> Result<ConsistencyProof, ReadError> {
        proof::consistency(&self.snapshot_of(to)?, from, to)
    }

    /// Roots of the subtrees that cover the entries after `after` up to `until` that are not among `given`, which is
    /// sorted: a reader needs them beside the given entries to compute the root. At most 2·log2 of the log's size per
    /// gap.
    pub fn left_out(&self, after: Position, given: &[Position], until: Position) -> Result<Vec<Subtree>, ReadError> {
        proof::left_out(&self.snapshot_of(until.get())?, after, given, until)
    }

    /// The name of the log in its checkpoints.
    pub fn origin(&self) -> LogOrigin {
        checkpoints::origin(&self.live)
    }

    /// The public key that verifies the log's checkpoints.
    pub fn verifier_key(&self) -> VerifierKey {
        self.inner.store.checkpoints.verifier(&self.origin())
    }

    /// A signed checkpoint of all that readers see; signs a new one if the newest is older. Blocks on the disk.
    pub fn checkpoint(&self) -> Result<Arc<SignedCheckpoint>, CheckpointError> {
        self.inner.store.sign(&self.live)
    }

    /// How far the log is signed; `None` if it was never signed.
    pub fn signed(&self) -> Option<Signed> {
        self.inner.store.checkpoints.signed(&self.origin())
    }

    /// Reports the newest signed checkpoint, at most once a second unless a caller asks for one.
    pub fn watch_checkpoint(&self) -> watch::Receiver<Option<Arc<SignedCheckpoint>>> {
        self.inner.store.checkpoints.watch(&self.origin())
    }

    /// Issues a token. Its secret is only in the result.
    pub async fn issue_token(&self, principal: &Principal, token: NewToken) -> Result<IssuedToken, AppendError> {
        self.issue(principal, NewSecret::of(token.grant), token).await
    }

    /// Issues the secret of a feed, which opens no call: see [`Log::feed`](crate::Log::feed).
    pub async fn issue_feed(&self, principal: &Principal, token: NewToken) -> Result<IssuedToken, AppendError> {
        self.issue(principal, NewSecret::of_feed(), token).await
    }

    /// Issues the token of a webhook, as which the server reads what it sends: see [`Network::webhook`]. Its secret opens
    /// nothing, and is not told.
    pub async fn issue_webhook(
        &self,
        principal: &Principal,
        organisation: Option<OrganisationId>,
    ) -> Result<(Token, Position), AppendError> {
        let token = NewToken { grant: Grant::Role(Role::Reader), person: None, organisation, expires_at: None };
        let issued = self.issue(principal, NewSecret::of_webhook(), token).await?;
        Ok((issued.token, issued.position))
    }

    /// As whom a webhook reads; `None` if there is no such webhook, or its token has ended.
    pub fn webhook(&self, id: &TokenId) -> Option<Principal> {
        let known = self.inner.store.tokens().with_id(Owner::Network(self.live.ordinal), id)?;
        known.webhook(&self.live.authority(), (self.inner.store.clock)())
    }

    /// Seals something under the network's key, for a file beside the log. It stays readable when the root key is rotated.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let keys = &self.inner.store.keys;
        keys.seal_for(self.live.key_incarnation, context, plain).expect("the key of a network is loaded at the start")
    }

    /// Undoes [`Network::seal`]; `None` if key, context or bytes differ.
    pub fn unseal(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.inner.store.keys.open_for(self.live.key_incarnation, context, sealed)
    }

    async fn issue(&self, principal: &Principal, new: NewSecret, token: NewToken) -> Result<IssuedToken, AppendError> {
        let command = self.command(principal, Scope::Network, vec![new.fact(&token)])?;
        let (live, secret, size) = (self.live.clone(), new.secret.to_string(), Size::of(&command.events));
        let request = |reply| NetworkRequest::IssueToken { command, secret: new, token, reply };
        let (token, position) = self.inner.queue.ask(size, |reply| Request::Network(live, request(reply))).await?;
        Ok(IssuedToken { token, secret, position })
    }

    /// Makes the person of an invitation a member, ends the invitation, and issues a token for the member: all or
    /// nothing. Whoever has the invitation's secret may do so. `expires_at` is when the token does.
    pub async fn join(&self, invitation: &str, expires_at: Option<Timestamp>) -> Result<JoinedMember, JoinError> {
        // Whoever has no invitation takes no place in the queue.
        let known = self.inner.store.tokens().with_secret(invitation).ok_or(JoinError::InvitationInvalid)?;
        let is_here = known.reach == Reach::Network(self.live.name.clone());
        let is_open = matches!(known.row.grant, Grant::Invitation(_)) && known.row.opens_at((self.inner.store.clock)());
        if !is_here || !is_open {
            return Err(JoinError::InvitationInvalid);
        }
        let new = NewSecret::of(Grant::Membership);
        let (token, secret) = (new.id.clone(), new.secret.to_string());
        let (live, invitation) = (self.live.clone(), known.row.id.clone());
        let request = |reply| NetworkRequest::Join { invitation, secret: new, expires_at, reply };
        let joined = self.inner.queue.ask(Size::default(), |reply| Request::Network(live, request(reply))).await?;
        Ok(JoinedMember { id: joined.id, member: joined.member, token, secret })
    }

    /// Gives a member another role and organisation, and leaves the certificate as it is by then. The caller has checked
    /// that the principal may do so; refused like any event. `None` if there is no such member.
    pub async fn change_member(
        &self,
        principal: &Principal,
        id: &MemberId,
        role: Role,
        organisation: Option<&OrganisationId>,
    ) -> Result<Option<Position>, AppendError> {
        let changes =
            Filter { kinds: vec![Kind::Administration(AdministrationKind::MemberChanged)], ..Filter::default() };
        loop {
            let (head, authority) = self.authority_now();
            let Some(member) = authority.member(id) else { return Ok(None) };
            let fact = Administration::MemberChanged {
                member: id.clone(),
                role: Some(role),
                organisation: organisation.cloned(),
                identity: member.identity.clone(),
            };
            let mut command = self.command(principal, Scope::Network, vec![fact])?;
            // Whoever changes the certificate at the same moment is not undone.
            command.condition = Some(Condition::NoneMatch { after: head, filter: changes.clone() });
            match self.append(command).await {
                Ok(outcomes) => return Ok(Some(last(&outcomes))),
                Err(AppendError::Refused(Refused { why: Refusal::ConditionFailed { .. }, .. })) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Members, tokens and policy.
    pub fn authority(&self) -> Arc<Authority> {
        self.live.authority()
    }

    /// Members, tokens and policy, with the head of which they are.
    pub fn authority_now(&self) -> (Position, Arc<Authority>) {
        let published = self.live.published();
        (published.head.position, published.authority.clone())
    }

    /// Members, tokens and policy as they were at a position. Blocks on the disk unless it is the head.
    pub fn authority_at(&self, position: Position) -> Result<Arc<Authority>, ReadError> {
        let (head, authority) = {
            let published = self.live.published();
            (published.head.position, published.authority.clone())
        };
        if position == head {
            return Ok(authority);
        }
        Ok(Arc::new(load_common(&self.snapshot_of(position.get())?, position)?.authority))
    }

    /// The service that signs in with a certificate for this URI, if a member does.
    pub fn service(&self, uri: &CertificateUri) -> Option<Principal> {
        member::service(&self.live.published().authority, uri, &self.live.name)
    }

    /// The network's tokens that the principal may administer, oldest first, including revoked ones. Those of the same
    /// millisecond are sorted by id.
    pub fn tokens(&self, principal: &Principal) -> Vec<Token> {
        let (mut tokens, authority) = (self.every_token(), self.authority());
        tokens.retain(|token| {
            let organisation = authority.token(&token.id).and_then(|token| authority.organisation_of(token));
            may(principal, &Action::AdministerTokenOf(organisation))
        });
        tokens
    }

    /// The feeds of the person that a principal speaks for, oldest first, including revoked ones.
    pub fn feeds_of(&self, principal: &Principal) -> Vec<Token> {
        let (mut tokens, authority) = (self.every_token(), self.authority());
        tokens.retain(|token| {
            let organisation = authority.token(&token.id).and_then(|token| authority.organisation_of(token));
            token.id.is_feed() && may(principal, &Action::KeepFeedOf { person: token.person.as_ref(), organisation })
        });
        tokens
    }

    /// All of the network's tokens, whoever may administer them. Must not be exposed to clients.
    pub fn every_token(&self) -> Vec<Token> {
        self.inner.store.tokens().list(Owner::Network(self.live.ordinal))
    }

    /// Revokes a token: it grants no access once this returns. Returns the position of the revocation; a token that was
    /// revoked before is not changed. A token that the principal may not administer is unknown.
    pub async fn revoke_token(&self, principal: &Principal, id: &TokenId) -> Result<Position, RevokeTokenError> {
        let revoked = Administration::TokenRevoked { token: id.clone() };
        let command = self.command(principal, Scope::Network, vec![revoked])?;
        let (live, id, size) = (self.live.clone(), id.clone(), Size::of(&command.events));
        self.inner
            .queue
            .ask(size, |reply| Request::Network(live, NetworkRequest::RevokeToken { command, id, reply }))
            .await
    }

    /// The whole log, including hidden entries, for views: they pass their plugins only what the plugins' owners may
    /// see. Must not be exposed to clients.
    pub fn history(&self) -> Arc<dyn History> {
        Arc::new(Whole(self.clone()))
    }

    fn snapshot(&self) -> Result<Snapshot, ReadError> {
        Snapshot::begin(&self.inner.store.database, &self.live)
    }

    /// A snapshot with at least `size` entries.
    fn snapshot_of(&self, size: u64) -> Result<Snapshot, ReadError> {
        let head = self.head();
        if size > head.get() {
            return Err(ReadError::PositionAhead { head });
        }
        self.snapshot()
    }

    /// Checks a condition against all that is on disk, so that the writer only has to look at what is added meanwhile.
    /// The result is equivalent: it skips only entries that have been checked.
    async fn narrow(&self, condition: Condition, principal: &Principal) -> Condition {
        let Condition::NoneMatch { after, filter } = condition else { return condition };
        let head = self.head();
        if after >= head || self.live.published().recent(after, head).is_some() {
            return Condition::NoneMatch { after, filter };
        }
        let span = Span { after, until: head, direction: Direction::Forward };
        let (network, principal, wanted) = (self.clone(), principal.clone(), filter.clone());
        let looked = crate::blocking::blocking(move || {
            first_match(&network.snapshot()?, &network.live, span, &wanted, &principal)
        });
        let after = match looked.await {
            Ok(Some(found)) => found.previous(),
            Ok(None) => head,
            Err(_) => after,
        };
        Condition::NoneMatch { after, filter }
    }

    /// The command for the server's own events, on behalf of a principal.
    fn command(&self, principal: &Principal, scope: Scope, facts: Vec<Administration>) -> Result<Command, AppendError> {
        let now = (self.inner.store.clock)();
        Ok(administration::command(principal.clone(), scope, facts, now)?)
    }
}

/// The position of the last of the server's own events.
fn last(outcomes: &[Outcome]) -> Position {
    match outcomes.last().expect("there is an outcome for each fact") {
        Outcome::Accepted(position) | Outcome::Duplicate(position) => *position,
    }
}

/// Somebody who has just become a member, with the token that was issued for them.
pub struct JoinedMember {
    /// Who it is.
    pub id: MemberId,
    /// The membership.
    pub member: Member,
    /// The token's public id.
    pub token: TokenId,
    /// The token's secret; it is not stored.
    pub secret: String,
}

impl fmt::Debug for JoinedMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, member, token, secret: _ } = self;
        f.debug_struct("JoinedMember")
            .field("id", id)
            .field("member", member)
            .field("token", token)
            .field("secret", &"***")
            .finish()
    }
}

/// Refuses events that exceed the limits of one append.
fn check_size(events: &[Prepared]) -> Result<Size, Refused> {
    let size = Size::of(events);
    check_append_size(size.events, size.bytes).map_err(|why| Refused { event: 0, why: why.into() })?;
    Ok(size)
}

/// All entries of a network's log, regardless of who may see them.
struct Whole(Network);

impl History for Whole {
    fn id(&self) -> Result<HistoryId, Unreadable> {
        Ok(HistoryId(self.0.incarnation()))
    }

    fn head(&self) -> Position {
        self.0.head()
    }

    fn read(&self, after: Position, until: Position, budget: Budget) -> Result<Vec<Bytes>, Unreadable> {
        reader::read(&self.0.inner.store, &self.0.live, after, until, budget).map_err(unreadable)
    }

    fn read_at(&self, positions: &[Position]) -> Result<Vec<Bytes>, Unreadable> {
        reader::read_at(&self.0.inner.store, &self.0.live, positions).map_err(unreadable)
    }

    fn position_of(&self, id: &EventId) -> Result<Option<Position>, Unreadable> {
        self.0.snapshot().and_then(|snapshot| snapshot.recorded(id)).map_err(unreadable)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn unreadable(error: ReadError) -> Unreadable {
    Unreadable(error.to_string())
}
