//! `kith feed`: calendars of what is due, for programs that read an address. The address is printed once.

use super::{
    recording::patiently,
    token::{times, token_json},
};
use crate::{
    context::Context,
    failure::Failure,
    input::dates::parse_end_now,
    show::output::{Column, Format},
};
use clap::{Args, Subcommand, ValueEnum};
use kith_core::{id::TokenId, timestamp::Timestamp};
use serde_json::json;

/// Calendars of what is due for a person: follow-ups, introductions, ties that cool
#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    Add(AddArgs),
    /// List the feeds: all for an owner, otherwise your own
    #[command(after_help = "Example: kith feed list")]
    List,
    /// End a feed immediately: its address shows nothing any more
    #[command(after_help = "Example: kith feed revoke feed-abc")]
    Revoke {
        /// The feed's id, as shown by `kith feed list`
        id: TokenId,
    },
}

/// Make a feed and show its address, only once
///
/// Whoever has the address sees what is due for the person, with the names of the people concerned unless you say
/// otherwise: keep it like a password. It opens nothing else. Calendars ask for it about once an hour; some, such as
/// Google's, once a day.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith feed add --expires 365d\n  kith feed add --person amina --show ids --include \
                        follow-ups,introductions"
)]
pub(crate) struct AddArgs {
    /// The person, by id or part of their name [default: the one that your token speaks for]; for others it needs an owner
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    person: Option<String>,
    /// When it expires: 365d, or a date [default: never]
    #[arg(long, value_name = "WHEN", value_parser = parse_end_now)]
    expires: Option<Timestamp>,
    /// How people are shown
    #[arg(long, value_enum, default_value = "names")]
    show: ShownArg,
    /// What is in it
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["follow-ups", "introductions", "keep-in-touch"])]
    include: Vec<IncludedArg>,
}

/// How people are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShownArg {
    Names,
    Ids,
}

/// What a feed may contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum IncludedArg {
    FollowUps,
    Introductions,
    KeepInTouch,
}

impl IncludedArg {
    /// The view that it comes from, by which the address names it.
    fn view(self) -> &'static str {
        match self {
            Self::FollowUps => "follow_ups",
            Self::Introductions => "introductions",
            Self::KeepInTouch => "keep_in_touch",
        }
    }
}

pub(crate) async fn run(context: &mut Context, command: FeedCommand) -> Result<(), Failure> {
    match command {
        FeedCommand::Add(args) => add(context, &args).await,
        FeedCommand::List => list(context).await,
        FeedCommand::Revoke { id } => {
            if !id.is_feed() {
                return Err(Failure::Usage(format!("{id} is no feed: `kith token revoke {id}`")));
            }
            let position = context.server()?.revoke_token(&id).await?;
            let answer = json!({ "id": id.as_str(), "position": position.get() });
            context.output.tell(&answer, || format!("the feed {id} has ended, recorded at position {position}"))
        }
    }
}

async fn add(context: &mut Context, args: &AddArgs) -> Result<(), Failure> {
    let person = context.resolver().person_or_none(args.person.as_ref()).await?;
    let server = context.server()?.clone();
    let issued = patiently(server.issue_feed(person.as_ref(), args.expires)).await.map_err(|error| {
        let again = "`kith feed list` shows it, and `kith feed revoke` ends what nobody has the address of";
        Failure::of_change(error, None, again)
    })?;
    let mut wanted = Vec::new();
    if args.show == ShownArg::Ids {
        wanted.push("show=ids".to_owned());
    }
    let all = IncludedArg::value_variants();
    let views: Vec<_> = all.iter().filter(|one| args.include.contains(one)).map(|one| one.view()).collect();
    if views.len() < all.len() {
        wanted.push(format!("include={}", views.join(",")));
    }
    let query = if wanted.is_empty() { String::new() } else { format!("?{}", wanted.join("&")) };
    let url = format!("{}{query}", issued.address.expose());
    let mut answer = token_json(&issued.token);
    answer["position"] = issued.position.get().into();
    answer["url"] = url.as_str().into();
    let (id, person) = (&issued.token.id, &issued.token.person);
    context.output.tell(&answer, || {
        format!("the feed {id} of {person}. Its address, shown only now, for \"add calendar by URL\":\n{url}")
    })
}

async fn list(context: &mut Context) -> Result<(), Failure> {
    let feeds = context.server()?.list_feeds().await?;
    match context.output.format() {
        Format::Json => feeds.iter().try_for_each(|feed| context.output.json(&token_json(feed))),
        Format::Table => {
            let columns = ["id", "person", "organisation", "issued", "ends", "revoked"].map(Column::text);
            let rows = feeds.into_iter().map(|feed| {
                let times = times(&feed);
                let mut row = vec![feed.id, feed.person, feed.organisation];
                row.extend(times.map(Option::unwrap_or_default));
                row
            });
            context.output.table(&columns, rows.collect())
        }
    }
}
