//! `kith head`: the end of the log.

use crate::{
    context::Context,
    failure::Failure,
    show::{log_clock::standstill, output::remark},
};
use clap::Args;
use kith_json::{head_json, time_text};
use serde_json::Value;

/// Show the log's last position and the root of its hash tree
#[derive(Debug, Args)]
#[command(after_help = "Example: kith head -o json")]
pub(crate) struct HeadArgs {}

pub(crate) async fn run(context: &mut Context, _: &HeadArgs) -> Result<(), Failure> {
    let head = context.place.head().await?;
    let network = context.place.network().to_string();
    let standstill = standstill(head.recorded_at, kith_client::now());
    let mut answer = head_json(&network, head.position, &head.root.to_string(), head.recorded_at);
    answer.insert("clock".to_owned(), standstill.clone().into());
    if let Some(words) = &standstill {
        remark(words);
    }
    context.output.tell(&Value::Object(answer), || {
        let since = head.recorded_at.map(|time| format!(", recorded {}", time_text(time))).unwrap_or_default();
        format!("{network} at position {}{since}\nroot {}", head.position, head.root)
    })
}
