//! Settings of plugins: one JSON object, as canonical text.
//!
//! Invariant: equal settings have equal text, and no field occurs twice.

use crate::{
    json::{Json, RepeatedField},
    limits::SETTINGS_BYTES_MAX,
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// A plugin's settings in canonical text: no spaces, the fields of every object in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSettings(String);

/// Why a text is not a plugin's settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsInvalid {
    /// It is not JSON.
    #[error("no JSON object: {0}")]
    NotJson(#[from] serde_json::Error),
    /// It is JSON but not an object.
    #[error("no JSON object")]
    NotObject,
    /// A field occurs twice, so one value would be lost.
    #[error(transparent)]
    Repeated(#[from] RepeatedField),
    /// It is too long.
    #[error("the settings have {found} bytes; {SETTINGS_BYTES_MAX} are allowed")]
    TooLong {
        /// Bytes of the canonical text.
        found: usize,
    },
}

impl PluginSettings {
    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

impl fmt::Display for PluginSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<PluginSettings> for String {
    fn from(settings: PluginSettings) -> Self {
        settings.0
    }
}

impl FromStr for PluginSettings {
    type Err = SettingsInvalid;

    /// Reads JSON text; blank text means no settings.
    fn from_str(text: &str) -> Result<Self, SettingsInvalid> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let settings = serde_json::from_str::<Json>(text)?.into_value()?;
        if !settings.is_object() {
            return Err(SettingsInvalid::NotObject);
        }
        let settings = sorted(settings).to_string();
        if settings.len() > SETTINGS_BYTES_MAX {
            return Err(SettingsInvalid::TooLong { found: settings.len() });
        }
        Ok(Self(settings))
    }
}

/// A value with the fields of every object in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<PluginSettings>(), expected) {
            (Ok(settings), Ok(expected)) => assert_eq!(settings.as_str(), expected, "{text}"),
            (Err(invalid), Err(part)) => assert!(invalid.to_string().contains(part), "{text}: {invalid}"),
            (found, expected) => panic!("{text}: {found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn equal_settings_are_equal_text() {
        check("", Ok("{}"));
        check(" {\"b\": 1, \"a\": [2]}", Ok(r#"{"a":[2],"b":1}"#));
        check(r#"{"z":{"y":1.50,"x":[{"b":null,"a":true}]}}"#, Ok(r#"{"z":{"x":[{"a":true,"b":null}],"y":1.5}}"#));
    }

    #[test]
    fn settings_that_say_something_twice_are_refused() {
        check(r#"{"days":1,"days":2}"#, Err("`days` is there twice"));
        check(r#"{"a":{"days":1,"days":1}}"#, Err("`a.days` is there twice"));
    }

    #[test]
    fn what_is_no_object_or_too_long_is_refused() {
        for text in ["[1]", "7", "null"] {
            check(text, Err("no JSON object"));
        }
        check("{", Err("no JSON object: "));
        check(&format!(r#"{{"a":"{}"}}"#, "x".repeat(SETTINGS_BYTES_MAX)), Err("are allowed"));
    }
}
