//! `kith webhook`: where the server sends events of itself. The secret that it signs with is printed once.

use super::{recording::patiently, selection::parse_kind};
use crate::{
    context::Context,
    failure::Failure,
    show::output::{Column, Format, remark},
};
use clap::{Args, Subcommand};
use kith_client::{NewWebhook, v1};
use kith_core::{counted::counted, event::Kind, filter::Filter, id::TokenId, position::Position, timestamp::Timestamp};
use kith_json::time_text;
use serde_json::{Value, json};

/// Webhooks: the server sends events to a program elsewhere, as they are recorded; needs an owner
///
/// An owner of an organisation keeps that organisation's webhooks, and an owner of the network the network's.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    Add(AddArgs),
    /// List the webhooks, how far they are, and what their receivers said last
    #[command(after_help = "Example: kith webhook list")]
    List,
    /// Send nothing until it is resumed; nothing is lost
    #[command(after_help = "Example: kith webhook pause hook-abc")]
    Pause {
        /// The webhook's id, as shown by `kith webhook list`
        id: TokenId,
    },
    /// Send again what was paused or has stopped, from where it was
    #[command(after_help = "Examples:\n  kith webhook resume hook-abc\n  kith webhook resume hook-abc --from 120")]
    Resume {
        /// The webhook's id
        id: TokenId,
        /// The first position to send: earlier ones than where it was are sent again, others between are left out
        #[arg(long, value_name = "POSITION")]
        from: Option<u64>,
    },
    /// Sign with a new secret, shown only once; the one before signs for 24 hours more
    #[command(after_help = "Example: kith webhook rotate hook-abc")]
    Rotate {
        /// The webhook's id
        id: TokenId,
    },
    /// End a webhook immediately, and forget its address, secrets and dead letters
    #[command(after_help = "Example: kith webhook remove hook-abc")]
    Remove {
        /// The webhook's id
        id: TokenId,
    },
    /// List the dead letters: events that the receiver refused
    #[command(after_help = "Example: kith webhook letters hook-abc")]
    Letters {
        /// The webhook's id
        id: TokenId,
    },
    /// Send dead letters again, before anything else
    #[command(
        after_help = "Examples:\n  kith webhook redeliver hook-abc 118 121\n  kith webhook redeliver hook-abc --all"
    )]
    Redeliver {
        /// The webhook's id
        id: TokenId,
        /// Their positions, as shown by `kith webhook letters`
        #[arg(value_name = "POSITION", required_unless_present = "all")]
        positions: Vec<u64>,
        /// All of them
        #[arg(long, conflicts_with = "positions")]
        all: bool,
    },
}

/// Begin to send what is recorded from now on, and show the secret that it is signed with, only once
///
/// Each event is one POST of a CloudEvent in JSON, in order, at least once, with the headers of Standard Webhooks. The
/// receiver verifies the signature with the secret, and takes events with an id that it has seen before as repeats.
#[derive(Debug, Args)]
#[command(after_help = "Example: kith webhook add https://hooks.example.org/kith --name crm --kind met --kind helped")]
pub(crate) struct AddArgs {
    /// Where to send: https://, to a public address or a network that the operator has opened
    url: String,
    /// What to call it
    #[arg(long)]
    name: String,
    /// Only events of this kind, such as met or custom:org.example/visit.v1; may be given several times
    #[arg(long, value_parser = parse_kind)]
    kind: Vec<Kind>,
    /// Only events with this person, by id or part of their name; may be given several times
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    person: Vec<String>,
    /// Send names, notes and other words, too: what has left the server cannot be erased any more
    #[arg(long)]
    with_words: bool,
}

