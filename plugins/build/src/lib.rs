//! A clean cargo that builds plugins written in Rust, in the same way for authors and for the built-in ones.
//!
//! Invariant: nothing from the surrounding build affects a plugin: not its flags, profile, wrappers or paths. So the
//! same source produces the same bytes, and the digest of a plugin is meaningful.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    process::Command,
};

/// The target that plugins are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Variables that must not reach a build.
const REMOVED: [&str; 17] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "RUSTC_BOOTSTRAP",
    "CARGO_INCREMENTAL",
    "CARGO_PRIMARY_PACKAGE",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "OUT_DIR",
    "NUM_JOBS",
];
/// Prefixes of such variables.
const REMOVED_PREFIXES: [&str; 15] = [
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_UNSTABLE_",
    "CARGO_ENCODED_",
    "CARGO_CRATE_",
    "CARGO_LLVM_COV",
    "LLVM_PROFILE_",
    "CLIPPY_",
    "DEP_",
    "__CARGO",
];

/// A program of the toolchain that is isolated from the surrounding build.
pub fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os().filter(|(name, _)| is_removed(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_removed(name: &str) -> bool {
    REMOVED.contains(&name) || REMOVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Makes a cargo build components: the toolchain's linker turns each module into one. The source folder `folder` is
/// called `name` in them, whatever its path on this machine. Fails if there is no home folder.
pub fn flags(cargo: &mut Command, folder: &Path, name: &str) -> io::Result<()> {
    let mut flags = OsString::from("-Clinker=wasm-component-ld");
    for (path, name) in [(cargo_home()?.as_path(), "/cargo"), (folder, name)] {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags);
    Ok(())
}

fn cargo_home() -> io::Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::home_dir().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "there is no home folder"))?;
    Ok(home.join(".cargo"))
}

/// Whether a compiler has the target [`TARGET`]. Without it, cargo would silently continue where rustup does not
/// install targets by itself.
pub fn has_target(rustc: &mut Command) -> io::Result<bool> {
    let answer = rustc.args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let folder = String::from_utf8_lossy(&answer.stdout);
    Ok(answer.status.success() && Path::new(folder.trim()).is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_around_it_is_out_of_sight_and_the_toolchain_is_not() {
        for name in
            ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_PKG_NAME", "DEP_Z_ROOT", "DEBUG"]
        {
            assert!(is_removed(name), "{name}");
        }
        for name in ["PATH", "HOME", "CARGO", "CARGO_HOME", "CARGO_NET_OFFLINE", "RUSTUP_TOOLCHAIN", "RUSTUP_HOME"] {
            assert!(!is_removed(name), "{name}");
        }
    }
}
