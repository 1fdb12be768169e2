//! Builds JavaScript plugins with componentize-js: `StarlingMonkey` without anything that would reach outside.

use super::tool;
use crate::{
    failure::Failure,
    project::{Project, language::COMPONENTIZE_JS},
};
use std::{fs, path::Path, process::Command};

/// Features of the engine that would reach outside.
const DISABLED: [&str; 5] = ["clocks", "random", "http", "stdio", "fetch-event"];

/// Builds the component into a file.
pub(super) fn build(project: &Project, tools: &Path, to: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    let version = project.manifest.compiler.as_deref().unwrap_or(COMPONENTIZE_JS);
    let packages = tools.join(format!("componentize-js-{version}"));
    if !packages.join(".whole").exists() {
        install(version, &packages, tell)?;
    }
    let mut compiler = Command::new("node");
    compiler
        .current_dir(&project.folder)
        .arg(packages.join("node_modules/@bytecodealliance/componentize-js/src/cli.js"))
        .args(["sdk/component.js", "--wit", "sdk/wit", "--world-name", "plugin", "--out"])
        .arg(to)
        .arg("--disable")
        .args(DISABLED);
    tool::run(&mut compiler, "build the plugin", "see what the compiler says")
}

fn install(version: &str, packages: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    tell(&format!("installing componentize-js {version} into {} (once, about 400 MB)", packages.display()));
    fs::create_dir_all(packages).map_err(|error| Failure::file("make", packages, error))?;
    let manifest = packages.join("package.json");
    fs::write(&manifest, "{ \"private\": true }\n").map_err(|error| Failure::file("write", &manifest, error))?;
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(packages);
    npm.arg(format!("@bytecodealliance/componentize-js@{version}"));
    let needed = "Node 20 or newer with npm, and the npm registry within reach, are needed once (or give --tools a folder that has it)";
    tool::run(&mut npm, &format!("install componentize-js {version}"), needed)?;
    let whole = packages.join(".whole");
    fs::write(&whole, version).map_err(|error| Failure::file("write", &whole, error))
}
