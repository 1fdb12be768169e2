//! Reads tables: rows with cells between separators and in quotes (RFC 4180), below a header.

use super::{
    card::{Draft, Field, Omitted},
    columns::{ColumnMap, recognise},
    format::{Contacts, Format, NotContacts},
};
use crate::{
    limits::{CARD_BYTES_MAX, CARDS_MAX, HEADER_ROWS_MAX, OPEN_QUOTES_MAX, PROPERTIES_MAX, PROPERTY_BYTES_MAX},
    lines,
    refusal::Refusal,
    spot::Spot,
};
use csv::{Reader, ReaderBuilder, StringRecord};
use kith_core::counted::counted;

/// What separates columns, in the order in which it is tried.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
/// What separates several values in one cell of Google's tables.
const VALUE_SEPARATOR: &str = " ::: ";

/// How a table is laid out, as far as somebody says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout<'m> {
    pub(super) format: Option<Format>,
    pub(super) map: Option<&'m ColumnMap>,
    pub(super) separator: Option<u8>,
    /// The line of its header, from 1.
    pub(super) header: Option<u64>,
}

/// The header of a table.
#[derive(Debug)]
pub(super) struct Header {
    format: Format,
    fields: Vec<Field>,
    separator: u8,
    /// How much of the text is before the first row after it, and the number of that row's line.
    end: usize,
    line: u64,
}

/// Finds the header of a table among its first rows.
pub(super) fn find_header(text: &str, layout: Layout<'_>) -> Option<Header> {
    let separators: Vec<u8> = layout.separator.map_or(SEPARATORS.to_vec(), |separator| vec![separator]);
    separators.into_iter().find_map(|separator| {
        let mut rows = Rows::from(text, separator, 0, 1);
        let first = layout.header.unwrap_or(1);
        let mut left = HEADER_ROWS_MAX;
        while left > 0 {
            let row = rows.next_row()?;
            if row.line < first {
                continue;
            }
            left = if layout.header.is_some() { 0 } else { left - 1 };
            let cells: Vec<&str> = row.cells.iter().collect();
            if let Some((format, fields)) = contents(&cells, layout) {
                return Some(Header { format, fields, separator, end: rows.at, line: rows.line });
            }
        }
        None
    })
}

fn contents(cells: &[&str], layout: Layout<'_>) -> Option<(Format, Vec<Field>)> {
    if let Some(map) = layout.map {
        return map.fields(cells).map(|fields| (Format::Csv, fields));
    }
    recognise(cells).filter(|(format, _)| layout.format.is_none_or(|wanted| wanted == *format))
}

/// Reads the rows below a header.
pub(super) fn read_table(text: &str, header: &Header) -> Result<Contacts, NotContacts> {
    let mut contacts = Contacts::of(header.format);
    let mut rows = Rows::from(text, header.separator, header.end, header.line);
    let mut number = 0;
    while let Some(row) = rows.next_row() {
        let spot = |number| Spot::new(number, row.line);
        match read_row(&row, header) {
            Ok(None) => {}
            Ok(Some((draft, omitted))) => {
                number += 1;
                contacts.omitted += omitted;
                contacts.take(spot(number), draft.finish(spot(number)));
            }
            Err(message) => {
                number += 1;
                contacts.take(spot(number), Err(Refusal::unreadable(spot(number), "columns", message)));
            }
        }
        if number > CARDS_MAX as u64 {
            return Err(NotContacts::TooMany { max: CARDS_MAX });
        }
    }
    Ok(contacts)
}

