//! Builds the plugins to components with a cargo of their own, so that `cargo build` is enough.
//!
//! Invariant: nothing of the build around it reaches the guests: not its flags, profile, wrappers
//! or paths. So the same source gives the same bytes, and the digest of a plugin means something.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "wasm32-unknown-unknown";

/// Names of the built-in plugins: the folder, and the package after `kith-plugin-`.
const GUESTS: [&str; 9] = [
    "strength",
    "introductions",
    "follow_ups",
    "help",
    "keep_in_touch",
    "bridges",
    "referrers",
    "follow_up_latency",
    "who_should_meet",
];

/// Variables the nested cargo must not see.
const REMOVED: [&str; 20] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "RUSTC_BOOTSTRAP",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_TARGET_DIR",
    "TARGET",
    "HOST",
    "PROFILE",
    "OPT_LEVEL",
    "DEBUG",
    "OUT_DIR",
    "NUM_JOBS",
    "CARGO_PRIMARY_PACKAGE",
];

/// Beginnings of variables the nested cargo must not see.
const REMOVED_PREFIXES: [&str; 14] = [
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_UNSTABLE_",
    "CARGO_LLVM_COV",
    "LLVM_PROFILE_",
    "CLIPPY_",
    "DEP_",
    "__CARGO",
    "CARGO_CRATE_",
];

fn main() -> ExitCode {
    let built = watch_sources().and_then(|root| {
        provide_target()?;
        build_guests(&root)
    });
    match built {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("cannot build the built-in plugins: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the workspace, after telling cargo what the guests are made of.
fn watch_sources() -> Result<PathBuf, String> {
    let here = PathBuf::from(required("CARGO_MANIFEST_DIR")?);
    let root = here.ancestors().nth(2).ok_or("the bundle has left plugins/bundle")?.to_owned();
    let shared = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "plugins/wit"];
    for path in shared {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    for guest in GUESTS.into_iter().chain(["sdk", "report_sdk"]) {
        println!("cargo::rerun-if-changed={}", root.join("plugins").join(guest).display());
    }
    println!("cargo::rerun-if-changed={}", here.join("build.rs").display());
    Ok(root)
}

/// Adds the target to the toolchain if it is missing. Cargo would run on silently without it where
/// rustup does not install by itself.
fn provide_target() -> Result<(), String> {
    let rustc = required("RUSTC")?;
    if has_target(&rustc) {
        return Ok(());
    }
    let toolchain = env::var("RUSTUP_TOOLCHAIN").unwrap_or_default();
    let mut add = vec!["target", "add", TARGET];
    if !toolchain.is_empty() {
        add.extend(["--toolchain", &toolchain]);
    }
    let advice = format!("rustup {}", add.join(" "));
    println!("cargo::warning=the toolchain lacks the target {TARGET}, running: {advice}");
    let added = Command::new("rustup").args(&add).status();
    if added.is_ok_and(|status| status.success()) && has_target(&rustc) {
        return Ok(());
    }
    Err(format!("the toolchain lacks the target {TARGET}; run: {advice}"))
}

fn has_target(rustc: &OsString) -> bool {
    let answer = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    answer.is_ok_and(|answer| {
        let folder = String::from_utf8_lossy(&answer.stdout);
        answer.status.success() && Path::new(folder.trim()).is_dir()
    })
}

fn build_guests(root: &Path) -> Result<(), String> {
    let out = PathBuf::from(required("OUT_DIR")?);
    let target = out.join("guests");
    let mut cargo = Command::new(required("CARGO")?);
    cargo.current_dir(root).args(["build", "--locked", "--quiet", "--profile", "guest"]);
    cargo.args(["--target", TARGET, "--target-dir"]).arg(&target);
    for guest in GUESTS {
        cargo.arg("--package").arg(format!("kith-plugin-{guest}"));
    }
    for (name, _) in env::vars_os().filter(|(name, _)| is_removed(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", guest_flags(root)?);
    let status = cargo.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("cargo ended with {status}"));
    }
    let made = target.join(TARGET).join("guest");
    for guest in GUESTS {
        let from = made.join(format!("kith_plugin_{guest}.wasm"));
        fs::copy(&from, out.join(format!("{guest}.wasm")))
            .map_err(|error| format!("{} cannot be copied: {error}", from.display()))?;
    }
    Ok(())
}

fn is_removed(name: &str) -> bool {
    REMOVED.contains(&name) || REMOVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The linker makes a component of the module; paths of this machine are mapped away.
fn guest_flags(root: &Path) -> Result<OsString, String> {
    let mut flags = OsString::from("-Clinker=wasm-component-ld");
    for (path, name) in [(cargo_home()?.as_path(), "/cargo"), (root, "/kith")] {
        flags.push("\u{1f}--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}

fn cargo_home() -> Result<PathBuf, String> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    env::home_dir().map(|home| home.join(".cargo")).ok_or_else(|| "there is no home folder".into())
}

fn required(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("{name} is not set; cargo sets it"))
}
