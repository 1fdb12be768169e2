//! What `kith plugin new` writes: an example that builds and passes its tests unchanged, together with the SDK.
//!
//! Invariant: a new plugin needs nothing from this repository.

mod templates;

pub use templates::Sort;

use crate::{
    failure::Failure,
    project::{FILE, Manifest, check_free, check_name},
};
use std::{fs, path::Path};
use templates::Template;

/// The example's name, which is replaced by the plugin's.
const EXAMPLE: &str = "contacts";
/// The example's name as a type name.
const EXAMPLE_TYPE: &str = "Contacts";

/// Writes a new plugin into a folder that does not exist yet. Returns the paths of the files in it.
pub fn write(name: &str, sort: Sort, folder: &Path) -> Result<Vec<&'static str>, Failure> {
    check_name(name)?;
    check_free(name)?;
    if folder.exists() {
        return Err(Failure::Usage(format!(
            "{} is there already: take another name, or move it away",
            folder.display()
        )));
    }
    let (language, mut written) = (sort.language(), vec![FILE]);
    let manifest = Manifest { name: name.to_owned(), language, compiler: language.compiler().map(str::to_owned) };
    let manifest = toml::to_string(&manifest).map_err(|error| Failure::Unexpected(error.to_string()))?;
    write_file(&folder.join(FILE), &manifest)?;
    for Template { path, text } in templates::of(sort) {
        let text = if path.starts_with("sdk/") { (*text).to_owned() } else { named(text, name) };
        write_file(&folder.join(path), &text)?;
        written.push(path);
    }
    Ok(written)
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().expect("files lie in folders");
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
    fs::write(path, text).map_err(|error| Failure::file("write", path, error))
}

fn named(text: &str, name: &str) -> String {
    text.replace(EXAMPLE_TYPE, &type_name(name)).replace(EXAMPLE, name)
}

/// A type name: `HomeVisits` for `home_visits`.
fn type_name(name: &str) -> String {
    let capital =
        |part: &str| part.char_indices().map(|(at, c)| if at == 0 { c.to_ascii_uppercase() } else { c }).collect();
    name.split('_').map(capital).collect::<Vec<String>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{Project, language::Language};

    #[test]
    fn names_of_types_are_in_capitals() {
        for (name, expected) in [("visits", "Visits"), ("home_visits", "HomeVisits"), ("a_2b", "A2b"), ("x_", "X")] {
            assert_eq!(type_name(name), expected);
        }
    }

    #[test]
    fn a_new_plugin_has_its_name_everywhere_and_is_never_written_over_another() {
        let views = [Language::Rust, Language::Python, Language::Javascript].map(Sort::View);
        for sort in views.into_iter().chain([Sort::Report]) {
            let language = sort.language();
            let parent = tempfile::tempdir().expect("a temporary folder");
            let folder = parent.path().join("home_visits");
            let written = write("home_visits", sort, &folder).expect("it is written");
            for path in written.iter().filter(|path| !path.starts_with("sdk/")) {
                let text = fs::read_to_string(folder.join(path)).expect("it was written");
                assert!(!text.to_lowercase().contains("contacts"), "{path} names the example");
            }
            assert!(written.contains(&language.main_file()), "{written:?}");
            let project = Project::find(&folder).expect("it is a plugin");
            assert_eq!((project.manifest.name.as_str(), project.manifest.language), ("home_visits", language));
            let again = write("home_visits", sort, &folder);
            assert!(matches!(again, Err(Failure::Usage(_))), "it is there");
        }
    }
}
