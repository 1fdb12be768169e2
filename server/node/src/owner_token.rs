//! The owner token: a token for the whole server, whose secret is in a file that only this account can read.
//!
//! Invariant: the file is accepted only if it contains a well-formed secret and only this account could access it.

use crate::{clock::Clock, limits::OWNER_TOKEN_BYTES_MAX};
use kith_core::{event::Role, id::TokenId, timestamp::Timestamp};
use kith_log::{Log, NewServerToken, OpenError, Token, Unavailable, is_secret, new_secret};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Name of the owner token's file in the data folder.
pub const OWNER_TOKEN_FILE: &str = "owner.token";
/// The public id of the owner token.
const ID: &str = "owner";

/// Why no owner token was made, or the existing one was rejected.
#[derive(Debug, thiserror::Error)]
pub enum OwnerTokenError {
    /// A file could not be created or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Others may read or write the file.
    #[error(
        "others may read or write the owner token {path}: run `chmod 600 {path}`, and assume that the token is known: \
         `kithd owner rotate` replaces it"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to another account.
    #[error("the owner token {path} belongs to another account: remove it, `kithd owner rotate` makes another")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file does not contain a token.
    #[error("{path} does not contain a token (kith_ and 52 letters and digits): remove it")]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The data folder has no log.
    #[error("there is no log in {data}: the first start of the server makes one, with an owner token")]
    NoLog {
        /// The data folder.
        data: PathBuf,
    },
    /// The log could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A valid owner token exists already.
    #[error("there is an owner token already, {age}: `kithd owner rotate` replaces it", age = issued(.token))]
    AlreadyThere {
        /// The token.
        token: Box<Token>,
    },
    /// No valid owner token exists that could be replaced.
    #[error("there is no valid owner token: `kithd owner issue` makes one")]
    NoneThere,
    /// The token could not be stored.
    #[error("the owner token could not be stored: {0}")]
    Store(#[from] Unavailable),
}

fn issued(token: &Token) -> String {
    format!("issued {}", token.issued_at.to_proto())
}

/// Whether to make a first owner token or to replace the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No valid owner token may exist.
    Issue,
    /// A valid owner token must exist; it stops working.
    Rotate,
}

/// Makes an owner token in a data folder that no server uses, and returns the path of its file.
pub async fn change(
    config: &kith_log::Config,
    clock: Clock,
    change: Change,
    expires_at: Option<Timestamp>,
) -> Result<PathBuf, OwnerTokenError> {
    if !config.data.join("log.redb").exists() {
        return Err(OwnerTokenError::NoLog { data: config.data.clone() });
    }
    let now = clock();
    let log = Log::open(config, clock)?;
    let changed = change_in(&log, &config.data, now, change, expires_at).await;
    log.shutdown().await;
    changed
}

async fn change_in(
    log: &Log,
    data: &Path,
    now: Timestamp,
    change: Change,
    expires_at: Option<Timestamp>,
) -> Result<PathBuf, OwnerTokenError> {
    match (change, current(log, now)) {
        (Change::Issue, Some(token)) => return Err(OwnerTokenError::AlreadyThere { token: Box::new(token) }),
        (Change::Rotate, None) => return Err(OwnerTokenError::NoneThere),
        (Change::Issue, None) | (Change::Rotate, Some(_)) => {}
    }
    let path = data.join(OWNER_TOKEN_FILE);
    let draft = draft_of(&path);
    let secret = new_secret();
    // The file first: a crash in between leaves the new secret in the draft and the old one valid.
    write_private(&draft, &secret).map_err(at(&draft))?;
    put(log, secret, expires_at).await?;
    publish(&draft, &path)?;
    Ok(path)
}

/// The owner token, if a valid one exists.
pub(crate) fn current(log: &Log, now: Timestamp) -> Option<Token> {
    let opens = |token: &Token| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end);
    log.server_tokens().into_iter().find(|token| token.id == id() && opens(token))
}

/// Stores the owner token, replacing the previous one.
pub(crate) async fn put(log: &Log, secret: String, expires_at: Option<Timestamp>) -> Result<(), Unavailable> {
    log.put_server_token(NewServerToken { id: id(), secret, role: Role::Owner, expires_at }).await
}

/// The secret that an interrupted first start left in the file, or a new one, written to the file.
pub(crate) fn read_or_make(path: &Path) -> Result<String, OwnerTokenError> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    let (secret, draft) = (new_secret(), draft_of(path));
    write_private(&draft, &secret).map_err(at(&draft))?;
    publish(&draft, path)?;
    Ok(secret)
}

/// The secret in the file, or `None` if there is no file. A file that cannot be trusted is an error.
pub(crate) fn read(path: &Path) -> Result<Option<String>, OwnerTokenError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(at(path)(source)),
    };
    let metadata = file.metadata().map_err(at(path))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(OwnerTokenError::Foreign { path: path.to_owned() });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(OwnerTokenError::Exposed { path: path.to_owned() });
    }
    let mut text = Vec::new();
    file.take(OWNER_TOKEN_BYTES_MAX).read_to_end(&mut text).map_err(at(path))?;
    let text = String::from_utf8(text).ok();
    let secret = text.as_deref().map(str::trim).filter(|text| is_secret(text));
    let malformed = || OwnerTokenError::Malformed { path: path.to_owned() };
    secret.map(|secret| Some(secret.to_owned())).ok_or_else(malformed)
}

fn id() -> TokenId {
    ID.parse().expect("small letters are allowed in token ids")
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("token.new")
}

fn publish(draft: &Path, path: &Path) -> Result<(), OwnerTokenError> {
    std::fs::rename(draft, path).map_err(at(path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

fn write_private(path: &Path, secret: &str) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

fn at(path: &Path) -> impl Fn(io::Error) -> OwnerTokenError {
    move |source| OwnerTokenError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn a_token_is_made_once_for_this_account_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OWNER_TOKEN_FILE);
        let secret = read_or_make(&path).unwrap();
        assert!(is_secret(&secret));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_or_make(&path).unwrap(), secret, "a start that broke off goes on with its token");
    }

    #[test]
    fn only_a_secret_that_nobody_else_reads_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OWNER_TOKEN_FILE);
        let put = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let secret = new_secret();
        for text in ["", "\n", "secret", "kith_abc", &secret[..56], &format!("{secret}a"), &secret.to_uppercase()] {
            put(text, 0o600);
            assert!(matches!(read_or_make(&path), Err(OwnerTokenError::Malformed { .. })), "{text:?}");
        }
        for mode in [0o644, 0o620, 0o604, 0o602] {
            put(&secret, mode);
            assert!(matches!(read_or_make(&path), Err(OwnerTokenError::Exposed { .. })), "{mode:o}");
        }
        put(&secret, 0o400);
        assert_eq!(read(&path).unwrap(), Some(secret));
    }
}
