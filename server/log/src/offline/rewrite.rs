//! Writes the log's file anew, so that nothing is left in it of what was erased.
//!
//! Invariant: the old file is replaced only by one that was checked from end to end, and is overwritten afterwards.

use crate::{
    config::{Clock, Config},
    error::OpenError,
    files::{folder_of, io_error},
    offline::backup::{BackupError, Offline, RestoreError, Step, build_from},
};
use kith_words::SwappedFile;
use std::{fs, io, thread};

/// The sizes of a file that was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Bytes of the old file.
    pub before: u64,
    /// Bytes of the new one.
    pub after: u64,
}

/// Why the log was not written anew. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] BackupError),
    /// The new file could not be written, or is not sound.
    #[error(transparent)]
    Write(#[from] RestoreError),
    /// A file could not be replaced.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Writes the log in a data folder anew. No server may have it open. Needs as much free space as the log takes.
pub fn rewrite(config: &Config, clock: &Clock, mut progress: impl FnMut(Step)) -> Result<Rewritten, RewriteError> {
    let file = SwappedFile::new(config.data.join("log.redb"));
    let in_folder = |error| io_error(folder_of(file.path()))(error);
    let log = Offline::open(config)?;
    file.recover(|| Ok(None)).map_err(in_folder)?;
    let (input, mut output) = io::pipe().map_err(in_folder)?;
    let total = size(&file)?;
    let built = thread::scope(|scope| {
        let dumping = scope.spawn(|| {
            let dumped = log.write(clock, &mut output, |_| ());
            drop(output);
            dumped
        });
        let built = build_from(config, &file.part(), log.signer(), (input, total), &mut progress);
        // If building fails, nobody reads what is dumped: its own error says that and no more.
        match (built, dumping.join()) {
            (Ok(()), Ok(Ok(_))) => Ok(()),
            (Ok(()), Ok(Err(error))) => Err(RewriteError::from(error)),
            (Err(error), _) => Err(error.into()),
            (Ok(()), Err(panic)) => std::panic::resume_unwind(panic),
        }
    });
    if built.is_err() {
        // The reported error says more than this one could.
        drop(fs::remove_file(file.part()));
        built?;
    }
    file.swap().map_err(in_folder)?;
    // Until here nobody else could open the old file.
    drop(log);
    file.forget_old(|| Ok(None)).map_err(in_folder)?;
    Ok(Rewritten { before: total, after: size(&file)? })
}

fn size(file: &SwappedFile) -> Result<u64, OpenError> {
    fs::metadata(file.path()).map(|metadata| metadata.len()).map_err(io_error(file.path()))
}
