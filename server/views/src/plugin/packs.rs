//! The compiled functions of each author on disk, for a host whose components are compiled in other processes.
//!
//! Invariant: a pack is given only to a process that compiles for the author whose process made it, and only if its keyed
//! checksum says that this program wrote it for that author. So whatever a component does to the process that compiles it
//! reaches no other author.

use super::cache::CacheKey;
use crate::limits;
use hmac::{Hmac, Mac};
use kith_core::id::NetworkName;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Length of the checksum in front of a pack.
const CHECKSUM_BYTES: usize = 32;
/// The end of the names of packs.
const ENDING: &str = "pack";

/// The packs of all authors: a folder for each network, in it one for each author.
pub struct Packs {
    folder: PathBuf,
    fingerprint: [u8; 32],
    key: CacheKey,
}

/// Who has components compiled: a principal in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The network that the components are for.
    pub network: NetworkName,
    /// The principal's id, and whether it is one of the network or of the whole server.
    pub principal: String,
}

impl Author {
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"kith/author/1");
        for part in [self.network.as_str(), &self.principal] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// A pack on disk.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Packs {
    /// Packs of the engine with this fingerprint; those of other engines are deleted.
    pub(crate) fn open(folder: &Path, fingerprint: [u8; 32], key: CacheKey) -> io::Result<Self> {
        let own = folder.join(hex::encode(&fingerprint[..8]));
        for other in entries(folder)?.into_iter().filter(|path| *path != own) {
            remove(&other)?;
        }
        crate::share::folder::make_private(folder)?;
        crate::share::folder::make_private(&own)?;
        Ok(Self { folder: own, fingerprint, key })
    }

    /// The packs of an author, those used last first.
    pub fn of(&self, author: &Author) -> io::Result<Vec<Pack>> {
        let mut found = found_in(&self.folder_of(author))?;
        found.sort_by_key(|pack| std::cmp::Reverse(pack.used));
        let (mut packs, mut left) = (Vec::new(), limits::AUTHOR_PACKS_BYTES_MAX);
        for Found { path, bytes, .. } in found.into_iter().take(limits::AUTHOR_PACKS_MAX) {
            let Some(bytes) = bytes.checked_sub(CHECKSUM_BYTES as u64) else { continue };
            let Some(less) = left.checked_sub(bytes) else { break };
            left = less;
            packs.push(Pack { path, bytes, mac: self.checksum(author) });
        }
        Ok(packs)
    }

    /// Begins a pack of an author.
    pub fn begin(&self, author: &Author) -> io::Result<NewPack> {
        let folder = self.folder_of(author);
        if let Some(network) = folder.parent() {
            crate::share::folder::make_private(network)?;
        }
        crate::share::folder::make_private(&folder)?;
        // Removes what an earlier process left unfinished.
        found_in(&folder)?;
        let path = folder.join("unfinished");
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let mut new = NewPack { file, path, mac: self.checksum(author), bytes: 0 };
        new.file.write_all(&[0; CHECKSUM_BYTES])?;
        Ok(new)
    }

    /// Deletes the packs of networks that are no longer there.
    pub fn retain_networks(&self, is_there: impl Fn(&str) -> bool) -> io::Result<()> {
        for network in entries(&self.folder)? {
            let name = network.file_name().and_then(|name| name.to_str());
            if !name.is_some_and(&is_there) {
                remove(&network)?;
            }
        }
        Ok(())
    }

    /// Deletes what is too much, of an author or in all: the packs that were not used for longest.
    pub fn cut(&self, author: &Author) -> io::Result<()> {
        cut(found_in(&self.folder_of(author))?, limits::AUTHOR_PACKS_MAX, limits::AUTHOR_PACKS_BYTES_MAX)?;
        let mut all = Vec::new();
        for network in entries(&self.folder)? {
            for author in entries(&network)? {
                all.extend(found_in(&author)?);
            }
        }
        cut(all, limits::PACKS_MAX, limits::PACKS_BYTES_MAX)
    }

    fn folder_of(&self, author: &Author) -> PathBuf {
        self.folder.join(author.network.as_str()).join(hex::encode(author.digest()))
    }

    /// A checksum that binds a pack to its author and engine.
    fn checksum(&self, author: &Author) -> Hmac<Sha256> {
        self.key.checksum(&[b"kith/functions/2", &self.fingerprint, &author.digest()])
    }
}