pub(crate) async fn run(context: &mut Context, command: WebhookCommand) -> Result<(), Failure> {
    match command {
        WebhookCommand::Add(args) => add(context, args).await,
        WebhookCommand::List => list(context).await,
        WebhookCommand::Pause { id } => {
            let webhook = patiently(context.server()?.pause_webhook(&id)).await?;
            context.output.tell(&webhook_json(&webhook), || {
                format!(
                    "{id} is paused at position {}: `kith webhook resume {id}` goes on from there",
                    webhook.position
                )
            })
        }
        WebhookCommand::Resume { id, from } => {
            let webhook = patiently(context.server()?.resume_webhook(&id, from.map(Position::new))).await?;
            context.output.tell(&webhook_json(&webhook), || {
                format!("{id} sends again, what is behind position {}", webhook.position)
            })
        }
        WebhookCommand::Rotate { id } => rotate(context, &id).await,
        WebhookCommand::Remove { id } => {
            let removed = patiently(context.server()?.remove_webhook(&id)).await;
            let position =
                removed.map_err(|error| Failure::of_change(error, None, "`kith webhook list` shows if it is there"))?;
            let answer = json!({ "id": id.as_str(), "position": position.get() });
            context.output.tell(&answer, || format!("the webhook {id} has ended, recorded at position {position}"))
        }
        WebhookCommand::Letters { id } => letters(context, &id).await,
        WebhookCommand::Redeliver { id, positions, all: _ } => {
            let positions: Vec<_> = positions.into_iter().map(Position::new).collect();
            let count = patiently(context.server()?.redeliver(&id, &positions)).await?;
            let what = counted(count, "event is", "events are");
            context.output.tell(&json!({ "count": count }), || format!("{what} sent again"))
        }
    }
}

async fn add(context: &mut Context, args: AddArgs) -> Result<(), Failure> {
    let mut people = context.resolver().people(&args.person).await?;
    people.sort_unstable();
    people.dedup();
    let mut kinds = args.kind;
    kinds.sort_unstable();
    kinds.dedup();
    let filter = Filter { kinds, people, ..Filter::default() };
    let webhook = NewWebhook { url: args.url, name: args.name, filter, with_words: args.with_words };
    let added = patiently(context.server()?.add_webhook(&webhook)).await.map_err(|error| {
        let again = "`kith webhook list` shows it, and `kith webhook rotate` shows a new secret";
        Failure::of_change(error, None, again)
    })?;
    if webhook.with_words {
        remark(
            "names, notes and other words leave this server from now on: what has left it cannot be erased any more",
        );
    }
    let mut answer = webhook_json(&added.webhook);
    answer["secret"] = added.secret.expose().into();
    context.output.tell(&answer, || {
        format!(
            "the webhook {} sends what is recorded after position {}. The secret that it is signed with, shown only \
             now:\n{}",
            added.webhook.id,
            added.position,
            added.secret.expose()
        )
    })
}

