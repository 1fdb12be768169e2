//! Converts types between the generated bindings and [`Report`]; no logic.

use crate::{
    Day, Field, FieldType, Input, InputNeeded, KeyBy, Least, Manifest, Output, Person, Position, Report, Row, Value,
    bindings::exports::kith::report::report as wit, configure,
};
use kith_plugin_words::last_words;

/// Where a component keeps its report between calls.
pub trait Hosted {
    /// The report.
    type Report: Report;

    /// Calls with the stored report; `None` until it is configured.
    fn with<R>(call: impl FnOnce(&mut Option<Self::Report>) -> R) -> R;
}

impl<H: Hosted> wit::Guest for H {
    fn describe() -> wit::Manifest {
        let Manifest { name, version, key_by, inputs, fields, settings } = H::Report::MANIFEST;
        wit::Manifest {
            name: name.into(),
            version: version.into(),
            key_by: match key_by {
                KeyBy::OrganisationPair => wit::KeyBy::OrganisationPair,
                KeyBy::Organisation => wit::KeyBy::Organisation,
                KeyBy::Pair => wit::KeyBy::Pair,
                KeyBy::Person => wit::KeyBy::Person,
            },
            inputs: inputs.iter().map(input).collect(),
            fields: fields.iter().map(field).collect(),
            settings: settings.into(),
        }
    }

    fn configure(settings: String) -> Result<(), String> {
        last_words::keep();
        let report = configure(&settings)?;
        H::with(|place| *place = Some(report));
        Ok(())
    }

    fn compute(as_of: i32, input: Vec<u8>) -> Result<wit::Output, wit::Fault> {
        let fault = |message: String| wit::Fault { message };
        let input = Input::parse(input).map_err(|_| fault("the packed input is malformed".into()))?;
        let computed = H::with(|place| match place {
            Some(report) => report.compute(Day(as_of), &input),
            None => Err("the report is not configured".into()),
        });
        let Output { rows, remarks } = computed.map_err(fault)?;
        Ok(wit::Output { rows: rows.into_iter().map(row).collect(), remarks })
    }
}

fn input(input: &InputNeeded) -> wit::Input {
    let at_least = input.at_least.map(|Least { field, value }| wit::Least { field: field.into(), value });
    wit::Input { view: input.view.into(), fields: input.fields.iter().map(|&name| name.into()).collect(), at_least }
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

fn row(row: Row) -> wit::Row {
    wit::Row { a: row.a, b: row.b, values: row.values.into_iter().map(value).collect(), evidence: row.evidence }
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
