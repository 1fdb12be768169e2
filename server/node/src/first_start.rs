//! The first start: a data folder, an owner token in a file, a network named `default`.
//!
//! The network comes last: as long as none exists, the first start is incomplete and is repeated.

use crate::server_token::{self, OWNER_TOKEN_FILE, ServerToken, ServerTokenError};
use kith_core::id::NetworkName;
use kith_log::{CreateNetworkError, Log, Unavailable};
use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Name of the first network.
const FIRST_NETWORK: &str = "default";
/// Folders in the data folder that are created at the start.
const MADE_FOLDERS: [&str; 2] = ["views", "cache"];
/// Folders in the data folder that only this account may enter.
const PRIVATE_FOLDERS: [&str; 3] = ["views", "cache", "keys"];

/// Why the first start failed.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// A file or folder could not be created or read.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Other accounts may write in the data folder.
    #[error(
        "others may write in the data folder {path}, and may have done so: see that nothing in it is theirs, and run \
         `chmod 700 {path}`"
    )]
    Exposed {
        /// The data folder.
        path: PathBuf,
    },
    /// The file of the owner token cannot be trusted.
    #[error(transparent)]
    OwnerToken(#[from] ServerTokenError),
    /// The token could not be stored.
    #[error("the owner token could not be stored: {0}")]
    Token(#[from] Unavailable),
    /// The network could not be created.
    #[error("the network could not be created: {0}")]
    Network(#[from] CreateNetworkError),
}

/// Creates the data folder if it does not exist; refuses one that others may write in. Restricts it and the folders in
/// it to this account: their files are run, or reveal what the log contains.
pub(crate) fn make_folder(data: &Path) -> Result<(), FirstStartError> {
    make_private(data)?;
    let mode = fs::metadata(data).map_err(at(data))?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(FirstStartError::Exposed { path: data.to_owned() });
    }
    close_to_others(data)?;
    for name in MADE_FOLDERS {
        make_private(&data.join(name))?;
    }
    for name in PRIVATE_FOLDERS {
        close_to_others(&data.join(name))?;
    }
    Ok(())
}

fn make_private(folder: &Path) -> Result<(), FirstStartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))
}

/// Removes others' access to a folder. A link stays as it is: its target is somebody else's responsibility.
fn close_to_others(folder: &Path) -> Result<(), FirstStartError> {
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() && found.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(at(folder))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(folder)(error)),
    }
}

/// Completes a first start. Returns the path of the owner token, or `None` if this is not a first start.
pub(crate) async fn complete(log: &Log, data: &Path) -> Result<Option<PathBuf>, FirstStartError> {
    let path = data.join(OWNER_TOKEN_FILE);
    if !log.networks().is_empty() {
        // A file that others can read opens the server to them: fail now rather than let it be found out later.
        server_token::read(&path)?;
        return Ok(None);
    }
    let secret = server_token::read_or_make(&path)?;
    server_token::put(log, ServerToken::Owner, secret, None).await?;
    let name: NetworkName = FIRST_NETWORK.parse().expect("small letters are allowed in network names");
    log.create_network(&name).await?;
    Ok(Some(path))
}

fn at(path: &Path) -> impl Fn(io::Error) -> FirstStartError {
    move |source| FirstStartError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn every_folder_is_for_this_account_only() {
        let parent = tempfile::tempdir().unwrap();
        let data = parent.path().join("new/data");
        make_folder(&data).unwrap();
        let folders = [data.clone(), data.join("views"), data.join("cache")];
        assert_eq!(folders.each_ref().map(|folder| mode(folder)), [0o700; 3]);
        fs::create_dir(data.join("keys")).unwrap();
        for name in PRIVATE_FOLDERS {
            fs::set_permissions(data.join(name), Permissions::from_mode(0o777)).unwrap();
        }
        make_folder(&data).unwrap();
        assert_eq!(PRIVATE_FOLDERS.map(|name| mode(&data.join(name))), [0o700; 3]);
    }

    #[test]
    fn a_data_folder_that_others_may_write_in_is_refused_and_one_that_they_may_read_is_closed() {
        let data = tempfile::tempdir().unwrap();
        for wrong in [0o777, 0o770, 0o702, 0o720] {
            fs::set_permissions(data.path(), Permissions::from_mode(wrong)).unwrap();
            let refused = make_folder(data.path()).unwrap_err().to_string();
            assert!(refused.contains(&format!("chmod 700 {}", data.path().display())), "{wrong:o}: {refused}");
            assert_eq!((mode(data.path()), data.path().read_dir().unwrap().count()), (wrong, 0), "it stays as it was");
        }
        fs::set_permissions(data.path(), Permissions::from_mode(0o755)).unwrap();
        make_folder(data.path()).unwrap();
        assert_eq!(mode(data.path()), 0o700);
    }
}
