//! The state of a pair: counts of all events, and the days that still count.

use kith_plugin_sdk::{Day, Malformed, Packer, StateBytes, Unpacker};

/// A day in contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) day: Day,
    /// The largest share of an event on that day, Q24.
    pub(crate) unit: u32,
}

/// The state of a pair. Days are ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tie {
    counts: [u64; 4],
    /// Number of all days in contact, including those no longer in `days`.
    day_count: u64,
    days: Vec<Contact>,
}

impl Tie {
    /// Adds an event of a kind (its route). Events arrive in the order of time.
    pub(crate) fn add(&mut self, kind: usize, contact: Contact) -> Result<(), &'static str> {
        match self.days.last_mut() {
            Some(last) if last.day > contact.day => return Err("events are not in the order of time"),
            Some(last) if last.day == contact.day => last.unit = last.unit.max(contact.unit),
            Some(_) | None => {
                self.days.push(contact);
                self.day_count += 1;
            }
        }
        self.counts[kind] += 1;
        Ok(())
    }

    /// Drops the days that are more than `days_max` before the newest.
    pub(crate) fn forget(&mut self, days_max: i64) {
        if let Some(newest) = self.days.last().map(|contact| contact.day) {
            let old = self.days.partition_point(|contact| newest.since(contact.day) > days_max);
            self.days.drain(..old);
        }
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

/// Counts, days ever, the first kept day, then by kept day: unit, and days to the next.
impl StateBytes for Tie {
    fn pack(&self, out: &mut Packer) {
        for count in self.counts {
            out.put_varint(count);
        }
        out.put_varint(self.day_count);
        let mut last = None;
        for Contact { day, unit } in &self.days {
            match last {
                None => out.put_signed(i64::from(day.0)),
                Some(last) => out.put_varint(day.since(last).cast_unsigned()),
            }
            out.put_varint(u64::from(*unit));
            last = Some(*day);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let mut tie = Self::default();
        for count in &mut tie.counts {
            *count = from.take_varint()?;
        }
        tie.day_count = from.take_varint()?;
        let mut day = from.take_signed()?;
        tie.days.push(take_contact(from, day)?);
        while !from.is_empty() {
            let step = from.take_varint()?.cast_signed();
            day = day.checked_add(step).filter(|_| step > 0).ok_or(Malformed)?;
            tie.days.push(take_contact(from, day)?);
        }
        Ok(tie)
    }
}

fn take_contact(from: &mut Unpacker<'_>, day: i64) -> Result<Contact, Malformed> {
    let day = i32::try_from(day).map(Day).map_err(|_| Malformed)?;
    let unit = u32::try_from(from.take_varint()?).map_err(|_| Malformed)?;
    Ok(Contact { day, unit })
}
