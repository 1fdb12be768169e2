//! The decision: accepts or refuses commands, assigns positions and makes entry bytes. Pure: state in, entries out.
//!
//! The same function serves the embedded log and a log that is ordered elsewhere: equal states, commands and times give
//! equal entries.

mod admission;
mod apart;
mod checks;
mod ownership;
mod pending;
mod records;
mod refusal;

pub use refusal::{Refusal, Refused};

use crate::{
    authority::Authority,
    condition::Condition,
    detail::Detail,
    directory::Directory,
    entry::{self, Entry},
    erasures::Erasures,
    event::Event,
    filter::Filter,
    header::Header,
    id::{EventId, PersonId},
    invalid::{Invalid, Problem, check_count},
    limits,
    may::{Action, Principal, may},
    position::Position,
    prepare::Prepared,
    timestamp::Timestamp,
};
use bytes::{Bytes, BytesMut};
use pending::Pending;
use std::{collections::HashMap, sync::Arc};

/// What a decision needs to know of everything accepted before it.
pub trait State {
    /// Why the state could not be read.
    type Error;

    /// The last position.
    fn head(&self) -> Position;

    /// When the last entry was recorded.
    fn last_recorded_at(&self) -> Timestamp;

    /// The directory at the head.
    fn directory(&self) -> &Directory;

    /// Erasures and holds at the head.
    fn erasures(&self) -> &Erasures;

    /// Members, tokens and policy at the head.
    fn authority(&self) -> &Authority;

    /// The people that details of an entry are about, by index; none for those that are gone.
    fn subjects(&self, position: Position, details: &[u32]) -> Result<Vec<PersonId>, Self::Error>;

    /// The position of an event, if it is recorded.
    fn recorded(&self, id: &EventId) -> Result<Option<Position>, Self::Error>;

    /// The entry at a position up to the head.
    fn entry(&self, position: Position) -> Result<Entry, Self::Error>;

    /// Whether an entry after a position matches a filter and is visible to a principal.
    fn any_match(&self, after: Position, filter: &Filter, principal: &Principal) -> Result<bool, Self::Error>;
}

/// Events of one principal, to be accepted together or not at all.
#[derive(Debug, Clone)]
pub struct Command {
    /// Who appends.
    pub principal: Principal,
    /// The events.
    pub events: Vec<Prepared>,
    /// What must hold for them to be accepted.
    pub condition: Option<Condition>,
    /// Whether a client or the server itself made the events.
    pub origin: Origin,
}

/// Who made a command's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client: administration events are refused.
    Client,
    /// The server, for one of its own calls.
    Server,
}

/// The outcome of an event that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is recorded at this position.
    Accepted(Position),
    /// The same event was recorded at this position before.
    Duplicate(Position),
}

/// An accepted event with everything that is stored about it.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// Its outline.
    pub header: Arc<Header>,
    /// The entry's bytes.
    pub bytes: Bytes,
    /// The entry.
    pub entry: Entry,
    /// The event.
    pub event: Event,
    /// Its details.
    pub details: Vec<Detail>,
}

/// Commands decided one after the other on top of a state, to be stored together.
pub struct Batch<'s, S> {
    state: &'s S,
    /// The machine's clock.
    clock: Timestamp,
    /// When entries are recorded: never earlier than the last entry.
    recorded_at: Timestamp,
    future_ms_max: i64,
    accepted: Vec<Accepted>,
    positions: HashMap<EventId, usize>,
    pending: Pending<'s>,
    /// Where entries are encoded.
    memory: BytesMut,
}

/// The event that a new one names.
struct Target {
    entry: Entry,
    event: Event,
    header: Header,
}

/// Why a command was not decided: a refusal, or the state could not be read.
#[derive(Debug)]
pub enum Undecided<E> {
    /// Refused; the command has no effect.
    Refused(Refused),
    /// The state could not be read.
    Unreadable(E),
}

/// What stops one event: a refusal, or the state could not be read.
enum Stop<E> {
    Refusal(Refusal),
    Unreadable(E),
}

impl<E, R: Into<Refusal>> From<R> for Stop<E> {
    fn from(refusal: R) -> Self {
        Self::Refusal(refusal.into())
    }
}

impl<E> Stop<E> {
    /// The result of a command that this event stops; `event` is its index.
    fn at_event(self, event: usize) -> Undecided<E> {
        match self {
            Self::Refusal(why) => Undecided::Refused(Refused { event, why }),
            Self::Unreadable(error) => Undecided::Unreadable(error),
        }
    }
}

