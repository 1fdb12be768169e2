//! `kith export`: entries, contacts, rows or people of a network in files for other programs.

use super::{
    selection::SelectionArgs,
    view::{AsOf, known},
};
use crate::{
    context::Context,
    export::{Written, edges, graph, lines, people, rows},
    failure::Failure,
    input::dates::parse_view_day_now,
    show::{destination::Destination, output::remark},
};
use clap::{Args, ValueEnum};
use kith_client::ViewQuery;
use kith_core::counted::counted;
use kith_core::{day::Day, limits::PAGE_ROWS_MAX, position::Position};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The view that a graph has its ties from, unless one is named.
const USUAL_TIES: &str = "strength";

/// Export entries, contacts, rows of a view, or people to a file
///
/// Formats: `jsonl`, entries as `kith log -o json` prints them, which `kith import` takes back with the same ids; `edges`, a
/// row for each contact of two people, which `kith import edges` takes back; `csv`, the rows of a view; `graphml`, people and
/// the ties between them with a view's columns, for Gephi or NetworkX; `people`, the directory. Names and other words about
/// people are in it only if you say so.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kith export log.jsonl --with-words\n  kith export contacts.csv --format edges --since \
                        2026-01-01\n  kith export strength.csv --view strength --at 2026-03-01\n  kith export net.graphml \
                        --names\n  kith export people.csv --format people\n  kith export log.jsonl --after 5000"
)]
pub(crate) struct ExportArgs {
    /// The new file; `-` is standard output
    file: PathBuf,
    /// What to write [default: by the ending of the file, .jsonl, .ndjson or .graphml, or .csv with --view]
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Only entries after this position: the export before said up to which it went
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    after: u64,
    /// The view or report whose rows are exported [default for graphml: strength]
    #[arg(long, value_name = "VIEW")]
    view: Option<String>,
    /// Its rows as of the end of this day, in UTC
    #[arg(long, value_name = "DATE", value_parser = parse_view_day_now)]
    at: Option<Day>,
    /// Its rows as known at this position, or at this time or the end of this day, in UTC
    #[arg(long, value_name = "POSITION|DATE")]
    as_of: Option<AsOf>,
    /// With the names of people
    #[arg(long)]
    names: bool,
    /// With all words about people that you may see; what has left cannot be erased
    #[arg(long)]
    with_words: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// Entries, one JSON object a line
    Jsonl,
    /// Contacts between two people: time, from, to, kind, id
    Edges,
    /// Rows of a view, with a heading
    Csv,
    /// People and ties
    Graphml,
    /// People, with a heading
    People,
}

impl FormatArg {
    /// The format that the ending of a file means.
    fn of(file: &Path, has_view: bool) -> Result<Self, Failure> {
        let ending = file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("jsonl" | "ndjson") => Ok(Self::Jsonl),
            Some("graphml") => Ok(Self::Graphml),
            Some("csv") if has_view => Ok(Self::Csv),
            Some("csv") => Err(usage("what is to be in the file? Rows of a --view, or --format edges or people")),
            Some(_) | None => Err(usage("name a format: --format jsonl, edges, csv, graphml or people")),
        }
    }
}

fn usage(told: &str) -> Failure {
    Failure::Usage(told.to_owned())
}

pub(crate) async fn run(context: &mut Context, args: &ExportArgs) -> Result<(), Failure> {
    let format = match args.format {
        Some(format) => format,
        None => FormatArg::of(&args.file, args.view.is_some())?,
    };
    check(format, args)?;
    let filter = args.selection.filter(context).await?;
    let (after, names) = (Position::new(args.after), args.names);
    let query = query(context, format, args).await?;
    let mut out = Destination::open(&args.file, true)?;
    let written = match format {
        FormatArg::Jsonl => {
            let words = lines::Words::of(args.names, args.with_words);
            lines::write(&context.place, filter, after, words, &mut out).await
        }
        FormatArg::Edges => edges::write(&context.place, filter, after, names, &mut out).await,
        FormatArg::Csv => rows::write(&context.place, query, names, &mut out).await,
        FormatArg::Graphml => graph::write(&context.place, query, names, &mut out).await,
        FormatArg::People => people::write(&context.place, names, &mut out).await,
    }?;
    let is_file = out.is_file();
    out.finish()?;
    tell(context, args, &written, is_file)
}

/// Refuses options that say nothing about a format.
fn check(format: FormatArg, args: &ExportArgs) -> Result<(), Failure> {
    let of_entries = matches!(format, FormatArg::Jsonl | FormatArg::Edges);
    let of_rows = matches!(format, FormatArg::Csv | FormatArg::Graphml);
    if !of_entries && (args.after > 0 || !args.selection.is_all()) {
        return Err(usage(
            "entries are chosen for jsonl and edges only: leave --person, --between, --kind, --since and --after out",
        ));
    }
    if !of_rows && (args.view.is_some() || args.at.is_some() || args.as_of.is_some()) {
        return Err(usage("--view, --at and --as-of are for csv and graphml"));
    }
    if format == FormatArg::Csv && args.view.is_none() {
        return Err(usage("of which view? --view strength, for example"));
    }
    if args.with_words && format != FormatArg::Jsonl {
        return Err(usage("--with-words is for jsonl; --names adds names elsewhere"));
    }
    Ok(())
}

async fn query(context: &Context, format: FormatArg, args: &ExportArgs) -> Result<ViewQuery, Failure> {
    let (as_of, as_of_time) = known(context, args.as_of).await?;
    let usual = if format == FormatArg::Graphml { USUAL_TIES } else { "" };
    let view = args.view.as_deref().unwrap_or(usual).to_owned();
    Ok(ViewQuery { view, at: args.at, as_of, as_of_time, page_size: PAGE_ROWS_MAX, ..ViewQuery::default() })
}

fn tell(context: &mut Context, args: &ExportArgs, written: &Written, is_file: bool) -> Result<(), Failure> {
    let Written { count, what, position, left_out } = written;
    if *left_out > 0 {
        remark(&format!(
            "left out: {} that only a server records, such as of tokens and erasures; `kith log` shows them",
            counted(*left_out, "entry", "entries")
        ));
    }
    let more = position.map(|position| format!(", up to position {position}: --after {position} goes on"));
    let sentence = format!("{}{}", counted(*count, what.0, what.1), more.unwrap_or_default());
    if !is_file {
        remark(&sentence);
        return Ok(());
    }
    let file = args.file.display().to_string();
    let answer =
        json!({ "file": file, "written": count, "position": position.map(Position::get), "left_out": left_out });
    context.output.tell(&answer, || format!("{file}: {sentence}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_says_the_format() {
        let of = |file: &str, has_view| FormatArg::of(Path::new(file), has_view).ok();
        assert_eq!(of("log.jsonl", false), Some(FormatArg::Jsonl));
        assert_eq!(of("LOG.NDJSON", false), Some(FormatArg::Jsonl));
        assert_eq!(of("net.graphml", true), Some(FormatArg::Graphml));
        assert_eq!(of("rows.csv", true), Some(FormatArg::Csv));
        for unclear in ["rows.csv", "-", "log", "log.txt"] {
            assert_eq!(of(unclear, false), None, "{unclear}");
        }
    }
}
