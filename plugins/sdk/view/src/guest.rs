//! Converts types between the generated bindings and [`calls`](crate::calls); no logic.

use crate::bindings::exports::kith::view::view as wit;
use crate::calls::{self, SlotFault, SlotRow, StateSlot};
use crate::event::Key;
use crate::manifest::{KeyBy, Route};
use crate::{Manifest, View};
use kith_plugin_words::{Day, Field, FieldType, Person, Position, Value, last_words};

/// Where a component keeps its view between calls.
pub trait Hosted {
    /// The view.
    type View: View;

    /// Calls with the stored view; `None` until it is configured.
    fn with<R>(call: impl FnOnce(&mut Option<Self::View>) -> R) -> R;
}

impl<H: Hosted> wit::Guest for H {
    fn describe() -> wit::Manifest {
        let Manifest { name, version, state_version, routes, fields, settings } = H::View::MANIFEST;
        wit::Manifest {
            name: name.into(),
            version: version.into(),
            state_version,
            routes: routes.iter().map(route).collect(),
            fields: fields.iter().map(field).collect(),
            settings: settings.into(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        last_words::keep();
        let view = calls::configure(&settings)?;
        H::with(|place| *place = Some(view));
        Ok(())
    }

    fn fold(batch: Vec<u8>) -> Result<Vec<u8>, wit::Fault> {
        with_view::<H, _>(|view| calls::fold_batch(view, &batch))
    }

    fn read(as_of: i32, slots: Vec<wit::Slot>, states: Vec<u8>) -> Result<Vec<wit::Row>, wit::Fault> {
        let slots = slots
            .iter()
            .map(|slot| StateSlot { key: Key { a: Person(slot.a), b: Person(slot.b) }, state_bytes: slot.state });
        let rows = with_view::<H, _>(|view| calls::read_rows(view, Day(as_of), slots, &states))?;
        Ok(rows.into_iter().map(row).collect())
    }
}

fn with_view<H: Hosted, R>(call: impl FnOnce(&H::View) -> Result<R, SlotFault>) -> Result<R, wit::Fault> {
    H::with(|place| match place {
        Some(view) => call(view),
        None => Err(SlotFault { slot: None, event: None, message: "the view is not configured".into() }),
    })
    .map_err(fault)
}

fn fault(fault: SlotFault) -> wit::Fault {
    wit::Fault {
        slot: fault.slot.unwrap_or(u32::MAX),
        event: fault.event.map(|Position(position)| position),
        message: fault.message,
    }
}

fn route(route: &Route) -> wit::Route {
    let key_by = match route.key_by {
        KeyBy::Pair => wit::KeyBy::Pair,
        KeyBy::DirectedPair => wit::KeyBy::DirectedPair,
        KeyBy::IntroducedPair => wit::KeyBy::IntroducedPair,
        KeyBy::Actor => wit::KeyBy::Actor,
        KeyBy::Subject => wit::KeyBy::Subject,
        KeyBy::EachPerson => wit::KeyBy::EachPerson,
    };
    wit::Route { kind: route.kind.into(), key_by }
}

fn field(field: &Field) -> wit::Field {
    let of = match field.of {
        FieldType::Number => wit::FieldType::Number,
        FieldType::Integer => wit::FieldType::Integer,
        FieldType::Text => wit::FieldType::Text,
        FieldType::Flag => wit::FieldType::Flag,
        FieldType::Day => wit::FieldType::Day,
        FieldType::Person => wit::FieldType::Person,
        FieldType::Event => wit::FieldType::Event,
    };
    wit::Field { name: field.name.into(), of, about: field.about.into() }
}

fn row(SlotRow { slot, row }: SlotRow) -> wit::Row {
    wit::Row {
        slot,
        item: row.item.map(|Position(position)| position),
        values: row.values.into_iter().map(value).collect(),
        evidence: row.evidence.into_iter().map(|Position(position)| position).collect(),
    }
}

fn value(value: Value) -> wit::Value {
    match value {
        Value::None => wit::Value::None,
        Value::Number(number) => wit::Value::Number(number),
        Value::Integer(integer) => wit::Value::Integer(integer),
        Value::Text(text) => wit::Value::Text(text.into_owned()),
        Value::Flag(flag) => wit::Value::Flag(flag),
        Value::Day(Day(day)) => wit::Value::Day(day),
        Value::Person(Person(person)) => wit::Value::Person(person),
        Value::Event(Position(position)) => wit::Value::Event(position),
    }
}
