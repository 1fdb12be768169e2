//! Texts that are not the list they are taken for. Nothing of them is recorded.

use kith_core::counted::counted;
use kith_core::timestamp::Timestamp;
use kith_json::time_text;
use std::fmt;

/// Why a text is not a list with the columns that are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotList {
    /// It is a matrix, with a row and a column for each person.
    Matrix {
        /// Its rows, without a heading.
        rows: usize,
        /// Its columns, without names.
        columns: usize,
    },
    /// No row has the columns that are named.
    Misfit {
        /// The line of the first row, from 1.
        line: u64,
        /// The number of its columns.
        found: usize,
        /// The number of columns that are named.
        named: usize,
    },
    /// A time is a number, and it is not known what it is counted from.
    Undated {
        /// The line, from 1.
        line: u64,
        /// When it would be if it were counted from 1970.
        time: Timestamp,
    },
}

impl fmt::Display for NotList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matrix { rows, columns } => write!(
                f,
                "is a matrix of {rows} rows and {columns} columns, not a list of contacts: a list has a row for each \
                 contact, with its time and two people"
            ),
            Self::Misfit { line, found, named } => {
                write!(f, "does not have the columns that are named: line {line} has {}", uneven(*found, *named))
            }
            Self::Undated { line, time } => write!(
                f,
                "does not say when it begins: the time in line {line} would be {} if it were counted in these units \
                 from 1970; give the list's time zero with --epoch (1970-01-01 if it is that), or its unit with --unit",
                time_text(*time)
            ),
        }
    }
}

/// How many columns a row has, how many are named, and what to do.
pub(super) fn uneven(found: usize, named: usize) -> String {
    let advice = match found {
        _ if found > named => ": name unused columns _, or end with ... to ignore the rest",
        1 => ": --separator says what separates them",
        _ => "",
    };
    let are_named = counted(named, "is named", "are named");
    format!("{}, but {are_named}{advice}", counted(found, "column", "columns"))
}
