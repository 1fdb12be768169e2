//! `kith import edges`: lists of contacts from other sources.

use super::recording::ScopeArg;
use crate::{
    context::Context,
    failure::Failure,
    import::{
        preview::{Besides, Preview},
        tally::{Kind, Tally, send},
        upload::{Answer, Item, Role},
    },
    input::{dates::parse_epoch_now, files::read_text},
    place::{Place, lookalikes},
    show::output::remark,
};
use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use kith_client::{Error, NewEvent};
use kith_core::reason::{self, Reason};
use kith_core::{id::OrganisationId, invalid::Invalid, timestamp::Timestamp};
use kith_import::{
    Refusal, Spot,
    edges::{
        Clock, Columns, Contact, ContactColumn, EdgeHabit, Heading, Layout, Listed, LoneOrganisations, Member, Members,
        Messages, NotList, People, PersonColumn, Plan, Separator, Source, changed, differing, group, join,
        lone_organisations, new_organisations, newcomers, parse_contact_columns, parse_members, parse_people_columns,
        parse_rows, single,
    },
};
use kith_json::{
    dates::{parse_duration, unit_ms},
    derived::digest_of,
};
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// Import a list of contacts: face-to-face lists, message lists
///
/// Each row is a contact between two people at some time. Columns are separated by tabs, commas or white space,
/// whichever most rows have; the file may be compressed with gzip. A first row with a word instead of a time is a
/// heading. Rows with another number of columns than named are refused and listed by line number, and the others
/// recorded. If no row has the named columns, or the file is a matrix, nothing is recorded.
///
/// People are identified by the ids in the file; unknown ones are added first, and what the list of people says about
/// known ones is recorded where it differs. Changes to people and organisations that the token may not make are skipped
/// and reported.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith import edges contacts.dat --columns time,from,to --epoch 2010-12-06T13:00:00Z \
                  --unit s --as met --join 40s --people staff.dat --people-columns _,id,org\n  kith import edges \
                  mails.txt.gz --columns from,to,time --epoch 2003-10-01T00:00:00Z --unit s --as followed-up --group\n  \
                  kith import edges visits.tsv --columns time,from,to,... --as met --dry-run"
)]
pub(crate) struct EdgesArgs {
    /// The list
    file: PathBuf,
    /// What its columns contain: time, from, to, or _ for an unused one; ... at the end ignores the rest
    #[arg(long, value_parser = parse_contact_columns)]
    columns: Columns<ContactColumn>,
    #[command(flatten)]
    layout: LayoutArgs,
    /// When its time zero was; a day means its first moment, in UTC unless a zone is given. Not needed for Unix times
    /// (numbers from 1970) and times in RFC 3339
    #[arg(long, value_name = "DATE", value_parser = parse_epoch_now)]
    epoch: Option<Timestamp>,
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
    /// What the columns of that list contain: id, org, role, or _ for an unused one; ... at the end ignores the rest
    #[arg(long, requires = "people", default_value = "id,org", value_parser = parse_people_columns)]
    people_columns: Columns<PersonColumn>,
    /// Add the organisations of that list even if most of them have only one person in it
    #[arg(long, requires = "people")]
    add_orgs: bool,
    /// Who may see the contacts
    #[arg(long, value_enum, default_value = "network")]
    scope: ScopeArg,
    /// Record nothing: show the first ten contacts as they would be recorded, how many there are, who would be added,
    /// and which rows are refused
    #[arg(long)]
    dry_run: bool,
}

/// How the lists are laid out.
#[derive(Debug, Args)]
struct LayoutArgs {
    /// What separates its columns, and those of the list of people: one character, such as ';', or tab, or space for
    /// white space of any length. Values may be in double quotes, except between white space [default: tabs, else
    /// commas, if most rows have them; else white space]
    #[arg(long, value_name = "LETTER", value_parser = separator, allow_hyphen_values = true)]
    separator: Option<Separator>,
    /// The first row is a heading, in the list and in the list of people [default: if it looks like one]
    #[arg(long)]
    header: bool,
    /// The first row is no heading
    #[arg(long, conflicts_with = "header")]
    no_header: bool,
}

impl LayoutArgs {
    fn layout(&self) -> Layout {
        let has_heading = (self.header || self.no_header).then_some(self.header);
        Layout { separator: self.separator, has_heading }
    }
}

