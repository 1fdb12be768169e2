//! What a webhook keeps secret: its address and what its requests are signed with (Standard Webhooks,
//! github.com/standard-webhooks/standard-webhooks).
//!
//! Invariant: it is in memory only while a request is made or answered, and on the disk only sealed under the network's key.

use super::url::Url;
use crate::{limits::WEBHOOK_FORMER_SECRET_LIFE, random::random};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use kith_core::{id::TokenId, timestamp::Timestamp};
use kith_log::Network;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What the seal is bound to; the webhook's id follows.
const SEAL_CONTEXT: &str = "kith/webhook/1/";
/// What secrets begin with.
const SECRET_PREFIX: &str = "whsec_";
/// The version of signatures.
const SIGNATURE_VERSION: &str = "v1";

/// The address and the secrets of a webhook.
#[derive(Clone)]
pub(crate) struct Secrets {
    /// Where it sends.
    pub(crate) url: Url,
    current: [u8; 32],
    former: Option<Former>,
}

/// A secret that still signs.
#[derive(Clone, Copy)]
struct Former {
    secret: [u8; 32],
    until: Timestamp,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    url: String,
    secret: [u8; 32],
    former: Option<([u8; 32], i64)>,
}

impl Secrets {
    /// A new secret for an address.
    pub(crate) fn new(url: Url) -> Self {
        Self { url, current: random(), former: None }
    }

    /// Opens what [`Secrets::seal`] sealed.
    pub(crate) fn open(network: &Network, id: &TokenId, sealed: &[u8]) -> Option<Self> {
        let bytes = network.unseal(context(id).as_bytes(), sealed)?;
        let Plain { url, secret, former } = serde_json::from_slice(&bytes).ok()?;
        let former = former.map(|(secret, until)| Former { secret, until: Timestamp::from_millis(until) });
        Some(Self { url: Url::parse(&url).ok()?, current: secret, former })
    }

    /// Seals it for the file.
    pub(crate) fn seal(&self, network: &Network, id: &TokenId) -> Vec<u8> {
        let former = self.former.map(|former| (former.secret, former.until.millis()));
        let plain = Plain { url: self.url.text(), secret: self.current, former };
        let bytes = serde_json::to_vec(&plain).expect("plain values can be written");
        network.seal(context(id).as_bytes(), &bytes)
    }

    /// Takes a new secret, and signs with the present one for a while.
    pub(crate) fn rotate(&mut self, now: Timestamp) {
        self.former = Some(Former { secret: self.current, until: now.plus(WEBHOOK_FORMER_SECRET_LIFE) });
        self.current = random();
    }

    /// The secret as it is shown.
    pub(crate) fn shown(&self) -> String {
        format!("{SECRET_PREFIX}{}", STANDARD.encode(self.current))
    }

    /// Until when the former secret signs, if it does.
    pub(crate) fn former_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.former.map(|former| former.until).filter(|until| now < *until)
    }

    /// The header `webhook-signature` of a request.
    pub(crate) fn sign(&self, id: &str, now: Timestamp, body: &[u8]) -> String {
        let former = self.former.filter(|former| now < former.until).map(|former| former.secret);
        let sign = |secret: [u8; 32]| format!("{SIGNATURE_VERSION},{}", STANDARD.encode(code(&secret, id, now, body)));
        [Some(self.current), former].into_iter().flatten().map(sign).collect::<Vec<_>>().join(" ")
    }
}

fn context(id: &TokenId) -> String {
    format!("{SEAL_CONTEXT}{id}")
}

fn code(secret: &[u8; 32], id: &str, at: Timestamp, body: &[u8]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("keys of any length are taken");
    let head = format!("{id}.{}.", at.millis() / 1_000);
    mac.chain_update(head).chain_update(body).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn secrets(secret: [u8; 32]) -> Secrets {
        Secrets { url: Url::parse("https://hooks.example.org/").unwrap(), current: secret, former: None }
    }

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // Computed with `standardwebhooks` 1.1.0 of PyPI.
        let at = Timestamp::from_millis(1_674_087_231_999);
        let signed = secrets([7; 32]).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,OlmWVn7jI8BjggvairahHs+GfQWU+BUOe0MqzF1vmfw=");
        assert_eq!(secrets([7; 32]).shown(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    }

    #[test]
    fn the_former_secret_signs_for_a_day() {
        let now = Timestamp::from_millis(1_000_000);
        let mut rotated = secrets([7; 32]);
        rotated.rotate(now);
        let sign = |secrets: &Secrets, at| secrets.sign("id", at, b"body");
        let former = sign(&secrets([7; 32]), now);
        let both = sign(&rotated, now);
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(&former) && rotated.shown() != secrets([7; 32]).shown());
        let later = now.plus(WEBHOOK_FORMER_SECRET_LIFE);
        assert_eq!(rotated.former_until(now), Some(later));
        assert_eq!((sign(&rotated, later).split(' ').count(), rotated.former_until(later)), (1, None));
        let before = now.plus(WEBHOOK_FORMER_SECRET_LIFE.saturating_sub(Duration::from_millis(1)));
        assert_eq!(sign(&rotated, before).split(' ').count(), 2);
    }
}
