//! The state of two people: the days on which one helped the other, and their open asks.

use kith_plugin_sdk::{Day, Malformed, Packer, Position, StateBytes, Unpacker};

/// One of the two people of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    A,
    B,
}

impl Side {
    pub(crate) fn place(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// A day on which one helped the other, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Helped {
    day: Day,
    /// Number of helps by side.
    counts: [u32; 2],
}

/// The state of a pair. Days are ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// The first entry in which a side helped or asked the other.
    first: [Option<Position>; 2],
    /// Number of asks that wait for each side.
    open_asks: [u32; 2],
    days: Vec<Helped>,
}

impl Exchange {
    /// One side helps the other. Events arrive in the order of time.
    pub(crate) fn help(&mut self, by: Side, position: Position, day: Day) -> Result<(), &'static str> {
        self.first[by.place()].get_or_insert(position);
        self.open_asks[by.place()] = 0;
        match self.days.last_mut() {
            Some(last) if last.day > day => return Err("events are not in the order of time"),
            Some(last) if last.day == day => last.counts[by.place()] += 1,
            Some(_) | None => {
                let mut counts = [0; 2];
                counts[by.place()] = 1;
                self.days.push(Helped { day, counts });
            }
        }
        Ok(())
    }

    /// One side asks the other.
    pub(crate) fn ask(&mut self, by: Side, position: Position) {
        self.first[by.place()].get_or_insert(position);
        self.open_asks[by.other().place()] += 1;
    }

    /// Drops the days that are more than `days_max` before the newest.
    pub(crate) fn forget(&mut self, days_max: i64) {
        if let Some(newest) = self.last_help() {
            let old = self.days.partition_point(|helped| newest.since(helped.day) > days_max);
            self.days.drain(..old);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == [None; 2]
    }

    pub(crate) fn last_help(&self) -> Option<Day> {
        self.days.last().map(|helped| helped.day)
    }

    /// What each side gave, with the count of each day weighted.
    pub(crate) fn given(&self, weigh: impl Fn(u32, Day) -> u64) -> [u64; 2] {
        [Side::A, Side::B].map(|side| {
            let weights = self.days.iter().map(|helped| weigh(helped.counts[side.place()], helped.day));
            weights.fold(0, u64::saturating_add)
        })
    }

    /// Number of asks that wait for a side.
    pub(crate) fn open_asks(&self, of: Side) -> u32 {
        self.open_asks[of.place()]
    }

    /// The first entry in which a side helped or asked the other.
    pub(crate) fn first(&self, of: Side) -> Option<Position> {
        self.first[of.place()]
    }
}

/// For each side: its first entry (0: none) and the asks that wait for it. Then for each day: days
/// since the one before (for the first: since 1970), and the helps by side.
impl StateBytes for Exchange {
    fn pack(&self, out: &mut Packer) {
        for (first, open_asks) in self.first.iter().zip(self.open_asks) {
            out.put_varint(first.map_or(0, |position| position.0));
            out.put_varint(u64::from(open_asks));
        }
        let mut before = None;
        for Helped { day, counts } in &self.days {
            match before {
                None => out.put_signed(i64::from(day.0)),
                Some(before) => out.put_varint(day.since(before).cast_unsigned()),
            }
            for count in counts {
                out.put_varint(u64::from(*count));
            }
            before = Some(*day);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let mut exchange = Self::default();
        for side in 0..2 {
            exchange.first[side] = Some(Position(from.take_varint()?)).filter(|position| position.0 > 0);
            exchange.open_asks[side] = take_u32(from)?;
        }
        while !from.is_empty() {
            let day = match exchange.last_help() {
                None => Some(from.take_signed()?),
                Some(before) => i64::from(before.0).checked_add_unsigned(from.take_varint()?),
            };
            let day = day.and_then(|day| i32::try_from(day).ok()).map(Day).ok_or(Malformed)?;
            if exchange.last_help() == Some(day) {
                return Err(Malformed);
            }
            exchange.days.push(Helped { day, counts: [take_u32(from)?, take_u32(from)?] });
        }
        Ok(exchange)
    }
}

fn take_u32(from: &mut Unpacker<'_>) -> Result<u32, Malformed> {
    u32::try_from(from.take_varint()?).map_err(|_| Malformed)
}
