//! A backup as a stream of bytes: a first line, frames, a digest of all before it, and a signature over that digest.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | [`Contents::magic`] |
//! | 4 | [`Contents::version`] |
//! | 32 | of the log only: the public key that signs it |
//! | frames | length of the rest (4), number of a table (1; 0 for the heading), rows one after the other |
//! | 4 | 0, where a frame would be |
//! | 32 | SHA-256 of all bytes before |
//! | 64 | of the log only: signature over the digest ([`kith_core::backup`]) |
//!
//! Numbers are little-endian; rows are packed by [`crate::rows::column`]. A backup of the keys contains the signing
//! key, so a signature in it would prove nothing. Invariant: a backup counts as whole only after its digest was
//! compared and its signature verified, unless no signature is required.

use super::RestoreError;
use crate::{
    error::{OpenError, Versioned},
    limits,
};
use kith_core::{
    backup::{self, SIGNATURE_BYTES},
    checkpoint::{PublicKey, SigningKey},
};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Version of a backup of the keys.
const KEYS_VERSION: u32 = 2;

/// Number of the frame that describes the backup.
const HEADING: u8 = 0;

/// What a backup contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    Log,
    Keys,
}

impl Contents {
    /// The first bytes of the file.
    fn magic(self) -> &'static [u8; 16] {
        match self {
            Self::Log => backup::MAGIC,
            Self::Keys => b"kith key backup\n",
        }
    }

    fn version(self) -> u32 {
        match self {
            Self::Log => backup::VERSION,
            Self::Keys => KEYS_VERSION,
        }
    }
}

/// Which signature a backup of the log must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signer {
    /// One by this key.
    Is(PublicKey),
    /// One by the key that the backup names, whoever owns it.
    Any,
    /// None: it may be wrong or missing.
    Nobody,
}

/// Writes a backup.
pub(crate) struct Sink<'w> {
    out: &'w mut dyn Write,
    signer: Option<&'w SigningKey>,
    hash: Sha256,
    frame: Vec<u8>,
    bytes: u64,
}

impl<'w> Sink<'w> {
    /// Begins a backup of the log, to be signed by a key.
    pub(crate) fn of_log(out: &'w mut dyn Write, key: &'w SigningKey, heading: &[u8]) -> io::Result<Self> {
        Self::begin(out, Contents::Log, Some(key), heading)
    }

    /// Begins a backup of the keys.
    pub(crate) fn of_keys(out: &'w mut dyn Write) -> io::Result<Self> {
        Self::begin(out, Contents::Keys, None, &[])
    }

    fn begin(
        out: &'w mut dyn Write,
        contents: Contents,
        signer: Option<&'w SigningKey>,
        heading: &[u8],
    ) -> io::Result<Self> {
        let frame = Vec::with_capacity(2 * limits::BACKUP_FRAME_BYTES);
        let mut sink = Self { out, signer, hash: Sha256::new(), frame, bytes: 0 };
        sink.write(contents.magic())?;
        sink.write(&contents.version().to_le_bytes())?;
        if let Some(key) = signer {
            sink.write(key.public().as_bytes())?;
        }
        sink.frame.push(HEADING);
        sink.frame.extend_from_slice(heading);
        sink.close_frame()?;
        Ok(sink)
    }

    /// Adds a row of a table; returns whether it filled its frame.
    pub(crate) fn add(&mut self, table: u8, put: impl FnOnce(&mut Vec<u8>)) -> io::Result<Filled> {
        if self.frame.first().is_some_and(|open| *open != table) {
            self.close_frame()?;
        }
        if self.frame.is_empty() {
            self.frame.push(table);
        }
        put(&mut self.frame);
        if self.frame.len() < limits::BACKUP_FRAME_BYTES {
            return Ok(Filled::NotYet);
        }
        self.close_frame()?;
        Ok(Filled::Written)
    }

    /// Ends the backup; returns its size in bytes.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.close_frame()?;
        self.write(&0_u32.to_le_bytes())?;
        let digest: [u8; 32] = self.hash.finalize_reset().into();
        self.write(&digest)?;
        if let Some(key) = self.signer {
            self.write(&key.sign_backup(&digest))?;
        }
        self.out.flush()?;
        Ok(self.bytes)
    }

    fn close_frame(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.frame.len()).expect("a frame is far below 4 GiB");
        self.write(&length.to_le_bytes())?;
        let frame = std::mem::take(&mut self.frame);
        let written = self.write(&frame);
        self.frame = frame;
        self.frame.clear();
        written
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Whether a frame was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    NotYet,
    Written,
}

