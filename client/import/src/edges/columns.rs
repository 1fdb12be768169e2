//! Parses the columns of a list, such as `time,from,to` or `_,id,org`.

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

/// Parses the columns of a list of contacts: `time`, `from` and `to` once each, `_` for the others.
pub fn parse_contact_columns(text: &str) -> Result<Vec<ContactColumn>, String> {
    use ContactColumn::{From, Ignored, Time, To};
    let columns = parse(text, &[("time", Time), ("from", From), ("to", To), ("_", Ignored)])?;
    for (name, column) in [("time", Time), ("from", From), ("to", To)] {
        if !columns.contains(&column) {
            return Err(format!("{name} is missing: columns are such as time,from,to"));
        }
    }
    Ok(columns)
}

/// Parses the columns of a list of people: `id` once, `org` and `role` at most once, `_` for the others.
pub fn parse_people_columns(text: &str) -> Result<Vec<PersonColumn>, String> {
    use PersonColumn::{Id, Ignored, Organisation, Role};
    let columns = parse(text, &[("id", Id), ("org", Organisation), ("role", Role), ("_", Ignored)])?;
    if !columns.contains(&Id) {
        return Err("id is missing: columns are such as _,id,org".to_owned());
    }
    Ok(columns)
}

fn parse<C: Copy + PartialEq>(text: &str, names: &[(&str, C)]) -> Result<Vec<C>, String> {
    let mut columns = Vec::new();
    for part in text.split(',').map(str::trim) {
        let Some((name, column)) = names.iter().find(|(name, _)| *name == part) else {
            let known: Vec<_> = names.iter().map(|(name, _)| *name).collect();
            return Err(format!("{part:?} is not a column: the columns are {}", known.join(", ")));
        };
        if *name != "_" && columns.contains(column) {
            return Err(format!("{name} is given twice"));
        }
        columns.push(*column);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_in_any_order_with_gaps() {
        use ContactColumn::{From, Ignored, Time, To};
        assert_eq!(parse_contact_columns("time,from,to"), Ok(vec![Time, From, To]));
        assert_eq!(parse_contact_columns("_, from,to,_,time"), Ok(vec![Ignored, From, To, Ignored, Time]));
        let people = [PersonColumn::Ignored, PersonColumn::Id, PersonColumn::Organisation];
        assert_eq!(parse_people_columns("_,id,org"), Ok(people.to_vec()));
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
        assert!(parse_people_columns("org").unwrap_err().contains("id is missing"));
    }
}
