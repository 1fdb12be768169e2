//! `kith login`: remembers the server and the credentials.

use crate::{
    failure::Failure,
    place::{
        profile::{Profile, profile_path},
        settings::{GlobalArgs, Settings},
    },
    show::output::Output,
};
use clap::Args;
use serde_json::json;

/// Remember a server, a token and a network, so that other commands need no flags
///
/// The token is checked, then saved in the profile, which only you can read, with the names of the files that --ca,
/// --client-cert and --client-key give.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith login http://127.0.0.1:7420 --token-file owner.token --network default\n  \
                        kith login https://kith.example --ca ca.pem --token-file amina.token")]
pub(crate) struct LoginArgs {
    /// The server's address
    #[arg(value_name = "URL")]
    url: String,
}

pub(crate) async fn run(args: &LoginArgs, global: &GlobalArgs, output: &mut Output) -> Result<(), Failure> {
    let flags = GlobalArgs { server: Some(args.url.clone()), ..global.clone() };
    let settings = Settings::resolve(&flags, |name| std::env::var_os(name), None)?;
    let profile = Profile {
        server: settings.server.to_string(),
        network: settings.network.to_string(),
        token: settings.token.expose().to_owned(),
        transport: settings.transport.clone().absolute()?,
    };
    let head = settings.connect().await?.head().await?;
    let path = profile_path()?;
    profile.write(&path)?;
    let path = path.display().to_string();
    let answer = json!({
        "server": profile.server,
        "network": profile.network,
        "position": head.position.get(),
        "profile": path,
    });
    output
        .tell(&answer, || format!("logged in to {}, network {}; remembered in {path}", profile.server, profile.network))
}
