//! Settings before they have types: each key's last value, and its source.
//!
//! Every key is read separately, so that all mistakes are reported at once.

use super::lookup::Lookup;
use kith_log::Range;
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, fmt, path::Path};
use toml::{Table, Value};

/// Prefix of the environment variables.
const PREFIX: &str = "KITH_";

/// Settings by section and key; later layers replace earlier ones. The top level is section `""`.
#[derive(Debug, Default)]
pub(super) struct Layers {
    settings: BTreeMap<(String, String), Setting>,
}

#[derive(Debug)]
struct Setting {
    /// How the value may be read, in order of preference.
    readings: Vec<Value>,
    source: Source,
}

/// The source of a value.
#[derive(Debug, Clone)]
enum Source {
    File(String),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl Layers {
    /// Adds a configuration file. Tables other than `sections` are refused.
    pub(super) fn add_file(&mut self, path: &Path, text: &str, sections: &[&str], problems: &mut Vec<String>) {
        let path = path.display().to_string();
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => return problems.push(format!("{path}: {}", error.to_string().trim_end())),
        };
        for (key, value) in table {
            match value {
                Value::Table(inner) if sections.contains(&key.as_str()) => {
                    for (inner_key, value) in inner {
                        self.set(&key, &inner_key, vec![value], Source::File(path.clone()));
                    }
                }
                value => self.set("", &key, vec![value], Source::File(path.clone())),
            }
        }
    }

    /// Adds `KITH_KEY` for each key of `top_level` and `KITH_SECTION_KEY` for each of `sections`.
    /// Returns the names of variables that are neither.
    pub(super) fn add_environment(
        &mut self,
        environment: &impl Lookup,
        (top_level, sections): (&[&str], &[&str]),
        problems: &mut Vec<String>,
    ) -> Vec<String> {
        let mut unknown = Vec::new();
        for (name, value) in environment.with_prefix(PREFIX) {
            let key = name[PREFIX.len()..].to_ascii_lowercase();
            let in_section = sections.iter().find_map(|section| {
                let rest = key.strip_prefix(section)?.strip_prefix('_')?;
                Some((*section, rest.to_owned()))
            });
            let (section, key) = match in_section {
                Some(setting) => setting,
                None if top_level.contains(&key.as_str()) => ("", key),
                None => {
                    unknown.push(name);
                    continue;
                }
            };
            match value.to_str() {
                Some(text) => self.set(section, &key, readings(text), Source::Variable(name)),
                None => problems.push(format!("{} (from {name}): is not text (UTF-8)", path(section, &key))),
            }
        }
        unknown
    }

    /// Adds a flag of the command line.
    pub(super) fn add_flag(&mut self, flag: &'static str, key: &str, value: Value) {
        self.set("", key, vec![value], Source::Flag(flag));
    }

    /// Refuses a key that only the server itself sets.
    pub(super) fn refuse(&mut self, section: &str, key: &str, why: &str, problems: &mut Vec<String>) {
        if let Some(setting) = self.settings.remove(&(section.to_owned(), key.to_owned())) {
            problems.push(format!("{} (from {}): {why}", path(section, key), setting.source));
        }
    }

    /// Refuses numbers of a section that are out of range, and removes them.
    pub(super) fn check_ranges(&mut self, section: &str, ranges: &[Range], problems: &mut Vec<String>) {
        for (key, min, max) in ranges {
            let name = (section.to_owned(), (*key).to_owned());
            let Some(setting) = self.settings.get(&name) else { continue };
            let Some(value) = setting.readings.iter().find_map(Value::as_integer) else { continue };
            if (*min..=*max).contains(&value) {
                continue;
            }
            let (path, source) = (path(section, key), &setting.source);
            problems.push(format!("{path} (from {source}): {value} is not between {min} and {max}"));
            self.settings.remove(&name);
        }
    }

    fn set(&mut self, section: &str, key: &str, readings: Vec<Value>, source: Source) {
        self.settings.insert((section.to_owned(), key.to_owned()), Setting { readings, source });
    }

    /// Reads one section, leaving out values that are wrong. Everything that is wrong is added to `problems`.
    pub(super) fn read<T: DeserializeOwned + Default>(&self, section: &str, problems: &mut Vec<String>) -> T {
        let mut table = Table::new();
        for ((_, key), setting) in self.settings.iter().filter(|((of, _), _)| of == section) {
            match setting.read::<T>(key) {
                Ok(value) => drop(table.insert(key.clone(), value)),
                Err(why) => problems.push(format!("{} (from {}): {why}", path(section, key), setting.source)),
            }
        }
        T::deserialize(Value::Table(table)).unwrap_or_else(|error| {
            problems.push(format!("{}: {}", if section.is_empty() { "settings" } else { section }, error.message()));
            T::default()
        })
    }
}

impl Setting {
    /// The first reading that a section of type `T` accepts under this key.
    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Value, String> {
        let mut first_error = None;
        for value in &self.readings {
            let alone = Table::from_iter([(key.to_owned(), value.clone())]);
            match T::deserialize(Value::Table(alone)) {
                Ok(_) => return Ok(value.clone()),
                Err(error) => drop(first_error.get_or_insert_with(|| error.message().to_owned())),
            }
        }
        Err(first_error.unwrap_or_default())
    }
}

/// What the text of a variable may mean: a TOML value, otherwise the text itself.
fn readings(text: &str) -> Vec<Value> {
    let parsed = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    parsed.into_iter().chain([Value::String(text.to_owned())]).collect()
}

fn path(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}
