//! Metrics for Prometheus, on a port of their own: about the log and each view, never a name or an id of a person.
//!
//! Invariant: a scrape only reads, and changes nothing; without an address in the settings nothing listens.

use crate::{node::Node, views::ServedView, webhooks::RESULTS};
use axum::{Router, extract::State, http::header::CONTENT_TYPE, response::IntoResponse, routing::get};
use kith_core::plugins::{PluginKey, PluginOwner};
use kith_log::{WebhookState, clock_behind_ms};
use kith_views::{ViewState, ViewStatus};
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use std::{
    io,
    sync::atomic::{AtomicI64, AtomicU64},
};
use tokio::net::TcpListener;

/// The media type of this text (`OpenMetrics` 1.0, 4.2.1).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Names and values that distinguish the numbers of one metric.
type Labels = Vec<(&'static str, String)>;
type Gauges = Family<Labels, Gauge<i64, AtomicI64>>;
type Counters = Family<Labels, Counter<u64, AtomicU64>>;

/// Answers `GET /metrics` until the server shuts down.
pub(crate) async fn serve(node: Node, listener: TcpListener) -> io::Result<()> {
    let closing = node.closing();
    let routes = Router::new().route("/metrics", get(scrape)).with_state(node);
    axum::serve(listener, routes).with_graceful_shutdown(closing).await
}

async fn scrape(State(node): State<Node>) -> impl IntoResponse {
    let text = kith_log::blocking(move || {
        let mut registry = Registry::with_prefix("kith");
        log(&node, &mut registry);
        let details = signed(node.details().held() as u64);
        gauge(&mut registry, "details_open_bytes", "Bytes of details being sent to readers", details);
        let requests = signed(node.requests().held() as u64);
        gauge(&mut registry, "requests_open_bytes", "Bytes of requests being received or processed", requests);
        let answers = signed(node.answers().held() as u64);
        gauge(&mut registry, "answers_open_bytes", "Bytes of answers and streams that readers have not taken", answers);
        tls(&node, &mut registry);
        views(&node, &mut registry);
        webhooks(&node, &mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a string does not fail");
        text
    });
    ([(CONTENT_TYPE, OPEN_METRICS)], text.await)
}

fn log(node: &Node, registry: &mut Registry) {
    let measures = node.log().measures();
    let heads = gauges(registry, "head_position", "Last position of a network's log");
    for network in node.log().networks() {
        heads.get_or_create(&vec![("network", network.name().to_string())]).set(signed(network.head().get()));
    }
    let behind = gauges(
        registry,
        "clock_behind_seconds",
        "By how much the clock is behind a log's last entry, if by over a minute",
    );
    for network in node.log().networks() {
        let behind_ms = clock_behind_ms(network.summary().recorded_at, node.now());
        behind.get_or_create(&vec![("network", network.name().to_string())]).set(behind_ms / 1_000);
    }
    let waiting = signed(measures.queue_requests as u64);
    gauge(registry, "queue_requests", "Requests that wait for the writer", waiting);
    let totals = [
        ("commits", "Commits that changed something", measures.commit_count),
        ("entries", "Entries in those commits", measures.entry_count),
        ("failed_logins", "Calls without a valid token", node.peers().failed_logins()),
        ("commit_microseconds", "Time spent on commits, from decision to publication", measures.commit_latency_us),
    ];
    for (name, help, total) in totals {
        counter(registry, name, help, total);
    }
    let serving = *node.log().health().borrow() == kith_log::Health::Serving;
    let writable = i64::from(serving && node.log().has_room());
    gauge(registry, "writable", "1 while the log accepts events", writable);
}

fn tls(node: &Node, registry: &mut Registry) {
    let Some(tls) = node.tls() else { return };
    let end = tls.valid_until().millis() / 1_000;
    gauge(registry, "tls_certificate_valid_until_seconds", "When the certificate expires, as Unix time", end);
    counter(registry, "tls_failed_handshakes", "Connections that were not agreed on", tls.handshakes_failed());
    counter(registry, "tls_failed_reloads", "Times that the files were read anew and not taken", tls.reloads_failed());
}

fn views(node: &Node, registry: &mut Registry) {
    let lag = gauges(registry, "view_lag_entries", "Entries between a view and its log's head");
    let rows = gauges(registry, "view_rows", "Rows as of today");
    let keys = gauges(registry, "view_keys", "Keys with a state");
    let state = gauges(registry, "view_state_bytes", "Bytes of all states");
    let quarantined = gauges(registry, "view_quarantined_keys", "Keys that the plugin fails on");
    let running = gauges(registry, "view_running", "1 while a view follows its log");
    let rate = gauges(registry, "view_events_per_second", "Events folded in a second of the time spent folding");
    let cost = gauges(registry, "view_fuel_per_event", "Fuel spent per event, including making rows");
    let events = counters(registry, "view_events", "Events folded");
    let fuel = counters(registry, "view_fuel", "Fuel spent");
    let faults = counters(registry, "view_faults", "Calls of the plugin that failed");
    let open = signed(node.views().open_networks() as u64);
    gauge(registry, "view_networks_open", "Networks whose views are open: the others have nothing to process", open);
    for (labels, view, follows) in statuses(node) {
        lag.get_or_create(&labels).set(signed(view.lag));
        rows.get_or_create(&labels).set(signed(view.rows));
        keys.get_or_create(&labels).set(signed(view.keys));
        state.get_or_create(&labels).set(signed(view.state_bytes));
        quarantined.get_or_create(&labels).set(signed(view.quarantined.len() as u64));
        running.get_or_create(&labels).set(i64::from(follows));
        #[allow(clippy::cast_possible_truncation, reason = "a rate is far below 2^63")]
        rate.get_or_create(&labels).set(view.events_per_second() as i64);
        cost.get_or_create(&labels).set(signed(view.fuel_per_event()));
        events.get_or_create(&labels).inc_by(view.events_folded);
        fuel.get_or_create(&labels).inc_by(view.fuel);
        faults.get_or_create(&labels).inc_by(view.faults);
    }
}

/// Webhooks of organisations are left out but for what all of them did, since reading these numbers needs no token.
fn webhooks(node: &Node, registry: &mut Registry) {
    let tries = counters(registry, "webhook_tries", "Events that were sent to webhooks, by result");
    for (result, count) in RESULTS.into_iter().zip(node.webhooks().counts()) {
        tries.get_or_create(&vec![("result", result.to_owned())]).inc_by(count);
    }
    let lag = gauges(registry, "webhook_lag_entries", "Entries between a webhook and its log's head");
    let running = gauges(registry, "webhook_running", "1 while a webhook sends, or waits for its receiver");
    for (key, slot) in node.webhooks().all() {
        let Some(network) = node.log().network(&key.network) else { continue };
        let is_networks = network.webhook(&key.id).is_some_and(|reader| reader.organisation.is_none());
        if is_networks {
            let labels = vec![("network", key.network.to_string()), ("webhook", key.id.to_string())];
            lag.get_or_create(&labels).set(signed(network.head().get().saturating_sub(slot.cursor.position.get())));
            running.get_or_create(&labels).set(i64::from(slot.state == WebhookState::Running));
        }
    }
}

/// Every version of every open view of the networks. Views that an organisation derives for itself are left out entirely,
/// since reading these numbers needs no token.
fn statuses(node: &Node) -> Vec<(Labels, ViewStatus, bool)> {
    let mut statuses = Vec::new();
    let all = node.views().all().into_iter();
    for (network, PluginKey { name, .. }, version, view) in all.filter(|(_, key, ..)| key.owner == PluginOwner::Network)
    {
        match view.handle.status() {
            Ok(status) => {
                let labels = vec![("network", network.to_string()), ("view", name), ("version", version)];
                let follows = follows(&view, &status.state);
                statuses.push((labels, status, follows));
            }
            Err(error) => tracing::warn!(%error, network = %network, view = name, "view status could not be read"),
        }
    }
    statuses
}

/// Whether a view follows its log. A view that waits after a failure counts as following; a paused one does not once it
/// is built.
fn follows(view: &ServedView, state: &ViewState) -> bool {
    match state {
        ViewState::Building => true,
        ViewState::Running | ViewState::Paused { .. } => !view.paused,
        ViewState::WaitingForRoom { .. } | ViewState::Stopped { .. } => false,
    }
}

fn counter(registry: &mut Registry, name: &str, help: &str, total: u64) {
    let counter = Counter::<u64, AtomicU64>::default();
    counter.inc_by(total);
    registry.register(name, help, counter);
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: i64) {
    let gauge = Gauge::<i64, AtomicI64>::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn gauges(registry: &mut Registry, name: &str, help: &str) -> Gauges {
    let family = Gauges::default();
    registry.register(name, help, family.clone());
    family
}

fn counters(registry: &mut Registry, name: &str, help: &str) -> Counters {
    let family = Counters::default();
    registry.register(name, help, family.clone());
    family
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
