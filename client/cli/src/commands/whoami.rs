//! `kith whoami`: what the token makes of its holder.

use crate::{context::Context, failure::Failure};
use clap::Args;
use kith_client::{Reason, v1};
use kith_core::{event::Role, timestamp::Timestamp};
use kith_json::{role_name, time_text};
use serde_json::{Value, json};

/// Show who you are to the server: person, role, organisation, networks, and when the token expires
#[derive(Debug, Args)]
#[command(after_help = "Example: kith whoami -o json")]
pub(crate) struct WhoamiArgs {}

pub(crate) async fn run(context: &mut Context, _: &WhoamiArgs) -> Result<(), Failure> {
    let client = context.server()?.clone();
    let (me, network) = match client.who_am_i(Some(client.network())).await {
        Ok(me) => (me, Some(client.network().to_string())),
        // The token is of another network: who it is can be told all the same.
        Err(error) if error.reason() == Some(Reason::NetworkUnknown) => (client.who_am_i(None).await?, None),
        Err(error) => return Err(error.into()),
    };
    context
        .output
        .tell(&whoami_json(&me, network.as_deref()), || sentence(&me, client.network().as_str(), network.is_some()))
}

fn whoami_json(me: &v1::WhoAmIResponse, network: Option<&str>) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let credential = me.credential.clone().unwrap_or_default();
    let reach = me.reach.clone().unwrap_or_default();
    json!({
        "principal": me.principal,
        "credential": { "kind": credential_kind(&credential), "id": credential.id },
        "role": role(me),
        "person": given(&me.person),
        "organisation": given(&me.organisation),
        "reach": { "server": reach.server, "networks": reach.networks },
        "network": network,
        "expires_at": me.expires_at.as_ref().and_then(Timestamp::from_proto).map(time_text),
        "scope_digest": given(&hex::encode(&me.scope_digest)),
        "server_version": me.server_version,
        "server_time": me.server_time.as_ref().and_then(Timestamp::from_proto).map(time_text),
    })
}

fn sentence(me: &v1::WhoAmIResponse, network: &str, may_enter: bool) -> String {
    let reach = me.reach.clone().unwrap_or_default();
    let whole = |server| if server { "every network of the server".to_owned() } else { reach.networks.join(", ") };
    let organisation = match &*me.organisation {
        "" => String::new(),
        organisation => format!(" of {organisation}"),
    };
    let ends = me
        .expires_at
        .as_ref()
        .and_then(Timestamp::from_proto)
        .map(time_text)
        .map_or_else(|| "does not expire".to_owned(), |end| format!("expires {end}"));
    let credential = me.credential.clone().unwrap_or_default();
    let entry = if may_enter { String::new() } else { format!("\nit does not open the network {network}") };
    format!(
        "{}, {}{organisation}, in {}\nby the {} {}, which {ends}; server {}{entry}",
        if me.principal.is_empty() { "nobody" } else { &me.principal },
        role(me),
        whole(reach.server),
        credential_kind(&credential),
        credential.id,
        me.server_version
    )
}

fn role(me: &v1::WhoAmIResponse) -> &'static str {
    Role::from_proto(me.role).map_or("unknown", role_name)
}

fn credential_kind(credential: &v1::Credential) -> &'static str {
    match credential.kind() {
        v1::CredentialKind::Token => "token",
        v1::CredentialKind::Certificate => "certificate",
        v1::CredentialKind::Unspecified => "unknown",
    }
}
