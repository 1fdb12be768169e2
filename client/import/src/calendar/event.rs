//! Reads an event: when it is, how it repeats, and who was invited.

use super::{
    components::RawEvent,
    moment::{Assumed, Moment, Zones},
};
use crate::{limits::REPEATS_A_DAY_MAX, refusal::Refusal, spot::Spot};
use calcard::icalendar::{
    ICalendar, ICalendarClassification, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarFrequency,
    ICalendarParameterName, ICalendarParameterValue, ICalendarParticipationRole, ICalendarParticipationStatus,
    ICalendarPeriod, ICalendarProperty, ICalendarRecurrenceRule, ICalendarStatus, ICalendarUserTypes, ICalendarValue,
};

/// What somebody who is invited has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// They come, or may come, or nothing is said.
    Open,
    /// They have not answered.
    Needed,
    /// They do not come, or somebody else does in their place.
    Declined,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attendee {
    /// Their address, as written.
    pub(super) address: String,
    pub(super) answer: Answer,
}

/// How long an event takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// So many seconds.
    Seconds(i64),
    /// Nothing says it.
    Unknown,
}

/// Which instance of a series an event takes the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Override {
    pub(super) of: Moment,
    /// Whether it takes the place of those after it, too.
    pub(super) is_from_here_on: bool,
}

/// An event as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) spot: Spot,
    pub(super) uid: String,
    pub(super) replaces: Option<Override>,
    pub(super) start: Moment,
    pub(super) is_all_day: bool,
    pub(super) length: Length,
    pub(super) rule: Option<Box<ICalendarRecurrenceRule>>,
    /// Further dates.
    pub(super) more: Vec<Moment>,
    /// Dates that are left out.
    pub(super) except: Vec<Moment>,
    pub(super) sequence: i64,
    pub(super) is_cancelled: bool,
    pub(super) is_private: bool,
    pub(super) attendees: Vec<Attendee>,
    pub(super) organizer: Option<String>,
    pub(super) title: String,
    pub(super) place: String,
}

impl Event {
    /// Reads an event.
    pub(super) fn read(raw: RawEvent, zones: &Zones<'_>, assumed: &mut Assumed) -> Result<Self, Refusal> {
        let RawEvent { spot, properties, is_called_off } = raw;
        let refuse = |why: &str| Refusal::unreadable(spot, "event", why);
        let properties = properties.map_err(|why| Refusal::unreadable(spot, "event", why))?;
        let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{properties}END:VEVENT\r\nEND:VCALENDAR\r\n");
        let calendar = ICalendar::parse(text).map_err(|_| refuse("the event cannot be read"))?;
        let is_event = |one: &&ICalendarComponent| one.component_type == ICalendarComponentType::VEvent;
        let component = calendar.components.iter().find(is_event).ok_or_else(|| refuse("the event cannot be read"))?;
        let mut reader = Reader { zones, assumed };
        let mut event = reader.read(spot, component).map_err(refuse)?;
        event.is_cancelled |= is_called_off;
        Ok(event)
    }
}

struct Reader<'r> {
    zones: &'r Zones<'r>,
    assumed: &'r mut Assumed,
}

impl Reader<'_> {
    fn read(&mut self, spot: Spot, component: &ICalendarComponent) -> Result<Event, &'static str> {
        let uid = text(component, &ICalendarProperty::Uid);
        if uid.is_empty() {
            return Err("the event has no UID");
        }
        let replaces = match component.property(&ICalendarProperty::RecurrenceId) {
            None => None,
            Some(entry) => Some(Override {
                of: self.moment(entry).ok_or("the event's RECURRENCE-ID is no time")?,
                is_from_here_on: entry.has_parameter(&ICalendarParameterName::Range),
            }),
        };
        let start = match (component.property(&ICalendarProperty::Dtstart), &replaces) {
            (Some(entry), _) => self.moment(entry).ok_or("the event's DTSTART is no time")?,
            (None, Some(replaces)) => replaces.of,
            (None, None) => return Err("the event has no DTSTART"),
        };
        if component.entries.iter().any(|entry| is_other(entry, "EXRULE")) {
            return Err("the event has an EXRULE, which nothing writes any more: its dates cannot be told");
        }
        let says_all_day = |entry: &ICalendarEntry| {
            is_other(entry, "X-MICROSOFT-CDO-ALLDAYEVENT") && value_text(entry).eq_ignore_ascii_case("TRUE")
        };
        let is_all_day = !start.has_time || component.entries.iter().any(says_all_day);
        Ok(Event {
            spot,
            replaces,
            is_all_day,
            length: self.length(component, start)?,
            rule: rule(component)?,
            more: self.moments(component, &ICalendarProperty::Rdate).ok_or("a date of the event's RDATE is no time")?,
            except: self
                .moments(component, &ICalendarProperty::Exdate)
                .ok_or("a date of the event's EXDATE is no time")?,
            sequence: component
                .property(&ICalendarProperty::Sequence)
                .and_then(|entry| entry.values.first()?.as_integer())
                .unwrap_or(0),
            is_cancelled: component.status() == Some(&ICalendarStatus::Cancelled),
            is_private: is_private(component),
            attendees: component.properties(&ICalendarProperty::Attendee).filter_map(attendee).collect(),
            organizer: Some(text(component, &ICalendarProperty::Organizer)).filter(|address| !address.is_empty()),
            title: text(component, &ICalendarProperty::Summary),
            place: text(component, &ICalendarProperty::Location),
            uid,
            start,
        })
    }

    fn moment(&mut self, entry: &ICalendarEntry) -> Option<Moment> {
        let value = entry.values.first()?.as_partial_date_time()?;
        Moment::read(value, entry, self.zones, self.assumed)
    }

    /// All dates of a property; `None` if one of them is none.
    fn moments(&mut self, component: &ICalendarComponent, property: &ICalendarProperty) -> Option<Vec<Moment>> {
        let mut moments = Vec::new();
        for entry in component.properties(property) {
            for value in &entry.values {
                let value = match value {
                    ICalendarValue::PartialDateTime(value) => value,
                    ICalendarValue::Period(
                        ICalendarPeriod::Range { start, .. } | ICalendarPeriod::Duration { start, .. },
                    ) => start,
                    _ => return None,
                };
                moments.push(Moment::read(value, entry, self.zones, self.assumed)?);
            }
        }
        Some(moments)
    }

    fn length(&mut self, component: &ICalendarComponent, start: Moment) -> Result<Length, &'static str> {
        if let Some(entry) = component.property(&ICalendarProperty::Dtend) {
            let end = self.moment(entry).ok_or("the event's DTEND is no time")?;
            let between = end.time().zip(start.time()).map(|(end, start)| (end.millis() - start.millis()) / 1_000);
            return match between {
                Some(seconds) if seconds >= 0 => Ok(Length::Seconds(seconds)),
                _ => Err("the event ends before it begins"),
            };
        }
        let Some(entry) = component.property(&ICalendarProperty::Duration) else { return Ok(Length::Unknown) };
        match entry.values.first() {
            Some(ICalendarValue::Duration(duration)) if !duration.neg => Ok(Length::Seconds(duration.as_seconds())),
            _ => Err("the event's DURATION is no time"),
        }
    }
}

