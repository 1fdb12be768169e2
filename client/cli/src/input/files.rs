//! Reads files, plain or gzip as told by their first bytes, or standard input for `-`; and their lines.
//!
//! A file may be anything that can be read once, such as a pipe: what is needed twice is spooled. A leading byte order
//! mark is skipped, and UTF-16, which is not supported, is reported.

use crate::failure::Failure;
use flate2::bufread::MultiGzDecoder;
use kith_core::{
    limits::{APPEND_BYTES_MAX, COMPONENT_BYTES_MAX},
    text::{self, HEAD_BYTES, NotText, UTF_8_MARK},
};
use kith_import::Spot;
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Cursor, Read, Seek},
    path::Path,
};

/// The first bytes of every gzip file (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// A text to read.
pub(crate) type Input = BufReader<Box<dyn Read + Send>>;

/// Opens a text, decompressing it if necessary; `-` is standard input.
pub(crate) fn open(path: &Path) -> Result<Input, Failure> {
    opened(path, open_raw(path)?)
}

/// Reads a whole text, decompressed.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| Failure::file("read", path, error))?;
    decode(path, bytes)
}

/// Reads a whole file of up to `bytes_max` bytes, decompressed, in whatever encoding; `-` is standard input.
pub(crate) fn read_bytes(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::file("read", path, error);
    let mut bytes = Vec::new();
    unpacked(open_raw(path)?).map_err(failed)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > bytes_max {
        return Err(Failure::Usage(format!("{} has more than {bytes_max} bytes: divide it", path.display())));
    }
    Ok(bytes)
}

/// Reads one of Kith's own files, which are never compressed; `None` if it does not exist.
pub(crate) fn read_own_text(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read(path) {
        Ok(bytes) => decode(path, bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read", path, error)),
    }
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
    text::decode(bytes).map_err(|why| not_text(path, why))
}

fn not_text(path: &Path, why: NotText) -> Failure {
    Failure::Usage(format!("{} {why}", path.display()))
}

/// Reads a text that is not longer than `bytes_max`, such as a token.
pub(crate) fn read_short_text(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let failed = |error| Failure::file("read", path, error);
    opened(path, open_raw(path)?)?.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::Usage(format!("{} is longer than {bytes_max} bytes", path.display())));
    }
    decode(path, bytes)
}

/// Reads a plugin's component, up to the maximum size; `-` is standard input.
pub(crate) fn read_component(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut source = open_raw(path)?.take(COMPONENT_BYTES_MAX as u64 + 1);
    source.read_to_end(&mut bytes).map_err(|error| Failure::file("read", path, error))?;
    if bytes.len() > COMPONENT_BYTES_MAX {
        let text = format!("{}: the component has more than {COMPONENT_BYTES_MAX} bytes", path.display());
        return Err(Failure::PluginRefused(text));
    }
    Ok(bytes)
}

fn open_raw(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    Ok(Box::new(open_file(path)?))
}

fn open_file(path: &Path) -> Result<File, Failure> {
    let failed = |error| Failure::file("read", path, error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Failure::Usage(format!("{} is a folder", path.display())));
    }
    Ok(file)
}

/// A text that is read more than once. Anything but a regular file can be read only once, and is copied to an unnamed
/// temporary file first.
#[derive(Debug)]
pub(crate) struct Rereadable(File);

impl Rereadable {
    /// Opens it; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::file("read", path, error);
        let mut source: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            let file = open_file(path)?;
            if file.metadata().map_err(failed)?.is_file() {
                return Ok(Self(file));
            }
            Box::new(file)
        };
        let mut spooled = tempfile::tempfile().map_err(failed)?;
        io::copy(&mut source, &mut spooled).map_err(failed)?;
        Ok(Self(spooled))
    }

    /// Reads it from its beginning. Only the newest reader may be used.
    pub(crate) fn again(&mut self, path: &Path) -> Result<Input, Failure> {
        let failed = |error| Failure::file("read", path, error);
        self.0.rewind().map_err(failed)?;
        opened(path, Box::new(self.0.try_clone().map_err(failed)?))
    }
}

impl Rereadable {
    /// Its bytes from its beginning, decompressed, in whatever encoding. Only the newest reader may be used.
    pub(crate) fn again_bytes(&mut self, path: &Path) -> Result<Input, Failure> {
        unpacked(Box::new(self.raw(path)?)).map_err(|error| Failure::file("read", path, error))
    }

    /// Its bytes from its beginning, as they are. Only the newest reader may be used.
    pub(crate) fn raw(&mut self, path: &Path) -> Result<BufReader<File>, Failure> {
        let failed = |error| Failure::file("read", path, error);
        self.0.rewind().map_err(failed)?;
        Ok(BufReader::with_capacity(BUFFER_BYTES, self.0.try_clone().map_err(failed)?))
    }
}

/// A text being read: decompressed, without byte order mark.
fn opened(path: &Path, source: Box<dyn Read + Send>) -> Result<Input, Failure> {
    let failed = |error| Failure::file("read", path, error);
    let (head, rest) = with_head(source).map_err(failed)?;
    if !head.starts_with(&GZIP_MAGIC) {
        return plain(path, &head, rest);
    }
    let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(rest)));
    let (head, rest) = with_head(Box::new(unpacked)).map_err(failed)?;
    plain(path, &head, rest)
}

