//! The state of two people: their referrals, and answers that were stamped before their referral.

use kith_plugin_sdk::{Day, Event, Key, Malformed, Packer, Person, Position, StateBytes, Unpacker};

use crate::Settings;
use crate::referral::{Referral, Status};

/// Referrals, and early answers, kept of a pair: as many as the rows that a key may have.
const KEPT_MAX: usize = 1000;

/// The effect of answers on a referral that has not arrived yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Early {
    referral: Position,
    status: Status,
}

/// The state of two people. Referrals are in fold order, early answers ordered by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduced {
    referrals: Vec<Referral>,
    early: Vec<Early>,
}

impl Introduced {
    pub(crate) fn refer(&mut self, event: &Event<'_>) {
        let early = self.place_of_early(event.position).ok().map(|at| self.early.remove(at).status);
        if self.referrals.len() == KEPT_MAX {
            self.referrals.remove(0);
        }
        self.referrals.push(Referral {
            position: event.position,
            on: event.day(),
            referrer: event.third,
            status: early.unwrap_or(Status::Unanswered),
            resolved: early.map(|_| event.day()),
            contact_days: 0,
            last_contact: None,
        });
    }

    pub(crate) fn answer(&mut self, key: Key, event: &Event<'_>) {
        let (Some(position), Some(answer)) = (event.referral(), event.answer()) else {
            return;
        };
        if !key.has(event.third) {
            return;
        }
        if let Some(referral) = self.referrals.iter_mut().find(|one| one.position == position) {
            referral.answered(answer, event.day());
            return;
        }
        match self.place_of_early(position) {
            Ok(at) => self.early[at].status = self.early[at].status.answered(answer),
            Err(at) => {
                let status = Status::Unanswered.answered(answer);
                self.early.insert(at, Early { referral: position, status });
                if self.early.len() > KEPT_MAX {
                    self.early.remove(0);
                }
            }
        }
    }

    pub(crate) fn contact(&mut self, on: Day, settings: &Settings) {
        for referral in &mut self.referrals {
            referral.contacted(on, settings);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.referrals.is_empty() && self.early.is_empty()
    }

    pub(crate) fn referrals(&self) -> &[Referral] {
        &self.referrals
    }

    fn place_of_early(&self, referral: Position) -> Result<usize, usize> {
        self.early.binary_search_by_key(&referral, |early| early.referral)
    }
}

/// The number of referrals and the referrals; then, to the end, position and status of early answers.
impl StateBytes for Introduced {
    fn pack(&self, out: &mut Packer) {
        out.put_varint(self.referrals.len() as u64);
        for referral in &self.referrals {
            put_referral(out, referral);
        }
        for Early { referral, status } in &self.early {
            out.put_varint(referral.0);
            out.put_u8(status.byte());
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let mut introduced = Self::default();
        for _ in 0..from.take_varint()? {
            introduced.referrals.push(take_referral(from)?);
        }
        while !from.is_empty() {
            let referral = Position(from.take_varint()?);
            let status = Status::from_byte(from.take_u8()?)?;
            introduced.early.push(Early { referral, status });
        }
        Ok(introduced)
    }
}

/// Position, day, referrer, status, then days since it, each plus 1, or 0 for none: resolved, last
/// contact; the number of days in contact follows only if there is a last one.
fn put_referral(out: &mut Packer, referral: &Referral) {
    out.put_varint(referral.position.0);
    out.put_signed(i64::from(referral.on.0));
    out.put_varint(u64::from(referral.referrer.0));
    out.put_u8(referral.status.byte());
    put_after(out, referral.on, referral.resolved);
    put_after(out, referral.on, referral.last_contact);
    if referral.last_contact.is_some() {
        out.put_varint(u64::from(referral.contact_days));
    }
}

fn take_referral(from: &mut Unpacker<'_>) -> Result<Referral, Malformed> {
    let position = Position(from.take_varint()?);
    let on = Day(i32::try_from(from.take_signed()?).map_err(|_| Malformed)?);
    let referrer = Person(take_u32(from)?);
    let status = Status::from_byte(from.take_u8()?)?;
    let resolved = take_after(from, on)?;
    let last_contact = take_after(from, on)?;
    let contact_days = if last_contact.is_some() { take_u32(from)? } else { 0 };
    Ok(Referral { position, on, referrer, status, resolved, contact_days, last_contact })
}

fn put_after(out: &mut Packer, on: Day, day: Option<Day>) {
    out.put_varint(day.map_or(0, |day| 1 + day.since(on).cast_unsigned()));
}

fn take_after(from: &mut Unpacker<'_>, on: Day) -> Result<Option<Day>, Malformed> {
    let Some(days) = from.take_varint()?.checked_sub(1) else {
        return Ok(None);
    };
    let day = u32::try_from(days).ok().and_then(|days| on.0.checked_add_unsigned(days));
    day.map(|day| Some(Day(day))).ok_or(Malformed)
}

fn take_u32(from: &mut Unpacker<'_>) -> Result<u32, Malformed> {
    u32::try_from(from.take_varint()?).map_err(|_| Malformed)
}
