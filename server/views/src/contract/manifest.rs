//! What a plugin declares about itself, and the rules it must obey.
//!
//! Routes name kinds that can be folded, and share one shape of key.

use super::{Field, KeyBy, KeyShape, Route};
use crate::limits;
use kith_core::event::{HabitKind, Kind};
use std::collections::HashSet;

/// What a plugin declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The view's name in `snake_case`.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// Version of the plugin's states.
    pub state_version: u32,
    /// The entries that the plugin folds.
    pub routes: Vec<Route>,
    /// Its columns.
    pub fields: Vec<Field>,
    /// A JSON schema of its settings.
    pub settings_schema: String,
}

/// Why a manifest is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestInvalid {
    /// A name is empty, too long or not in `snake_case`.
    #[error("`{0}` is not a name: a name has 1 to 64 characters of a-z, 0-9 and _, a letter first")]
    Name(String),
    /// The version or a text is empty or too long.
    #[error("{0} is empty or too long")]
    Text(&'static str),
    /// There are no routes, or too many.
    #[error("there must be 1 to 64 routes")]
    Routes,
    /// There are no columns, or too many.
    #[error("there must be 1 to 64 fields")]
    Fields,
    /// Two columns have one name.
    #[error("the field `{0}` appears twice")]
    FieldTwice(String),
    /// A route's kind does not exist or is not a habit.
    #[error("`{0}` is not a kind that plugins can fold")]
    Kind(String),
    /// Two routes are equal.
    #[error("the route of `{0}` appears twice")]
    RouteTwice(String),
    /// A kind does not have the keys that its route names.
    #[error("`{0}` has no keys of the kind that its route names")]
    NoKeys(String),
    /// The keys of the routes have different shapes.
    #[error("routes have keys of different shapes: pairs, directed pairs and people cannot be mixed")]
    MixedKeys,
    /// A report has no input, or too many.
    #[error("a report has 1 to 8 inputs, not {0}")]
    Inputs(usize),
    /// A report reads rows from a value on that is no number.
    #[error("the least value of `{field}` is not a number")]
    Least {
        /// The column.
        field: String,
    },
    /// The settings schema is not a JSON object.
    #[error("the settings schema is not a JSON object")]
    SettingsSchema,
}

impl Manifest {
    /// Checks every rule.
    pub(crate) fn check(&self) -> Result<(), ManifestInvalid> {
        check_name(&self.name)?;
        check_text(&self.version, "the version", limits::NAME_BYTES_MAX)?;
        self.check_routes()?;
        check_fields(&self.fields)?;
        check_schema(&self.settings_schema)
    }

    fn check_routes(&self) -> Result<(), ManifestInvalid> {
        if self.routes.is_empty() || self.routes.len() > limits::ROUTES_MAX {
            return Err(ManifestInvalid::Routes);
        }
        let mut seen = HashSet::new();
        for route in &self.routes {
            if !seen.insert((&route.kind, route.key_by)) {
                return Err(ManifestInvalid::RouteTwice(route.kind.to_string()));
            }
            check_keys(route)?;
        }
        let shape = self.routes[0].key_by.shape();
        let is_one_shape = self.routes.iter().all(|route| route.key_by.shape() == shape);
        is_one_shape.then_some(()).ok_or(ManifestInvalid::MixedKeys)
    }

    /// The shape of the view's keys.
    pub fn key_shape(&self) -> KeyShape {
        self.routes[0].key_by.shape()
    }

    /// The column that rows are ranked and explained by: the first numeric one.
    pub fn first_numeric(&self) -> Option<usize> {
        self.fields.iter().position(|field| field.of.is_numeric())
    }
}

/// Checks columns: their number, names and descriptions.
pub(crate) fn check_fields(fields: &[Field]) -> Result<(), ManifestInvalid> {
    if fields.is_empty() || fields.len() > limits::FIELDS_MAX {
        return Err(ManifestInvalid::Fields);
    }
    let mut seen = HashSet::new();
    for field in fields {
        check_name(&field.name)?;
        check_text(&field.about, "what a field means", limits::ABOUT_BYTES_MAX)?;
        if !seen.insert(&field.name) {
            return Err(ManifestInvalid::FieldTwice(field.name.clone()));
        }
    }
    Ok(())
}