/// A pack to read.
#[derive(Clone)]
pub struct Pack {
    path: PathBuf,
    bytes: u64,
    mac: Hmac<Sha256>,
}

impl Pack {
    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Begins to read it. Blocks.
    pub fn open(&self) -> io::Result<PackReader> {
        let mut file = File::open(&self.path)?;
        let mut checksum = [0; CHECKSUM_BYTES];
        file.read_exact(&mut checksum)?;
        Ok(PackReader { file: file.take(self.bytes), checksum, mac: self.mac.clone() })
    }

    /// Notes that it was used just now. Blocks.
    pub fn note_use(&self) -> io::Result<()> {
        let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let times = Timestamps { last_access: at(UTIME_OMIT), last_modification: at(UTIME_NOW) };
        Ok(futimens(File::options().write(true).open(&self.path)?, &times)?)
    }

    /// Deletes it. Blocks.
    pub fn delete(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}

/// A pack that is being read.
pub struct PackReader {
    file: io::Take<File>,
    checksum: [u8; CHECKSUM_BYTES],
    mac: Hmac<Sha256>,
}

impl PackReader {
    /// The next piece; empty at the end. Blocks.
    pub fn next_piece(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        self.file.by_ref().take(limits::PACK_PIECE_BYTES).read_to_end(&mut piece)?;
        self.mac.update(&piece);
        Ok(piece)
    }

    /// Whether what was read is what this program wrote for the author.
    pub fn is_ours(self) -> bool {
        self.mac.verify_slice(&self.checksum).is_ok()
    }
}

/// A pack that is being written. Unless it is kept, its file is deleted.
pub struct NewPack {
    file: File,
    path: PathBuf,
    mac: Hmac<Sha256>,
    bytes: usize,
}

impl Drop for NewPack {
    fn drop(&mut self) {
        // It is there no more if it was kept.
        let _ = fs::remove_file(&self.path);
    }
}

impl NewPack {
    /// Adds a piece. Returns whether there was room for it. Blocks.
    pub fn push(&mut self, piece: &[u8]) -> io::Result<bool> {
        self.bytes += piece.len();
        if self.bytes > limits::PACK_BYTES_MAX {
            return Ok(false);
        }
        self.mac.update(piece);
        self.file.write_all(piece)?;
        Ok(true)
    }

    /// Puts it in its place, unless it is empty or too large. Blocks.
    pub fn keep(mut self) -> io::Result<()> {
        if self.bytes == 0 || self.bytes > limits::PACK_BYTES_MAX {
            return Ok(());
        }
        let checksum = self.mac.clone().finalize().into_bytes();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&checksum)?;
        // Two with the same functions are one.
        fs::rename(&self.path, self.path.with_file_name(hex::encode(checksum)).with_extension(ENDING))
    }
}

/// Deletes packs, those that were not used for longest first, until few enough are left.
fn cut(mut packs: Vec<Found>, count_max: usize, bytes_max: u64) -> io::Result<()> {
    packs.sort_by_key(|pack| std::cmp::Reverse(pack.used));
    let mut bytes = 0;
    for (number, pack) in packs.iter().enumerate() {
        bytes += pack.bytes;
        if number >= count_max || bytes > bytes_max {
            remove(&pack.path)?;
        }
    }
    Ok(())
}

/// The packs in an author's folder. What a process left unfinished is deleted: one works at a time.
fn found_in(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.extension().is_none_or(|ending| ending != ENDING) {
            remove(&path)?;
            continue;
        }
        let about = fs::metadata(&path)?;
        found.push(Found { path, bytes: about.len(), used: about.modified()? });
    }
    Ok(found)
}

