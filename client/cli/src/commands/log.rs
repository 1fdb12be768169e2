//! `kith log`: entries of the log, once or as they arrive.

use super::selection::SelectionArgs;
use crate::{
    context::Context,
    failure::Failure,
    place::{
        Place,
        matching::{Targets, is_wanted},
    },
    show::{
        output::{Format, clean, remark, shorten, terminal_width},
        people::Names,
        sentences::sentence,
    },
};
use bytes::Bytes;
use clap::{Args, value_parser};
use futures_util::StreamExt;
use kith_client::{
    Cursor, Direction, ReadOptions, Recorded,
    replica::{Pending, Replica},
};
use kith_core::{
    checkpoint::LogOrigin,
    entry::Entry,
    event::{DirectoryFact, Event, Fact},
    filter::Filter,
    limits::READ_ENTRIES_MAX,
    position::Position,
};
use kith_json::{entry_json, time_text};
use serde_json::{Map, Value};

/// Show entries of the log, oldest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith log --person amina --kind met --since 2026-01-01\n  \
                        kith log --between amina ben\n  kith log --newest --limit 10\n  kith log --follow -o json")]
pub(crate) struct LogArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Only entries after this position
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    after: u64,
    /// Maximum number of entries
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Newest first
    #[arg(long, conflicts_with_all = ["follow", "after"])]
    newest: bool,
    /// Continue with new entries as they arrive
    #[arg(long)]
    pub(crate) follow: bool,
}

pub(crate) async fn run(context: &mut Context, args: &LogArgs) -> Result<(), Failure> {
    let filter = args.selection.filter(context).await?;
    let names = match context.output.format() {
        Format::Json => Names::default(),
        Format::Table => context.place.names().await?,
    };
    let mut printer = Printer { filter, names, left: args.limit.unwrap_or(u64::MAX), width: terminal_width() };
    if args.follow { follow(context, args, &mut printer).await } else { read(context, args, &mut printer).await }
}

async fn read(context: &mut Context, args: &LogArgs, printer: &mut Printer) -> Result<(), Failure> {
    let direction = if args.newest { Direction::Backward } else { Direction::Forward };
    let (after, filter) = (Position::new(args.after), printer.filter.clone());
    let mut options = ReadOptions { after, filter, direction, limit: READ_ENTRIES_MAX, ..ReadOptions::default() };
    loop {
        // Directory entries pass every filter and are dropped here, so more may have to be read than are printed.
        let enough = u32::try_from(printer.left).unwrap_or(u32::MAX).min(READ_ENTRIES_MAX);
        options.limit = if options.filter.is_all() { enough } else { READ_ENTRIES_MAX };
        let page = context.place.read(&options).await?;
        for recorded in page.entries.decode()? {
            if printer.print(context, &recorded).await? == Next::Stop {
                return Ok(());
            }
        }
        if page.end {
            return show_pending(context, printer).await;
        }
        options.after = page.next;
    }
}

/// Prints the outbox after what is in the log.
async fn show_pending(context: &mut Context, printer: &mut Printer) -> Result<(), Failure> {
    let Place::Replica(replica) = &context.place else { return Ok(()) };
    for pending in replica.pending()? {
        if printer.left == 0 {
            break;
        }
        let entry = as_entry(&pending);
        let targets = printer.targets(&context.place, &entry.event).await?;
        if is_wanted_pending(&printer.filter, &entry, &targets) {
            printer.left -= 1;
            match context.output.format() {
                Format::Json => context.output.json(&Value::Object(pending_json(&pending)))?,
                Format::Table => context.output.line(&pending_line(&pending, &printer.names, printer.width))?,
            }
        }
    }
    Ok(())
}

/// A pending event as the entry that it will become, as far as filters are concerned.
fn as_entry(pending: &Pending) -> Recorded {
    let entry = Entry {
        position: Position::ZERO,
        recorded_at: pending.recorded_at,
        recorded_by: "token:pending".parse().expect("it has the form of a principal"),
        organisation: None,
        event_bytes: pending.event.to_proto().event,
        signature: None,
    };
    Recorded {
        erased: Vec::new(),
        bytes: Bytes::new(),
        entry,
        event: pending.event.event().clone(),
        details: pending.event.details().to_vec(),
    }
}

