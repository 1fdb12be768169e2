//! Files to read from: plain or gzip, told apart by their first bytes, `-` for standard input; and their lines.

use crate::failure::Failure;
use flate2::bufread::MultiGzDecoder;
use kith_core::limits::APPEND_BYTES_MAX;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// First bytes of every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Text to be read.
pub(crate) type Input = BufReader<Box<dyn Read + Send>>;

/// Opens a file, unpacked if it is packed.
pub(crate) fn open(path: &Path) -> Result<Input, Failure> {
    let failed = |error| Failure::file("read", path, error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Failure::Usage(format!("{} is a folder", path.display())));
    }
    unpacked(buffered(file)).map_err(failed)
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open_or_stdin(path: &Path) -> Result<Input, Failure> {
    if path == Path::new("-") {
        return Ok(buffered(io::stdin()));
    }
    open(path)
}

/// Reads a whole file, unpacked.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| Failure::file("read", path, error))?;
    Ok(bytes)
}

fn unpacked(mut input: Input) -> io::Result<Input> {
    if input.fill_buf()?.starts_with(&GZIP_MAGIC) {
        return Ok(buffered(MultiGzDecoder::new(input)));
    }
    Ok(input)
}

fn buffered(reader: impl Read + Send + 'static) -> Input {
    BufReader::with_capacity(BUFFER_BYTES, Box::new(reader))
}

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its number among those, from 1.
    pub(crate) record: u64,
    /// Its text; `None` if it is longer than an append may be.
    pub(crate) text: Option<Vec<u8>>,
}

/// The lines of a text that are not blank.
pub(crate) struct Lines {
    input: Input,
    record: u64,
}

impl Lines {
    /// Reads from here.
    pub(crate) fn new(input: Input) -> Self {
        Self { input, record: 0 }
    }

    /// The next line; `None` after the last.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut text = Vec::new();
            let limit = APPEND_BYTES_MAX as u64 + 1;
            if (&mut self.input).take(limit).read_until(b'\n', &mut text)? == 0 {
                return Ok(None);
            }
            let whole = text.ends_with(b"\n") || text.len() <= APPEND_BYTES_MAX;
            if !whole {
                self.input.skip_until(b'\n')?;
            }
            if !text.trim_ascii().is_empty() {
                self.record += 1;
                return Ok(Some(Line { record: self.record, text: whole.then_some(text) }));
            }
        }
    }

    /// Whether the next line would have to be waited for: somebody may be typing.
    pub(crate) fn is_drained(&self) -> bool {
        self.input.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::{fs, io::Write};

    fn lines_of(text: &'static [u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(BufReader::new(Box::new(text)));
        let mut found = Vec::new();
        while let Some(Line { record, text }) = lines.next_line().unwrap() {
            found.push((record, text.map(|text| text.trim_ascii().to_vec())));
        }
        assert!(lines.is_drained());
        found
    }

    #[test]
    fn blank_lines_do_not_count() {
        let found = lines_of(b"one\r\n\n  \ntwo\nthree");
        let expected = [b"one".as_slice(), b"two", b"three"];
        assert_eq!(found, (1..).zip(expected.map(|text| Some(text.to_vec()))).collect::<Vec<_>>());
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let mut text = vec![b'x'; APPEND_BYTES_MAX + 10];
        text.extend(b"\nnext\n");
        let found = lines_of(text.leak());
        assert_eq!(found, [(1, None), (2, Some(b"next".to_vec()))]);
    }

    #[test]
    fn packed_files_are_unpacked_whatever_their_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.txt");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"1 2 3").unwrap();
        fs::write(&path, packed.finish().unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), b"1 2 3");
        fs::write(&path, b"4 5 6").unwrap();
        assert_eq!(read(&path).unwrap(), b"4 5 6");
        fs::write(&path, b"").unwrap();
        assert_eq!(read(&path).unwrap(), b"");
    }

    #[test]
    fn folders_and_missing_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let code = |path: &Path| open(path).map(drop).unwrap_err().exit_code();
        assert_eq!(code(folder.path()), 2);
        assert_eq!(code(&folder.path().join("missing")), 3);
    }
}
