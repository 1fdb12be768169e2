//! Finds Python with a package, for the verifiers that share no code with Kith.

use crate::programs::root;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// A Python with `cryptography`: the system's, or one in `target/verifier` that is created when first needed.
///
/// Panics with what to install if there is neither.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let own = root().join("target/verifier/bin/python3");
        let system = PathBuf::from("python3");
        [system, own.clone()].into_iter().find(|python| has_package(python)).unwrap_or_else(|| make(&own))
    })
}

/// The script that verifies checkpoints and proofs.
pub fn verifier() -> PathBuf {
    root().join("tests/verifier/verify.py")
}

/// The script that verifies evidence.
pub fn evidence_verifier() -> PathBuf {
    root().join("tests/verifier/evidence.py")
}

fn has_package(python: &Path) -> bool {
    let import = "from cryptography.hazmat.primitives.asymmetric import ed25519";
    Command::new(python).args(["-c", import]).output().is_ok_and(|output| output.status.success())
}

fn make(own: &Path) -> PathBuf {
    let folder = root().join("target/verifier");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "cryptography"];
    run(Command::new(own).args(install));
    own.to_path_buf()
}

fn run(step: &mut Command) {
    let told = match step.output() {
        Ok(output) if output.status.success() => return,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!("the verifier needs Python 3 with the package `cryptography`, and {step:?} failed: {told}");
}