fn recorded_json(recorded: &Recorded) -> Map<String, Value> {
    entry_json(&recorded.entry, &recorded.event, &recorded.details, &recorded.erased)
}

fn pending_json(pending: &Pending) -> Map<String, Value> {
    let mut entry = recorded_json(&as_entry(pending));
    entry.insert("position".into(), Value::Null);
    entry.insert("recorded_by".into(), Value::Null);
    entry.insert("pending".into(), true.into());
    entry
}

fn pending_line(pending: &Pending, names: &Names, width: Option<usize>) -> String {
    let line = line(&as_entry(pending), names, width);
    format!("pending{}", line.get(7..).unwrap_or_default())
}

async fn follow(context: &mut Context, args: &LogArgs, printer: &mut Printer) -> Result<(), Failure> {
    if let Place::Replica(replica) = &context.place {
        let replica = replica.clone();
        return follow_here(context, &replica, args, printer).await;
    }
    let cursor = Cursor::after(Position::new(args.after));
    let mut updates = context.server()?.subscribe(printer.filter.clone(), cursor);
    while let Some(update) = updates.next().await {
        let entries = match update {
            Ok(update) => update.entries.decode()?,
            Err(error) if error.is_retryable() => {
                remark(&format!("{error}; trying again"));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for recorded in &entries {
            if printer.print(context, recorded).await? == Next::Stop {
                return Ok(());
            }
        }
        context.output.flush()?;
    }
    Ok(())
}

/// Prints the entries of a replica, then new ones as they arrive.
async fn follow_here(
    context: &mut Context,
    replica: &Replica,
    args: &LogArgs,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let (mut head, mut leveller) = (replica.head_watch(), context.leveller());
    let (after, filter) = (Position::new(args.after), printer.filter.clone());
    let mut options = ReadOptions { after, filter, limit: READ_ENTRIES_MAX, ..ReadOptions::default() };
    let mut log = origin(replica)?;
    loop {
        let now = *head.borrow_and_update();
        if let Some(found) = origin(replica)?
            && log.replace(found.clone()).is_some_and(|before| before != found)
        {
            remark("the log is not the same as before: showing it from its beginning");
            options.after = Position::ZERO;
        }
        // If `--after` is beyond the replica's head, this waits until the replica has reached it.
        while options.after < now {
            let page = replica.read(&options)?;
            for recorded in page.entries.decode()? {
                if printer.print(context, &recorded).await? == Next::Stop {
                    return Ok(());
                }
            }
            options.after = if page.end { now } else { page.next };
        }
        context.output.flush()?;
        tokio::select! {
            // The replica is alive here, so its head stays open.
            _ = head.changed() => {}
            failure = leveller.work() => return Err(failure),
        }
    }
}

/// Which log a replica holds; `None` before the first sync. Its name contains the incarnation.
fn origin(replica: &Replica) -> Result<Option<LogOrigin>, Failure> {
    Ok(replica.status()?.key.map(|key| key.origin().clone()))
}

/// Whether to continue.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

/// Prints matching entries, up to a number.
struct Printer {
    filter: Filter,
    names: Names,
    left: u64,
    width: Option<usize>,
}

impl Printer {
    /// The events that an event is about, if the filter needs them.
    async fn targets(&self, place: &Place, event: &Event) -> Result<Targets, Failure> {
        if self.filter.is_all() { Ok(Targets::default()) } else { Targets::find(place, event).await }
    }

    async fn print(&mut self, context: &mut Context, recorded: &Recorded) -> Result<Next, Failure> {
        self.names.learn(recorded);
        let targets = match recorded.event.fact {
            Fact::Retracted(_) => self.targets(&context.place, &recorded.event).await?,
            _ => Targets::default(),
        };
        if !is_wanted(&self.filter, recorded, &targets) {
            return Ok(Next::GoOn);
        }
        match context.output.format() {
            Format::Json => context.output.json(&Value::Object(recorded_json(recorded)))?,
            Format::Table => context.output.line(&line(recorded, &self.names, self.width))?,
        }
        self.left -= 1;
        Ok(if self.left == 0 { Next::Stop } else { Next::GoOn })
    }
}

/// Whether a pending event matches: no server has filtered it yet.
fn is_wanted_pending(filter: &Filter, recorded: &Recorded, targets: &Targets) -> bool {
    filter.is_all() || filter.matches(&targets.header(recorded))
}

/// An entry on one line.
fn line(recorded: &Recorded, names: &Names, width: Option<usize>) -> String {
    let Recorded { entry, event, details, .. } = recorded;
    let when = time_text(event.occurred_at);
    let when = format!("{}Z", when.get(..16).unwrap_or(&when).replace('T', " "));
    let mut text = format!("{:>7}  {when}  {:<18}  {}", entry.position.get(), event.kind(), sentence(event, names));
    if !matches!(event.fact, Fact::Directory(DirectoryFact::PersonAdded(_))) {
        for detail in details {
            text.push_str("  “");
            text.push_str(&detail.text);
            text.push('”');
        }
    }
    let text = clean(&text);
    match width {
        Some(width) => shorten(&text, width),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_client::{EventBuilder, NewEvent};
    use kith_core::event::{Habit, HabitKind, Kind};
    use kith_core::{
        detail::DetailKind,
        event::{Met, PersonAdded},
        timestamp::Timestamp,
    };

    fn recorded(event: &NewEvent) -> Recorded {
        let entry = Entry {
            position: Position::new(7),
            recorded_at: Timestamp::from_millis(0),
            recorded_by: "token:t".parse().unwrap(),
            organisation: None,
            event_bytes: event.to_proto().event,
            signature: None,
        };
        let details = event.details().to_vec();
        Recorded { details, ..Recorded::decode(&entry.encode()).unwrap() }
    }

    fn added(person: &str) -> Recorded {
        let person: kith_core::id::PersonId = person.parse().unwrap();
        let fact = Fact::Directory(DirectoryFact::PersonAdded(PersonAdded {
            person: person.clone(),
            organisation: None,
            role: "GP".into(),
        }));
        let event = EventBuilder::new(fact, Timestamp::from_millis(0));
        recorded(&event.detail(DetailKind::Name, vec![person], "Amina Shah").build().unwrap())
    }

    fn met() -> Recorded {
        let people = vec!["amina".parse().unwrap(), "ben".parse().unwrap()];
        let event =
            EventBuilder::new(Fact::Habit(Habit::Met(Met { people: people.clone() })), Timestamp::from_millis(60_000));
        recorded(&event.detail(DetailKind::Note, people, "spoke\nagain").build().unwrap())
    }

    #[test]
    fn directory_entries_are_shown_only_if_they_were_asked_for() {
        let check = |filter: &Filter, amina: bool, carol: bool, both_met: bool| {
            let wanted =
                [added("amina"), added("carol"), met()].map(|entry| is_wanted(filter, &entry, &Targets::default()));
            assert_eq!(wanted, [amina, carol, both_met]);
        };
        check(&Filter::default(), true, true, true);
        check(&Filter { kinds: vec![Kind::Habit(HabitKind::Met)], ..Filter::default() }, false, false, true);
        check(&Filter { people: vec!["amina".parse().unwrap()], ..Filter::default() }, true, false, true);
    }

    #[test]
    fn lines_name_people_fit_the_terminal_and_are_one_line_each() {
        let mut names = Names::default();
        names.learn(&added("amina"));
        let shown = line(&met(), &names, None);
        assert_eq!(shown, "      7  1970-01-01 00:01Z  met                 Amina Shah and ben met  “spoke again”");
        assert_eq!(line(&met(), &names, Some(30)), "      7  1970-01-01 00:01Z  m…");
        assert!(!line(&added("amina"), &names, None).contains('“'));
    }
}
