//! What a server refuses to start with: files that it cannot use, and in production everything that is for trying out.
//!
//! Invariant: all reasons are named at once, so that nobody has to start it once for each of them.

use crate::{
    clock::Clock,
    config::{Config, ConfigErrors},
    server_token::OWNER_TOKEN_FILE,
};
use kith_core::timestamp::Timestamp;
use kith_log::{Log, Token};
use std::{
    fs, io,
    net::IpAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Everything that speaks against a start, before a port is bound. If there is something, the tokens are looked at as
/// well, which otherwise the start does once it has opened the log.
pub async fn check_start(config: &Config, clock: &Clock) -> Result<(), ConfigErrors> {
    let mut faults = config.tls.file_problems(clock);
    if config.production {
        faults.extend(of_settings(config));
        faults.extend(of_files(config));
    }
    if faults.is_empty() {
        return Ok(());
    }
    if config.production && config.data.join("log.redb").exists() {
        faults.extend(with_log(config, clock).await);
    }
    Err(ConfigErrors(faults))
}

/// What speaks against production in the tokens of a log that another start would open. A log that does not open has
/// its own error then.
async fn with_log(config: &Config, clock: &Clock) -> Vec<String> {
    let (log_config, log_clock) = (config.log.clone(), clock.clone());
    let Ok(log) = kith_log::blocking(move || Log::open(&log_config, log_clock)).await else { return Vec::new() };
    let faults = of_tokens(&log, config, clock());
    log.shutdown().await;
    faults
}

/// Settings that are for trying out, or for a network that is trusted.
fn of_settings(config: &Config) -> Vec<String> {
    let leaves = |address: IpAddr| !address.is_loopback();
    let metrics = config.telemetry.metrics_address();
    let rules = [
        (
            leaves(config.listen.ip()) && !config.tls.is_on(),
            format!("listen: {} is not a loopback address, and there is no TLS: set tls.certificate", config.listen),
        ),
        (
            metrics.is_some_and(|address| leaves(address.ip())),
            format!("telemetry.metrics_listen: {} is not a loopback address", config.telemetry.metrics_listen),
        ),
        (config.allow_plaintext, "allow_plaintext: is for networks that are trusted".to_owned()),
        (config.reflection, "reflection: is for development".to_owned()),
        (config.demo, "demo: is for trying out".to_owned()),
    ];
    rules.into_iter().filter(|(is_broken, _)| *is_broken).map(|(_, rule)| rule).collect()
}

/// Secrets that others can read, or that lie where a copy of the data folder has them.
fn of_files(config: &Config) -> Vec<String> {
    let (root, owner) = (config.log.root_key_path(), config.data.join(OWNER_TOKEN_FILE));
    let exposed = [("log.root_key", &root), ("the owner token", &owner)].into_iter().filter_map(|(name, path)| {
        let is_exposed = fs::metadata(path).is_ok_and(|metadata| kith_log::is_exposed(&metadata));
        is_exposed.then(|| format!("{name}: others may read {path}: run `chmod 600 {path}`", path = path.display()))
    });
    let mut faults: Vec<_> = exposed.collect();
    if whole(&root).starts_with(whole(&config.data)) {
        faults.push(format!(
            "log.root_key: {} is inside the data folder: whoever copies that folder can read every word",
            root.display()
        ));
    }
    faults
}

/// A path as the system knows it, as far as it is there.
fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(found), ..) => found,
        (Err(_), Some(parent), Some(name)) => whole(parent).join(name),
        (Err(_), ..) => path,
    }
}

/// The file of the owner token where a network has an owner of its own.
pub(crate) fn of_tokens(log: &Log, config: &Config, now: Timestamp) -> Vec<String> {
    let path = config.data.join(OWNER_TOKEN_FILE);
    let networks = log.networks();
    let owned = networks.iter().find(|network| network.authority().has_own_owner(now));
    owned.filter(|_| path.exists()).map_or_else(Vec::new, |network| {
        vec![format!(
            "the owner token: {} is still there, and {} has an owner of its own: move the file off this machine, or `kithd \
             owner retire` ends it, and `kithd owner issue` makes a new one when one is needed",
            path.display(),
            network.name()
        )]
    })
}

