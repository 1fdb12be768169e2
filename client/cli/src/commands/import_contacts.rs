//! `kith import contacts`: people from phones and services.

use crate::{
    context::Context,
    failure::Failure,
    import::{
        consent::{ask, refused_if, unasked},
        contacts::{network::Network, preview::Preview, sending::Sending},
        people::principal,
        refusals,
    },
    input::files::{read_bytes, read_text},
    place::lookalikes,
    show::{
        destination::Destination,
        output::{Format as OutputFormat, remark},
    },
};
use clap::{Args, ValueEnum};
use kith_core::{
    may::{Action, PersonChange, may},
    reason::Reason,
};
use kith_import::{
    CONTACTS_FILE_BYTES_MAX, Refusal,
    contacts::{
        ColumnMap, Connections, Country, DateOrder, Decided, Decisions, Extra, Format, Plan, Planned, Reading, Roles,
        Settings, decode, parse_column_map, plan, read_contacts, review,
    },
};
use std::{
    collections::{HashMap, HashSet},
    io::Write,
    path::{Path, PathBuf},
};

/// Import people: cards of phones (vCard), and tables of Google, LinkedIn, Outlook and others
///
/// Each record is compared with the people of the network. The same e-mail address, profile link or card id is the same
/// person; the same telephone number alone, or the same name with the same organisation or mail domain, has to be
/// decided; everybody else is new. Known people get what is new of them, and nothing of them is changed. Importing a
/// file twice adds nothing.
///
/// Every member of the network sees whom it knows, so first it is shown what would be seen; nothing is recorded without
/// a yes. Photos, birthdays and keys are never taken, telephone numbers, notes, postal addresses and job titles only if
/// you say so. Broken records are refused by their line, and the others recorded.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith import contacts phone.vcf --dry-run\n  kith import contacts Connections.csv --review \
                  people.csv     (then change the column decision, and:)\n  kith import contacts Connections.csv \
                  --decisions people.csv --yes\n  kith import contacts staff.csv --map name='Full Name',email=Mail,org=Company \
                  --delimiter ';' --with phones --country 44"
)]
pub(crate) struct ContactsArgs {
    /// The file; it may be compressed with gzip, - is standard input
    file: PathBuf,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    taking: TakingArgs,
    /// Write who is taken for whom into a new file, which only you can read, and record nothing
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    review: Option<PathBuf>,
    /// A list that --review wrote, with your decisions: new, same, skip or ask. Whoever stays on ask is refused
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Record without a question
    #[arg(long)]
    yes: bool,
    /// Record nothing: show what would be recorded, what everybody would see, and what is refused
    #[arg(long, conflicts_with_all = ["yes", "review"])]
    dry_run: bool,
}

/// How the file is to be read.
#[derive(Debug, Args)]
struct SourceArgs {
    /// The kind of file [default: by its content]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// The encoding of its text, such as windows-1252 [default: by its byte order mark, else UTF-8, else windows-1252]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// What the columns of a table contain, by their names: name (or first and last), email, phone, link, org, role,
    /// note, address, id
    #[arg(long, value_name = "FIELD=COLUMN,...", value_parser = parse_column_map)]
    map: Option<ColumnMap>,
    /// What separates the columns of a table: one character, or tab [default: commas, semicolons or tabs, by its header]
    #[arg(long, value_name = "LETTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The line of a table's header [default: among its first twenty rows]
    #[arg(long, value_name = "LINE", value_parser = clap::value_parser!(u64).range(1..))]
    header: Option<u64>,
}

