//! Decides the requests of a batch, network by network, on top of what is on disk.
//!
//! Invariant: requests of one network are decided in order of arrival, and only keys of new networks are written here.

use crate::{
    error::{AppendError, CreateNetworkError, JoinError, ReadError, RevokeTokenError, Unavailable},
    rows::{
        chunk::Chunk,
        components,
        erased::ErasedDetails,
        row::{NetworkRow, Revoked, TokenRow},
    },
    state::{
        live::{Common, Head, Live},
        member::service,
        token::{self, NewSecret, NewToken, Owner, Token},
    },
    store::Store,
    write::{
        CommitFailure, administration,
        commit::{Staged, StagedNetwork},
        log_state::LogState,
        queue::{Each, Joined, NetworkRequest, Queued, Reply, Request, ServerRequest},
    },
};
use kith_core::{
    authority::Authority,
    decide::{Accepted, Batch, Command, Origin, Outcome, Refusal, Refused, State, Undecided},
    event::{Administration, Fact, Grant, Role, Scope},
    id::{EventId, MemberId, NetworkName, OrganisationId, PersonId, TokenId},
    may::{Action, Credential, Principal, Reach, may},
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use kith_words::Incarnation;
use std::{collections::VecDeque, sync::Arc};

/// The outcome of a request, or why the log is poisoned.
type Decided<T, E> = Result<Result<T, E>, CommitFailure>;

/// Answers that wait for the commit.
#[derive(Default)]
pub(crate) struct Answers(Vec<Box<dyn FnOnce()>>);

impl Answers {
    /// Keeps an answer. A failure is returned, and the caller's answer says that the log is poisoned.
    fn keep<T: 'static, E: From<Unavailable> + 'static>(
        &mut self,
        reply: Reply<T, E>,
        result: Decided<T, E>,
    ) -> Result<(), CommitFailure> {
        let (answer, failure) = match result {
            Ok(answer) => (answer, Ok(())),
            Err(failure) => (Err(Unavailable::Poisoned(failure.poison()).into()), Err(failure)),
        };
        // The caller may have given up.
        self.0.push(Box::new(move || drop(reply.send(answer))));
        failure
    }

    /// Keeps the answer that the disk has no room for the request.
    fn keep_disk_full<T: Send + 'static, E: From<Unavailable> + Send + 'static>(&mut self, reply: Reply<T, E>) {
        self.0.push(Box::new(move || drop(reply.send(Err(Unavailable::DiskFull.into())))));
    }

    /// Sends every answer.
    pub(crate) fn send(&mut self) {
        self.0.drain(..).for_each(|answer| answer());
    }
}

/// Decides a batch. Requests leave `batch` one by one, and their answers wait in `answers`.
pub(crate) fn decide(
    store: &Store,
    batch: &mut VecDeque<Queued>,
    answers: &mut Answers,
) -> Result<Staged, CommitFailure> {
    let now = (store.clock)();
    let mut staged = Staged::default();
    if !store.space.has_room() {
        refuse_growth(batch, answers);
    }
    batch.make_contiguous().sort_by_key(|queued| queued.request.ordinal());
    while let Some(queued) = batch.pop_front() {
        match queued.request {
            Request::Network(live, first) => {
                let network = decide_network(store, live, now, &staged.server_tokens, first, batch, answers)?;
                staged.networks.push(network);
            }
            Request::Server(request) => decide_server(store, now, request, &mut staged, answers)?,
        }
    }
    staged.networks.retain(|network| !network.accepted.is_empty());
    Ok(staged)
}

impl Request {
    /// The ordinal of the network that it is about, if it is about one.
    fn ordinal(&self) -> Option<u32> {
        match self {
            Self::Network(live, _) => Some(live.ordinal),
            Self::Server(_) => None,
        }
    }
}

/// Removes from a batch the requests that make the log grow. Those that revoke a token, end a membership, replace a server
/// token, erase or hold words, or remove something are small, and somebody needs them at that moment.
fn refuse_growth(batch: &mut VecDeque<Queued>, answers: &mut Answers) {
    for queued in std::mem::take(batch) {
        match queued.request {
            Request::Network(_, NetworkRequest::Append { command, reply }) if !erases_or_holds(&command) => {
                answers.keep_disk_full(reply);
            }
            Request::Network(_, NetworkRequest::AppendEach { reply, .. }) => answers.keep_disk_full(reply),
            Request::Network(_, NetworkRequest::IssueToken { reply, .. }) => answers.keep_disk_full(reply),
            Request::Network(_, NetworkRequest::Join { reply, .. }) => answers.keep_disk_full(reply),
            Request::Server(ServerRequest::CreateNetwork { reply, .. }) => answers.keep_disk_full(reply),
            Request::Server(ServerRequest::ChangeComponents { change: components::Change::Put(..), reply }) => {
                answers.keep_disk_full(reply);
            }
            Request::Network(_, NetworkRequest::Append { .. } | NetworkRequest::RevokeToken { .. })
            | Request::Server(
                ServerRequest::ChangeComponents { change: components::Change::Remove(_), .. }
                | ServerRequest::PutToken { .. }
                | ServerRequest::EraseRows { .. }
                | ServerRequest::RevokeToken { .. },
            ) => batch.push_back(queued),
        }
    }
}

/// Whether the server itself erases or holds words with a command, or ends a membership.
fn erases_or_holds(command: &Command) -> bool {
    let is_meant = |event: &Prepared| match &event.event.fact {
        Fact::Administration(fact) => fact.is_about_records() || fact.ends_a_membership(),
        Fact::Habit(_) | Fact::Custom(_) | Fact::Retracted(_) | Fact::Directory(_) | Fact::Newer(_) => false,
    };
    command.origin == Origin::Server && command.events.iter().all(is_meant)
}

fn decide_server(
    store: &Store,
    now: Timestamp,
    request: ServerRequest,
    staged: &mut Staged,
    answers: &mut Answers,
) -> Result<(), CommitFailure> {
    match request {
        ServerRequest::CreateNetwork { name, principal, reply } => {
            let created = if administers(store, &staged.server_tokens, &principal, now) {
                create_network(store, now, name, staged)
            } else {
                Ok(Err(CreateNetworkError::TokenInvalid))
            };
            answers.keep(reply, created)
        }
        ServerRequest::RevokeToken { id, principal, reply } => {
            let revoked = revoke_server_token(store, now, &id, &principal, &mut staged.server_tokens);
            answers.keep(reply, Ok(revoked))
        }
        ServerRequest::PutToken { mut row, reply } => {
            row.issued_at = now;
            staged.server_tokens.push(row);
            answers.keep(reply, Ok(Ok(())))
        }
        ServerRequest::EraseRows { erased, reply } => {
            staged.erased.push(erased);
            answers.keep(reply, Ok(Ok(())))
        }
        ServerRequest::ChangeComponents { change, reply } => {
            staged.components.push(change);
            answers.keep(reply, Ok(Ok(())))
        }
    }
}

fn create_network(
    store: &Store,
    now: Timestamp,
    name: NetworkName,
    staged: &mut Staged,
) -> Decided<Arc<Live>, CreateNetworkError> {
    let count = store.networks().len() + staged.created.len();
    if store.networks().contains_key(&name) || staged.created.iter().any(|live| live.name == name) {
        return Ok(Err(CreateNetworkError::AlreadyExists { name }));
    }
    let incarnation: Incarnation = kith_words::random();
    store.keys.make_network(incarnation)?;
    let ordinal = u32::try_from(count + 1).expect("fewer than 2^32 networks");
    let row = NetworkRow { ordinal, created_at: now, incarnation, key_incarnation: incarnation };
    let open = Arc::new(Chunk::around(Position::ZERO, 0));
    let live = Live::new(name, &row, Head::empty(&row), Common::default(), open, store.config.tail_bytes_max);
    let live = Arc::new(live);
    staged.created.push(live.clone());
    Ok(Ok(live))
}

/// The row of a server token after this batch.
fn find_server_token(store: &Store, staged: &[TokenRow], id: &TokenId) -> Option<TokenRow> {
    let staged = staged.iter().rev().find(|row| row.id == *id).cloned();
    staged.or_else(|| store.tokens().find(Owner::Server, id).cloned())
}

/// Whether a principal may still administer the server.
fn administers(store: &Store, staged: &[TokenRow], principal: &Principal, now: Timestamp) -> bool {
    let holds = match &principal.credential {
        Credential::Program => true,
        Credential::Certificate(_) => false,
        Credential::Token(id) => find_server_token(store, staged, id)
            .is_some_and(|row| row.principal(&Reach::Server, &Authority::default(), now).as_ref() == Some(principal)),
    };
    holds && may(principal, &Action::AdministerServer)
}

fn revoke_server_token(
    store: &Store,
    now: Timestamp,
    id: &TokenId,
    principal: &Principal,
    staged: &mut Vec<TokenRow>,
) -> Result<(), RevokeTokenError> {
    if !administers(store, staged, principal, now) {
        let why = Refusal::TokenInvalid;
        return Err(AppendError::Refused(Refused { event: 0, why }).into());
    }
    let mut row = find_server_token(store, staged, id).ok_or(RevokeTokenError::Unknown)?;
    if row.revoked.is_none() {
        // Server tokens are part of no network's log, so no entry records their revocation.
        row.revoked = Some(Revoked { at: now, position: Position::ZERO });
        staged.push(row);
    }
    Ok(())
}

/// Decides all requests of one network: the first, and those that follow it in the batch.
fn decide_network(
    store: &Store,
    live: Arc<Live>,
    now: Timestamp,
    server_tokens: &[TokenRow],
    first: NetworkRequest,
    batch: &mut VecDeque<Queued>,
    answers: &mut Answers,
) -> Result<StagedNetwork, CommitFailure> {
    live.clock_watch.look(&live.name, live.head().recorded_at, now);
    let state = LogState::new(store, &live);
    let decided = Batch::new(&state, now, store.config.future_ms_max);
    let mut turn = Turn { store, live: &live, now, server_tokens, decided, tokens: Vec::new() };
    let mut next = Some(first);
    while let Some(request) = next {
        turn.decide(request, answers)?;
        next = next_of(batch, &live);
    }
    let (accepted, tokens) = (turn.decided.into_accepted(), turn.tokens);
    let (retractions, erased) = (retractions(&state, &accepted)?, erased_details(&state, &accepted)?);
    Ok(StagedNetwork { live, accepted, retractions, erased, tokens })
}

/// Takes the first request out of a batch if it is about this network.
fn next_of(batch: &mut VecDeque<Queued>, live: &Arc<Live>) -> Option<NetworkRequest> {
    let is_next = |queued: &mut Queued| match &queued.request {
        Request::Network(own, _) => Arc::ptr_eq(own, live),
        Request::Server(_) => false,
    };
    match batch.pop_front_if(is_next)?.request {
        Request::Network(_, request) => Some(request),
        Request::Server(_) => None,
    }
}

/// One network's part of a batch.
struct Turn<'a> {
    store: &'a Store,
    live: &'a Live,
    now: Timestamp,
    /// Server tokens that change with this batch.
    server_tokens: &'a [TokenRow],
    decided: Batch<'a, LogState<'a>>,
    tokens: Vec<TokenRow>,
}

