//! The effective configuration as a file that produces the same configuration.

use super::Config;
use kith_log::CommitMode;
use toml::{Table, Value};

/// All settings, defaults included. None of them is a secret.
pub(super) fn render(config: &Config) -> String {
    let Config {
        data,
        listen,
        production,
        allow_plaintext,
        reflection,
        demo,
        tls,
        limits,
        telemetry,
        log,
        views,
        http,
        console,
        webhooks,
    } = config;
    let mut table = Table::new();
    let mut set = |key: &str, value: Value| drop(table.insert(key.to_owned(), value));
    set("data", path(data));
    set("listen", Value::String(listen.to_string()));
    set("production", Value::Boolean(*production));
    set("allow_plaintext", Value::Boolean(*allow_plaintext));
    set("reflection", Value::Boolean(*reflection));
    set("demo", Value::Boolean(*demo));
    set("tls", Value::try_from(tls).expect("settings of TLS are texts"));
    set("limits", Value::try_from(limits).expect("limits are numbers"));
    set("telemetry", Value::try_from(telemetry).expect("telemetry settings are texts"));
    set("log", Value::Table(log_table(log)));
    set("views", Value::try_from(views).expect("settings of the plugin host are numbers"));
    set("http", Value::try_from(http).expect("settings of browsers are texts"));
    set("console", Value::try_from(console).expect("settings of the console are plain values"));
    set("webhooks", Value::try_from(webhooks).expect("settings of webhooks are texts"));
    toml::to_string(&table).expect("tables of plain values can be written")
}

fn path(path: &std::path::Path) -> Value {
    Value::String(path.display().to_string())
}

fn number(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn log_table(config: &kith_log::Config) -> Table {
    let kith_log::Config {
        data: _,
        checkpoint: _,
        root_key: _,
        commit_mode,
        queue_requests_max,
        queue_bytes_max,
        batch_events_max,
        batch_bytes_max,
        tail_bytes_max,
        redb_cache_bytes,
        disk_reserve_bytes,
        disk_reserve_per_cent,
        future_ms_max,
    } = config;
    let commit_mode = match commit_mode {
        CommitMode::QuickRepair => "quick-repair",
        CommitMode::TwoPhase => "two-phase",
        CommitMode::OnePhase => "one-phase",
    };
    Table::from_iter([
        ("checkpoint".to_owned(), path(&config.checkpoint_path())),
        ("root_key".to_owned(), path(&config.root_key_path())),
        ("commit_mode".to_owned(), Value::String(commit_mode.to_owned())),
        ("queue_requests_max".to_owned(), number(*queue_requests_max)),
        ("queue_bytes_max".to_owned(), number(*queue_bytes_max)),
        ("batch_events_max".to_owned(), number(*batch_events_max)),
        ("batch_bytes_max".to_owned(), number(*batch_bytes_max)),
        ("tail_bytes_max".to_owned(), number(*tail_bytes_max)),
        ("redb_cache_bytes".to_owned(), number(*redb_cache_bytes)),
        ("disk_reserve_bytes".to_owned(), Value::Integer(i64::try_from(*disk_reserve_bytes).unwrap_or(i64::MAX))),
        ("disk_reserve_per_cent".to_owned(), Value::Integer((*disk_reserve_per_cent).into())),
        ("future_ms_max".to_owned(), Value::Integer(*future_ms_max)),
    ])
}