impl<'s, S: State> Batch<'s, S> {
    /// An empty batch on top of a state, decided at time `now`. Events may happen up to `future_ms_max` after that,
    /// even if the last entry was recorded later: a clock that once ran ahead must not decide what is in the future.
    pub fn new(state: &'s S, now: Timestamp, future_ms_max: i64) -> Self {
        Self {
            state,
            clock: now,
            recorded_at: now.max(state.last_recorded_at()),
            future_ms_max,
            accepted: Vec::new(),
            positions: HashMap::new(),
            pending: Pending::new(state.directory(), state.erasures(), state.authority()),
            memory: BytesMut::new(),
        }
    }

    /// Decides a command: an outcome for each event, or a refusal that leaves the batch as it was.
    pub fn decide(&mut self, command: Command) -> Result<Vec<Outcome>, Undecided<S::Error>> {
        let before = self.accepted.len();
        let decided = self.decide_all(command);
        if decided.is_err() {
            self.roll_back(before);
        }
        decided
    }

    /// Decides one event by itself: an outcome, or a refusal that leaves the batch as it was.
    pub fn decide_event(
        &mut self,
        principal: &Principal,
        origin: Origin,
        event: Prepared,
    ) -> Result<Outcome, Undecided<S::Error>> {
        self.decide_one(principal, origin, event).map_err(|stop| stop.at_event(0))
    }

    /// Reserves room for events that are about to be decided. Their entries share one allocation.
    pub fn make_room(&mut self, principal: &Principal, events: &[Prepared]) {
        self.accepted.reserve(events.len());
        self.positions.reserve(events.len());
        let bytes = events.iter().map(|event| entry::encoded_bytes_max(principal, event)).sum();
        self.memory = BytesMut::with_capacity(bytes);
    }

    /// The accepted entries, in order of position.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// The accepted entries, by value.
    pub fn into_accepted(self) -> Vec<Accepted> {
        self.accepted
    }

    /// Members, tokens and policy after what was accepted so far.
    pub fn authority(&self) -> &Authority {
        self.pending.authority()
    }

    fn head(&self) -> Position {
        self.state.head().plus(self.accepted.len() as u64)
    }

    fn decide_all(&mut self, command: Command) -> Result<Vec<Outcome>, Undecided<S::Error>> {
        if let Some(condition) = &command.condition
            && !self.all_recorded(&command).map_err(|stop| stop.at_event(0))?
        {
            self.check_condition(condition, &command.principal).map_err(|stop| stop.at_event(0))?;
        }
        let (principal, origin) = (command.principal, command.origin);
        self.make_room(&principal, &command.events);
        let mut outcomes = Vec::with_capacity(command.events.len());
        for (index, prepared) in command.events.into_iter().enumerate() {
            outcomes.push(self.decide_one(&principal, origin, prepared).map_err(|stop| stop.at_event(index))?);
        }
        Ok(outcomes)
    }

