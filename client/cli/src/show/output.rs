//! What a command prints: JSON for programs, tables and sentences for people. A closed output ends the command quietly.

use crate::{failure::Failure, limits};
use clap::ValueEnum;
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use unicode_width::UnicodeWidthChar;

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Tables and sentences, for people
    #[default]
    Table,
    /// One JSON value, or one per line for lists and streams
    Json,
}

/// Where output is written, and in which format.
#[derive(Debug)]
pub(crate) struct Output {
    format: Format,
    styled: bool,
    out: BufWriter<Stdout>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    title: String,
    alignment: CellAlignment,
}

impl Column {
    /// A column of text.
    pub(crate) fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), alignment: CellAlignment::Left }
    }

    /// A column of numbers.
    pub(crate) fn number(title: impl Into<String>) -> Self {
        Self { title: title.into(), alignment: CellAlignment::Right }
    }
}

impl Output {
    /// Writes to standard output. Styles are used only on terminals, and not if `NO_COLOR` is set.
    pub(crate) fn new(format: Format) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { format, styled: io::stdout().is_terminal() && !plain, out: BufWriter::new(io::stdout()) }
    }

    /// The output format.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints one JSON value on a line of its own.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(&value.to_string())
    }

    /// Prints a line verbatim.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        written(writeln!(self.out, "{text}"))
    }

    /// Prints JSON for programs or a sentence for people.
    pub(crate) fn tell(&mut self, value: &Value, sentence: impl FnOnce() -> String) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(value),
            Format::Table => self.line(&sentence()),
        }
    }

    /// Prints a table that fits the terminal: long names are shortened, and columns that still do not fit are left out
    /// from the right and listed.
    pub(crate) fn table(&mut self, columns: &[Column], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
        let widths = fit(columns, &rows, terminal_width());
        let (shown, left_out) = columns.split_at(widths.len());
        let table = table(shown, &widths, rows, self.styled);
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        if !left_out.is_empty() {
            self.flush()?;
            let titles: Vec<&str> = left_out.iter().map(|column| column.title.as_str()).collect();
            remark(&format!("no room for {}: use a wider terminal, or -o json", titles.join(", ")));
        }
        Ok(())
    }

    /// Prints raw bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        written(self.out.write_all(bytes))
    }

    /// Flushes everything printed.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        written(self.out.flush())
    }
}

fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Unexpected(format!("cannot write the output: {error}")),
    })
}

/// Spaces between two columns.
const GAP: usize = 2;

/// The width of each column shown; columns that do not fit are left out from the right. Only names and sentences are
/// shortened: a truncated number or date would be a different one.
fn fit(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> Vec<usize> {
    let cells = |index: usize| rows.iter().filter_map(move |row| row.get(index));
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|index| cells(index).chain([&columns[index].title]).map(|cell| display_width(cell)).max().unwrap_or(0))
        .collect();
    let Some(width) = width else { return widths };
    let least: Vec<usize> = (0..columns.len())
        .map(|index| {
            let is_prose =
                columns[index].alignment == CellAlignment::Left && cells(index).any(|cell| cell.contains(' '));
            let least = limits::SHORTENED_WIDTH_MIN.max(display_width(&columns[index].title));
            if is_prose { widths[index].min(least) } else { widths[index] }
        })
        .collect();
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
    let fitting = (1..=columns.len()).rev().find(|count| total(&least[..*count]) <= width);
    widths.truncate(fitting.unwrap_or(1));
    while total(&widths) > width {
        // The widest first, so that about the same length of each is shown.
        let widest =
            (0..widths.len()).filter(|index| widths[*index] > least[*index]).max_by_key(|index| widths[*index]);
        match widest {
            Some(index) => widths[index] -= 1,
            None => break,
        }
    }
    widths
}