/// Checks a schema of settings.
pub(crate) fn check_schema(schema: &str) -> Result<(), ManifestInvalid> {
    if schema.len() > limits::SETTINGS_SCHEMA_BYTES_MAX {
        return Err(ManifestInvalid::Text("the settings schema"));
    }
    match serde_json::from_str::<serde_json::Value>(schema) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        Ok(_) | Err(_) => Err(ManifestInvalid::SettingsSchema),
    }
}

/// Refuses kinds that cannot be routed, and keys that a kind never has.
fn check_keys(route: &Route) -> Result<(), ManifestInvalid> {
    let has_keys = match route.kind {
        Kind::Habit(
            HabitKind::Met | HabitKind::FollowedUp | HabitKind::Asked | HabitKind::Helped | HabitKind::Referred,
        )
        | Kind::Custom(_) => true,
        Kind::Habit(HabitKind::Answered) => match route.key_by {
            KeyBy::IntroducedPair | KeyBy::Actor | KeyBy::EachPerson => true,
            KeyBy::Pair | KeyBy::DirectedPair | KeyBy::Subject => false,
        },
        Kind::Retracted | Kind::Directory(_) | Kind::Administration(_) | Kind::Newer(_) => {
            return Err(ManifestInvalid::Kind(route.kind.to_string()));
        }
    };
    has_keys.then_some(()).ok_or_else(|| ManifestInvalid::NoKeys(route.kind.to_string()))
}

/// Checks the name of a view or a column.
pub fn check_name(name: &str) -> Result<(), ManifestInvalid> {
    let mut bytes = name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let goes_on_well = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let is_name = starts_well && goes_on_well && name.len() <= limits::NAME_BYTES_MAX;
    is_name.then_some(()).ok_or_else(|| ManifestInvalid::Name(name.to_owned()))
}

fn check_text(text: &str, what: &'static str, max: usize) -> Result<(), ManifestInvalid> {
    (1..=max).contains(&text.len()).then_some(()).ok_or(ManifestInvalid::Text(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::FieldType;
    use kith_core::event::DirectoryKind;

    fn manifest() -> Manifest {
        Manifest {
            name: "strength".into(),
            version: "1.0.0".into(),
            state_version: 1,
            routes: vec![Route { kind: Kind::Habit(HabitKind::Met), key_by: KeyBy::Pair }],
            fields: vec![Field { name: "score".into(), of: FieldType::Number, about: "How strong.".into() }],
            settings_schema: "{}".into(),
        }
    }

    fn check(change: impl FnOnce(&mut Manifest), expected: impl Into<Option<ManifestInvalid>>) {
        let mut manifest = manifest();
        change(&mut manifest);
        assert_eq!(manifest.check().err(), expected.into());
    }

    #[test]
    fn each_broken_rule_is_named() {
        check(|_| {}, None);
        check(|m| m.name = "9".into(), ManifestInvalid::Name("9".into()));
        check(|m| m.version.clear(), ManifestInvalid::Text("the version"));
        check(|m| m.routes.clear(), ManifestInvalid::Routes);
        check(|m| m.fields.clear(), ManifestInvalid::Fields);
        check(|m| m.fields.push(m.fields[0].clone()), ManifestInvalid::FieldTwice("score".into()));
        check(|m| m.routes.push(m.routes[0].clone()), ManifestInvalid::RouteTwice("met".into()));
        check(
            |m| m.routes[0].kind = Kind::Directory(DirectoryKind::PersonAdded),
            ManifestInvalid::Kind("person_added".into()),
        );
        check(|m| m.routes[0].kind = Kind::Habit(HabitKind::Answered), ManifestInvalid::NoKeys("answered".into()));
        check(
            |m| m.routes.push(Route { kind: Kind::Habit(HabitKind::Asked), key_by: KeyBy::Actor }),
            ManifestInvalid::MixedKeys,
        );
        check(|m| m.settings_schema = "[]".into(), ManifestInvalid::SettingsSchema);
    }
}
