//! The instances of a series: the dates of its rule and those that are added, without those that are left out, each with
//! the event that takes its place.

use super::{
    event::{Event, Override},
    moment::{Moment, floating},
};
use crate::limits::INSTANCES_MAX;
use calcard::{
    common::{PartialDateTime, timezone::Tz},
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarProperty,
        ICalendarRecurrenceRule, ICalendarValue,
    },
};
use jiff::{
    SignedDuration,
    civil::{Date, DateTime},
};
use kith_core::timestamp::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// Dates of a rule are asked for up to so long after now: zones differ by less than that.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// What tells the instances of a UID apart: the day on which one is by its rule, and its number on that day. `None` for
/// an event that does not repeat. Days stay the same when a meeting is moved to another hour.
pub(super) type InstanceKey = Option<(Date, u32)>;

/// An instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instance<'e> {
    /// The event that describes it.
    pub(super) event: &'e Event,
    pub(super) key: InstanceKey,
    /// Whether it is the first of its series, which may have been a single event before.
    pub(super) is_first: bool,
    pub(super) start: Moment,
    /// Whether it was left out of the series.
    pub(super) is_left_out: bool,
}

/// The instances of the events of one UID, up to now and those with an event of their own. `room` is for how many dates
/// of rules there is room in the calendar, and what is left of it after these, recorded or refused.
pub(super) fn instances<'e>(
    events: &'e [Event],
    now: Timestamp,
    room: &mut usize,
) -> Result<Vec<Instance<'e>>, String> {
    let Parts { master, overrides } = Parts::of(events);
    let Some(master) = master else { return Ok(overrides.values().map(|event| orphan(event)).collect()) };
    if master.rule.is_none() && master.more.is_empty() {
        let single = Instance { event: master, key: None, is_first: false, start: master.start, is_left_out: false };
        let others = overrides.values().map(|event| orphan(event));
        return Ok(std::iter::once(single).chain(others).collect());
    }
    let dates = dates(master, now, room)?;
    Ok(placed(master, dates, overrides, now))
}

/// The events of one UID by what they are.
struct Parts<'e> {
    master: Option<&'e Event>,
    /// By what they take the place of; the newest of each.
    overrides: BTreeMap<Slot, &'e Event>,
}

/// What an event takes the place of: a time, or the day of an all-day instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Time(Timestamp),
    Day(Date),
}

impl Slot {
    fn of(moment: Moment) -> Self {
        match moment.time() {
            Some(time) if moment.has_time => Self::Time(time),
            _ => Self::Day(moment.local.date()),
        }
    }
}

impl<'e> Parts<'e> {
    fn of(events: &'e [Event]) -> Self {
        let mut parts = Self { master: None, overrides: BTreeMap::new() };
        for event in events {
            let place = match &event.replaces {
                None => parts.master.get_or_insert(event),
                Some(Override { of, .. }) => parts.overrides.entry(Slot::of(*of)).or_insert(event),
            };
            if event.sequence >= place.sequence {
                *place = event;
            }
        }
        parts
    }
}

/// An event that takes the place of an instance that is not in the file.
fn orphan(event: &Event) -> Instance<'_> {
    let day = event.replaces.map_or(event.start, |replaces| replaces.of).local.date();
    Instance { event, key: Some((day, 0)), is_first: false, start: event.start, is_left_out: false }
}

/// The dates of a series, in order: those of its rule and those that are added.
fn dates(master: &Event, now: Timestamp, room: &mut usize) -> Result<Vec<(Timestamp, Moment)>, String> {
    let mut locals = match &master.rule {
        Some(rule) => ruled(master, rule, now, room)?,
        None => vec![master.start],
    };
    locals.extend(&master.more);
    let mut dates: Vec<(Timestamp, Moment)> =
        locals.into_iter().filter_map(|moment| Some((moment.time()?, moment))).collect();
    dates.sort_by_key(|(time, _)| *time);
    dates.dedup_by_key(|(time, _)| *time);
    Ok(dates)
}

