//! Compiled components on disk, so that a restart need not compile them again.
//!
//! Only complete and unchanged files that were written with this cache's key are ever loaded as code.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    ffi::OsStr,
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};
use wasmtime::{Engine, component::Component};

/// Length of the checksum in front of the code.
const CHECKSUM_BYTES: usize = 32;

/// Number of the next unfinished file.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// The key of the checksums of compiled code: without it nobody can plant code that is run.
#[derive(Clone, PartialEq, Eq)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// A key that only this program knows.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// A checksum over these parts, which must tell what they are and which no other parts add up to.
    pub(super) fn checksum(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length is one");
        for part in parts {
            mac.update(part);
        }
        mac
    }

    /// No secret: checksums only detect damage. For folders of an account that has no secrets from its own files.
    pub fn of_the_account() -> Self {
        Self([0; 32])
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKey(***)")
    }
}

/// A folder of compiled components, named by component and engine.
pub(crate) struct ComponentCache {
    folder: PathBuf,
    fingerprint: [u8; 32],
    key: CacheKey,
}

impl ComponentCache {
    /// Opens the folder, creating it if necessary, for code of the engine with this fingerprint.
    pub(crate) fn open(folder: PathBuf, fingerprint: [u8; 32], key: CacheKey) -> io::Result<Self> {
        crate::share::folder::make_private(&folder)?;
        Ok(Self { folder, fingerprint, key })
    }

    /// The code of the component with this SHA-256, if it is in the cache.
    pub(crate) fn find(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let file = fs::read(self.path(digest)).ok()?;
        let (checksum, code) = file.split_first_chunk::<CHECKSUM_BYTES>()?;
        if self.checksum(digest, code).verify_slice(checksum).is_err() {
            tracing::warn!("a compiled component was damaged or not made here; it is compiled again");
            return None;
        }
        deserialize(engine, code).ok()
    }

    /// Stores the code of a component. If the file cannot be written, the component is compiled again after a restart.
    pub(crate) fn keep(&self, component: &Component, digest: &[u8; 32]) {
        if let Err(error) = self.write(component, digest) {
            tracing::warn!(%error, "compiled component could not be stored");
        }
    }

    fn write(&self, component: &Component, digest: &[u8; 32]) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let path = self.path(digest);
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let unfinished = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(&self.checksum(digest, &code).finalize().into_bytes())?;
        file.write_all(&code)?;
        fs::rename(unfinished, path)
    }

    /// Deletes this engine's code of all components that are not named. Returns the number of files deleted.
    pub(crate) fn retain(&self, is_named: impl Fn(&[u8; 32]) -> bool) -> io::Result<usize> {
        let mut deleted = 0;
        for file in fs::read_dir(&self.folder)? {
            let file = file?;
            // Compiled functions.
            if file.file_type()?.is_dir() {
                continue;
            }
            if self.digest_of(&file.file_name()).is_some_and(|digest| is_named(&digest)) {
                continue;
            }
            match fs::remove_file(file.path()) {
                Ok(()) => deleted += 1,
                // Another process that shares the folder has deleted it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, path = %file.path().display(), "cache file could not be deleted"),
            }
        }
        Ok(deleted)
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{}{}", hex::encode(digest), self.ending()))
    }

    /// The end of the names of files for this engine.
    fn ending(&self) -> String {
        format!("-{}.cwasm", hex::encode(&self.fingerprint[..8]))
    }

    /// The digest of the component whose code for this engine is in a file.
    fn digest_of(&self, file: &OsStr) -> Option<[u8; 32]> {
        let digest = hex::decode(file.to_str()?.strip_suffix(&self.ending())?).ok()?;
        digest.try_into().ok()
    }

    /// A checksum that binds the code to its component and engine.
    fn checksum(&self, digest: &[u8; 32], code: &[u8]) -> Hmac<Sha256> {
        self.key.checksum(&[b"kith/compiled/1", &self.fingerprint, digest, code])
    }
}

/// Loads code made by `Component::serialize` or `Engine::precompile_component` for an engine like this one.
#[allow(unsafe_code, reason = "wasmtime loads its own compiled code through an unsafe function only")]
pub(crate) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was made by wasmtime, in this process or in a child that this program started from its own file:
    // it either came from there just now, or its keyed checksum was verified, and only `write` makes files with one.
    unsafe { Component::deserialize(engine, code) }
}
