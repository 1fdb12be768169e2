//! Tokens for the whole server: the owner's, and the operator's, who sees nothing inside the networks. Their secrets are
//! in files that only this account can read.
//!
//! Invariant: a file is accepted only if it contains a well-formed secret and only this account could access it.

use crate::{clock::Clock, limits::OWNER_TOKEN_BYTES_MAX};
use kith_core::{event::Role, id::TokenId, timestamp::Timestamp};
use kith_log::{Log, NewServerToken, OpenError, RevokeTokenError, Token, Unavailable, is_secret, new_secret};
use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Name of the owner token's file in the data folder.
pub const OWNER_TOKEN_FILE: &str = "owner.token";

/// A token for the whole server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerToken {
    /// The owner's, who may do everything.
    Owner,
    /// The operator's.
    Operator,
}

impl ServerToken {
    /// Name of its file in the data folder.
    pub fn file(self) -> &'static str {
        match self {
            Self::Owner => OWNER_TOKEN_FILE,
            Self::Operator => "operator.token",
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Operator => Role::Operator,
        }
    }

    /// Its public id, which is also what commands call it.
    fn id(self) -> TokenId {
        self.role().as_str().parse().expect("small letters are allowed in token ids")
    }
}

impl fmt::Display for ServerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role().as_str())
    }
}

/// Why no token of the server was made or ended, or the existing one was rejected.
#[derive(Debug, thiserror::Error)]
pub enum ServerTokenError {
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
        "others may read or write the token {path}: run `chmod 600 {path}`, and assume that the token is known: \
         `kithd owner rotate` (or `operator`) replaces it"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to another account.
    #[error(
        "the token {path} belongs to another account: remove it, `kithd owner rotate` (or `operator`) makes another"
    )]
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
    /// A valid token exists already.
    #[error("there is a token of the {of} already, {age}: `kithd {of} rotate` replaces it", age = issued(.token))]
    AlreadyThere {
        /// Whose.
        of: ServerToken,
        /// The token.
        token: Box<Token>,
    },
    /// No valid token exists that could be replaced or ended.
    #[error("there is no valid token of the {of}: `kithd {of} issue` makes one")]
    NoneThere {
        /// Whose.
        of: ServerToken,
    },
    /// Nobody else could administer anything.
    #[error(
        "no network has an owner of its own, so nobody could administer one any more: issue a token first, with `kith \
         token issue --role owner`"
    )]
    NoOtherOwner,
    /// The token could not be stored or ended.
    #[error("the token could not be stored: {0}")]
    Store(#[from] Unavailable),
    /// The token could not be ended.
    #[error("the token could not be ended: {0}")]
    Revoke(#[from] RevokeTokenError),
}

fn issued(token: &Token) -> String {
    format!("issued {}", token.issued_at.to_proto())
}

/// What to do about a token of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Make one; there may be no valid one, and the new one may end.
    Issue(Option<Timestamp>),
    /// Make another in the place of the valid one, which stops working.
    Rotate(Option<Timestamp>),
    /// End the valid one.
    Retire,
}

/// Changes a token of the server in a data folder that no server uses, and returns the path of its file.
pub async fn change(
    config: &kith_log::Config,
    clock: Clock,
    of: ServerToken,
    change: Change,
) -> Result<PathBuf, ServerTokenError> {
    if !config.data.join("log.redb").exists() {
        return Err(ServerTokenError::NoLog { data: config.data.clone() });
    }
    let now = clock();
    let log = Log::open(config, clock)?;
    let changed = change_in(&log, &config.data, now, of, change).await;
    log.shutdown().await;
    changed
}

