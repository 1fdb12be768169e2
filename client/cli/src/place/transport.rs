//! How the token travels: whom TLS trusts, what it shows, and whether plaintext may leave this machine. From flags, else
//! the environment, else the profile.

use crate::{failure::Failure, input::files::read_short_text, limits};
use clap::Args;
use kith_client::{ClientIdentity, ServerAddress, Tls};
use serde::{Deserialize, Serialize};
use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// Flags of the transport.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TransportArgs {
    /// Authorities to trust.
    #[arg(
        long,
        help = "Certificates (PEM) of the authorities that may vouch for an https:// server [env: KITH_CA] [default: \
                those that the system trusts]",
        global = true,
        value_name = "FILE",
        help_heading = "Connection"
    )]
    pub(crate) ca: Option<PathBuf>,
    /// The certificate to show.
    #[arg(
        long,
        help = "The certificate (PEM) to show to a server that asks for one [env: KITH_CLIENT_CERT]",
        global = true,
        value_name = "FILE",
        help_heading = "Connection",
        requires = "client_key"
    )]
    pub(crate) client_cert: Option<PathBuf>,
    /// Its key.
    #[arg(
        long,
        help = "Its private key (PEM) [env: KITH_CLIENT_KEY]",
        global = true,
        value_name = "FILE",
        help_heading = "Connection",
        requires = "client_cert"
    )]
    pub(crate) client_key: Option<PathBuf>,
    /// Whether the token may travel in plain.
    #[arg(
        long,
        help = "Send the token in plain to an http:// server on another machine, where everybody in between can read it \
                [env: KITH_ALLOW_PLAINTEXT]",
        global = true,
        help_heading = "Connection"
    )]
    pub(crate) allow_plaintext: bool,
}

/// How the token travels to one server, as a profile remembers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Transport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_cert: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_key: Option<PathBuf>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) allow_plaintext: bool,
}

impl Transport {
    /// Resolves how to speak to a server. Only flags are refused for one without TLS: the rest is there for others, too.
    pub(crate) fn resolve(
        flags: &TransportArgs,
        variable: impl Fn(&str) -> Option<OsString>,
        known: Option<&Self>,
        server: &ServerAddress,
    ) -> Result<Self, Failure> {
        let of_flags = Self {
            ca: flags.ca.clone(),
            client_cert: flags.client_cert.clone(),
            client_key: flags.client_key.clone(),
            allow_plaintext: flags.allow_plaintext,
        };
        let path = |name: &str| variable(name).map(PathBuf::from);
        let of_variables = Self {
            ca: path("KITH_CA"),
            client_cert: path("KITH_CLIENT_CERT"),
            client_key: path("KITH_CLIENT_KEY"),
            allow_plaintext: switch("KITH_ALLOW_PLAINTEXT", variable("KITH_ALLOW_PLAINTEXT").as_deref())?,
        };
        if of_variables.client_cert.is_some() != of_variables.client_key.is_some() {
            return Err(Failure::Usage("KITH_CLIENT_CERT and KITH_CLIENT_KEY belong together: set both".to_owned()));
        }
        let others = of_variables.or(known.cloned().unwrap_or_default());
        let others = if server.is_secure() {
            others
        } else {
            Self { allow_plaintext: others.allow_plaintext, ..Self::default() }
        };
        Ok(of_flags.or(others))
    }

    /// What is set here, else there. A certificate and its key are of one place.
    fn or(self, other: Self) -> Self {
        let (client_cert, client_key) = match self.client_cert {
            Some(_) => (self.client_cert, self.client_key),
            None => (other.client_cert, other.client_key),
        };
        Self {
            ca: self.ca.or(other.ca),
            client_cert,
            client_key,
            allow_plaintext: self.allow_plaintext || other.allow_plaintext,
        }
    }