/// How an event repeats.
fn rule(component: &ICalendarComponent) -> Result<Option<Box<ICalendarRecurrenceRule>>, &'static str> {
    let mut rules = component.properties(&ICalendarProperty::Rrule);
    let Some(entry) = rules.next() else { return Ok(None) };
    if rules.next().is_some() {
        return Err("the event has several RRULEs");
    }
    let Some(ICalendarValue::RecurrenceRule(rule)) = entry.values.first() else {
        return Err("the event's RRULE cannot be read");
    };
    let is_often = match rule.freq {
        ICalendarFrequency::Secondly | ICalendarFrequency::Minutely | ICalendarFrequency::Hourly => true,
        ICalendarFrequency::Daily
        | ICalendarFrequency::Weekly
        | ICalendarFrequency::Monthly
        | ICalendarFrequency::Yearly => false,
    };
    let times = [&rule.byhour, &rule.byminute, &rule.bysecond].map(|times| times.len().max(1));
    if is_often || times.iter().product::<usize>() > REPEATS_A_DAY_MAX {
        return Err("the event repeats too often in a day to be a meeting");
    }
    if rule.rscale.is_some() {
        return Err("the event repeats by another calendar than ours");
    }
    Ok(Some(rule.clone()))
}

/// Whether only some may see an event; a class that is unknown is treated as private (RFC 5545, 3.8.1.3).
fn is_private(component: &ICalendarComponent) -> bool {
    component.property(&ICalendarProperty::Class).is_some_and(|entry| {
        !matches!(entry.values.first(), None | Some(ICalendarValue::Classification(ICalendarClassification::Public)))
    })
}

/// Somebody who is invited; `None` for rooms, things, groups, and those who are only told of it.
fn attendee(entry: &ICalendarEntry) -> Option<Attendee> {
    let is_no_person = |value: &ICalendarParameterValue| {
        matches!(
            value,
            ICalendarParameterValue::Cutype(
                ICalendarUserTypes::Room | ICalendarUserTypes::Resource | ICalendarUserTypes::Group
            ) | ICalendarParameterValue::Role(ICalendarParticipationRole::NonParticipant)
        )
    };
    let mut kinds =
        entry.parameters(&ICalendarParameterName::Cutype).chain(entry.parameters(&ICalendarParameterName::Role));
    if kinds.any(is_no_person) {
        return None;
    }
    let answer = match entry.parameter(&ICalendarParameterName::Partstat) {
        Some(ICalendarParameterValue::Partstat(
            ICalendarParticipationStatus::Declined | ICalendarParticipationStatus::Delegated,
        )) => Answer::Declined,
        Some(ICalendarParameterValue::Partstat(ICalendarParticipationStatus::NeedsAction)) => Answer::Needed,
        Some(_) | None => Answer::Open,
    };
    Some(Attendee { address: value_text(entry).trim().to_owned(), answer })
}

fn is_other(entry: &ICalendarEntry, name: &str) -> bool {
    entry.name.as_str().eq_ignore_ascii_case(name)
}

fn value_text(entry: &ICalendarEntry) -> String {
    match entry.values.first() {
        Some(ICalendarValue::Boolean(value)) => value.to_string(),
        Some(value) => value.as_text().unwrap_or_default().to_owned(),
        None => String::new(),
    }
}

/// The text of a property; empty if there is none.
fn text(component: &ICalendarComponent, property: &ICalendarProperty) -> String {
    component.property(property).map(|entry| value_text(entry).trim().to_owned()).unwrap_or_default()
}
