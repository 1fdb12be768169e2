//! `kith audit history`: what happened between two people, at the server, in a replica, or in a bundle of evidence.
//!
//! Invariant: equal entries give equal output, wherever they come from.

use super::{
    audit_bundle::{failed, key_of, read_all},
    view,
};
use crate::{
    context::Context,
    failure::Failure,
    input::files::Rereadable,
    place::{people::find_among, settings::GlobalArgs},
    show::{
        output::{Column, Format, Output, remark},
        people::Names,
        sentences::sentence,
    },
};
use clap::Args;
use kith_client::{
    AsOf, BundleLine, BundleReader, Common, PairHistory, ReadOptions, Recorded, Standing, Told, ToldWords, v1,
};
use kith_core::{
    checkpoint::VerifierKey,
    event::{DirectoryKind, Fact, Habit, Kind},
    evidence::Shown,
    filter::Filter,
    id::PersonId,
    limits::READ_ENTRIES_MAX,
    position::Position,
};
use kith_json::{answer_name, detail_json, retraction_reason_name, time_text};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Show what happened between two people, and what became of it
///
/// One line for each event in which both take part, under any id that means them, whether it stands or was withdrawn.
/// Answers stand under their introduction, and what was recorded to correct an event under that event. What you may not
/// see is left out. With --from it is read from a bundle of evidence, which is verified first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith audit history amina ben\n  \
                        kith audit history amina ben --as-of 2026-03-01 -o json\n  \
                        kith audit history amina ben --from pair.evidence")]
pub(crate) struct HistoryArgs {
    /// The two people, by id or part of their name
    #[arg(num_args = 2, required = true, value_names = ["A", "B"], allow_negative_numbers = true)]
    people: Vec<String>,
    /// As known at this position, or at this time or the end of this day, in UTC
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<view::AsOf>,
    /// A bundle that `kith audit export` printed; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// The log's public key, in the form NAME+ID+KEY
    #[arg(long, value_name = "KEY", requires = "from")]
    key: Option<VerifierKey>,
}

impl HistoryArgs {
    fn as_of(&self) -> AsOf {
        match self.as_of {
            None => AsOf::Now,
            Some(view::AsOf::Position(position)) => AsOf::Position(position),
            Some(view::AsOf::Time(time)) => AsOf::Time(time),
        }
    }
}

/// Reads it at the server or in a replica.
pub(crate) async fn run(context: &mut Context, args: &HistoryArgs) -> Result<(), Failure> {
    let mut resolver = context.resolver();
    let [one, other] = args.people.as_slice() else { return Err(not_two()) };
    let people = [resolver.person(one).await?, resolver.person(other).await?];
    let mut history = PairHistory::new(people, args.as_of());
    let merges = vec![Kind::Directory(DirectoryKind::PeopleMerged)];
    let of_directory = Filter { kinds: merges, ..Filter::default() };
    each(context, of_directory, Common::Included, |recorded| history.learn(recorded)).await?;
    let of_them = Filter { people: apart(&history)?, ..Filter::default() };
    each(context, of_them, Common::OnlyMatching, |recorded| history.add(recorded)).await?;
    let names = match context.output.format() {
        Format::Json => Names::default(),
        Format::Table => context.place.names().await?,
    };
    tell(&mut context.output, &history.finish(), &names)
}

/// Reads it from a bundle.
pub(crate) async fn run_from(
    path: &Path,
    args: &HistoryArgs,
    global: &GlobalArgs,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut file = Rereadable::open(path)?;
    let mut open = || BundleReader::open(file.raw(path)?).map_err(|error| failed(path, error));
    let bundle = open()?;
    let (key, _) = key_of(bundle.heading(), args.key.as_ref(), global).await?;
    let (mut shown, mut names) = (BTreeSet::new(), Names::default());
    read_all(path, bundle, &key, |line| {
        if let Some(recorded) = recorded(line) {
            names.learn(&recorded);
            shown.extend(recorded.event.people().into_iter().cloned());
        }
        Ok(())
    })?;
    let shown: Vec<v1::Person> = shown.into_iter().map(|id| person(&id, &names)).collect();
    let [one, other] = args.people.as_slice() else { return Err(not_two()) };
    let people = [find_among(one, &shown)?, find_among(other, &shown)?];
    let mut history = PairHistory::new(people, args.as_of());
    read_all(path, open()?, &key, |line| {
        if let Some(recorded) = recorded(line) {
            history.learn(&recorded);
        }
        Ok(())
    })?;
    apart(&history)?;
    read_all(path, open()?, &key, |line| {
        if let Some(recorded) = recorded(line) {
            history.add(&recorded);
        }
        Ok(())
    })?;
    tell(output, &history.finish(), &names)
}

fn not_two() -> Failure {
    Failure::Usage("name two people".to_owned())
}

fn person(id: &PersonId, names: &Names) -> v1::Person {
    let name = Some(names.of(id.as_str())).filter(|name| *name != id.as_str()).unwrap_or_default();
    v1::Person { id: id.to_string(), name: name.to_owned(), ..v1::Person::default() }
}

