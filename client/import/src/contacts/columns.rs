//! Which columns of a table contain what: headers of Google, LinkedIn and Outlook, and those that somebody names.

use super::{card::Field, format::Format};
use crate::names::folded;

/// The names of fields in a map of columns.
const MAP_FIELDS: [(&str, Field); 11] = [
    ("name", Field::Name),
    ("first", Field::Given),
    ("last", Field::Family),
    ("email", Field::Email),
    ("phone", Field::Phone),
    ("link", Field::Link),
    ("id", Field::Id),
    ("org", Field::Organisation),
    ("role", Field::Title),
    ("note", Field::Note),
    ("address", Field::Address),
];

/// Which columns of a table contain what, by their names in its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnMap(Vec<(String, Field)>);

impl ColumnMap {
    /// What each column of a header contains, if the header has all the columns.
    pub(super) fn fields(&self, header: &[&str]) -> Option<Vec<Field>> {
        let cells: Vec<String> = header.iter().map(|cell| folded(cell)).collect();
        if !self.missing(header).is_empty() {
            return None;
        }
        let field = |cell: &String| self.0.iter().find(|(name, _)| folded(name) == *cell);
        Some(cells.iter().map(|cell| field(cell).map_or(Field::Ignored, |(_, field)| *field)).collect())
    }

    /// The columns that a header has not.
    pub(super) fn missing(&self, header: &[&str]) -> Vec<&str> {
        let cells: Vec<String> = header.iter().map(|cell| folded(cell)).collect();
        self.0.iter().map(|(name, _)| name.as_str()).filter(|name| !cells.contains(&folded(name))).collect()
    }
}

/// Parses a map of columns, such as `name=Full Name,email=Mail,org=Company`. A comma may also be within a column's name.
pub fn parse_column_map(text: &str) -> Result<ColumnMap, String> {
    let mut columns: Vec<(String, Field)> = Vec::new();
    for part in text.split(',') {
        let known = part.split_once('=').and_then(|(field, name)| {
            let (_, field) = MAP_FIELDS.iter().find(|(known, _)| *known == field.trim())?;
            Some((name.trim().to_owned(), *field))
        });
        match (known, columns.last_mut()) {
            (Some(column), _) => columns.push(column),
            (None, Some((name, _))) if !part.contains('=') => {
                name.push(',');
                name.push_str(part);
            }
            (None, _) => {
                let names: Vec<_> = MAP_FIELDS.iter().map(|(name, _)| *name).collect();
                return Err(format!("{part:?} maps nothing: it is such as name=Full Name, with {}", names.join(", ")));
            }
        }
    }
    if columns.iter().any(|(name, _)| folded(name).is_empty()) {
        return Err("a column has a name: name=Full Name".to_owned());
    }
    let is_named = |column: &(String, Field)| matches!(column.1, Field::Name | Field::Given | Field::Family);
    if !columns.iter().any(is_named) {
        return Err("no column says who it is: name, or first and last".to_owned());
    }
    Ok(ColumnMap(columns))
}

/// What each column of a header contains, and whose header it is; `None` if it is nobody's.
pub(super) fn recognise(header: &[&str]) -> Option<(Format, Vec<Field>)> {
    let cells: Vec<String> = header.iter().map(|cell| folded(cell)).collect();
    let has = |name: &str| cells.iter().any(|cell| cell == name);
    let has_value = cells.iter().any(|cell| is_numbered(cell, "e-mail ", " - value"));
    let (format, field): (Format, fn(&str) -> Field) = if has("first name") && has("last name") && has("connected on") {
        (Format::Linkedin, linkedin_field)
    } else if (has("given name") || has("first name")) && (has_value || has("labels") || has("group membership")) {
        (Format::Google, google_field)
    } else if has("first name") && has("last name") && (has("e-mail address") || has("business phone")) {
        (Format::Outlook, outlook_field)
    } else {
        return None;
    };
    Some((format, cells.iter().map(|cell| field(cell)).collect()))
}

