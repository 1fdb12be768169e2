//! Which kind of file it is, by its content or because somebody says so, and its records.

use super::{
    card::{Card, Omitted},
    columns::ColumnMap,
    table::{Layout, find_header, read_table},
    vcard::{is_vcard, read_vcards},
};
use crate::{limits::HEADER_ROWS_MAX, refusal::Refusal, spot::Spot};
use std::fmt;

/// A kind of file of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cards: vCard 2.1, 3.0 and 4.0.
    Vcard,
    /// A table of Google Contacts, with the old or the new header.
    Google,
    /// The connections of LinkedIn.
    Linkedin,
    /// A table of Outlook.
    Outlook,
    /// Any other table, with a map of its columns.
    Csv,
}

impl Format {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vcard => "vcard",
            Self::Google => "google",
            Self::Linkedin => "linkedin",
            Self::Outlook => "outlook",
            Self::Csv => "csv",
        }
    }
}

/// How a file is to be read, as far as somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Its kind; `None` if it shows in the content.
    pub format: Option<Format>,
    /// What the columns of a table contain.
    pub map: Option<ColumnMap>,
    /// What separates the columns of a table; `None` for commas, semicolons or tabs, whichever fit its header.
    pub separator: Option<u8>,
    /// The line of a table's header, from 1; `None` if it is among its first twenty rows.
    pub header: Option<u64>,
}

/// The records of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contacts {
    /// The kind of file.
    pub format: Format,
    /// The people, as they stand in the file.
    pub cards: Vec<(Spot, Card)>,
    /// Records that could not be read, and why.
    pub refusals: Vec<Refusal>,
    /// Groups, and cards of organisations and things.
    pub groups: u64,
    /// What is never taken.
    pub omitted: Omitted,
}

impl Contacts {
    pub(super) fn of(format: Format) -> Self {
        Self { format, cards: Vec::new(), refusals: Vec::new(), groups: 0, omitted: Omitted::default() }
    }

    pub(super) fn take(&mut self, spot: Spot, read: Result<Card, Refusal>) {
        match read {
            Ok(card) => self.cards.push((spot, card)),
            Err(refusal) => self.refusals.push(refusal),
        }
    }

    /// Records of the file, whatever became of them.
    pub(super) fn records(&self) -> usize {
        self.cards.len() + self.refusals.len() + usize::try_from(self.groups).unwrap_or(usize::MAX)
    }
}

/// Why a file contains no contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotContacts {
    /// It is neither cards nor a table with a known header.
    Unknown,
    /// It has no card.
    NoCards,
    /// It has no header of this kind.
    NoHeader(Format),
    /// It has no row with the columns that are mapped.
    NoColumns(Vec<String>),
    /// There is nothing below its header.
    Empty,
    /// It has more records than can be matched.
    TooMany {
        /// The maximum.
        max: usize,
    },
}

impl fmt::Display for NotContacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => write!(
                f,
                "has neither cards nor a header of Google, LinkedIn or Outlook in its first {HEADER_ROWS_MAX} rows: \
                 --map says what the columns of another table contain"
            ),
            Self::NoCards => f.write_str("has no card: a card begins with BEGIN:VCARD"),
            Self::NoHeader(format) => {
                write!(f, "has no header of the format {} in its first {HEADER_ROWS_MAX} rows", format.name())
            }
            Self::NoColumns(names) => {
                write!(f, "has no row with the columns {} in its first {HEADER_ROWS_MAX} rows", names.join(", "))
            }
            Self::Empty => f.write_str("has a header, but no record below it"),
            Self::TooMany { max } => write!(f, "has more than {max} records: divide it"),
        }
    }
}

/// Reads the records of a file. A file without any is not one of contacts.
pub fn read_contacts(text: &str, reading: &Reading) -> Result<Contacts, NotContacts> {
    let Reading { format, map, separator, header } = reading;
    let is_cards = match format {
        Some(format) => *format == Format::Vcard,
        None => map.is_none() && is_vcard(text),
    };
    let contacts = if is_cards {
        read_vcards(text)?
    } else {
        let layout = Layout { format: *format, map: map.as_ref(), separator: *separator, header: *header };
        let header = find_header(text, layout).ok_or_else(|| no_header(*format, map.as_ref()))?;
        read_table(text, &header)?
    };
    if contacts.records() == 0 { Err(NotContacts::Empty) } else { Ok(contacts) }
}

fn no_header(format: Option<Format>, map: Option<&ColumnMap>) -> NotContacts {
    match (map, format) {
        (Some(map), _) => NotContacts::NoColumns(map.missing(&[]).into_iter().map(str::to_owned).collect()),
        (None, Some(format)) => NotContacts::NoHeader(format),
        (None, None) => NotContacts::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contacts::columns::parse_column_map;

    fn check(text: &str, reading: &Reading, expected: &Result<Format, NotContacts>) {
        assert_eq!(&read_contacts(text, reading).map(|contacts| contacts.format), expected, "{text}");
    }

    #[test]
    fn files_are_recognised_by_their_content_and_nothing_is_an_error() {
        let any = Reading::default;
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Quill\r\nEND:VCARD\r\n";
        check(card, &any(), &Ok(Format::Vcard));
        check(&format!("\n\n{}", card.to_lowercase()), &any(), &Ok(Format::Vcard));
        let google = "Name,Given Name,Family Name,Group Membership\nAda Quill,Ada,Quill,x\n";
        check(google, &any(), &Ok(Format::Google));
        check(
            google,
            &Reading { format: Some(Format::Linkedin), ..any() },
            &Err(NotContacts::NoHeader(Format::Linkedin)),
        );
        check("First Name,Last Name,Connected On\n", &any(), &Err(NotContacts::Empty));
        for text in ["", "\n\n", "Ada Quill\n", "{\"event\":{}}\n", "\u{0}\u{0}"] {
            check(text, &any(), &Err(NotContacts::Unknown));
        }
        check("Ada", &Reading { format: Some(Format::Vcard), ..any() }, &Err(NotContacts::NoCards));
        let map = parse_column_map("name=Full Name,email=Mail").ok();
        let missing = NotContacts::NoColumns(vec!["Full Name".into(), "Mail".into()]);
        check("Full Name,Post\nAda,x\n", &Reading { map: map.clone(), ..any() }, &Err(missing));
        check("Full Name\tMail\nAda\tx\n", &Reading { map, ..any() }, &Ok(Format::Csv));
    }
}
