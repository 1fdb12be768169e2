//! `kith import calendar`: meetings of a calendar.

use super::{
    occasions::{ConsentArgs, record},
    recording::ScopeArg,
};
use crate::{
    context::Context,
    failure::Failure,
    import::occasions::{network::Network, preview::Preview},
    input::{dates::zone_name_here, files::read_bytes},
    place::Place,
    show::output::remark,
};
use clap::{Args, ValueEnum};
use kith_core::{
    detail::DetailKind,
    event::{HabitKind, Scope},
    limits::PEOPLE_MAX,
    reason::Reason,
};
use kith_import::{
    CALENDAR_FILE_BYTES_MAX, MEETING_PEOPLE_DEFAULT,
    addresses::Addresses,
    calendar::{Meetings, Passed, Settings, Zone, read_meetings},
    contacts::decode,
    occasions::plan,
};
use kith_json::derived::digest_of;
use std::path::PathBuf;

/// Import the meetings of a calendar (iCalendar)
///
/// A meeting is over, was not called off, is not private, takes no whole day, and has at least two people of the network
/// who did not decline: you, and others by their e-mail addresses. Rooms, groups and addresses of nobody here are left
/// out and listed; `kith import contacts` adds people. Repeated meetings are recorded one by one.
///
/// Importing a file twice adds nothing. A meeting that has changed since is withdrawn and recorded anew, one that was
/// called off is withdrawn; what somebody else recorded, or withdrew, is left alone and listed. Broken events are
/// refused by their line, and the others recorded.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith import calendar work.ics --me amina --dry-run\n  kith import calendar work.ics \
                        --me amina --yes\n  kith import calendar work.ics --me amina --private --with place --people-max 8"
)]
pub(crate) struct CalendarArgs {
    /// The calendar; it may be compressed with gzip, - is standard input
    file: PathBuf,
    /// Whose calendar it is, by id or part of the name
    #[arg(long, value_name = "PERSON", allow_hyphen_values = true)]
    me: String,
    /// The most people of the network that a meeting has; larger ones are left out
    #[arg(long, value_name = "NUMBER", default_value_t = MEETING_PEOPLE_DEFAULT as u64,
          value_parser = clap::value_parser!(u64).range(2..=PEOPLE_MAX as u64))]
    people_max: u64,
    /// What to take besides who met when: titles may name patients
    #[arg(long, value_enum, value_delimiter = ',')]
    with: Vec<WordsArg>,
    /// Count events of whole days, too
    #[arg(long)]
    all_day: bool,
    /// Count private and confidential events, too: only your organisation sees them
    #[arg(long)]
    private: bool,
    /// Count invitations that you have not answered, too
    #[arg(long)]
    needs_answer: bool,
    /// The zone of times without one, or in an unknown one, such as Europe/Berlin [default: that of this computer]
    #[arg(long, value_name = "NAME")]
    timezone: Option<Zone>,
    /// The encoding of its text, such as windows-1252 [default: by its byte order mark, else UTF-8, else windows-1252]
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// Who may see the meetings
    #[arg(long, value_enum, default_value = "network")]
    scope: ScopeArg,
    #[command(flatten)]
    consent: ConsentArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WordsArg {
    /// Titles, as notes
    Title,
    /// Places
    Place,
}