/// What a row says; `None` if it is blank.
fn read_row(row: &Row, header: &Header) -> Result<Option<(Draft, Omitted)>, String> {
    if let Some(fault) = &row.fault {
        return Err(fault.clone());
    }
    let named = header.fields.len();
    let found = (1..).zip(&row.cells).filter(|(_, cell)| !cell.trim().is_empty()).last().map_or(0, |(last, _)| last);
    if found > named {
        let found = counted(found, "column", "columns");
        return Err(format!("the row has {found}, but the header has {named}"));
    }
    let mut draft = Draft::default();
    for (field, cell) in header.fields.iter().zip(&row.cells) {
        if cell.len() > PROPERTY_BYTES_MAX {
            return Err(format!("a cell has more than {PROPERTY_BYTES_MAX} bytes"));
        }
        let is_list = header.format == Format::Google && *field != Field::Note;
        let texts = cell.split(VALUE_SEPARATOR).take(if is_list { usize::MAX } else { 0 });
        texts.for_each(|text| draft.put(*field, text));
        if !is_list {
            draft.put(*field, cell);
        }
    }
    let omitted = draft.omitted();
    Ok((found > 0).then_some((draft, omitted)))
}

/// A row of a table.
#[derive(Debug)]
struct Row {
    /// Its line, from 1.
    line: u64,
    cells: StringRecord,
    /// Why it cannot be read.
    fault: Option<String>,
}

/// The rows of a table. A quote without an end would make one row of all that follows: such a row is one line, and
/// reading goes on behind it.
struct Rows<'t> {
    text: &'t str,
    separator: u8,
    reader: Reader<&'t [u8]>,
    /// Where in the text the reader began.
    base: usize,
    /// How much of the text is read, and the number of the line that follows.
    at: usize,
    line: u64,
    open_quotes: usize,
}

impl<'t> Rows<'t> {
    /// The rows of a text from a place on, which begins with this line.
    fn from(text: &'t str, separator: u8, at: usize, line: u64) -> Self {
        Self { text, separator, reader: reader(text, separator, at), base: at, at, line, open_quotes: 0 }
    }

    /// The next row that is not blank; `None` after the last.
    fn next_row(&mut self) -> Option<Row> {
        let mut cells = StringRecord::new();
        if !matches!(self.reader.read_record(&mut cells), Ok(true)) {
            return None;
        }
        let read = usize::try_from(self.reader.position().byte()).expect("a text in memory");
        let mut end = (self.base + read).max(self.at);
        if self.text[..end].ends_with('\r') && self.text[end..].starts_with('\n') {
            end += 1;
        }
        let blank = self.text[self.at..end].len() - self.text[self.at..end].trim_start_matches(['\r', '\n']).len();
        self.pass(blank);
        let (raw, line) = (&self.text[self.at..end], self.line);
        let mut fault = None;
        let is_several = raw.trim_end_matches(['\r', '\n']).contains(['\r', '\n']);
        let is_broken = match quotes(raw, self.separator) {
            Quotes::Paired => false,
            Quotes::Followed => is_several,
            Quotes::Open => {
                self.open_quotes += 1;
                true
            }
        };
        if is_broken {
            end = self.behind_open_quote(end);
            fault = Some("a quote has no end".to_owned());
        } else if raw.len() > CARD_BYTES_MAX {
            fault = Some(format!("the row has more than {CARD_BYTES_MAX} bytes"));
        } else if cells.len() > PROPERTIES_MAX {
            fault = Some(format!("the row has more than {PROPERTIES_MAX} columns"));
        }
        self.pass(end - self.at);
        Some(Row { line, cells, fault })
    }

    /// Where reading goes on behind a row with an open quote: the next line, unless that happened too often.
    fn behind_open_quote(&mut self, end: usize) -> usize {
        let raw = &self.text[self.at..end];
        let line_bytes = raw.find(['\r', '\n']).unwrap_or(raw.len());
        if self.open_quotes > OPEN_QUOTES_MAX || line_bytes == raw.len() {
            return end;
        }
        self.base = self.at + line_bytes;
        self.reader = reader(self.text, self.separator, self.base);
        self.base
    }

    fn pass(&mut self, bytes: usize) {
        self.line += lines::ends(&self.text[self.at..self.at + bytes]);
        self.at += bytes;
    }
}

