//! The same source in another folder produces the same bytes: anybody who builds the server can verify its plugins.

use kith_bundle::BUILTINS;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Folders of generated files.
const MADE: [&str; 5] = [".git", ".kith", "node_modules", "target", "__pycache__"];

/// A temporary folder whose name contains a space and differs in length from this folder's.
struct Elsewhere(PathBuf);

impl Elsewhere {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("kith elsewhere {}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        // What cannot be removed is in the system's temporary folder, where the system cleans up.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy_sources(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for item in fs::read_dir(from).expect("a folder") {
        let item = item.expect("it can be read");
        let (name, path) = (item.file_name(), item.path());
        if MADE.iter().any(|made| name == *made) {
            continue;
        }
        if path.is_dir() {
            copy_sources(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}

/// The components that the bundle's build script left in a target folder, by file name.
fn components(target: &Path) -> BTreeMap<String, Vec<u8>> {
    let builds = fs::read_dir(target.join("debug/build")).expect("a build script ran");
    let out = builds.map(|item| item.expect("it can be read").path().join("out"));
    let files = out.filter_map(|out| fs::read_dir(out).ok()).flatten();
    let paths = files.map(|item| item.expect("it can be read").path());
    let components = paths.filter(|path| path.extension().is_some_and(|ends| ends == "wasm"));
    let named = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, fs::read(path).expect("a component"))
    };
    components.map(named).collect()
}

#[test]
fn another_folder_gives_the_same_bytes() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the bundle lies in plugins/bundle");
    let elsewhere = Elsewhere::new();
    let (sources, target) = (elsewhere.0.join("sources"), elsewhere.0.join("made"));
    copy_sources(here, &sources);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--quiet", "--package", "kith-bundle", "--target-dir"]).arg(&target);
    let status = cargo.current_dir(&sources).env_remove("CARGO_TARGET_DIR").status().expect("cargo starts");
    assert!(status.success(), "cargo ended with {status}");
    let made = components(&target);
    assert_eq!(made.len(), BUILTINS.len(), "{:?}", made.keys());
    for builtin in BUILTINS {
        assert!(made[builtin.name] == builtin.component, "{} has other bytes in another folder", builtin.name);
    }
}
