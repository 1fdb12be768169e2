//! `kith import edges`: lists of contacts from other sources.

use super::recording::ScopeArg;
use crate::{
    context::Context,
    failure::Failure,
    import::{
        tally::{Kind, Tally},
        upload::{Answer, Feed, Item, Role, Unwanted, upload},
    },
    input::{dates::parse_epoch_now, files::read_text},
    place::{Place, lookalikes},
};
use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use kith_client::{Error, NewEvent};
use kith_core::reason::{self, Reason};
use kith_core::{id::OrganisationId, invalid::Invalid, timestamp::Timestamp};
use kith_import::{
    Refusal,
    edges::{
        Clock, Contact, ContactColumn, EdgeHabit, Layout, Listed, Member, People, PersonColumn, Plan, Source, changed,
        differing, group, join, new_organisations, newcomers, parse_contact_columns, parse_members,
        parse_people_columns, parse_rows, single,
    },
};
use kith_json::{
    dates::{parse_duration, unit_ms},
    derived::digest_of,
};
use std::{collections::HashSet, path::PathBuf};

/// Import a list of contacts: face-to-face lists, message lists
///
/// Each row is a contact between two people at some time. Columns are separated by white space or commas; the file may
/// be compressed with gzip. People are identified by the ids in the file; unknown ones are added first, and what the
/// list of people says about known ones is recorded where it differs. Changes to people and organisations that the
/// token may not make are skipped and reported.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith import edges contacts.dat --columns time,from,to --epoch 2010-12-06T13:00:00Z \
                  --unit s --as met --join 40s --people staff.dat --people-columns _,id,org\n  kith import edges \
                  mails.txt.gz --columns from,to,time --epoch 2003-10-01T00:00:00Z --unit s --as followed-up --group"
)]
pub(crate) struct EdgesArgs {
    /// The list
    file: PathBuf,
    /// What its columns contain: time, from, to, or _ for an unused one
    #[arg(long, value_parser = columns)]
    columns: Columns,
    /// What separates its columns: one character, such as ';', or tab; values may then be in double quotes [default:
    /// commas, or white space in lines without commas]
    #[arg(long, value_name = "LETTER", value_parser = separator, allow_hyphen_values = true)]
    separator: Option<char>,
    /// Skip the first row of the list, and of the list of people: it is a heading
    #[arg(long)]
    header: bool,
    /// When its time zero was; a day means its first moment, in UTC unless a zone is given
    #[arg(long, value_name = "DATE", value_parser = parse_epoch_now)]
    epoch: Timestamp,
    /// The unit of its times: ms, s, min, h or d
    #[arg(long, default_value = "s", value_parser = unit)]
    unit: i64,
    /// How to record the contacts
    #[arg(long = "as", value_enum)]
    habit: HabitArg,
    /// Join rows of a pair that start at most this long after each other into one meeting, at the first row's time
    #[arg(long, value_name = "TIME", value_parser = parse_duration, conflicts_with = "group")]
    join: Option<SignedDuration>,
    /// Group rows with the same sender and time into one message to several people
    #[arg(long)]
    group: bool,
    /// A list of the people
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// What the columns of that list contain: id, org, role, or _ for an unused one
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

fn separator(text: &str) -> Result<char, String> {
    let mut letters = text.chars();
    match (text, letters.next(), letters.next()) {
        ("tab" | "\\t", _, _) => Ok('\t'),
        (_, Some(letter), None) if letter != '"' && !letter.is_alphanumeric() => Ok(letter),
        _ => Err("it is one letter that no value has, such as ; or tab".to_owned()),
    }
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

impl From<HabitArg> for EdgeHabit {
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
    let List { contacts, directory, source, skipped, refusals } = List::read(&args, &known)?;
    let mut tally = Tally::begin((directory.events() + contacts.len()) as u64, &context.place).await?;
    tally.skipped = skipped;
    tally.refusals = refusals;
    record_directory(&context.place, directory, source, &mut tally).await?;
    let mut plan = Plan::new(source);
    let contacts = contacts.into_iter().map(move |contact| (contact.record, plan.contact(contact)));
    let items = contacts.map(|(record, event)| item(record, Role::Record, event));
    send(&context.place, items, &mut tally, Tally::count).await?;
    let told = tally.tell(&mut context.output, Kind::Edges);
    lookalikes::tell(&context.place, tally.begun_at()).await;
    told
}

/// Records the directory events that the contacts need. People whom the token may not add to their organisation are
/// added without one.
async fn record_directory(
    place: &Place,
    directory: Directory,
    source: Source,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut outside = HashSet::new();
    let items = directory.items(source);
    let take = |tally: &mut Tally, answers: Vec<Answer>| {
        let (denied, answered): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_denied);
        tally.count(answered);
        for answer in denied {
            outside.extend((answer.role == Role::Person).then_some(answer.record));
            tally.leave_out(answer);
        }
    };
    send(place, items.into_iter(), tally, take).await?;
    let plan = Plan::new(source);
    let outside = directory.newcomers.into_iter().filter(|member| outside.contains(&member.record));
    let outside = outside.map(|member| Member { organisation: None, ..member });
    let items: Vec<_> = outside.map(|member| item(member.record, Role::Person, plan.person(&member))).collect();
    send(place, items.into_iter(), tally, Tally::count).await
}

/// Whether the token may not change a part of the directory, or a part that it depends on.
fn is_denied(answer: &Answer) -> bool {
    let reasons = [Reason::PermissionDenied, Reason::OrganisationUnknown].map(reason::name);
    answer.role != Role::Record && answer.result.as_ref().is_err_and(|refusal| reasons.contains(&refusal.reason))
}

/// Sends items and passes their answers to `take`.
async fn send(
    place: &Place,
    items: impl Iterator<Item = Item> + Send + 'static,
    tally: &mut Tally,
    mut take: impl FnMut(&mut Tally, Vec<Answer>),
) -> Result<(), Failure> {
    let prepare = move |feed: &mut Feed| {
        let mut items = items;
        // If the upload failed, nothing receives records any more: the upload reports why.
        let _unwanted: Result<(), Unwanted> = items.try_for_each(|item| feed.push(item));
        Ok(())
    };
    let take = |answers| {
        take(tally, answers);
        Ok(())
    };
    let sent = upload(place, prepare, take).await;
    sent.map_err(|why| tally.interrupted(why))
}

/// The directory events that contacts need and that a list of people implies.
struct Directory {
    organisations: Vec<(u64, OrganisationId)>,
    newcomers: Vec<Member>,
    differing: Vec<Member>,
}

impl Directory {
    fn events(&self) -> usize {
        self.organisations.len() + self.newcomers.len() + self.differing.len()
    }