/// Whether a name is a prefix, a number and a suffix.
fn is_numbered(name: &str, prefix: &str, suffix: &str) -> bool {
    let number = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn google_field(name: &str) -> Field {
    match name {
        "name" => Field::Name,
        "given name" | "first name" => Field::Given,
        "additional name" | "middle name" => Field::Middle,
        "family name" | "last name" => Field::Family,
        "organization name" | "organization 1 - name" => Field::Organisation,
        "organization title" | "organization 1 - title" => Field::Title,
        "notes" => Field::Note,
        "birthday" => Field::Birthday,
        "photo" => Field::Photo,
        _ if is_numbered(name, "e-mail ", " - value") => Field::Email,
        _ if is_numbered(name, "phone ", " - value") => Field::Phone,
        _ if is_numbered(name, "website ", " - value") => Field::Link,
        _ if is_numbered(name, "address ", " - formatted") => Field::Address,
        _ if name.ends_with(" - value") => Field::Other,
        _ => Field::Ignored,
    }
}

fn linkedin_field(name: &str) -> Field {
    match name {
        "first name" => Field::Given,
        "last name" => Field::Family,
        "url" => Field::Link,
        "email address" => Field::Email,
        "company" => Field::Organisation,
        "position" => Field::Title,
        "connected on" => Field::ConnectedOn,
        _ => Field::Other,
    }
}

fn outlook_field(name: &str) -> Field {
    match name {
        "first name" => Field::Given,
        "middle name" => Field::Middle,
        "last name" => Field::Family,
        "e-mail address" | "e-mail 2 address" | "e-mail 3 address" => Field::Email,
        "web page" | "personal web page" => Field::Link,
        "company" => Field::Organisation,
        "job title" => Field::Title,
        "notes" => Field::Note,
        "birthday" => Field::Birthday,
        // The assistant is somebody else.
        "anniversary" | "spouse" | "children" | "hobby" | "assistant's phone" => Field::Other,
        _ if name.ends_with(" phone") || name.ends_with(" phone 2") => Field::Phone,
        _ => outlook_address_part(name).map_or(Field::Ignored, Field::AddressPart),
    }
}

fn outlook_address_part(name: &str) -> Option<u8> {
    const PARTS: [&str; 8] =
        ["street", "street 2", "street 3", "city", "state", "postal code", "country", "country/region"];
    let (place, part) = name.split_once(' ')?;
    let number = ["business", "home", "other"].iter().position(|known| *known == place)?;
    PARTS.contains(&part).then(|| u8::try_from(number).expect("there are three"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<Format>) {
        let cells: Vec<&str> = header.split(',').collect();
        assert_eq!(recognise(&cells).map(|(format, _)| format), expected, "{header}");
    }

    #[test]
    fn headers_are_recognised_by_their_names() {
        check("Name,Given Name,Family Name,Group Membership,E-mail 1 - Type,E-mail 1 - Value", Some(Format::Google));
        check("First Name,Middle Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value", Some(Format::Google));
        check("First Name,Last Name,URL,Email Address,Company,Position,Connected On", Some(Format::Linkedin));
        check("Title,First Name,Middle Name,Last Name,Company,E-mail Address", Some(Format::Outlook));
        check("First Name,Last Name,Mail", None);
        check("", None);
    }

    #[test]
    fn columns_are_mapped_by_name_whatever_their_case() {
        let map = parse_column_map("name=Full Name,email=Mail,email=Mail, private,org=Company").unwrap();
        let header = ["company", " FULL NAME ", "x", "Mail", "mail, private"];
        let fields = [Field::Organisation, Field::Name, Field::Ignored, Field::Email, Field::Email];
        assert_eq!(map.fields(&header), Some(fields.to_vec()));
        assert_eq!(
            (map.fields(&["Full Name"]), map.missing(&["Full Name", "Mail"])),
            (None, vec!["Mail, private", "Company"])
        );
        for text in ["", "mail=Mail", "email=Mail", "name=", "Full Name", "name=A,fax=F"] {
            assert!(parse_column_map(text).is_err(), "{text}");
        }
    }

    #[test]
    fn columns_of_services_contain_what_they_say() {
        for (name, field) in [
            ("e-mail 12 - value", Field::Email),
            ("e-mail x - value", Field::Other),
            ("phone 1 - type", Field::Ignored),
            ("relation 1 - value", Field::Other),
            ("address 1 - formatted", Field::Address),
        ] {
            assert_eq!(google_field(name), field, "{name}");
        }
        assert_eq!(outlook_field("home postal code"), Field::AddressPart(1));
        assert_eq!(outlook_field("mobile phone"), Field::Phone);
        assert_eq!(outlook_field("business fax"), Field::Ignored);
        assert_eq!(outlook_field("assistant's phone"), Field::Other);
    }
}
