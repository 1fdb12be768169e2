//! Divides a list into rows and cells. Blank lines and lines starting with `#` or `%` are passed over.
//!
//! Invariant: what separates columns is the same for the whole list.

use crate::limits::ROWS_SAMPLED_MAX;
use std::borrow::Cow;

/// How a list is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// What separates columns; `None` for tabs, else commas, else white space, whichever is in most rows.
    pub separator: Option<Separator>,
    /// Whether the first row is a heading; `None` if it shows in what the row contains.
    pub has_heading: Option<bool>,
}

/// What separates columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// One character. There may be empty columns, and columns in double quotes.
    Letter(char),
    /// Any amount of white space.
    WhiteSpace,
}

/// A first row that was taken for a heading because of what it contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Its line number, from 1.
    pub line: u64,
    /// The line.
    pub text: String,
}

/// The columns of a row.
pub(super) type Parts<'t> = [Cow<'t, str>];

/// A row, split into columns.
pub(super) struct Record<'t> {
    /// Its number among the rows, from 1.
    pub(super) number: u64,
    /// Its line number, from 1.
    pub(super) line: u64,
    pub(super) parts: Vec<Cow<'t, str>>,
}

/// A list.
pub(super) struct Table<'t> {
    text: &'t str,
    separator: Separator,
    has_heading: bool,
    /// The heading, if it was not said that there is one.
    pub(super) found_heading: Option<Heading>,
}

impl<'t> Table<'t> {
    /// Finds out how a list is laid out, as far as the layout does not say. `fits` is whether a row has the expected
    /// columns, `is_headed` whether the list's first row is a heading.
    pub(super) fn new(
        text: &'t str,
        layout: Layout,
        fits: impl Fn(&Parts<'_>) -> bool,
        is_headed: impl FnOnce(&Table<'t>) -> bool,
    ) -> Self {
        let separator = layout.separator.unwrap_or_else(|| separator_of(text, fits));
        let mut table = Self { text, separator, has_heading: false, found_heading: None };
        table.has_heading = layout.has_heading.unwrap_or_else(|| is_headed(&table));
        if table.has_heading && layout.has_heading.is_none() {
            let first = lines(text, separator).next();
            table.found_heading = first.map(|(line, text)| Heading { line, text: text.to_owned() });
        }
        table
    }

    /// The rows, without the heading.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'t>> {
        let separator = self.separator;
        let rows = (1..).zip(lines(self.text, separator).skip(usize::from(self.has_heading)));
        rows.map(move |(number, (line, text))| Record { number, line, parts: split(text, separator) })
    }
}

/// Numbered lines that are neither blank nor comments.
fn lines(text: &str, separator: Separator) -> impl Iterator<Item = (u64, &str)> {
    let lines = (1..).zip(text.lines().map(move |line| trim(line, separator)));
    lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with(['#', '%']))
}

/// The separator that most rows contain, and that gives them the expected columns if any does.
fn separator_of(text: &str, fits: impl Fn(&Parts<'_>) -> bool) -> Separator {
    let sample: Vec<&str> = lines(text, Separator::Letter('\t')).map(|(_, line)| line).take(ROWS_SAMPLED_MAX).collect();
    let is_most = |count: usize| 2 * count > sample.len();
    let is_used = |separator: &Separator| match *separator {
        Separator::Letter(letter) => is_most(sample.iter().filter(|line| line.contains(letter)).count()),
        Separator::WhiteSpace => true,
    };
    let is_fitting = |separator: &Separator| {
        is_most(sample.iter().filter(|line| fits(&split(trim(line, *separator), *separator))).count())
    };
    let all = [Separator::Letter('\t'), Separator::Letter(','), Separator::WhiteSpace];
    let used: Vec<Separator> = all.into_iter().filter(is_used).collect();
    used.iter().copied().find(is_fitting).unwrap_or(used[0])
}

/// A line without surrounding white space, unless white space is the separator. Files that were joined may have byte
/// order marks in the middle.
fn trim(line: &str, separator: Separator) -> &str {
    line.trim_matches(|letter: char| {
        letter == '\u{feff}' || (letter.is_whitespace() && separator != Separator::Letter(letter))
    })
}

/// The columns of a line.
fn split(line: &str, separator: Separator) -> Vec<Cow<'_, str>> {
    match separator {
        Separator::WhiteSpace => line.split_whitespace().map(Into::into).collect(),
        Separator::Letter(letter) => {
            let mut rest = Some(line);
            std::iter::from_fn(|| {
                let (cell, after) = first_cell(rest?, letter);
                rest = after;
                Some(cell)
            })
            .collect()
        }
    }
}