    /// The same with paths that hold in every folder.
    pub(crate) fn absolute(self) -> Result<Self, Failure> {
        let absolute = |path: Option<PathBuf>| {
            let absolute = |path: &Path| std::path::absolute(path).map_err(|error| Failure::file("find", path, error));
            path.as_deref().map(absolute).transpose()
        };
        Ok(Self {
            ca: absolute(self.ca)?,
            client_cert: absolute(self.client_cert)?,
            client_key: absolute(self.client_key)?,
            ..self
        })
    }

    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the files.
    pub(crate) fn read(&self) -> Result<Tls, Failure> {
        let read = |path: &PathBuf| read_short_text(path, limits::PEM_FILE_BYTES_MAX);
        let ca = self.ca.as_ref().map(read).transpose()?;
        let identity = match (&self.client_cert, &self.client_key) {
            (Some(certificate), Some(key)) => {
                Some(ClientIdentity { certificate: read(certificate)?, key: read(key)?.into() })
            }
            _ => None,
        };
        Ok(Tls { ca, identity })
    }
}

/// A variable that is on or off.
fn switch(name: &str, value: Option<&OsStr>) -> Result<bool, Failure> {
    match value.map(OsStr::to_str) {
        None | Some(Some("false")) => Ok(false),
        Some(Some("true")) => Ok(true),
        Some(_) => Err(Failure::Usage(format!("{name} in the environment is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flags: &TransportArgs, variables: &[(&str, &str)], server: &str) -> Result<Transport, Failure> {
        let known = Transport {
            ca: Some("profile.ca".into()),
            client_cert: Some("profile.pem".into()),
            client_key: Some("profile.key".into()),
            allow_plaintext: true,
        };
        let find = |name: &str| variables.iter().find(|(of, _)| *of == name).map(|(_, value)| OsString::from(value));
        Transport::resolve(flags, find, Some(&known), &server.parse().unwrap())
    }

    #[test]
    fn flags_come_before_the_environment_before_the_profile() {
        let paths = |flags: &TransportArgs, variables: &[(&str, &str)]| {
            let Transport { ca, client_cert, client_key, .. } = resolve(flags, variables, "https://x").unwrap();
            [ca, client_cert, client_key].map(|path| path.unwrap().display().to_string())
        };
        let none = TransportArgs::default();
        assert_eq!(paths(&none, &[]), ["profile.ca", "profile.pem", "profile.key"]);
        let variables = [("KITH_CA", "env.ca"), ("KITH_CLIENT_CERT", "env.pem"), ("KITH_CLIENT_KEY", "env.key")];
        assert_eq!(paths(&none, &variables[..1]), ["env.ca", "profile.pem", "profile.key"]);
        assert_eq!(paths(&none, &variables), ["env.ca", "env.pem", "env.key"]);
        let flags = TransportArgs {
            client_cert: Some("flag.pem".into()),
            client_key: Some("flag.key".into()),
            ..TransportArgs::default()
        };
        assert_eq!(paths(&flags, &variables), ["env.ca", "flag.pem", "flag.key"]);
        assert!(resolve(&none, &variables[1..2], "https://x").is_err(), "a certificate without its key");
    }

    #[test]
    fn a_server_without_tls_gets_nothing_of_it_unless_a_flag_says_so() {
        let none = TransportArgs::default();
        let plain = resolve(&none, &[("KITH_CA", "env.ca")], "http://127.0.0.1").unwrap();
        assert_eq!(plain, Transport { allow_plaintext: true, ..Transport::default() });
        let flags = TransportArgs { ca: Some("flag.ca".into()), ..none };
        assert_eq!(resolve(&flags, &[], "http://127.0.0.1").unwrap().ca, Some("flag.ca".into()));
    }

    #[test]
    fn a_switch_is_true_or_false() {
        let of = |value: &str| switch("KITH_ALLOW_PLAINTEXT", Some(value.as_ref()));
        assert!(of("true").unwrap() && !of("false").unwrap() && !switch("X", None).unwrap());
        for wrong in ["yes", "1", "TRUE"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