fn separator(text: &str) -> Result<Separator, String> {
    let mut letters = text.chars();
    match (text, letters.next(), letters.next()) {
        ("tab" | "\\t", _, _) => Ok(Separator::Letter('\t')),
        ("space" | " ", _, _) => Ok(Separator::WhiteSpace),
        (_, Some(letter), None) if letter != '"' && !letter.is_alphanumeric() => Ok(Separator::Letter(letter)),
        _ => Err("it is one letter that no value has, such as ; or tab, or space".to_owned()),
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
    let list = List::read(&args, &known)?;
    if args.dry_run {
        return preview(context, list).await;
    }
    let List { contacts, directory, source, skipped, split, refusals } = list;
    let mut tally = Tally::begin((directory.events() + contacts.len()) as u64, &context.place).await?;
    tally.skipped = skipped;
    tally.split = split;
    tally.refusals = refusals;
    record_directory(&context.place, directory, source, &mut tally).await?;
    let items = items(contacts, source);
    send(&context.place, items, &mut tally, Tally::count).await?;
    let told = tally.tell(&mut context.output, Kind::Edges);
    lookalikes::tell(&context.place, tally.begun_at()).await;
    told
}

/// Shows what would be recorded.
async fn preview(context: &mut Context, list: List) -> Result<(), Failure> {
    let List { contacts, directory, source, skipped, split, refusals } = list;
    let Directory { organisations, newcomers, differing } = directory;
    let mut preview = Preview::new(Besides {
        skipped,
        split,
        people: newcomers.len(),
        changes: differing.iter().map(|member| format!("{} to {}", member.person, described(member))).collect(),
        organisations: organisations.into_iter().map(|(_, organisation)| organisation).collect(),
        refusals,
    });
    for Item { spot, event, .. } in items(contacts, source) {
        preview.add(spot, event);
    }
    preview.tell(&context.place, &mut context.output, Kind::Edges).await
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
    let (items, left_out) = (directory.items(source), directory.left_out());
    let take = |tally: &mut Tally, answers: Vec<Answer>| {
        let (denied, answered): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_denied);
        tally.count(answered);
        for mut answer in denied {
            if let (Err(refusal), Some(what)) = (&mut answer.result, left_out.get(&(answer.spot, answer.role))) {
                refusal.message = format!("{what}: {}", refusal.message);
            }
            outside.extend((answer.role == Role::Person).then_some(answer.spot));
            tally.leave_out(answer);
        }
    };
    send(place, items.into_iter(), tally, take).await?;
    let plan = Plan::new(source);
    let outside = directory.newcomers.into_iter().filter(|member| outside.contains(&member.spot));
    let outside = outside.map(|member| Member { organisation: None, ..member });
    let items: Vec<_> = outside.map(|member| item(member.spot, Role::Person, plan.person(&member))).collect();
    send(place, items.into_iter(), tally, Tally::count).await
}

/// Whether the token may not change a part of the directory, or a part that it depends on.
fn is_denied(answer: &Answer) -> bool {
    let reasons = [Reason::PermissionDenied, Reason::OrganisationUnknown].map(reason::name);
    answer.role != Role::Record && answer.result.as_ref().is_err_and(|refusal| reasons.contains(&refusal.reason))
}

/// The directory events that contacts need and that a list of people implies.
struct Directory {
    organisations: Vec<(Spot, OrganisationId)>,
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
            self.organisations.iter().map(|(spot, id)| item(*spot, Role::Organisation, plan.organisation(id)));
        let newcomers = self.newcomers.iter().map(|member| item(member.spot, Role::Person, plan.person(member)));
        let differing = self.differing.iter().map(|member| item(member.spot, Role::Change, changed(member, now)));
        organisations.chain(newcomers).chain(differing).collect()
    }

    /// What it means that an event is not recorded.
    fn left_out(&self) -> HashMap<(Spot, Role), String> {
        let organisations =
            self.organisations.iter().map(|(spot, id)| ((*spot, Role::Organisation), format!("{id} is not added")));
        let newcomers = self.newcomers.iter().map(|member| {
            let Member { spot, person, organisation, .. } = member;
            let organisation = organisation.as_ref().map_or("an organisation", OrganisationId::as_str);
            ((*spot, Role::Person), format!("{person} is added without {organisation}"))
        });
        let differing = self.differing.iter().map(|member| {
            let Member { spot, person, .. } = member;
            ((*spot, Role::Change), format!("{person} is not changed to {}", described(member)))
        });
        organisations.chain(newcomers).chain(differing).collect()
    }
}