impl Turn<'_> {
    fn decide(&mut self, request: NetworkRequest, answers: &mut Answers) -> Result<(), CommitFailure> {
        match request {
            NetworkRequest::Append { command, reply } => {
                let decided = self.append(command);
                answers.keep(reply, decided)
            }
            NetworkRequest::AppendEach { principal, events, reply } => {
                let decided = self.append_each(&principal, events);
                answers.keep(reply, decided)
            }
            NetworkRequest::IssueToken { command, secret, token, reply } => {
                let decided = self.issue_token(command, &secret, &token);
                answers.keep(reply, decided)
            }
            NetworkRequest::RevokeToken { command, id, reply } => {
                let decided = self.revoke_token(command, &id);
                answers.keep(reply, decided)
            }
            NetworkRequest::Join { invitation, secret, expires_at, reply } => {
                let decided = self.join(&invitation, &secret, expires_at);
                answers.keep(reply, decided)
            }
        }
    }

    fn append(&mut self, command: Command) -> Decided<Vec<Outcome>, AppendError> {
        let (before, origin) = (self.decided.accepted().len(), command.origin);
        let decided = self.decide_command(command)?.map_err(AppendError::Refused);
        if origin == Origin::Server {
            self.end_tokens(before);
        }
        Ok(decided)
    }

    /// Ends the tokens that entries of this batch after the first `before` end: by name, or with their person.
    fn end_tokens(&mut self, before: usize) {
        for accepted in &self.decided.accepted()[before..] {
            let Fact::Administration(fact) = &accepted.event.fact else { continue };
            if !fact.is_about_authority() {
                continue;
            }
            let position = accepted.entry.position;
            let ended = self
                .decided
                .authority()
                .tokens()
                .filter(|(_, token)| token.ended.is_some_and(|ended| ended.position == position));
            let rows = ended.filter_map(|(id, _)| self.find_token(id)).filter(|row| row.revoked.is_none());
            let revoked = Some(Revoked { at: accepted.event.occurred_at, position });
            let ended: Vec<_> = rows.map(|row| TokenRow { revoked, ..row }).collect();
            self.tokens.extend(ended);
        }
    }

    /// Refuses a principal that is no longer let in as what it is, even if it was when the call began. A command that
    /// waited in the queue behind the end of its token or membership is refused too.
    fn check_credential(&self, principal: &Principal) -> Result<(), Refused> {
        let authority = self.decided.authority();
        let (now, is_member) = match (&principal.credential, &principal.reach) {
            (Credential::Program, _) => return Ok(()),
            (Credential::Certificate(uri), _) => (service(authority, uri, &self.live.name), true),
            (Credential::Token(id), reach) => {
                let row = match reach {
                    Reach::Server => find_server_token(self.store, self.server_tokens, id),
                    Reach::Network(_) => self.find_token(id),
                };
                let is_member = row.as_ref().is_some_and(|row| row.grant == Grant::Membership);
                (row.and_then(|row| row.principal(reach, authority, self.now)), is_member)
            }
        };
        let is_here = matches!(&principal.reach, Reach::Network(name) if *name == self.live.name);
        let why = match now {
            Some(now) if now == *principal && (is_here || principal.reach == Reach::Server) => return Ok(()),
            // Another role of a token is that of one which has replaced it.
            Some(_) if is_member && is_here => Refusal::RightsChanged,
            Some(_) | None => Refusal::TokenInvalid,
        };
        Err(Refused { event: 0, why })
    }

    fn decide_command(&mut self, command: Command) -> Decided<Vec<Outcome>, Refused> {
        if let Err(refused) = self.check_credential(&command.principal) {
            return Ok(Err(refused));
        }
        match self.decided.decide(command) {
            Ok(outcomes) => Ok(Ok(outcomes)),
            Err(Undecided::Refused(refused)) => Ok(Err(refused)),
            Err(Undecided::Unreadable(error)) => Err(error.into()),
        }
    }

    fn append_each(&mut self, principal: &Principal, events: Vec<Prepared>) -> Decided<Each, AppendError> {
        if let Err(refused) = self.check_credential(principal) {
            return Ok(Err(refused.into()));
        }
        self.decided.make_room(principal, &events);
        let mut results = Vec::with_capacity(events.len());
        for event in events {
            results.push(match self.decided.decide_event(principal, Origin::Client, event) {
                Ok(outcome) => Ok(outcome),
                Err(Undecided::Refused(refused)) => Err(refused.why),
                Err(Undecided::Unreadable(error)) => return Err(error.into()),
            });
        }
        Ok(Ok(results))
    }

    fn issue_token(
        &mut self,
        command: Command,
        new: &NewSecret,
        token: &NewToken,
    ) -> Decided<(Token, Position), AppendError> {
        if let Err(refused) = self.decide_command(command)? {
            return Ok(Err(refused.into()));
        }
        let (position, issued_at) = self.last_accepted();
        let row = TokenRow::new(new.id.clone(), &new.secret, token, issued_at);
        let token = row.token();
        self.tokens.push(row);
        Ok(Ok((token, position)))
    }

    fn revoke_token(&mut self, command: Command, id: &TokenId) -> Decided<Position, RevokeTokenError> {
        let found = self.find_token(id).filter(|row| !self.is_hidden(&command.principal, row));
        let Some(row) = found else { return Ok(Err(RevokeTokenError::Unknown)) };
        if let Some(revoked) = row.revoked {
            return Ok(Ok(revoked.position));
        }
        let before = self.decided.accepted().len();
        if let Err(refused) = self.decide_command(command)? {
            return Ok(Err(AppendError::Refused(refused).into()));
        }
        self.end_tokens(before);
        Ok(Ok(self.last_accepted().0))
    }

    /// Makes the person of an invitation a member, ends the invitation and issues a token, all in one.
    fn join(
        &mut self,
        invitation: &TokenId,
        new: &NewSecret,
        expires_at: Option<Timestamp>,
    ) -> Decided<Joined, JoinError> {
        let Some((person, role, organisation)) = self.open_invitation(invitation) else {
            return Ok(Err(JoinError::InvitationInvalid));
        };
        let member = MemberId::Person(person.clone());
        let grant = Grant::Membership;
        let token = NewToken { grant, person: Some(person), organisation: None, expires_at };
        let facts = vec![
            Administration::MemberChanged { member: member.clone(), role: Some(role), organisation, identity: None },
            Administration::TokenRevoked { token: invitation.clone() },
            new.fact(&token),
        ];
        let command = match administration::command(token::program(), Scope::Network, facts, self.now) {
            Ok(command) => command,
            Err(refused) => return Ok(Err(AppendError::Refused(refused).into())),
        };
        let before = self.decided.accepted().len();
        if let Err(refused) = self.decide_command(command)? {
            return Ok(Err(AppendError::Refused(refused).into()));
        }
        self.end_tokens(before);
        self.tokens.push(TokenRow::new(new.id.clone(), &new.secret, &token, self.last_accepted().1));
        let now = self.decided.authority().member(&member).expect("it was just made").clone();
        Ok(Ok(Joined { id: member, member: now }))
    }

    /// Who an invitation makes a member as what, if it is open: an organisation that has an owner by now has to have
    /// issued it itself, and whoever became a member of another one meanwhile stays there.
    fn open_invitation(&self, id: &TokenId) -> Option<(PersonId, Role, Option<OrganisationId>)> {
        let row = self.find_token(id).filter(|row| row.opens_at(self.now))?;
        let Grant::Invitation(role) = row.grant else { return None };
        let (person, authority) = (row.person?, self.decided.authority());
        let is_closed =
            row.organisation.as_ref().is_some_and(|organisation| authority.has_owner(organisation, self.now));
        if is_closed && authority.token(id)?.issued_by != row.organisation {
            return None;
        }
        let is_elsewhere = authority.person(&person).is_some_and(|member| member.organisation != row.organisation);
        (!is_elsewhere).then_some((person, role, row.organisation))
    }

    /// Whether a token is treated as unknown: it belongs to an organisation other than that of the asking owner.
    /// Principals who are not owners are refused for every token.
    fn is_hidden(&self, principal: &Principal, row: &TokenRow) -> bool {
        let authority = self.decided.authority();
        let organisation = authority.token(&row.id).and_then(|token| authority.organisation_of(token));
        let of_others = !may(principal, &Action::AdministerTokenOf(organisation));
        may(principal, &Action::AdministerTokens) && of_others
    }

    fn find_token(&self, id: &TokenId) -> Option<TokenRow> {
        let staged = self.tokens.iter().rev().find(|row| row.id == *id).cloned();
        staged.or_else(|| self.store.tokens().find(Owner::Network(self.live.ordinal), id).cloned())
    }

    /// Position of the last event, and when it happened: a token's times, like its expiry, follow the machine's clock.
    fn last_accepted(&self) -> (Position, Timestamp) {
        let accepted = self.decided.accepted().last().expect("a new event was just accepted");
        (accepted.entry.position, accepted.event.occurred_at)
    }
}