async fn change_in(
    log: &Log,
    data: &Path,
    now: Timestamp,
    of: ServerToken,
    change: Change,
) -> Result<PathBuf, ServerTokenError> {
    let path = data.join(of.file());
    let expires_at = match (change, current(log, of, now)) {
        (Change::Issue(_), Some(token)) => {
            return Err(ServerTokenError::AlreadyThere { of, token: Box::new(token) });
        }
        (Change::Rotate(_) | Change::Retire, None) => return Err(ServerTokenError::NoneThere { of }),
        (Change::Retire, Some(_)) => {
            retire(log, of, now).await?;
            return remove(&path).map(|()| path);
        }
        (Change::Issue(end), None) | (Change::Rotate(end), Some(_)) => end,
    };
    let draft = draft_of(&path);
    let secret = new_secret();
    // The file first: a crash in between leaves the new secret in the draft and the old one valid.
    write_private(&draft, &secret).map_err(at(&draft))?;
    put(log, of, secret, expires_at).await?;
    publish(&draft, &path)?;
    Ok(path)
}

/// Ends a token; the owner's only where some network has an owner of its own.
async fn retire(log: &Log, of: ServerToken, now: Timestamp) -> Result<(), ServerTokenError> {
    if of == ServerToken::Owner && !log.networks().iter().any(|network| network.authority().has_own_owner(now)) {
        return Err(ServerTokenError::NoOtherOwner);
    }
    Ok(log.retire_server_token(&of.id()).await?)
}

fn remove(path: &Path) -> Result<(), ServerTokenError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A token of the server, if a valid one exists.
pub(crate) fn current(log: &Log, of: ServerToken, now: Timestamp) -> Option<Token> {
    let opens = |token: &Token| token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end);
    log.server_tokens().into_iter().find(|token| token.id == of.id() && opens(token))
}

/// Stores a token of the server, replacing the previous one.
pub(crate) async fn put(
    log: &Log,
    of: ServerToken,
    secret: String,
    expires_at: Option<Timestamp>,
) -> Result<(), Unavailable> {
    log.put_server_token(NewServerToken { id: of.id(), secret, role: of.role(), expires_at }).await
}

/// The secret that an interrupted first start left in the file, or a new one, written to the file.
pub(crate) fn read_or_make(path: &Path) -> Result<String, ServerTokenError> {
    if let Some(secret) = read(path)? {
        return Ok(secret);
    }
    let (secret, draft) = (new_secret(), draft_of(path));
    write_private(&draft, &secret).map_err(at(&draft))?;
    publish(&draft, path)?;
    Ok(secret)
}

/// The secret in the file, or `None` if there is no file. A file that cannot be trusted is an error.
pub(crate) fn read(path: &Path) -> Result<Option<String>, ServerTokenError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(at(path)(source)),
    };
    let metadata = file.metadata().map_err(at(path))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(ServerTokenError::Foreign { path: path.to_owned() });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(ServerTokenError::Exposed { path: path.to_owned() });
    }
    let mut text = Vec::new();
    file.take(OWNER_TOKEN_BYTES_MAX).read_to_end(&mut text).map_err(at(path))?;
    let text = String::from_utf8(text).ok();
    let secret = text.as_deref().map(str::trim).filter(|text| is_secret(text));
    let malformed = || ServerTokenError::Malformed { path: path.to_owned() };
    secret.map(|secret| Some(secret.to_owned())).ok_or_else(malformed)
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("token.new")
}

fn publish(draft: &Path, path: &Path) -> Result<(), ServerTokenError> {
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

fn at(path: &Path) -> impl Fn(io::Error) -> ServerTokenError {
    move |source| ServerTokenError::Io { path: path.to_owned(), source }
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
            assert!(matches!(read_or_make(&path), Err(ServerTokenError::Malformed { .. })), "{text:?}");
        }
        for mode in [0o644, 0o620, 0o604, 0o602] {
            put(&secret, mode);
            assert!(matches!(read_or_make(&path), Err(ServerTokenError::Exposed { .. })), "{mode:o}");
        }
        put(&secret, 0o400);
        assert_eq!(read(&path).unwrap(), Some(secret));
    }
}
