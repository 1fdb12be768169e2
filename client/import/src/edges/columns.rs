//! Parses the columns of a list, such as `time,from,to` or `_,id,org,...`.

use super::table::Parts;

/// A column of a list of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactColumn {
    /// When it happened, counted from the epoch.
    Time,
    /// One person; the sender, if there is one.
    From,
    /// The other person.
    To,
    /// Not used.
    Ignored,
}

/// A column of a list of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonColumn {
    /// The person's id.
    Id,
    /// The id of their organisation.
    Organisation,
    /// Their role there.
    Role,
    /// Not used.
    Ignored,
}

/// The columns of a list, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns<C> {
    named: Vec<C>,
    /// Whether rows may have more columns, which are not used.
    is_open: bool,
}

impl<C: Copy + PartialEq> Columns<C> {
    /// How many are named.
    pub(super) fn count(&self) -> usize {
        self.named.len()
    }

    /// Whether a row has exactly these columns, or more if the rest is not used.
    pub(super) fn fit(&self, parts: &Parts<'_>) -> bool {
        let width = self.width_of(parts);
        width == self.count() || (self.is_open && width > self.count())
    }

    /// The number of a row's columns, without empty ones after the last named one.
    pub(super) fn width_of(&self, parts: &Parts<'_>) -> usize {
        let full = parts.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
        full.max(self.count()).min(parts.len())
    }

    /// Whether a row has more columns than may be.
    pub(super) fn are_exceeded_by(&self, parts: &Parts<'_>) -> bool {
        !self.is_open && self.width_of(parts) > self.count()
    }

    /// What a row contains in a column; `None` if the row is shorter or no such column is named.
    pub(super) fn get<'p>(&self, wanted: C, parts: &'p Parts<'_>) -> Option<&'p str> {
        let index = self.named.iter().position(|column| *column == wanted)?;
        parts.get(index).map(AsRef::as_ref)
    }
}

/// Parses the columns of a list of contacts: `time`, `from` and `to` once each, `_` for the others, and `...` at the
/// end if there may be more.
pub fn parse_contact_columns(text: &str) -> Result<Columns<ContactColumn>, String> {
    use ContactColumn::{From, Ignored, Time, To};
    let columns = parse(text, &[("time", Time), ("from", From), ("to", To), ("_", Ignored)])?;
    for (name, column) in [("time", Time), ("from", From), ("to", To)] {
        if !columns.named.contains(&column) {
            return Err(format!("{name} is missing: columns are such as time,from,to"));
        }
    }
    Ok(columns)
}

/// Parses the columns of a list of people: `id` once, `org` and `role` at most once, `_` for the others, and `...` at
/// the end if there may be more.
pub fn parse_people_columns(text: &str) -> Result<Columns<PersonColumn>, String> {
    use PersonColumn::{Id, Ignored, Organisation, Role};
    let columns = parse(text, &[("id", Id), ("org", Organisation), ("role", Role), ("_", Ignored)])?;
    if !columns.named.contains(&Id) {
        return Err("id is missing: columns are such as _,id,org".to_owned());
    }
    Ok(columns)
}

fn parse<C: Copy + PartialEq>(text: &str, names: &[(&str, C)]) -> Result<Columns<C>, String> {
    let mut columns = Columns { named: Vec::new(), is_open: false };
    for part in text.split(',').map(str::trim) {
        if columns.is_open {
            return Err("... comes last: it ignores the rest".to_owned());
        }
        if part == "..." {
            columns.is_open = true;
            continue;
        }
        let Some((name, column)) = names.iter().find(|(name, _)| *name == part) else {
            let known: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            return Err(format!("{part:?} is not a column: the columns are {} and ...", known.join(", ")));
        };
        if *name != "_" && columns.named.contains(column) {
            return Err(format!("{name} is given twice"));
        }
        columns.named.push(*column);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_any_order_with_gaps() {
        use ContactColumn::{From, Ignored, Time, To};
        let closed = |named: &[ContactColumn]| Ok(Columns { named: named.to_vec(), is_open: false });
        assert_eq!(parse_contact_columns("time,from,to"), closed(&[Time, From, To]));
        assert_eq!(parse_contact_columns("_, from,to,_,time"), closed(&[Ignored, From, To, Ignored, Time]));
        let people = vec![PersonColumn::Ignored, PersonColumn::Id, PersonColumn::Organisation];
        assert_eq!(parse_people_columns("_,id,org,..."), Ok(Columns { named: people, is_open: true }));
    }

    #[test]
    fn rows_have_the_named_columns_or_more_if_the_rest_is_ignored() {
        let check = |columns: &str, row: &[&str], fits: bool| {
            let parts: Vec<_> = row.iter().map(|part| (*part).into()).collect();
            assert_eq!(parse_contact_columns(columns).unwrap().fit(&parts), fits, "{columns} {row:?}");
        };
        check("time,from,to", &["20", "a", "b"], true);
        check("time,from,to", &["20", "a"], false);
        check("time,from,to", &["20", "a", "b", "x"], false);
        check("time,from,to", &["20", "a", "b", "", ""], true);
        check("time,from,to,_", &["20", "a", "b", ""], true);
        check("time,from,to,...", &["20", "a", "b", "x", "y"], true);
        check("time,from,to,...", &["20", "a"], false);
    }

    #[test]
    fn what_is_missing_repeated_or_unknown_is_named() {
        let check = |text: &str, part: &str| {
            let message = parse_contact_columns(text).unwrap_err();
            assert!(message.contains(part), "{message}");
        };
        check("from,to", "time is missing");
        check("time,from,from,to", "from is given twice");
        check("time,from,too", "\"too\" is not a column");
        check("", "not a column");
        check("time,...,from,to", "... comes last");
        assert!(parse_people_columns("org").unwrap_err().contains("id is missing"));
    }
}
