//! The first start: a data folder, an owner token in a file, a network named `default`.
//!
//! The network comes last: as long as there is none, the first start is not over and begins again.

use kith_core::{event::Role, id::NetworkName};
use kith_log::{CreateNetworkError, Log, NewServerToken, PutTokenError, new_secret};
use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Name of the owner token's file in the data folder.
pub const OWNER_TOKEN_FILE: &str = "owner.token";
/// Name of the first network.
const FIRST_NETWORK: &str = "default";

/// Why the first start failed.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// A file or folder could not be made or read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The token could not be stored.
    #[error("the owner token could not be stored: {0}")]
    Token(#[from] PutTokenError),
    /// The network could not be made.
    #[error("the network could not be made: {0}")]
    Network(#[from] CreateNetworkError),
}

/// Makes the data folder, for this account only, if it is not there.
pub(crate) fn make_folder(data: &Path) -> Result<(), FirstStartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(at(data))
}

/// Completes the first start if it is one. Gives the path of the owner token then.
pub(crate) async fn complete(log: &Log, data: &Path) -> Result<Option<PathBuf>, FirstStartError> {
    if !log.networks().is_empty() {
        return Ok(None);
    }
    let path = data.join(OWNER_TOKEN_FILE);
    let secret = write_or_read_secret(&path)?;
    let id = "owner".parse().expect("small letters are allowed in token ids");
    log.put_server_token(NewServerToken { id, secret, role: Role::Owner, expires_at: None }).await?;
    let name: NetworkName = FIRST_NETWORK.parse().expect("small letters are allowed in network names");
    log.create_network(&name).await?;
    Ok(Some(path))
}

/// The secret of a first start that broke off, or a new one, in a file that only this account reads.
fn write_or_read_secret(path: &Path) -> Result<String, FirstStartError> {
    match std::fs::read_to_string(path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(at(path)(source)),
    }
    let secret = new_secret();
    let draft = path.with_extension("token.new");
    write_private(&draft, &secret).map_err(at(&draft))?;
    std::fs::rename(&draft, path).map_err(at(path))?;
    Ok(secret)
}

fn write_private(path: &Path, secret: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

fn at(path: &Path) -> impl Fn(io::Error) -> FirstStartError {
    move |source| FirstStartError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn folder_and_token_are_for_this_account_only() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("new/data");
        make_folder(&data).unwrap();
        let path = data.join(OWNER_TOKEN_FILE);
        let secret = write_or_read_secret(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&path)), (0o700, 0o600));
        assert_eq!(write_or_read_secret(&path).unwrap(), secret, "a start that broke off goes on with its token");
    }
}
