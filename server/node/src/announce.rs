//! What a server announces when it is ready: to people and scripts on standard output, to systemd on its socket.

use crate::{
    config::Config,
    demo,
    limits::KEYS_TOLD_MAX,
    node::Node,
    server_token::{self, ServerToken},
};
use kith_core::timestamp::DAY_MS;
use kith_log::{Network, Rollback};
use sd_notify::NotifyState;
use std::{
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Announces that the server accepts calls at an address, and after a first start what to try next.
pub(crate) fn ready(node: &Node, config: &Config, address: SocketAddr) {
    let mut lines = Vec::new();
    let url = format!("{}://{address}", if config.tls.is_on() { "https" } else { "http" });
    lines.extend(node.owner_token().map(|token| welcome(&config.data, token, &url)));
    lines.extend(owner_age(node));
    if config.demo {
        let name = demo::NAME;
        lines.push(format!("the fictional network `{name}` is ready: try `kith view --network {name}`"));
    }
    lines.extend(keys(&node.log().networks()));
    lines.extend(node.log().rollback().map(|rollback| warning(&rollback, config)));
    lines.push(format!("listening on {address}"));
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{}", lines.join("\n")).and_then(|()| out.flush()) {
        tracing::warn!(%error, "standard output cannot be written");
    }
    if let Some(rollback) = node.log().rollback() {
        tracing::error!(reason = %rollback, "the log is not the one that was signed; it accepts no events");
    }
    tracing::info!(%address, "ready");
    notify(&[NotifyState::Ready]);
}

/// The age of the owner token and when it expires; `None` on the first start.
fn owner_age(node: &Node) -> Option<String> {
    if node.owner_token().is_some() {
        return None;
    }
    let now = node.now();
    let Some(token) = server_token::current(node.log(), ServerToken::Owner, now) else {
        return Some("there is no valid owner token (networks with an owner of their own need none): `kithd owner issue` makes one".to_owned());
    };
    let days = now.millis().saturating_sub(token.issued_at.millis()) / DAY_MS;
    let end = token.expires_at.map(|end| (end.millis() - now.millis()) / DAY_MS);
    tracing::info!(age_days = days, ends_in_days = end, "owner token");
    let ends = end.map_or_else(|| "does not expire".to_owned(), |end| format!("expires in {end} days"));
    Some(format!("the owner token is {days} days old and {ends}; `kithd owner rotate` replaces it"))
}

/// The public keys of the networks' logs, in the form that auditors keep.
fn keys(networks: &[Network]) -> Vec<String> {
    let first = networks.iter().take(KEYS_TOLD_MAX);
    let mut lines: Vec<_> = first
        .map(|network| format!("checkpoints of {} are signed by {}", network.name(), network.verifier_key()))
        .collect();
    if let Some(more) = networks.len().checked_sub(KEYS_TOLD_MAX + 1) {
        lines.push(format!("and {} more networks: `kith audit checkpoint` shows their keys", more + 1));
    }
    lines
}

/// The warning that the server accepts no events, with the reasons and what can be done.
fn warning(rollback: &Rollback, config: &Config) -> String {
    let (data, checkpoint) = (absolute(&config.data), absolute(&config.log.checkpoint_path()));
    format!(
        "READ-ONLY: this is not the log whose checkpoints were signed; {checkpoint} says:\n  {reasons}\n\
         put the right log back, or accept that entries are lost with:\n  \
         kithd restore --data {data} --accept-rollback",
        checkpoint = checkpoint.display(),
        reasons = rollback.to_string().replace('\n', "\n  "),
        data = quoted(&data),
    )
}

/// Tells systemd that the server is shutting down.
pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be notified");
    }
}

fn welcome(data: &Path, token: &Path, url: &str) -> String {
    let (data, token) = (absolute(data), absolute(token));
    format!(
        "first start: the data folder is {data}, the owner token is in {token}\n\
         the address is {url}; try:\n  \
         export KITH_SERVER={url} KITH_TOKEN_FILE={token}\n  \
         kith org add \"Riverside Practice\" --id riverside\n  \
         kith person add \"Amina Shah\" --org riverside --role GP --id amina\n  \
         kith console",
        data = data.display(),
        token = quoted(&token),
    )
}

/// A path that works from every folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path quoted for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_welcome_names_address_token_and_commands_to_try() {
        let text = welcome(Path::new("/data"), Path::new("/my data/owner.token"), "http://127.0.0.1:7420");
        assert!(text.contains("KITH_SERVER=http://127.0.0.1:7420 KITH_TOKEN_FILE='/my data/owner.token'"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("  ")).count(), 4);
        assert!(text.ends_with("\n  kith console"), "{text}");
    }
}
