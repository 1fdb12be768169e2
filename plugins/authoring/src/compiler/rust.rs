//! Builds Rust plugins with cargo; the toolchain's linker makes the component.

use super::tool;
use crate::{failure::Failure, project::Project};
use kith_plugin_build::{TARGET, flags};
use std::{fs, path::Path, process::Command};

/// What is needed where there is no Rust.
const NEEDED: &str = "Rust comes from https://rustup.rs";

/// Builds the component into a file.
pub(super) fn build(project: &Project, to: &Path) -> Result<(), Failure> {
    provide_target(project)?;
    let mut cargo = clean(project, "cargo");
    cargo.args(["build", "--quiet", "--release", "--target", TARGET, "--target-dir", "target"]);
    flags(&mut cargo, &project.folder, "/plugin").map_err(|error| Failure::Unexpected(error.to_string()))?;
    tool::compile(&mut cargo, NEEDED, str::to_owned)?;
    let made = project.folder.join("target").join(TARGET).join("release");
    let made = made.join(format!("kith_plugin_{}.wasm", project.manifest.name));
    fs::copy(&made, to).map_err(|error| Failure::file("read", &made, error))?;
    Ok(())
}

/// Adds the target to the toolchain if it is missing; if that is impossible, the error says how to add it.
fn provide_target(project: &Project) -> Result<(), Failure> {
    if has_target(project)? {
        return Ok(());
    }
    let mut rustup = clean(project, "rustup");
    rustup.args(["target", "add", TARGET]);
    let advice = format!("run `rustup target add {TARGET}`, or install the target as your system does");
    tool::run(&mut rustup, &format!("add the target {TARGET}"), &advice)
}

fn has_target(project: &Project) -> Result<bool, Failure> {
    let asked = kith_plugin_build::has_target(&mut clean(project, "rustc"));
    asked.map_err(|error| Failure::Unexpected(format!("`rustc` does not start: {error}; {NEEDED}")))
}

fn clean(project: &Project, program: &str) -> Command {
    let mut command = kith_plugin_build::clean(program);
    command.current_dir(&project.folder);
    command
}