impl From<WordsArg> for DetailKind {
    fn from(words: WordsArg) -> Self {
        match words {
            WordsArg::Title => Self::Note,
            WordsArg::Place => Self::Place,
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: &CalendarArgs) -> Result<(), Failure> {
    let path = &args.file;
    let bytes = read_bytes(path, CALENDAR_FILE_BYTES_MAX)?;
    let file = digest_of(&bytes[..]).map_err(|error| Failure::file("read", path, error))?;
    let usage = |why: &dyn std::fmt::Display| Failure::Usage(format!("{} {why}", path.display()));
    let decoded = decode(bytes, args.encoding.as_deref()).map_err(|why| usage(&why))?;
    if decoded.is_guessed {
        let encoding = decoded.encoding;
        remark(&format!("{} is not UTF-8: read as {encoding}; --encoding says what it is", path.display()));
    }
    let me = context.resolver().person(&args.me).await?;
    let Network { directory, known, log } = Network::read(&context.place, HabitKind::Met, Some(&me)).await?;
    let scope = Scope::from(args.scope);
    let is_restricted = scope == Scope::Organisation || args.private;
    if is_restricted && log.organisation.is_none() && matches!(context.place, Place::Server(_)) {
        return Err(Failure::Usage(NO_ORGANISATION.to_owned()));
    }
    let here = zone_name_here().and_then(|name| name.parse().ok());
    let zone: Option<Zone> = args.timezone.or(here);
    let settings = Settings {
        log,
        me,
        people_max: usize::try_from(args.people_max).unwrap_or(PEOPLE_MAX),
        words: args.with.iter().copied().map(DetailKind::from).collect(),
        all_day: args.all_day,
        private: args.private,
        needs_answer: args.needs_answer,
        zone: zone.unwrap_or_else(Zone::utc),
        scope,
        now: kith_client::now(),
    };
    let addresses = Addresses::of(&directory);
    let meetings = read_meetings(&decoded.text, &settings, &addresses).map_err(|why| Failure::Refused {
        reason: Reason::EventInvalid,
        message: format!("{} {why}; nothing was recorded", path.display()),
    })?;
    tell_zones(&meetings, args, zone.and_then(Zone::name))?;
    if meetings.cut > 0 {
        remark("titles and places that are too long for an event are left out");
    }
    let Meetings { occasions, mut refusals, passed, strangers, .. } = meetings;
    let plan = plan(occasions, &known, &addresses, &file, settings.now);
    refusals.extend(plan.refusals());
    refusals.sort_by_key(|refusal| refusal.spot);
    let preview =
        Preview { plan: &plan, noun: ("meeting", "meetings"), passed: named(passed), strangers: &strangers, refusals };
    record(context, &args.consent, &preview).await
}

/// Why what only an organisation sees cannot be recorded.
pub(super) const NO_ORGANISATION: &str =
    "this token is of no organisation, so nothing can be kept to one: --scope network records for every member";

/// Says which zone times are in that have none.
fn tell_zones(meetings: &Meetings, args: &CalendarArgs, zone: Option<String>) -> Result<(), Failure> {
    let unknown: Vec<&str> = meetings.unknown_zones.iter().map(String::as_str).collect();
    if !meetings.has_floating && unknown.is_empty() {
        return Ok(());
    }
    let what = match (meetings.has_floating, &unknown[..]) {
        (true, []) => "some times have no zone".to_owned(),
        (false, names) => format!("some times are in zones that are unknown ({})", names.join(", ")),
        (true, names) => format!("some times have no zone, or one that is unknown ({})", names.join(", ")),
    };
    let Some(zone) = zone else {
        let advice = "and this computer's has no name: --timezone says which they are in";
        return Err(Failure::Usage(format!("{what}, {advice}")));
    };
    let advice = if args.timezone.is_some() { "" } else { "; --timezone says otherwise" };
    remark(&format!("{what}: they are taken for times of {zone}{advice}"));
    Ok(())
}

/// What is no meeting, with its name.
fn named(passed: Passed) -> Vec<(&'static str, u64)> {
    let Passed { cancelled, declined, unanswered, private, all_day, ahead, alone, crowded, no_events } = passed;
    vec![
        ("called off", cancelled),
        ("declined", declined),
        ("not answered", unanswered),
        ("private", private),
        ("of whole days", all_day),
        ("not over", ahead),
        ("with nobody else of the network", alone),
        ("with too many people", crowded),
        ("that are no events", no_events),
    ]
}
