//! Builds Python plugins with componentize-py, in a virtual environment of its own.

use super::tool;
use crate::{
    failure::Failure,
    project::{Project, language::COMPONENTIZE_PY},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of a virtual environment that contains its programs.
const PROGRAMS: &str = if cfg!(windows) { "Scripts" } else { "bin" };

/// Builds the component into a file.
pub(super) fn build(project: &Project, tools: &Path, to: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    let version = project.manifest.compiler.as_deref().unwrap_or(COMPONENTIZE_PY);
    let environment = tools.join(format!("componentize-py-{version}"));
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
    tool::run(&mut compiler, "build the plugin", "see what the compiler says")
}

fn install(version: &str, environment: &Path, tell: &dyn Fn(&str)) -> Result<(), Failure> {
    tell(&format!("installing componentize-py {version} into {} (once)", environment.display()));
    let needed =
        "Python 3.10 or newer with venv, and PyPI within reach, are needed once (or give --tools a folder that has it)";
    let what = format!("install componentize-py {version}");
    tool::run(Command::new(python()).args(["-m", "venv"]).arg(environment), &what, needed)?;
    let mut pip = Command::new(environment.join(PROGRAMS).join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.arg(format!("componentize-py=={version}"));
    tool::run(&mut pip, &what, needed)?;
    let whole = environment.join(".whole");
    fs::write(&whole, version).map_err(|error| Failure::file("write", &whole, error))
}

fn python() -> PathBuf {
    PathBuf::from(if cfg!(windows) { "python" } else { "python3" })
}