/// Reads a backup.
pub(crate) struct Source<R> {
    input: R,
    /// The key that a backup of the log names.
    key: Option<PublicKey>,
    signer: Signer,
    hash: Sha256,
    bytes: u64,
    frame: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// Begins to read a backup of the log; returns its heading.
    pub(crate) fn of_log(input: R, signer: Signer) -> Result<(Self, Vec<u8>), RestoreError> {
        Self::begin(input, Contents::Log, signer)
    }

    /// Begins to read a backup of the keys.
    pub(crate) fn of_keys(input: R) -> Result<Self, RestoreError> {
        Ok(Self::begin(input, Contents::Keys, Signer::Nobody)?.0)
    }

    fn begin(input: R, contents: Contents, signer: Signer) -> Result<(Self, Vec<u8>), RestoreError> {
        let mut source = Self { input, key: None, signer, hash: Sha256::new(), bytes: 0, frame: Vec::new() };
        let magic: [u8; 16] = source.array().map_err(|_| RestoreError::NotABackup)?;
        if magic != *contents.magic() {
            let known = [Contents::Log, Contents::Keys].iter().any(|other| magic == *other.magic());
            return Err(if known { RestoreError::OtherContents } else { RestoreError::NotABackup });
        }
        let found = u32::from_le_bytes(source.array()?);
        if found != contents.version() {
            let (of, supported) = (Versioned::Backup, contents.version());
            return Err(OpenError::Version { of, found, supported }.into());
        }
        if contents == Contents::Log {
            source.read_key()?;
        }
        let heading = match source.next()? {
            Some((HEADING, heading)) => heading.to_vec(),
            Some(_) | None => return Err(source.damaged("its heading is missing")),
        };
        Ok((source, heading))
    }

