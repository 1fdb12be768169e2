//! Finds the programs under test.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::Once,
};

/// Path of `kithd` or `kith`, in the folder that this test was built into. A program that is missing there (because
/// only the tests were built) is built first.
pub fn program(name: &str) -> PathBuf {
    static BUILD: Once = Once::new();
    let folder = target_folder();
    let path = folder.join(name);
    BUILD.call_once(|| {
        if !folder.join("kithd").exists() || !folder.join("kith").exists() {
            build_programs();
        }
    });
    assert!(path.exists(), "{} is not built: run `cargo build --workspace --bins`", path.display());
    path
}

fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().find(|folder| folder.ends_with("deps")).and_then(Path::parent);
    folder.unwrap_or_else(|| test.parent().expect("a program lies in a folder")).to_path_buf()
}

fn build_programs() {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--locked", "--quiet", "--profile", profile, "--package", "kith-node", "--package", "kith-cli"])
        .current_dir(root())
        .status()
        .expect("cargo starts");
    assert!(status.success(), "building kithd and kith failed");
}

/// The workspace's root folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lie in the workspace").to_path_buf()
}
