//! Which server and network `kith` uses: from flags, else the environment, else the profile, else the defaults. The
//! environment is an argument, so that tests can supply their own.

use super::{
    profile::Profile,
    transport::{Transport, TransportArgs},
};
use crate::{failure::Failure, input::files::read_short_text, limits, show::output::Format};
use clap::Args;
use kith_client::{Client, Options, Retry, Secret, ServerAddress};
use kith_core::id::NetworkName;
use std::{ffi::OsString, path::Path, path::PathBuf};

/// Where a server listens by default.
const SERVER_DEFAULT: &str = "http://127.0.0.1:7420";
/// The network that a new server has.
const NETWORK_DEFAULT: &str = "default";

/// Flags common to all commands.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GlobalArgs {
    /// The server's address.
    #[arg(
        long,
        help = "The server's address [env: KITH_SERVER] [default: http://127.0.0.1:7420]",
        global = true,
        value_name = "URL",
        help_heading = "Connection"
    )]
    pub(crate) server: Option<String>,
    /// How to connect.
    #[command(flatten)]
    pub(crate) transport: TransportArgs,
    /// The token; preferably given in a file, where others cannot see it.
    #[arg(
        long,
        help = "The token; better in a file, where others cannot see it [env: KITH_TOKEN]",
        global = true,
        value_name = "SECRET",
        help_heading = "Connection",
        conflicts_with = "token_file"
    )]
    pub(crate) token: Option<String>,
    /// A file that contains the token.
    #[arg(
        long,
        help = "A file that holds the token [env: KITH_TOKEN_FILE]",
        global = true,
        value_name = "FILE",
        help_heading = "Connection"
    )]
    pub(crate) token_file: Option<PathBuf>,
    /// The network.
    #[arg(
        long,
        help = "The network [env: KITH_NETWORK] [default: default]",
        global = true,
        value_name = "NAME",
        help_heading = "Connection"
    )]
    pub(crate) network: Option<String>,
    /// The folder of an offline replica.
    #[arg(
        long,
        help = "The folder of an offline replica, which commands then record in and read from [env: KITH_REPLICA]",
        global = true,
        value_name = "DIR",
        help_heading = "Connection"
    )]
    pub(crate) replica: Option<PathBuf>,
    /// The output format
    #[arg(short, long, global = true, value_enum, default_value_t, help_heading = "Output")]
    pub(crate) output: Format,
}

/// The server and the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The server's address.
    pub(crate) server: ServerAddress,
    /// The token's secret.
    pub(crate) token: Secret,
    /// The network.
    pub(crate) network: NetworkName,
    /// How the token travels.
    pub(crate) transport: Transport,
}

