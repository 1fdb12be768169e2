//! `kith token`: access tokens of the network. A secret is printed once, when it is issued, and never again.

use super::recording::patiently;
use crate::{
    context::Context,
    failure::Failure,
    input::{dates::parse_end_now, role::RoleArg},
    show::output::{Column, Format},
};
use clap::{Args, Subcommand};
use kith_client::{NewToken, v1};
use kith_core::{event::Role, id::TokenId, timestamp::Timestamp};
use kith_json::{role_name, time_text};
use serde_json::{Value, json};

/// Access tokens of the network; need an owner
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Issue a token and show its secret, only once
    Add(AddArgs),
    /// List the tokens, without their secrets; an owner of the server also sees those of the server
    #[command(after_help = "Example: kith token list")]
    List,
    /// Revoke a token immediately
    #[command(after_help = "Example: kith token revoke t-abc")]
    Revoke {
        /// The token's id, as shown by `kith token list`
        id: TokenId,
    },
}

/// Issue a token and show its secret, only once
#[derive(Debug, Args)]
#[command(after_help = "Example: kith token add --role recorder --person amina --organisation riverside --expires 90d")]
pub(crate) struct AddArgs {
    /// What it permits; without it, another token of the member that --person names
    #[arg(long, value_enum, required_unless_present = "person")]
    role: Option<RoleArg>,
    /// The person it speaks for, by id or part of their name
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    person: Option<String>,
    /// The organisation it belongs to, by id or part of its name
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    organisation: Option<String>,
    /// When it expires: 90d, 12h, or a date [default: never]
    #[arg(long, value_name = "WHEN", value_parser = parse_end_now)]
    expires: Option<Timestamp>,
}

pub(crate) async fn run(context: &mut Context, command: TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Add(args) => add(context, &args).await,
        TokenCommand::List => list(context).await,
        TokenCommand::Revoke { id } => {
            let position = context.server()?.revoke_token(&id).await?;
            let answer = json!({ "id": id.as_str(), "position": position.get() });
            context.output.tell(&answer, || match position.get() {
                0 => format!("token {id} of the server is revoked; `kithd owner issue` makes another"),
                position => format!("token {id} is revoked, recorded at position {position}"),
            })
        }
    }
}

async fn add(context: &mut Context, args: &AddArgs) -> Result<(), Failure> {
    let mut resolver = context.resolver();
    let token = NewToken {
        role: args.role.map(Role::from),
        person: resolver.person_or_none(args.person.as_ref()).await?,
        organisation: resolver.organisation(args.organisation.as_ref()).await?,
        expires_at: args.expires,
    };
    let issued = patiently(context.server()?.issue_token(&token)).await.map_err(|error| {
        let again = "`kith token list` shows it, and `kith token revoke` takes back what nobody has the secret of";
        Failure::of_change(error, None, again)
    })?;
    let mut answer = token_json(&issued.token);
    answer["position"] = issued.position.get().into();
    answer["secret"] = issued.secret.expose().into();
    context.output.tell(&answer, || {
        let what = token.role.map_or("a member".to_owned(), |role| format!("role {}", role_name(role)));
        format!("token {} for {what}. Its secret, shown only now:\n{}", issued.token.id, issued.secret.expose())
    })
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let tokens = context.server()?.list_tokens().await?;
    match context.output.format() {
        Format::Json => tokens.iter().try_for_each(|token| context.output.json(&token_json(token))),
        Format::Table => {
            let columns =
                ["id", "reach", "role", "person", "organisation", "issued", "ends", "revoked"].map(Column::text);
            let rows = tokens.into_iter().map(|token| {
                let (reach, role, times) = (reach(&token).to_owned(), role_text(&token), times(&token));
                let mut row = vec![token.id, reach, role, token.person, token.organisation];
                row.extend(times.map(Option::unwrap_or_default));
                row
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

pub(super) fn token_json(token: &v1::Token) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let [issued_at, expires_at, revoked_at] = times(token);
    json!({
        "id": token.id,
        "reach": reach(token),
        "role": role_text(token),
        "person": given(&token.person),
        "organisation": given(&token.organisation),
        "issued_at": issued_at,
        "expires_at": expires_at,
        "revoked_at": revoked_at,
    })
}

/// When the token was issued, expires, and was revoked.
pub(super) fn times(token: &v1::Token) -> [Option<String>; 3] {
    [&token.issued_at, &token.expires_at, &token.revoked_at]
        .map(|time| time.as_ref().and_then(Timestamp::from_proto).map(time_text))
}

/// What the token gives access to.
fn reach(token: &v1::Token) -> &'static str {
    if token.server { "server" } else { "network" }
}

fn role_text(token: &v1::Token) -> String {
    match Role::from_proto(token.role).map(role_name) {
        _ if token.id.starts_with("feed-") => "feed".to_owned(),
        _ if token.id.starts_with("hook-") => "webhook".to_owned(),
        Some(role) if token.invitation => format!("invites as {role}"),
        Some(role) => role.to_owned(),
        None if token.role == 0 => "member".to_owned(),
        None => "unknown".to_owned(),
    }
}
