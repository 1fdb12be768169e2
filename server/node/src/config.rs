//! The settings of a server, composed of the settings of its parts: defaults, then file, `KITH_*`, flags.
//!
//! A [`Config`] is always complete and valid; every mistake in the settings is found before a port is bound.

mod layers;
mod lookup;
mod render;

pub use lookup::{Lookup, ProcessEnvironment};

use crate::{
    console,
    door::{http_door, tls},
    limits::Limits,
    telemetry, views, webhooks,
};
use kith_log::Range;
use layers::Layers;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};
use toml::Value;

/// Where `kithd` listens by default.
pub const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);

/// Tables of the file, and the middle part of variables such as `KITH_LIMITS_HEARTBEAT_MS`.
const SECTIONS: [&str; 8] = ["tls", "limits", "telemetry", "log", "views", "http", "console", "webhooks"];
/// Keys outside of tables.
const TOP_LEVEL: [&str; 6] = ["data", "listen", "production", "allow_plaintext", "reflection", "demo"];
/// Minimum and maximum of each number.
const RANGES: [(&str, &[Range]); 4] = [
    ("limits", Limits::RANGES),
    ("log", kith_log::Config::RANGES),
    ("views", views::Config::RANGES),
    ("console", console::Config::RANGES),
];
/// Variables with our prefix that are not settings of the server.
const OTHER_VARIABLES: [&str; 9] = [
    "KITH_CONFIG",
    "KITH_SERVER",
    "KITH_TOKEN",
    "KITH_TOKEN_FILE",
    "KITH_NETWORK",
    "KITH_REPLICA",
    "KITH_CA",
    "KITH_CLIENT_CERT",
    "KITH_CLIENT_KEY",
];

/// The settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The address to listen on; port 0 picks a free port.
    pub listen: SocketAddr,
    /// Whether the server refuses to start with anything that is for trying out: see [`crate::check_start`].
    pub production: bool,
    /// Whether plaintext may leave this machine.
    pub allow_plaintext: bool,
    /// Whether gRPC reflection is on.
    pub reflection: bool,
    /// Whether to add the fictional network `demo`.
    pub demo: bool,
    /// Settings of TLS.
    pub tls: tls::Config,
    /// Limits of connections, calls and streams.
    pub limits: Limits,
    /// Settings of log lines and metrics.
    pub telemetry: telemetry::Config,
    /// The log's own settings.
    pub log: kith_log::Config,
    /// The plugin host's own settings.
    pub views: views::Config,
    /// Settings for browsers.
    pub http: http_door::Config,
    /// Settings of the console.
    pub console: console::Config,
    /// Settings of webhooks.
    pub webhooks: webhooks::Config,
}

/// The sources of the settings, unparsed.
#[derive(Debug)]
pub struct Sources<'a, L> {
    /// The default data folder; `None` if this account has no home folder.
    pub data_default: Option<PathBuf>,
    /// Path and text of the configuration file, if there is one.
    pub file: Option<(PathBuf, String)>,
    /// The environment.
    pub environment: &'a L,
    /// The command line.
    pub flags: Flags,
}

/// Settings from the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--demo`
    pub demo: Option<Demo>,
}

/// A request for the network `demo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demo;

/// A configuration, and the variables that were ignored.
#[derive(Debug)]
pub struct Read {
    /// The configuration.
    pub config: Config,
    /// Variables that look like settings but are not.
    pub ignored_variables: Vec<String>,
}

/// Everything that is wrong with the settings, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not valid:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// Settings outside of tables.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TopLevel {
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    production: bool,
    allow_plaintext: bool,
    reflection: bool,
    demo: bool,
}

impl Config {
    /// The default settings for a data folder.
    pub fn new(data: PathBuf) -> Self {
        Self {
            log: kith_log::Config { data: data.clone(), ..kith_log::Config::default() },
            views: views::Config::default(),
            http: http_door::Config::default(),
            console: console::Config::default(),
            webhooks: webhooks::Config::default(),
            data,
            listen: LISTEN_DEFAULT,
            production: false,
            allow_plaintext: false,
            reflection: false,
            demo: false,
            tls: tls::Config::default(),
            limits: Limits::default(),
            telemetry: telemetry::Config::default(),
        }
    }