impl Settings {
    /// Resolves all settings, in the order of precedence.
    pub(crate) fn resolve(
        flags: &GlobalArgs,
        environment: impl Fn(&str) -> Option<OsString>,
        profile: Option<&Profile>,
    ) -> Result<Self, Failure> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let server = match &flags.server {
            Some(server) => Some(parse_server(server, "")?),
            None => {
                text_of("KITH_SERVER", variable)?.map(|server| parse_server(&server, "KITH_SERVER: ")).transpose()?
            }
        };
        // A profile's token belongs to the profile's server: it is never sent anywhere else.
        let is_for =
            |profile: &&Profile| server.as_ref().is_none_or(|server| profile.server.parse().as_ref() == Ok(server));
        let profile = profile.filter(is_for);
        let network = match &flags.network {
            Some(network) => Some(network.clone()),
            None => text_of("KITH_NETWORK", variable)?,
        };
        let network = network.or_else(|| profile.map(|profile| profile.network.clone()));
        let server = match (server, profile) {
            (Some(server), _) => server,
            (None, Some(profile)) => parse_server(&profile.server, "the profile: ")?,
            (None, None) => SERVER_DEFAULT.parse().expect("it is an address"),
        };
        let known = profile.map(|profile| &profile.transport);
        let transport = Transport::resolve(&flags.transport, variable, known, &server)?;
        let token = find_token(flags, variable)?.or_else(|| profile.map(|profile| profile.token.clone().into()));
        // A service may need no token: its certificate says who it is.
        let by_certificate = transport.client_cert.is_some().then(|| Secret::from(""));
        Ok(Self {
            transport,
            server,
            token: token.or(by_certificate).ok_or_else(no_token)?,
            network: parse_network(network.as_deref().unwrap_or(NETWORK_DEFAULT))?,
        })
    }

    /// Connects on the first call, not before.
    pub(crate) fn connect_later(self) -> Result<Client, Failure> {
        Ok(Client::lazy(self.options()?)?)
    }

    /// Connects.
    pub(crate) async fn connect(self) -> Result<Client, Failure> {
        let options = self.options()?;
        let retry = Retry { attempts_max: limits::CALL_ATTEMPTS_MAX, ..options.retry };
        Ok(Client::connect(Options { retry, ..options }).await?)
    }

    fn options(self) -> Result<Options, Failure> {
        let Self { server, token, network, transport } = self;
        if !server.is_private() && !transport.allow_plaintext {
            return Err(Failure::Usage(format!(
                "the token is not sent to {server} in plain, where everybody in between can read it: give an https:// \
                 address, or --allow-plaintext (KITH_ALLOW_PLAINTEXT=true) if the network in between is trusted"
            )));
        }
        let options = Options::new(server.to_string(), token, network);
        Ok(Options { tls: transport.read()?, allow_plaintext: transport.allow_plaintext, ..options })
    }
}

/// An offline replica, and the network that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplicaSettings {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The network.
    pub(crate) network: NetworkName,
}

impl ReplicaSettings {
    /// Resolves all settings, in the order of precedence; `None` if no replica is named. Needs no token.
    pub(crate) fn resolve(
        flags: &GlobalArgs,
        environment: impl Fn(&str) -> Option<OsString>,
        profile: Option<&Profile>,
    ) -> Result<Option<Self>, Failure> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let folder = flags.replica.clone().or_else(|| variable("KITH_REPLICA").map(PathBuf::from));
        let Some(folder) = folder else { return Ok(None) };
        let network = match &flags.network {
            Some(network) => Some(network.clone()),
            None => text_of("KITH_NETWORK", variable)?,
        };
        let network = network.or_else(|| profile.map(|profile| profile.network.clone()));
        let network = parse_network(network.as_deref().unwrap_or(NETWORK_DEFAULT))?;
        Ok(Some(Self { folder, network }))
    }
}

impl GlobalArgs {
    /// Whether flags and environment specify everything, so that a profile has nothing to add.
    pub(crate) fn say_all(&self, environment: impl Fn(&str) -> Option<OsString>) -> bool {
        let is_set = |name: &str| environment(name).is_some_and(|value| !value.is_empty());
        let token =
            self.token.is_some() || self.token_file.is_some() || is_set("KITH_TOKEN") || is_set("KITH_TOKEN_FILE");
        token && (self.server.is_some() || is_set("KITH_SERVER")) && (self.network.is_some() || is_set("KITH_NETWORK"))
    }
}

/// Parses a server's address; a failure begins with where it was given.
fn parse_server(text: &str, place: &str) -> Result<ServerAddress, Failure> {
    text.parse().map_err(|invalid| Failure::Usage(format!("{place}{invalid}")))
}

fn no_token() -> Failure {
    let advice = "no token: name its file with --token-file or KITH_TOKEN_FILE, set KITH_TOKEN, or log in once with \
                  `kith login URL --token-file FILE`";
    Failure::Usage(advice.to_owned())
}

