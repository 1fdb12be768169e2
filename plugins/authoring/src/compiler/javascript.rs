//! Builds JavaScript plugins with componentize-js: `StarlingMonkey` without anything that would reach outside.

use super::tool;
use crate::{
    failure::Failure,
    project::{Project, language::COMPONENTIZE_JS},
};
use std::{fs, path::Path, process::Command};

/// Features of the engine that would reach outside.
const DISABLED: [&str; 5] = ["clocks", "random", "http", "stdio", "fetch-event"];

const NEEDED: &str = "Node 20 or newer with npm, and the npm registry within reach, are needed once (or give --tools a folder that has it)";

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
    tool::compile(&mut compiler, NEEDED, of_engine)
}

/// What the engine says, without the places in the compiler around it.
fn of_engine(said: &str) -> String {
    let inner = said.split_once("Failed to initialize component").and_then(|(_, rest)| rest.split_once('\n'));
    let lines = inner.map_or(said, |(_, rest)| rest).lines();
    let lines = lines.filter(|line| !line.starts_with("    at ") && !line.starts_with("Node.js v"));
    lines.collect::<Vec<_>>().join("\n")
}

fn install(version: &str, packages: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    tell(&format!("installing componentize-js {version} into {} (once, about 400 MB)", packages.display()));
    fs::create_dir_all(packages).map_err(|error| Failure::file("make", packages, error))?;
    let manifest = packages.join("package.json");
    fs::write(&manifest, "{ \"private\": true }\n").map_err(|error| Failure::file("write", &manifest, error))?;
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(packages);
    npm.arg(format!("@bytecodealliance/componentize-js@{version}"));
    tool::run(&mut npm, &format!("install componentize-js {version}"), NEEDED)?;
    let whole = packages.join(".whole");
    fs::write(&whole, version).map_err(|error| Failure::file("write", &whole, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_is_told_without_the_compiler() {
        let said = "file.js:365\n  throw\n\nError: Failed to initialize component (wizer):\nmain.js:77:6 SyntaxError: x:\n    at \
                    componentize (file.js:365:11)\n\nNode.js v20.20.2\n";
        assert_eq!(of_engine(said).trim(), "main.js:77:6 SyntaxError: x:");
        assert_eq!(of_engine("something else"), "something else");
    }
}
