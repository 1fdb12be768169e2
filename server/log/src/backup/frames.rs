//! A backup as a stream of bytes: a first line, frames, and a digest of all before it.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | [`Contents::magic`] |
//! | 4 | [`BACKUP_VERSION`] |
//! | frames | length of the rest (4), number of a table (1; 0 for the heading), rows one after the other |
//! | 4 | 0, where a frame would be |
//! | 32 | SHA-256 of all bytes before |
//!
//! Numbers are little-endian; rows are packed by [`crate::column`]. Invariant: nobody takes a backup for whole before
//! its digest was compared.

use super::RestoreError;
use crate::error::{OpenError, Versioned};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Version of this format.
const BACKUP_VERSION: u32 = 1;

/// Bytes after which a frame is closed.
const FRAME_BYTES: usize = 64 * 1024;

/// Bytes of the largest frame that is read: a frame is closed after the row that fills it.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Number of the frame that tells what the backup is of.
const HEADING: u8 = 0;

/// Bytes of the digest at the end.
const DIGEST_BYTES: u64 = 32;

/// What a backup is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    Log,
    Keys,
}

impl Contents {
    /// The first bytes of the file.
    fn magic(self) -> &'static [u8; 16] {
        match self {
            Self::Log => b"kith log backup\n",
            Self::Keys => b"kith key backup\n",
        }
    }
}

/// Writes a backup.
pub(crate) struct Sink<'w> {
    out: &'w mut dyn Write,
    hash: Sha256,
    frame: Vec<u8>,
    bytes: u64,
}

impl<'w> Sink<'w> {
    /// Begins a backup.
    pub(crate) fn begin(out: &'w mut dyn Write, contents: Contents, heading: &[u8]) -> io::Result<Self> {
        let mut sink = Self { out, hash: Sha256::new(), frame: Vec::with_capacity(2 * FRAME_BYTES), bytes: 0 };
        sink.write(contents.magic())?;
        sink.write(&BACKUP_VERSION.to_le_bytes())?;
        sink.frame.push(HEADING);
        sink.frame.extend_from_slice(heading);
        sink.close_frame()?;
        Ok(sink)
    }

    /// Adds a row of a table; true if it filled its frame.
    pub(crate) fn add(&mut self, table: u8, put: impl FnOnce(&mut Vec<u8>)) -> io::Result<Filled> {
        if self.frame.first().is_some_and(|open| *open != table) {
            self.close_frame()?;
        }
        if self.frame.is_empty() {
            self.frame.push(table);
        }
        put(&mut self.frame);
        if self.frame.len() < FRAME_BYTES {
            return Ok(Filled::NotYet);
        }
        self.close_frame()?;
        Ok(Filled::Written)
    }

    /// Ends the backup; gives its bytes.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.close_frame()?;
        self.write(&0_u32.to_le_bytes())?;
        let digest = self.hash.finalize_reset();
        self.out.write_all(&digest)?;
        self.out.flush()?;
        Ok(self.bytes + DIGEST_BYTES)
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

/// Whether a row went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    NotYet,
    Written,
}

/// Reads a backup.
pub(crate) struct Source<R> {
    input: R,
    hash: Sha256,
    bytes: u64,
    frame: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// Begins to read a backup; gives its heading.
    pub(crate) fn begin(input: R, contents: Contents) -> Result<(Self, Vec<u8>), RestoreError> {
        let mut source = Self { input, hash: Sha256::new(), bytes: 0, frame: Vec::new() };
        let magic: [u8; 16] = source.array().map_err(|_| RestoreError::NotABackup)?;
        if magic != *contents.magic() {
            let known = [Contents::Log, Contents::Keys].iter().any(|other| magic == *other.magic());
            return Err(if known { RestoreError::OtherContents } else { RestoreError::NotABackup });
        }
        let found = u32::from_le_bytes(source.array()?);
        if found != BACKUP_VERSION {
            let (of, supported) = (Versioned::Backup, BACKUP_VERSION);
            return Err(OpenError::Version { of, found, supported }.into());
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
        if length > FRAME_BYTES_MAX {
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

    /// Bytes read.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// That something is wrong with what was read last.
    pub(crate) fn damaged(&self, what: &'static str) -> RestoreError {
        RestoreError::Damaged { at: self.bytes, what }
    }

    fn end(&mut self) -> Result<(), RestoreError> {
        let expected: [u8; 32] = self.hash.finalize_reset().into();
        if self.array::<32>()? != expected {
            return Err(self.damaged("the bytes before do not have the digest that stands here"));
        }
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(self.damaged("there are bytes after the end")),
            Err(source) => Err(RestoreError::Unreadable(source)),
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

    fn written(rows: &[(u8, Vec<u8>)]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut sink = Sink::begin(&mut file, Contents::Log, b"heading").unwrap();
        for (table, row) in rows {
            sink.add(*table, |frame| frame.extend_from_slice(row)).unwrap();
        }
        let bytes = sink.finish().unwrap();
        assert_eq!(file.len() as u64, bytes);
        file
    }

    /// All frames, the heading first.
    fn read(file: &[u8]) -> Result<Vec<(u8, Vec<u8>)>, RestoreError> {
        let (mut source, heading) = Source::begin(file, Contents::Log)?;
        let mut frames = vec![(HEADING, heading)];
        while let Some((table, rows)) = source.next()? {
            frames.push((table, rows.to_vec()));
        }
        assert_eq!(source.bytes(), file.len() as u64);
        Ok(frames)
    }

    #[test]
    fn frames_hold_rows_of_one_table_in_their_order() {
        let rows = [(1, vec![1; 10]), (1, vec![2; 10]), (2, vec![3; FRAME_BYTES]), (2, vec![4; 3])];
        let frames = read(&written(&rows)).unwrap();
        let heading = (HEADING, b"heading".to_vec());
        let expected =
            [heading.clone(), (1, [vec![1; 10], vec![2; 10]].concat()), (2, vec![3; FRAME_BYTES]), (2, vec![4; 3])];
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
    fn other_files_are_told_apart() {
        let file = written(&[]);
        let keys = Source::begin(file.as_slice(), Contents::Keys).err();
        assert!(matches!(keys, Some(RestoreError::OtherContents)));
        assert!(matches!(Source::begin(&b"redb"[..], Contents::Log).err(), Some(RestoreError::NotABackup)));
        let mut newer = file;
        newer[16] = 2;
        let newer = Source::begin(newer.as_slice(), Contents::Log).err();
        assert!(matches!(newer, Some(RestoreError::Open(OpenError::Version { found: 2, supported: 1, .. }))));
    }
}
