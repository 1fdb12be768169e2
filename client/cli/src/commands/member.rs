//! `kith member`: who is a member of the network. An invitation's secret is printed once.

use super::{recording::patiently, view::AsOf};
use crate::{
    context::Context,
    failure::Failure,
    input::{dates::parse_end_now, role::RoleArg},
    show::output::{Column, Format},
};
use clap::{Args, Subcommand};
use kith_client::{MembersAt, v1};
use kith_core::{
    event::Role,
    id::{CertificateUri, MemberId, OrganisationId, ServiceName},
    position::Position,
    timestamp::Timestamp,
};
use kith_json::{role_name, time_text};
use serde_json::{Value, json};

/// Members of the network: people who were invited, and services with a certificate
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    Invite(InviteArgs),
    Add(AddArgs),
    Change(ChangeArgs),
    Remove(RemoveArgs),
    List(ListArgs),
}

/// Issue an invitation and show its secret, only once; needs an owner
///
/// Whoever has the secret becomes a member as that person, once, with `kith login URL --invitation CODE`.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith member invite amina --role recorder --organisation riverside --expires 7d")]
pub(crate) struct InviteArgs {
    /// The person, by id or part of their name
    #[arg(allow_negative_numbers = true)]
    person: String,
    /// What they may do
    #[arg(long, value_enum)]
    role: RoleArg,
    /// The organisation, by id or part of its name: its own events are seen by its members only
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    organisation: Option<String>,
    /// When it expires: 7d, 12h, or a date [default: in 7 days]
    #[arg(long, value_name = "WHEN", value_parser = parse_end_now)]
    expires: Option<Timestamp>,
}

/// Add a service that signs in with a client certificate, or change it; needs an owner
#[derive(Debug, Args)]
#[command(after_help = "Example: kith member add service:feeds --role reader --organisation riverside \
                        --identity spiffe://riverside.example/feeds")]
pub(crate) struct AddArgs {
    /// The service: `service:` and a name of a-z, 0-9, _ and -
    #[arg(value_name = "service:NAME", value_parser = parse_service)]
    service: ServiceName,
    /// What it may do
    #[arg(long, value_enum)]
    role: RoleArg,
    /// The organisation, by id or part of its name
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    organisation: Option<String>,
    /// The URI in its certificate, among the subject alternative names
    #[arg(long, value_name = "URI", value_parser = parse_uri)]
    identity: CertificateUri,
}

/// Give a member another role or organisation, at once; needs an owner
#[derive(Debug, Args)]
#[command(after_help = "Example: kith member change amina --role records-officer")]
pub(crate) struct ChangeArgs {
    /// The person, by id or part of their name, or `service:NAME`
    #[arg(value_name = "MEMBER", allow_negative_numbers = true)]
    member: String,
    /// What they may do from now on
    #[arg(long, value_enum)]
    role: RoleArg,
    /// The organisation, by id or part of its name [default: the present one]
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true, conflicts_with = "no_organisation")]
    organisation: Option<String>,
    /// Belong to no organisation from now on
    #[arg(long)]
    no_organisation: bool,
}

/// End a membership and every token that speaks for the member, at once; needs an owner
///
/// Every open stream of the member ends within a second, and their replicas let go of all entries and words when they
/// next connect.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith member remove amina")]
pub(crate) struct RemoveArgs {
    /// The person, by id or part of their name, or `service:NAME`
    #[arg(value_name = "MEMBER", allow_negative_numbers = true)]
    member: String,
}

/// List the members
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith member list\n  kith member list --as-of 2026-03-01")]
pub(crate) struct ListArgs {
    /// As known at this position, or at this time or the end of this day, in UTC
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<AsOf>,
}

fn parse_service(text: &str) -> Result<ServiceName, String> {
    match text.parse() {
        Ok(MemberId::Service(name)) => Ok(name),
        Ok(MemberId::Person(_)) => Err("people become members with `kith member invite`".to_owned()),
        Err(_) => Err("must be `service:` and a name of up to 32 characters of a-z, 0-9, _ and -".to_owned()),
    }
}

fn parse_uri(text: &str) -> Result<CertificateUri, String> {
    CertificateUri::parse_field(text, "the identity").map_err(|invalid| invalid.to_string())
}

pub(crate) async fn run(context: &mut Context, command: MemberCommand) -> Result<(), Failure> {
    match command {
        MemberCommand::Invite(args) => invite(context, &args).await,
        MemberCommand::Add(args) => add(context, &args).await,
        MemberCommand::Change(args) => change(context, &args).await,
        MemberCommand::Remove(args) => remove(context, &args).await,
        MemberCommand::List(args) => list(context, &args).await,
    }
}

