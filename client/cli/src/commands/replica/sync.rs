//! `kith sync`: syncs with the server, once or for as long as it runs.

use crate::{
    failure::Failure,
    place::{Place, people::Resolver},
    show::output::{Output, remark},
};
use clap::Args;
use kith_client::{
    Client, EventRefused, Outcome,
    replica::{Connection, Happening, Replica, SyncReport},
};
use kith_core::counted::counted;
use kith_core::reason;
use kith_core::{event::Kind, filter::Filter, id::EventId};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

/// Send the outbox, fetch new entries and verify them
///
/// Events that the server refused because of your token, a fast clock, or something that did not exist yet are sent
/// again with each sync. The exit code is 4 as long as anything is refused.
///
/// A replica holds everything that your token may see, unless --person, --kind or --org select a part; --all makes it
/// complete again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith sync\n  kith sync --follow\n  kith sync --person amina --person ben")]
pub(crate) struct SyncArgs {
    /// Keep syncing until stopped: fetch entries as they arrive and send events as they are recorded
    #[arg(long)]
    follow: bool,
    /// From now on hold only entries that involve this person; may be given several times
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    person: Vec<String>,
    /// From now on hold only entries of this kind; may be given several times
    #[arg(long, value_parser = crate::commands::selection::parse_kind)]
    kind: Vec<Kind>,
    /// From now on hold only entries recorded by this organisation; may be given several times
    #[arg(long, value_name = "ORGANISATION", allow_hyphen_values = true)]
    org: Vec<String>,
    /// From now on hold everything
    #[arg(long, conflicts_with_all = ["person", "kind", "org"])]
    all: bool,
}

pub(crate) async fn run(
    replica: Replica,
    client: &Client,
    output: &mut Output,
    args: &SyncArgs,
) -> Result<(), Failure> {
    // With another token, a corrected clock, or a person added since, refused events may now succeed.
    replica.retry_what_may_pass()?;
    let report = replica.sync(client).await;
    let mut report = report.inspect(warn)?;
    if let Some(filter) = filter(&replica, args).await? {
        let changed = replica.set_filter(client, filter).await?;
        report.fetched += changed.fetched;
        report.removed += changed.removed;
    }
    output.tell(&json(&report), || sentence(&report))?;
    output.flush()?;
    if args.follow {
        return follow(&replica, client, output).await;
    }
    let refused = replica.status()?.refused;
    if refused > 0 {
        let events = counted(refused, "event was", "events were");
        remark(&format!("{events} refused: `kith outbox list` says why"));
        return Err(Failure::PartlyRefused);
    }
    Ok(())
}

/// The requested part of the log, if any.
async fn filter(replica: &Replica, args: &SyncArgs) -> Result<Option<Filter>, Failure> {
    if args.all {
        return Ok(Some(Filter::default()));
    }
    if args.person.is_empty() && args.kind.is_empty() && args.org.is_empty() {
        return Ok(None);
    }
    let place = Place::Replica(replica.clone());
    let mut resolver = Resolver::new(&place);
    let mut filter = Filter { kinds: args.kind.clone(), ..Filter::default() };
    filter.people = resolver.people(&args.person).await?;
    for organisation in &args.org {
        filter.organisations.extend(resolver.organisation(Some(organisation)).await?);
    }
    filter.kinds.sort_unstable();
    filter.kinds.dedup();
    filter.people.sort_unstable();
    filter.people.dedup();
    filter.organisations.sort_unstable();
    filter.organisations.dedup();
    Ok(Some(filter))
}

fn warn(report: &SyncReport) {
    if let Some(reset) = &report.reset {
        remark(&format!(
            "the server's log is not the same as before ({} instead of {}), for example because an old backup was \
             restored: it was fetched again, and {} of this device returned to the outbox",
            reset.now,
            reset.before,
            counted(reset.returned, "event", "events")
        ));
    }
    if report.without_words > 0 {
        remark(&format!(
            "{} of this device's events lost words about people who were erased in the meantime",
            report.without_words
        ));
    }
    if report.removed > 0 {
        let entries = counted(report.removed, "entry was", "entries were");
        remark(&format!("{entries} removed: your token may no longer see all of it"));
    }
}

fn json(report: &SyncReport) -> Value {
    json!({
        "position": report.position.get(),
        "fetched": report.fetched,
        "accepted": report.accepted,
        "duplicates": report.duplicates,
        "refused": report.refused,
        "waiting": report.waiting,
        "removed": report.removed,
        "without_words": report.without_words,
        "reset": report.reset.as_ref().map(|reset| json!({
            "before": reset.before.to_string(),
            "now": reset.now.to_string(),
            "held": reset.held,
            "returned": reset.returned,
        })),
    })
}

fn sentence(report: &SyncReport) -> String {
    let sent = report.accepted + report.duplicates;
    let mut text = format!("at position {}, verified: {} fetched, {sent} sent", report.position, report.fetched);
    for (count, what) in [(report.refused, "refused"), (report.waiting, "still wait"), (report.removed, "removed")] {
        if count > 0 {
            text = format!("{text}, {count} {what}");
        }
    }
    text
}

/// Reports what happens until the replica gives up or the process is stopped.
async fn follow(replica: &Replica, client: &Client, output: &mut Output) -> Result<(), Failure> {
    let mut happenings = replica.happenings();
    let following = replica.follow(client);
    let mut following = std::pin::pin!(following);
    loop {
        tokio::select! {
            error = &mut following => return Err(error.into()),
            happening = happenings.recv() => match happening {
                Ok(happening) => tell(output, &happening)?,
                // A listener that lags behind sees the current state with the next line.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
            stopped = tokio::signal::ctrl_c() => {
                return stopped.map_err(|error| Failure::Unexpected(format!("cannot wait for the end: {error}")));
            }
        }
    }
}

fn tell(output: &mut Output, happening: &Happening) -> Result<(), Failure> {
    let (value, text) = match happening {
        Happening::Recorded(_) | Happening::Synced(_) | Happening::Alarm(_) => return Ok(()),
        Happening::Answered { id, result } => answered(id, result),
        Happening::Entries { until, count, .. } => (
            json!({ "happening": "entries", "position": until.get(), "count": count }),
            format!("at position {until}: {count} fetched"),
        ),
        Happening::WordsDropped(id) => (
            json!({ "happening": "words_dropped", "id": id.to_string() }),
            format!("{id} lost words about somebody who was erased"),
        ),
        Happening::Reset { returned } => (json!({ "happening": "reset", "returned": returned }), {
            let events = counted(*returned, "event", "events");
            format!("the server's log is another one: fetched again, {events} returned to the outbox")
        }),
        Happening::Connection(Connection::Online) => {
            (json!({ "happening": "online" }), "the server answers".to_owned())
        }
        Happening::Connection(Connection::Offline(error)) => {
            remark(&format!("{error}; trying again"));
            (json!({ "happening": "offline", "message": error.to_string() }), "offline".to_owned())
        }
    };
    output.tell(&value, || text)?;
    output.flush()
}

fn answered(id: &EventId, result: &Result<Outcome, EventRefused>) -> (Value, String) {
    match result {
        Ok(Outcome::Accepted(position) | Outcome::Duplicate(position)) => (
            json!({ "happening": "accepted", "id": id.to_string(), "position": position.get() }),
            format!("{id} is at position {position}"),
        ),
        Err(refused) => (
            json!({
                "happening": "refused",
                "id": id.to_string(),
                "reason": refused.reason.map(reason::name),
                "message": refused.message,
            }),
            format!("{id} was refused: {}", refused.message),
        ),
    }
}
