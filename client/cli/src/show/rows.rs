//! Rows of views as table cells, for people.

use super::{output::Column, people::Names};
use kith_client::v1::{Field, FieldType, Row, Value, value::Value as Kind};
use kith_core::day::Day;
use kith_json::day_text;

/// Columns of a table of rows.
pub(crate) fn columns(fields: &[Field]) -> Vec<Column> {
    let values = fields.iter().map(|field| match field.r#type() {
        FieldType::Number | FieldType::Integer | FieldType::Event => Column::number(&field.name),
        FieldType::Unspecified | FieldType::Text | FieldType::Flag | FieldType::Day | FieldType::Person => {
            Column::text(&field.name)
        }
    });
    let mut columns = vec![Column::text("key")];
    columns.extend(values);
    columns.push(Column::number("evidence"));
    columns
}

/// A row's cells, with people by name.
pub(crate) fn cells(row: &Row, names: &Names) -> Vec<String> {
    let mut cells = vec![key_text(&row.key, names)];
    cells.extend(row.values.iter().map(|value| value_text(value, names)));
    cells.push(row.evidence.to_string());
    cells[0].push_str(mark(row));
    cells
}

/// What to know about a row besides its values.
pub(crate) fn mark(row: &Row) -> &'static str {
    match (row.partial, row.pending) {
        (false, false) => "",
        (true, false) => " (partial)",
        (false, true) => " (pending)",
        (true, true) => " (partial, pending)",
    }
}

/// A key, with people by name.
pub(crate) fn key_text(key: &[String], names: &Names) -> String {
    key.iter().map(|person| names.of(person)).collect::<Vec<_>>().join(" · ")
}

/// A value for people, with numbers rounded to a readable length.
pub(crate) fn value_text(value: &Value, names: &Names) -> String {
    match &value.value {
        None => "-".to_owned(),
        Some(Kind::Number(number)) => number_text(*number),
        Some(Kind::Integer(integer)) => integer.to_string(),
        Some(Kind::Text(text)) => text.clone(),
        Some(Kind::Flag(flag)) => (if *flag { "yes" } else { "no" }).to_owned(),
        Some(Kind::Day(day)) => day_text(Day::new(*day)),
        Some(Kind::Person(person)) => names.of(person).to_owned(),
        Some(Kind::Event(position)) => position.to_string(),
    }
}

/// A number for people.
pub(crate) fn number_text(number: f64) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(kind: Kind) -> Value {
        Value { value: Some(kind) }
    }

    fn fields() -> Vec<Field> {
        let field =
            |name: &str, kind: FieldType| Field { name: name.into(), r#type: kind.into(), about: String::new() };
        vec![
            field("score", FieldType::Number),
            field("last_contact", FieldType::Day),
            field("next", FieldType::Person),
            field("none", FieldType::Integer),
        ]
    }

    fn row() -> Row {
        let day = 20_456;
        Row {
            key: vec!["amina".into(), "ben".into()],
            item: 0,
            values: vec![
                value(Kind::Number(61.2)),
                value(Kind::Day(day)),
                value(Kind::Person("ben".into())),
                Value { value: None },
            ],
            evidence: 12,
            position: 40,
            partial: false,
            pending: false,
        }
    }

    #[test]
    fn rows_that_are_not_whole_are_marked() {
        let marked = Row { partial: true, pending: true, ..row() };
        assert_eq!(cells(&marked, &Names::default())[0], "amina · ben (partial, pending)");
    }

    #[test]
    fn tables_have_a_cell_for_each_column() {
        assert_eq!(columns(&fields()).len(), cells(&row(), &Names::default()).len());
        assert_eq!(cells(&row(), &Names::default())[0], "amina · ben");
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [(61.2, "61.2"), (7.0, "7"), (0.123_456, "0.123"), (-0.0001, "0"), (1000.0, "1000")] {
            assert_eq!(number_text(number), text);
        }
    }
}
