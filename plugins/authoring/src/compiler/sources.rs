//! Whether a component is that of its sources: beside it lies a digest of both.

use crate::{failure::Failure, project::Project};
use sha2::{Digest, Sha256};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

/// Folders at the top of a plugin that its component does not depend on.
const IGNORED: [&str; 5] = ["dist", "target", "tests", ".git", ".kith"];
/// A folder of packages, which are compared by size and time.
const PACKAGES: &str = "node_modules";

/// A digest of the plugin's files.
pub(super) fn digest(project: &Project) -> Result<String, Failure> {
    let mut hash = Sha256::new_with_prefix(b"kith/sources/1");
    for path in files(&project.folder, &|path| is_ignored(&project.folder, path))? {
        let name = path.strip_prefix(&project.folder).unwrap_or(&path);
        add(&mut hash, name.as_os_str().as_encoded_bytes());
        if name.starts_with(PACKAGES) {
            let (bytes, changed) = fs::metadata(&path)
                .and_then(|found| Ok((found.len(), found.modified()?)))
                .map_err(|error| Failure::file("read", &path, error))?;
            add(&mut hash, format!("{bytes} {changed:?}").as_bytes());
        } else {
            add(&mut hash, &fs::read(&path).map_err(|error| Failure::file("read", &path, error))?);
        }
    }
    Ok(hex::encode(hash.finalize()))
}

/// A digest of the names of packages.
pub(super) fn digest_of_packages(packages: &[OsString]) -> String {
    let mut hash = Sha256::new_with_prefix(b"kith/packages/1");
    for name in packages {
        add(&mut hash, name.as_encoded_bytes());
    }
    hex::encode(hash.finalize())
}

/// Where the digests of a component and its sources are.
fn beside(component: &Path) -> PathBuf {
    component.with_extension("sources")
}

/// Whether the component is there, unchanged, and was built from these sources and, unless that does not matter, with
/// these packages.
pub(super) fn are_those_of(component: &Path, sources: &str, packages: Option<&str>) -> bool {
    let known = fs::read_to_string(beside(component)).unwrap_or_default();
    let mut known = known.split(' ');
    let same = |one: Option<&str>, other: &str| one == Some(other);
    let (of, with, made) = (known.next(), known.next(), known.next().unwrap_or_default());
    same(of, sources)
        && packages.is_none_or(|packages| same(with, packages))
        && fs::read(component).is_ok_and(|bytes| made == sha256(&bytes))
}

/// Remembers that the component was built from these sources, with these packages.
pub(super) fn remember(component: &Path, sources: &str, packages: &str) -> Result<(), Failure> {
    let bytes = fs::read(component).map_err(|error| Failure::file("read", component, error))?;
    let (path, text) = (beside(component), format!("{sources} {packages} {}", sha256(&bytes)));
    fs::write(&path, text).map_err(|error| Failure::file("write", &path, error))
}

/// Removes a component that is not that of its sources. Returns whether there was one.
pub(super) fn remove(component: &Path) -> Result<bool, Failure> {
    let mut was_there = false;
    for path in [component.to_owned(), beside(component)] {
        match fs::remove_file(&path) {
            Ok(()) => was_there |= path == component,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file("remove", &path, error)),
        }
    }
    Ok(was_there)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn is_ignored(folder: &Path, path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "__pycache__") || IGNORED.iter().any(|name| path == folder.join(name))
}

/// All files of a folder, in the order of their paths.
fn files(folder: &Path, is_ignored: &impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::file("read", folder, error);
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    for item in fs::read_dir(folder).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        match fs::metadata(&path) {
            _ if is_ignored(&path) => {}
            Ok(what) if what.is_dir() => folders.push(path),
            Ok(what) if what.is_file() => found.push(path),
            // A link to nothing, or what is no file.
            Ok(_) | Err(_) => {}
        }
    }
    for folder in folders {
        found.extend(files(&folder, is_ignored)?);
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaffold::{self, Sort};

    #[test]
    fn a_component_is_that_of_its_sources_until_either_changes() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("visits");
        scaffold::write("visits", Sort::Report, &folder).expect("it is written");
        let project = Project::find(&folder).expect("a plugin");
        let component = project.component();
        let now = || digest(&project).expect("a digest");
        let packages = digest_of_packages(&["numpy".into()]);
        let is_current = || are_those_of(&component, &now(), Some(&packages));
        let first = now();
        fs::create_dir(folder.join("dist")).expect("a folder");
        fs::write(&component, b"one").expect("a file");
        assert!(!is_current(), "nothing says so");
        remember(&component, &first, &packages).expect("it is written");
        assert!(is_current(), "what is in dist is no source");
        fs::write(folder.join("tests/more.json"), "{}").expect("a file");
        assert!(is_current(), "nor are cases");
        fs::write(folder.join("src/more.rs"), "").expect("a file");
        assert_ne!(now(), first, "a new file");
        fs::remove_file(folder.join("src/more.rs")).expect("it is there");
        assert!(is_current() && !are_those_of(&component, &first, Some(&digest_of_packages(&[]))), "another package");
        assert!(are_those_of(&component, &first, None));
        fs::write(&component, b"two").expect("a file");
        assert!(!is_current(), "another component");
        assert!(remove(&component).expect("it goes") && !remove(&component).expect("nothing"));
    }
}
