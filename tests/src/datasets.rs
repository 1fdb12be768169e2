//! Real contact data, if it is on this machine.
//!
//! The data sets may be used for tests but not distributed, so they are outside the project: `KITH_TEST_DATA` names
//! their folder. `tests/README.md` says where they come from.

use std::{env, path::PathBuf};

/// Path of a file of a data set; `None`, with a notice, if the data is not on this machine.
pub fn dataset(file: &str) -> Option<PathBuf> {
    let Some(folder) = env::var_os("KITH_TEST_DATA").map(PathBuf::from) else {
        eprintln!("not checked: KITH_TEST_DATA does not say where {file} is (see tests/README.md)");
        return None;
    };
    let path = folder.join(file);
    assert!(path.is_file(), "KITH_TEST_DATA is set, but {} is not there", path.display());
    Some(path)
}
