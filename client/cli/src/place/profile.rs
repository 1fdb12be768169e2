//! The profile that `kith login` writes: one TOML file that only its owner can read.

use super::transport::Transport;
use crate::{failure::Failure, input::files::read_own_text};
use etcetera::{BaseStrategy, choose_base_strategy};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The server and credentials, unless a command says otherwise.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// The server's address.
    pub(crate) server: String,
    /// The network.
    pub(crate) network: String,
    /// The token's secret.
    pub(crate) token: String,
    /// How it travels.
    #[serde(default, skip_serializing_if = "Transport::is_usual")]
    pub(crate) transport: Transport,
}

/// The path of the profile: `kith/profile.toml` in the configuration folder (XDG).
pub(crate) fn profile_path() -> Result<PathBuf, Failure> {
    let strategy = choose_base_strategy();
    let strategy = strategy.map_err(|error| Failure::Unexpected(format!("no folder for the profile: {error}")))?;
    Ok(strategy.config_dir().join("kith").join("profile.toml"))
}

impl Profile {
    /// Reads a profile; `None` if there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(text) = read_own_text(path)? else { return Ok(None) };
        match toml::from_str(&text) {
            Ok(profile) => Ok(Some(profile)),
            // The parser's message would quote the line, which may contain the token.
            Err(_) => Err(Failure::Usage(format!("{} is not a profile: log in again", path.display()))),
        }
    }

    /// Writes the profile atomically, so that only its owner can read it.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let written = || -> io::Result<()> {
            let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
            fs::create_dir_all(folder)?;
            let draft = path.with_extension("draft");
            let text = toml::to_string(self).map_err(io::Error::other)?;
            let mut file = create_private(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, path)
        };
        written().map_err(|error| Failure::file("write the profile", path, error))
    }
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    // The mode applies to new files only.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(token: &str) -> Profile {
        Profile {
            server: "http://127.0.0.1:7420".into(),
            network: "default".into(),
            token: token.into(),
            transport: Transport::default(),
        }
    }

    #[test]
    fn reads_back_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kith").join("profile.toml");
        assert!(Profile::read(&path).unwrap().is_none());
        for token in ["first", "second"] {
            profile(token).write(&path).unwrap();
            assert!(Profile::read(&path).unwrap() == Some(profile(token)));
        }
        let transport = Transport { allow_plaintext: true, ..Transport::default() };
        let plain = Profile { transport, ..profile("third") };
        plain.write(&path).unwrap();
        assert!(Profile::read(&path).unwrap() == Some(plain));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_profile_that_an_editor_saved_otherwise_is_read_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        profile("kith_secret").write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("\u{feff}{text}")).unwrap();
        assert!(Profile::read(&path).unwrap() == Some(profile("kith_secret")));
        let utf_16 = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes);
        fs::write(&path, utf_16.collect::<Vec<u8>>()).unwrap();
        let Err(failure) = Profile::read(&path) else { panic!("it is UTF-16") };
        assert!(failure.to_string().contains("is UTF-16: save it as UTF-8"), "{failure}");
    }

    #[test]
    fn a_broken_profile_does_not_show_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("profile.toml");
        fs::write(&path, "token = \"kith_secret\nserver").unwrap();
        let Err(failure) = Profile::read(&path) else { panic!("it is broken") };
        assert!(!failure.to_string().contains("secret"));
    }
}
