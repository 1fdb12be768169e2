//! Where a command writes a file that was asked for: a new file, whole or not at all, or a pipe.

use crate::failure::Failure;
use std::{
    fs::{self, File, FileType, OpenOptions},
    io::{self, BufWriter, IsTerminal, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// A file that is being written.
pub(crate) struct Destination {
    path: PathBuf,
    out: BufWriter<Box<dyn Write + Send>>,
    /// A new file, written next to its destination, readable only by this account, and deleted if this is interrupted.
    /// `None` for a pipe or standard output, which is written to as things arrive.
    part: Option<NamedTempFile>,
}

impl Destination {
    /// A new file; `-` is standard output. What is no text is not written to a terminal.
    pub(crate) fn open(path: &Path, is_text: bool) -> Result<Self, Failure> {
        let failed = |error| Failure::file("write", path, error);
        let stream = |out: Box<dyn Write + Send>| Self { path: path.to_owned(), out: BufWriter::new(out), part: None };
        if path == Path::new("-") {
            if !is_text && io::stdout().is_terminal() {
                let told = "this is not text: name a file, or redirect standard output to one";
                return Err(Failure::Usage(told.to_owned()));
            }
            return Ok(stream(Box::new(io::stdout())));
        }
        let takes_bytes = |kind: FileType| kind.is_fifo() || kind.is_char_device();
        if fs::metadata(path).is_ok_and(|there| takes_bytes(there.file_type())) {
            let out = OpenOptions::new().write(true).open(path).map_err(failed)?;
            return Ok(stream(Box::new(out)));
        }
        if path.symlink_metadata().is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        fs::metadata(folder_of(path)).map_err(failed)?;
        // By kind alone: the error itself names the new file's passing name.
        let part = NamedTempFile::new_in(folder_of(path)).map_err(|error| failed(error.kind().into()))?;
        let out: Box<dyn Write + Send> = Box::new(part.as_file().try_clone().map_err(failed)?);
        Ok(Self { path: path.to_owned(), out: BufWriter::new(out), part: Some(part) })
    }

    /// Whether it is a file, so that standard output is free for a report.
    pub(crate) fn is_file(&self) -> bool {
        self.part.is_some()
    }

    /// The failure to write to it. A reader of a pipe that has gone is none.
    pub(crate) fn failed(&self, error: io::Error) -> Failure {
        if self.part.is_none() && error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::OutputClosed;
        }
        Failure::file("write", &self.path, error)
    }

    /// Completes it: a new file gets its name once it is on disk.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| self.failed(error))?;
        let Self { path, part, .. } = self;
        let Some(part) = part else { return Ok(()) };
        let failed = |error| Failure::file("write", &path, error);
        part.as_file().sync_all().map_err(failed)?;
        part.persist_noclobber(&path).map_err(|error| failed(error.error))?;
        File::open(folder_of(&path)).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
