//! Looks for what must not be there in the raw bytes of files.

use kith_words::{NETWORK_KEYS, PERSON_KEYS};
use redb::{ReadableDatabase, ReadableTable};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Every file under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

/// A text as it could lie in a file: UTF-8, UTF-16, hex, base64 in each of its three phases.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let bytes = text.as_bytes();
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let mut forms = vec![bytes.to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)];
    let hex = |digit: fn(u8) -> String| bytes.iter().map(|byte| digit(*byte)).collect::<String>().into_bytes();
    forms.extend([hex(|byte| format!("{byte:02x}")), hex(|byte| format!("{byte:02X}"))]);
    forms.extend((0..3).map(|phase| base64_of(&bytes[phase..bytes.len() - (bytes.len() - phase) % 3])));
    forms
}

fn base64_of(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |three: &[u8]| {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift) as usize & 63])
    };
    bytes.chunks_exact(3).flat_map(letters).collect()
}

/// Files with a canary in any form, with the canary.
pub(crate) fn holders<'c>(folders: &[&Path], canaries: &[&'c str]) -> Vec<(PathBuf, &'c str)> {
    let mut found = Vec::new();
    for path in folders.iter().flat_map(|folder| files(folder)) {
        let bytes = fs::read(&path).unwrap();
        for canary in canaries {
            let holds = |form: Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
            if forms(canary).into_iter().any(holds) {
                found.push((path.clone(), *canary));
            }
        }
    }
    found
}

/// A file of a dropped replica: the thread that gives other processes their turn may still hold it for a moment.
pub(crate) fn file_of_dropped(path: &Path) -> redb::Database {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match redb::Database::open(path) {
            Err(redb::DatabaseError::DatabaseAlreadyOpen) if Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(1));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// The keys in a folder of keys of a dropped replica, as they lie in the file: wrapped.
pub(crate) fn wrapped_keys(folder: &Path) -> Vec<Vec<u8>> {
    let database = file_of_dropped(&folder.join("keys.redb"));
    let transaction = database.begin_read().unwrap();
    let networks = transaction.open_table(NETWORK_KEYS).unwrap();
    let people = transaction.open_table(PERSON_KEYS).unwrap();
    let networks = networks.iter().unwrap().map(|row| row.unwrap().1.value().to_vec());
    let people = people.iter().unwrap().map(|row| row.unwrap().1.value().to_vec());
    networks.chain(people).collect()
}

/// How many of these byte strings lie in files under a folder.
pub(crate) fn count_in(folder: &Path, wanted: &[Vec<u8>]) -> usize {
    let bytes: Vec<_> = files(folder).iter().map(|path| fs::read(path).unwrap()).collect();
    let lies =
        |one: &&Vec<u8>| bytes.iter().any(|bytes| bytes.windows(one.len()).any(|window| window == one.as_slice()));
    wanted.iter().filter(lies).count()
}

#[test]
fn canaries_are_found_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    for (number, form) in forms("Wilhelmina Quicksilver").into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        fs::write(&path, [b"xyz", form.as_slice(), b"x"].concat()).unwrap();
    }
    assert_eq!(holders(&[folder.path()], &["Wilhelmina Quicksilver"]).len(), 8);
}
