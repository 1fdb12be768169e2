//! `kith evaluate`: how well a score predicts which pairs will be in contact again, or for the first time, compared with
//! simple guesses.

use crate::{
    authoring::{inputs, whole_log},
    context::Context,
    failure::Failure,
    input::files::read_component,
    show::output::{Column, Format, remark},
};
use clap::{Args, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use kith_authoring::{
    evaluate::{
        contacts::{Contact, Contacts, happened},
        guesses::cuts,
        measures::{Candidate, Measures, mean_of, measure, scores_of},
        question::Question,
        scores::{Subject, scores, suggested},
    },
    host::{Fold, Host, report::Input},
    log::spool::Spool,
};
use kith_client::v1;
use kith_core::counted::counted;
use kith_core::{event::Event, id::PersonId, plugins::PluginSettings, timestamp::Timestamp};
use kith_json::{
    dates::{duration_text, parse_duration},
    time_text,
};
use kith_views::{Declared, ViewScope};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::Arc,
};

/// The setting of a report that lists the best of each person: how many those are.
const PER_PERSON: &str = "per_person";

/// Evaluate a score: does it predict which pairs will be in contact?
///
/// Cuts the network's log at several times, folds the view up to each, and checks which of all pairs known by then are
/// in contact again within the window. A report, such as `who_should_meet`, is judged by those who have not been in
/// contact by then and share contacts: which of them are within the window? It is asked for as many rows a person as it
/// can give.
///
/// Prints the area under the curve, the average precision, and the mean average precision per person, as means over the
/// cuts, next to simple guesses. Everything is computed locally, and nothing is installed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith evaluate strength --window 30d --cuts 6\n  \
                        kith evaluate strength --settings '{\"half_life_days\":30}' --column score\n  \
                        kith evaluate who_should_meet\n  \
                        kith evaluate visits --component dist/visits.wasm")]
pub(crate) struct EvaluateArgs {
    /// A view or report whose rows are about pairs of people
    name: String,
    /// Time within which a pair must be in contact
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    window: SignedDuration,
    /// Number of times at which the log is cut
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = value_parser!(u32).range(1..=100))]
    cuts: u32,
    /// The numeric column to judge [default: the first]
    #[arg(long)]
    column: Option<String>,
    /// Settings instead of its own
    #[arg(long, value_name = "JSON")]
    settings: Option<PluginSettings>,
    /// A component file to use instead of its own
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// Numbers of pairs at a cut.
struct Counts {
    /// Those to be ranked.
    candidates: usize,
    /// Those of them in contact within the window.
    in_contact: usize,
    /// Those of them with a score.
    scored: usize,
}

/// A ranking with its measures for each cut.
struct Ranking {
    name: String,
    measures: Vec<Measures>,
}

/// What is judged.
struct Judged {
    component: Vec<u8>,
    settings: String,
    /// The views that it reads, if it is a report.
    inputs: Option<Vec<Input>>,
}

impl Judged {
    fn question(&self) -> Question {
        if self.inputs.is_some() { Question::First } else { Question::Again }
    }
}

