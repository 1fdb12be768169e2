//! `kith console`: opens the console in a browser that is signed in.

use crate::{context::Context, failure::Failure, limits::BROWSER_START_MAX, show::output::remark};
use clap::Args;
use kith_json::time_text;
use serde_json::json;
use std::{
    env,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Open the console in a browser, signed in as the holder of the token
///
/// The browser gets a code that is good once and for a minute, and has a session from then on: it never learns the token.
/// Until the code is used the address is as secret as the token.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith console --network demo")]
pub(crate) struct ConsoleArgs {
    /// Print the address instead of opening it
    #[arg(long)]
    print: bool,
}

pub(crate) async fn run(context: &mut Context, args: &ConsoleArgs) -> Result<(), Failure> {
    let client = context.server()?.clone();
    let may_enter = client.who_am_i(Some(client.network())).await.is_ok();
    let code = client.open_console().await?;
    let network = if may_enter { format!("&network={}", client.network()) } else { String::new() };
    let server = client.server();
    let url = format!("{server}/#/login?code={}{network}", code.code.expose());
    let opened = !args.print && open(&url);
    if !args.print && !opened {
        remark("no browser could be opened here: open this address yourself, within a minute");
    }
    let answer = json!({ "url": url, "expires_at": time_text(code.expires_at), "opened": opened });
    context
        .output
        .tell(&answer, || if opened { format!("opened the console of {server} in the browser") } else { url.clone() })
}

/// Opens an address in the user's browser; returns whether one was started.
fn open(url: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    // Without a screen it would take over the terminal with a browser for text.
    let has_screen =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some_and(|it| !it.is_empty()));
    if !cfg!(target_os = "macos") && !has_screen {
        return false;
    }
    let mut command = Command::new(opener);
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut opening) = command.spawn() else { return false };
    let begun = Instant::now();
    while begun.elapsed() < BROWSER_START_MAX {
        match opening.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Err(_) => return false,
        }
    }
    // It goes on as the browser.
    true
}