    fn all_recorded(&self, command: &Command) -> Result<bool, Stop<S::Error>> {
        for prepared in &command.events {
            if self.recorded(&prepared.event.id)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn check_condition(&self, condition: &Condition, principal: &Principal) -> Result<(), Stop<S::Error>> {
        let holds = match condition {
            Condition::ExpectedHead(head) => *head == self.head(),
            Condition::NoneMatch { after, filter } => !self.any_match(*after, filter, principal)?,
        };
        if holds {
            return Ok(());
        }
        Err(Refusal::ConditionFailed { head: self.head() }.into())
    }

    fn any_match(&self, after: Position, filter: &Filter, principal: &Principal) -> Result<bool, Stop<S::Error>> {
        let mine =
            self.accepted.iter().map(|accepted| &*accepted.header).any(|header| {
                header.position > after && filter.matches(header) && may(principal, &Action::See(header))
            });
        Ok(mine || self.state.any_match(after, filter, principal).map_err(Stop::Unreadable)?)
    }

    fn decide_one(
        &mut self,
        principal: &Principal,
        origin: Origin,
        prepared: Prepared,
    ) -> Result<Outcome, Stop<S::Error>> {
        if let Some(position) = self.recorded(&prepared.event.id)? {
            return self.decide_again(principal, &prepared, position);
        }
        let target = self.find_target(&prepared.event)?;
        self.check(principal, origin, &prepared, target.as_ref())?;
        if let Some(position) = self.already(principal, &prepared.event).or_else(|| self.admitted(&prepared.event)) {
            return Ok(Outcome::Duplicate(position));
        }
        let accepted = self.accept(principal, prepared, target)?;
        let position = accepted.entry.position;
        self.pending.apply(&accepted);
        self.positions.insert(accepted.event.id, self.accepted.len());
        self.accepted.push(accepted);
        Ok(Outcome::Accepted(position))
    }

    /// Decides an event whose id is recorded: a duplicate if the principal may see that event and the content is the
    /// same. Otherwise the id is taken, so that an answer never reveals what another organisation recorded.
    fn decide_again(
        &self,
        principal: &Principal,
        prepared: &Prepared,
        position: Position,
    ) -> Result<Outcome, Stop<S::Error>> {
        let (entry, event) = self.entry(position)?;
        let header = Header::resolve(&entry, &event, |id| self.find(id))?;
        if may(principal, &Action::See(&header)) && event.content_hash() == prepared.event.content_hash() {
            return Ok(Outcome::Duplicate(position));
        }
        Err(Refusal::EventIdReused { id: prepared.event.id }.into())
    }

    fn find_target(&self, event: &Event) -> Result<Option<Target>, Stop<S::Error>> {
        let Some((id, _)) = event.target() else { return Ok(None) };
        let Some((entry, event)) = self.find(&id)? else { return Ok(None) };
        let header = Header::resolve(&entry, &event, |id| self.find(id))?;
        Ok(Some(Target { entry, event, header }))
    }

    fn accept(
        &mut self,
        principal: &Principal,
        prepared: Prepared,
        mut target: Option<Target>,
    ) -> Result<Accepted, Stop<S::Error>> {
        let entry = Entry {
            position: self.head().next(),
            recorded_at: self.recorded_at,
            recorded_by: principal.id.clone(),
            organisation: principal.organisation.clone(),
            event_bytes: prepared.bytes,
            signature: None,
        };
        let header = Header::resolve(&entry, &prepared.event, |id| match target.take() {
            Some(target) => Ok(Some((target.entry, target.event))),
            None => self.find(id),
        })?;
        let header = Arc::new(header);
        let bytes = entry.encode_with(&mut self.memory);
        Ok(Accepted { header, bytes, entry, event: prepared.event, details: prepared.details })
    }

    fn recorded(&self, id: &EventId) -> Result<Option<Position>, Stop<S::Error>> {
        if let Some(index) = self.positions.get(id) {
            return Ok(Some(self.accepted[*index].entry.position));
        }
        self.state.recorded(id).map_err(Stop::Unreadable)
    }

    fn find(&self, id: &EventId) -> Result<Option<(Entry, Event)>, Stop<S::Error>> {
        match self.recorded(id)? {
            Some(position) => self.entry(position).map(Some),
            None => Ok(None),
        }
    }

    /// What the batch itself accepted at a position.
    fn in_batch(&self, position: Position) -> Option<&Accepted> {
        let index = position.get().checked_sub(self.state.head().next().get())?;
        Some(&self.accepted[usize::try_from(index).expect("a batch fits in memory")])
    }

    fn entry(&self, position: Position) -> Result<(Entry, Event), Stop<S::Error>> {
        if let Some(accepted) = self.in_batch(position) {
            return Ok((accepted.entry.clone(), accepted.event.clone()));
        }
        let entry = self.state.entry(position).map_err(Stop::Unreadable)?;
        let event = entry.event().expect("stored events were decoded when they were accepted");
        Ok((entry, event))
    }

    fn roll_back(&mut self, accepted: usize) {
        let mut in_directory = false;
        for dropped in self.accepted.drain(accepted..) {
            self.positions.remove(&dropped.event.id);
            in_directory |= dropped.header.is_common();
        }
        if in_directory {
            self.pending.replay(&self.accepted);
        }
    }
}

/// Checks the size of an append before its events are decoded.
pub fn check_append_size(events: usize, size_bytes: usize) -> Result<(), Invalid> {
    check_count("events", events, 1, limits::APPEND_EVENTS_MAX)?;
    if size_bytes > limits::APPEND_BYTES_MAX {
        let problem = Problem::TooLong { max: limits::APPEND_BYTES_MAX, found: size_bytes };
        return Err(Invalid::new("events", problem));
    }
    Ok(())
}
