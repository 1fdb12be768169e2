//! The columns that a question returns, and the texts that it wants in one of them.

use crate::contract::{self, Field, FieldType, FieldUnknown, GuestValue};
use std::collections::BTreeSet;

/// Only rows with one of these texts in a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// The column's name.
    pub column: String,
    /// The texts.
    pub texts: BTreeSet<String>,
}

/// Why a question names columns in vain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// The column whose texts are asked for does not exist.
    #[error(transparent)]
    OnlyUnknown(FieldUnknown),
    /// It contains no texts.
    #[error("the field `{name}` contains no texts but {of}s")]
    NotText {
        /// The name asked for.
        name: String,
        /// What it contains.
        of: &'static str,
    },
    /// A column to return does not exist.
    #[error(transparent)]
    Unknown(FieldUnknown),
}

/// What a question asks of the columns of a view or report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen<'q> {
    only: Option<(usize, &'q BTreeSet<String>)>,
    /// The columns to return; `None` for all.
    columns: Option<Vec<usize>>,
}

impl<'q> Chosen<'q> {
    /// Finds the columns that are named, each once.
    pub(crate) fn of(fields: &[Field], only: Option<&'q Only>, columns: &[String]) -> Result<Self, ColumnError> {
        let only = match only {
            Some(only) => Some((text_column(fields, &only.column)?, &only.texts)),
            None => None,
        };
        let columns = columns.iter().map(|name| contract::column(fields, name));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(ColumnError::Unknown)?;
        Ok(Self { only, columns: (!columns.is_empty()).then_some(columns) })
    }

    /// Whether a row is asked for; `value` reads one of its columns.
    pub(crate) fn wants(&self, value: impl FnOnce(usize) -> GuestValue) -> bool {
        self.only.is_none_or(|(column, texts)| match value(column) {
            GuestValue::Text(text) => texts.contains(&text),
            GuestValue::None
            | GuestValue::Number(_)
            | GuestValue::Integer(_)
            | GuestValue::Flag(_)
            | GuestValue::Day(_)
            | GuestValue::Person(_)
            | GuestValue::Event(_) => false,
        })
    }

    /// Those of a row's values, or of the columns themselves, that are asked for.
    pub(crate) fn of_row<T>(&self, values: Vec<T>) -> Vec<T> {
        let Some(columns) = &self.columns else { return values };
        let mut values: Vec<Option<T>> = values.into_iter().map(Some).collect();
        columns.iter().map(|column| values[*column].take().expect("each column is named once")).collect()
    }
}

fn text_column(fields: &[Field], name: &str) -> Result<usize, ColumnError> {
    let column = contract::column(fields, name).map_err(ColumnError::OnlyUnknown)?;
    match fields[column].of {
        FieldType::Text => Ok(column),
        other => Err(ColumnError::NotText { name: name.to_owned(), of: other.name() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<Field> {
        let field = |name: &str, of| Field { name: name.to_owned(), of, about: String::new() };
        vec![field("score", FieldType::Number), field("state", FieldType::Text), field("place", FieldType::Text)]
    }

    fn only(column: &str, texts: &[&str]) -> Only {
        Only { column: column.to_owned(), texts: texts.iter().map(|text| (*text).to_owned()).collect() }
    }

    #[test]
    fn rows_are_wanted_by_the_texts_of_a_column() {
        let fields = fields();
        let only = only("state", &["late", "open"]);
        let chosen = Chosen::of(&fields, Some(&only), &[]).unwrap();
        for (value, expected) in [
            (GuestValue::Text("late".into()), true),
            (GuestValue::Text("Late".into()), false),
            (GuestValue::Text(String::new()), false),
            (GuestValue::None, false),
        ] {
            let wanted = chosen.wants(|column| if column == 1 { value.clone() } else { GuestValue::None });
            assert_eq!(wanted, expected, "{value:?}");
        }
        assert!(Chosen::of(&fields, None, &[]).unwrap().wants(|_| GuestValue::None));
    }

    #[test]
    fn columns_come_in_the_order_in_which_they_are_named() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let fields = fields();
        let chosen = |names: &[&str]| Chosen::of(&fields, None, &columns(names)).unwrap().of_row(vec![1, 2, 3]);
        assert_eq!(chosen(&[]), [1, 2, 3]);
        assert_eq!(chosen(&["place", "score"]), [3, 1]);
    }

    #[test]
    fn what_is_named_in_vain_is_told() {
        let fields = fields();
        let of = |only: Option<&Only>, columns: &[String]| Chosen::of(&fields, only, columns).map(drop);
        assert!(matches!(of(Some(&only("luck", &["x"])), &[]), Err(ColumnError::OnlyUnknown(_))));
        let of_numbers = of(Some(&only("score", &["1"])), &[]).unwrap_err();
        assert_eq!(of_numbers.to_string(), "the field `score` contains no texts but numbers");
        assert!(matches!(of(None, &["luck".to_owned()]), Err(ColumnError::Unknown(_))));
    }
}
