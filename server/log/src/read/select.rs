//! Reads by filter and permission.
//!
//! Invariant: no entry is returned that the principal may not see, and one call looks at a bounded number of entries.

use crate::{
    error::ReadError,
    read::{
        candidates::{Direction, Mode, Span, are_indexed, candidates, directed},
        restricted::{Kept, Restricted},
        spending::Spending,
    },
    state::{
        live::{Live, Recent},
        snapshot::Snapshot,
    },
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

/// Bounds on one scan, whatever it finds.
///
/// Neither number counts entries that the principal may not see, nor do answers reveal them: where a read stops must
/// not show what is hidden.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Entries that it opens or returns.
    pub(crate) entries: usize,
    /// Positions that it covers if the index says which of them to look at; otherwise `entries` applies.
    pub(crate) indexed_positions: u64,
}

impl Reach {
    /// The bounds of one call.
    const CALL: Self = Self { entries: 4_096, indexed_positions: 1 << 18 };

    /// No bounds.
    pub(crate) const WHOLE: Self = Self { entries: usize::MAX, indexed_positions: u64::MAX };
}

/// What to read: entries after `after` up to `until`, in some order.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Who reads.
    pub principal: Principal,
    /// What the principal asks for.
    pub filter: Filter,
    /// Whether directory and administration entries are included that the filter does not match.
    pub mode: Mode,
    /// Only entries after this position, in either direction.
    pub after: Position,
    /// Only entries up to this position, in either direction; the head if it lies beyond.
    pub until: Position,
    /// Whether the oldest or the newest come first.
    pub direction: Direction,
    /// How much to return at once.
    pub budget: Budget,
}

/// A part of what was selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Entry bytes with their positions, in the order asked for.
    pub entries: Vec<(Position, Bytes)>,
    /// How far `entries` is complete. To continue: forward with `after = next`, backward with `until = next - 1`. It
    /// depends only on positions and on what the principal may see.
    pub next: Position,
    /// Whether nothing remains between `after` and `until`.
    pub end: bool,
}

/// The parameters of one scan, for reads and conditions alike.
pub(crate) struct Scan<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) filter: &'a Filter,
    pub(crate) mode: Mode,
    pub(crate) span: Span,
    pub(crate) budget: Budget,
    pub(crate) reach: Reach,
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
        mode: selection.mode,
        span,
        budget: selection.budget,
        reach: Reach::CALL,
    };
    match search.recent(live) {
        Some(selected) => Ok(selected),
        None => search.stored(&Snapshot::begin(&store.database, live)?, live),
    }
}

