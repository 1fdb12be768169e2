//! A map from job titles to roles: titles name people and stay out of the log, roles are a small vocabulary.

use crate::names::folded;
use csv::ReaderBuilder;
use kith_client::EventBuilder;
use kith_core::{event::PersonAdded, timestamp::Timestamp};
use std::{collections::HashMap, fmt};

/// A map from job titles to roles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roles(HashMap<String, String>);

/// Why a file is no map of roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRoles {
    line: u64,
    why: String,
}

impl fmt::Display for NotRoles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is no map of roles: line {}: {}", self.line, self.why)
    }
}

impl Roles {
    /// Reads rows of a title and a role, between commas.
    pub fn parse(text: &str) -> Result<Self, NotRoles> {
        let mut roles = HashMap::new();
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        for row in reader.records() {
            let row = row.map_err(|error| NotRoles { line: 0, why: error.to_string() })?;
            let line = row.position().map_or(0, csv::Position::line);
            let cells: Vec<&str> = row.iter().map(str::trim).collect();
            let [title, role] = cells[..] else {
                return Err(NotRoles {
                    line,
                    why: "a row has a title and a role, such as Ward sister,nurse".to_owned(),
                });
            };
            check(role).map_err(|why| NotRoles { line, why })?;
            let title = folded(title);
            if title.is_empty() {
                return Err(NotRoles { line, why: "the title is empty".to_owned() });
            }
            if let Some(other) = roles.insert(title, role.to_owned()).filter(|other| other != role) {
                return Err(NotRoles { line, why: format!("the title means {other} already") });
            }
        }
        Ok(Self(roles))
    }

    /// The role for a title, whatever its case.
    pub(super) fn of(&self, title: &str) -> Option<&str> {
        self.0.get(&folded(title)).map(String::as_str)
    }
}

/// Checks that a person may have a role.
fn check(role: &str) -> Result<(), String> {
    let person = "somebody".parse().expect("it is an id");
    let added = PersonAdded { person, organisation: None, role: role.to_owned() };
    EventBuilder::new(added, Timestamp::from_millis(0)).build().map(drop).map_err(|invalid| invalid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_have_roles_whatever_their_case() {
        let roles = Roles::parse("Ward Sister,nurse\n\"Partner, GP\",GP\n").unwrap();
        assert_eq!(
            (roles.of("ward  SISTER"), roles.of("partner, gp"), roles.of("Porter")),
            (Some("nurse"), Some("GP"), None)
        );
        assert_eq!(Roles::parse("x\n").unwrap_err().line, 1);
        let told = |text: &str| Roles::parse(text).unwrap_err().to_string();
        assert_eq!(told("Porter,support\n ,nurse\n"), "is no map of roles: line 2: the title is empty");
        assert_eq!(
            told("Porter,support\nPORTER,nurse\n"),
            "is no map of roles: line 2: the title means support already"
        );
        assert_eq!(Roles::parse(&format!("a,b\nx,{}\n", "r".repeat(40))).unwrap_err().line, 2);
    }
}
