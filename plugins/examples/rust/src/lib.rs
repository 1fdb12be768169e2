//! The view `contacts`: one row per pair of people, with how often and when last they were in contact.
//!
//! A contact is an event of the two; one that says it was shorter than the settings require does not count.

use kith_plugin_sdk::{
    Day, Event, Extra, Fault, Field, FieldType, Key, KeyBy, Malformed, Manifest, Packer, Route, Row, StateBytes,
    Unpacker, Value, View,
};

/// Minutes of a day: an attribute above this is not the length of a contact.
const MINUTES_MAX: i64 = 1440;

/// The view, configured.
#[derive(Debug)]
pub struct Contacts {
    minutes_min: i64,
}

/// The settings, as `settings.schema.json` describes them.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    minutes_min: u16,
}

/// The state of a pair.
#[derive(Debug)]
pub struct Tie {
    days: u64,
    first: Day,
    last: Day,
    minutes: Option<u64>,
}

kith_plugin_sdk::export!(Contacts);

impl View for Contacts {
    type Settings = Settings;
    type State = Tie;

    const MANIFEST: Manifest = Manifest {
        name: "contacts",
        version: "1.0.0",
        state_version: 1,
        routes: &[by_pair("met"), by_pair("followed_up"), by_pair("helped"), by_pair("referred")],
        fields: &[
            column("days", FieldType::Integer, "days in contact"),
            column("last", FieldType::Day, "the latest day in contact"),
            column("silent", FieldType::Integer, "days since then"),
            column("per_month", FieldType::Number, "days in contact per 30 days since the first"),
            column("minutes", FieldType::Integer, "minutes together, where the attribute `minutes` says how long"),
        ],
        settings: include_str!("../settings.schema.json"),
    };

    fn configure(settings: Settings) -> Result<Self, String> {
        let minutes_min = i64::from(settings.minutes_min);
        if minutes_min > MINUTES_MAX {
            return Err(format!("`minutes_min` is more than {MINUTES_MAX}"));
        }
        Ok(Self { minutes_min })
    }

    fn fold(&self, _: Key, state: Option<Tie>, events: &[Event<'_>]) -> Result<Option<Tie>, Fault> {
        let mut tie = state;
        for event in events {
            let minutes = match event.attribute("minutes") {
                Some(Extra::Integer(minutes)) => Some(minutes),
                Some(Extra::Number(_) | Extra::Flag(_) | Extra::Text(_)) | None => None,
            };
            if minutes.is_none_or(|minutes| (self.minutes_min..=MINUTES_MAX).contains(&minutes)) {
                tie = Some(Tie::after(tie, event.day(), minutes.map(i64::cast_unsigned)));
            }
        }
        Ok(tie)
    }

    fn rows(&self, _: Key, tie: &Tie, as_of: Day) -> Result<Vec<Row>, Fault> {
        let months = as_of.since(tie.first).max(0) + 1;
        Ok(vec![Row::of(vec![
            Value::Integer(tie.days.cast_signed()),
            Value::Day(tie.last),
            Value::Integer(as_of.since(tie.last).max(0)),
            Value::Number(per_month(tie.days, months)),
            tie.minutes.map_or(Value::None, |minutes| Value::Integer(minutes.cast_signed())),
        ])])
    }
}

impl Tie {
    fn after(before: Option<Self>, day: Day, minutes: Option<u64>) -> Self {
        let mut tie = match before {
            None => Self { days: 1, first: day, last: day, minutes: None },
            Some(tie) if tie.last == day => tie,
            Some(tie) => Self { days: tie.days + 1, last: day, ..tie },
        };
        if let Some(minutes) = minutes {
            tie.minutes = Some(tie.minutes.unwrap_or(0) + minutes);
        }
        tie
    }
}

#[allow(clippy::cast_precision_loss, reason = "days are far below 2^53")]
fn per_month(days: u64, since_first: i64) -> f64 {
    (days * 30) as f64 / since_first as f64
}

/// Days, first and last day, and the minutes plus 1, or 0 for none.
impl StateBytes for Tie {
    fn pack(&self, out: &mut Packer) {
        out.put_varint(self.days);
        out.put_signed(i64::from(self.first.0));
        out.put_signed(i64::from(self.last.0));
        out.put_varint(self.minutes.map_or(0, |minutes| minutes + 1));
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            days: from.take_varint()?,
            first: take_day(from)?,
            last: take_day(from)?,
            minutes: from.take_varint()?.checked_sub(1),
        })
    }
}

fn take_day(from: &mut Unpacker<'_>) -> Result<Day, Malformed> {
    i32::try_from(from.take_signed()?).map(Day).map_err(|_| Malformed)
}

const fn by_pair(kind: &'static str) -> Route {
    Route { kind, key_by: KeyBy::Pair }
}

const fn column(name: &'static str, of: FieldType, about: &'static str) -> Field {
    Field { name, of, about }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_plugin_sdk::{batch, testing::Harness};
    use std::collections::BTreeSet;

    fn values(settings: &str, days_and_minutes: &[(i32, Option<i64>)], as_of: i32) -> Option<Vec<Value>> {
        let harness = Harness::<Contacts>::new(settings).expect("the settings are good");
        let said: Vec<Vec<u8>> = days_and_minutes
            .iter()
            .map(|(_, minutes)| match minutes {
                Some(minutes) => batch::encode_extras(&[("minutes", Extra::Integer(*minutes))]),
                None => Vec::new(),
            })
            .collect();
        let events: Vec<Event<'_>> = (1..)
            .zip(days_and_minutes.iter().zip(&said))
            .map(|(position, ((day, _), said))| {
                let extras = kith_plugin_sdk::Extras::parse(said).expect("they were packed here");
                Event { extras, ..harness.event("met", position, Day(*day)) }
            })
            .collect();
        let key = Key::pair(1, 2);
        let state = harness.fold(key, &[], &events).unwrap();
        let pieces = harness.fold_in_pieces(key, &events, &BTreeSet::from([1, 2])).unwrap();
        assert_eq!(state, pieces, "batches must not matter");
        harness.rows(key, &state, Day(as_of)).unwrap().pop().map(|row| row.values)
    }

    #[test]
    fn a_day_counts_once() {
        let row = values("{}", &[(10, None), (10, None), (19, None)], 29).expect("a row");
        let expected = [Value::Integer(2), Value::Day(Day(19)), Value::Integer(10), Value::Number(3.0), Value::None];
        assert_eq!(row, expected);
    }

    #[test]
    fn a_short_contact_counts_only_if_it_may() {
        let events = [(10, Some(5)), (11, Some(40)), (12, None)];
        let row = values(r#"{"minutes_min":0}"#, &events, 12).expect("a row");
        assert_eq!((&row[0], &row[4]), (&Value::Integer(3), &Value::Integer(45)));
        let row = values(r#"{"minutes_min":30}"#, &events, 12).expect("a row");
        assert_eq!((&row[0], &row[4]), (&Value::Integer(2), &Value::Integer(40)));
        assert_eq!(values(r#"{"minutes_min":30}"#, &events[..1], 12), None);
    }

    #[test]
    fn a_length_that_no_day_has_is_refused() {
        assert!(Harness::<Contacts>::new(r#"{"minutes_min":1441}"#).is_err());
    }
}