    fn items(&self, source: Source) -> Vec<Item> {
        let (plan, now) = (Plan::new(source), kith_client::now());
        let organisations =
            self.organisations.iter().map(|(record, id)| item(*record, Role::Organisation, plan.organisation(id)));
        let newcomers = self.newcomers.iter().map(|member| item(member.record, Role::Person, plan.person(member)));
        let differing = self.differing.iter().map(|member| item(member.record, Role::Change, changed(member, now)));
        organisations.chain(newcomers).chain(differing).collect()
    }
}

/// Who is already in the directory.
struct Known {
    people: People,
    organisations: HashSet<String>,
}

impl Known {
    async fn read(place: &Place) -> Result<Self, Failure> {
        Ok(Self {
            people: place.people(None).await?.into_iter().map(|person| (person.id.clone(), person)).collect(),
            organisations: place.organisations().await?.into_iter().map(|one| one.id).collect(),
        })
    }
}

/// Everything that the files and flags specify.
struct List {
    contacts: Vec<Contact>,
    directory: Directory,
    source: Source,
    skipped: u64,
    refusals: Vec<Refusal>,
}

impl List {
    fn read(args: &EdgesArgs, known: &Known) -> Result<Self, Failure> {
        let text = read_text(&args.file)?;
        let file = digest_of(text.as_bytes()).map_err(|error| Failure::file("read", &args.file, error))?;
        let clock = Clock { epoch: args.epoch, unit_ms: args.unit };
        let layout = Layout { separator: args.separator, has_heading: args.header };
        let Listed { rows, skipped, mut refusals } = parse_rows(&text, layout, &args.columns.0, clock);
        let contacts = match (args.join, args.group) {
            (Some(gap), _) => join(rows, i64::try_from(gap.as_millis()).unwrap_or(i64::MAX)),
            (None, true) => group(rows),
            (None, false) => single(rows),
        };
        let mut members = Vec::new();
        if let Some(path) = &args.people {
            let (listed, unreadable) = parse_members(&read_text(path)?, layout, &args.people_columns.0);
            members = listed;
            refusals.extend(unreadable);
        }
        let differing = differing(&members, &known.people);
        let newcomers = newcomers(members, &contacts, &known.people);
        let everybody = [&newcomers[..], &differing].concat();
        let organisations = new_organisations(&everybody, &known.organisations);
        let directory = Directory { organisations, newcomers, differing };
        let source = Source { file, epoch: clock.epoch, habit: args.habit.into(), scope: args.scope.into() };
        Ok(Self { contacts, directory, source, skipped, refusals })
    }
}

fn item(record: u64, role: Role, event: Result<NewEvent, Invalid>) -> Item {
    Item { record, role, event: event.map_err(|invalid| Refusal::local(record, &Error::from(invalid))) }
}