/// The single details that new entries erase.
fn erased_details(state: &LogState<'_>, accepted: &[Accepted]) -> Result<Vec<ErasedDetails>, ReadError> {
    let mut erased = Vec::new();
    for eraser in accepted {
        let Fact::Administration(Administration::DetailsErased { event, details, .. }) = &eraser.event.fact else {
            continue;
        };
        let position = position_in(state, accepted, event)?;
        erased.push(ErasedDetails { position, details: details.clone(), by: eraser.entry.position });
    }
    Ok(erased)
}

/// Where an event is that a new entry names.
fn position_in(state: &LogState<'_>, accepted: &[Accepted], event: &EventId) -> Result<Position, ReadError> {
    let here = accepted.iter().find(|accepted| accepted.event.id == *event);
    let position = match here {
        Some(accepted) => Some(accepted.entry.position),
        None => state.recorded(event)?,
    };
    Ok(position.expect("what a new entry names is recorded"))
}

/// Positions of withdrawn entries, with those of their retractions.
fn retractions(state: &LogState<'_>, accepted: &[Accepted]) -> Result<Vec<(Position, Position)>, ReadError> {
    let mut retractions = Vec::new();
    for retraction in accepted {
        let Fact::Retracted(retracted) = &retraction.event.fact else { continue };
        retractions.push((position_in(state, accepted, &retracted.event)?, retraction.entry.position));
    }
    Ok(retractions)
}
