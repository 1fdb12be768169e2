//! Builds the plugins as components with a separate cargo, so that `cargo build` is enough.

use kith_plugin_build::{TARGET, clean, flags};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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

/// Tells cargo which sources the guests are built from, and returns the root of the workspace.
fn watch_sources() -> Result<PathBuf, String> {
    let here = PathBuf::from(required("CARGO_MANIFEST_DIR")?);
    let root = here.ancestors().nth(2).ok_or("the bundle has left plugins/bundle")?.to_owned();
    let shared = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "plugins/wit"];
    for path in shared {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    for guest in GUESTS.into_iter().chain(["sdk/words", "sdk/view", "sdk/report"]) {
        println!("cargo::rerun-if-changed={}", root.join("plugins").join(guest).display());
    }
    println!("cargo::rerun-if-changed={}", here.join("build.rs").display());
    Ok(root)
}

/// Adds the target to the toolchain if it is missing.
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
    kith_plugin_build::has_target(&mut clean(rustc)).unwrap_or(false)
}

fn build_guests(root: &Path) -> Result<(), String> {
    let out = PathBuf::from(required("OUT_DIR")?);
    let target = out.join("guests");
    let mut cargo = clean(required("CARGO")?);
    cargo.current_dir(root).args(["build", "--locked", "--quiet", "--profile", "guest"]);
    cargo.args(["--target", TARGET, "--target-dir"]).arg(&target);
    for guest in GUESTS {
        cargo.arg("--package").arg(format!("kith-plugin-{guest}"));
    }
    flags(&mut cargo, root, "/kith").map_err(|error| error.to_string())?;
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

fn required(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("{name} is not set; cargo sets it"))
}
