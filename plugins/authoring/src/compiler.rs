//! Builds the component from a plugin's folder, in any of the languages, unless it is there already.
//!
//! Invariant: after a build, `dist` has the component of the sources as they are, or none.

mod javascript;
mod prints;
mod python;
mod rust;
mod sources;
mod tool;

use crate::{
    failure::Failure,
    project::{Project, language::Language},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// When to run the compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// If a file of the plugin has changed since the last build.
    Changed,
    /// Always.
    Always,
}

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// Whether the compiler ran.
    pub anew: bool,
}

/// Builds the component. Missing compilers are first installed into `tools`, which is reported to `tell`. Blocks for as
/// long as that takes.
pub fn build(project: &Project, tools: Option<&Path>, when: When, tell: &dyn Fn(&str)) -> Result<Built, Failure> {
    let path = project.component();
    let tools = tools_of(project, tools)?;
    let sources = sources::digest(project)?;
    if when == When::Changed && sources::are_those_of(&path, &sources, Some(&packages(project, &tools))) {
        return Ok(Built { path, anew: false });
    }
    if let Err(failure) = compile(project, &tools, &path, tell) {
        let removed = sources::remove(&path)?;
        return Err(if removed { failure.with("the component of an earlier build was removed") } else { failure });
    }
    // With the compiler, packages may have been installed.
    sources::remember(&path, &sources, &packages(project, &tools))?;
    if let Some(line) = prints::of(project)? {
        tell(&format!("{line}: what a component prints is shown only with the fault of a key"));
    }
    Ok(Built { path, anew: true })
}

/// Whether the component is there and is that of the sources as they are.
pub fn is_current(project: &Project) -> Result<bool, Failure> {
    Ok(sources::are_those_of(&project.component(), &sources::digest(project)?, None))
}

fn tools_of(project: &Project, tools: Option<&Path>) -> Result<PathBuf, Failure> {
    let own = project.tools();
    std::path::absolute(tools.unwrap_or(&own)).map_err(|error| Failure::file("find", &own, error))
}

/// A digest of the packages that a component may contain besides the plugin's files.
fn packages(project: &Project, tools: &Path) -> String {
    sources::digest_of_packages(&match project.manifest.language {
        Language::Rust | Language::Javascript => Vec::new(),
        Language::Python => python::packages(project, tools),
    })
}

fn compile(project: &Project, tools: &Path, component: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    let folder = component.parent().expect("the component lies in a folder");
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, error))?;
    let draft = component.with_extension("draft");
    match project.manifest.language {
        Language::Rust => rust::build(project, &draft)?,
        Language::Python => python::build(project, tools, &draft, tell)?,
        Language::Javascript => javascript::build(project, tools, &draft, tell)?,
    }
    fs::rename(&draft, component).map_err(|error| Failure::file("write", component, error))
}
