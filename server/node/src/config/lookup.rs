//! Where environment variables come from; tests pass a map.

use std::{collections::BTreeMap, ffi::OsString};

/// A source of environment variables.
pub trait Lookup {
    /// Every variable whose name begins with `prefix`, by name. Values need not be text.
    fn with_prefix(&self, prefix: &str) -> BTreeMap<String, OsString>;
}

/// The variables of this process.
#[derive(Debug, Clone, Copy)]
pub struct ProcessEnvironment;

impl Lookup for ProcessEnvironment {
    fn with_prefix(&self, prefix: &str) -> BTreeMap<String, OsString> {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(prefix))
            .collect()
    }
}

impl Lookup for BTreeMap<String, String> {
    fn with_prefix(&self, prefix: &str) -> BTreeMap<String, OsString> {
        self.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(k, v)| (k.clone(), v.into())).collect()
    }
}