/// The first column, and what follows its separator. A column in double quotes may contain the separator (RFC 4180).
fn first_cell(text: &str, separator: char) -> (Cow<'_, str>, Option<&str>) {
    let start = trim_start(text, separator);
    if let Some(quoted) = start.strip_prefix('"').and_then(|quoted| quoted_cell(quoted, separator)) {
        return quoted;
    }
    match text.split_once(separator) {
        Some((cell, rest)) => (cell.trim().into(), Some(rest)),
        None => (text.trim().into(), None),
    }
}

/// What stands before a closing quote, with doubled quotes inside; `None` if something else follows it.
fn quoted_cell(text: &str, separator: char) -> Option<(Cow<'_, str>, Option<&str>)> {
    let mut end = text.find('"')?;
    while text[end + 1..].starts_with('"') {
        end += 2 + text[end + 2..].find('"')?;
    }
    let after = trim_start(&text[end + 1..], separator);
    let rest = after.strip_prefix(separator);
    let cell = || text[..end].replace("\"\"", "\"").into();
    (rest.is_some() || after.is_empty()).then(|| (cell(), rest))
}

fn trim_start(text: &str, separator: char) -> &str {
    text.trim_start_matches(|letter: char| letter.is_whitespace() && letter != separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(line: &str, separator: char) -> Vec<Cow<'_, str>> {
        split(line, Separator::Letter(separator))
    }

    #[test]
    fn columns_may_be_empty_or_in_quotes() {
        assert_eq!(cells("\"a;\"\"b\"\"\";;c\";x", ';'), ["a;\"b\"", "", "c\"", "x"]);
        assert_eq!(cells("\ta\t", '\t'), ["", "a", ""]);
        assert_eq!(cells(" \"Shah, Amina\" , 5\" ,\"\",\"open", ','), ["Shah, Amina", "5\"", "", "\"open"]);
        assert_eq!(cells("\"a\"\"\",b", ','), ["a\"", "b"]);
    }

    #[test]
    fn the_separator_is_what_most_rows_have() {
        let check = |text: &str, expected: Separator| assert_eq!(separator_of(text, |_| true), expected, "{text}");
        check("1\tAda Quill\tTrading, Ltd\n2\tPercy Moss\tLegal\n", Separator::Letter('\t'));
        check("# a\tb\n1,Ada\tQuill,x\n2,b,\n", Separator::Letter(','));
        check("1 2 3\n1 2 3,5\n", Separator::WhiteSpace);
        check("", Separator::WhiteSpace);
        let three = |parts: &Parts<'_>| parts.len() == 3;
        assert_eq!(separator_of("1 2\t20\n1 3\t21\n", three), Separator::WhiteSpace);
        assert_eq!(separator_of("1\t2\t20\n1\t\t21\n", three), Separator::Letter('\t'));
    }

    proptest! {
        #[test]
        fn columns_in_quotes_read_back(columns in proptest::collection::vec("[a-c\",; ]{0,6}", 1..5)) {
            let written: Vec<_> = columns.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            let line = written.join(";");
            prop_assert_eq!(cells(&line, ';'), columns);
        }
    }
}