fn table(columns: &[Column], widths: &[usize], rows: Vec<Vec<String>>, styled: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(&column.title).set_alignment(column.alignment);
        if styled { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    for row in rows {
        let cells = row.iter().zip(columns).zip(widths);
        table.add_row(
            cells.map(|((text, column), width)| Cell::new(shorten(text, *width)).set_alignment(column.alignment)),
        );
    }
    for (index, _) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
        }
    }
    table
}

/// Text shortened to a maximum number of terminal columns, with `…` where something is left out.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut shown = String::new();
    for letter in text.chars() {
        let Some(rest) = left.checked_sub(letter.width().unwrap_or(0)) else { break };
        left = rest;
        shown.push(letter);
    }
    shown.push('…');
    shown
}

/// The number of terminal columns that a text takes. Letters that are drawn as one may take fewer.
fn display_width(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

/// Text for one line of a terminal: anything that could control the terminal or reverse the line becomes a space.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|letter| if steers(letter) { ' ' } else { letter }).collect()
}

/// The same for text of several lines.
pub(crate) fn clean_lines(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Whether a character is not printable but an instruction: control characters, line separators, direction marks and
/// overrides, the byte order mark.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The width of the terminal that output is written to, if it is one that reports it.
pub(crate) fn terminal_width() -> Option<usize> {
    let width = io::stdout().is_terminal().then(|| Table::new().width().map(usize::from)).flatten();
    width.filter(|width| *width >= limits::TERMINAL_WIDTH_MIN)
}

/// Prints a remark for people to standard error.
pub(crate) fn remark(text: &str) {
    // If even standard error is closed, there is nobody left to notify.
    drop(writeln!(io::stderr(), "{}", clean(text)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(columns: &[Column], rows: &[&[&str]], width: Option<usize>) -> Vec<String> {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
        let widths = fit(columns, &rows, width);
        let table = table(&columns[..widths.len()], &widths, rows, false).to_string();
        table.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn tables_align_and_hold_nothing_that_steers() {
        let columns = [Column::text("person"), Column::number("score")];
        let lines = shown(&columns, &[&["amina\u{1b}[2J", "61.2"], &["ben\u{202e}", "7"]], None);
        assert_eq!(lines, ["person     score", "amina [2J   61.2", "ben            7"]);
    }

    #[test]
    fn what_has_no_room_is_shortened_or_left_out_and_numbers_and_dates_are_whole() {
        let columns = [Column::text("key"), Column::number("score"), Column::text("last"), Column::number("evidence")];
        let rows: [&[&str]; 1] = [&["Amina Shah-Blackbird · Ben Okoro", "23.205", "2026-11-26", "4"]];
        let check = |width: Option<usize>, line: &str| {
            let lines = shown(&columns, &rows, width);
            assert_eq!(lines[1], line, "{width:?}");
            assert!(width.is_none_or(|width| lines.iter().all(|line| display_width(line) <= width)), "{lines:?}");
        };
        check(None, "Amina Shah-Blackbird · Ben Okoro  23.205  2026-11-26         4");
        check(Some(50), "Amina Shah-Blackbir…  23.205  2026-11-26         4");
        check(Some(41), "Amina Shah-Blackbird…  23.205  2026-11-26");
        check(Some(25), "Amina Shah-Black…  23.205");
        check(Some(20), "Amina Shah-Blackbir…");
    }

    #[test]
    fn widths_are_columns_of_the_terminal() {
        assert_eq!(shorten("東京の病院", 10), "東京の病院");
        assert_eq!(shorten("東京の病院", 9), "東京の病…");
        assert_eq!(shorten("東京の病院", 8), "東京の…");
        assert_eq!(shorten("abc", 3), "abc");
    }

    #[test]
    fn text_of_several_lines_keeps_them_and_nothing_else_that_steers() {
        assert_eq!(clean_lines("which?\n  a\u{2028}b\r\n\u{feff}c"), "which?\n  a b\n c");
        assert_eq!(clean("a\n\u{2066}b\u{200f}"), "a  b ");
    }
}