impl Scan<'_> {
    /// Reads from memory; `None` if memory does not hold all that the scan covers.
    pub(crate) fn recent(&self, live: &Live) -> Option<Selected> {
        let mut gathered = Gathered::new(self);
        let span = gathered.covered;
        if span.after >= span.until {
            return Some(gathered.finish());
        }
        let published = live.published();
        for Recent { bytes, header, .. } in directed(published.recent(span.after, span.until)?, span.direction) {
            if !self.is_candidate(header) || !self.sees(header) {
                continue;
            }
            if !gathered.look(header.position, self.wants(header).then_some(bytes)) {
                return Some(gathered.stop());
            }
        }
        Some(gathered.finish())
    }

    /// Reads from disk.
    pub(crate) fn stored(&self, snapshot: &Snapshot, live: &Live) -> Result<Selected, ReadError> {
        let gathered = Gathered::new(self);
        if gathered.covered.after >= gathered.covered.until {
            return Ok(gathered.finish());
        }
        if are_indexed(self.filter, self.mode) {
            return self.indexed(snapshot, live, gathered);
        }
        self.walked(snapshot, gathered)
    }

    /// Looks at the entries in the index of people. The index also has hidden ones: they are skipped unopened.
    fn indexed(&self, snapshot: &Snapshot, live: &Live, mut gathered: Gathered) -> Result<Selected, ReadError> {
        let directory = live.directory();
        let handle_of = |person: &_| directory.person(person).map(|person| person.handle);
        let restricted = Restricted::begin(snapshot, self.principal)?;
        for position in candidates(snapshot, self.filter, self.mode, gathered.covered, handle_of)? {
            let position = position?;
            if restricted.hides(position)? {
                continue;
            }
            let position = Position::new(position);
            let bytes = snapshot.bytes(position)?;
            let wanted = self.wants(&snapshot.header(&bytes)?);
            if !gathered.look(position, wanted.then_some(&bytes)) {
                return Ok(gathered.stop());
            }
        }
        Ok(gathered.finish())
    }

    /// Looks at one entry after the other. Opens no hidden entry; without a filter, opens only those of scope
    /// organisation.
    fn walked(&self, snapshot: &Snapshot, mut gathered: Gathered) -> Result<Selected, ReadError> {
        let (span, all) = (gathered.covered, self.filter.is_all());
        let restricted = Restricted::begin(snapshot, self.principal)?;
        let mut rows = restricted.range(span)?.peekable();
        for row in directed(snapshot.range(span.after, span.until)?, span.direction) {
            let (position, bytes) = row?;
            let kept = rows.next_if(|row| !matches!(row, Ok((other, _)) if *other != position.get())).transpose()?;
            let wanted = match kept {
                Some((_, Kept::FromUs)) => continue,
                Some((_, Kept::ByUs)) => self.wants(&snapshot.header(&bytes)?),
                None => all || self.wants(&snapshot.header(&bytes)?),
            };
            if !gathered.look(position, wanted.then_some(&bytes)) {
                return Ok(gathered.stop());
            }
        }
        Ok(gathered.finish())
    }

    /// The part of the span that this scan covers.
    fn covered(&self) -> Span {
        let Span { after, until, direction } = self.span;
        let positions = if are_indexed(self.filter, self.mode) {
            self.reach.indexed_positions
        } else {
            u64::try_from(self.reach.entries).unwrap_or(u64::MAX)
        };
        match direction {
            Direction::Forward => {
                Span { after, until: until.min(Position::new(after.get().saturating_add(positions))), direction }
            }
            Direction::Backward => {
                Span { after: after.max(Position::new(until.get().saturating_sub(positions))), until, direction }
            }
        }
    }

    /// Whether the index would name an entry, so that reads from memory and disk count alike.
    fn is_candidate(&self, header: &Header) -> bool {
        let matches = || self.filter.people.is_empty() || self.filter.matches_people(header);
        match self.mode {
            Mode::Passing => header.is_common() || matches(),
            Mode::Matching => matches(),
            Mode::Common => header.is_common(),
        }
    }

    fn sees(&self, header: &Header) -> bool {
        may(self.principal, &Action::See(header))
    }

    fn wants(&self, header: &Header) -> bool {
        let asked_for = match self.mode {
            Mode::Passing => self.filter.passes(header),
            Mode::Matching => self.filter.matches(header),
            Mode::Common => header.is_common(),
        };
        asked_for && self.sees(header)
    }
}

/// What a scan has found so far.
struct Gathered {
    covered: Span,
    whole: bool,
    entries: Vec<(Position, Bytes)>,
    spending: Spending,
    looks_left: usize,
    last: Option<Position>,
}

impl Gathered {
    fn new(scan: &Scan<'_>) -> Self {
        let (covered, spending) = (scan.covered(), Spending::new(scan.budget));
        let whole = (covered.after, covered.until) == (scan.span.after, scan.span.until);
        Self { covered, whole, entries: Vec::new(), spending, looks_left: scan.reach.entries, last: None }
    }

    /// Counts an entry that the principal may see, and adds its bytes if wanted; returns false, without counting it, if
    /// there is no room.
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

    /// The result of a scan that reached the end of what it covers.
    fn finish(self) -> Selected {
        let next = match self.covered.direction {
            Direction::Forward => self.covered.until.max(self.covered.after),
            Direction::Backward => self.covered.after.next(),
        };
        Selected { entries: self.entries, next, end: self.whole }
    }

    /// The result of a scan that ended early, after an entry that the principal may see.
    fn stop(self) -> Selected {
        let next = self.last.expect("a scan has room for at least one entry");
        Selected { entries: self.entries, next, end: false }
    }
}