/// What is in a folder; nothing if it does not exist.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Deletes a file or folder, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn author(network: &str, principal: &str) -> Author {
        Author { network: network.parse().unwrap(), principal: principal.to_owned() }
    }

    fn open(folder: &Path, engine: u8, secret: u8) -> Packs {
        Packs::open(folder, [engine; 32], CacheKey::new([secret; 32])).unwrap()
    }

    fn add(packs: &Packs, author: &Author, bytes: &[u8]) {
        let mut new = packs.begin(author).unwrap();
        assert!(new.push(bytes).unwrap());
        new.keep().unwrap();
    }

    /// The bytes of an author's packs, and whether they may be used.
    fn read(packs: &Packs, author: &Author) -> Vec<(Vec<u8>, bool)> {
        let read = |pack: Pack| {
            let mut reader = pack.open().unwrap();
            let bytes = reader.next_piece().unwrap();
            assert!(reader.next_piece().unwrap().is_empty());
            (bytes, reader.is_ours())
        };
        packs.of(author).unwrap().into_iter().map(read).collect()
    }

    #[test]
    fn an_author_gets_what_its_own_processes_made_and_nobody_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let packs = open(folder.path(), 1, 1);
        let amina = author("north", "network amina");
        add(&packs, &amina, b"code");
        assert_eq!(read(&packs, &amina), [(b"code".to_vec(), true)]);
        let others =
            [author("north", "network ben"), author("south", "network amina"), author("north", "server amina")];
        for other in &others {
            assert!(read(&packs, other).is_empty(), "{other:?}");
        }
        // Whoever can write files, but has no key, cannot pass code on to others.
        let folders = [packs.folder_of(&amina), packs.folder_of(&others[0])];
        fs::create_dir_all(&folders[1]).unwrap();
        let name = fs::read_dir(&folders[0]).unwrap().next().unwrap().unwrap().file_name();
        fs::copy(folders[0].join(&name), folders[1].join(&name)).unwrap();
        assert_eq!(read(&packs, &others[0]), [(b"code".to_vec(), false)]);
        assert_eq!(read(&open(folder.path(), 1, 2), &amina), [(b"code".to_vec(), false)], "written by another server");
        assert!(read(&open(folder.path(), 2, 1), &amina).is_empty(), "for another engine");
        assert!(read(&open(folder.path(), 1, 1), &amina).is_empty(), "which deleted those for this one");
    }

    #[test]
    fn what_is_damaged_cut_or_unfinished_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (packs, amina) = (open(folder.path(), 1, 1), author("north", "network amina"));
        add(&packs, &amina, b"code");
        let path = packs.of(&amina).unwrap()[0].path.clone();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert!(!read(&packs, &amina)[0].1, "{at}");
        }
        for length in [0, CHECKSUM_BYTES - 1, CHECKSUM_BYTES, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&packs, &amina).iter().all(|(_, is_ours)| !is_ours), "{length}");
        }
        fs::remove_file(&path).unwrap();
        let mut new = packs.begin(&amina).unwrap();
        assert!(new.push(b"half").unwrap());
        // A process that ended leaves its file.
        std::mem::forget(new);
        assert!(read(&packs, &amina).is_empty());
        add(&packs, &amina, b"code");
        packs.begin(&amina).unwrap().keep().unwrap();
        assert_eq!(read(&packs, &amina).len(), 1, "an empty one is none");
        let mut large = packs.begin(&amina).unwrap();
        assert!(!large.push(&vec![0; limits::PACK_BYTES_MAX + 1]).unwrap());
        large.keep().unwrap();
        assert_eq!(read(&packs, &amina).len(), 1);
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let (packs, amina) = (open(folder.path(), 1, 1), author("north", "network amina"));
        let set_used = |pack: &Pack, seconds| {
            let file = File::options().write(true).open(&pack.path).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        for number in 0..=limits::AUTHOR_PACKS_MAX {
            add(&packs, &amina, &number.to_le_bytes());
            let found = packs.of(&amina).unwrap();
            set_used(&found[0], number as u64);
        }
        let oldest = || found_in(&packs.folder_of(&amina)).unwrap().into_iter().min_by_key(|pack| pack.used).unwrap();
        let (first, used) = (oldest().path, packs.of(&amina).unwrap().pop().unwrap());
        used.note_use().unwrap();
        packs.cut(&amina).unwrap();
        let left = packs.of(&amina).unwrap();
        assert_eq!((left.len(), &left[0].path), (limits::AUTHOR_PACKS_MAX, &used.path));
        assert!(!first.exists());
        let all = found_in(&packs.folder_of(&amina)).unwrap();
        let kept = all.iter().map(|pack| pack.bytes).sum::<u64>() - 1;
        cut(all, limits::PACKS_MAX, kept).unwrap();
        assert_eq!(packs.of(&amina).unwrap().len(), limits::AUTHOR_PACKS_MAX - 1, "by bytes, too");
        packs.retain_networks(|name| name == "north").unwrap();
        assert!(!packs.of(&amina).unwrap().is_empty());
        packs.retain_networks(|name| name == "south").unwrap();
        assert!(packs.of(&amina).unwrap().is_empty() && !packs.folder_of(&amina).exists());
    }
}