/// A variable that contains text. One that contains anything else must not count as unset: the command would go
/// elsewhere.
fn text_of(name: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<String>, Failure> {
    let not_text = |_| Failure::Usage(format!("{name} in the environment is not text (UTF-8)"));
    variable(name).map(OsString::into_string).transpose().map_err(not_text)
}

fn find_token(flags: &GlobalArgs, variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Secret>, Failure> {
    if let Some(token) = &flags.token {
        return Ok(Some(token.as_str().into()));
    }
    if let Some(path) = &flags.token_file {
        return read_token(path).map(Some);
    }
    if let Some(token) = text_of("KITH_TOKEN", &variable)? {
        return Ok(Some(token.as_str().into()));
    }
    variable("KITH_TOKEN_FILE").map(|path| read_token(Path::new(&path))).transpose()
}

fn read_token(path: &Path) -> Result<Secret, Failure> {
    let text = read_short_text(path, limits::TOKEN_FILE_BYTES_MAX)?;
    match text.trim() {
        "" => Err(Failure::Usage(format!("{} contains no token", path.display()))),
        token => Ok(token.into()),
    }
}

/// Parses a network's name.
pub(crate) fn parse_network(name: &str) -> Result<NetworkName, Failure> {
    name.parse().map_err(|_| Failure::Usage(format!("{name:?} is not a network's name: it has a-z, 0-9, _ and - only")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashMap, fs};

    fn profile() -> Profile {
        let transport = Transport::default();
        Profile {
            server: "http://profile".into(),
            network: "profiled".into(),
            token: "profile-token".into(),
            transport,
        }
    }

    fn resolve(flags: &GlobalArgs, variables: &[(&str, &str)], profile: Option<&Profile>) -> Result<Settings, Failure> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Settings::resolve(flags, |name| variables.get(name).map(OsString::from), profile)
    }

    fn check(settings: Result<Settings, Failure>, server: &str, token: &str, network: &str) {
        let settings = settings.unwrap();
        assert_eq!((settings.server.to_string().as_str(), settings.token.expose()), (server, token));
        assert_eq!(settings.network.as_str(), network);
    }

    #[test]
    fn flags_come_before_the_environment_before_the_profile_before_defaults() {
        let flags = GlobalArgs {
            server: Some("http://flag".into()),
            token: Some("flag-token".into()),
            network: Some("flagged".into()),
            ..GlobalArgs::default()
        };
        let variables = [("KITH_SERVER", "http://env"), ("KITH_TOKEN", "env-token"), ("KITH_NETWORK", "env")];
        check(resolve(&flags, &variables, Some(&profile())), "http://flag", "flag-token", "flagged");
        let none = GlobalArgs::default();
        check(resolve(&none, &variables, Some(&profile())), "http://env", "env-token", "env");
        check(resolve(&none, &[], Some(&profile())), "http://profile", "profile-token", "profiled");
        check(resolve(&none, &[("KITH_TOKEN", "t")], None), SERVER_DEFAULT, "t", "default");
    }

    #[test]
    fn a_profile_s_token_goes_to_its_own_server_only() {
        let none = GlobalArgs::default();
        let elsewhere = resolve(&none, &[("KITH_SERVER", "http://elsewhere")], Some(&profile()));
        assert!(matches!(elsewhere, Err(Failure::Usage(_))));
        for server in ["http://profile", "http://profile/", "HTTP://Profile:80", "profile"] {
            let same = resolve(&none, &[("KITH_SERVER", server)], Some(&profile()));
            check(same, "http://profile", "profile-token", "profiled");
        }
    }

    #[test]
    fn a_token_leaves_this_machine_in_plain_only_where_that_is_said() {
        let options = |server: &str, allow_plaintext| {
            let flags = GlobalArgs {
                server: Some(server.into()),
                token: Some("t".into()),
                transport: TransportArgs { allow_plaintext, ..TransportArgs::default() },
                ..GlobalArgs::default()
            };
            resolve(&flags, &[], None).unwrap().options()
        };
        let refused = options("http://kith.example", false).unwrap_err();
        assert!(refused.exit_code() == 2, "{refused}");
        for way_out in ["https://", "--allow-plaintext"] {
            assert!(refused.to_string().contains(way_out), "{refused}");
        }
        assert!(options("http://kith.example", true).unwrap().allow_plaintext);
        for server in ["https://kith.example", "http://127.0.0.1:7420", "localhost"] {
            assert!(options(server, false).is_ok(), "{server}");
        }
    }

    #[test]
    fn an_address_that_says_too_much_is_refused_with_where_it_was_given() {
        let refused = |flags: &GlobalArgs, variables: &[(&str, &str)], profile: Option<&Profile>, part: &str| {
            let failure = resolve(flags, variables, profile).unwrap_err();
            assert!(failure.exit_code() == 2 && failure.to_string().contains(part), "{failure}");
        };
        let flags =
            GlobalArgs { server: Some("http://x/kith".into()), token: Some("t".into()), ..GlobalArgs::default() };
        refused(&flags, &[], None, "the server's address is a host and a port");
        let variables = [("KITH_SERVER", "http://amina:secret@x"), ("KITH_TOKEN", "t")];
        refused(&GlobalArgs::default(), &variables, None, "KITH_SERVER: ");
        let profile = Profile { server: "http://x/kith".into(), ..profile() };
        refused(&GlobalArgs::default(), &[], Some(&profile), "the profile: ");
    }

    #[test]
    fn a_token_file_by_flag_comes_before_a_token_in_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, " file-token\n").unwrap();
        let flags = GlobalArgs { token_file: Some(path.clone()), ..GlobalArgs::default() };
        check(resolve(&flags, &[("KITH_TOKEN", "env")], None), SERVER_DEFAULT, "file-token", "default");
        let variables = [("KITH_TOKEN_FILE", path.to_str().unwrap()), ("KITH_TOKEN", "")];
        check(resolve(&GlobalArgs::default(), &variables, None), SERVER_DEFAULT, "file-token", "default");
        fs::write(&path, "\n").unwrap();
        assert!(matches!(resolve(&flags, &[], None), Err(Failure::Usage(_))));
    }

    #[test]
    #[cfg(unix)]
    fn a_variable_that_is_no_text_is_named_unless_it_is_a_path() {
        use std::os::unix::ffi::OsStringExt;
        let no_text = || OsString::from_vec(b"/x\xff".to_vec());
        let flags = GlobalArgs { token: Some("t".into()), ..GlobalArgs::default() };
        for name in ["KITH_SERVER", "KITH_NETWORK"] {
            let failure = Settings::resolve(&flags, |asked| (asked == name).then(no_text), None).unwrap_err();
            assert!(failure.to_string().contains(name) && failure.exit_code() == 2, "{failure}");
        }
        let failure = Settings::resolve(&GlobalArgs::default(), |asked| (asked == "KITH_TOKEN").then(no_text), None);
        assert!(failure.unwrap_err().to_string().contains("KITH_TOKEN"));
        let replica = ReplicaSettings::resolve(&flags, |asked| (asked == "KITH_REPLICA").then(no_text), None);
        assert_eq!(replica.unwrap().unwrap().folder, PathBuf::from(no_text()));
    }

    #[test]
    fn byte_order_marks_of_token_files_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let flags = GlobalArgs { token_file: Some(path.clone()), ..GlobalArgs::default() };
        fs::write(&path, "\u{feff}file-token\r\n").unwrap();
        check(resolve(&flags, &[], None), SERVER_DEFAULT, "file-token", "default");
        fs::write(&path, b"\xff\xfek\0i\0").unwrap();
        assert!(resolve(&flags, &[], None).unwrap_err().to_string().contains("is UTF-16"));
    }

    #[test]
    fn no_token_and_bad_names_are_usage_errors() {
        assert!(matches!(resolve(&GlobalArgs::default(), &[], None), Err(Failure::Usage(_))));
        let flags = GlobalArgs { network: Some("Not A Name".into()), token: Some("t".into()), ..GlobalArgs::default() };
        assert!(matches!(resolve(&flags, &[], None), Err(Failure::Usage(_))));
    }
}
