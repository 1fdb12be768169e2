//! Reads settings from JSON without code that formats numbers: serde's own errors format the values
//! that they found, and that alone is half of a small component.
//!
//! Invariant: accepts and refuses what `serde_json` does, with different messages, which name the setting.

use std::{fmt, vec};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

/// Reads settings, or returns what is wrong with them.
pub fn parse<S: DeserializeOwned>(json: &str) -> Result<S, String> {
    let tree: Json = serde_json::from_str(json).map_err(|error| error.to_string())?;
    S::deserialize(tree).map_err(|refusal| refusal.to_string())
}

/// A JSON document. Members are kept in order with repetitions, so that a duplicate is detected.
enum Json {
    Null,
    Flag(bool),
    Unsigned(u64),
    Signed(i64),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Signed(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = from.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = from.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }
}

impl<'de> Deserializer<'de> for Json {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Flag(flag) => visitor.visit_bool(flag),
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Signed(number) => visitor.visit_i64(number),
            Self::Number(number) => visitor.visit_f64(number),
            Self::Text(text) => visitor.visit_string(text),
            Self::List(list) => visit_list(list, visitor),
            Self::Object(members) => visit_object(members, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Self::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    /// A string for a variant without data, or an object of the variant's name and its data.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self {
            Self::Text(name) => visitor.visit_enum(name.into_deserializer()),
            Self::Object(members) if members.len() == 1 => {
                let access = MapDeserializer::new(members.into_iter());
                visitor.visit_enum(serde::de::value::MapAccessDeserializer::new(access))
            }
            _ => Err(Refusal::custom("a variant is a name, or an object with one member")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn visit_list<'de, V: Visitor<'de>>(list: Vec<Json>, visitor: V) -> Result<V::Value, Refusal> {
    let mut access = SeqDeserializer::new(list.into_iter());
    let value = visitor.visit_seq(&mut access)?;
    access.end().map(|()| value)
}

fn visit_object<'de, V: Visitor<'de>>(members: Vec<(String, Json)>, visitor: V) -> Result<V::Value, Refusal> {
    let mut members = Members { left: members.into_iter(), now: None };
    let value = visitor.visit_map(&mut members)?;
    if members.left.next().is_some() {
        return Err(Refusal::custom("an object has more members than expected"));
    }
    Ok(value)
}

/// The members of an object that are still to be read.
struct Members {
    left: vec::IntoIter<(String, Json)>,
    /// The one whose name was read.
    now: Option<(String, Json)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        self.now = self.left.next();
        let Some((name, _)) = &self.now else { return Ok(None) };
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        let Some((name, value)) = self.now.take() else { return Err(Refusal::custom("a value without a name")) };
        seed.deserialize(value).map_err(|refusal| refusal.within(&name))
    }
}

impl IntoDeserializer<'_, Refusal> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Why settings are refused, for people.
#[derive(Debug)]
struct Refusal {
    /// The names of the members that it is about, outermost first, with dots between them; empty: the whole.
    setting: String,
    reason: String,
}

impl Refusal {
    fn new(reason: String) -> Self {
        Self { setting: String::new(), reason }
    }

    fn within(mut self, name: &str) -> Self {
        if !self.setting.is_empty() {
            self.setting.insert(0, '.');
        }
        self.setting.insert_str(0, name);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.setting.is_empty() {
            f.write_str("`")?;
            f.write_str(&self.setting)?;
            f.write_str("`: ")?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(reason.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("found {}, expected {expected}", noun(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("found {} out of range, expected {expected}", noun(found)))
    }
}

fn noun(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        count: u8,
        ratio: f64,
        label: Option<String>,
        days: Vec<i32>,
        by_kind: BTreeMap<String, f64>,
        mode: Mode,
        wrapped: Wrapped,
        on: bool,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        Plain,
        Scaled(f64),
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(i64);

    impl Default for Settings {
        fn default() -> Self {
            Self {
                count: 3,
                ratio: 0.5,
                label: None,
                days: Vec::new(),
                by_kind: BTreeMap::new(),
                mode: Mode::Plain,
                wrapped: Wrapped(-1),
                on: true,
            }
        }
    }

    #[test]
    fn accepts_and_refuses_what_serde_json_does() {
        let cases = [
            "{}",
            "[]",
            "null",
            "",
            "{",
            "{} {}",
            r#"{"count":255,"ratio":2,"label":"a\u00e9","days":[1,-2],"on":false}"#,
            r#"{"by_kind":{"met":1,"helped":1.5e0},"wrapped":7,"label":null}"#,
            r#"{"mode":"plain"}"#,
            r#"{"mode":{"scaled":2.5}}"#,
            r#"{"mode":{"scaled":2.5,"plain":null}}"#,
            r#"{"mode":"scaled"}"#,
            r#"{"mode":"other"}"#,
            r#"{"mode":3}"#,
            r#"{"count":256}"#,
            r#"{"count":-1}"#,
            r#"{"count":1.5}"#,
            r#"{"count":"1"}"#,
            r#"{"count":1,"count":2}"#,
            r#"{"days":[1.0]}"#,
            r#"{"days":{}}"#,
            r#"{"on":0}"#,
            r#"{"unknown":1}"#,
        ];
        for json in cases {
            assert_eq!(parse::<Settings>(json).ok(), serde_json::from_str(json).ok(), "{json}");
        }
    }

    #[test]
    fn the_setting_that_is_wrong_is_named() {
        let reason = |json| parse::<Settings>(json).unwrap_err();
        assert_eq!(reason(r#"{"count":"x"}"#), "`count`: found text, expected u8");
        assert_eq!(reason(r#"{"count":900}"#), "`count`: found a whole number out of range, expected u8");
        assert_eq!(reason(r#"{"by_kind":{"met":[]}}"#), "`by_kind.met`: found a list, expected f64");
        assert!(reason(r#"{"half_life":1}"#).starts_with("unknown field `half_life`"));
        assert!(reason("{\"count\":\n}").contains("line 2"));
    }
}
