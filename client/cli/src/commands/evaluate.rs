//! `kith evaluate`: how well a view's score predicts which pairs will be in contact again, compared with simple
//! guesses.

use crate::{
    authoring::whole_log,
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
        guesses::{candidates, cuts, guesses},
        measures::{Measures, mean_of, measure, scores_of},
        scores::{Subject, scores},
    },
    host::{Fold, Host},
    log::spool::Spool,
};
use kith_client::v1;
use kith_core::{event::Event, id::PersonId, plugins::PluginSettings, timestamp::Timestamp};
use kith_json::{
    dates::{duration_text, parse_duration},
    time_text,
};
use kith_views::ViewScope;
use serde_json::{Value, json};
use std::{collections::HashMap, path::PathBuf, sync::Arc};

/// Evaluate a score: does it predict which pairs will be in contact again?
///
/// Cuts the network's log at several times, folds the view up to each, and checks which of all pairs known by then are
/// in contact again within the window. Prints the area under the curve, the average precision, and the mean average
/// precision per person, as means over the cuts, next to five simple guesses. Everything is computed locally, and
/// nothing is installed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kith evaluate strength --window 30d --cuts 6\n  \
                        kith evaluate strength --settings '{\"half_life_days\":30}' --column score\n  \
                        kith evaluate visits --component dist/visits.wasm")]
pub(crate) struct EvaluateArgs {
    /// A view whose rows are about pairs
    name: String,
    /// Time within which a pair must be in contact again
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = parse_duration)]
    window: SignedDuration,
    /// Number of times at which the log is cut
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = value_parser!(u32).range(1..=100))]
    cuts: u32,
    /// The numeric column to judge [default: the first]
    #[arg(long)]
    column: Option<String>,
    /// Settings instead of the view's own
    #[arg(long, value_name = "JSON")]
    settings: Option<PluginSettings>,
    /// A component file to use instead of the view's own
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// A ranking with its measures for each cut.
struct Ranking {
    name: String,
    measures: Vec<Measures>,
}

pub(crate) async fn run(context: &mut Context, args: EvaluateArgs) -> Result<(), Failure> {
    let (component, settings) = subject(context, &args).await?;
    let host = Host::open()?;
    let (log, contacts, numbers) = read(context).await?;
    let log = Arc::new(log);
    let cuts = cuts(&contacts, args.cuts)?;
    let window = i64::try_from(args.window.as_millis()).unwrap_or(i64::MAX);
    let names = [args.name.as_str(), "days in contact", "contacts", "last contact", "seen in the window", "random"];
    let mut rankings = names.map(|name| Ranking { name: name.to_owned(), measures: Vec::new() });
    let mut candidates_count = Vec::new();
    let bar = ProgressBar::new(cuts.len() as u64);
    let style = ProgressStyle::with_template("folding {bar:30} cut {pos} of {len}, {eta} left");
    bar.set_style(style.expect("the template is well formed"));
    for cut in &cuts {
        let candidates = candidates(&contacts, *cut, window);
        let fold = Fold {
            component: component.clone(),
            settings: settings.clone(),
            network: context.place.network().clone(),
            scope: ViewScope::Network,
            log: Arc::new(log.until(*cut)),
            clock: {
                let at = *cut;
                Arc::new(move || at)
            },
        };
        let subject = Subject { name: &args.name, column: args.column.as_deref() };
        let scores = scores(&host, fold, subject, *cut, &numbers).await?;
        let guesses = guesses(&contacts, &candidates, *cut, window);
        let tables = std::iter::once(scores_of(&candidates, &scores)).chain(guesses);
        for (ranking, scores) in rankings.iter_mut().zip(tables) {
            ranking.measures.push(measure(&candidates, &scores));
        }
        candidates_count.push((candidates.len(), candidates.iter().filter(|candidate| candidate.again).count()));
        bar.inc(1);
    }
    bar.finish_and_clear();
    show(context, &args, &rankings, &cuts, &candidates_count)
}

/// The component and its settings: those of the view, unless others are given.
async fn subject(context: &Context, args: &EvaluateArgs) -> Result<(Vec<u8>, String), Failure> {
    if let Some(file) = &args.component {
        return Ok((read_component(file)?, args.settings.clone().unwrap_or_default().into()));
    }
    let views = context.server()?.list_views().await?.views;
    let found = views.into_iter().find(|view| view.name == args.name);
    let view: v1::View = found.ok_or_else(|| Failure::NotFound(format!("there is no view {}", args.name)))?;
    if !matches!(view.key.as_str(), "pair" | "directed_pair") || !view.inputs.is_empty() {
        let about = view.key.replace('_', " ");
        return Err(Failure::Usage(format!(
            "rows of {} are about a {about}: name a view whose rows are about pairs",
            args.name
        )));
    }
    let digest = view.component.try_into().map_err(|_| Failure::Unexpected("the server gave no digest".to_owned()))?;
    let component = context.server()?.fetch_component(&digest).await?.to_vec();
    Ok((component, args.settings.clone().map_or(view.settings, String::from)))
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

#[allow(clippy::cast_precision_loss, reason = "numbers of pairs are far below 2^53")]
fn show(
    context: &mut Context,
    args: &EvaluateArgs,
    rankings: &[Ranking],
    cuts: &[i64],
    counts: &[(usize, usize)],
) -> Result<(), Failure> {
    let times: Vec<_> = cuts.iter().map(|cut| time_text(Timestamp::from_millis(*cut))).collect();
    let means = rankings.iter().map(|ranking| (ranking.name.as_str(), mean_of(&ranking.measures)));
    if context.output.format() == Format::Json {
        let cuts = times.iter().zip(counts).enumerate().map(|(number, (time, (candidates, again)))| {
            let of_cut = rankings.iter().map(|ranking| measures_json(&ranking.name, ranking.measures[number]));
            json!({
                "at": time,
                "candidates": candidates,
                "again": again,
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
        std::iter::once(name.to_owned()).chain(numbers.map(|number| format!("{number:.3}"))).collect()
    });
    context.output.table(&columns, rows.collect())?;
    context.output.flush()?;
    let (candidates, again) = counts.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    remark(&format!(
        "means over {} cuts from {} to {}; {:.0} pairs each, of which {:.0} are in contact again within {}",
        cuts.len(),
        times.first().map_or("", String::as_str),
        times.last().map_or("", String::as_str),
        candidates as f64 / cuts.len() as f64,
        again as f64 / cuts.len() as f64,
        duration_text(args.window),
    ));
    Ok(())
}

fn measures_json(name: &str, measures: Measures) -> Value {
    json!({
        "name": name,
        "auc": measures.auc,
        "average_precision": measures.average_precision,
        "mean_average_precision": measures.mean_average_precision,
    })
}