    /// Reads the settings from all sources, or returns everything that is wrong with them.
    pub fn read<L: Lookup>(sources: Sources<'_, L>) -> Result<Read, ConfigErrors> {
        let mut problems = Vec::new();
        let mut layers = Layers::default();
        if let Some((path, text)) = &sources.file {
            layers.add_file(path, text, &SECTIONS, &mut problems);
        }
        let unknown = layers.add_environment(sources.environment, (&TOP_LEVEL, &SECTIONS), &mut problems);
        layers.refuse("log", "data", "is set by `data` outside of tables", &mut problems);
        let Flags { data: data_flag, listen, demo } = sources.flags;
        if let Some(listen) = listen {
            layers.add_flag("--listen", "listen", Value::String(listen));
        }
        if demo == Some(Demo) {
            layers.add_flag("--demo", "demo", Value::Boolean(true));
        }
        let top_level: TopLevel = layers.read("", &mut problems);
        let Some(data) = data_flag.or(top_level.data).or(sources.data_default) else {
            problems.push("data: name a folder with --data or KITH_DATA; this account has no home folder".into());
            return Err(ConfigErrors(problems));
        };
        for (section, ranges) in RANGES {
            layers.check_ranges(section, ranges, &mut problems);
        }
        let config = Self {
            log: kith_log::Config { data: data.clone(), ..layers.read("log", &mut problems) },
            views: layers.read("views", &mut problems),
            http: layers.read("http", &mut problems),
            console: layers.read("console", &mut problems),
            webhooks: layers.read("webhooks", &mut problems),
            data,
            listen: top_level.listen.unwrap_or(LISTEN_DEFAULT),
            production: top_level.production,
            allow_plaintext: top_level.allow_plaintext,
            reflection: top_level.reflection,
            demo: top_level.demo,
            tls: layers.read("tls", &mut problems),
            limits: layers.read("limits", &mut problems),
            telemetry: layers.read("telemetry", &mut problems),
        };
        problems.extend(config.problems());
        if !problems.is_empty() {
            return Err(ConfigErrors(problems));
        }
        let ignored = unknown.into_iter().filter(|name| !OTHER_VARIABLES.contains(&name.as_str()));
        Ok(Read { config, ignored_variables: ignored.collect() })
    }

    /// Valid values that the server cannot work with.
    fn problems(&self) -> Vec<String> {
        let mut problems = self.http.problems();
        problems.extend(self.webhooks.problems());
        problems.extend(self.tls.problems());
        problems.extend(self.telemetry.problem());
        if self.production {
            // A start names these among everything else.
            return problems;
        }
        if self.telemetry.metrics_address().is_some_and(|address| !address.ip().is_loopback()) && !self.allow_plaintext
        {
            problems.push(format!(
                "telemetry.metrics_listen: {} is not a loopback address: set allow_plaintext = true if the network is \
                 trusted",
                self.telemetry.metrics_listen
            ));
        }
        if !self.listen.ip().is_loopback() && !self.tls.is_on() && !self.allow_plaintext {
            problems.push(format!(
                "listen: {} is not a loopback address, and without a certificate this server speaks plaintext: set \
                 tls.certificate and tls.key, or allow_plaintext = true if the network is trusted",
                self.listen
            ));
        }
        problems
    }
}

