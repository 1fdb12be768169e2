//! Builds Python plugins with componentize-py, in a virtual environment of its own.

use super::tool;
use crate::{
    failure::Failure,
    project::{Project, language::COMPONENTIZE_PY},
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of a virtual environment that contains its programs.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

const NEEDED: &str =
    "Python 3.10 or newer with venv, and PyPI within reach, are needed once (or give --tools a folder that has it)";

/// Builds the component into a file.
pub(super) fn build(project: &Project, tools: &Path, to: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    let (version, environment) = environment(project, tools);
    let program = environment.join(PROGRAMS).join("componentize-py");
    if !environment.join(".whole").exists() {
        install(version, &environment, tell)?;
    }
    let mut compiler = Command::new(program);
    compiler
        .current_dir(&project.folder)
        .args(["--quiet", "--wit-path", "sdk/wit", "--world", "plugin"])
        .args(["componentize", "--stub-wasi", "--python-path", ".", "--python-path", "sdk"])
        .arg("--output")
        .arg(to)
        .arg("kith_plugin.component")
        // So that pure Python packages that the author installed in the environment can be imported.
        .env("VIRTUAL_ENV", &environment)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    tool::compile(&mut compiler, NEEDED, traceback)
}

/// The traceback of the plugin, without those of the compiler around it. The plugin's folder is called `/0` in it.
fn traceback(said: &str) -> String {
    let inner = said.find("AssertionError: Traceback").map_or(said, |at| &said[at + "AssertionError: ".len()..]);
    let until = |text: &'static str| inner.find(text).unwrap_or(inner.len());
    inner[..until("\nCaused by:").min(until("\nStack backtrace:"))].replace("\"/0/", "\"")
}

/// The compiler's version, and its virtual environment.
fn environment<'a>(project: &'a Project, tools: &Path) -> (&'a str, PathBuf) {
    let version = project.manifest.compiler.as_deref().unwrap_or(COMPONENTIZE_PY);
    (version, tools.join(format!("componentize-py-{version}")))
}

/// The packages in the virtual environment, with their versions: the author may have installed some to import.
pub(super) fn packages(project: &Project, tools: &Path) -> Vec<OsString> {
    let (_, environment) = environment(project, tools);
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let libraries = [environment.join("lib"), environment.join("Lib")];
    let pythons = libraries.into_iter().flat_map(entries);
    let packages = pythons.flat_map(|python| entries(python.path().join("site-packages")));
    let mut names: Vec<OsString> = packages.map(|entry| entry.file_name()).collect();
    names.retain(|name| name != "__pycache__");
    names.sort();
    names
}

fn install(version: &str, environment: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    tell(&format!("installing componentize-py {version} into {} (once)", environment.display()));
    let what = format!("install componentize-py {version}");
    tool::run(Command::new(python()).args(["-m", "venv"]).arg(environment), &what, NEEDED)?;
    let mut pip = Command::new(environment.join(PROGRAMS).join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.arg(format!("componentize-py=={version}"));
    tool::run(&mut pip, &what, NEEDED)?;
    let whole = environment.join(".whole");
    fs::write(&whole, version).map_err(|error| Failure::file("write", &whole, error))
}

fn python() -> PathBuf {
    PathBuf::from(if cfg!(windows) { "python" } else { "python3" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceback_is_that_of_the_plugin() {
        let inner = "Traceback (most recent call last):\n  File \"/0/main.py\", line 67\nSyntaxError: invalid syntax\n";
        let said =
            format!("Traceback:\n  script\nAssertionError: {inner}\n\nCaused by:\n    x\n\nStack backtrace:\n  0: y");
        assert_eq!(traceback(&said).trim(), inner.replace("/0/", "").trim());
        assert_eq!(traceback("something else"), "something else");
    }
}
