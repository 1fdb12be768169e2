//! Builds Rust plugins with cargo: the linker that comes with the toolchain makes the component.
//!
//! Invariant: nothing of the environment reaches the build, so the same source gives the same bytes in any folder.

use super::tool;
use crate::{failure::Failure, project::Project};
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";
const ADVICE: &str = "Rust comes from https://rustup.rs";

/// Variables of a build around this one.
const REMOVED: [&str; 12] = [
    "RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "RUSTC_BOOTSTRAP",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "OUT_DIR",
];
/// Beginnings of such variables.
const REMOVED_PREFIXES: [&str; 14] = [
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_UNSTABLE_",
    "CARGO_ENCODED_",
    "CARGO_INCREMENTAL",
    "CARGO_LLVM_COV",
    "LLVM_PROFILE_",
    "CLIPPY_",
    "__CARGO",
];

/// Builds the component into a file.
pub(super) fn build(project: &Project, to: &Path) -> Result<(), Failure> {
    provide_target(project)?;
    let mut cargo = clean(project, "cargo");
    cargo.args(["build", "--quiet", "--release", "--target", TARGET, "--target-dir", "target"]);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(&project.folder));
    tool::run(&mut cargo, "build the plugin", ADVICE)?;
    let made = project.folder.join("target").join(TARGET).join("release");
    let made = made.join(format!("kith_plugin_{}.wasm", project.manifest.name));
    fs::copy(&made, to).map_err(|error| Failure::file("read", &made, error))?;
    Ok(())
}

/// Adds the target to the toolchain if it is missing; where it cannot be added, says how.
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
    let mut rustc = clean(project, "rustc");
    let asked = rustc.args(["--print", "target-libdir", "--target", TARGET]).output();
    let answer = asked.map_err(|error| Failure::Unexpected(format!("`rustc` does not start: {error}; {ADVICE}")))?;
    let folder = String::from_utf8_lossy(&answer.stdout);
    Ok(answer.status.success() && Path::new(folder.trim()).is_dir())
}

fn clean(project: &Project, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&project.folder);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if REMOVED.contains(&&*text) || REMOVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// The linker makes a component of the module; folders of this machine are mapped away.
fn flags(folder: &Path) -> OsString {
    let mut flags = OsString::from("-Clinker=wasm-component-ld");
    let homes = [cargo_home().map(|home| (home, "/cargo")), Some((folder.to_path_buf(), "/plugin"))];
    for (path, name) in homes.into_iter().flatten() {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}