fn is_valid(token: &Token, now: Timestamp) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end)
}

/// Logs what a server in production should not have, and may have from before.
pub(crate) fn warn(log: &Log, config: &Config, now: Timestamp) {
    let endless = |tokens: Vec<Token>| {
        let tokens = tokens.into_iter().filter(|token| token.expires_at.is_none() && is_valid(token, now));
        tokens.map(|token| token.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let of_server = endless(log.server_tokens());
    if !of_server.is_empty() {
        tracing::warn!(tokens = of_server, "tokens for the whole server that never expire");
    }
    for network in log.networks() {
        let policy = network.authority().policy();
        if !(policy.random_ids && policy.token_attributes) {
            tracing::warn!(
                network = %network.name(),
                "people's ids and attributes may hold words that no erasure removes: `kith network policy --random-ids \
                 true --token-attributes true`"
            );
        }
        // Nobody has the secret of a webhook's token.
        let mut tokens = network.every_token();
        tokens.retain(|token| !token.id.is_webhook());
        let tokens = endless(tokens);
        if !tokens.is_empty() {
            tracing::warn!(network = %network.name(), tokens, "tokens that never expire");
        }
    }
    match is_beside_the_log(config) {
        Ok(true) => tracing::warn!(
            path = %config.log.checkpoint_path().display(),
            "the checkpoints are on the log's file system: whoever puts an old one back puts back both"
        ),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "the folder of the checkpoints cannot be looked at"),
    }
}

fn is_beside_the_log(config: &Config) -> io::Result<bool> {
    let checkpoint = config.log.checkpoint_path();
    let folder = checkpoint.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::metadata(folder)?.dev() == fs::metadata(&config.data)?.dev())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(data: &Path) -> Config {
        Config { production: true, ..Config::new(data.to_owned()) }
    }

    fn check(faults: &[String], expected: &[&str]) {
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, start) in faults.iter().zip(expected) {
            assert!(fault.starts_with(start), "{fault}");
        }
    }

    #[test]
    fn settings_for_trying_out_are_named() {
        let mut config = config(Path::new("/data"));
        check(&of_settings(&config), &[]);
        config.listen = "0.0.0.0:7420".parse().unwrap();
        config.telemetry.metrics_listen = "0.0.0.0:9100".into();
        (config.allow_plaintext, config.reflection, config.demo) = (true, true, true);
        let expected = ["listen: ", "telemetry.metrics_listen: ", "allow_plaintext: ", "reflection: ", "demo: "];
        check(&of_settings(&config), &expected);
        config.tls.certificate = "/c".into();
        check(&of_settings(&config), &expected[1..]);
    }

    #[test]
    fn secrets_that_are_copied_or_read_with_the_data_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (data, elsewhere) = (folder.path().join("data"), folder.path().join("root.key"));
        fs::create_dir(&data).unwrap();
        let mut config = config(&data);
        check(&of_files(&config), &["log.root_key: "]);
        config.log.root_key = Some(elsewhere.clone());
        check(&of_files(&config), &[]);
        for path in [&elsewhere, &data.join(OWNER_TOKEN_FILE)] {
            fs::write(path, "secret").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o604)).unwrap();
        }
        check(&of_files(&config), &["log.root_key: others may read", "the owner token: others may read"]);
        // By another name of the same folder.
        std::os::unix::fs::symlink(&data, folder.path().join("link")).unwrap();
        config.log.root_key = Some(folder.path().join("link/deep/root.key"));
        check(&of_files(&config), &["the owner token: ", "log.root_key: "]);
    }
}