async fn invite(context: &mut Context, args: &InviteArgs) -> Result<(), Failure> {
    let mut resolver = context.resolver();
    let person = resolver.person(&args.person).await?;
    let organisation = resolver.organisation(args.organisation.as_ref()).await?;
    let role = Role::from(args.role);
    let invited = context.server()?.invite(&person, role, organisation.as_ref(), args.expires);
    let invitation = patiently(invited).await.map_err(|error| {
        let again = "`kith token list` shows it, and `kith token revoke` takes back what nobody has the secret of";
        Failure::of_change(error, None, again)
    })?;
    let end = invitation.expires_at.map(time_text);
    let answer = json!({
        "id": invitation.id,
        "person": person.as_str(),
        "role": role_name(role),
        "organisation": organisation.as_ref().map(OrganisationId::as_str),
        "expires_at": end,
        "position": invitation.position.get(),
        "secret": invitation.secret.expose(),
    });
    let (server, network) = (context.server()?.server().to_owned(), context.server()?.network().to_string());
    context.output.tell(&answer, || {
        format!(
            "{} invites {person} as {}, once, until {}. The secret, shown only now:\n{secret}\nthey join with: kith \
             login {server} --network {network} --invitation {secret}",
            invitation.id,
            role_name(role),
            end.as_deref().unwrap_or("it is revoked"),
            secret = invitation.secret.expose(),
        )
    })
}

async fn add(context: &mut Context, args: &AddArgs) -> Result<(), Failure> {
    let organisation = context.resolver().organisation(args.organisation.as_ref()).await?;
    let client = context.server()?.clone();
    let member = client.add_service(&args.service, args.role.into(), organisation.as_ref(), &args.identity).await?;
    tell(context, &member)
}

async fn change(context: &mut Context, args: &ChangeArgs) -> Result<(), Failure> {
    let member = find(context, &args.member).await?;
    let given = context.resolver().organisation(args.organisation.as_ref()).await?;
    let client = context.server()?.clone();
    let organisation = match given {
        Some(organisation) => Some(organisation),
        None if args.no_organisation => None,
        None => present(&client.list_members(MembersAt::Head).await?.members, &member),
    };
    let changed = client.change_member(&member, args.role.into(), organisation.as_ref()).await?;
    tell(context, &changed)
}

/// The organisation that a member has now.
fn present(members: &[v1::Member], id: &MemberId) -> Option<OrganisationId> {
    let principal = id.to_string();
    members.iter().find(|member| member.principal == principal)?.organisation.parse().ok()
}

async fn remove(context: &mut Context, args: &RemoveArgs) -> Result<(), Failure> {
    let member = find(context, &args.member).await?;
    let removed = patiently(context.server()?.remove_member(&member)).await;
    let (position, tokens) = removed.map_err(|error| Failure::of_change(error, None, "`kith member list` shows it"))?;
    let ids: Vec<_> = tokens.iter().map(kith_core::id::TokenId::as_str).collect();
    let answer = json!({ "principal": member.to_string(), "position": position.get(), "tokens": ids });
    context.output.tell(&answer, || match ids.len() {
        0 => format!("{member} is no member any more, recorded at position {position}"),
        1 => format!("{member} is no member any more, recorded at position {position}; the token {} ended", ids[0]),
        count => format!("{member} is no member any more, recorded at position {position}; {count} tokens ended"),
    })
}

/// A member as typed: a service by its id, anybody else like any person.
async fn find(context: &Context, text: &str) -> Result<MemberId, Failure> {
    if let Ok(member @ MemberId::Service(_)) = text.parse() {
        return Ok(member);
    }
    let person = text.strip_prefix("person:").unwrap_or(text);
    Ok(MemberId::Person(context.resolver().person(person).await?))
}

async fn list(context: &mut Context, args: &ListArgs) -> Result<(), Failure> {
    let (position, time) = super::view::known(context, args.as_of).await?;
    let at = match (position, time) {
        (_, Some(time)) => MembersAt::Time(time),
        (Position::ZERO, None) => MembersAt::Head,
        (position, None) => MembersAt::Position(position),
    };
    let found = context.server()?.list_members(at).await?;
    match context.output.format() {
        Format::Json => found.members.iter().try_for_each(|member| context.output.json(&member_json(member))),
        Format::Table => {
            let columns = ["member", "role", "organisation", "identity", "since", "by"].map(Column::text);
            let rows = found.members.iter().map(|member| {
                let since = changed_at(member).unwrap_or_default();
                let role = role_text(member).to_owned();
                let of = |text: &String| text.clone();
                vec![
                    of(&member.principal),
                    role,
                    of(&member.organisation),
                    of(&member.identity),
                    since,
                    of(&member.changed_by),
                ]
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

fn tell(context: &mut Context, member: &v1::Member) -> Result<(), Failure> {
    context.output.tell(&member_json(member), || {
        let organisation = match &*member.organisation {
            "" => String::new(),
            organisation => format!(" of {organisation}"),
        };
        let (principal, role) = (&member.principal, role_text(member));
        format!("{principal} is {role}{organisation}, recorded at position {}", member.position)
    })
}

/// A member as JSON.
pub(super) fn member_json(member: &v1::Member) -> Value {
    let given = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    json!({
        "principal": member.principal,
        "role": role_text(member),
        "organisation": given(&member.organisation),
        "identity": given(&member.identity),
        "position": member.position,
        "changed_at": changed_at(member),
        "changed_by": member.changed_by,
    })
}

fn role_text(member: &v1::Member) -> &'static str {
    Role::from_proto(member.role).map_or("unknown", role_name)
}

fn changed_at(member: &v1::Member) -> Option<String> {
    member.changed_at.as_ref().and_then(Timestamp::from_proto).map(time_text)
}