/// Bytes being read: decompressed, in whatever encoding.
fn unpacked(source: Box<dyn Read + Send>) -> io::Result<Input> {
    let (head, rest) = with_head(source)?;
    let is_packed = head.starts_with(&GZIP_MAGIC);
    let whole = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(rest));
    let bytes: Box<dyn Read + Send> = if is_packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    Ok(BufReader::with_capacity(BUFFER_BYTES, bytes))
}

fn plain(path: &Path, head: &[u8], rest: Box<dyn Read + Send>) -> Result<Input, Failure> {
    if text::is_utf_16(head) {
        return Err(not_text(path, NotText::Utf16));
    }
    let head = head.strip_prefix(&UTF_8_MARK).unwrap_or(head).to_vec();
    Ok(BufReader::with_capacity(BUFFER_BYTES, Box::new(Cursor::new(head).chain(rest))))
}

/// The first bytes of a source, fewer only if it is shorter, and the rest.
fn with_head(mut source: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    (&mut source).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok((head, source))
}

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its number among the lines that are not blank, and among all lines.
    pub(crate) spot: Spot,
    /// Its text; `None` if it is too long for an append.
    pub(crate) text: Option<Vec<u8>>,
}

/// The lines of a text that are not blank.
pub(crate) struct Lines {
    input: Input,
    spot: Spot,
}

impl Lines {
    /// Reads lines from a text.
    pub(crate) fn new(input: Input) -> Self {
        Self { input, spot: Spot::new(0, 0) }
    }

    /// The next line; `None` after the last.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut text = Vec::new();
            let limit = APPEND_BYTES_MAX as u64 + 1;
            if (&mut self.input).take(limit).read_until(b'\n', &mut text)? == 0 {
                return Ok(None);
            }
            self.spot.line += 1;
            let whole = text.ends_with(b"\n") || text.len() <= APPEND_BYTES_MAX;
            if !whole {
                self.input.skip_until(b'\n')?;
            }
            if !text.trim_ascii().is_empty() {
                self.spot.record += 1;
                return Ok(Some(Line { spot: self.spot, text: whole.then_some(text) }));
            }
        }
    }

    /// Whether the next line is not available yet: somebody may be typing.
    pub(crate) fn is_drained(&self) -> bool {
        self.input.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn lines_of(text: &'static [u8]) -> Vec<(Spot, Option<Vec<u8>>)> {
        let mut lines = Lines::new(BufReader::new(Box::new(text)));
        let mut found = Vec::new();
        while let Some(Line { spot, text }) = lines.next_line().unwrap() {
            found.push((spot, text.map(|text| text.trim_ascii().to_vec())));
        }
        assert!(lines.is_drained());
        found
    }

    #[test]
    fn blank_lines_are_no_records() {
        let found = lines_of(b"one\r\n\n  \ntwo\nthree");
        let expected = [(1, 1, b"one".as_slice()), (2, 4, b"two"), (3, 5, b"three")];
        assert_eq!(found, expected.map(|(record, line, text)| (Spot::new(record, line), Some(text.to_vec()))));
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let mut text = vec![b'x'; APPEND_BYTES_MAX + 10];
        text.extend(b"\nnext\n");
        let found = lines_of(text.leak());
        assert_eq!(found, [(Spot::new(1, 1), None), (Spot::new(2, 2), Some(b"next".to_vec()))]);
    }

    #[test]
    fn packed_files_are_unpacked_whatever_their_name() {
        let read = |path: &Path| read_text(path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.txt");
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"1 2 3").unwrap();
        fs::write(&path, packed.finish().unwrap()).unwrap();
        assert_eq!(read(&path), "1 2 3");
        fs::write(&path, b"4 5 6").unwrap();
        assert_eq!(read(&path), "4 5 6");
        fs::write(&path, b"").unwrap();
        assert_eq!(read(&path), "");
    }

    #[test]
    fn byte_order_marks_are_passed_over_and_utf_16_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let check = |bytes: &[u8], expected: Result<&str, &str>| {
            fs::write(&path, bytes).unwrap();
            match (read_text(&path), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected),
                (Err(failure), Err(part)) => assert!(failure.to_string().contains(part), "{failure}"),
                (found, expected) => panic!("{bytes:?}: {found:?} instead of {expected:?}"),
            }
        };
        check(b"\xef\xbb\xbf1 2", Ok("1 2"));
        check(b"\xef\xbb\xbf", Ok(""));
        check("1\u{feff}".as_bytes(), Ok("1\u{feff}"));
        check(b"\xff\xfe1\0", Err("is UTF-16"));
        check(b"\xfe\xff\x001", Err("is UTF-16"));
        check(b"{\0}\0", Err("is UTF-16"));
        check(b"\0{\0}", Err("is UTF-16"));
        check(b"\xffabc", Err("is not text"));
        check(b"1", Ok("1"));
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(b"\xef\xbb\xbfx").unwrap();
        check(&packed.finish().unwrap(), Ok("x"));
    }

    #[test]
    fn what_is_read_twice_is_the_same_both_times() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        fs::write(&path, b"\xef\xbb\xbfone\ntwo\n").unwrap();
        let mut file = Rereadable::open(&path).unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            file.again(&path).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "one\ntwo\n");
        }
    }

    #[test]
    fn folders_and_missing_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let code = |path: &Path| open(path).map(drop).unwrap_err().exit_code();
        assert_eq!(code(folder.path()), 2);
        assert_eq!(code(&folder.path().join("missing")), 3);
    }
}