/// What is taken of the records.
#[derive(Debug, Args)]
struct TakingArgs {
    /// What to take besides names, e-mail addresses, profile links and card ids
    #[arg(long, value_enum, value_delimiter = ',')]
    with: Vec<ExtraArg>,
    /// A table of job titles and the roles that they mean, such as: Ward sister,nurse
    #[arg(long, value_name = "FILE")]
    role_map: Option<PathBuf>,
    /// The calling code of telephone numbers without one, such as 44
    #[arg(long, value_name = "CODE")]
    country: Option<Country>,
    /// Add organisations that the network has not
    #[arg(long)]
    add_orgs: bool,
    /// Record since when LinkedIn connects people with you, as events that count in no view
    #[arg(long, requires = "me")]
    connections: bool,
    /// Whose connections they are, by id or part of the name
    #[arg(long, value_name = "PERSON", requires = "connections", allow_hyphen_values = true)]
    me: Option<String>,
    /// Whether day or month comes first in dates that are all numbers
    #[arg(long, value_enum, requires = "connections")]
    dates: Option<DatesArg>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Cards: vCard 2.1, 3.0 and 4.0
    Vcard,
    /// A table of Google Contacts
    Google,
    /// Connections.csv of LinkedIn
    Linkedin,
    /// A table of Outlook
    Outlook,
    /// Any table, with --map
    Csv,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Vcard => Self::Vcard,
            FormatArg::Google => Self::Google,
            FormatArg::Linkedin => Self::Linkedin,
            FormatArg::Outlook => Self::Outlook,
            FormatArg::Csv => Self::Csv,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExtraArg {
    /// Telephone numbers
    Phones,
    /// Notes
    Notes,
    /// Postal addresses
    Addresses,
    /// Job titles
    Titles,
}

impl From<ExtraArg> for Extra {
    fn from(extra: ExtraArg) -> Self {
        match extra {
            ExtraArg::Phones => Self::Phones,
            ExtraArg::Notes => Self::Notes,
            ExtraArg::Addresses => Self::Addresses,
            ExtraArg::Titles => Self::Titles,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DatesArg {
    /// 31/12/2024
    Dmy,
    /// 12/31/2024
    Mdy,
}

impl From<DatesArg> for DateOrder {
    fn from(order: DatesArg) -> Self {
        match order {
            DatesArg::Dmy => Self::DayFirst,
            DatesArg::Mdy => Self::MonthFirst,
        }
    }
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [letter] if letter.is_ascii_punctuation() && *letter != b'"' => Ok(*letter),
        _ => Err("it is one character that no value has, such as ; or tab".to_owned()),
    }
}

pub(crate) async fn run(context: &mut Context, args: ContactsArgs) -> Result<(), Failure> {
    let client = context.server()?.clone();
    let source = Source::read(&args)?;
    let decisions = read_decisions(args.decisions.as_deref(), &source.records)?;
    let settings = settings(context, &args.taking, &source.records).await?;
    let network = Network::read(&context.place, &HashSet::new()).await?;
    let plan = plan(&source.records, &network.directory, &decisions, &settings, &HashMap::new());
    let erased = network.directory.erased();
    let Source { records, format, encoding } = &source;
    let (format, encoding) = (*format, *encoding);
    let is_json = context.output.format() == OutputFormat::Json;
    let preview = Preview { plan: &plan, format, encoding, network: client.network(), erased };
    if let Some(path) = &args.review {
        return write_review(context, path, &preview);
    }
    if !is_json {
        preview.tell(&mut context.output)?;
    }
    let refusals = all_refusals(&plan);
    if args.dry_run || (is_json && !args.yes) {
        if is_json {
            context.output.json(&preview.json(None, args.dry_run, &refusals))?;
        }
        return if args.dry_run { refused_if(!refusals.is_empty()) } else { Err(unasked()) };
    }
    let has_more = !plan.steps.is_empty() || plan.counts.connections > 0;
    if has_more {
        demand_rights(&settings)?;
        context.output.flush()?;
        if !args.yes && !ask()? {
            return context.output.line("nothing was recorded");
        }
    }
    let begun_at = network.head;
    let (sent, last) =
        Sending::new(&context.place, records, &decisions, &settings)?.send(network, plan.clone()).await?;
    let mut refusals = all_refusals(&last);
    refusals.extend(sent.refusals.iter().cloned());
    refusals.sort_by_key(|refusal| refusal.spot);
    if is_json {
        context.output.json(&preview.json(Some(&sent), false, &refusals))?;
    } else {
        context.output.line(&sent.sentence())?;
        let open: Vec<Refusal> = last.rows.iter().filter_map(Decided::undecided).chain(sent.refusals).collect();
        refusals::told(&open).iter().try_for_each(|line| context.output.line(line))?;
    }
    lookalikes::tell(&context.place, begun_at).await;
    refused_if(!refusals.is_empty())
}

/// The records of a file, and how it was read.
struct Source {
    records: Planned,
    format: Format,
    encoding: &'static str,
}

impl Source {
    fn read(args: &ContactsArgs) -> Result<Self, Failure> {
        let SourceArgs { format, encoding, map, delimiter, header } = &args.source;
        match (format, map) {
            (Some(FormatArg::Csv), None) => return Err(Failure::Usage("--format csv needs a --map".to_owned())),
            (Some(FormatArg::Csv) | None, _) | (Some(_), None) => {}
            (Some(_), Some(_)) => return Err(Failure::Usage("--map goes with --format csv".to_owned())),
        }
        let path = &args.file;
        let bytes = read_bytes(path, CONTACTS_FILE_BYTES_MAX)?;
        let decoded = decode(bytes, encoding.as_deref()).map_err(|why| usage(path, &why))?;
        let format = format.map(Format::from);
        let reading = Reading { format, map: map.clone(), separator: *delimiter, header: *header };
        let contacts = read_contacts(&decoded.text, &reading).map_err(|why| Failure::Refused {
            reason: Reason::EventInvalid,
            message: format!("{} {why}; nothing was recorded", path.display()),
        })?;
        let (format, encoding) = (contacts.format, decoded.encoding);
        if decoded.is_guessed {
            remark(&format!("{} is not UTF-8: read as {encoding}; --encoding says what it is", path.display()));
        }
        Ok(Self { records: Planned::new(contacts), format, encoding })
    }
}

fn usage(path: &Path, why: &impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{} {why}", path.display()))
}

fn read_decisions(path: Option<&Path>, records: &Planned) -> Result<Decisions, Failure> {
    let Some(path) = path else { return Ok(Decisions::default()) };
    let decisions = Decisions::parse(read_bytes(path, CONTACTS_FILE_BYTES_MAX)?);
    let decisions = decisions.map_err(|why| usage(path, &why))?;
    decisions.check(records.names()).map_err(|why| usage(path, &why))?;
    Ok(decisions)
}

async fn settings(context: &Context, args: &TakingArgs, records: &Planned) -> Result<Settings, Failure> {
    let roles = match &args.role_map {
        Some(path) => Roles::parse(&read_text(path)?).map_err(|why| usage(path, &why))?,
        None => Roles::default(),
    };
    let me = context.resolver().person_or_none(args.me.as_ref()).await?;
    let order = args.dates.map(DateOrder::from);
    let connections = me.map(|me| Connections { me, order });
    if let (Some(_), Some((spot, date))) = (&connections, records.ambiguous_date(order)) {
        let advice = "--dates dmy or mdy says which comes first";
        return Err(Failure::Usage(format!("{spot}: day and month of {date} cannot be told apart: {advice}")));
    }
    Ok(Settings {
        principal: principal(context.server()?).await?,
        extras: args.with.iter().copied().map(Extra::from).collect(),
        roles,
        country: args.country,
        adds_organisations: args.add_orgs,
        connections,
        now: kith_client::now(),
    })
}

/// Why records are not recorded: those that cannot be read, and those that are to decide.
fn all_refusals(plan: &Plan) -> Vec<Refusal> {
    let open = plan.rows.iter().filter_map(Decided::undecided);
    let mut refusals: Vec<Refusal> = plan.refusals.iter().cloned().chain(open).collect();
    refusals.sort_by_key(|refusal| refusal.spot);
    refusals
}

/// Refuses what the server would, before anybody is asked.
fn demand_rights(settings: &Settings) -> Result<(), Failure> {
    if may(&settings.principal, &Action::ChangePerson(PersonChange::Add(None))) {
        return Ok(());
    }
    let message = "this token may not add people: a recorder's, officer's or owner's may".to_owned();
    Err(Failure::Refused { reason: Reason::PermissionDenied, message })
}

/// Writes the list into a new file that only its owner can read: it has everybody's addresses. What would be recorded is
/// shown beside it, unless the list itself goes to standard output.
fn write_review(context: &mut Context, path: &Path, preview: &Preview<'_>) -> Result<(), Failure> {
    let Plan { rows, refusals, .. } = preview.plan;
    let mut list = Destination::open(path, true)?;
    let is_file = list.is_file();
    list.write_all(&review(rows)).map_err(|error| list.failed(error))?;
    list.finish()?;
    if is_file && context.output.format() == OutputFormat::Json {
        context.output.json(&preview.json(None, true, refusals))?;
    } else if is_file {
        preview.tell(&mut context.output)?;
    }
    if is_file {
        remark(&format!("the list is in {}: change the column decision, and import with --decisions", path.display()));
    }
    refused_if(!refusals.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_one_character() {
        assert_eq!((delimiter(";"), delimiter("tab"), delimiter("|")), (Ok(b';'), Ok(b'\t'), Ok(b'|')));
        for text in ["", "\"", "a", ";;", "é"] {
            assert!(delimiter(text).is_err(), "{text}");
        }
    }
}