pub(crate) async fn run(context: &mut Context, args: EvaluateArgs) -> Result<(), Failure> {
    let host = Host::open()?;
    let judged = judged(context, &args, &host).await?;
    let question = judged.question();
    let (log, contacts, numbers) = read(context).await?;
    let cuts = cuts(&contacts, args.cuts)?;
    let window = i64::try_from(args.window.as_millis()).unwrap_or(i64::MAX);
    let names = std::iter::once(args.name.as_str()).chain(question.guesses().iter().copied());
    let mut rankings: Vec<_> = names.map(|name| Ranking { name: name.to_owned(), measures: Vec::new() }).collect();
    let mut counts = Vec::new();
    let bar = ProgressBar::new(cuts.len() as u64);
    let style = ProgressStyle::with_template("folding {bar:30} cut {pos} of {len}, {eta} left");
    bar.set_style(style.expect("the template is well formed"));
    for cut in &cuts {
        let moment = question.moment(*cut);
        let asked = question.ask(&contacts, moment, window)?;
        let fold = Fold {
            component: judged.component.clone(),
            settings: judged.settings.clone(),
            network: context.place.network().clone(),
            scope: ViewScope::Network,
            log: Arc::new(log.until(moment)),
            clock: Arc::new(move || moment),
        };
        let subject = Subject { name: &args.name, column: args.column.as_deref() };
        let scores = match &judged.inputs {
            None => scores(&host, fold, subject, *cut, &numbers).await?,
            Some(inputs) => suggested(&host, inputs.clone(), fold, subject, *cut, &numbers).await?,
        };
        let tables = std::iter::once(scores_of(&asked.candidates, &scores)).chain(asked.guesses);
        for (ranking, scores) in rankings.iter_mut().zip(tables) {
            ranking.measures.push(measure(&asked.candidates, &scores));
        }
        let in_contact = asked.candidates.iter().filter(|candidate| candidate.in_contact).count();
        let has_score = |candidate: &&Candidate| scores.contains_key(&candidate.pair);
        counts.push(Counts {
            candidates: asked.candidates.len(),
            in_contact,
            scored: asked.candidates.iter().filter(has_score).count(),
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    show(context, &args, question, &rankings, &cuts, &counts)
}

/// The component and its settings: those of the network, unless others are given.
async fn judged(context: &Context, args: &EvaluateArgs, host: &Host) -> Result<Judged, Failure> {
    let Input { component, settings: own } = match &args.component {
        Some(file) => Input { component: read_component(file)?, settings: PluginSettings::default().into() },
        None => installed(context, &args.name).await?,
    };
    let settings = args.settings.clone().map_or(own, String::from);
    let Declared::Report(manifest) = host.declared(&component, &settings)? else {
        return Ok(Judged { component, settings, inputs: None });
    };
    let settings = match args.settings {
        Some(_) => settings,
        None => with_most_rows(settings, &manifest.settings_schema),
    };
    Ok(Judged {
        component,
        settings,
        inputs: Some(inputs::find_all(&context.place, &manifest, BTreeMap::new()).await?),
    })
}

/// The component of a view or report of the network, and its settings.
async fn installed(context: &Context, name: &str) -> Result<Input, Failure> {
    let client = context.server()?;
    let views = client.list_views().await?.views;
    let found = views.into_iter().find(|view| view.name == name);
    let view: v1::View = found.ok_or_else(|| Failure::NotFound(format!("there is no view {name}")))?;
    if !matches!(view.key.as_str(), "pair" | "directed_pair") {
        let about = match view.key.as_str() {
            "organisation_pair" => "two organisations",
            "organisation" => "an organisation",
            _ => "a person",
        };
        return Err(Failure::Usage(format!("rows of {name} are about {about}: only pairs of people can be judged")));
    }
    inputs::fetch(client, view).await
}

/// Settings with as many rows a person as the schema allows: pairs without a row count as if they had no score.
fn with_most_rows(settings: String, schema: &str) -> String {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let (most, written) = (&schema["properties"][PER_PERSON]["maximum"], serde_json::from_str(&settings));
    match (most, written) {
        (Value::Number(most), Ok(Value::Object(mut written))) => {
            written.insert(PER_PERSON.to_owned(), Value::Number(most.clone()));
            Value::Object(written).to_string()
        }
        _ => settings,
    }
}

/// Reads the network's log, and the contacts in it.
async fn read(context: &Context) -> Result<(Spool, Vec<Contact>, HashMap<PersonId, u32>), Failure> {
    let mut contacts = Contacts::default();
    let at = |event: &Event| {
        contacts.add(event);
        happened(event)
    };
    let log = whole_log::read_with_times(&context.place, None, at).await?;
    let (contacts, numbers) = contacts.finish();
    Ok((log, contacts, numbers))
}

fn show(
    context: &mut Context,
    args: &EvaluateArgs,
    question: Question,
    rankings: &[Ranking],
    cuts: &[i64],
    counts: &[Counts],
) -> Result<(), Failure> {
    let times: Vec<_> = cuts.iter().map(|cut| time_text(Timestamp::from_millis(*cut))).collect();
    let means = rankings.iter().map(|ranking| (ranking.name.as_str(), mean_of(&ranking.measures)));
    if context.output.format() == Format::Json {
        let cuts = times.iter().zip(counts).enumerate().map(|(number, (time, counts))| {
            let of_cut = rankings.iter().map(|ranking| measures_json(&ranking.name, ranking.measures[number]));
            json!({
                "at": time,
                "candidates": counts.candidates,
                "in_contact": counts.in_contact,
                "scored": counts.scored,
                "rankings": of_cut.collect::<Vec<_>>(),
            })
        });
        return context.output.json(&json!({
            "view": args.name,
            "window_s": args.window.as_secs(),
            "cuts": cuts.collect::<Vec<_>>(),
            "rankings": means.map(|(name, mean)| measures_json(name, mean)).collect::<Vec<_>>(),
        }));
    }
    let columns = [
        Column::text("ranked by"),
        Column::number("average precision"),
        Column::number("AUC"),
        Column::number("MAP per person"),
    ];
    let rows = means.map(|(name, mean)| {
        let numbers = [mean.average_precision, mean.auc, mean.mean_average_precision];
        std::iter::once(name.to_owned()).chain(numbers.map(|number| decimals(number, question))).collect()
    });
    context.output.table(&columns, rows.collect())?;
    context.output.flush()?;
    remark(&about(args, question, &times, counts));
    Ok(())
}

/// New ties are rare, and the figures of whatever predicts them are small.
fn decimals(number: f64, question: Question) -> String {
    match question {
        Question::Again => format!("{number:.3}"),
        Question::First => format!("{number:.4}"),
    }
}

/// What the figures are about.
#[allow(clippy::cast_precision_loss, reason = "numbers of pairs are far below 2^53")]
fn about(args: &EvaluateArgs, question: Question, times: &[String], counts: &[Counts]) -> String {
    let mean = |of: fn(&Counts) -> usize| counts.iter().map(of).sum::<usize>() as f64 / counts.len() as f64;
    let (from, to) = (times.first().map_or("", String::as_str), times.last().map_or("", String::as_str));
    let (candidates, in_contact) = (mean(|counts| counts.candidates), mean(|counts| counts.in_contact));
    let (begins, window) =
        (format!("means over {} from {from} to {to}", counted(times.len(), "cut", "cuts")), duration_text(args.window));
    match question {
        Question::Again => {
            format!(
                "{begins}; {candidates:.0} pairs each, of which {in_contact:.0} are in contact again within {window}"
            )
        }
        Question::First => format!(
            "{begins}; {candidates:.0} pairs each who share contacts and have not been in contact by the end of the day, \
             of which {in_contact:.0} are within {window}; {:.0} pairs have a row, the others rank last",
            mean(|counts| counts.scored)
        ),
    }
}

fn measures_json(name: &str, measures: Measures) -> Value {
    json!({
        "name": name,
        "auc": measures.auc,
        "average_precision": measures.average_precision,
        "mean_average_precision": measures.mean_average_precision,
    })
}