fn recorded(line: BundleLine) -> Option<Recorded> {
    match line.shown {
        Shown::Entry(shown) => Some(Recorded::of_shown(*shown)),
        Shown::LeftOut(_) => None,
    }
}

/// The ids of the two, who must be two people.
fn apart(history: &PairHistory) -> Result<Vec<PersonId>, Failure> {
    if history.are_one() {
        return Err(Failure::Usage("they are one person: they were merged, or one id was given twice".to_owned()));
    }
    Ok(history.ids())
}

/// Hands on all entries that a filter lets pass.
async fn each(
    context: &Context,
    filter: Filter,
    common: Common,
    mut take: impl FnMut(&Recorded),
) -> Result<(), Failure> {
    let mut options = ReadOptions { filter, common, limit: READ_ENTRIES_MAX, ..ReadOptions::default() };
    loop {
        let page = context.place.read(&options).await?;
        page.entries.decode()?.iter().for_each(&mut take);
        if page.end {
            return Ok(());
        }
        options.after = page.next;
    }
}

fn tell(output: &mut Output, told: &[Told], names: &Names) -> Result<(), Failure> {
    match output.format() {
        Format::Json => told.iter().try_for_each(|told| output.json(&told_json(told))),
        Format::Table if told.is_empty() => {
            remark("nothing that happened between them is known here");
            Ok(())
        }
        Format::Table => {
            let columns = [
                Column::number("position"),
                Column::text("happened"),
                Column::text("kind"),
                Column::text("what"),
                Column::text("status"),
            ];
            output.table(&columns, told.iter().flat_map(|told| rows(told, names)).collect())
        }
    }
}

/// An event as a line of JSON.
fn told_json(told: &Told) -> Value {
    let Told { entry, event, words, standing, outcome, .. } = told;
    let people: Vec<&str> = event.people().into_iter().map(PersonId::as_str).collect();
    let status = match standing {
        Standing::Stands => json!("stands"),
        Standing::Retracted { at, reason, .. } => {
            json!({ "retracted_at": at.get(), "reason": retraction_reason_name(*reason) })
        }
    };
    let outcome = outcome.map(|outcome| {
        let state = outcome.answer.map_or("unanswered", answer_name);
        json!({ "state": state, "at": outcome.at.map(Position::get) })
    });
    json!({
        "position": entry.position.get(),
        "id": event.id.to_string(),
        "happened": time_text(event.occurred_at),
        "recorded": time_text(entry.recorded_at),
        "recorded_by": entry.recorded_by.as_str(),
        "organisation": entry.organisation.as_ref().map(ToString::to_string),
        "kind": event.kind().to_string(),
        "people": people,
        "category": category(&event.fact),
        "words": words.iter().map(words_json).collect::<Vec<_>>(),
        "status": status,
        "outcome": outcome,
    })
}

fn words_json(words: &ToldWords) -> Value {
    match words {
        ToldWords::Known(detail) => detail_json(detail),
        ToldWords::Withheld => json!({ "withheld": true }),
        ToldWords::Erased(by) => json!({ "erased_at": by.get() }),
    }
}

fn category(fact: &Fact) -> Option<String> {
    match fact {
        Fact::Habit(Habit::Asked(asked)) => Some(asked.category.to_string()),
        Fact::Habit(Habit::Helped(helped)) => helped.category.as_ref().map(ToString::to_string),
        Fact::Habit(Habit::Met(_) | Habit::FollowedUp(_) | Habit::Referred(_) | Habit::Answered(_))
        | Fact::Custom(_)
        | Fact::Retracted(_)
        | Fact::Directory(_)
        | Fact::Administration(_)
        | Fact::Newer(_) => None,
    }
}

/// An event as a row of a table, and below it what withdrew it.
fn rows(told: &Told, names: &Names) -> Vec<Vec<String>> {
    let indent = if told.is_under { "  " } else { "" };
    let words = told.words.iter().map(|words| match words {
        ToldWords::Known(detail) => format!("“{}”", detail.text),
        ToldWords::Withheld => "(words withheld)".to_owned(),
        ToldWords::Erased(by) => format!("(words erased at {by})"),
    });
    let what = std::iter::once(sentence(&told.event, names)).chain(words).collect::<Vec<_>>().join("  ");
    let stands = told.standing == Standing::Stands;
    let status = match (stands, &told.outcome) {
        (false, _) => "withdrawn".to_owned(),
        (true, None) => "stands".to_owned(),
        (true, Some(outcome)) => outcome.answer.map_or("unanswered", answer_name).to_owned(),
    };
    let kind = format!("{indent}{}", told.event.kind());
    let (position, happened) = (told.entry.position.to_string(), time_text(told.event.occurred_at));
    let mut rows = vec![vec![position, happened, kind, what, status]];
    if let Standing::Retracted { at, recorded_at, reason } = told.standing {
        let (kind, what) = (format!("{indent}  retracted"), format!("because of {}", retraction_reason_name(reason)));
        rows.push(vec![at.to_string(), time_text(recorded_at), kind, what, String::new()]);
    }
    rows
}