/// The dates of a rule.
fn ruled(
    master: &Event,
    rule: &ICalendarRecurrenceRule,
    now: Timestamp,
    room: &mut usize,
) -> Result<Vec<Moment>, String> {
    let unreadable = || "the dates of the event's RRULE cannot be told".to_owned();
    let Moment { zone, has_time, .. } = master.start;
    let until = rule.until.as_ref().map(Until::of).transpose().map_err(|()| "the event's UNTIL is no time")?;
    let horizon = jiff::Timestamp::from_millisecond(now.millis()).map_err(|_| unreadable())?;
    let horizon = (horizon + AHEAD).to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let bound = until.map_or(horizon, |until| until.bound().min(horizon));
    let mut rule = rule.clone();
    rule.until = Some(floating(bound).ok_or_else(unreadable)?);
    let start = floating(master.start.local).ok_or_else(unreadable)?;
    let entry = |name, value| ICalendarEntry::new(name).with_values(vec![value]);
    let calendar = ICalendar {
        components: vec![ICalendarComponent {
            component_type: ICalendarComponentType::VEvent,
            entries: vec![
                entry(ICalendarProperty::Dtstart, ICalendarValue::PartialDateTime(Box::new(start))),
                entry(ICalendarProperty::Rrule, ICalendarValue::RecurrenceRule(Box::new(rule))),
            ],
            component_ids: Vec::new(),
        }],
    };
    let expanded = calendar.expand_dates(Tz::Floating, INSTANCES_MAX + 1);
    *room = room.saturating_sub(expanded.events.len());
    if !expanded.errors.is_empty() {
        return Err(unreadable());
    }
    if expanded.events.len() > INSTANCES_MAX {
        return Err(format!("the event repeats more than {INSTANCES_MAX} times before today"));
    }
    let moment = |seconds: i64| {
        let local = jiff::Timestamp::from_second(seconds).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let moment = Moment { local, zone, has_time };
        let is_over = until.is_some_and(|until| !until.has(moment));
        Some((!is_over).then_some(moment))
    };
    let moments = expanded.events.iter().map(|event| moment(event.start.naive_local().and_utc().timestamp()));
    let moments: Option<Vec<Option<Moment>>> = moments.collect();
    Ok(moments.ok_or_else(unreadable)?.into_iter().flatten().collect())
}

/// The end of a rule.
#[derive(Debug, Clone, Copy)]
enum Until {
    /// A time, whatever the zone.
    Time(Timestamp),
    /// What the clocks of the event's zone show.
    Local(DateTime),
}

impl Until {
    fn of(until: &PartialDateTime) -> Result<Self, ()> {
        let date = until.to_date_time().ok_or(())?;
        let seconds = date.date_time.and_utc().timestamp();
        if until.tz_hour.is_some() {
            let offset = date.offset.map_or(0, |offset| i64::from(offset.local_minus_utc()));
            return Ok(Self::Time(Timestamp::from_millis((seconds - offset) * 1_000)));
        }
        let local = jiff::Timestamp::from_second(seconds).map_err(|_| ())?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        // A day alone has all of its instances.
        Ok(Self::Local(if until.hour.is_some() { local } else { local.date().at(23, 59, 59, 0) }))
    }

    /// What no clock shows before the end is over.
    fn bound(self) -> DateTime {
        match self {
            Self::Local(local) => local,
            Self::Time(time) => {
                let time = jiff::Timestamp::from_millisecond(time.millis()).unwrap_or(jiff::Timestamp::MAX);
                let local = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
                local.checked_add(AHEAD).unwrap_or(DateTime::MAX)
            }
        }
    }

    fn has(self, moment: Moment) -> bool {
        match self {
            Self::Local(until) => moment.local <= until,
            // The end of a series of days is a day, however it is written.
            Self::Time(until) if !moment.has_time => {
                let until = jiff::Timestamp::from_millisecond(until.millis()).unwrap_or(jiff::Timestamp::MAX);
                moment.local.date() <= until.to_zoned(jiff::tz::TimeZone::UTC).date()
            }
            Self::Time(until) => moment.time().is_some_and(|time| time <= until),
        }
    }
}

/// Puts the events that take the place of others where they belong.
fn placed<'e>(
    master: &'e Event,
    dates: Vec<(Timestamp, Moment)>,
    mut overrides: BTreeMap<Slot, &'e Event>,
    now: Timestamp,
) -> Vec<Instance<'e>> {
    let except: Vec<Slot> = master.except.iter().map(|moment| Slot::of(*moment)).collect();
    let mut numbers: HashMap<Date, u32> = HashMap::new();
    let mut instances = Vec::with_capacity(dates.len());
    // The event that describes all instances from one on, and how far it moves them.
    let mut from_here_on: Option<(&Event, SignedDuration)> = None;
    for (time, moment) in dates {
        let day = moment.local.date();
        let number = numbers.entry(day).or_default();
        let key = Some((day, *number));
        *number += 1;
        let own = overrides.remove(&Slot::Time(time)).or_else(|| overrides.remove(&Slot::Day(day)));
        if let Some(event) = own.filter(|event| event.replaces.is_some_and(|replaces| replaces.is_from_here_on)) {
            from_here_on = Some((event, event.start.local.duration_since(moment.local)));
        }
        let moved = from_here_on.and_then(|(event, by)| {
            Some((event, Moment { local: moment.local.checked_add(by).ok()?, zone: event.start.zone, ..moment }))
        });
        let is_ahead = time > now;
        let is_left_out = except.iter().any(|slot| *slot == Slot::Time(time) || *slot == Slot::Day(day));
        let (event, start) = match (own, moved) {
            (Some(event), _) => (event, event.start),
            _ if is_ahead => continue,
            (None, Some(moved)) => moved,
            (None, None) => (master, moment),
        };
        let is_first = moment.local == master.start.local;
        instances.push(Instance { event, key, is_first, start, is_left_out: is_left_out && own.is_none() });
    }
    instances.extend(overrides.values().map(|event| orphan(event)));
    instances
}
