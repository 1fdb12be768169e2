//! What a command prints: JSON for programs, tables and sentences for people. Output that nobody reads any more ends
//! the command quietly.

use crate::{failure::Failure, settings::Format};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

/// Where output goes, and in which form.
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
    /// Standard output. Styles only on terminals, and not where `NO_COLOR` is set.
    pub(crate) fn new(format: Format) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { format, styled: io::stdout().is_terminal() && !plain, out: BufWriter::new(io::stdout()) }
    }

    /// What the output is for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Prints one JSON value on a line of its own.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.line(&value.to_string())
    }

    /// Prints a line as it is.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        written(writeln!(self.out, "{text}"))
    }

    /// Prints JSON to programs and a sentence to people.
    pub(crate) fn tell(&mut self, value: &Value, sentence: impl FnOnce() -> String) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.json(value),
            Format::Table => self.line(&sentence()),
        }
    }

    /// Prints a table that fits the terminal.
    pub(crate) fn table(&mut self, columns: &[Column], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let table = table(columns, rows, self.styled);
        for line in table.lines() {
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Prints raw bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        written(self.out.write_all(bytes))
    }

    /// Makes sure that everything printed is out.
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

fn table(columns: &[Column], rows: Vec<Vec<String>>, styled: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|column| {
        let cell = Cell::new(&column.title).set_alignment(column.alignment);
        if styled { cell.add_attribute(Attribute::Bold) } else { cell }
    }));
    for row in rows {
        let cells = row.iter().zip(columns);
        table.add_row(cells.map(|(text, column)| Cell::new(clean(text)).set_alignment(column.alignment)));
    }
    for (index, _) in columns.iter().enumerate() {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
        }
    }
    table
}

/// Text for a terminal: control characters, which could steer it, become spaces.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Columns of the terminal that output goes to, if it goes to one.
pub(crate) fn terminal_width() -> Option<usize> {
    io::stdout().is_terminal().then(|| Table::new().width().map(usize::from)).flatten()
}

/// Prints a remark to people, beside the output.
pub(crate) fn remark(text: &str) {
    // Where even the error output is closed there is nobody left to tell.
    drop(writeln!(io::stderr(), "{}", clean(text)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align_and_hold_no_control_characters() {
        let columns = [Column::text("person"), Column::number("score")];
        let rows = vec![vec!["amina\u{1b}[2J".into(), "61.2".into()], vec!["ben".into(), "7".into()]];
        let shown = table(&columns, rows, false).to_string();
        let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
        assert_eq!(lines, ["person     score", "amina [2J   61.2", "ben            7"]);
    }
}
