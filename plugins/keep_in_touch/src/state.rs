//! The state of a pair: its last day in contact, and how often each gap between such days occurred.
//!
//! Different gaps add up to at most the pair's whole time, so they are few: under 100 in ten years.

use std::collections::BTreeMap;

use kith_plugin_sdk::{Day, Malformed, Packer, StateBytes, Unpacker};

/// The state of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rhythm {
    last: Day,
    /// Number of occurrences by gap in days; no gap and no number is 0.
    gaps: BTreeMap<u64, u64>,
}

impl Rhythm {
    /// The state after the first day in contact.
    pub(crate) fn from(day: Day) -> Self {
        Self { last: day, gaps: BTreeMap::new() }
    }

    /// Adds a contact. Events arrive in the order of time.
    pub(crate) fn contact(&mut self, day: Day) -> Result<(), &'static str> {
        let gap = u64::try_from(day.since(self.last)).map_err(|_| "events are not in the order of time")?;
        if gap > 0 {
            *self.gaps.entry(gap).or_default() += 1;
            self.last = day;
        }
        Ok(())
    }

    /// The latest day in contact.
    pub(crate) fn last(&self) -> Day {
        self.last
    }

    /// Days in contact.
    pub(crate) fn days(&self) -> u64 {
        self.gaps.values().fold(1, |days: u64, count| days.saturating_add(*count))
    }

    /// Twice the median gap in days: the sum of the two in the middle. There is at least one gap.
    pub(crate) fn median_twice(&self) -> u64 {
        let count = self.days() - 1;
        self.gap_at(count.saturating_sub(1) / 2) + self.gap_at(count / 2)
    }

    /// The gap at an index, from 0, with all gaps sorted by length.
    fn gap_at(&self, place: u64) -> u64 {
        let mut before = 0_u64;
        let found = self.gaps.iter().find(|(_, count)| {
            before = before.saturating_add(**count);
            before > place
        });
        found.map_or(0, |(gap, _)| *gap)
    }
}

/// The last day; then for each gap the increase over the gap before, and its number.
impl StateBytes for Rhythm {
    fn pack(&self, out: &mut Packer) {
        out.put_signed(i64::from(self.last.0));
        let mut before = 0;
        for (gap, count) in &self.gaps {
            out.put_varint(gap - before);
            out.put_varint(*count);
            before = *gap;
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let last = i32::try_from(from.take_signed()?).map_err(|_| Malformed)?;
        let mut gaps = BTreeMap::new();
        let mut gap = 0_u64;
        while !from.is_empty() {
            let (longer, count) = (from.take_varint()?, from.take_varint()?);
            gap = gap.checked_add(longer).filter(|gap| u32::try_from(*gap).is_ok()).ok_or(Malformed)?;
            if longer == 0 || count == 0 {
                return Err(Malformed);
            }
            gaps.insert(gap, count);
        }
        Ok(Self { last: Day(last), gaps })
    }
}
