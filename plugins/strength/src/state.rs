//! The state of a pair: counts of all events, the first day in contact, and the days.

use kith_plugin_sdk::{Day, Malformed, Packer, StateBytes, Unpacker};

/// A day in contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) day: Day,
    /// The largest share of an event on that day, Q24.
    pub(crate) unit: u32,
}

/// Maximum number of days kept, so that a state fits into 64 KiB: with a contact every day, those that count after 32 of
/// the longest half-lives, 32 years.
pub(crate) const DAYS_MAX: usize = 32 * 365 + 1;

/// The state of a pair. Days are ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tie {
    counts: [u64; 4],
    /// Number of all days in contact, including those no longer in `days`.
    day_count: u64,
    /// The first of them.
    first: Day,
    days: Vec<Contact>,
}

impl Tie {
    /// Adds an event of a kind (its route). Events arrive in the order of time.
    pub(crate) fn add(&mut self, kind: usize, contact: Contact) -> Result<(), &'static str> {
        match self.days.last_mut() {
            Some(last) if last.day > contact.day => return Err("events are not in the order of time"),
            Some(last) if last.day == contact.day => last.unit = last.unit.max(contact.unit),
            Some(_) | None => {
                if self.day_count == 0 {
                    self.first = contact.day;
                }
                self.days.push(contact);
                self.day_count += 1;
            }
        }
        self.counts[kind] += 1;
        Ok(())
    }

    /// Drops the oldest days if there are too many for a state.
    pub(crate) fn forget(&mut self) {
        self.days.drain(..self.days.len().saturating_sub(DAYS_MAX));
    }

    /// The first day in contact.
    pub(crate) fn first(&self) -> Day {
        self.first
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The kept days up to a day.
    pub(crate) fn until(&self, day: Day) -> &[Contact] {
        let end = self.days.partition_point(|contact| contact.day <= day);
        &self.days[..end]
    }

    /// Number of all days in contact up to a day, which is one of the kept days or later.
    pub(crate) fn days_until(&self, day: Day) -> u64 {
        let later = self.days.len() - self.until(day).len();
        self.day_count.saturating_sub(later as u64)
    }

    /// Events by route.
    pub(crate) fn counts(&self) -> [u64; 4] {
        self.counts
    }
}

/// Counts, days ever, the first day, then by kept day: days since the one before, and unit.
impl StateBytes for Tie {
    fn pack(&self, out: &mut Packer) {
        for count in self.counts {
            out.put_varint(count);
        }
        out.put_varint(self.day_count);
        out.put_signed(i64::from(self.first.0));
        let mut last = self.first;
        for Contact { day, unit } in &self.days {
            out.put_varint(day.since(last).cast_unsigned());
            out.put_varint(u64::from(*unit));
            last = *day;
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let mut tie = Self::default();
        for count in &mut tie.counts {
            *count = from.take_varint()?;
        }
        tie.day_count = from.take_varint()?;
        let mut day = from.take_signed()?;
        tie.first = to_day(day)?;
        while !from.is_empty() {
            let step = from.take_varint()?.cast_signed();
            let least = i64::from(!tie.days.is_empty());
            day = day.checked_add(step).filter(|_| step >= least).ok_or(Malformed)?;
            tie.days.push(take_contact(from, day)?);
        }
        if tie.days.is_empty() || tie.day_count < tie.days.len() as u64 {
            return Err(Malformed);
        }
        Ok(tie)
    }
}

fn to_day(day: i64) -> Result<Day, Malformed> {
    i32::try_from(day).map(Day).map_err(|_| Malformed)
}

fn take_contact(from: &mut Unpacker<'_>, day: i64) -> Result<Contact, Malformed> {
    let day = to_day(day)?;
    let unit = u32::try_from(from.take_varint()?).map_err(|_| Malformed)?;
    Ok(Contact { day, unit })
}
