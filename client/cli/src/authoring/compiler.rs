//! From a plugin's folder to its component, in any of the languages.
//!
//! Invariant: the component is put in its place only when it is whole.

use super::{javascript, language::Language, project::Project, python, rust};
use crate::failure::Failure;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Builds the component; compilers that are missing are installed into `tools` first. Blocks for as long as that takes.
pub(crate) fn build(project: &Project, tools: Option<&Path>) -> Result<PathBuf, Failure> {
    let component = project.component();
    let folder = component.parent().expect("the component lies in a folder");
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
    let draft = component.with_extension("draft");
    let own = project.tools();
    let tools = std::path::absolute(tools.unwrap_or(&own)).map_err(|error| Failure::file("find", &own, error))?;
    match project.manifest.language {
        Language::Rust => rust::build(project, &draft)?,
        Language::Python => python::build(project, &tools, &draft)?,
        Language::Javascript => javascript::build(project, &tools, &draft)?,
    }
    fs::rename(&draft, &component).map_err(|error| Failure::file("write", &component, error))?;
    Ok(component)
}
