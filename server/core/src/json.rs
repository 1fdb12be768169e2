//! JSON as it was written, including repeated fields, of which most parsers keep only the last.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

/// A JSON value as it was written, repeated fields included.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(serde_json::Number),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object, its fields in order.
    Object(Vec<(String, Json)>),
}

/// The error for a field that occurs twice in an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` is there twice")]
pub struct RepeatedField {
    /// Where it is, such as `limits.days` or `lists[2].name`.
    pub field: String,
}

impl Json {
    /// The value with its fields in the order they were written, if none occurs twice.
    pub fn into_value(self) -> Result<Value, RepeatedField> {
        self.value_at("")
    }

    fn value_at(self, path: &str) -> Result<Value, RepeatedField> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => Value::Bool(flag),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text),
            Self::List(items) => {
                let items = items.into_iter().enumerate();
                items.map(|(index, item)| item.value_at(&format!("{path}[{index}]"))).collect::<Result<_, _>>()?
            }
            Self::Object(fields) => {
                let mut object = serde_json::Map::new();
                for (name, value) in fields {
                    let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let value = value.value_at(&field)?;
                    if object.insert(name, value).is_some() {
                        return Err(RepeatedField { field });
                    }
                }
                Value::Object(object)
            }
        })
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let json: Json = serde_json::from_str(text).unwrap();
        let found = json.into_value().map(|value| value.to_string()).map_err(|repeated| repeated.field);
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
    }

    #[test]
    fn values_are_read_as_they_are() {
        for text in ["null", "true", "-7", "1.5", "18446744073709551615", "\"x\"", "[1,[],{}]", r#"{"a":{"b":[null]}}"#]
        {
            check(text, Ok(text));
        }
        check(r#"{"a":1,"b":{"a":2}}"#, Ok(r#"{"a":1,"b":{"a":2}}"#));
    }

    #[test]
    fn a_field_that_is_there_twice_is_named_with_its_path() {
        check(r#"{"a":1,"a":1}"#, Err("a"));
        check(r#"{"a":1,"b":{"c":2,"c":null}}"#, Err("b.c"));
        check(r#"[0,{"a":[{"b":1,"b":2}]}]"#, Err("[1].a[0].b"));
        check("{\"a\":1,\"\\u0061\":2}", Err("a"));
    }
}
