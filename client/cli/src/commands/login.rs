//! `kith login`: remembers the server and the credentials.

use super::member::member_json;
use crate::{
    failure::Failure,
    input::files::read_short_text,
    limits,
    place::{
        profile::{Profile, profile_path},
        settings::{GlobalArgs, Settings},
    },
    show::output::Output,
};
use clap::Args;
use kith_client::Secret;
use serde_json::json;
use std::path::Path;

/// Remember a server, a token and a network, so that other commands need no flags
///
/// The token is checked, then saved in the profile, which only you can read, with the names of the files that --ca,
/// --client-cert and --client-key give.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith login http://127.0.0.1:7420 --token-file owner.token --network default\n  \
                        kith login https://kith.example --ca ca.pem --token-file amina.token\n  \
                        kith login https://kith.example --network north --invitation kith_...")]
pub(crate) struct LoginArgs {
    /// The server's address
    #[arg(value_name = "URL")]
    url: String,
    /// Become a member with an invitation, in place of a token; - reads it from standard input
    #[arg(long, value_name = "CODE", conflicts_with_all = ["token", "token_file"])]
    invitation: Option<String>,
}

pub(crate) async fn run(args: &LoginArgs, global: &GlobalArgs, output: &mut Output) -> Result<(), Failure> {
    let mut flags = GlobalArgs { server: Some(args.url.clone()), ..global.clone() };
    let joined = match &args.invitation {
        Some(invitation) => {
            // The invitation is the credential, whatever token the environment names.
            flags.token = Some(String::new());
            let settings = Settings::resolve(&flags, |name| std::env::var_os(name), None)?;
            Some(settings.connect().await?.join(&invitation_of(invitation)?).await?)
        }
        None => None,
    };
    if let Some(joined) = &joined {
        flags.token = Some(joined.secret.expose().to_owned());
    }
    let settings = Settings::resolve(&flags, |name| std::env::var_os(name), None)?;
    let profile = Profile {
        server: settings.server.to_string(),
        network: settings.network.to_string(),
        token: settings.token.expose().to_owned(),
        transport: settings.transport.clone().absolute()?,
    };
    let path = profile_path()?;
    if joined.is_some() {
        // The token is known nowhere else: it is kept before anything can go wrong.
        profile.write(&path)?;
    }
    let head = settings.connect().await?.head().await?;
    profile.write(&path)?;
    let path = path.display().to_string();
    let answer = json!({
        "server": profile.server,
        "network": profile.network,
        "position": head.position.get(),
        "profile": path,
        "member": joined.as_ref().map(|joined| member_json(&joined.member)),
    });
    output.tell(&answer, || {
        let who = joined.as_ref().map(|joined| format!(" as the member {}", joined.member.principal));
        let (server, network) = (&profile.server, &profile.network);
        format!("logged in to {server}, network {network}{}; remembered in {path}", who.unwrap_or_default())
    })
}

/// An invitation as typed, or from standard input.
fn invitation_of(typed: &str) -> Result<Secret, Failure> {
    if typed != "-" {
        return Ok(typed.trim().into());
    }
    let text = read_short_text(Path::new("-"), limits::TOKEN_FILE_BYTES_MAX)?;
    match text.trim() {
        "" => Err(Failure::Usage("standard input contains no invitation".to_owned())),
        code => Ok(code.into()),
    }
}
