//! Filtered and permitted reads.
//!
//! Invariant: no entry leaves here that the principal may not see, and one call looks at a bounded number of entries.

use crate::{
    candidates::{Direction, Mode, Span, candidates, directed, restricted_positions},
    error::ReadError,
    live::{Live, Recent},
    snapshot::Snapshot,
    spending::Spending,
    store::Store,
};
use bytes::Bytes;
use kith_core::{
    filter::Filter,
    header::Header,
    history::Budget,
    may::{Action, Principal, may},
    position::Position,
};

/// Entries that one call looks at, whether it gives them or not.
const LOOKS_MAX: usize = 4_096;

/// What to read: entries after `after` up to `until`, in some order.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Who reads.
    pub principal: Principal,
    /// What the principal asks for; directory and administration entries always come too.
    pub filter: Filter,
    /// Only entries after this position, in either direction.
    pub after: Position,
    /// Only entries up to this position, in either direction; the head if it lies beyond.
    pub until: Position,
    /// Which come first.
    pub direction: Direction,
    /// How much to give at once.
    pub budget: Budget,
}

/// A part of what was selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Entry bytes with their positions, in the order asked for.
    pub entries: Vec<(Position, Bytes)>,
    /// The last position looked at, entries left out included. To go on: forward with `after = next`, backward with
    /// `until = next - 1`. Where nothing was looked at, going on so reads the same again.
    pub next: Position,
    /// Whether nothing is left between `after` and `until`.
    pub end: bool,
}

/// What one scan does, for reads and conditions alike.
pub(crate) struct Scan<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) filter: &'a Filter,
    pub(crate) mode: Mode,
    pub(crate) span: Span,
    pub(crate) budget: Budget,
    pub(crate) looks_max: usize,
}

/// Reads what a selection asks for, up to the head.
pub(crate) fn select(store: &Store, live: &Live, selection: &Selection) -> Result<Selected, ReadError> {
    let head = live.head().position;
    if selection.after > head {
        return Err(ReadError::PositionAhead { head });
    }
    let span = Span { after: selection.after, until: selection.until.min(head), direction: selection.direction };
    let search = Scan {
        principal: &selection.principal,
        filter: &selection.filter,
        mode: Mode::Passing,
        span,
        budget: selection.budget,
        looks_max: LOOKS_MAX,
    };
    match search.recent(live) {
        Some(selected) => Ok(selected),
        None => search.stored(&Snapshot::begin(&store.database, live)?, live),
    }
}

impl Scan<'_> {
    /// Reads from memory; `None` if not all of the span is there.
    pub(crate) fn recent(&self, live: &Live) -> Option<Selected> {
        let mut gathered = Gathered::new(self);
        if self.span.after >= self.span.until {
            return Some(gathered.finish());
        }
        let published = live.published();
        for Recent { bytes, header } in
            directed(published.recent(self.span.after, self.span.until)?, self.span.direction)
        {
            if !gathered.look(header.position, self.wants(header).then_some(bytes)) {
                return Some(gathered.stop());
            }
        }
        Some(gathered.finish())
    }

    /// Reads from disk.
    pub(crate) fn stored(&self, snapshot: &Snapshot, live: &Live) -> Result<Selected, ReadError> {
        if self.span.after >= self.span.until {
            return Ok(Gathered::new(self).finish());
        }
        if !self.filter.people.is_empty() {
            return self.indexed(snapshot, live);
        }
        if self.filter.is_all() { self.unfiltered(snapshot) } else { self.opened(snapshot) }
    }

    /// Looks at the entries that the person index names.
    fn indexed(&self, snapshot: &Snapshot, live: &Live) -> Result<Selected, ReadError> {
        let directory = live.directory();
        let handle_of = |person: &_| directory.person(person).map(|person| person.handle);
        let mut gathered = Gathered::new(self);
        for position in candidates(snapshot, self.filter, self.mode, self.span, handle_of)? {
            let position = Position::new(position?);
            let bytes = snapshot.bytes(position)?;
            let wanted = self.wants(&snapshot.header(&bytes)?);
            if !gathered.look(position, wanted.then_some(&bytes)) {
                return Ok(gathered.stop());
            }
        }
        Ok(gathered.finish())
    }

    /// Gives every entry, and opens only those that not everybody may see.
    fn unfiltered(&self, snapshot: &Snapshot) -> Result<Selected, ReadError> {
        let mut restricted = restricted_positions(snapshot, self.span)?.peekable();
        let mut gathered = Gathered::new(self);
        for row in directed(snapshot.range(self.span.after, self.span.until)?, self.span.direction) {
            let (position, bytes) = row?;
            let wanted = match restricted.next_if(|row| !matches!(row, Ok(other) if *other != position.get())) {
                Some(row) => row.and_then(|_| Ok(self.wants(&snapshot.header(&bytes)?)))?,
                None => true,
            };
            if !gathered.look(position, wanted.then_some(&bytes)) {
                return Ok(gathered.stop());
            }
        }
        Ok(gathered.finish())
    }

    /// Opens every entry.
    fn opened(&self, snapshot: &Snapshot) -> Result<Selected, ReadError> {
        let mut gathered = Gathered::new(self);
        for row in directed(snapshot.range(self.span.after, self.span.until)?, self.span.direction) {
            let (position, bytes) = row?;
            let wanted = self.wants(&snapshot.header(&bytes)?);
            if !gathered.look(position, wanted.then_some(&bytes)) {
                return Ok(gathered.stop());
            }
        }
        Ok(gathered.finish())
    }

    fn wants(&self, header: &Header) -> bool {
        let asked_for = match self.mode {
            Mode::Passing => self.filter.passes(header),
            Mode::Matching => self.filter.matches(header),
        };
        asked_for && may(self.principal, &Action::See(header))
    }
}

/// What a scan has found so far.
struct Gathered {
    span: Span,
    entries: Vec<(Position, Bytes)>,
    spending: Spending,
    looks_left: usize,
    last: Option<Position>,
}

impl Gathered {
    fn new(scan: &Scan<'_>) -> Self {
        let spending = Spending::new(scan.budget);
        Self { span: scan.span, entries: Vec::new(), spending, looks_left: scan.looks_max, last: None }
    }

    /// Takes in an entry, or that one was left out; false if there is no room, and the entry does not count.
    fn look(&mut self, position: Position, wanted: Option<&Bytes>) -> bool {
        if self.looks_left == 0 {
            return false;
        }
        if let Some(bytes) = wanted {
            if !self.spending.take(bytes.len()) {
                return false;
            }
            self.entries.push((position, bytes.clone()));
        }
        self.looks_left -= 1;
        self.last = Some(position);
        true
    }

    /// The scan came to the end of its span.
    fn finish(self) -> Selected {
        let next = match self.span.direction {
            Direction::Forward => self.span.until.max(self.span.after),
            Direction::Backward => self.span.after.next(),
        };
        Selected { entries: self.entries, next, end: true }
    }

    /// The scan ended early.
    fn stop(self) -> Selected {
        let next = self.last.expect("a scan has room for at least one entry");
        Selected { entries: self.entries, next, end: false }
    }
}
