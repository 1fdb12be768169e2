//! JSON read strictly: every error names its field; unknown and repeated fields are errors, and so are wrong types.
//!
//! Names of fields may be written in `snake_case` or `lowerCamelCase`; errors name them in `snake_case`.

use kith_core::{
    invalid::{Invalid, Problem},
    json::Json,
};

/// A JSON value and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    path: String,
    json: Json,
}

/// The fields of an object that have not been taken yet.
#[derive(Debug)]
pub struct Object {
    path: String,
    fields: Vec<(String, Option<Json>)>,
}

impl Value {
    /// Reads text as one JSON value, called `path` in errors.
    pub fn parse(text: &[u8], path: &str) -> Result<Self, NotJson> {
        let json = serde_json::from_slice(text).map_err(NotJson)?;
        Ok(Self { path: path.to_owned(), json })
    }

    fn must_be(&self, rule: &'static str) -> Invalid {
        let field = if self.path.is_empty() { "record" } else { &self.path };
        Invalid::new(field, Problem::MustBe(rule))
    }

    /// Where it was found.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its fields. Repeated fields are refused, in either spelling.
    pub fn object(self) -> Result<Object, Invalid> {
        let Json::Object(fields) = self.json else { return Err(self.must_be("an object")) };
        let mut object = Object { path: self.path, fields: Vec::with_capacity(fields.len()) };
        for (name, json) in fields {
            let name = snake_case(&name);
            if object.fields.iter().any(|(known, _)| *known == name) {
                return Err(Invalid::new(object.path_of(&name), Problem::MustBe("given only once")));
            }
            object.fields.push((name, Some(json)));
        }
        Ok(object)
    }

    /// Its items.
    pub fn list(self) -> Result<Vec<Value>, Invalid> {
        let Json::List(items) = self.json else { return Err(self.must_be("a list")) };
        let item = |(index, json)| Value { path: format!("{}[{index}]", self.path), json };
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    /// Its text.
    pub fn text(self) -> Result<String, Invalid> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.must_be("text")),
        }
    }

    /// A whole number of 64 bits, as a number or, as proto3 JSON writes it, as text.
    pub fn integer(self) -> Result<i64, Invalid> {
        let integer = match &self.json {
            Json::Number(number) => number.as_i64(),
            Json::Text(text) => text.parse().ok(),
            Json::Null | Json::Flag(_) | Json::List(_) | Json::Object(_) => None,
        };
        integer.ok_or_else(|| self.must_be("a whole number of 64 bits"))
    }

    /// A finite number.
    pub fn number(self) -> Result<f64, Invalid> {
        let number = match &self.json {
            Json::Number(number) => number.as_f64().filter(|number| number.is_finite()),
            Json::Null | Json::Flag(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
        };
        number.ok_or_else(|| self.must_be("a finite number"))
    }

    /// True or false.
    pub fn flag(self) -> Result<bool, Invalid> {
        match self.json {
            Json::Flag(flag) => Ok(flag),
            _ => Err(self.must_be("true or false")),
        }
    }
}

impl Object {
    /// The path of a field.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a field; `None` if it is missing or `null`, as in proto3 JSON.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let path = self.path_of(name);
        let (_, json) = self.fields.iter_mut().find(|(known, _)| known == name)?;
        let json = json.take().filter(|json| *json != Json::Null)?;
        Some(Value { path, json })
    }

    /// Takes a required field.
    pub fn need(&mut self, name: &str) -> Result<Value, Invalid> {
        self.take(name).ok_or_else(|| Invalid::new(self.path_of(name), Problem::Missing))
    }

    /// Takes the text of a field; empty if it is missing.
    pub fn text_or_empty(&mut self, name: &str) -> Result<String, Invalid> {
        self.take(name).map_or(Ok(String::new()), Value::text)
    }

    /// Takes the items of a field; none if it is missing.
    pub fn list_or_empty(&mut self, name: &str) -> Result<Vec<Value>, Invalid> {
        self.take(name).map_or(Ok(Vec::new()), Value::list)
    }

    /// Refuses fields that were not taken.
    pub fn finish(self) -> Result<(), Invalid> {
        match self.fields.iter().find(|(_, json)| json.is_some()) {
            Some((name, _)) => {
                Err(Invalid::new(self.path_of(name), Problem::MustBe("left out: there is no such field")))
            }
            None => Ok(()),
        }
    }
}

/// A field's name as `kith.v1` writes it.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The error for text that is not a JSON value.
#[derive(Debug, thiserror::Error)]
#[error("not a JSON value: {0}")]
pub struct NotJson(serde_json::Error);

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        Value::parse(text.as_bytes(), "event").unwrap().object().unwrap()
    }

    #[test]
    fn names_are_read_in_both_ways_of_writing() {
        let mut fields = object(r#"{"occurredAt": "a", "caused_by": [], "nothing": null}"#);
        assert_eq!(fields.take("occurred_at").unwrap().text().unwrap(), "a");
        assert!(fields.take("caused_by").unwrap().list().unwrap().is_empty());
        assert_eq!(fields.take("nothing"), None);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn repeated_and_unknown_fields_are_named() {
        let repeated = |text: &str| Value::parse(text.as_bytes(), "event").unwrap().object().unwrap_err().field;
        assert_eq!(repeated(r#"{"id": 1, "id": 2}"#), "event.id");
        assert_eq!(repeated(r#"{"occurredAt": 1, "occurred_at": 2}"#), "event.occurred_at");
        assert_eq!(repeated(r#"{"x": null, "x": null}"#), "event.x");
        assert_eq!(object(r#"{"colour": 1}"#).finish().unwrap_err().field, "event.colour");
        assert_eq!(object("{}").need("met").unwrap_err(), Invalid::new("event.met", Problem::Missing));
    }

    #[test]
    fn types_are_strict() {
        let check = |text: &str, read: fn(Value) -> Option<Invalid>, fits: bool| {
            assert_eq!(read(Value::parse(text.as_bytes(), "x").unwrap()).is_none(), fits, "{text}");
        };
        let integer = |value: Value| value.integer().err();
        let number = |value: Value| value.number().err();
        check("7", integer, true);
        check("\"-9223372036854775808\"", integer, true);
        check("9223372036854775808", integer, false);
        check("1.5", integer, false);
        check("\"x\"", integer, false);
        check("1.5", number, true);
        check("\"NaN\"", number, false);
        check("\"1\"", |value| value.text().err(), true);
        check("1", |value| value.text().err(), false);
        check("\"true\"", |value| value.flag().err(), false);
        check("true", |value| value.flag().err(), true);
        check("{}", |value| value.list().err(), false);
        for text in ["NaN", "1e999", "{", "{\"a\":1}}", "\"\u{1}\"", ""] {
            assert!(Value::parse(text.as_bytes(), "x").is_err(), "{text}");
        }
    }

    #[test]
    fn items_have_their_place_in_the_path() {
        let items = Value::parse(b"[1, {\"a\": 2}]", "people").unwrap().list().unwrap();
        assert_eq!(items[1].path(), "people[1]");
        assert_eq!(items[0].clone().text().unwrap_err().field, "people[0]");
    }
}
