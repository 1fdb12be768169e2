//! Recognises matrices: a row and a column for each person, with a number for each pair.

use super::{cell::is_number, table::Record};
use crate::limits::MATRIX_SIZE_MIN;

/// The rows and columns of a matrix, without the names beside and above it; `None` if it is something else.
///
/// A matrix contains nothing but 0 and 1; or it is square, has the same number all along its diagonal, and has another
/// number of columns than the list is said to have.
pub(super) fn size<'t>(rows: impl Iterator<Item = Record<'t>>, named: usize) -> Option<(usize, usize)> {
    let mut matrix: Option<Matrix> = None;
    for (index, row) in rows.enumerate() {
        let cells: Vec<&str> = row.parts.iter().map(AsRef::as_ref).filter(|cell: &&str| !cell.is_empty()).collect();
        let (first, others) = cells.split_first()?;
        if !others.iter().all(|cell| is_number(cell)) {
            if index == 0 {
                continue;
            }
            return None;
        }
        let is_named = !is_number(first);
        let numbers = if is_named { others } else { &cells };
        match &mut matrix {
            None => matrix = Some(Matrix::new(numbers, is_named)?),
            Some(matrix) => matrix.add(numbers, is_named)?,
        }
    }
    let Matrix { columns, rows, is_binary, has_even_diagonal, .. } = matrix?;
    let is_square = rows == columns && has_even_diagonal && columns > MATRIX_SIZE_MIN && columns != named;
    (rows >= MATRIX_SIZE_MIN && (is_binary || is_square)).then_some((rows, columns))
}

/// What the rows so far have in common.
struct Matrix {
    columns: usize,
    rows: usize,
    is_named: bool,
    is_binary: bool,
    has_even_diagonal: bool,
    diagonal: f64,
}

impl Matrix {
    fn new(numbers: &[&str], is_named: bool) -> Option<Self> {
        let diagonal = numbers.first()?.parse().ok()?;
        let is_binary = numbers.iter().all(|number| is_bit(number));
        let matrix = Self { columns: numbers.len(), rows: 1, is_named, is_binary, has_even_diagonal: true, diagonal };
        (matrix.columns >= MATRIX_SIZE_MIN).then_some(matrix)
    }

    /// Adds a row; `None` if it is different, or no matrix is possible any more.
    fn add(&mut self, numbers: &[&str], is_named: bool) -> Option<()> {
        self.is_binary &= numbers.iter().all(|number| is_bit(number));
        let on_diagonal = numbers.get(self.rows).and_then(|number| number.parse().ok());
        self.has_even_diagonal &= on_diagonal == Some(self.diagonal);
        self.rows += 1;
        let is_alike = numbers.len() == self.columns && is_named == self.is_named;
        (is_alike && (self.is_binary || self.has_even_diagonal)).then_some(())
    }
}

fn is_bit(number: &str) -> bool {
    number.parse().is_ok_and(|number: f64| [0.0, 1.0].contains(&number))
}

#[cfg(test)]
mod tests {
    use super::super::table::{Layout, Table};
    use super::*;

    fn check(text: &str, named: usize, expected: Option<(usize, usize)>) {
        let table = Table::new(text, Layout::default(), |_| true, |_| false);
        assert_eq!(size(table.records(), named), expected, "{text}");
    }

    #[test]
    fn matrices_are_recognised_with_and_without_names() {
        check(" 0 1 0 0 1\n 1 0 0 1 0\n 0 1 0 0 0\n 1 0 1 0 0\n 0 0 1 1 0\n", 3, Some((5, 5)));
        check("0 1 1\n1 0 0\n1 0 0\n", 3, Some((3, 3)));
        check("0,1,1,0\n1,0,0,1.0\n1,0,0,0\n", 3, Some((3, 4)));
        check("0\t7\t2\t1\n7\t0\t3\t1\n2\t3\t0\t9\n4\t4\t4\t0\n", 3, Some((4, 4)));
        check("ann bo cy\n0 1 1\n1 0 0\n1 0 0\n", 3, Some((3, 3)));
        check(",ann,bo,cy\nann,0,1,1\nbo,1,0,0\ncy,1,0,0\n", 3, Some((3, 3)));
    }

    #[test]
    fn lists_are_not_taken_for_matrices() {
        check("582 364 0\n168 472 2797\n168 912 3304\n2 3 9\n", 3, None);
        check("0 7 2 1\n7 0 3 1\n2 3 0 9\n4 4 4 0\n", 4, None);
        check("0 1 1\n1 0 0\n", 3, None);
        check("20 a b\n21 a c\n22 b c\n", 3, None);
        check("a 0 1\nb 1 0\nc 0 0\n", 3, None);
        check("0 1 1\n1 0\n1 0 0\n", 3, None);
        check("", 3, None);
    }
}