    /// The next frame: a table's number and rows. `None` at the end of a backup whose digest is right.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, &[u8])>, RestoreError> {
        let length = u32::from_le_bytes(self.array()?) as usize;
        if length == 0 {
            return self.end().map(|()| None);
        }
        if length > limits::BACKUP_FRAME_BYTES_MAX {
            return Err(self.damaged("a frame is too long"));
        }
        let mut frame = std::mem::take(&mut self.frame);
        frame.resize(length, 0);
        let read = self.read(&mut frame);
        self.frame = frame;
        read?;
        let (table, rows) = self.frame.split_first().expect("frames are not empty");
        Ok(Some((*table, rows)))
    }

    /// Reads the signing key; refuses a wrong one before anything else is read.
    fn read_key(&mut self) -> Result<(), RestoreError> {
        let key = PublicKey::new(self.array()?);
        if let Signer::Is(own) = self.signer
            && own != key
        {
            return Err(RestoreError::NotSigned { what: "another key signed it" });
        }
        self.key = Some(key);
        Ok(())
    }

    /// The key that a backup of the log names.
    pub(crate) fn key(&self) -> Option<PublicKey> {
        self.key
    }

    /// Bytes read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The error for damage in what was read last.
    pub(crate) fn damaged(&self, what: &'static str) -> RestoreError {
        RestoreError::Damaged { at: self.bytes, what }
    }

    fn end(&mut self) -> Result<(), RestoreError> {
        let expected: [u8; 32] = self.hash.finalize_reset().into();
        if self.array::<32>()? != expected {
            return Err(self.damaged("the bytes before do not match the digest at this place"));
        }
        if let Some(key) = self.key {
            self.check_signature(&key, &expected)?;
        }
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("there are bytes after the end")),
            Err(source) => Err(RestoreError::Unreadable(source)),
        }
    }

    fn check_signature(&mut self, key: &PublicKey, digest: &[u8; 32]) -> Result<(), RestoreError> {
        let mut signature = Vec::with_capacity(SIGNATURE_BYTES);
        let mut input = (&mut self.input).take(SIGNATURE_BYTES as u64);
        input.read_to_end(&mut signature).map_err(RestoreError::Unreadable)?;
        self.bytes += signature.len() as u64;
        let signature: Option<&[u8; SIGNATURE_BYTES]> = signature.as_slice().try_into().ok();
        let what = match signature {
            Some(signature) if key.signed_backup(digest, signature) => return Ok(()),
            Some(_) => "its signature is not over what it holds",
            None => "its signature is missing or cut off",
        };
        match self.signer {
            Signer::Nobody => Ok(()),
            Signer::Is(_) | Signer::Any => Err(RestoreError::NotSigned { what }),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RestoreError> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), RestoreError> {
        match self.input.read_exact(bytes) {
            Ok(()) => {
                self.hash.update(&*bytes);
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.damaged("it is cut off")),
            Err(error) => Err(RestoreError::Unreadable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(&[9; 32])
    }

    fn written(rows: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let (mut file, key) = (Vec::new(), key());
        let mut sink = Sink::of_log(&mut file, &key, b"heading").unwrap();
        for (table, row) in rows {
            sink.add(*table, |frame| frame.extend_from_slice(row)).unwrap();
        }
        let bytes = sink.finish().unwrap();
        assert_eq!(file.len() as u64, bytes);
        file
    }

    /// All frames, the heading first.
    fn read(file: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, RestoreError> {
        read_from(file, Signer::Is(key().public()))
    }

    fn read_from(file: &[u8], signer: Signer) -> Result<Vec<(u8, Vec<u8>)>, RestoreError> {
        let (mut source, heading) = Source::of_log(file, signer)?;
        let mut frames = vec![(HEADING, heading)];
        while let Some((table, rows)) = source.next()? {
            frames.push((table, rows.to_vec()));
        }
        assert_eq!(source.bytes(), file.len() as u64);
        Ok(frames)
    }

    #[test]
    fn frames_hold_rows_of_one_table_in_their_order() {
        let rows = [(1, vec![1; 10]), (1, vec![2; 10]), (2, vec![3; limits::BACKUP_FRAME_BYTES]), (2, vec![4; 3])];
        let frames = read(&written(&rows)).unwrap();
        let heading = (HEADING, b"heading".to_vec());
        let expected = [
            heading.clone(),
            (1, [vec![1; 10], vec![2; 10]].concat()),
            (2, vec![3; limits::BACKUP_FRAME_BYTES]),
            (2, vec![4; 3]),
        ];
        assert_eq!(frames, expected);
        assert_eq!(read(&written(&[])).unwrap(), [heading]);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_found() {
        let file = written(&[(1, vec![1; 40]), (9, vec![2; 30])]);
        for at in 0..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped).is_err(), "byte {at}");
            assert!(read(&file[..at]).is_err(), "cut at {at}");
        }
        assert!(read(&[file.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn what_the_client_verifies_is_what_is_written() {
        let mut verifier = backup::BackupVerifier::default();
        verifier.update(&written(&[(1, vec![1; 40])]));
        assert_eq!(verifier.finish(), Ok(key().public()));
    }

    #[test]
    fn a_signature_counts_as_it_is_asked_for() {
        let file = written(&[(1, vec![1; 40])]);
        let other = Signer::Is(SigningKey::from_seed(&[8; 32]).public());
        assert!(matches!(read_from(&file, other), Err(RestoreError::NotSigned { what: "another key signed it" })));
        assert_eq!(read_from(&file, Signer::Any).unwrap(), read(&file).unwrap());
        let mut forged = file.clone();
        *forged.last_mut().unwrap() ^= 1;
        let without = &file[..file.len() - SIGNATURE_BYTES];
        for unsigned in [&forged, without] {
            for signer in [Signer::Is(key().public()), Signer::Any] {
                assert!(matches!(read_from(unsigned, signer), Err(RestoreError::NotSigned { .. })));
            }
            assert_eq!(read_from(unsigned, Signer::Nobody).unwrap(), read(&file).unwrap());
        }
    }

    #[test]
    fn other_files_are_told_apart() {
        let begin = |file: &[u8]| Source::of_log(file, Signer::Any).err();
        let file = written(&[]);
        assert!(matches!(Source::of_keys(file.as_slice()).err(), Some(RestoreError::OtherContents)));
        assert!(matches!(begin(b"redb"), Some(RestoreError::NotABackup)));
        for version in [backup::VERSION - 1, backup::VERSION + 1] {
            let mut another = file.clone();
            another[16..20].copy_from_slice(&version.to_le_bytes());
            let refused = begin(&another);
            assert!(matches!(refused, Some(RestoreError::Open(OpenError::Version { found, .. })) if found == version));
        }
    }
}