fn reader(text: &str, separator: u8, at: usize) -> Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(&text.as_bytes()[at..])
}

/// How the quotes of a row are.
enum Quotes {
    /// Each has an end, and a separator behind it.
    Paired,
    /// Something else follows one: over several lines, an open quote met the next one.
    Followed,
    /// One has no end.
    Open,
}

fn quotes(raw: &str, separator: u8) -> Quotes {
    let (mut is_quoted, mut is_start, mut is_followed) = (false, true, false);
    let mut bytes = raw.bytes().peekable();
    let is_end = |byte: &u8| *byte == separator || matches!(byte, b'\n' | b'\r');
    while let Some(byte) = bytes.next() {
        match (is_quoted, byte) {
            (true, b'"') if bytes.peek() == Some(&b'"') => drop(bytes.next()),
            (true, b'"') => {
                is_quoted = false;
                is_followed |= bytes.peek().is_some_and(|next| !is_end(next));
            }
            (false, b'"') if is_start => is_quoted = true,
            (true | false, _) => {}
        }
        is_start = is_end(&byte);
    }
    match (is_quoted, is_followed) {
        (true, _) => Quotes::Open,
        (false, true) => Quotes::Followed,
        (false, false) => Quotes::Paired,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::columns::parse_column_map;
    use proptest::prelude::*;

    const LINKEDIN: &str = "First Name,Last Name,URL,Email Address,Company,Position,Connected On\r\n";

    fn read(text: &str) -> Contacts {
        read_table(text, &find_header(text, Layout::default()).expect("a header")).unwrap()
    }

    fn lines_and_names(contacts: &Contacts) -> Vec<(u64, &str)> {
        contacts.cards.iter().map(|(spot, card)| (spot.line, card.name.as_str())).collect()
    }

    #[test]
    fn a_preamble_is_passed_over_and_blank_rows_are_no_records() {
        let text = format!(
            "Notes:\r\n\"Addresses may be missing, \"\"as people wish\"\".\"\r\n\r\n{LINKEDIN}\
             Ada,Quill,https://social.example/in/ada,ada@x.example,Riverside,GP,12 Mar 2024\r\n,,,,,,\r\n\r\n\
             Percy,Moss,https://social.example/in/percy,,,,13 Mar 2024\r\n"
        );
        let found = read(&text);
        assert_eq!(found.format, Format::Linkedin);
        assert_eq!(lines_and_names(&found), [(5, "Ada Quill"), (8, "Percy Moss")]);
        assert_eq!(found.cards[0].0.record, 1);
        assert!(found.cards[1].1.emails.is_empty(), "nothing of the row above");
        assert_eq!((found.cards[1].0.record, found.cards[1].1.connected_on.as_str()), (2, "13 Mar 2024"));
    }

    #[test]
    fn cells_of_google_have_several_values() {
        let text = "First Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,Phone 1 - Label,Phone 1 - Value,Birthday,Photo,Notes\n\
                    Ada,Quill,* myContacts,* Work,ada@x.example ::: quill@x.example,Mobile,+44 20 7946 0958 ::: 020 7946 0959,1980-01-02,https://p.example/1,a ::: b\n";
        let found = read(text);
        let (_, card) = &found.cards[0];
        assert_eq!((found.format, card.emails.len(), card.phones.len()), (Format::Google, 2, 2));
        assert_eq!((found.omitted.birthdays, found.omitted.photos), (1, 1));
        assert_eq!(card.notes, ["a ::: b"]);
    }

    #[test]
    fn any_table_with_a_map() {
        let map = parse_column_map("name=Naam,email=Post,note=Meer").unwrap();
        let text = "x\nNaam;Post;Meer\nAda Quill;ada@x.example;\"two\nlines\"\n\nPercy Moss;;\n";
        let layout = Layout { map: Some(&map), ..Layout::default() };
        let header = find_header(text, layout).unwrap();
        let found = read_table(text, &header).unwrap();
        assert_eq!(lines_and_names(&found), [(3, "Ada Quill"), (6, "Percy Moss")]);
        assert_eq!(found.cards[0].1.notes, ["two\nlines"]);
        assert!(find_header(text, Layout { header: Some(2), ..layout }).is_some());
        assert!(find_header(text, Layout { header: Some(3), ..layout }).is_none());
        assert!(find_header(text, Layout { separator: Some(b','), ..layout }).is_none());
    }

    #[test]
    fn rows_that_cannot_be_read_are_refused_by_line_and_the_others_are_kept() {
        let text = format!(
            "{LINKEDIN}Ada,Quill,,,,,\n\"Nell,Kettle,,,,,\nPercy,Moss,,,,,,,too many\nOtto,Plum,,\"a\"\"b@x.example\",,,\n,,,x@x.example,,,\nIda,Reed\n"
        );
        let found = read(&text);
        assert_eq!(lines_and_names(&found), [(2, "Ada Quill"), (5, "Otto Plum"), (7, "Ida Reed")]);
        let told: Vec<_> = found.refusals.iter().map(|one| (one.spot.line, one.message.as_str())).collect();
        let expected = [
            (3, "a quote has no end"),
            (4, "the row has 9 columns, but the header has 7"),
            (6, "the record has no name"),
        ];
        assert_eq!(told, expected);
        let long = format!("{LINKEDIN}{},Quill\nAda,Quill\n", "x".repeat(PROPERTY_BYTES_MAX + 1));
        let found = read(&long);
        assert_eq!((found.cards.len(), found.refusals[0].spot.line), (1, 2));
    }

    #[test]
    fn rows_that_say_something_in_columns_nobody_reads_are_refused_and_not_dropped() {
        let map = parse_column_map("name=Name").unwrap();
        let text = "Name,Fax\n,1234\n,\n \n";
        let header = find_header(text, Layout { map: Some(&map), ..Layout::default() }).unwrap();
        let found = read_table(text, &header).unwrap();
        assert_eq!((found.cards.len(), found.refusals.len(), found.refusals[0].spot.line), (0, 1, 2));
    }

    #[test]
    fn tables_of_spreadsheets_have_nulls_tabs_and_old_line_ends() {
        let text = "Sep=;\r\rFirst Name\tLast Name\tConnected On\rA\u{0}da\t\u{202e}Quill\t\rNell\tKettle\t";
        assert_eq!(lines_and_names(&read(text)), [(4, "Ada Quill"), (5, "Nell Kettle")]);
        let wide = format!("{LINKEDIN}{}\nAda,Quill\n", ",".repeat(200_000));
        let found = read(&wide);
        assert_eq!((found.cards.len(), found.refusals.len()), (1, 1), "{:?}", found.refusals);
        let cells = format!("{LINKEDIN}Ada,Quill,,{},,,\nNell,Kettle\n", "a@x.example ".repeat(5_000));
        let found = read(&cells);
        assert_eq!((found.cards.len(), found.refusals[0].spot.line), (1, 2));
    }

    #[test]
    fn many_open_quotes_do_not_make_reading_slow() {
        let rows = "\"open,Quill,,,,,\n".repeat(20_001);
        let found = read(&format!("{LINKEDIN}{rows}Ada,Quill\n"));
        assert_eq!((found.cards.len(), found.refusals.len()), (1, 20_001), "each is refused alone");
        let rows = format!("\"open,Quill\n{}", "Ada,\"Qu\"\"ill\"\n".repeat(20_000));
        let found = read(&format!("{LINKEDIN}{rows}"));
        assert_eq!((found.cards.len(), found.refusals.len()), (20_000, 1));
    }

    proptest! {
        #[test]
        fn any_text_below_a_header_is_read(text in "[a,\"\n\r @.]{0,60}") {
            let _ = read(&format!("{LINKEDIN}{text}"));
        }
    }
}
