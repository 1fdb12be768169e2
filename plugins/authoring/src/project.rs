//! A plugin's folder: the contents of `kith-plugin.toml`, and the locations of files.

pub mod language;

use crate::failure::{Failure, read_text};
use kith_client::replica::OfflinePlugin;
use language::Language;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file that marks the folder of a plugin.
pub const FILE: &str = "kith-plugin.toml";

/// The contents of `kith-plugin.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name of the view and of the component's file.
    pub name: String,
    /// The language that the plugin is written in.
    pub language: Language,
    /// Version of the component compiler; `None` for Rust, whose toolchain file names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
}

/// A plugin's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The absolute path of the folder.
    pub folder: PathBuf,
    /// The contents of its manifest.
    pub manifest: Manifest,
}

impl Project {
    /// Finds the plugin that a folder belongs to.
    pub fn find(from: &Path) -> Result<Self, Failure> {
        let from = from.canonicalize().map_err(|error| Failure::file("open", from, error))?;
        let Some(folder) = from.ancestors().find(|folder| folder.join(FILE).is_file()) else {
            let text =
                format!("no {FILE} here or above: change to a plugin's folder, or make one with `kith plugin new`");
            return Err(Failure::NotFound(text));
        };
        let path = folder.join(FILE);
        let text = read_text(&path)?;
        let manifest: Manifest =
            toml::from_str(&text).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        check_name(&manifest.name)?;
        Ok(Self { folder: folder.to_path_buf(), manifest })
    }

    /// The path of the built component.
    pub fn component(&self) -> PathBuf {
        self.folder.join("dist").join(format!("{}.wasm", self.manifest.name))
    }

    /// The default folder for compilers.
    pub fn tools(&self) -> PathBuf {
        self.folder.join(".kith")
    }
}

/// Refuses names that a view cannot have.
pub fn check_name(name: &str) -> Result<(), Failure> {
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    let goes_on = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if begins && goes_on && name.len() <= 64 {
        return Ok(());
    }
    let rule = "1 to 64 characters of a-z, 0-9 and _ are needed, a letter first";
    Err(Failure::Usage(format!("`{name}` cannot be the name of a view: {rule}")))
}

/// Refuses names that no network can give to a plugin, because a built-in view or report has them.
pub fn check_free(name: &str) -> Result<(), Failure> {
    if OfflinePlugin::builtins().iter().any(|builtin| builtin.name == name) {
        let advice = format!("choose another, such as `our_{name}`");
        return Err(Failure::Usage(format!("`{name}` is the name of a built-in view or report: {advice}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_plugin_is_found_from_inside_its_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let inner = folder.path().join("src");
        fs::create_dir(&inner).expect("a folder");
        assert!(matches!(Project::find(&inner), Err(Failure::NotFound(_))), "nothing there yet");
        fs::write(folder.path().join(FILE), "name = \"visits\"\nlanguage = \"javascript\"\ncompiler = \"1\"\n")
            .expect("a file");
        let project = Project::find(&inner).expect("it is there");
        assert_eq!(project.manifest.language, Language::Javascript);
        assert!(project.component().ends_with("dist/visits.wasm"));
        fs::write(folder.path().join(FILE), "name = \"../x\"\nlanguage = \"rust\"\n").expect("a file");
        assert!(matches!(Project::find(&inner), Err(Failure::Usage(_))), "no name");
    }

    #[test]
    fn names_of_what_is_built_in_are_taken() {
        for name in ["strength", "follow_ups", "bridges", "who_should_meet"] {
            let taken = check_free(name).expect_err(name).to_string();
            assert!(taken.ends_with(&format!("choose another, such as `our_{name}`")), "{taken}");
        }
        for name in ["our_strength", "visits"] {
            check_free(name).expect(name);
        }
    }

    #[test]
    fn names_are_those_of_views() {
        for name in ["visits", "a", "visits_2"] {
            check_name(name).expect(name);
        }
        for name in ["", "Visits", "2nd", "a-b", "a b", "../a", "é", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
