//! Where commands read from and write to: a file, a named pipe, or a standard stream, written as `-`.
//!
//! Invariant: inputs are read once, from beginning to end, and an existing file is never replaced.

use kith_log::OpenError;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Read, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

/// The name of a standard stream.
const STANDARD: &str = "-";

/// The input of a command.
pub(super) struct Input {
    pub(super) reader: Box<dyn Read>,
    /// Its size in bytes; 0 if unknown before it is read.
    pub(super) bytes: u64,
}

/// Opens an input.
pub(super) fn open(from: &Path) -> Result<Input, OpenError> {
    if from == Path::new(STANDARD) {
        return Ok(Input { reader: Box::new(io::stdin()), bytes: 0 });
    }
    let file = File::open(from).map_err(at(from))?;
    let metadata = file.metadata().map_err(at(from))?;
    if metadata.is_dir() {
        return Err(at(from)(io::ErrorKind::IsADirectory.into()));
    }
    Ok(Input { reader: Box::new(file), bytes: if metadata.is_file() { metadata.len() } else { 0 } })
}

/// Where a command writes.
pub(super) enum Output {
    /// Into a new file.
    New(PathBuf),
    /// Into a stream.
    Stream(Box<dyn Write>),
}

/// Determines where a command writes. Never to a terminal.
pub(super) fn output(to: &Path) -> Result<Output, OpenError> {
    if to == Path::new(STANDARD) {
        let out = io::stdout();
        let screen = io::Error::other("a backup is not text: name a file, or redirect standard output to one");
        return if out.is_terminal() { Err(at(to)(screen)) } else { Ok(Output::Stream(Box::new(out))) };
    }
    let takes_bytes =
        fs::metadata(to).is_ok_and(|there| there.file_type().is_fifo() || there.file_type().is_char_device());
    if !takes_bytes {
        return Ok(Output::New(to.to_owned()));
    }
    Ok(Output::Stream(Box::new(OpenOptions::new().write(true).open(to).map_err(at(to))?)))
}

fn at(path: &Path) -> impl Fn(io::Error) -> OpenError {
    move |source| OpenError::Io { path: path.to_owned(), source }
}
