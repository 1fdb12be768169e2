//! Rows of views and reports, by the names of their fields.

use crate::time::day_text;
use kith_core::day::Day;
use kith_proto::v1::{Field, RemovedRow, Row, Value as RowValue, value::Value as Kind};
use serde_json::{Map, Value};

/// A row: its key, its item if it has one, each field by name, the number of entries behind it, and the flags that are
/// set.
///
/// `{"key": ["amina", "ben"], "item", FIELD: value, ..., "evidence", "partial": true, "pending": true}`. Days are
/// `YYYY-MM-DD`, people ids, events positions; a field without a value is `null`.
pub fn row_json(fields: &[Field], row: &Row) -> Map<String, Value> {
    let mut object = key_json(&row.key, row.item);
    for (field, value) in fields.iter().zip(&row.values) {
        object.insert(field.name.clone(), value_json(value));
    }
    object.insert("evidence".into(), row.evidence.into());
    for (mark, is_set) in [("partial", row.partial), ("pending", row.pending)] {
        if is_set {
            object.insert(mark.into(), true.into());
        }
    }
    object
}

/// A removed row: `{"key", "item", "removed": true}`.
pub fn removed_row_json(removed: &RemovedRow) -> Map<String, Value> {
    let mut object = key_json(&removed.key, removed.item);
    object.insert("removed".into(), true.into());
    object
}

fn key_json(key: &[String], item: u64) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("key".into(), key.iter().cloned().collect());
    if item != 0 {
        object.insert("item".into(), item.into());
    }
    object
}

/// A value of a row: `null` if there is none, days as `YYYY-MM-DD`, people by id, events by position.
pub fn value_json(value: &RowValue) -> Value {
    match &value.value {
        None => Value::Null,
        Some(Kind::Number(number)) => Value::from(*number),
        Some(Kind::Integer(integer)) => Value::from(*integer),
        Some(Kind::Text(text)) => Value::from(text.as_str()),
        Some(Kind::Flag(flag)) => Value::from(*flag),
        Some(Kind::Day(day)) => Value::from(day_text(Day::new(*day))),
        Some(Kind::Person(person)) => Value::from(person.as_str()),
        Some(Kind::Event(position)) => Value::from(*position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_proto::v1::FieldType;

    fn value(kind: Kind) -> RowValue {
        RowValue { value: Some(kind) }
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
        Row {
            key: vec!["amina".into(), "ben".into()],
            item: 0,
            values: vec![
                value(Kind::Number(61.2)),
                value(Kind::Day(20_456)),
                value(Kind::Person("ben".into())),
                RowValue { value: None },
            ],
            evidence: 12,
            position: 40,
            partial: false,
            pending: false,
        }
    }

    #[test]
    fn rows_as_documented() {
        let shown = Value::Object(row_json(&fields(), &row())).to_string();
        let expected = "{\"key\":[\"amina\",\"ben\"],\"score\":61.2,\"last_contact\":\"2026-01-03\",\"next\":\"ben\",\
                        \"none\":null,\"evidence\":12}";
        assert_eq!(shown, expected);
        let with_item = row_json(&fields(), &Row { item: 7, ..row() });
        assert_eq!(with_item["item"], 7);
        let marked = Row { partial: true, pending: true, ..row() };
        assert_eq!(row_json(&fields(), &marked)["partial"], true);
        assert_eq!(row_json(&fields(), &marked)["pending"], true);
    }

    #[test]
    fn rows_that_are_gone_say_which() {
        let removed = RemovedRow { key: vec!["amina".into()], item: 3 };
        let shown = Value::Object(removed_row_json(&removed)).to_string();
        assert_eq!(shown, r#"{"key":["amina"],"item":3,"removed":true}"#);
    }
}
