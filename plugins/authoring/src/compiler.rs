//! Builds the component from a plugin's folder, in any of the languages.
//!
//! Invariant: the component is moved into place only when it is complete.

mod javascript;
mod python;
mod rust;
mod tool;

use crate::{
    failure::Failure,
    project::{Project, language::Language},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Builds the component. Missing compilers are first installed into `tools`, which is reported to `tell`. Blocks for as
/// long as that takes.
pub fn build(project: &Project, tools: Option<&Path>, tell: &dyn Fn(&str)) -> Result<PathBuf, Failure> {
    let component = project.component();
    let folder = component.parent().expect("the component lies in a folder");
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
    let draft = component.with_extension("draft");
    let own = project.tools();
    let tools = std::path::absolute(tools.unwrap_or(&own)).map_err(|error| Failure::file("find", &own, error))?;
    match project.manifest.language {
        Language::Rust => rust::build(project, &draft)?,
        Language::Python => python::build(project, &tools, &draft, tell)?,
        Language::Javascript => javascript::build(project, &tools, &draft, tell)?,
    }
    fs::rename(&draft, &component).map_err(|error| Failure::file("write", &component, error))?;
    Ok(component)
}
