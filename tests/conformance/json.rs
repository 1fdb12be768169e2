//! Compares JSON as its readers do: numbers by value, and empty texts of facts like those that are left out.

use serde_json::{Number, Value};

/// Whole numbers up to 2^53 are exact in every reader of JSON.
const LARGEST_EXACT: u64 = 1 << 53;

/// A command with more fields.
pub(crate) fn with(mut command: Value, options: Value) -> Value {
    let (Value::Object(fields), Value::Object(more)) = (&mut command, options) else {
        panic!("commands and options have names")
    };
    fields.extend(more);
    command
}

/// The first difference, by its path; `None` if there is none.
pub(crate) fn difference(found: &Value, expected: &Value) -> Option<String> {
    at("", found, expected)
}

fn at(path: &str, found: &Value, expected: &Value) -> Option<String> {
    let differs = || Some(format!("{path} is {found}, and must be {expected}"));
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let names = found.keys().chain(expected.keys());
            names.into_iter().find_map(|name| {
                let [found, expected] = [found, expected].map(|fields| fields.get(name).unwrap_or(&Value::Null));
                at(&format!("{path}.{name}"), found, expected)
            })
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let pairs = found.iter().zip(expected).enumerate();
            pairs.into_iter().find_map(|(index, (found, expected))| at(&format!("{path}[{index}]"), found, expected))
        }
        (Value::Number(one), Value::Number(other)) => {
            if one == other || is_close(one, other) {
                None
            } else {
                differs()
            }
        }
        (Value::String(text), Value::Number(number)) if is_large(number) && *text == number.to_string() => None,
        _ if found == expected || (is_nothing(found) && is_nothing(expected)) => None,
        _ => differs(),
    }
}

/// Whether numbers of which one is a fraction are the same: reading them here may be off by the last bit.
fn is_close(one: &Number, other: &Number) -> bool {
    let (Some(first), Some(second)) = (one.as_f64(), other.as_f64()) else { return false };
    let is_fraction = one.is_f64() || other.is_f64();
    is_fraction && (first - second).abs() <= 2.0 * f64::EPSILON * first.abs().max(second.abs())
}

/// Whether a whole number is beyond 2^53, from where on it may also be written as text.
fn is_large(number: &Number) -> bool {
    number.as_u64().is_some_and(|number| number > LARGEST_EXACT)
        || number.as_i64().is_some_and(|number| number.unsigned_abs() > LARGEST_EXACT)
}

/// No language tells an empty text of a fact from none.
fn is_nothing(value: &Value) -> bool {
    value.is_null() || value == ""
}
