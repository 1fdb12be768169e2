//! All limits of reading lists.

use kith_core::timestamp::Timestamp;

/// Rows of a list that show what separates its columns.
pub(crate) const ROWS_SAMPLED_MAX: usize = 1_000;
/// The least number of rows and columns of what is taken for a matrix.
pub(crate) const MATRIX_SIZE_MIN: usize = 3;
/// Rows with digits in their ids after which a first row without one is a heading.
pub(crate) const NUMBERED_ROWS_MIN: usize = 2;
/// Without a time zero, numbers that mean earlier times (1980-01-01) rather count from something else than 1970.
pub(crate) const UNIX_TIME_MIN: Timestamp = Timestamp::from_millis(315_532_800_000);
/// Letters of a cell that a refusal quotes.
pub(crate) const QUOTED_LETTERS_MAX: usize = 40;
/// New organisations with one person each that a list may have before they could be names taken for organisations.
pub(crate) const LONE_ORGANISATIONS_MAX: usize = 9;