/// A member's organisation and role.
fn described(member: &Member) -> String {
    let organisation = member.organisation.as_ref().map_or("", OrganisationId::as_str);
    let parts: Vec<&str> = [organisation, &member.role].into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
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
    split: u64,
    refusals: Vec<Refusal>,
}

impl List {
    fn read(args: &EdgesArgs, known: &Known) -> Result<Self, Failure> {
        let text = read_text(&args.file)?;
        let file = digest_of(text.as_bytes()).map_err(|error| Failure::file("read", &args.file, error))?;
        let clock = Clock { epoch: args.epoch, unit_ms: args.unit };
        let layout = args.layout.layout();
        let listed = parse_rows(&text, layout, &args.columns, clock).map_err(|why| not_list(&args.file, &why))?;
        let Listed { rows, skipped, mut refusals, heading } = listed;
        let headings = heading.map(|heading| (&args.file, heading));
        let first = rows.first().map(|row| row.time);
        let (contacts, split) = match (args.join, args.group) {
            (Some(gap), _) => (join(rows, i64::try_from(gap.as_millis()).unwrap_or(i64::MAX)), 0),
            (None, true) => {
                let Messages { contacts, split } = group(rows);
                (contacts, split)
            }
            (None, false) => (single(rows), 0),
        };
        let mut listed = Members::default();
        if let Some(path) = &args.people {
            let text = read_text(path)?;
            listed = parse_members(&text, layout, &args.people_columns).map_err(|why| not_list(path, &why))?;
            if let Some(lone) = lone_organisations(&listed.members, &known.organisations)
                && !args.add_orgs
            {
                return Err(no_organisations(path, &lone));
            }
        }
        let Members { members, refusals: unreadable, heading } = listed;
        refusals.extend(unreadable);
        for (path, heading) in headings.into_iter().chain(args.people.iter().zip(heading)) {
            tell_heading(path, &heading);
        }
        let differing = differing(&members, &known.people);
        let newcomers = newcomers(members, &contacts, &known.people);
        let everybody = [&newcomers[..], &differing].concat();
        let organisations = new_organisations(&everybody, &known.organisations);
        let directory = Directory { organisations, newcomers, differing };
        let epoch = args.epoch.or(first).unwrap_or(Timestamp::from_millis(0));
        let source = Source { file, epoch, habit: args.habit.into(), scope: args.scope.into() };
        Ok(Self { contacts, directory, source, skipped, split, refusals })
    }
}

/// Nothing of a file is recorded that is not what the flags say.
fn not_list(path: &Path, why: &NotList) -> Failure {
    refused(format!("{} {why}; nothing was recorded", path.display()))
}

/// Nothing is recorded if names may have been taken for organisations.
fn no_organisations(path: &Path, found: &LoneOrganisations) -> Failure {
    let LoneOrganisations { lone, all, example } = found;
    refused(format!(
        "{lone} of {all} organisations in {} have one person each, such as {example}, and none of them is known: see \
         --people-columns, or add them with --add-orgs if they are organisations; nothing was recorded",
        path.display()
    ))
}

fn refused(message: String) -> Failure {
    Failure::Refused { reason: Reason::EventInvalid, message }
}

/// Reports a row that was taken for a heading, and how to have it recorded.
fn tell_heading(path: &Path, heading: &Heading) {
    let Heading { line, text } = heading;
    remark(&format!(
        "line {line} of {} is taken for a heading, {text:?}: --no-header reads it as a row",
        path.display()
    ));
}

/// The events of contacts.
fn items(contacts: Vec<Contact>, source: Source) -> impl Iterator<Item = Item> + Send + 'static {
    let mut plan = Plan::new(source);
    contacts.into_iter().map(move |contact| item(contact.spot, Role::Record, plan.contact(contact)))
}

fn item(spot: Spot, role: Role, event: Result<NewEvent, Invalid>) -> Item {
    Item { spot, role, event: event.map_err(|invalid| Refusal::local(spot, &Error::from(invalid))) }
}
