//! `kith import edges`: lists of contacts from elsewhere.

use super::import::{Kind, Tally};
use crate::{
    context::Context,
    dates::{parse_duration, parse_epoch_now, unit_ms},
    derive::digest_of,
    edges::{
        Clock, Contact, ContactColumn, Habit, Listed, Member, PersonColumn, Plan, Source, group, join,
        new_organisations, newcomers, parse_contact_columns, parse_members, parse_people_columns, parse_rows, single,
    },
    failure::{Failure, Refusal},
    input::read_text,
    place::Place,
    recording::ScopeArg,
    upload::{Feed, Item, Role, Unwanted, upload},
};
use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use kith_client::{Error, NewEvent};
use kith_core::{id::OrganisationId, invalid::Invalid, timestamp::Timestamp};
use std::{collections::HashSet, path::PathBuf};

/// Import a list of contacts: face-to-face lists, message lists
///
/// Each row is a contact between two people at a time. Columns are separated by white space or commas; the file may be
/// packed with gzip. People are named by the ids in the file; unknown ones are added first.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith import edges contacts.dat --columns time,from,to --epoch 2010-12-06T13:00:00Z \
                  --unit s --as met --join 40s --people staff.dat --people-columns _,id,org\n  kith import edges \
                  mails.txt.gz --columns from,to,time --epoch 2003-10-01T00:00:00Z --unit s --as followed-up --group"
)]
pub(crate) struct EdgesArgs {
    /// The list
    file: PathBuf,
    /// What its columns hold: time, from, to, or _ for nothing
    #[arg(long, value_parser = columns)]
    columns: Columns,
    /// When its time zero was; a day means its first moment, without a zone it is UTC
    #[arg(long, value_name = "DATE", value_parser = parse_epoch_now)]
    epoch: Timestamp,
    /// What its times count: ms, s, min, h or d
    #[arg(long, default_value = "s", value_parser = unit)]
    unit: i64,
    /// What the contacts are recorded as
    #[arg(long = "as", value_enum)]
    habit: HabitArg,
    /// Rows of a pair that start at most so long after each other are one meeting, at the first row's time
    #[arg(long, value_name = "TIME", value_parser = parse_duration, conflicts_with = "group")]
    join: Option<SignedDuration>,
    /// Rows with the same sender and time are one message to several people
    #[arg(long)]
    group: bool,
    /// A list of the people
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// What the columns of that list hold: id, org, role, or _ for nothing
    #[arg(long, requires = "people", default_value = "id,org", value_parser = people_columns)]
    people_columns: PeopleColumns,
    /// Who may see the contacts
    #[arg(long, value_enum, default_value = "network")]
    scope: ScopeArg,
}

#[derive(Debug, Clone)]
struct Columns(Vec<ContactColumn>);

#[derive(Debug, Clone)]
struct PeopleColumns(Vec<PersonColumn>);

fn columns(text: &str) -> Result<Columns, String> {
    parse_contact_columns(text).map(Columns)
}

fn people_columns(text: &str) -> Result<PeopleColumns, String> {
    parse_people_columns(text).map(PeopleColumns)
}

fn unit(text: &str) -> Result<i64, String> {
    unit_ms(text).ok_or_else(|| format!("{text} is not a unit of time: there are ms, s, min, h and d"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HabitArg {
    /// The two met
    Met,
    /// The first followed up with the other
    FollowedUp,
}

impl From<HabitArg> for Habit {
    fn from(habit: HabitArg) -> Self {
        match habit {
            HabitArg::Met => Self::Met,
            HabitArg::FollowedUp => Self::FollowedUp,
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: EdgesArgs) -> Result<(), Failure> {
    match (args.habit, args.join, args.group) {
        (HabitArg::FollowedUp, Some(_), _) => return Err(Failure::Usage("--join goes with --as met".to_owned())),
        (HabitArg::Met, _, true) => return Err(Failure::Usage("--group goes with --as followed-up".to_owned())),
        (HabitArg::Met, _, false) | (HabitArg::FollowedUp, None, _) => {}
    }
    let known = Known::read(&context.place).await?;
    let List { contacts, members, organisations, source, skipped, refusals } = List::read(&args, &known)?;
    let mut tally = Tally::new((organisations.len() + members.len() + contacts.len()) as u64, &context.place);
    tally.skipped = skipped;
    tally.refusals = refusals;
    let prepare = move |feed: &mut Feed| {
        // Nobody takes records any more when the upload failed: it says why.
        let _unwanted: Result<(), Unwanted> = feed_all(feed, source, organisations, members, contacts);
        Ok(())
    };
    let take = |answers| {
        tally.count(answers);
        Ok(())
    };
    upload(&context.place, prepare, take).await.map_err(|why| tally.interrupted(why))?;
    tally.tell(&mut context.output, Kind::Edges)
}

/// Who is in the directory already.
struct Known {
    people: HashSet<String>,
    organisations: HashSet<String>,
}

impl Known {
    async fn read(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            people: place.people(None).await?.into_iter().map(|person| person.id).collect(),
            organisations: place.organisations().await?.into_iter().map(|one| one.id).collect(),
        })
    }
}

/// All that the files and flags say.
struct List {
    contacts: Vec<Contact>,
    members: Vec<Member>,
    organisations: Vec<(u64, OrganisationId)>,
    source: Source,
    skipped: u64,
    refusals: Vec<Refusal>,
}

impl List {
    fn read(args: &EdgesArgs, known: &Known) -> Result<Self, Failure> {
        let text = read_text(&args.file)?;
        let file = digest_of(text.as_bytes()).map_err(|error| Failure::file("read", &args.file, error))?;
        let clock = Clock { epoch: args.epoch, unit_ms: args.unit };
        let Listed { rows, skipped, mut refusals } = parse_rows(&text, &args.columns.0, clock);
        let contacts = match (args.join, args.group) {
            (Some(gap), _) => join(rows, i64::try_from(gap.as_millis()).unwrap_or(i64::MAX)),
            (None, true) => group(rows),
            (None, false) => single(rows),
        };
        let mut members = Vec::new();
        if let Some(path) = &args.people {
            let (listed, unreadable) = parse_members(&read_text(path)?, &args.people_columns.0);
            members = listed;
            refusals.extend(unreadable);
        }
        let members = newcomers(members, &contacts, &known.people);
        let organisations = new_organisations(&members, &known.organisations);
        let source = Source { file, epoch: clock.epoch, habit: args.habit.into(), scope: args.scope.into() };
        Ok(Self { contacts, members, organisations, source, skipped, refusals })
    }
}

fn feed_all(
    feed: &mut Feed,
    source: Source,
    organisations: Vec<(u64, OrganisationId)>,
    members: Vec<Member>,
    contacts: Vec<Contact>,
) -> Result<(), Unwanted> {
    let mut plan = Plan::new(source);
    for (record, organisation) in organisations {
        feed.push(item(record, Role::Organisation, plan.organisation(&organisation)))?;
    }
    for member in members {
        feed.push(item(member.record, Role::Person, plan.person(&member)))?;
    }
    for contact in contacts {
        feed.push(item(contact.record, Role::Record, plan.contact(contact)))?;
    }
    Ok(())
}

fn item(record: u64, role: Role, event: Result<NewEvent, Invalid>) -> Item {
    Item { record, role, event: event.map_err(|invalid| Refusal::local(record, &Error::from(invalid))) }
}