impl Config {
    /// The settings as a configuration file.
    pub fn to_toml(&self) -> String {
        render::render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Format;
    use std::collections::BTreeMap;

    const EXAMPLE: &str = include_str!("../../../deploy/config.example.toml");

    fn read(file: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Read, ConfigErrors> {
        let environment: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::read(Sources {
            data_default: Some("/home/kith".into()),
            file: Some(("kith.toml".into(), file.to_owned())),
            environment: &environment,
            flags,
        })
    }

    #[test]
    fn later_sources_win() {
        let file = "data = '/file'\nlisten = '127.0.0.1:1'\n[limits]\nheartbeat_ms = 1000\nstall_ms = 1000";
        let variables = [("KITH_LISTEN", "127.0.0.1:2"), ("KITH_LIMITS_STALL_MS", "2000"), ("KITH_DATA", "/variable")];
        let flags = Flags { data: Some("/flag".into()), ..Flags::default() };
        let config = read(file, &variables, flags).unwrap().config;
        assert_eq!(config.data, PathBuf::from("/flag"));
        assert_eq!(config.log.data, config.data);
        assert_eq!(config.listen.port(), 2);
        assert_eq!((config.limits.heartbeat_ms, config.limits.stall_ms), (1_000, 2_000));
        assert_eq!(config.limits.drain_ms, Limits::default().drain_ms);
    }

    #[test]
    fn variables_are_read_as_what_the_setting_needs() {
        let variables = [
            ("KITH_DATA", "2026"),
            ("KITH_DEMO", "true"),
            ("KITH_TELEMETRY_FORMAT", "json"),
            ("KITH_LOG_COMMIT_MODE", "two-phase"),
        ];
        let config = read("", &variables, Flags::default()).unwrap().config;
        assert_eq!(config.data, PathBuf::from("2026"));
        assert!(config.demo);
        assert_eq!(config.telemetry.format, Format::Json);
        assert_eq!(config.log.commit_mode, kith_log::CommitMode::TwoPhase);
    }

    #[test]
    fn everything_that_is_wrong_is_listed_with_its_source() {
        let file = "lisen = '127.0.0.1:1'\n[limits]\nheartbeat_ms = 'soon'\nstall_ms = 1\n[log]\nspeed = 9\ndata = '/x'\n\
                    [telemetry]\nfilter = 'kith=loud'\n[metrics]\nport = 1";
        let variables = [("KITH_LISTEN", "0.0.0.0:7420"), ("KITH_LIMITS_DRAIN", "1"), ("KITH_SERVER", "http://x")];
        let ConfigErrors(problems) = read(file, &variables, Flags::default()).unwrap_err();
        let expected = [
            "lisen (from kith.toml)",
            "metrics (from kith.toml)",
            "limits.heartbeat_ms (from kith.toml)",
            "limits.drain (from KITH_LIMITS_DRAIN)",
            "limits.stall_ms (from kith.toml): 1 is not between 10 and 3600000",
            "log.speed (from kith.toml)",
            "log.data (from kith.toml)",
            "telemetry.filter",
            "listen: 0.0.0.0:7420 is not a loopback address",
        ];
        for start in expected {
            assert!(problems.iter().any(|problem| problem.starts_with(start)), "{start} is missing in {problems:#?}");
        }
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    }

    #[test]
    fn every_number_has_a_range_that_its_refusal_names() {
        let rendered = Config::new("/data".into()).to_toml().parse::<toml::Table>().unwrap();
        for (section, table) in rendered.iter().filter_map(|(section, value)| Some((section, value.as_table()?))) {
            for (key, default) in table.iter().filter_map(|(key, value)| Some((key, value.as_integer()?))) {
                let ranges = RANGES.iter().find(|(name, _)| *name == section.as_str()).map(|(_, ranges)| *ranges);
                let range = ranges.and_then(|ranges| ranges.iter().find(|(name, ..)| *name == key.as_str()));
                let (_, min, max) = range.unwrap_or_else(|| panic!("{section}.{key} has no range"));
                assert!((*min..=*max).contains(&default), "{section}.{key}");
                for value in [i64::MIN, min - 1, max + 1, i64::MAX] {
                    let variable = format!("KITH_{section}_{key}").to_uppercase();
                    let in_variable = read("", &[(&variable, &value.to_string())], Flags::default()).unwrap_err();
                    let in_file = read(&format!("[{section}]\n{key} = {value}"), &[], Flags::default()).unwrap_err();
                    for (source, ConfigErrors(problems)) in [(variable.as_str(), in_variable), ("kith.toml", in_file)] {
                        let expected =
                            format!("{section}.{key} (from {source}): {value} is not between {min} and {max}");
                        assert_eq!(problems, [expected]);
                    }
                }
                for value in [min, max] {
                    read(&format!("[{section}]\n{key} = {value}"), &[], Flags::default()).unwrap();
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_no_toml_is_named() {
        let ConfigErrors(problems) = read("data = ", &[], Flags::default()).unwrap_err();
        assert!(problems[0].starts_with("kith.toml: "), "{problems:?}");
    }

    #[test]
    fn plaintext_leaves_the_machine_only_when_that_is_said() {
        let flags = Flags { listen: Some("0.0.0.0:7420".into()), ..Flags::default() };
        assert!(read("", &[], flags.clone()).is_err());
        assert!(read("allow_plaintext = true", &[], flags).is_ok());
    }

    #[test]
    fn tls_lets_it_listen_anywhere_and_says_what_is_missing() {
        let pair = "[tls]\ncertificate = '/c'\nkey = '/k'\n";
        let everywhere = Flags { listen: Some("0.0.0.0:7420".into()), ..Flags::default() };
        assert!(read(pair, &[], everywhere).unwrap().config.tls.is_on());
        let check = |more: &[(&str, &str)], expected: &[&str]| {
            let ConfigErrors(problems) = read("", more, Flags::default()).unwrap_err();
            assert!(problems.len() == expected.len(), "{problems:?}");
            for (problem, start) in problems.iter().zip(expected) {
                assert!(problem.starts_with(start), "{problem}");
            }
        };
        let (certificate, key) = (("KITH_TLS_CERTIFICATE", "/c"), ("KITH_TLS_KEY", "/k"));
        let (ca, crl) = (("KITH_TLS_CLIENT_CA", "/ca"), ("KITH_TLS_CLIENT_CRL", "/crl"));
        check(&[certificate], &["tls.certificate: there is no tls.key"]);
        check(&[key], &["tls.key: there is no tls.certificate"]);
        check(&[certificate, key, ca], &["tls.client_ca: no certificate is asked for"]);
        check(&[certificate, key, crl], &["tls.client_crl: there is no tls.client_ca"]);
        let required = ("KITH_TLS_CLIENT_CERTIFICATES", "required");
        check(&[certificate, key, required], &["tls.client_certificates: tls.client_ca names"]);
        check(&[required, ca], &["tls.client_certificates: only TLS carries certificates"]);
        check(
            &[certificate, key, ca, ("KITH_TLS_CLIENT_CERTIFICATES", "optional")],
            &["tls.client_certificates (from KITH_TLS_CLIENT_CERTIFICATES)", "tls.client_ca: no certificate"],
        );
    }

    #[test]
    fn production_is_checked_as_a_whole_when_the_server_starts() {
        let variables = [("KITH_PRODUCTION", "true"), ("KITH_TELEMETRY_METRICS_LISTEN", "0.0.0.0:1")];
        let flags = Flags { listen: Some("0.0.0.0:7420".into()), ..Flags::default() };
        let config = read("", &variables, flags).unwrap().config;
        assert!(config.production);
        assert!(config.to_toml().contains("production = true"));
    }

    #[test]
    fn the_root_key_is_in_the_data_folder_or_where_the_settings_say() {
        let path = |file: &str| read(file, &[], Flags::default()).unwrap().config.log.root_key_path();
        assert_eq!(path("data = '/data'"), PathBuf::from("/data/keys/root.key"));
        assert_eq!(path("data = '/data'\n[log]\nroot_key = '/run/root.key'"), PathBuf::from("/run/root.key"));
    }

    #[test]
    fn metrics_are_for_this_machine_unless_that_is_said() {
        let config = read("[telemetry]\nmetrics_listen = '127.0.0.1:9100'", &[], Flags::default()).unwrap().config;
        assert_eq!(config.telemetry.metrics_address(), Some("127.0.0.1:9100".parse().unwrap()));
        for wrong in ["9100", "0.0.0.0:9100"] {
            let variables = [("KITH_TELEMETRY_METRICS_LISTEN", wrong)];
            let ConfigErrors(problems) = read("", &variables, Flags::default()).unwrap_err();
            assert!(problems[0].starts_with("telemetry.metrics_listen"), "{problems:?}");
        }
    }

    #[test]
    fn webhooks_send_to_networks_that_are_named_as_ranges() {
        let variables = [("KITH_WEBHOOKS_ALLOW_NETWORKS", "['10.20.0.0/16', 'fd00::/8']")];
        let config = read("", &variables, Flags::default()).unwrap().config;
        assert_eq!(config.webhooks.allow_networks, ["10.20.0.0/16", "fd00::/8"]);
        let wrong = "[webhooks]\nallow_networks = ['10.20.0.0', 'localhost/8', '10.0.0.0/8']";
        let ConfigErrors(problems) = read(wrong, &[], Flags::default()).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().all(|problem| problem.starts_with("webhooks.allow_networks: ")), "{problems:?}");
    }

    #[test]
    fn variables_that_are_no_settings_are_told() {
        let variables = [("KITH_DTAA", "/x"), ("KITH_TOKEN_FILE", "/y"), ("PATH", "/bin")];
        let read = read("", &variables, Flags::default()).unwrap();
        assert_eq!(read.ignored_variables, ["KITH_DTAA"]);
    }

    #[test]
    fn the_example_is_the_default_and_names_every_setting() {
        let config = read(EXAMPLE, &[], Flags::default()).unwrap().config;
        let default = Config::new(config.data.clone());
        assert_eq!(config.to_toml(), default.to_toml());
        assert_eq!(EXAMPLE.parse::<toml::Table>().unwrap(), default.to_toml().parse().unwrap());
    }

    #[test]
    fn the_printed_configuration_reads_back() {
        let variables = [("KITH_LIMITS_STALL_MS", "2000"), ("KITH_REFLECTION", "true")];
        let config = read("", &variables, Flags::default()).unwrap().config;
        let again = read(&config.to_toml(), &[], Flags::default()).unwrap().config;
        assert_eq!(again.to_toml(), config.to_toml());
        assert!(again.reflection);
    }
}