async fn rotate(context: &mut Context, id: &TokenId) -> Result<(), Failure> {
    let (webhook, secret) = patiently(context.server()?.rotate_webhook(id)).await.map_err(|error| {
        let again = format!("`kith webhook rotate {id}` shows another one, and the receiver has to know both");
        Failure::of_change(error, None, again)
    })?;
    let mut answer = webhook_json(&webhook);
    answer["secret"] = secret.expose().into();
    context.output.tell(&answer, || {
        let until =
            webhook.former_secret_until.as_ref().and_then(Timestamp::from_proto).map(time_text).unwrap_or_default();
        format!(
            "the former secret of {id} signs until {until} as well. The new one, shown only now:\n{}",
            secret.expose()
        )
    })
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let webhooks = context.server()?.list_webhooks().await?;
    match context.output.format() {
        Format::Json => webhooks.iter().try_for_each(|webhook| context.output.json(&webhook_json(webhook))),
        Format::Table => {
            let mut columns = ["id", "name", "state"].map(Column::text).to_vec();
            columns.extend(["position", "lag", "dead letters", "failed tries"].map(Column::number));
            columns.extend(["last", "next try", "words", "url"].map(Column::text));
            let rows = webhooks.iter().map(|webhook| {
                let numbers = [webhook.position, webhook.lag, webhook.dead_letters.into(), webhook.failed_tries.into()];
                let mut row = vec![webhook.id.clone(), webhook.name.clone(), state(webhook).to_owned()];
                row.extend(numbers.map(|number| number.to_string()));
                row.push(last_text(webhook));
                row.push(
                    webhook.next_try_at.as_ref().and_then(Timestamp::from_proto).map(time_text).unwrap_or_default(),
                );
                row.push(if webhook.with_words { "yes" } else { "no" }.to_owned());
                row.push(webhook.url.clone());
                row
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

async fn letters(context: &mut Context, id: &TokenId) -> Result<(), Failure> {
    let letters = context.server()?.list_dead_letters(id).await?;
    match context.output.format() {
        Format::Json => letters.iter().try_for_each(|letter| {
            let status = (letter.status > 0).then_some(letter.status);
            let refused_at = letter.refused_at.as_ref().and_then(Timestamp::from_proto).map(time_text);
            let line = json!({ "position": letter.position, "status": status, "refused_at": refused_at });
            context.output.json(&line)
        }),
        Format::Table => {
            let columns = [Column::number("position"), Column::text("status"), Column::text("refused")];
            let rows = letters.iter().map(|letter| {
                let status = if letter.status == 0 { "too large".to_owned() } else { letter.status.to_string() };
                vec![
                    letter.position.to_string(),
                    status,
                    letter.refused_at.as_ref().and_then(Timestamp::from_proto).map(time_text).unwrap_or_default(),
                ]
            });
            context.output.table(&columns, rows.collect())
        }
    }
}

fn webhook_json(webhook: &v1::Webhook) -> Value {
    let filter = webhook.filter.clone().unwrap_or_default();
    let times = [webhook.added_at, webhook.next_try_at, webhook.last_try_at, webhook.former_secret_until];
    let [added_at, next_try_at, last_try_at, former_secret_until] =
        times.map(|time| time.as_ref().and_then(Timestamp::from_proto).map(time_text));
    json!({
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "organisation": (!webhook.organisation.is_empty()).then_some(&webhook.organisation),
        "kinds": filter.kinds,
        "people": filter.people,
        "with_words": webhook.with_words,
        "added_at": added_at,
        "state": state(webhook),
        "position": webhook.position,
        "lag": webhook.lag,
        "failed_tries": webhook.failed_tries,
        "next_try_at": next_try_at,
        "last_result": webhook.last_try_at.map(|_| result(webhook)),
        "last_status": (webhook.last_status > 0).then_some(webhook.last_status),
        "last_try_at": last_try_at,
        "dead_letters": webhook.dead_letters,
        "former_secret_until": former_secret_until,
    })
}

fn state(webhook: &v1::Webhook) -> &'static str {
    match webhook.state() {
        v1::WebhookState::Running => "running",
        v1::WebhookState::Paused => "paused",
        v1::WebhookState::StoppedDown => "stopped: down",
        v1::WebhookState::StoppedGone => "stopped: gone",
        v1::WebhookState::StoppedHistory => "stopped: another log",
        v1::WebhookState::StoppedSealed => "stopped: no key",
        v1::WebhookState::Unspecified => "unknown",
    }
}

fn result(webhook: &v1::Webhook) -> &'static str {
    match webhook.last_result() {
        v1::DeliveryResult::Delivered => "delivered",
        v1::DeliveryResult::Refused => "refused",
        v1::DeliveryResult::Down => "down",
        v1::DeliveryResult::Gone => "gone",
        v1::DeliveryResult::Unreachable => "unreachable",
        v1::DeliveryResult::TimedOut => "timed out",
        v1::DeliveryResult::NotAllowed => "not allowed",
        v1::DeliveryResult::TooLarge => "too large",
        v1::DeliveryResult::Unspecified => "",
    }
}

/// The result of the last try with its status.
fn last_text(webhook: &v1::Webhook) -> String {
    match webhook.last_status {
        0 => result(webhook).to_owned(),
        status => format!("{} ({status})", result(webhook)),
    }
}
