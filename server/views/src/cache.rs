//! Compiled components on disk, so that a restart need not compile.
//!
//! Only files that this cache wrote itself, whole and unchanged, are ever loaded as code.

use crate::refused::Refused;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};
use wasmtime::{Engine, component::Component};

/// Length of the checksum in front of the code.
const CHECKSUM_BYTES: usize = 32;

/// Number of the next unfinished file.
static UNFINISHED: AtomicU64 = AtomicU64::new(0);

/// A folder of compiled components, named by component and engine.
pub(crate) struct ComponentCache {
    folder: PathBuf,
    fingerprint: [u8; 32],
}

impl ComponentCache {
    /// Opens the folder, making it if needed, for code of the engine with this fingerprint.
    pub(crate) fn open(folder: PathBuf, fingerprint: [u8; 32]) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, fingerprint })
    }

    /// The component with this SHA-256, from its file or compiled anew. A file that cannot be written costs a
    /// compilation at the next start and nothing else.
    pub(crate) fn load(&self, engine: &Engine, bytes: &[u8], digest: &[u8; 32]) -> Result<Component, Refused> {
        if let Some(component) = self.find(engine, digest) {
            return Ok(component);
        }
        let component = Component::new(engine, bytes).map_err(|error| Refused::no_component(&error))?;
        if let Err(error) = self.keep(&component, digest) {
            tracing::warn!(%error, "compiled component could not be kept");
        }
        Ok(component)
    }

    fn find(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let file = fs::read(self.path(digest)).ok()?;
        let (checksum, code) = file.split_first_chunk::<CHECKSUM_BYTES>()?;
        if *checksum != self.checksum(digest, code) {
            tracing::warn!("a compiled component was damaged; it is compiled anew");
            return None;
        }
        deserialize(engine, code)
    }

    fn keep(&self, component: &Component, digest: &[u8; 32]) -> io::Result<()> {
        let code = component.serialize().map_err(io::Error::other)?;
        let mut file = Vec::with_capacity(CHECKSUM_BYTES + code.len());
        file.extend_from_slice(&self.checksum(digest, &code));
        file.extend_from_slice(&code);
        let path = self.path(digest);
        let number = UNFINISHED.fetch_add(1, Ordering::Relaxed);
        let unfinished = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        fs::write(&unfinished, file)?;
        fs::rename(unfinished, path)
    }

    fn path(&self, digest: &[u8; 32]) -> PathBuf {
        let (component, engine) = (hex::encode(digest), hex::encode(&self.fingerprint[..8]));
        self.folder.join(format!("{component}-{engine}.cwasm"))
    }

    /// Binds the code to the component and the engine it was made of and for.
    fn checksum(&self, digest: &[u8; 32], code: &[u8]) -> [u8; CHECKSUM_BYTES] {
        let mut hash = Sha256::new();
        hash.update(b"kith/compiled/1");
        hash.update(self.fingerprint);
        hash.update(digest);
        hash.update(code);
        hash.finalize().into()
    }
}

#[allow(unsafe_code, reason = "wasmtime loads its own compiled code through an unsafe function only")]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: `code` came from `Component::serialize` on an engine with this fingerprint: the checksum that covers
    // both was verified, and only `keep` writes files into this server's own cache folder.
    unsafe { Component::deserialize(engine, code) }.ok()
}
